"""T9: another patient's rows, records and films."""

from __future__ import annotations

import re
from collections.abc import Iterator

from clinseek_replay.audit.inspection import Sight, is_patient_data
from clinseek_replay.audit.leak import Leak, cell_leak
from clinseek_replay.audit.seen import number_of

__all__ = ["other_patient"]

_PREFIXED = ("note_id", "poe_id", "emar_id", "discontinue_of_poe_id", "discontinued_by_poe_id")
"""Identifiers that begin with the patient's own: `90000001-RR-3`."""
_PREFIXED_BY = ("note", "poe", "emar")
"""How their names end before `_id`."""
_SUBJECT = re.compile(r"\d{4,9}(?:\.0)?", re.ASCII)
_PREFIX = re.compile(r"\b(\d{5,9})-(?:[A-Z]{2}-)?\d", re.ASCII)
_FILM_OF = re.compile(r"(?:^|/)p(\d{8})(?=/)", re.ASCII)


def other_patient(sight: Sight) -> Iterator[Leak]:
    """Whatever names a patient that is not the run's."""
    subject = sight.run.trajectory.subject_id
    if subject is None:
        return
    yield from _arguments(sight, str(subject))
    names = tuple(_names_in(sight.text, str(subject))) if is_patient_data(sight.call.name) else ()
    for table in sight.tables if names else ():
        for name in names:
            column = table.index.get(name)
            for row in range(len(table)) if column is not None else ():
                if column is None:
                    continue
                text = table.text(row, column)
                found = text if name == "subject_id" else text.partition("-")[0]
                if (
                    _SUBJECT.fullmatch(found)
                    and number_of(found) != str(subject)
                    and (name == "subject_id" or (len(found) == len(str(subject)) and "-" in text))
                ):
                    yield cell_leak(
                        sight,
                        table,
                        row,
                        column,
                        scope="row",
                        why=f"is another patient: the run is on {subject}",
                    )


def _names_in(text: str, subject: str) -> Iterator[str]:
    """The columns that may name another patient."""
    before = text.split("_id")[:-1]
    if any(part.endswith("subject") for part in before):
        yield "subject_id"
    if any(part.endswith(_PREFIXED_BY) for part in before) and any(
        found[1] != subject for found in _PREFIX.finditer(text)
    ):
        yield from _PREFIXED


def _arguments(sight: Sight, subject: str) -> Iterator[Leak]:
    result = sight.call.result
    if result is None or result.status != "ok":
        return
    arguments = sight.call.arguments or {}
    asked = arguments.get("subject_id")
    if sight.call.name.endswith("load_ehr") and asked is not None:
        asked = number_of(str(asked).strip())
        if asked.isdigit() and asked != subject:
            yield Leak(
                sight,
                "call",
                asked,
                f"is another patient, whose record was opened: the run is on {subject}",
                column="subject_id",
                in_arguments=True,
            )
    if sight.call.name.startswith("image."):
        for name, value in arguments.items():
            for found in _FILM_OF.finditer(value if isinstance(value, str) else ""):
                if found[1] != subject:
                    yield Leak(
                        sight,
                        "call",
                        found[1],
                        f"is another patient's film: the run is on {subject}",
                        column=name,
                        in_arguments=True,
                    )
