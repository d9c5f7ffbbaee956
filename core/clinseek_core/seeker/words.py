"""How the seeker puts what it found into plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clinseek_core.text import one_line

__all__ = ["counted", "listed", "quoted", "sentences", "span"]

_SHOWN = 6


def listed(names: Iterable[str], most: int = _SHOWN) -> str:
    """The names as `a, b and c`, or `a, b and 4 more`."""
    texts = [one_line(name, 80) for name in names]
    shown = texts if len(texts) <= most else [*texts[:most], f"{len(texts) - most} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def counted(count: int, noun: str) -> str:
    """`1 row`, `3 rows`."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count} {noun if count == 1 else plural}"


def quoted(text: str) -> str:
    """A passage of the record, in quotation marks and short."""
    return f"“{one_line(text, 100)}”"


def span(days: float) -> str:
    """A time span in hours, or in days where it is two days or more."""
    return f"{days:.0f} days" if days >= 2 else counted(round(days * 24), "hour")


def sentences(parts: Sequence[str]) -> str:
    """The parts that say something, as one paragraph."""
    return " ".join(part for part in parts if part)
