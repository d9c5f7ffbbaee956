"""Reading a cases file: JSON Lines, one JSON list or one object, in our fields or a benchmark's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from clinseek_core.case import BenchCase, Case
from clinseek_core.case_shapes import our_fields, placed
from clinseek_core.errors import InputError

__all__ = ["load_bench_cases", "load_cases"]

T = TypeVar("T", Case, BenchCase)


def load_cases(path: Path) -> tuple[Case, ...]:
    """Read a cases file.

    Raises InputError naming file, record, reason and remedy.
    """
    return tuple(_converted(our_fields(row), Case, place) for place, row in _rows_of(path))


def load_bench_cases(path: Path) -> tuple[BenchCase, ...]:
    """Read a cases file with what its rows say beside their cases; errors as `load_cases`."""
    return tuple(_bench_case(row, place) for place, row in _rows_of(path))


def _rows_of(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as text ({error})") from error
    for place, row in _rows(text, path):
        if not isinstance(row, dict):
            raise InputError(f"{place}: a case is a JSON object, this is {type(row).__name__}")
        yield place, row


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


def _bench_case(row: dict[str, Any], place: str) -> BenchCase:
    ours = our_fields(row)
    case = _converted(ours, Case, place)
    return _converted(placed(ours) | {"case": case}, BenchCase, place)


def _converted(ours: dict[str, Any], into: type[T], place: str) -> T:
    try:
        return msgspec.convert(ours, into, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(
            f"{place}: {error}; a case needs qid, subject_id, prediction_time and question"
        ) from error
