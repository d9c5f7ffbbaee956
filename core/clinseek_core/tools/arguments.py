"""Arguments as a model writes them: checked, and read, or refused in words that help it to a right call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from clinseek_core.errors import ClinseekError
from clinseek_core.journal.events import Status
from clinseek_core.tools.spec import ToolSpec

__all__ = ["CallError", "check_arguments", "count", "encodable", "moment"]

_MAX_COUNT = 1000


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


def check_arguments(spec: ToolSpec, arguments: dict[str, Any]) -> None:
    """Tell the model which arguments are missing, unknown or of the wrong kind."""
    name = spec.name
    allowed, required = spec.parameters["properties"], spec.parameters["required"]
    # Models send the patient to tools that do not take one; it is checked like everywhere else.
    unknown = [key for key in arguments if key not in allowed and key != "subject_id"]
    missing = [key for key in required if key not in arguments and key != "subject_id"]
    if unknown or missing:
        problem = f"missing {', '.join(missing)}" if missing else f"unknown {', '.join(map(str, unknown))}"
        raise CallError(f"{name}: {problem}; it takes {', '.join(allowed)}")
    for key, value in arguments.items():
        fits = isinstance(value, str | int | float) or (key in {"query", "response"} and _texts(value))
        if not fits or isinstance(value, bool):
            raise CallError(f"{name}: {key} has the wrong type {type(value).__name__}")
    if name == "ehr.finish" and not isinstance(arguments["response"], str | list):
        raise CallError(f"{name}: response is a list of texts, one per answer item")


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def count(arguments: dict[str, Any], key: str, default: int) -> int:
    """A whole number from 0 to the most rows a call may ask for."""
    try:
        return max(min(int(arguments.get(key, default)), _MAX_COUNT), 0)
    except (ValueError, OverflowError) as error:
        raise CallError(f"{key} is not a whole number: {str(arguments[key])[:40]!r}") from error


def moment(arguments: dict[str, Any], key: str, *, end: bool) -> datetime:
    """A time as a model writes it; a bare date is the day's start or, as an end, its last second."""
    text = str(arguments[key]).strip()
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError as error:
        raise CallError(f"{key} is not a time like 2150-03-03 06:00:00: {text[:40]!r}") from error
    whole_day = end and len(text) == len("2150-03-03")
    return moment + timedelta(days=1, seconds=-1) if whole_day else moment
