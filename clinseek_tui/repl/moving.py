"""The commands of `repl` that go to another place, and what is told of a place on arrival."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.text import one_line, visible
from clinseek_replay.cursor import MOVES, Cursor, at_anchor, at_place, other_run, read_anchor
from clinseek_replay.filtering import Filter, read_filter
from clinseek_replay.finding import Place
from clinseek_replay.glyphs import SignKind
from clinseek_replay.overview import StepLine, step_line
from clinseek_replay.plain import call_lines, header_line, note_lines
from clinseek_replay.trajectory import Call, Step
from clinseek_tui.repl.session import Session
from clinseek_tui.repl.words import as_text, count, whole_number

__all__ = [
    "first",
    "go_to",
    "here",
    "last",
    "list_calls",
    "list_runs",
    "next_call",
    "previous_call",
    "to_run",
    "to_step",
    "where",
]

_MOVES = {move.name: move.to for move in MOVES}
_WIDTH = 160
_AROUND = 4
"""Steps before and after the cursor that `list` shows."""


def here(session: Session) -> Iterator[str]:
    """The place of the cursor in a few lines: which call, what the model said, what it asked, what came."""
    if not session.run.steps:
        yield "this run has no step; `answer` tells how it ended"
        return
    step, call = session.step, session.call
    if call is None:
        calls = count(len(step.calls), "call")
        yield f"{step.anchor:<9} turn of the model, {calls}"
        yield from note_lines(step.notes)
        yield from _said(step)
        return
    glance = step_line(step)
    assert session.cursor.call is not None  # noqa: S101 -- there is a call
    yield from call_lines(StepLine(number=step.number, calls=(glance.calls[session.cursor.call],)))
    if session.cursor.call == 0:
        yield from note_lines(step.notes)
        yield from _said(step)
    yield from _asked(call)
    if call.result is not None:
        yield f"  result  {one_line(call.result.text, _WIDTH)}"


def where(session: Session, _: str) -> Iterator[str]:
    """The run, and the place in it."""
    run, runs = session.run, len(session.recordings.entries)
    yield header_line(run)
    yield visible(f"{run.source} ({run.format})")
    of_runs = f"run {session.cursor.run + 1} of {runs}, " if runs > 1 else ""
    if not run.steps:
        yield f"{of_runs}no step"
        return
    step = session.step
    of_calls = "" if session.call is None else f", call {(session.cursor.call or 0) + 1} of {len(step.calls)}"
    yield f"{session.anchor}: {of_runs}step {session.cursor.step + 1} of {len(run.steps)}{of_calls}"


def next_call(session: Session, argument: str) -> Iterator[str]:
    """On by one call, or N."""
    return _moved(session, "next_call", argument, "this is the last call")


def previous_call(session: Session, argument: str) -> Iterator[str]:
    """Back by one call, or N."""
    return _moved(session, "previous_call", argument, "this is the first call")


def first(session: Session, _: str) -> Iterator[str]:
    """To the first step."""
    return _moved(session, "first", "", "")


def last(session: Session, _: str) -> Iterator[str]:
    """To the last call."""
    return _moved(session, "last", "", "")


def to_step(session: Session, argument: str) -> Iterator[str]:
    """To the turn of that number, or the next one."""
    if not argument:
        return _moved(session, "next_step", "", "this is the last step")
    number = whole_number(argument.removeprefix("s"), "step 12")
    session.cursor = at_anchor(session.run, f"s{number}", session.cursor.run)
    return here(session)


def go_to(session: Session, argument: str) -> Iterator[str]:
    """To an anchor, or a mark of that name."""
    if not argument:
        raise InputError("goto needs a place: goto s12.c1, or the name of a mark")
    marked = {made.name: made.anchor for made in session.marks}
    place = read_anchor(marked.get(argument, argument))
    session.cursor = at_place(session.run, place, session.cursor.run)
    return chain(here(session), _within(session, place))


def to_run(session: Session, argument: str) -> Iterator[str]:
    """To the run of that number or qid, one on (+) or back (-); alone: which run this is."""
    if not argument:
        return where(session, "")
    if argument in {"+", "-"}:
        moved = other_run(session.recordings, session.cursor, 1 if argument == "+" else -1)
        if moved.run == session.cursor.run:
            raise InputError(f"this is the {'last' if argument == '+' else 'first'} run")
    else:
        moved = Cursor(run=session.recordings.find(argument))
    session.run_at(moved.run)
    session.cursor = moved
    return where(session, "")


def list_runs(session: Session, _: str) -> Iterator[str]:
    """A line for each run, the one of the cursor marked."""
    for index, entry in enumerate(session.recordings.entries):
        yield visible(
            f"{_sign(index == session.cursor.run)} {index + 1:>5}  {one_line(entry.label, _WIDTH)}"
            f"  {entry.place}"
        )


def list_calls(session: Session, argument: str) -> Iterator[str]:
    """A line for each call around the cursor, of N steps to each side, of all, or of a filter's kinds."""
    if argument and argument != "all" and not argument.isdecimal():
        return _filtered(session, read_filter(argument))
    steps, at = session.run.steps, session.cursor.step
    if argument == "all":
        return _listed(session, range(len(steps)))
    around = whole_number(argument or str(_AROUND), "list 10, or list all")
    return _listed(session, range(max(at - around, 0), min(at + around + 1, len(steps))))


