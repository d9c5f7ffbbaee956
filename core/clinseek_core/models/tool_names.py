"""Tool names as models write them, brought back to the canonical `ehr.run_sql_query`.

Providers that refuse dots get `ehr_run_sql_query`, and models drop or swap the namespace: the reference
implementation accepts `ehr_x`, a bare `x`, and a wrong family in front of a known tool.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

__all__ = ["canonical", "undotted"]

_FAMILIES = ("ehr", "browser", "image")
_BARE_BROWSER = ("search", "open", "find")
_PREFIX = re.compile(rf"^(?:functions[._])?(?:(?:{'|'.join(_FAMILIES)})[^a-z0-9]+)?")
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
    return next((name for means in readings for name in offered if means(name)), written)


def undotted(name: str) -> str:
    """`name` for a provider that takes letters, digits, `_` and `-`, at most 64 of them."""
    return _NOT_WIRE.sub("_", name)[:64] or "_"


def _flat(name: str) -> str:
    return _NOT_PLAIN.sub("_", name.lower()).strip("_")
