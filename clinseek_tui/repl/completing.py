"""What may stand at the end of a line of `repl` that is being typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile

from clinseek_core.errors import InputError
from clinseek_replay.cursor import KINDS
from clinseek_replay.filtering import WORDS
from clinseek_tui.repl.session import Session
from clinseek_tui.repl.table import COMMANDS, command_named
from clinseek_tui.typed_lines import Completions

__all__ = ["completions"]

_AROUND = 100
"""Steps to each side of the cursor whose anchors are offered: each is read from the file."""
_RUNS = 200


def completions(session: Session, line: str) -> Completions:
    """The commands, or what the command takes."""
    written, space, argument = line.lstrip().partition(" ")
    if not space:
        return Completions(written, (command.name for command in COMMANDS))
    argument = argument.lstrip()
    try:
        takes = command_named(written).takes.strip("[]")
        offered = list(_OFFERS[takes](session)) if takes in _OFFERS else []
    except InputError:
        return Completions(argument, ())
    if takes == "CALLS":
        argument = argument.rpartition(" ")[2].removeprefix("!")
    return Completions(argument, offered)


def _places(session: Session) -> Iterator[str]:
    yield from _marks(session)
    steps, at = session.run.steps, session.cursor.step
    for index in range(max(at - _AROUND, 0), min(at + _AROUND + 1, len(steps))):
        step = steps[index]
        yield step.anchor
        yield from (call.anchor for call in step.calls)


def _marks(session: Session) -> Iterator[str]:
    return (made.name for made in session.marks)


def _runs(session: Session) -> Iterator[str]:
    entries = session.recordings.entries
    return (entries[index].qid for index in range(min(len(entries), _RUNS)))


def _items(session: Session) -> Iterable[str]:
    return (*(session.run.gold or ()), *(session.run.answer or ()))


def _breakpoints(session: Session) -> Iterator[str]:
    for kind in KINDS:
        plain, _, optional = kind.form.partition("[")
        yield "".join(takewhile(lambda character: not character.isupper(), plain))
        if optional:
            yield plain + optional.rstrip("]")
    yield from _tools(session)


def _tools(session: Session) -> Iterator[str]:
    steps, at = session.run.steps, session.cursor.step
    near = range(max(at - _AROUND, 0), min(at + _AROUND + 1, len(steps)))
    names = (*session.run.tools, *(call.name for index in near for call in steps[index].calls))
    return (f"tool:{name}" for name in dict.fromkeys(names))


def _kinds_of_calls(session: Session) -> Iterator[str]:
    yield "all"
    yield from (word.word for word in WORDS)
    yield from _tools(session)


def _commands(_: Session) -> Iterator[str]:
    return (command.name for command in COMMANDS)


_OFFERS: dict[str, Callable[[Session], Iterable[str]]] = {
    "PLACE": _places,
    "MARK": _marks,
    "RUN": _runs,
    "ITEM": _items,
    "BREAKPOINT": _breakpoints,
    "CALLS": _kinds_of_calls,
    "COMMAND": _commands,
}
