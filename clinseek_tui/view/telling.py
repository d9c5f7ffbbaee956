"""Texts that commands make: breakpoints and marks as pages, and the names of files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from clinseek_replay.trajectory import Trajectory
from clinseek_tui.view.blocks import Block, Document, heading

__all__ = ["breakpoints_page", "file_name", "marks_page"]

_NAME = 60
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def breakpoints_page(set_: Sequence[str], kinds: Iterable[tuple[str, str]]) -> Document:
    """The breakpoints that are set, and what can be one."""
    none = (Block("none is set: b sets one", "dim"),)
    there = tuple(Block(text, label="●", label_style="accent") for text in set_)
    forms = (Block(says, label=form, label_style="accent") for form, says in kinds)
    return (heading("set"), *(there or none), Block(""), heading("there are"), *forms)


def marks_page(marks: Iterable[tuple[str, str]]) -> Document:
    """The places that were named."""
    blocks = tuple(Block(anchor, label=name, label_style="accent") for name, anchor in marks)
    return blocks or (Block("no place of this run has a name: m gives one", "dim"),)


def file_name(trajectory: Trajectory, anchor: str, suffix: str) -> str:
    """What a file of a place of a run is called: `case-7-s12.c1.svg`."""
    name = "-".join(filter(None, (trajectory.qid or "run", anchor)))
    return f"{_NOT_IN_A_NAME.sub('-', name)[:_NAME].strip('.-') or 'run'}.{suffix}"
