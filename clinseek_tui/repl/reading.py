"""The commands of `repl` that read what stands at the cursor: the whole, or a part of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.text import one_line, visible
from clinseek_replay.plain import answer_lines, header_line, step_lines
from clinseek_replay.sql import laid_out
from clinseek_replay.trajectory import Call
from clinseek_tui.repl.session import Session
from clinseek_tui.repl.words import as_text, whole_number

__all__ = ["answer", "arguments", "case", "raw", "reasoning", "result", "show", "sql"]

_LINES = 60
"""Lines of a result that are shown where nobody says how many."""


def show(session: Session, _: str) -> Iterator[str]:
    """The call in full, or the whole turn."""
    step, call = session.step, session.call
    whole = step if call is None else msgspec.structs.replace(step, calls=(call,))
    return step_lines(session.run, whole)


def sql(session: Session, _: str) -> Iterator[str]:
    """The call's SQL, a line for each clause."""
    call = _call(session)
    if call.sql is None:
        raise InputError(
            f"{call.anchor} calls {one_line(call.name, 40)} and has no SQL; `args` shows what it has"
        )
    return _lines(laid_out(call.sql))


def arguments(session: Session, _: str) -> Iterator[str]:
    """The call's arguments, each on its own lines."""
    call = _call(session)
    if call.arguments is None:
        yield "the model's text was no JSON object:"
        yield from _lines(call.raw_arguments)
        return
    if not call.arguments:
        yield "no arguments"
    for name, value in call.arguments.items():
        yield from _lines(f"{name}: {as_text(value)}")


def reasoning(session: Session, _: str) -> Iterator[str]:
    """What the model thought and said in this turn."""
    step = session.step
    if not step.reasoning and not step.text:
        yield f"{step.anchor}: the model said nothing beside its calls"
    for label, text in (("thought", step.reasoning), ("said", step.text)):
        if text:
            yield f"{label}:"
            yield from _lines(text)


def result(session: Session, argument: str) -> Iterator[str]:
    """The result as the model got it: its first lines, lines N to M (`61-120`), or `all`."""
    call = _call(session)
    got = call.result
    if got is None:
        yield f"{call.anchor} has no result"
        return
    lines = list(_lines(got.text or "(nothing)"))
    begin, end = _range(argument, len(lines))
    yield from lines[begin:end]
    if end < len(lines):
        yield f"… {len(lines) - end:,} more lines: result {end + 1}-{end + _LINES}, or result all"
    if len(got.text) < got.full_characters:
        yield f"the model got the first {len(got.text):,} of {got.full_characters:,} characters"


def raw(session: Session, _: str) -> Iterator[str]:
    """The call, or the turn with its calls, as one line of JSON."""
    yield json.dumps(msgspec.to_builtins(session.step if session.call is None else session.call))


def case(session: Session, _: str) -> Iterator[str]:
    """What was asked: question, patient, cutoff, candidates."""
    run = session.run
    yield header_line(run)
    yield from _lines(f"question: {run.question or '(not recorded)'}")
    if run.candidates:
        yield f"candidates: {len(run.candidates):,}"
        yield from (f"  {one_line(name, 200)}" for name in run.candidates)


def answer(session: Session, _: str) -> Iterator[str]:
    """How the run ended, and its answer against the gold."""
    return answer_lines(session.run)


def _call(session: Session) -> Call:
    """The call at the cursor; at a turn with one call, that."""
    call = session.call
    if call is None and len(session.step.calls) == 1:
        return session.step.calls[0]
    if call is None:
        held = "`next` goes to its first call" if session.step.calls else "it makes no call"
        raise InputError(f"{session.step.anchor} is a turn of the model; {held}")
    return call


def _range(argument: str, length: int) -> tuple[int, int]:
    form = "result 61-120, result 20 or result all"
    if argument == "all":
        return 0, length
    first, dash, last = argument.partition("-")
    if dash:
        begin, end = whole_number(first.strip(), form), whole_number(last.strip(), form)
        if begin > min(end, length):
            raise InputError(f"lines {argument}: the result has {length:,}; write {form}")
        return begin - 1, min(end, length)
    return 0, min(whole_number(argument, form) if argument else _LINES, length)


def _lines(text: str) -> Iterator[str]:
    return iter(visible(text).split("\n"))
