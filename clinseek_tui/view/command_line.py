"""The command line: what a line that is typed means, and what may stand there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple, get_args

from clinseek_core.errors import InputError
from clinseek_core.journal.events import Status
from clinseek_core.text import visible
from clinseek_replay.filtering import WORDS
from clinseek_tui.configuration import THEME_NAMES
from clinseek_tui.keys import COMMANDS, Command, Need, Takes, Word, words

__all__ = ["Around", "Choice", "Spoken", "choices", "read_line"]

_MOST = 200
"""Choices that are offered for what a run holds: marks, tools, runs."""
_EXPORTS = (("svg", "the screen as a picture"), ("text", "the screen as text"))


class Choice(NamedTuple):
    """A line that what is typed may become."""

    line: str
    shown: str
    says: str = ""


class Spoken(NamedTuple):
    """A command that was written: its word, and what it is given."""

    word: Word
    argument: str


class Around(NamedTuple):
    """What there is to be named: it is asked for when it is needed."""

    has: Collection[Need] = ()
    commands: Sequence[Command] = COMMANDS
    """With the keys that are in force."""
    marks: Callable[[], Sequence[tuple[str, str]]] = lambda: ()
    """Name and place of each mark."""
    breakpoints: Callable[[], Sequence[str]] = lambda: ()
    """Those that are set."""
    tools: Callable[[], Sequence[str]] = lambda: ()
    runs: Callable[[], Sequence[str]] = lambda: ()


def read_line(line: str) -> Spoken | None:
    """What a line says; None where it is empty.

    The beginning of a word is enough where only one word begins so. Raises InputError where none does.
    """
    written, _, argument = line.strip().partition(" ")
    if not written:
        return None
    known = words()
    begun = [word for word in known if word.startswith(written)]
    if written not in known and len(begun) != 1:
        some = ", ".join(begun or known)
        raise InputError(f"{written!r} is {'no' if not begun else 'more than one'} command; there are {some}")
    word = known[written if written in known else begun[0]][0]
    if argument.strip() and not word.takes:
        raise InputError(f"{word.word} takes nothing after it")
    return Spoken(word, argument.strip())


def choices(line: str, around: Around) -> tuple[Choice, ...]:
    """What the line may become: commands that can do anything now, or what the command takes."""
    written, space, argument = line.lstrip().partition(" ")
    known = words()
    if not space:
        return tuple(_commands(written, around))
    if written not in known:
        return ()
    word = known[written][0]
    return tuple(_arguments(word, argument.lstrip(), around))


def _commands(begun: str, around: Around) -> Iterator[Choice]:
    """Words that begin so come first, then those whose help holds it."""
    able = [command for command in around.commands if command.needs <= set(around.has)]
    offered = [(word, command) for command in able for word in command.words]
    first = [pair for pair in offered if pair[0].word.startswith(begun)]
    second = [pair for pair in offered if pair not in first and begun.lower() in pair[1].help.lower()]
    for word, command in (*first, *second):
        takes = f" {word.takes}" if word.takes else ""
        line = f"{word.word} " if word.takes else word.word
        yield Choice(line, f"{word.word}{takes}", f"{command.help}  {command.shown}")


def _arguments(word: Word, argument: str, around: Around) -> Iterator[Choice]:
    before, _, begun = argument.rpartition(" ") if word.takes == "FILTER" else ("", "", argument)
    head = f"{word.word} {before} " if before else f"{word.word} "
    found = (pair for pair in _OFFERS[word.takes](around, begun) if _fits(pair[0], begun))
    for value, says in found:
        yield Choice(head + value, value, says)


def _fits(value: str, begun: str) -> bool:
    # What others wrote is typed for one only if it is what it looks like.
    safe = visible(value) == value and "\n" not in value
    return safe and value.lower().startswith(begun.lower()) and value != begun


def _breakpoints(around: Around, begun: str) -> Iterator[tuple[str, str]]:
    from clinseek_replay.cursor import KINDS  # noqa: PLC0415 -- loads where one first asks for breakpoints

    yield from ((text, "set: entering it takes it away") for text in around.breakpoints())
    for kind in KINDS:
        yield from ((beginning, kind.says) for beginning in _beginnings(kind.form))
    yield from ((f"status:{status}", "") for status in get_args(Status) if begun.startswith("status:"))
    yield from ((f"tool:{name}", "") for name in around.tools()[:_MOST] if begun.startswith("tool:"))


def _beginnings(form: str) -> Iterator[str]:
    """What can be typed of a form as it is: both of `gold[:first]`, of `tool:NAME` what is before NAME."""
    plain, _, optional = form.partition("[")
    yield "".join(takewhile(lambda character: not character.isupper(), plain))
    if optional.startswith(":"):
        yield plain + optional.removesuffix("]")


def _filters(around: Around, begun: str) -> Iterator[tuple[str, str]]:
    no = "!" if begun.startswith("!") else ""
    yield from ((no + word.word, word.says) for word in WORDS)
    yield from ((f"{no}tool:{name}", "") for name in around.tools()[:_MOST])


def _marks(around: Around, _: str) -> Sequence[tuple[str, str]]:
    return around.marks()[:_MOST]


def _runs(around: Around, _: str) -> Iterator[tuple[str, str]]:
    yield from ((str(number), label) for number, label in enumerate(around.runs()[:_MOST], 1))


def _nothing(_: Around, __: str) -> tuple[()]:
    return ()


_OFFERS: dict[Takes, Callable[[Around, str], Iterator[tuple[str, str]] | Sequence[tuple[str, str]]]] = {
    "": _nothing,
    "ANCHOR": _nothing,
    "BREAKPOINT": _breakpoints,
    "FILTER": _filters,
    "MARK": _marks,
    "RUN": _runs,
    "TEXT": _nothing,
    "THEME": lambda _, __: [(name, "") for name in THEME_NAMES],
    "WHAT": lambda _, __: _EXPORTS,
}
