"""Going through runs: places and moves, breakpoints, probes, search, and marks."""

from clinseek_replay.cursor.breakpoints import KINDS, Breakpoint, Kind, read_breakpoint
from clinseek_replay.cursor.place import (
    MOVES,
    Cursor,
    Move,
    at_anchor,
    at_place,
    other_run,
    read_anchor,
    step_of,
)
from clinseek_replay.cursor.probes import Probe, Probed, read_probe
from clinseek_replay.cursor.running import BreakHit, Reason, hits, run_backward, run_forward, undecided
from clinseek_replay.cursor.seeking import (
    Found,
    all_found,
    found_in,
    looked_for,
    next_found,
    place_of,
    previous_found,
    quote,
)

__all__ = [
    "KINDS",
    "MOVES",
    "BreakHit",
    "Breakpoint",
    "Cursor",
    "Found",
    "Kind",
    "Move",
    "Probe",
    "Probed",
    "Reason",
    "all_found",
    "at_anchor",
    "at_place",
    "found_in",
    "hits",
    "looked_for",
    "next_found",
    "other_run",
    "place_of",
    "previous_found",
    "quote",
    "read_anchor",
    "read_breakpoint",
    "read_probe",
    "run_backward",
    "run_forward",
    "step_of",
    "undecided",
]
