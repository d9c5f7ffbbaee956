"""The seeker's knowledge as tables of tab-separated text beside this module."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["lines"]


@cache
def lines(name: str) -> tuple[dict[str, str], ...]:
    """The lines of the table `name`, cells by column."""
    text = (files("clinseek_core.seeker") / name).read_text(encoding="utf-8")
    header, *body = [line.split("\t") for line in text.splitlines()]
    return tuple(dict(zip(header, line, strict=True)) for line in body)
