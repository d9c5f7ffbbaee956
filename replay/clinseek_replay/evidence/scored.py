"""A run's scores, as commands and reports over many runs gather them."""

from __future__ import annotations

from collections.abc import Sequence

from clinseek_core.scoring import (
    ScoredRun,
    SingleAnswer,
    is_multimodal,
    score,
    score_upstream,
    single_answer,
)
from clinseek_core.tasks import TASKS
from clinseek_replay.readers.answers import IN_TEXT
from clinseek_replay.trajectory import Call, Trajectory

__all__ = ["compared_as_single", "finish_call", "scored", "single_of"]

_MULTIMODAL_FINISH = ("ehr.finish", "finish")
"""The only names by which the reference's multimodal scorer knows a finish; its text scorer takes any that
holds `finish`."""
_NO_ANSWER = ("no_answer", "stopped", "error")


def scored(trajectory: Trajectory) -> ScoredRun:
    """Score a run by both rules; a run without an answer is scored as one that answered nothing."""
    multimodal = is_multimodal(trajectory.task, trajectory.qid)
    called = None if trajectory.answer_source == IN_TEXT else trajectory.answer
    return ScoredRun(
        qid=trajectory.qid,
        run_id=trajectory.run_id,
        place=trajectory.source,
        task=trajectory.task,
        status=trajectory.status,
        answer_source=trajectory.answer_source,
        score=score(trajectory.answer, trajectory.gold),
        upstream=score_upstream(
            _as_multimodal(trajectory) if multimodal else called,
            trajectory.gold,
            multimodal=multimodal,
        ),
        single=single_of(trajectory),
    )


def single_of(trajectory: Trajectory) -> SingleAnswer | None:
    """The comparison of a run's one answer with its one gold value; None for all runs but such ones."""
    asked = (trajectory.qid, trajectory.task, trajectory.question)
    return compared_as_single(*asked, trajectory.answer, trajectory.gold)


def compared_as_single(
    qid: str, task: str, question: str, answer: Sequence[str] | None, gold: Sequence[str] | None
) -> SingleAnswer | None:
    """The comparison of an answer to a case whose answer is one value; None for all other cases.

    Single answers are of multimodal tasks: ours that are answered by one item, and the reference's wherever
    there is one gold name, as its scorer has it.
    """
    known = TASKS.get(task)
    multimodal = is_multimodal(task, qid) if known is None else known.kind == "multimodal" and known.one
    if gold is None or len(gold) != 1 or not multimodal:
        return None
    return single_answer(question, answer, gold[0])


def finish_call(trajectory: Trajectory) -> Call | None:
    """The last call whose name holds `finish`: the one that is scored."""
    for index in range(len(trajectory.steps) - 1, -1, -1):
        for call in reversed(trajectory.steps[index].calls):
            if "finish" in call.name.lower():
                return call
    return None


def _as_multimodal(trajectory: Trajectory) -> tuple[str, ...] | None:
    finish = finish_call(trajectory)
    known = finish is None or (finish.wire_name or finish.name) in _MULTIMODAL_FINISH
    return trajectory.answer if known and trajectory.status not in _NO_ANSWER else None
