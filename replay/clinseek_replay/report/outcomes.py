"""What became of a call, told finely enough that no failure passes for success.

The reference's own classifier knows seven prefixes; errors of SQL, of images and of its client, and results
without a row, count as success there. Here a call succeeded where it gave something.
"""

from __future__ import annotations

import json
import re

from clinseek_replay.trajectory import Call
from clinseek_replay.triage.failures import failure_of

__all__ = ["OUTCOMES", "categories_of", "outcome_of"]

OUTCOMES = {
    "gave": "gave something",
    "empty": "gave nothing",
    "sql": "SQL failed",
    "arguments": "wrong arguments",
    "table": "no such table or column, or none by time",
    "tool": "no such tool",
    "image": "a film's tool failed",
    "infra": "a service failed",
    "limit": "stopped at a limit",
    "refused": "refused",
    "other": "failed otherwise",
    "unanswered": "no result is recorded",
}
"""What can become of a call, in the order in which reports tell it."""

_KINDS = {"sql", "arguments", "table", "tool", "infra", "limit"}
_NO_SUCCESS = frozenset({"error", "refused", "limited"})
_IMAGE_ERROR = re.compile(r'\A\s*\{\s*"output"\s*:\s*\{\s*"error"')
_MAX_JSON = 1_000_000

_CATEGORIES = (
    ("raw SQL", re.compile(r"ehr\.run_sql_query")),
    ("candidates", re.compile(r"ehr\.get_candidates_")),
    ("think", re.compile(r"ehr\.think")),
    ("finish", re.compile(r"ehr\.finish")),
    ("session", re.compile(r"ehr\.(load_ehr|clear_session)")),
    ("web", re.compile(r"browser\.|ehr\.retrieve_")),
    ("films", re.compile(r"image\.")),
    ("foreign", re.compile(r"mcp\.")),
    ("fixed EHR", re.compile(r"ehr\.")),
)


def outcome_of(call: Call) -> str:
    """The key in OUTCOMES of a call."""
    if call.result is None:
        return "unanswered"
    text = call.result.text
    if call.name.startswith("image.") and _is_image_error(text):
        return "image"
    if call.status == "limited":
        return "limit"
    if call.status in _NO_SUCCESS:
        kind = failure_of(call.name, text)[0]
        return kind if kind in _KINDS else "refused" if call.status == "refused" else "other"
    return "empty" if call.status == "empty" else "gave"


def _is_image_error(text: str) -> bool:
    if _IMAGE_ERROR.match(text):
        return True
    if '"error"' not in text or len(text) > _MAX_JSON:
        return False
    try:
        output = json.loads(text).get("output")
    except (ValueError, AttributeError, RecursionError):
        return False
    return isinstance(output, dict) and "error" in output


def categories_of(calls: dict[str, int]) -> dict[str, int]:
    """Calls by what kind of tool they asked, the paper's figure of a tool budget."""
    found: dict[str, int] = {}
    for name, count in calls.items():
        category = next((title for title, pattern in _CATEGORIES if pattern.match(name)), "other")
        found[category] = found.get(category, 0) + count
    return found
