"""Names and texts written into SQL of ours."""

from __future__ import annotations

__all__ = ["literal", "quoted"]


def quoted(name: str) -> str:
    """A SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A SQL string, quoted."""
    return "'" + text.replace("'", "''") + "'"
