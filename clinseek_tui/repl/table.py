"""The commands of `repl`: one table, from which follow what a line does, help and completion."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from clinseek_core.errors import InputError
from clinseek_core.text import one_line
from clinseek_tui.repl import finding, judging, moving, reading
from clinseek_tui.repl.session import Session

__all__ = ["COMMANDS", "Command", "Takes", "carry_out", "command_named", "repeats"]

_ECHOED = 40
_SEARCHES = "/?"

Takes = str
"""What follows the name: a word of `completing.OFFERS`, in brackets where it may be left out; or nothing."""


class Command(NamedTuple):
    """One command."""

    name: str
    aliases: tuple[str, ...]
    takes: Takes
    help: str
    do: Callable[[Session, str], Iterable[str]]
    """Gives lines; raises InputError for what can't be done."""
    again: bool = False
    """Whether an empty line after it does the same once more."""


def carry_out(session: Session, line: str) -> Iterator[str]:
    """Do what a line says, and give what is told of it; an empty line and one that begins with # do nothing.

    Raises InputError for what can't be understood or done.
    """
    name, argument = _parted(line.strip())
    if not name or name.startswith("#"):
        return
    command = command_named(name)
    if argument and not command.takes:
        raise InputError(f"{command.name} takes nothing after it")
    yield from command.do(session, argument)


def repeats(line: str) -> bool:
    """Whether an empty line after this one, which was carried out, does the same once more."""
    name, _ = _parted(line.strip())
    return bool(name) and not name.startswith("#") and command_named(name).again


def _parted(line: str) -> tuple[str, str]:
    """Name and argument; what follows a sign of a search needs no blank before it."""
    name, _, argument = line.partition(" ")
    if len(name) > 1 and name[0] in _SEARCHES:
        return name[0], line[1:].strip()
    return name, argument.strip()


def command_named(name: str) -> Command:
    """The command of a name, an alias, or the beginning of a name where only one begins so."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    begun = [command for command in COMMANDS if command.name.startswith(name)]
    if len(begun) == 1:
        return begun[0]
    near = [each.name for each in begun] or difflib.get_close_matches(name[:_ECHOED], _BY_NAME, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "`help` lists what there is"
    raise InputError(f"{one_line(name, _ECHOED)!r} is no command; {hint}")


def _help(_: Session, argument: str) -> Iterator[str]:
    if argument:
        yield from _line(command_named(argument), 0)
        return
    width = max(len(_written(command)) for command in COMMANDS)
    for command in COMMANDS:
        yield from _line(command, width)
    yield "The beginning of a name is enough. Places are written s12, s12.c1, s12.c1.r3."


def _line(command: Command, width: int) -> Iterator[str]:
    yield f"{_written(command):<{width}}  {command.help}"


def _written(command: Command) -> str:
    names = ", ".join((command.name, *command.aliases))
    return f"{names} {command.takes}".rstrip()


def _quit(session: Session, _: str) -> Iterator[str]:
    session.ended = True
    return iter(())


COMMANDS: tuple[Command, ...] = (
    Command("next", ("n",), "[N]", "on by one call, or N", moving.next_call, again=True),
    Command("prev", ("p", "back"), "[N]", "back by one call, or N", moving.previous_call, again=True),
    Command("step", ("s",), "[N]", "to the turn of step N, or the next turn", moving.to_step, again=True),
    Command("goto", ("g", "to"), "PLACE", "to an anchor or a mark", moving.go_to),
    Command("first", ("0",), "", "to the first turn", moving.first),
    Command("last", ("$",), "", "to the last call", moving.last),
    Command("run", ("r",), "[RUN]", "to a run by number or qid, or + or -", moving.to_run),
    Command("runs", (), "", "a line for each run", moving.list_runs),
    Command("where", ("w",), "", "which run, and which place in it", moving.where),
    Command(
        "list",
        ("l",),
        "[CALLS]",
        "calls around this; or of N steps each way, all, sql, error, leak, tool:NAME, !think",
        moving.list_calls,
    ),
    Command("show", (), "", "this call in full; at a turn, the whole turn", reading.show),
    Command("result", (), "[LINES]", "what the model got: 60 lines, 61-120, or all", reading.result),
    Command("sql", (), "", "the query, laid out", reading.sql),
    Command("args", ("a",), "", "the arguments", reading.arguments),
    Command("reasoning", (), "", "what the model thought and said in this turn", reading.reasoning),
    Command("raw", (), "", "the call as a line of JSON", reading.raw),
    Command("case", (), "", "what was asked", reading.case),
    Command(
        "find",
        ("f", "/"),
        "[TEXT]",
        "the next place that holds a text or /REGEX/; alone: once more",
        finding.find,
        again=True,
    ),
    Command("rfind", ("F", "?"), "[TEXT]", "the same, backward", finding.find_back, again=True),
    Command("probe", (), "PROBE", "values of $.PATH or /REGEX/ at each call", finding.probe),
    Command("break", ("b",), "[BREAKPOINT]", "stop where it holds; alone: the kinds", finding.set_breakpoint),
    Command("breaks", (), "", "the breakpoints that are set", finding.list_breakpoints),
    Command("clear", (), "[N]", "take one away, or all", finding.clear),
    Command("continue", ("c",), "", "on to the next stop", finding.on_to_stop, again=True),
    Command("reverse", ("C",), "", "back to the stop before", finding.back_to_stop, again=True),
    Command("mark", ("m",), "NAME [NOTE]", "name this place, beside the recording", finding.set_mark),
    Command("marks", (), "", "the places that have a name", finding.list_marks),
    Command("unmark", (), "MARK", "take a name away", finding.forget_mark),
    Command("answer", ("=",), "", "how the run ended, and its answer against the gold", reading.answer),
    Command("why", (), "[ITEM]", "an item, back to rows; alone: why this is marked", judging.why_item),
    Command("evidence", ("e",), "", "each item's state, and where the F1 went", judging.evidence_of),
    Command("audit", (), "", "what the run saw before it was known", judging.audit_run),
    Command("triage", (), "", "what went wrong, by code and place", judging.triage_run),
    Command("diff", ("d",), "[RUN]", "this run against another", judging.compare),
    Command("help", ("h",), "[COMMAND]", "these commands, or one", _help),
    Command("quit", ("q", "exit"), "", "leave", _quit),
)

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}
