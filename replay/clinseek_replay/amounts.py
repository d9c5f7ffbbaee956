"""Amounts as people read them."""

from __future__ import annotations

__all__ = ["data_size", "duration"]

_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def data_size(count: int) -> str:
    """Bytes or characters in decimal units: `812 B`, `2.1 kB`, `312 kB`, `5.2 MB`."""
    for unit, size in _UNITS:
        if count >= 0.9995 * size:
            value = count / size
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return f"{count} B"


def duration(ms: float) -> str:
    """Milliseconds as `0.3 ms`, `4 ms`, `1.2 s` or `3 min 20 s`."""
    if ms < 0.95:
        return f"{ms:.1f} ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
