"""The answer against gold: the score, where it went, and each item with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clinseek_core.journal.events import Table
from clinseek_core.scoring import Score
from clinseek_core.text import one_line
from clinseek_replay.glyphs import SIGNS, VERDICT, Verdict
from clinseek_replay.overview import score_of
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.view.blocks import Block, Document, heading, labelled

if TYPE_CHECKING:
    # They bring the search for items in texts, which loads when the page is first opened.
    from clinseek_replay.evidence.provenance import ItemState
    from clinseek_replay.evidence.report import Evidence
    from clinseek_replay.evidence.waterfall import Bar

__all__ = ["answer_blocks", "answer_head", "answer_table", "f1", "items_of"]

_STYLES: dict[Verdict, tuple[str, str]] = {
    "hit": ("plain", "accent"),
    "missed": ("plain", "strong"),
    "extra": ("dim", "dim"),
}
"""How a name and its verdict are drawn, in the order in which they are listed."""
_BAR = 20
"""Cells of a whole bar of the waterfall."""
_SAME = 0.005
_NAMED = 3
"""Items that a bar names."""
_NAME = 40


def f1(trajectory: Trajectory) -> str:
    """The header's word on the score: `F1 0.67`, `F1 –` while there is no answer, `no gold`."""
    if not trajectory.gold:
        return "no gold"
    result = score_of(trajectory)
    return "F1 –" if result is None else f"F1 {result.f1:.2f}"


def answer_blocks(trajectory: Trajectory) -> Document:
    """The answer against gold: the numbers, then each item as hit, missed or extra; or what is not known."""
    result = score_of(trajectory)
    if result is None:
        return (*_answer(trajectory), Block(""), Block(_why_unscored(trajectory), "dim"))
    return (
        _numbers(result),
        Block(""),
        *(block for verdict in _STYLES for block in _names(verdict, result)),
    )


def answer_head(trajectory: Trajectory, found: Evidence | None, under_way: bool) -> Document:
    """What stands above the items: the score, where it went, and what must be read with it."""
    result = score_of(trajectory)
    numbers = _numbers(result) if result else Block(_why_unscored(trajectory), "dim")
    waiting = (Block("the run is being read for where each item comes from", "dim"),) if under_way else ()
    if found is None:
        return (numbers, *waiting)
    upstream = found.f1_upstream.f1
    differs = result is not None and upstream is not None and abs(upstream - result.f1) > _SAME
    reference = (Block(f"as the reference scores it: F1 {upstream:.2f}", "dim"),) if differs else ()
    notes = (*found.cautions, *(f"not verified: {each.code} {each.reason}" for each in found.not_verified))
    return (numbers, *reference, *_waterfall(found), *(Block(note, "dim") for note in notes), *waiting)


def answer_table(trajectory: Trajectory, found: Evidence | None) -> Table | None:
    """A row for each item of gold and answer, in the order of `items_of`; None where there is none."""
    if found is None:
        rows = tuple(_unread_rows(trajectory))
        return Table(columns=("", "item"), rows=rows, total=len(rows)) if rows else None
    states = tuple(_row(found, state) for state in items_of(found))
    columns = ("", "item", "state", "where", "by", "because")
    return Table(columns=columns, rows=states, total=len(states)) if states else None


def items_of(found: Evidence) -> tuple[ItemState, ...]:
    """Every item: the gold that was answered, the gold that was missed, then what is no gold."""
    hits = (state for state in found.gold if state.answered)
    missed = (state for state in found.gold if not state.answered)
    return (*hits, *missed, *found.extra)


def _row(found: Evidence, state: ItemState) -> tuple[str, ...]:
    leaked = f"{SIGNS['leak'].unicode} " if "LEAKED" in state.state else ""
    suggestion = " ?" if state.tier == "S" else ""
    return (
        _verdict_word(_verdict_of(found, state)),
        state.item,
        f"{leaked}{state.state}{suggestion}",
        state.places[0].anchor if state.places else "",
        state.matched_by,
        state.because,
    )


def _verdict_of(found: Evidence, state: ItemState) -> Verdict | None:
    if not found.gold:
        return None
    if state in found.gold:
        return "hit" if state.answered else "missed"
    return "extra"


def _verdict_word(verdict: Verdict | None) -> str:
    return f"{VERDICT[verdict].unicode} {verdict}" if verdict else "answered"


def _unread_rows(trajectory: Trajectory) -> Iterator[tuple[str, str]]:
    """The items as the score knows them, before the run is read for where they come from."""
    result = score_of(trajectory)
    if result is None:
        verdict: Verdict | None = None if trajectory.gold is None else "missed"
        yield from ((_verdict_word(verdict), name) for name in trajectory.gold or trajectory.answer or ())
        return
    for verdict in _STYLES:
        yield from ((_verdict_word(verdict), name) for name in _by_verdict(result)[verdict])


def _waterfall(found: Evidence) -> Iterator[Block]:
    fall = found.waterfall
    if fall is None:
        return
    indicative = ", an indication only" if fall.indicative else ""
    yield Block(f"where the F1 went{indicative}", "heading")
    yield Block(f"1.00 {'█' * _BAR}", label="gold")
    for bar in fall.bars:
        verified = "" if bar.loss != "data" or fall.data_verified else "  not verified: needs the record"
        text = f"{bar.after:.2f} {_drawn(bar)}{verified}{_lost(bar)}"
        yield Block(text, "plain" if bar.items else "dim", label=bar.loss.replace("_", " "))


def _drawn(bar: Bar) -> str:
    full, before = round(bar.after * _BAR), round(bar.before * _BAR)
    return "█" * full + "░" * (before - full) + " " * (_BAR - max(before, full))


def _lost(bar: Bar) -> str:
    if not bar.items:
        return ""
    named = ", ".join(one_line(item, _NAME) for item in bar.items[:_NAMED])
    more = f" and {len(bar.items) - _NAMED} more" if len(bar.items) > _NAMED else ""
    return f"  −{bar.lost:.2f} {bar.means}: {named}{more}"


def _numbers(result: Score) -> Block:
    return Block(
        f"F1 {result.f1:.2f}   precision {result.precision:.2f}   recall {result.recall:.2f}", "strong"
    )


def _names(verdict: Verdict, score: Score) -> Document:
    style, label_style = _STYLES[verdict]
    pairs = ((_verdict_word(verdict), name) for name in _by_verdict(score)[verdict])
    return tuple(block._replace(label_style=label_style) for block in labelled(pairs, style))


def _by_verdict(score: Score) -> dict[Verdict, tuple[str, ...]]:
    return {"hit": score.hits, "missed": score.missed, "extra": score.extra}


def _answer(trajectory: Trajectory) -> Document:
    if trajectory.answer is None:
        return (heading("answer"), Block("none" if trajectory.ended else "none yet", "dim"))
    return (heading("answer"), *map(Block, trajectory.answer or ("∅ an empty list",)))


def _why_unscored(trajectory: Trajectory) -> str:
    if not trajectory.gold:
        return "no gold: the recording holds none, so nothing is scored"
    return "the run has not answered yet: nothing is scored"
