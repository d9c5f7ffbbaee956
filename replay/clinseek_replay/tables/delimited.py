"""CSV and TSV: a line of names, and rows with as many cells, some of them in quotes."""

from __future__ import annotations

import re

from clinseek_replay.tables.table import Cell, ReadGrid, TextTable

__all__ = ["delimited_table"]

_QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')


def delimited_table(text: str, start: int, end: int, names: tuple[str, ...]) -> TextTable | None:
    """The table whose header is the line at `start`; None where rows don't have its number of cells.

    The last row may break off.
    """
    stop = text.find("\n", start, end)
    if stop < 0:
        return None
    sign = "\t" if "\t" in text[start:stop] else ","
    header, at = _record(text, start, end, sign)
    columns = tuple(cell.text for cell in header)
    if len(columns) < 2 or "" in columns[1:]:
        return None
    rows: list[list[Cell]] = []
    while at < end:
        cells, after = _record(text, at, end, sign)
        if len(cells) == 1 and not cells[0].text:
            break
        if len(cells) != len(columns):
            if after < end or not rows:
                return None
            cells += [Cell("", None, None, sure=False)] * (len(columns) - len(cells))
        rows.append(cells[: len(columns)])
        at = after
    if not rows:
        return None
    return TextTable("csv", columns, ReadGrid(rows), names=names, start=start, end=min(at, end))


def _record(text: str, at: int, end: int, sign: str) -> tuple[list[Cell], int]:
    """The cells of the record at `at`, and where the next one begins."""
    cells: list[Cell] = []
    while True:
        quoted = _QUOTED.match(text, at, end)
        if quoted and (quoted.end() >= end or text[quoted.end()] in f"{sign}\r\n"):
            cells.append(Cell(quoted[1].replace('""', '"'), quoted.start(1), quoted.end(1)))
            at = quoted.end()
        else:
            stop = min(_find(text, sign, at, end), _find(text, "\n", at, end))
            inner = text[at:stop]
            value = inner.strip()
            begin = at + len(inner) - len(inner.lstrip())
            cells.append(Cell(value, begin, begin + len(value)) if value else Cell("", None, None))
            at = stop
        if at < end and text[at] == "\r":
            at += 1
        if at >= end or text[at] == "\n":
            return cells, at + 1
        at += 1


def _find(text: str, sign: str, at: int, end: int) -> int:
    found = text.find(sign, at, end)
    return end if found < 0 else found
