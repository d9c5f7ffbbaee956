"""What `replay` lists instead of showing a run: stops at breakpoints, hits of a search, values of a probe."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.text import one_line, visible
from clinseek_replay.cursor import (
    BreakHit,
    Breakpoint,
    Found,
    Probed,
    found_in,
    hits,
    looked_for,
    place_of,
    quote,
    read_breakpoint,
    read_probe,
    undecided,
)
from clinseek_replay.finding import NotVerified
from clinseek_replay.many import map_runs
from clinseek_replay.recordings import Recordings
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.commands.opening import positions
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.commands.progress import ProgressLine

__all__ = ["list_stops"]

_UNREADABLE = 2
_WIDTH = 100


def list_stops(recordings: Recordings, args: argparse.Namespace) -> int:
    """Print what --break, --find or --probe asks for; 0, or 2 where a run can't be read."""
    where = positions(recordings, args)
    if args.find is not None:
        return _list_found(recordings, where, args.find, args.json)
    if args.breaks:
        return _list_hits(recordings, where, tuple(map(read_breakpoint, args.breaks)), args.json)
    return _list_column(recordings, where, read_probe(args.probe).source, args.json)


class _Stops(msgspec.Struct, frozen=True):
    hits: tuple[BreakHit, ...]
    not_verified: tuple[NotVerified, ...]


def _stops(breakpoints: tuple[Breakpoint, ...], trajectory: Trajectory) -> _Stops:
    return _Stops(tuple(hits(trajectory, breakpoints)), undecided(trajectory, breakpoints))


def _column(source: str, trajectory: Trajectory) -> tuple[Probed, ...]:
    return tuple(read_probe(source).column(trajectory))


def _list_hits(
    recordings: Recordings, where: range, breakpoints: tuple[Breakpoint, ...], as_json: bool
) -> int:
    code, count = 0, 0
    with ProgressLine("stops") as progress:
        for position, stops in map_runs(recordings, where, partial(_stops, breakpoints), progress):
            progress.clear()
            if isinstance(stops, InputError):
                code = _unreadable(stops)
                continue
            count += len(stops.hits)
            _say_not_verified(recordings, position, stops.not_verified, as_json)
            say(_hit_lines(recordings, position, stops.hits, as_json))
    return _ended(code, count, "no stop")


def _list_column(recordings: Recordings, where: range, source: str, as_json: bool) -> int:
    code, count = 0, 0
    with ProgressLine("probe") as progress:
        for position, column in map_runs(recordings, where, partial(_column, source), progress):
            progress.clear()
            if isinstance(column, InputError):
                code = _unreadable(column)
                continue
            count += len(column)
            say(_column_lines(recordings, position, column, as_json))
    return _ended(code, count, "no value")


def _list_found(recordings: Recordings, where: range, text: str, as_json: bool) -> int:
    wanted = looked_for(text)
    code, count = 0, 0
    for position in where:
        try:
            trajectory = recordings.run(position)
            for found in found_in(trajectory, wanted, position):
                count += 1
                say((_found_line(recordings, trajectory, found, text, as_json),))
        except InputError as error:
            code = _unreadable(error)
    return _ended(code, count, "nothing found")


def _hit_lines(
    recordings: Recordings, position: int, found: Iterable[BreakHit], as_json: bool
) -> Iterator[str]:
    run = _run_named(recordings, position)
    for hit in found:
        if as_json:
            yield json_line({**_about(recordings, position), "anchor": hit.anchor, "reasons": hit.reasons})
            continue
        for reason in hit.reasons:
            anchor = reason.place.anchor
            yield f"{run}{anchor:<16} {one_line(reason.breakpoint, 40):<20} {one_line(reason.why, _WIDTH)}"


def _column_lines(
    recordings: Recordings, position: int, column: Iterable[Probed], as_json: bool
) -> Iterator[str]:
    run = _run_named(recordings, position)
    for probed in column:
        if as_json:
            yield json_line(
                {**_about(recordings, position), "anchor": probed.anchor, "values": probed.values}
            )
        else:
            yield f"{run}{probed.anchor:<16} {one_line('; '.join(probed.values), _WIDTH)}"


def _found_line(
    recordings: Recordings, trajectory: Trajectory, found: Found, text: str, as_json: bool
) -> str:
    place = place_of(trajectory, found.hit, 0 if text.startswith("/") else len(text))
    told = quote(trajectory, found.hit, _WIDTH)
    if as_json:
        about = _about(recordings, found.run)
        return json_line({**about, "anchor": place.anchor, "field": found.hit.field, "quote": told})
    return f"{_run_named(recordings, found.run)}{place.anchor:<16} {found.hit.field:<9} {told}"


def _run_named(recordings: Recordings, position: int) -> str:
    """The run at the beginning of a line, where there are several."""
    if len(recordings.entries) == 1:
        return ""
    return f"{position + 1:>4} {one_line(recordings.entries[position].qid, 24):<24} "


def _about(recordings: Recordings, position: int) -> dict[str, Any]:
    entry = recordings.entries[position]
    return {"run": position + 1, "qid": entry.qid, "source": entry.place}


def _say_not_verified(
    recordings: Recordings, position: int, missing: Iterable[NotVerified], as_json: bool
) -> None:
    for one in missing:
        if as_json:
            say((json_line({**_about(recordings, position), "not_verified": one}),))
        line = f"{_run_named(recordings, position)}{one.code}: not verified: {one.reason}"
        print(visible(line), file=sys.stderr)


def _unreadable(error: InputError) -> int:
    print(visible(str(error)).replace("\n", " "), file=sys.stderr)
    return _UNREADABLE


def _ended(code: int, count: int, nothing: str) -> int:
    if not count and not code:
        print(nothing, file=sys.stderr)
    return code
