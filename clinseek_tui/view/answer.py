"""The answer against gold, as numbers and as a list of what was found, missed and made up."""

from __future__ import annotations

from clinseek_core.scoring import Score
from clinseek_replay.glyphs import VERDICT, Verdict
from clinseek_replay.overview import score_of
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.view.blocks import Block, Document, heading

__all__ = ["answer_blocks", "f1"]

_STYLES: dict[Verdict, tuple[str, str]] = {
    "hit": ("plain", "accent"),
    "missed": ("plain", "strong"),
    "extra": ("dim", "dim"),
}
"""How a name and its verdict are drawn, in the order in which they are listed."""


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
    numbers = f"F1 {result.f1:.2f}   precision {result.precision:.2f}   recall {result.recall:.2f}"
    return (
        Block(numbers, "strong"),
        Block(""),
        *(block for verdict in _STYLES for block in _names(verdict, result)),
    )


def _names(verdict: Verdict, score: Score) -> Document:
    names: dict[Verdict, tuple[str, ...]] = {"hit": score.hits, "missed": score.missed, "extra": score.extra}
    label, (style, label_style) = f"{VERDICT[verdict].unicode} {verdict}", _STYLES[verdict]
    return tuple(Block(name, style, label, label_style) for name in names[verdict])


def _answer(trajectory: Trajectory) -> Document:
    if trajectory.answer is None:
        return (heading("answer"), Block("none" if trajectory.ended else "none yet", "dim"))
    return (heading("answer"), *map(Block, trajectory.answer or ("∅ an empty list",)))


def _why_unscored(trajectory: Trajectory) -> str:
    if not trajectory.gold:
        return "no gold: the recording holds none, so nothing is scored"
    return "the run has not answered yet: nothing is scored"
