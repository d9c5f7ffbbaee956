"""Arguments as a model writes them: checked, and read, or refused in words that help it to a right call."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

from clinseek_core.errors import ClinseekError
from clinseek_core.journal.events import Status
from clinseek_core.text import one_line
from clinseek_core.tools.names import nearest, shown
from clinseek_core.tools.spec import ToolSpec

__all__ = [
    "MISSING",
    "CallError",
    "check_arguments",
    "count",
    "encodable",
    "moment",
    "number",
    "text",
    "texts",
    "whole_day",
]

MISSING = frozenset(("", "null", "none", "nan", "nat", "n/a"))
"""What models write for a cell that holds nothing."""

_MAX_LIMIT = 1000
_MAX_OFFSET = 2**40
_MAX_TEXTS = 20
_LISTS = frozenset(("query", "keywords", "response"))
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?", re.ASCII)
_ZONE = re.compile(r"(?:Z|[+-]\d\d:?\d\d)\Z")
_EXAMPLE = "2150-03-03 06:00:00"


class CallError(ClinseekError):
    """What a tool tells the model instead of a result."""

    def __init__(self, message: str, status: Status = "error") -> None:
        super().__init__(message)
        self.status = status


def encodable(value: Any) -> Any:
    """The same with lone surrogates replaced: no database and no pipe takes them."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [encodable(item) for item in value]
    if isinstance(value, dict):
        return {encodable(key): encodable(item) for key, item in value.items()}
    return value


def check_arguments(spec: ToolSpec, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments but for those that are null; CallError where one is missing, unknown or no fit."""
    name = spec.name
    allowed, required = spec.parameters["properties"], spec.parameters["required"]
    given = {key: value for key, value in arguments.items() if value is not None}
    # Models send the patient to tools that do not take one; it is checked like everywhere else.
    unknown = [str(key) for key in given if key not in allowed and key != "subject_id"]
    missing = [key for key in required if key not in given and key != "subject_id"]
    if unknown:
        free = [key for key in allowed if key not in given]
        hint = nearest(unknown[0], free, f"it takes {', '.join(allowed)}")
        raise CallError(f"{name}: unknown {', '.join(map(shown, unknown))}{hint}")
    if missing:
        raise CallError(f"{name}: missing {', '.join(missing)}; it takes {', '.join(allowed)}")
    for key, value in given.items():
        fits = isinstance(value, str | int | float) or (key in _LISTS and _is_texts(value))
        flag = allowed.get(key, {}).get("type") == "boolean"
        if not fits or (isinstance(value, bool) and not flag):
            raise CallError(f"{name}: {key} has the wrong type {type(value).__name__}")
    if name == "ehr.finish" and not isinstance(given["response"], str | list):
        raise CallError(f"{name}: response is a list of texts, one per answer item")
    return given


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def text(arguments: dict[str, Any], key: str) -> str:
    """An argument as text."""
    try:
        return str(arguments[key])
    except ValueError as error:  # of whole numbers with thousands of digits
        raise CallError(f"{key} is a number with too many digits") from error


def texts(arguments: dict[str, Any], key: str) -> list[str]:
    """An argument that is one text or several, also where the list is written as JSON text."""
    value = arguments[key]
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            listed = json.loads(value)
        except (ValueError, RecursionError):
            listed = None
        value = listed if _is_texts(listed) else value
    found = value if isinstance(value, list) else [text(arguments, key)]
    found = list(dict.fromkeys(filter(None, map(str.strip, found))))
    if not found:
        raise CallError(f"{key} is empty; give at least one word")
    if len(found) > _MAX_TEXTS:
        raise CallError(f"{key} has {len(found)} entries; give at most {_MAX_TEXTS} a call")
    return found


def number(written: str) -> int | float | None:
    """The number a text is, whole where it is whole (`50912.0`); None where it is none."""
    try:
        value = float(written)
        return int(written) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", written) else _whole(value)
    except ValueError:
        return None


def _whole(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def count(arguments: dict[str, Any], key: str, default: int) -> int:
    """A `limit` from 1 to the most rows a call may ask for, or an `offset` from 0."""
    if key not in arguments:
        return default
    value = number(text(arguments, key))
    if not isinstance(value, int):
        raise CallError(f"{key} is not a whole number: {shown(text(arguments, key))!r}")
    return max(min(value, _MAX_LIMIT), 1) if key == "limit" else max(min(value, _MAX_OFFSET), 0)


def whole_day(written: str) -> bool:
    """Whether a time is a date alone, which means that whole day."""
    return _DATE.fullmatch(written.strip()) is not None


def moment(arguments: dict[str, Any], key: str, *, end: bool) -> datetime:
    """A time as a model writes it; a bare date is the day's start or, as an end, its last moment."""
    written = text(arguments, key).strip()
    try:
        found = _moment(written)
    except ValueError as error:
        raise CallError(f"{key} is not a time like {_EXAMPLE}: {one_line(written, 40)!r}") from error
    return found + timedelta(days=1, microseconds=-1) if end and whole_day(written) else found


def _moment(written: str) -> datetime:
    date, _, clock = written.replace("T", " ").replace("t", " ").partition(" ")
    day, hour = _DATE.fullmatch(date), _CLOCK.fullmatch(_ZONE.sub("", clock.strip()) or "0:00")
    if day is None or hour is None:
        raise ValueError(written)
    return datetime(*map(int, day.groups()), *(int(part or 0) for part in hour.groups()))  # type: ignore[arg-type]
