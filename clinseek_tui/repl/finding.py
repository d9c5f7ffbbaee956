"""The commands of `repl` that look for places: breakpoints, search, and marks."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.text import one_line
from clinseek_replay.cursor import (
    KINDS,
    BreakHit,
    Cursor,
    Found,
    at_place,
    looked_for,
    next_found,
    place_of,
    previous_found,
    quote,
    read_breakpoint,
    read_probe,
    run_backward,
    run_forward,
    undecided,
)
from clinseek_tui.repl.moving import here
from clinseek_tui.repl.session import Search, Session
from clinseek_tui.repl.words import whole_number

__all__ = [
    "back_to_stop",
    "clear",
    "find",
    "find_back",
    "forget_mark",
    "list_breakpoints",
    "list_marks",
    "on_to_stop",
    "probe",
    "set_breakpoint",
    "set_mark",
]

_WIDTH = 160


def set_breakpoint(session: Session, argument: str) -> Iterator[str]:
    """Set a breakpoint; alone, tell those that are set and the kinds there are."""
    if not argument:
        yield from list_breakpoints(session, "")
        yield "there are:"
        yield from (f"  {kind.form:<24} {kind.says}" for kind in KINDS)
        return
    made = read_breakpoint(argument)
    if made not in session.breakpoints:
        session.breakpoints.append(made)
    yield f"breakpoint {session.breakpoints.index(made) + 1}: {one_line(made.text, _WIDTH)}"
    yield from (f"it can't stop this run: {missing.reason}" for missing in undecided(session.run, [made]))


def list_breakpoints(session: Session, _: str) -> Iterator[str]:
    """The breakpoints that are set, by number."""
    if not session.breakpoints:
        yield "no breakpoint is set"
    for number, made in enumerate(session.breakpoints, 1):
        yield f"{number:>3}  {one_line(made.text, _WIDTH)}"


def clear(session: Session, argument: str) -> Iterator[str]:
    """Take the breakpoint of that number away, or all."""
    if not argument or argument == "all":
        session.breakpoints.clear()
    else:
        number = whole_number(argument, "clear 2, or clear all")
        if number > len(session.breakpoints):
            raise InputError(f"there is no breakpoint {number}; `breaks` lists those that are set")
        del session.breakpoints[number - 1]
    return list_breakpoints(session, "")


def on_to_stop(session: Session, _: str) -> Iterator[str]:
    """On to the next place where a breakpoint stops."""
    _need_breakpoints(session)
    return _stopped(session, run_forward(session.run, session.cursor, session.breakpoints), "after")


def back_to_stop(session: Session, _: str) -> Iterator[str]:
    """Back to the last such place before this."""
    _need_breakpoints(session)
    return _stopped(session, run_backward(session.run, session.cursor, session.breakpoints), "before")


def find(session: Session, argument: str) -> Iterator[str]:
    """The next place that holds a text, whatever its case, or /REGEX/; alone, the next one again."""
    wanted, after = _sought(session, argument)
    return _came_to(session, next_found(session.recordings, looked_for(wanted), after), wanted, "after")


def find_back(session: Session, argument: str) -> Iterator[str]:
    """The same, backward."""
    wanted, before = _sought(session, argument)
    return _came_to(session, previous_found(session.recordings, looked_for(wanted), before), wanted, "before")


def probe(session: Session, argument: str) -> Iterator[str]:
    """The values of $.PATH, /REGEX/ or FIELD:/REGEX/ at each call of the run."""
    if not argument:
        raise InputError("probe needs $.PATH, /REGEX/ or FIELD:/REGEX/: probe $.arguments.table_name")
    some = False
    for probed in read_probe(argument).column(session.run):
        some = True
        yield f"{probed.anchor:<9} {one_line('; '.join(probed.values), _WIDTH)}"
    if not some:
        yield "no value"


def set_mark(session: Session, argument: str) -> Iterator[str]:
    """Name this place; what follows the name is a note."""
    name, _, text = argument.partition(" ")
    if not name:
        raise InputError("a mark needs a name: mark odd-dose, or mark odd-dose why it is odd")
    from clinseek_replay.cursor.marks import mark  # noqa: PLC0415 -- brings the triage

    made = mark(session.recording, session.run, name, session.anchor, author=session.author, text=text)
    yield f"{one_line(made.name, _WIDTH)} is {made.anchor}"


def list_marks(session: Session, _: str) -> Iterator[str]:
    """The places that were named, kept beside the recording."""
    if not session.marks:
        yield "no place of this run has a name"
    for made in session.marks:
        yield f"{made.anchor:<9} {one_line(made.name, 80)}  {one_line(made.text, _WIDTH)}".rstrip()


def forget_mark(session: Session, argument: str) -> Iterator[str]:
    """Take the name of a place away."""
    if not argument:
        raise InputError("unmark needs the name of a mark; `marks` lists them")
    from clinseek_replay.cursor.marks import unmark  # noqa: PLC0415 -- brings the triage

    unmark(session.recording, session.run, argument, author=session.author)
    yield f"{one_line(argument, _WIDTH)} is no mark any more"


def _need_breakpoints(session: Session) -> None:
    if not session.breakpoints:
        raise InputError("no breakpoint is set; `break error` sets one, `break` tells the kinds there are")


def _stopped(session: Session, hit: BreakHit | None, which: str) -> Iterator[str]:
    if hit is None:
        yield f"no stop {which} {session.anchor} in this run"
        yield from (
            f"{one_line(missing.code, _WIDTH)} can't stop it: {missing.reason}"
            for missing in undecided(session.run, session.breakpoints)
        )
        return
    session.cursor = hit.cursor
    for reason in hit.reasons:
        yield (
            f"{reason.place.anchor}: {one_line(reason.breakpoint, _WIDTH)}: {one_line(reason.why, _WIDTH)}"
        )
    yield from here(session)


def _sought(session: Session, argument: str) -> tuple[str, Found | Cursor]:
    """The text, and where to look from: the hit come to last, as long as nobody has gone away from it."""
    last = session.search
    wanted = argument or (last.text if last else "")
    if not wanted:
        raise InputError("find needs a text, or /REGEX/")
    if last is not None and last.found is not None and (last.text, last.at) == (wanted, session.cursor):
        return wanted, last.found
    session.search = Search(wanted)
    return wanted, session.cursor


def _came_to(session: Session, found: Found | None, wanted: str, which: str) -> Iterator[str]:
    if found is None:
        runs = " in these runs" if len(session.recordings.entries) > 1 else ""
        yield f"{one_line(wanted, 80)} is not found {which} {session.anchor}{runs}"
        return
    run = session.run_at(found.run)
    place = place_of(run, found.hit, 0 if wanted.startswith("/") else len(wanted))
    session.cursor = at_place(run, msgspec.structs.replace(place, row=None, start=None, end=None), found.run)
    session.search = Search(wanted, found, session.cursor)
    named = f"run {found.run + 1} " if len(session.recordings.entries) > 1 else ""
    yield f"{named}{place.anchor}: {found.hit.field}: {quote(run, found.hit, _WIDTH)}"
