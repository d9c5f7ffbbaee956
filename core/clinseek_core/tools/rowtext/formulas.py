"""What a column's cells are made of where other cells of the row tell them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from clinseek_core.tools.rowtext.cells import cell_text

__all__ = ["Formula", "copy_of", "later_of", "number_in", "read_formula"]

_COPY = re.compile(r"([^{}]*)\{(\w+)\}")
_LATER = re.compile(r"later of \{(\w+)\} and \{(\w+)\}")
_NUMBER = re.compile(r"number in \{(\w+)\}")
_PLAIN_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)


class Formula(NamedTuple):
    """How a cell is made from the cells of some columns; where one of them is missing, so is it."""

    words: str
    """As it is written: `later of {charttime} and {storetime}`."""
    columns: tuple[str, ...]
    make: Callable[..., str | None]

    def cell(self, texts: Sequence[str | None]) -> str | None:
        """The cell, from the texts of `columns`."""
        return None if None in texts else self.make(*texts)


def copy_of(column: str, before: str = "") -> Formula:
    """The cell of `column`, behind a text that is the same in all rows."""
    return Formula(f"{before}{{{column}}}", (column,), partial(_join, before))


def later_of(first: str, second: str) -> Formula:
    """The later of two times."""
    return Formula(f"later of {{{first}}} and {{{second}}}", (first, second), max)


def number_in(column: str) -> Formula:
    """The number that the text of `column` is; missing where it is none."""
    return Formula(f"number in {{{column}}}", (column,), _number)


def read_formula(raw: str) -> Formula | None:
    """The formula that an unquoted cell states; None where it states none."""
    if found := _NUMBER.fullmatch(raw):
        return number_in(found[1])
    if found := _LATER.fullmatch(raw):
        return later_of(found[1], found[2])
    found = _COPY.fullmatch(raw)
    return copy_of(found[2], found[1]) if found else None


def _join(before: str, text: str) -> str:
    return before + text


def _number(text: str) -> str | None:
    return cell_text(float(text)) if _PLAIN_NUMBER.fullmatch(text) else None
