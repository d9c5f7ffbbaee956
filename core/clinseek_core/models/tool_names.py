"""Tool names as models write them, brought back to the canonical `ehr.run_sql_query`.

Providers that refuse dots get `ehr_run_sql_query`, and models drop or swap the namespace or a part of the
name: as in the reference implementation, `ehr_x`, a bare `x`, a wrong family in front of a known tool, and
the words of a tool's name that the others don't come as near to (`sql_query`, `visualizer`) all mean the
tool.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

__all__ = ["canonical", "undotted"]

_FAMILIES = ("ehr", "browser", "image")
_BARE_BROWSER = ("search", "open", "find")
# OpenAI's older models write `functions.x`, Gemini `default_api.x`.
_PREFIX = re.compile(rf"^(?:(?:functions|default_api)[._:])?(?:(?:{'|'.join(_FAMILIES)})[^a-z0-9]+)?")
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_NOT_WIRE = re.compile(r"[^A-Za-z0-9_-]+")


def canonical(written: str, offered: Sequence[str]) -> str:
    """The name on offer that `written` means; `written` itself where it means none."""
    if written in offered:
        return written
    flat = _flat(written)
    family = "browser." if flat in _BARE_BROWSER else ""
    readings: tuple[Callable[[str], bool], ...] = (
        lambda name: _flat(name) == flat,
        lambda name: bool(family) and name == family + flat,
        lambda name: _flat(name.rpartition(".")[2]) == flat,
        lambda name: _flat(name.rpartition(".")[2]) == _flat(_PREFIX.sub("", written.lower())),
    )
    found = next((name for means in readings for name in offered if means(name)), None)
    return found or _by_words(written, offered) or written


def _by_words(written: str, offered: Sequence[str]) -> str | None:
    """The tool whose words hold those of `written`, or stand whole among them; the nearest in length.

    A namespace of nobody's keeps its name: what it means is not here.
    """
    lowered = written.lower()
    bare = _PREFIX.sub("", lowered)
    if "." in bare:
        return None
    words = _flat(bare)
    near = [
        (abs(len(known) - len(words)), place, name)
        for place, name in enumerate(offered)
        if words and _hold(known := _flat(name.rpartition(".")[2]), words)
    ]
    return min(near)[2] if near else None


def _hold(one: str, other: str) -> bool:
    """Whether the words of one are a run of the other's."""
    return f"_{one}_" in f"_{other}_" or f"_{other}_" in f"_{one}_"


def undotted(name: str) -> str:
    """`name` for a provider that takes letters, digits, `_` and `-`, at most 64 of them."""
    return _NOT_WIRE.sub("_", name)[:64] or "_"


def _flat(name: str) -> str:
    return _NOT_PLAIN.sub("_", name.lower()).strip("_")
