"""Markdown tables: a line of names between bars, a line of dashes, rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from clinseek_replay.tables.table import Cell, ReadGrid, TextTable

__all__ = ["markdown_tables"]

_RULE = re.compile(r"^[ \t]*+\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+$", re.MULTILINE)
_BAR = re.compile(r"(?<!\\)\|")


def markdown_tables(text: str, names: tuple[str, ...]) -> Iterator[TextTable]:
    """Every table of a text, in order."""
    taken = 0
    for rule in _RULE.finditer(text):
        head = text.rfind("\n", 0, max(rule.start() - 1, 0)) + 1
        if "|" not in rule[0] or head < taken or rule.start() == 0:
            continue
        header = _cells(text, head, rule.start() - 1)
        if len(header) != len(_cells(text, rule.start(), rule.end())):
            continue
        rows = []
        at = rule.end() + 1
        while at < len(text):
            stop = text.find("\n", at)
            stop = len(text) if stop < 0 else stop
            if not _BAR.search(text, at, stop):
                break
            cells = _cells(text, at, stop)[: len(header)]
            rows.append([*cells, *[Cell("", None, None)] * (len(header) - len(cells))])
            at = stop + 1
        taken = at
        columns = tuple(cell.text for cell in header)
        yield TextTable("markdown", columns, ReadGrid(rows), names=names, start=head, end=min(at, len(text)))


def _cells(text: str, start: int, end: int) -> list[Cell]:
    """The cells of one line, without the empty ones outside its first and last bar."""
    bars = [found.start() for found in _BAR.finditer(text, start, end)]
    edges = [start - 1, *bars, end]
    cells = [_cell(text, left + 1, right) for left, right in pairwise(edges)]
    if bars and not text[start : bars[0]].strip():
        cells = cells[1:]
    if len(bars) > 1 and not text[bars[-1] + 1 : end].strip():
        cells = cells[:-1]
    return cells


def _cell(text: str, start: int, end: int) -> Cell:
    inner = text[start:end]
    value = inner.strip()
    start += len(inner) - len(inner.lstrip())
    return Cell(value, start, start + len(value)) if value else Cell("", None, None)
