"""Names written into SQL of ours."""

from __future__ import annotations

__all__ = ["quoted"]


def quoted(name: str) -> str:
    """A SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'
