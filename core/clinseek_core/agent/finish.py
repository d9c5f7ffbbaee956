"""The call that ends a run, and the answer it holds."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["FINISH", "read_answer"]

FINISH = "ehr.finish"


def read_answer(arguments: dict[str, Any]) -> tuple[str, ...]:
    """The items of a `response`: a list of strings, such a list as JSON text, or one string.

    An empty list is an answer: that nothing applies. Raises ValueError, in words for the model.
    """
    if "response" not in arguments:
        raise ValueError("the argument `response` is missing")
    response = arguments["response"]
    if isinstance(response, str):
        response = _listed(response)
    if not isinstance(response, list) or not all(isinstance(item, str) for item in response):
        raise ValueError("`response` must be a list of strings")
    return tuple(item.strip() for item in response if item.strip())


def _listed(text: str) -> Any:
    """A list written as JSON text, which models do where they think of arguments as strings."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return value if isinstance(value, list) else [text]
