"""The heat map of a report: what seeking evidence adds to each task, or F1 where there is one mode."""

from __future__ import annotations

import html
from collections.abc import Iterator

from clinseek_core.text import one_line
from clinseek_replay.report.tables import Report

__all__ = ["heat_lines", "heat_map", "heat_values"]

_CELL, _LINE, _LEFT, _TOP = 110, 20, 240, 40
_SHADES = ((0.75, "█"), (0.5, "▓"), (0.25, "▒"), (0.05, "░"))
"""From how much on, of one, a cell of a terminal is so dark."""
_NAME, _COLUMN = 30, 16


def heat_values(report: Report) -> tuple[tuple[str, ...], list[tuple[str, list[float | None]]], bool]:
    """(columns, a value for each task and column, whether these are differences of the two modes)."""
    rows = report.tables[-1].rows
    models = sorted({model for row in rows for model in row.agentic_less_curated})
    if models:
        return (
            tuple(models),
            [(row.name, [_difference(row.agentic_less_curated.get(m)) for m in models]) for row in rows],
            True,
        )
    names = tuple(f"{model}, {mode}" for model, mode in report.columns)
    return (
        names,
        [
            (row.name, [None if cell is None or cell.f1 is None else cell.f1.mean for cell in row.cells])
            for row in rows
        ],
        False,
    )


def _difference(pair: object) -> float | None:
    difference = getattr(pair, "difference", None)
    return None if difference is None else float(difference.mean)


def heat_map(report: Report) -> str:
    """An SVG; the figure stands in each cell, so that colour alone tells nothing."""
    columns, rows, differences = heat_values(report)
    width, height = _LEFT + _CELL * len(columns) + 10, _TOP + _LINE * len(rows) + 10
    says = "agentic less curated, F1 in percent" if differences else "F1 in percent"
    body = "\n".join(_body(columns, rows, differences))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img"><title>{says}</title>\n{body}\n</svg>'
    )


def heat_lines(report: Report) -> Iterator[str]:
    """The same for a terminal: a bar as dark as the value is large beside its figure; no colour."""
    columns, rows, differences = heat_values(report)
    yield "agentic less curated, F1 in percent" if differences else "F1 in percent"
    yield ""
    yield " " * _NAME + "".join(f"  {one_line(name, _COLUMN):<{_COLUMN}}" for name in columns).rstrip()
    for name, values in rows:
        cells = "".join(f"  {_shaded(value, differences):<{_COLUMN}}" for value in values)
        yield f"{one_line(name, _NAME):<{_NAME}}{cells}".rstrip()


def _shaded(value: float | None, differences: bool) -> str:
    if value is None:
        return "-"
    shade = next((sign for least, sign in _SHADES if abs(value) >= least), "·")
    return f"{shade * 3} {_figure(value, differences):>4}"


def _figure(value: float, differences: bool) -> str:
    return f"{100 * value:+.0f}" if differences else f"{100 * value:.0f}"


def _body(
    columns: tuple[str, ...], rows: list[tuple[str, list[float | None]]], differences: bool
) -> Iterator[str]:
    for place, name in enumerate(columns):
        yield _text(_LEFT + place * _CELL + _CELL / 2, _TOP - 10, "middle", name[:16])
    for line, (name, values) in enumerate(rows):
        y = _TOP + line * _LINE
        yield _text(_LEFT - 8, y + 14, "end", name[:34])
        for place, value in enumerate(values):
            x = _LEFT + place * _CELL
            said = "" if value is None else _figure(value, differences)
            size = f'width="{_CELL - 2}" height="{_LINE - 2}"'
            yield f'<rect x="{x}" y="{y}" {size} fill="{_colour(value, differences)}"/>'
            yield _text(x + _CELL / 2, y + 14, "middle", said)


def _text(x: float, y: float, anchor: str, said: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{html.escape(said)}</text>'


def _colour(value: float | None, differences: bool) -> str:
    """Blue for more, orange for less: told apart by those who can't tell red from green."""
    if value is None:
        return "#f4f4f4"
    strength = min(abs(value) * (1.6 if differences else 0.8), 0.8)
    red, green, blue = (230, 130, 30) if value < 0 else (40, 110, 200)
    mixed = [round(255 - (255 - part) * strength) for part in (red, green, blue)]
    return "#" + "".join(f"{part:02x}" for part in mixed)
