"""A comparison of runs as plain text. What models and pages wrote goes through `one_line` on its way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from clinseek_core.text import one_line
from clinseek_replay.diff.alignment import Change
from clinseek_replay.diff.comparing import ArgumentChange, Line, RunDiff, RunHead
from clinseek_replay.diff.matrix import Matrix, MatrixCell, MatrixRow
from clinseek_replay.diff.standing import GoldLine, Standing
from clinseek_replay.glyphs import VERDICT

__all__ = ["diff_lines", "matrix_lines"]

_WIDTH = 120
_CHANGES: dict[Change, tuple[str, str]] = {
    "same": ("=", "same"),
    "moved": (">", "moved"),
    "changed_result": ("!", "other result"),
    "changed_arguments": ("~", "other arguments"),
    "missing": ("-", "only in a"),
    "extra": ("+", "only in b"),
}
"""The sign and the words of each."""
_CELL = 12
_STATE = 18


def diff_lines(compared: RunDiff) -> Iterator[str]:
    """Two runs: what they are, how they differ, where first, call by call, and the answers."""
    yield f"a         {_head(compared.a)}"
    yield f"b         {_head(compared.b)}"
    for change in compared.case:
        yield f"case      {change.name}: {one_line(change.a, 50)} in a, {one_line(change.b, 50)} in b"
    counts = [
        f"{compared.counts[of]} {words}" for of, (_, words) in _CHANGES.items() if of in compared.counts
    ]
    yield f"calls     {', '.join(counts) or 'none in either'}"
    yield from _first_lines(compared)
    if compared.first is not None:
        yield ""
        yield from _call_lines(compared.lines)
    yield ""
    yield from _answer_lines(compared)


def matrix_lines(compared: Matrix) -> Iterator[str]:
    """Many runs: what they are, then a row for each call and for each gold item, a column for each run."""
    yield from (f"{number:<9} {_head(run)}" for number, run in enumerate(compared.runs, 1))
    yield ""
    yield _row("calls", [str(number) for number in range(1, len(compared.runs) + 1)], _CELL)
    for differs, rows in groupby(compared.rows, key=lambda row: row.differs):
        held = list(rows)
        yield from _rows(held) if differs else (f"  {_all_same(len(held))}",)
    if compared.gold:
        yield ""
        yield _row("gold", [str(number) for number in range(1, len(compared.runs) + 1)], _STATE)
        for line in compared.gold:
            yield _row(f"  {one_line(line.item, 36)}", [_state(run) for run in line.runs], _STATE)


def _head(run: RunHead) -> str:
    parts = (
        one_line(run.source, _WIDTH),
        one_line(run.qid, 60),
        one_line(run.model, 60),
        one_line(run.status, 20) or "no end recorded",
        f"{run.steps} steps, {run.calls} calls",
        f"F1 {run.f1:.2f}" if run.f1 is not None else "",
    )
    return " · ".join(part for part in parts if part)


def _first_lines(compared: RunDiff) -> Iterator[str]:
    if compared.first is None:
        yield "first     the same calls with the same results in the same order"
        return
    yield f"first     {_line(compared.first)}"
    evidence = compared.first_evidence
    if evidence is None:
        yield "evidence  both saw the same; they differ in order, or in calls that show nothing new"
    else:
        yield f"evidence  first parts at {_line(evidence)}"
    if compared.first_gold is not None:
        item, line = compared.first_gold
        yield f"gold      {one_line(item, 60)} was seen by one alone, at {_anchors(line)}"


def _call_lines(lines: Sequence[Line]) -> Iterator[str]:
    """A line for each call that differs, and one for each stretch of calls that do not."""
    for same, stretch in groupby(lines, key=lambda line: line.change == "same"):
        if same:
            yield f"= {_stretch(list(stretch))}"
            continue
        for line in stretch:
            yield _line(line)
            yield from _argument_lines(line.arguments)


def _stretch(lines: Sequence[Line]) -> str:
    first, last = lines[0], lines[-1]
    if len(lines) == 1:
        return f"{_anchors(first)} {first.tool}"
    return f"{_anchors(first)} {len(lines)} calls the same, up to {_anchors(last).strip()}"


def _line(line: Line) -> str:
    sign, words = _CHANGES[line.change]
    moved = ", moved" if line.moved and line.change != "moved" else ""
    told = f"{sign} {_anchors(line)} {words + moved:<22} {one_line(line.tool, 40)}"
    shown = [
        f"{count} {'piece' if count == 1 else 'pieces'} of evidence only {which} saw"
        for which, count in (("a", line.evidence.only_a), ("b", line.evidence.only_b))
        if count
    ]
    return told + (f"  ({', '.join(shown)})" if shown else "")


def _anchors(line: Line) -> str:
    return f"{line.a.anchor if line.a else '·':<9} {line.b.anchor if line.b else '·':<9}"


def _argument_lines(changes: Iterable[ArgumentChange]) -> Iterator[str]:
    for change in changes:
        for which, value in (("a", change.a), ("b", change.b)):
            told = "(none)" if value is None else one_line(value, _WIDTH)
            yield f"      {which} {one_line(change.name, 30)}: {told}"


def _answer_lines(compared: RunDiff) -> Iterator[str]:
    a, b = compared.a.f1, compared.b.f1
    if a is not None and b is not None:
        yield f"F1        {a:.2f} in a, {b:.2f} in b ({b - a:+.2f})"
    for line in compared.gold:
        yield from _gold_lines(line)
    for which, names in (("a", compared.answered_by_a), ("b", compared.answered_by_b)):
        if names:
            told = "; ".join(one_line(name, 60) for name in names)
            yield f"answered  by {which} alone: {told}"
    if not compared.answered_by_a and not compared.answered_by_b:
        yield "answered  the same"


def _gold_lines(line: GoldLine) -> Iterator[str]:
    a, b = line.runs
    states = f"{a.state} in a, {b.state} in b"
    seen = f"first seen {a.first_seen or 'never'} in a, {b.first_seen or 'never'} in b"
    yield f"  {_verdict(a)} {_verdict(b)} {one_line(line.item, 40):<40} {states} · {seen}"


def _verdict(standing: Standing) -> str:
    return VERDICT["hit" if standing.answered else "missed"].unicode


def _state(standing: Standing) -> str:
    return f"{_verdict(standing)} {standing.state}"


def _row(title: str, cells: Sequence[str], width: int) -> str:
    return f"{title:<40}" + "".join(f" {cell:<{width}}" for cell in cells).rstrip()


def _rows(rows: Iterable[MatrixRow]) -> Iterator[str]:
    for row in rows:
        yield _row(f"  {one_line(row.tool, 36)}", [_cell(cell) for cell in row.cells], _CELL)


def _cell(cell: MatrixCell | None) -> str:
    if cell is None:
        return "·"
    return cell.anchor if cell.kind == "same" else f"{cell.anchor} {_CHANGES[cell.kind][0]}"


def _all_same(count: int) -> str:
    return "1 call the same in all" if count == 1 else f"{count} calls the same in all"
