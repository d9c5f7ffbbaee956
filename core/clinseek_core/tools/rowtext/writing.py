"""Rows written as text: what they share is told once, above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from clinseek_core.tools.rowtext.cells import (
    EMPTY,
    IN_ALL,
    NULL,
    REPEATED,
    ROWS,
    SECTION,
    TOLD_BY,
    UNLESS,
    cell_text,
    date_of,
    written,
    written_name,
)
from clinseek_core.tools.rowtext.sharing import Cells, Shared, changes, shared_columns

__all__ = ["as_text"]

_FEWEST = 3
"""Fewer rows stand as plain CSV."""
_LONG = 40
"""Characters from which a text that comes again is told once."""


_Ready = tuple[Cells, list[str] | None]


class _Body(NamedTuple):
    """What stands below the lines that hold for all rows."""

    inside: Mapping[str, Cells]
    """The columns in the rows."""
    sections: Mapping[str, Cells]
    """The columns that lines of their own tell at each change."""
    otherwise: Mapping[int, list[tuple[str, str | None]]]
    """By row the cells that say otherwise than the lines above."""
    repeated: Mapping[str, str]
    rows: int

    def columns(self) -> list[_Ready]:
        """The columns in the rows, with their cells as written where no date before them changes that."""
        read = []
        for cells in self.inside.values():
            dated = any(map(date_of, cells))
            read.append((cells, None if dated else [written(text, "", self.repeated) for text in cells]))
        return read


def as_text(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, plain: bool = False) -> str:
    """The rows as text; the names of `columns` are all different.

    `plain` rows stand as CSV in full, whatever they share.
    """
    texts = [[cell_text(value) for value in row] for row in rows]
    table: dict[str, Cells] = {name: [row[index] for row in texts] for index, name in enumerate(columns)}
    if plain:
        body = _Body(table, {}, {}, {}, len(rows))
        return "\n".join(_lines(body, body.columns(), ()))
    shared = shared_columns(table) if len(rows) >= _FEWEST else {}
    body = _body(table, shared, len(rows))
    ready = body.columns()
    days_told = ((), *(_days(body) if len(rows) >= _FEWEST else ()))
    layouts = [list(_lines(body, ready, days)) for days in days_told]
    return "\n".join([*_lines_above(table, shared, body), *min(layouts, key=_size)])


def _lines_above(table: Mapping[str, Cells], shared: Mapping[str, Shared], body: _Body) -> Iterator[str]:
    everywhere = {name: way for name, way in shared.items() if way.kind in {"constant", "formula"}}
    always = {name: way for name, way in everywhere.items() if not way.exceptions}
    if told := [f"{written_name(name)}={way.words}" for name, way in always.items() if way.words]:
        yield IN_ALL + ", ".join(told)
    if empty := [written_name(name) for name, way in always.items() if not way.words]:
        yield EMPTY + ", ".join(empty)
    if mostly := [f"{written_name(name)}={way.words}" for name, way in everywhere.items() if way.exceptions]:
        yield UNLESS + ", ".join(mostly)
    if body.repeated:
        yield REPEATED + ", ".join(f"{number}={written(text)}" for text, number in body.repeated.items())
    lookups = {name: way.cells for name, way in shared.items() if way.kind == "lookup"}
    if lookups:
        (key,) = {shared[name].reads[0] for name in lookups}
        yield f"{TOLD_BY}{written_name(key)}: {', '.join(map(written_name, lookups))}"
        for text in dict.fromkeys(table[key]):
            yield ",".join(
                written(told, "", body.repeated) for told in (text, *(of[text] for of in lookups.values()))
            )
        yield ROWS


def _body(table: Mapping[str, Cells], shared: Mapping[str, Shared], rows: int) -> _Body:
    inside = {name: cells for name, cells in table.items() if name not in shared}
    sections = {name: table[name] for name, way in shared.items() if way.kind == "section"}
    otherwise: dict[int, list[tuple[str, str | None]]] = {}
    for name, way in shared.items():
        for row in () if way.kind == "section" else way.exceptions:
            otherwise.setdefault(row, []).append((name, table[name][row]))
    said = [text for cells in inside.values() for text in cells]
    said += [text for named in otherwise.values() for _, text in named]
    said += [cells[row] for cells in sections.values() for row in (0, *changes(cells))]
    said += [text for way in shared.values() for text in way.cells.values()]
    times = Counter(text for text in said if text and len(text) >= _LONG)
    again = [text for text, count in times.items() if count > 1]
    repeated = {text: f"[{number}]" for number, text in enumerate(again, 1)}
    return _Body(inside, sections, otherwise, repeated, rows)


def _days(body: _Body) -> Iterator[Cells]:
    """By row the date of the first column of times, where every row has one."""
    for cells in body.inside.values():
        days = [date_of(text) for text in cells]
        if all(days):
            yield days
            return


def _lines(body: _Body, columns: Sequence[_Ready], days: Cells) -> Iterator[str]:
    """The header and the rows, with the lines between them, which tell `days` too where they are given."""
    yield ",".join(map(written_name, body.inside))
    starts = {0, *(row for cells in (*body.sections.values(), days) for row in changes(cells))}
    day = ""
    for row in range(body.rows):
        if (body.sections or days) and row in starts:
            line, day = _section(body, days, row, day)
            yield line
        texts, here = [], day
        for cells, ready in columns:
            texts.append(written(cells[row], here, body.repeated) if ready is None else ready[row])
            here = here or ("" if ready is not None else date_of(cells[row]))
        for name, text in body.otherwise.get(row, ()):
            texts.append(f"{written_name(name)}={written(text, here, body.repeated)}")
            here = here or date_of(text)
        yield ",".join(texts) or NULL


def _section(body: _Body, days: Cells, row: int, day: str) -> tuple[str, str]:
    """The line before a row, which tells what changes there, and the date told last."""
    line = []
    if days and _begins(days, row):
        day = days[row] or ""
        line.append(day)
    for name, cells in body.sections.items():
        if _begins(cells, row):
            line.append(f"{written_name(name)}={written(cells[row], day, body.repeated)}")
            day = date_of(cells[row]) or day
    return SECTION + ", ".join(line), day


def _begins(cells: Cells, row: int) -> bool:
    return row == 0 or cells[row] != cells[row - 1]


def _size(lines: Sequence[str]) -> int:
    return sum(map(len, lines)) + len(lines)
