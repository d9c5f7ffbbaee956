"""A case: one patient, one prediction time, one clinical question."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from clinseek_core.errors import InputError

__all__ = ["AnswerSchema", "Basis", "Boundary", "Case", "CaseImage", "Policy", "gold_names", "load_cases"]

Basis = Literal["available", "event", "upstream"]
Boundary = Literal["exclusive", "inclusive"]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The temporal policy of a run; `docs/temporal-contract.md` says what each value means."""

    basis: Basis = "available"
    boundary: Boundary = "exclusive"
    coding_lag_hours: int = 0
    """Hours added to the time of billing codes, which are coded after discharge."""
    interval_rows: Literal["stored", "started"] = "stored"


class CaseImage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A film of the case's own studies."""

    path: str
    """Relative to the folder of the cases file, or absolute."""
    study_id: int | None = None
    dicom_id: str | None = None
    taken_at: datetime | None = None


class AnswerSchema(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer must look like: `one` item or a `list`, from the candidates where there are any."""

    kind: Literal["one", "list"] = "list"


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an agent is given, and the gold it is judged by. `task` and `gold` are never shown to it."""

    qid: str
    subject_id: int
    prediction_time: datetime
    question: str
    task: str = ""
    candidates: tuple[str, ...] = ()
    answer: AnswerSchema = AnswerSchema()
    gold: tuple[str, ...] | None = None
    """None where the case has no gold: then nothing is scored."""
    images: tuple[CaseImage, ...] = ()


def load_cases(path: Path) -> tuple[Case, ...]:
    """Read a cases file: JSON Lines, or one JSON list or object; our field names or the benchmark's.

    Raises InputError naming file, record, reason and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as text ({error})") from error
    return tuple(_case(row, place) for place, row in _rows(text, path))


def _rows(text: str, path: Path) -> list[tuple[str, Any]]:
    stripped = text.strip()
    if not stripped:
        raise InputError(f"{path}: is empty; a cases file holds one JSON object a line")
    if stripped.startswith("["):
        return [(f"{path}: record {n}", row) for n, row in enumerate(_json(stripped, str(path)), 1)]
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    try:
        return [(f"{path}:{n}", json.loads(line)) for n, line in lines]
    except ValueError as error:
        if stripped.startswith("{") and len(lines) > 1 and not _is_object(lines[0][1]):
            return [(str(path), _json(stripped, str(path)))]
        bad = next(n for n, line in lines if not _is_json(line))
        raise InputError(f"{path}:{bad}: not JSON ({error}); a cases file holds one object a line") from error


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _is_object(line: str) -> bool:
    return _is_json(line) and isinstance(json.loads(line), dict)


def _json(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"{place}: not JSON ({error})") from error


def _case(row: Any, place: str) -> Case:
    if not isinstance(row, dict):
        raise InputError(f"{place}: a case is a JSON object, this is {type(row).__name__}")
    try:
        return msgspec.convert(_our_fields(row), Case, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(
            f"{place}: {error}; a case needs qid, subject_id, prediction_time and question"
        ) from error


def _our_fields(row: dict[str, Any]) -> dict[str, Any]:
    """The row under our names: benchmark files say `query_id`, `query` and `label` or `ground_truth`."""
    ours = {name: row[name] for name in Case.__struct_fields__ if row.get(name) is not None}
    ours.setdefault("qid", row.get("query_id") or f"{row.get('task', 'case')}_{row.get('subject_id')}")
    if "question" not in ours and row.get("query"):
        ours["question"] = row["query"]
    gold = row.get("gold", row.get("label", row.get("ground_truth")))
    if gold is not None:
        ours["gold"] = gold_names(gold)
    return ours


def gold_names(label: Any) -> tuple[str, ...]:
    """The names in a gold label: a string, a list of strings, or a list of objects with `name` or `atc_name`.

    As the reference scorer does, `atc_name` is taken where any object has it.
    """
    items = label if isinstance(label, list | tuple) else [label]
    key = "atc_name" if any(isinstance(item, dict) and item.get("atc_name") for item in items) else "name"
    names = (item.get(key) if isinstance(item, dict) else item for item in items)
    return tuple(str(name) for name in names if name is not None)
