"""T10: films and reports of studies that had not been taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from clinseek_replay.audit.leak import Leak, cell_leak
from clinseek_replay.audit.seen import number_of
from clinseek_replay.tables import TextTable, stamp_of

if TYPE_CHECKING:
    from clinseek_replay.audit.inspection import Inspection, Sight

__all__ = ["Films", "image_future"]

_STUDY = re.compile(r"(?:^|/)s(\d{6,9})(?=[/.])", re.ASCII)
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)", re.ASCII)
_PATHS = ("image_path", "dicom_path", "path", "image")
_END_OF_DAY = "23:59:59"


class Films:
    """When studies and films were taken, by their identifiers, as the run or the record tells it."""

    def __init__(self, inspection: Inspection) -> None:
        self._taken: dict[str, str] = {}
        for sight in inspection.sights():
            if "study" in sight.text or "Study" in sight.text:
                for table in sight.tables:
                    self._read(table)
        if inspection.times is not None:
            for row in inspection.times.rows_of("cxr_metadata"):
                known = (row.get("known_at") or "")[:19]
                for key in ("study_id", "dicom_id"):
                    if known and row.get(key):
                        self._taken.setdefault(str(row[key]), known)

    def _read(self, table: TextTable) -> None:
        for row in range(len(table)):
            taken = taken_at(table, row)
            for key in ("study_id", "dicom_id", "image_id"):
                name = table.value(row, key)
                if name and taken:
                    self._taken.setdefault(number_of(name), taken)

    def taken(self, path: str) -> str:
        """When the film at a path was taken; empty where that is not known."""
        study = _STUDY.search(path)
        of_film = self._taken.get(PurePosixPath(path).stem, "")
        return of_film or (self._taken.get(study[1], "") if study else "")


def taken_at(table: TextTable, row: int) -> str:
    """When a row's study was taken, as a time; the start of the day where that is all it says."""
    stamp = stamp_of(table.value(row, "studydatetime"))
    if stamp is not None:
        return stamp.at
    found = _DAY.fullmatch(number_of(table.value(row, "studydate")))
    if found is None:
        return ""
    digits = table.value(row, "studytime").partition(".")[0].replace(":", "").zfill(6)
    is_clock = digits.isdigit() and len(digits) == 6
    clock_text = f"{digits[:2]}:{digits[2:4]}:{digits[4:6]}" if is_clock else "00:00:00"
    return f"{found[1]}-{found[2]}-{found[3]} {clock_text}"


def image_future(sight: Sight) -> Iterator[Leak]:
    """Rows of studies taken after the cutoff, and tools that looked at such films."""
    if "tudy" in sight.text:
        for table in sight.tables:
            column = next(
                (table.index[name] for name in ("studydatetime", "studydate") if name in table.index), None
            )
            for row in range(len(table)) if column is not None else ():
                taken = taken_at(table, row)
                if column is not None and taken and sight.run.beyond.is_beyond(taken):
                    yield cell_leak(
                        sight,
                        table,
                        row,
                        column,
                        scope="row",
                        at=taken,
                        why="is after the cutoff: the study had not been taken",
                    )
    if not sight.call.name.startswith("image.") or (sight.call.result and sight.call.result.status != "ok"):
        return
    for name, value in (sight.call.arguments or {}).items():
        if name not in _PATHS or not isinstance(value, str):
            continue
        taken = sight.run.films.taken(value)
        if not taken:
            sight.run.unverified["T10", "a film is looked at, and not said when it was taken"] += 1
        elif sight.run.beyond.is_beyond(taken):
            yield Leak(
                sight,
                "call",
                value,
                f"was taken at {taken}, after the cutoff",
                taken,
                column=name,
                in_arguments=True,
            )