def _listed(session: Session, shown: range) -> Iterator[str]:
    for index in shown:
        step = session.run.steps[index]
        for call, line in _lines_of(step):
            yield f"{_sign(_is_here(session, index, call))} {line}"
        yield from (f"  {line}" for line in note_lines(step.notes))


def _filtered(session: Session, kept: Filter) -> Iterator[str]:
    signs = _signs(session) if kept.by_signs else {}
    for index, step in enumerate(session.run.steps):
        for number, line in _lines_of(step):
            call = None if number is None else step.calls[number]
            if kept.keeps(step, call, signs.get((call or step).anchor, ())):
                yield f"{_sign(_is_here(session, index, number))} {line}"


def _lines_of(step: Step) -> Iterator[tuple[int | None, str]]:
    """A line for each call with its index, or one for a turn that makes none."""
    glance = msgspec.structs.replace(step_line(step), notes=())
    numbers: Iterable[int | None] = range(len(step.calls)) if step.calls else (None,)
    return zip(numbers, call_lines(glance), strict=True)


def _is_here(session: Session, step: int, call: int | None) -> bool:
    """Whether the cursor is at a call, or at the turn whose first line this is."""
    return (step, call or 0) == (session.cursor.step, session.cursor.call or 0)


def _signs(session: Session) -> dict[str, set[SignKind]]:
    """The kinds of what an analysis marks, by anchor."""
    from clinseek_replay.signs import signs_of  # noqa: PLC0415 -- brings the audit and the search for gold

    found: dict[str, set[SignKind]] = {}
    for sign in signs_of(session.run):
        found.setdefault(sign.anchor, set()).add(sign.kind)
    return found


def _within(session: Session, place: Place) -> Iterator[str]:
    """The row or the characters of the place that an anchor names."""
    call = session.call
    table = call.result.table if call and call.result else None
    if place.row is not None and table is not None:
        cells = zip(table.columns, table.rows[place.row - 1], strict=False)
        told = "; ".join(f"{name}: {as_text(cell)}" for name, cell in cells if cell is not None)
        yield f"  row {place.row:<3} {one_line(told, 4 * _WIDTH)}"
    if place.start is not None and place.end is not None:
        text = session.step.text if call is None else call.result.text if call.result else ""
        yield f"  there   {one_line(text[place.start : place.end], 4 * _WIDTH)}"


def _moved(session: Session, move: str, argument: str, at_end: str) -> Iterator[str]:
    times = whole_number(argument or "1", "a count of 1 or more")
    before = session.cursor
    for _ in range(times):
        moved = _MOVES[move](session.run, session.cursor)
        if moved == session.cursor:
            break
        session.cursor = moved
    if at_end and session.cursor == before:
        return iter((at_end,))
    return here(session)


def _said(step: Step) -> Iterator[str]:
    for label, text in (("thought", step.reasoning), ("said", step.text)):
        if text:
            yield f"  {label:<7} {one_line(text, _WIDTH)}"


def _asked(call: Call) -> Iterator[str]:
    if call.arguments is None:
        yield f"  asked   {one_line(call.raw_arguments, _WIDTH)} (no JSON object)"
        return
    asked: Iterable[tuple[str, object]] = call.arguments.items()
    told = "; ".join(f"{name}: {as_text(value)}" for name, value in asked if value != call.sql)
    if call.sql is not None:
        yield f"  SQL     {one_line(call.sql, _WIDTH)}"
    if told:
        yield f"  asked   {one_line(told, _WIDTH)}"


def _sign(current: bool) -> str:
    return ">" if current else " "
