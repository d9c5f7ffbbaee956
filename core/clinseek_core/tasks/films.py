"""The films of studies, as a case names them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from clinseek_core.case import CaseImage
from clinseek_core.tasks.whole import Whole

__all__ = ["FilmFiles"]

_SUFFIXES = (".png", ".jpg", ".dcm")
"""In the order in which they are taken, where a film lies there more than once."""


class FilmFiles:
    """The films under `<tree>/cxr`, by study; their paths are relative to `folder` where they lie in it."""

    def __init__(self, whole: Whole, tree: Path, folder: Path) -> None:
        self._whole = whole
        self._cxr = (tree / "cxr").resolve()
        self._folder = folder.resolve()

    def of(self, studies: Iterable[int]) -> tuple[CaseImage, ...]:
        """The films of each study that lie there, in the order of studies and film ids."""
        return tuple(image for study in studies for image in self._of_study(study))

    def _of_study(self, study: int) -> list[CaseImage]:
        rows = self._whole.con.execute(
            "SELECT dicom_id, path, known_at FROM cxr_record_list WHERE study_id = ? ORDER BY dicom_id",
            [study],
        ).fetchall()
        named = ((self._file(str(path)), dicom_id, taken) for dicom_id, path, taken in rows)
        return [
            CaseImage(path=self._named(file), study_id=study, dicom_id=dicom_id, taken_at=taken)
            for file, dicom_id, taken in named
            if file is not None
        ]

    def _file(self, path: str) -> Path | None:
        """The film's file; None where it is not there, or the list names one outside of the tree."""
        files = ((self._cxr / path).with_suffix(suffix).resolve() for suffix in _SUFFIXES)
        return next((file for file in files if file.is_file() and file.is_relative_to(self._cxr)), None)

    def _named(self, file: Path) -> str:
        return str(file.relative_to(self._folder) if file.is_relative_to(self._folder) else file)
