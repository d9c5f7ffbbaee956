"""The header's words on where one stands: mode, position, run."""

from __future__ import annotations

from typing import NamedTuple

from clinseek_replay.trajectory import Mode, Trajectory
from clinseek_tui.view.rows import Row, last_number, place
from clinseek_tui.view.words import Words

__all__ = ["Standing", "mode_words", "position"]

_QUIET = 10
"""Seconds without an event after which the header says for how long nothing came."""

_STATES = {"ended": "ended", "gone": "writer gone"}


class Standing(NamedTuple):
    """All that the header says beside the run itself."""

    mode: str = ""
    """`replay`, `live · paused` and so on."""
    position: str = ""
    """`12/35`."""
    run: str = ""
    """`run 2/50` where there are several."""
    budget: Words = ()
    """Of a live run: what it has used."""


def mode_words(mode: Mode, state: str, paused: bool, quiet_s: float, waits: str = "") -> str:
    """`replay`, `replay · no end`, `live · paused`, `follow · writer gone`, `follow · quiet for 40 s`."""
    if mode == "replay":
        return mode if state == "ended" else f"{mode} · no end"
    if state in _STATES:
        return f"{mode} · {_STATES[state]}"
    if waits:
        return f"{mode} · {waits} waits for you"
    if paused:
        return f"{mode} · paused"
    quiet = int(quiet_s - quiet_s % _QUIET)
    time = f"{quiet} s" if quiet < 2 * 60 else f"{quiet // 60} min"
    return f"{mode} · quiet for {time}" if quiet else mode


def position(trajectory: Trajectory, row: Row) -> str:
    """The step one is at and the last one; 0 at the case."""
    last = last_number(trajectory)
    step, _ = place(trajectory, row)
    here = step.number if step else 0 if row.kind == "case" else last
    return f"{here}/{last}"
