"""The browser tools as a model sees them; names and arguments are the reference implementation's."""

from __future__ import annotations

from typing import Any

from clinseek_core.tools.spec import ToolSpec

__all__ = ["BROWSER_TOOLS", "MAX_HITS"]

MAX_HITS = 20
_CURSOR = {
    "type": "integer",
    "description": "Which page: the number in brackets above it; the last one shown where it is left out.",
}


def _tool(name: str, description: str, required: dict[str, Any], optional: dict[str, Any]) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=description,
        parameters={
            "type": "object",
            "properties": required | optional,
            "required": list(required),
            "additionalProperties": False,
        },
    )


BROWSER_TOOLS: tuple[ToolSpec, ...] = (
    _tool(
        "browser.search",
        "Search for medical knowledge and list pages as links 【id†title†site】. Ask in general words: a "
        "query that holds an identifier, a date or a sentence of the patient's record is refused.",
        {"query": {"type": "string", "description": "What to look for."}},
        {
            "topn": {
                "type": "integer",
                "description": "Most pages to list; 10 where it is left out.",
                "minimum": 1,
                "maximum": MAX_HITS,
            }
        },
    ),
    _tool(
        "browser.open",
        "Show a page: link `id` of the page at `cursor`, or an address; without `id`, the page at `cursor` "
        "again. Every page that is shown gets the next cursor, and its lines are numbered; cite a page as "
        "【cursor†L12-L15】.",
        {},
        {
            "id": {
                "anyOf": [{"type": "integer"}, {"type": "string"}],
                "description": "The number of a link, or an address (https://...).",
            },
            "cursor": _CURSOR,
            "loc": {
                "type": "integer",
                "description": "The line to begin at; the first if left out.",
            },
            "num_lines": {
                "type": "integer",
                "description": "How many lines; a screenful if left out.",
            },
            "view_source": {"type": "boolean", "description": "Show the text of the page as it was sent."},
            "source": {"type": "string", "description": "Not needed; taken and not read."},
        },
    ),
    _tool(
        "browser.find",
        "Find where a text stands on the page at `cursor`, in any case; lists the lines as links.",
        {"pattern": {"type": "string", "description": "The text to find: words, not a regular expression."}},
        {"cursor": _CURSOR},
    ),
)
