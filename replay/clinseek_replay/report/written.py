"""Reports as text: Markdown that a terminal shows as well, CSV, and a page."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterable, Iterator, Sequence

from clinseek_core.scoring import Interval, Paired
from clinseek_core.text import one_line
from clinseek_replay.evidence.score_table import single_lines
from clinseek_replay.report.comparison import Comparison, Habits
from clinseek_replay.report.heat import heat_map
from clinseek_replay.report.outcomes import OUTCOMES
from clinseek_replay.report.tables import Report, Row, Table

__all__ = ["comparison_lines", "report_csv", "report_lines", "report_page"]

_CAUSES_SHOWN = 3
_FIGURES = "F1 in percent, ± the radius of its 95 % interval (Student's t)."
_STYLE = (
    "body{font:15px system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em}"
    "table{border-collapse:collapse}"
    "td,th{border-bottom:1px solid #ccc;padding:.25em .7em;text-align:left}"
)
_HEAD = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Report</title><style>{_STYLE}</style>'


def report_lines(report: Report) -> Iterator[str]:
    """The report as Markdown."""
    yield f"{report.runs:,} runs, scored by {report.answers}. {_FIGURES}"
    for line in single_lines(report.single):
        yield ""
        yield line.strip()[:1].upper() + line.strip()[1:] + "."
    for table in report.tables:
        yield ""
        yield f"## {table.title}"
        yield ""
        yield from _markdown(*_table(report, table))
    yield ""
    yield "## How they work"
    yield ""
    yield from _markdown(*_habits(list(report.habits), list(report.habits.values())))
    yield ""
    yield "## What failed"
    yield ""
    yield from _markdown(*_causes(report))


def _table(report: Report, table: Table) -> tuple[list[str], list[list[str]]]:
    models = sorted({model for model, _ in report.columns})
    both = [model for model in models if {(model, "agentic"), (model, "curated")} <= set(report.columns)]
    head = ["", *(_column(column) for column in report.columns)]
    head += [f"{model}: agentic less curated" for model in both]
    has_ceiling = any(row.ceiling is not None for row in table.rows)
    return (
        [*head, "ceiling"] if has_ceiling else head,
        [_row(row, both, has_ceiling=has_ceiling) for row in table.rows],
    )


def _row(row: Row, both: Sequence[str], *, has_ceiling: bool) -> list[str]:
    cells = ["" if cell is None else _with_leaks(cell.f1, cell.f1_without_leaks) for cell in row.cells]
    cells += [_difference(row.agentic_less_curated.get(model)) for model in both]
    ceiling = [] if not has_ceiling else ["" if row.ceiling is None else f"{100 * row.ceiling:.1f}"]
    return [row.name, *cells, *ceiling]


def _column(column: tuple[str, str]) -> str:
    return f"{column[0]}, {column[1]}"


def _with_leaks(f1: Interval | None, without: float | None) -> str:
    said = _interval(f1)
    if f1 is None or without is None or abs(without - f1.mean) < 5e-4:
        return said
    return f"{said}; {100 * without:.1f} without leaks"


def _interval(f1: Interval | None) -> str:
    if f1 is None:
        return "not scored"
    radius = "" if f1.radius is None else f" ± {100 * f1.radius:.1f}"
    return f"{100 * f1.mean:.1f}{radius} (n={f1.n})"


def _difference(pair: Paired | None) -> str:
    if pair is None:
        return ""
    radius = "" if pair.difference.radius is None else f" ± {100 * pair.difference.radius:.1f}"
    return f"{100 * pair.difference.mean:+.1f}{radius} (n={pair.difference.n})"


def _habits(names: Sequence[str], habits: Sequence[Habits]) -> tuple[list[str], list[list[str]]]:
    kinds = list(dict.fromkeys(kind for one in habits for kind in one.kinds))
    rows = [
        ["runs", *(f"{one.runs:,}" for one in habits)],
        ["answered", *(_share(one.answered, one.runs) for one in habits)],
        ["calls", *(f"{one.calls:,}" for one in habits)],
        ["calls a run: mean, median, most", *(_calls(one) for one in habits)],
        ["rounds a run", *(f"{one.rounds:.1f}" for one in habits)],
        *(
            [f"calls: {kind}", *(_share(one.kinds.get(kind, 0), one.calls) for one in habits)]
            for kind in kinds
        ),
        ["calls that gave something", *(_share(one.outcomes.get("gave", 0), one.calls) for one in habits)],
        *(
            [f"calls: {OUTCOMES[key]}", *(_share(one.outcomes.get(key, 0), one.calls) for one in habits)]
            for key in OUTCOMES
            if key != "gave" and any(one.outcomes.get(key) for one in habits)
        ),
        ["runs that loop", *(_share(one.loops, one.runs) for one in habits)],
        ["runs shown a leak", *(_share(one.leaking, one.runs) for one in habits)],
    ]
    return ["", *names], rows


def _calls(habits: Habits) -> str:
    return f"{habits.calls_a_run:.1f}, {habits.median_calls:g}, {habits.most_calls}"


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.1%})" if whole else "0"


def _causes(report: Report) -> tuple[list[str], list[list[str]]]:
    """The most frequent primary causes of each group, for each column."""
    rows = [
        [
            row.name,
            *("" if cell is None else _frequent(cell.causes) for cell in row.cells),
        ]
        for table in report.tables[:-1] or report.tables
        for row in table.rows
    ]
    return ["", *(_column(column) for column in report.columns)], rows


def _frequent(causes: dict[str, int]) -> str:
    return (
        ", ".join(f"{cause} {count}" for cause, count in list(causes.items())[:_CAUSES_SHOWN]) or "none found"
    )


def comparison_lines(compared: Comparison) -> Iterator[str]:
    """Two sets beside each other, as Markdown."""
    names = [one_line(compared.first, 60), one_line(compared.second, 60)]
    yield f"{names[1]} less {names[0]}. {_FIGURES}"
    yield ""
    yield from _markdown(
        ["task", *names, "difference", "better, same, worse"],
        [
            [
                pair.task or "(no task)",
                _interval(pair.first),
                _interval(pair.second),
                _difference(pair.difference),
                _counts(pair.difference),
            ]
            for pair in compared.tasks
        ],
    )
    if compared.mean_of_tasks is not None:
        first, second = (100 * value for value in compared.mean_of_tasks)
        yield ""
        yield f"Mean of the tasks' means: {first:.1f} and {second:.1f}, {second - first:+.1f}."
    yield ""
    yield "## How they work"
    yield ""
    yield from _markdown(*_habits(names, compared.habits))
    yield ""
    yield "## Tools"
    yield ""
    tools = list(dict.fromkeys(tool for one in compared.habits for tool in one.tools))
    yield from _markdown(
        ["tool", *names],
        [
            [one_line(tool, 60), *(_share(one.tools.get(tool, 0), one.calls) for one in compared.habits)]
            for tool in tools
        ],
    )


def _counts(pair: Paired | None) -> str:
    return "" if pair is None else f"{pair.better}, {pair.same}, {pair.worse}"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table whose columns line up."""
    cells = [[one_line(cell, 200).replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    yield lines[0]
    yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    yield from lines[1:]


def report_csv(report: Report) -> str:
    """A line for each row and column: figures as numbers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    fields = (
        "table",
        "row",
        "model",
        "mode",
        "n",
        "f1",
        "radius",
        "f1_without_leaks",
        "rounds",
        "calls",
        "ceiling",
        "causes",
    )
    writer.writerow(fields)
    for table in report.tables:
        for row in table.rows:
            for (model, mode), cell in zip(report.columns, row.cells, strict=True):
                if cell is None:
                    continue
                f1 = cell.f1
                figures = (f1.n, f1.mean, f1.radius) if f1 is not None else (0, None, None)
                others = (cell.f1_without_leaks, cell.rounds, cell.calls, row.ceiling)
                causes = "; ".join(f"{cause}: {count}" for cause, count in cell.causes.items())
                writer.writerow((table.title, row.name, model, mode, *figures, *others, causes))
    return out.getvalue()


def report_page(report: Report) -> str:
    """The report as one page that needs nothing else, with the heat map."""
    parts = []
    for line_kind, lines in _blocks(report_lines(report)):
        if line_kind == "table":
            parts.append(_html_table(lines))
        else:
            parts += [
                f"<h2>{html.escape(line[3:])}</h2>"
                if line.startswith("## ")
                else f"<p>{html.escape(line)}</p>"
                for line in lines
            ]
    return "\n".join((_HEAD, *parts, heat_map(report), "</html>\n"))


def _blocks(lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    block: list[str] = []
    kind = "text"
    for line in lines:
        now = "table" if line.startswith("|") else "text"
        if now != kind and block:
            yield kind, block
            block = []
        kind = now
        if line:
            block.append(line)
    if block:
        yield kind, block


def _html_table(lines: Sequence[str]) -> str:
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in (lines[0], *lines[2:])]
    made = [
        "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"
        for tag, row in zip(("th", *["td"] * (len(rows) - 1)), rows, strict=True)
    ]
    return f"<table>{''.join(made)}</table>"
