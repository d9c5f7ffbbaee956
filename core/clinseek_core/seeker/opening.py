"""Opening the record and reading its schema: which tables hold rows, and what their columns are."""

from __future__ import annotations

from clinseek_core.seeker.brief import Brief
from clinseek_core.seeker.desk import Desk
from clinseek_core.seeker.question import Asked
from clinseek_core.seeker.reading import failed
from clinseek_core.seeker.script import Script, Turn
from clinseek_core.seeker.sources import SOURCES, Schema, read_columns, read_tables
from clinseek_core.seeker.words import counted, listed, sentences
from clinseek_core.text import one_line

__all__ = ["open_record"]

_ASKS_PER_TURN = 12
_LARGEST = 5


def open_record(desk: Desk, brief: Brief, asked: Asked) -> Script[Schema]:
    """Load the record, list its tables, and read the columns of those that say things in words."""
    (loaded,) = yield Turn(_introduction(brief, asked), (desk.load(brief.now),))
    (listing,) = yield Turn(_opened(loaded), (desk.table_names(),))
    counts = read_tables(loaded, listing)
    tables = [name for name in dict.fromkeys(s.table for s in SOURCES) if counts.get(name, 0) > 0]
    thought = sentences([_holdings(counts), "I read the columns of the tables that I want to search."])
    columns: dict[str, frozenset[str]] = {}
    for first in range(0, len(tables), _ASKS_PER_TURN):
        batch = tables[first : first + _ASKS_PER_TURN]
        asks = [desk.describe(name) if name == asked.focus else desk.columns(name) for name in batch]
        answers = yield Turn(thought, tuple(asks))
        columns |= {name: read_columns(answer) for name, answer in zip(batch, answers, strict=True)}
        thought = "I go on with the columns of the other tables."
    return Schema(counts, columns)


def _introduction(brief: Brief, asked: Asked) -> str:
    if asked.whether:
        wanted = "The question wants yes or no" + (f", about {asked.outcome}." if asked.outcome else ".")
    else:
        amount = f"one {asked.kind}" if asked.one else f"every {asked.kind} that fits"
        choice = f" from {counted(len(brief.candidates), 'candidate')}" if brief.candidates else ""
        wanted = f"As I read the question, it wants {amount}{choice}."
    return sentences(
        [
            "I am seeker, the built-in rule-based policy: fixed rules and weights, no language model.",
            wanted,
            "I can't look at the attached images; I go by the record." if brief.images else "",
            f"First I open the record of patient {brief.subject_id} as of {brief.now}.",
        ]
    )


def _opened(answer: str) -> str:
    if failed(answer):
        return f"The record did not open as I asked ({one_line(answer, 160)}). I look at what there is."
    return "The record is open. I list its tables."


def _holdings(counts: dict[str, int]) -> str:
    held = sorted((name for name in counts if counts[name]), key=lambda name: (-counts[name], name))
    # Dictionaries are the same for everybody and say nothing about how much is known of this patient.
    own = [name for name in held if not name.startswith("d_")]
    if not own:
        return "I find no table that holds rows."
    largest = [f"{name} ({counted(counts[name], 'row')})" for name in own[:_LARGEST]]
    return f"{counted(len(own), 'table')} hold rows; the largest are {listed(largest)}."
