"""What the text panes show, as blocks of text with a style: the case, a call, a turn, the end of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from clinseek_core.journal.events import Table
from clinseek_replay.amounts import duration
from clinseek_replay.search import argument_texts
from clinseek_replay.trajectory import Call, Note, Result, Step, Trajectory
from clinseek_tui.view import sql
from clinseek_tui.view.answer import answer_blocks
from clinseek_tui.view.blocks import Block, Document, heading, labelled

__all__ = ["about_case", "about_end", "asked", "given_back", "raw", "record", "turn"]
