"""The films that a run may look at: those of its own case that had been taken at the cutoff."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import msgspec

from clinseek_core.case import Case, CaseImage, Policy
from clinseek_core.imaging.refusal import FilmError

__all__ = ["AskedFilm", "CaseFilms", "name_of_view"]

_VIEW = re.compile(r"(?P<name>.+)\.(?:shown|w(?P<center>-?\d+(?:\.\d+)?),(?P<width>\d+(?:\.\d+)?))\.png")
_SUFFIXES = (".dcm", ".png", ".jpg", ".jpeg")
_LISTED = 20


class AskedFilm(msgspec.Struct, frozen=True):
    """A film of the case: as the case names it, where it lies, and the window of a view of it."""

    name: str
    path: Path
    window: tuple[float, float] | None = None


def name_of_view(film: AskedFilm, window: tuple[float, float] | None) -> str:
    """What a picture made of a film is called: its name says how to make it again, so nothing is kept."""
    return f"{film.name}.shown.png" if window is None else f"{film.name}.w{window[0]:g},{window[1]:g}.png"


class CaseFilms:
    """The films of one case, by every name a model may use for them."""

    def __init__(self, case: Case, policy: Policy, folder: Path) -> None:
        self.root = folder
        """Where relative paths of the case's images start; films lie in it or where the case says."""
        self._known: dict[str, AskedFilm] = {}
        self._later = 0
        for image in case.images:
            if image.taken_at is None or _is_known(image.taken_at, case.prediction_time, policy):
                self._add(image)
            else:
                self._later += 1
        self.names: tuple[str, ...] = tuple(dict.fromkeys(film.name for film in self._known.values()))
        """As the case and its files name them."""

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that films may lie in."""
        return tuple(dict.fromkeys(film.path.parent for film in self._known.values()))

    def find(self, written: str) -> AskedFilm:
        """The film, or the view of one, that a model means.

        Raises FilmError where it is none of the case's, known by then.
        """
        view = _VIEW.fullmatch(written.strip())
        name = view["name"] if view else written.strip()
        film = self._known.get(name.lower()) or self._known.get(Path(name).name.lower())
        if film is None:
            raise FilmError("outside", f"it is no film of this case; there are: {self._listed()}")
        if view and view["center"] is not None:
            return msgspec.structs.replace(film, window=(float(view["center"]), float(view["width"])))
        return film

    def _listed(self) -> str:
        return ", ".join(self.names[:_LISTED]) or "none"

    def _add(self, image: CaseImage) -> None:
        """The image's file, and the others of the same film beside it: the PNG of a DICOM, or the reverse."""
        named = self.root / image.path
        beside = [named.with_suffix(suffix) for suffix in _SUFFIXES if named.with_suffix(suffix) != named]
        for path in (named, *(other for other in beside if other.is_file())):
            film = AskedFilm(str(Path(image.path).with_suffix(path.suffix)), path)
            for name in (film.name, str(path), path.name):
                self._known.setdefault(name.lower(), film)
        first = self._known[image.path.lower()]
        for name in filter(None, (image.dicom_id, named.stem)):
            self._known.setdefault(name.lower(), first)


def _is_known(taken_at: datetime, cutoff: datetime, policy: Policy) -> bool:
    return taken_at <= cutoff if policy.boundary == "inclusive" else taken_at < cutoff
