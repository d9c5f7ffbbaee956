"""Marks: places of a run that a person named, kept beside the recording in its findings side-file.

A mark is a line of type `mark` there, and lines are only appended: the last of a name and run is the mark,
and one without an anchor takes it away.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.cursor.place import Cursor, at_place, read_anchor
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage.labels import append_lines, findings_path

__all__ = ["Mark", "at_mark", "mark", "marks_of", "read_marks", "unmark"]

_MAX_NAME = 80


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="mark"):
    """A named place. Its texts are untrusted, as the file may come from others."""

    at: datetime
    author: str
    run: str
    """The run's id, or its qid where it has none."""
    name: str
    anchor: str = ""
    """`s12`, `s12.c1`, …; empty where the mark was taken away."""
    text: str = ""
    """What the author notes of it."""


_decoder = msgspec.json.Decoder(Mark)


def mark(recording: Path, run: Trajectory, name: str, anchor: str, *, author: str, text: str = "") -> Mark:
    """Name a place of a run and keep that; a name that is used already then means the new place.

    Raises InputError where the run has no such place, the name is none, or the file can't be written.
    """
    if not name.strip() or len(name) > _MAX_NAME or not author.strip():
        raise InputError(f"a mark needs its author and a name of up to {_MAX_NAME} characters")
    place = read_anchor(anchor)
    at_place(run, place)
    made = Mark(at=datetime.now(UTC), author=author, run=_key(run), name=name, anchor=place.anchor, text=text)
    append_lines(recording, (made,))
    return made


def unmark(recording: Path, run: Trajectory, name: str, *, author: str) -> None:
    """Take a mark away; the line that made it stays in the file. Raises InputError where there is none."""
    if all(made.name != name for made in marks_of(run, read_marks(recording))):
        raise InputError(f"{run.source}: there is no mark {name!r}")
    append_lines(recording, (Mark(at=datetime.now(UTC), author=author, run=_key(run), name=name),))


def read_marks(recording: Path) -> tuple[Mark, ...]:
    """Every line of a mark in a recording's side-file, in order; none where there is no file.

    Lines of other kinds are passed over, and so are damaged ones: reading the labels tells of these.
    Raises InputError where the file can't be read.
    """
    path = findings_path(recording)
    made: list[Mark] = []
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    made.append(_decoder.decode(line))
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    continue
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read ({error})") from error
    return tuple(made)


def marks_of(run: Trajectory, marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """The marks of a run as they are now, in the order in which they were first made."""
    now: dict[str, Mark] = {}
    for made in marks:
        if made.run == _key(run):
            now[made.name] = made
    return tuple(made for made in now.values() if made.anchor)


def at_mark(run: Trajectory, made: Mark, index: int = 0) -> Cursor:
    """The cursor at a mark of the run with that index; raises InputError where its place is gone."""
    return at_place(run, read_anchor(made.anchor), index)


def _key(run: Trajectory) -> str:
    return run.run_id or run.qid
