"""What only shows beside other runs: repeated lines, several runs of a question, the recorded scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage.rules import RULES
from clinseek_replay.triage.run import RunTriage, apply_rules, with_findings
from clinseek_replay.triage.view import RunView, Siblings

__all__ = ["Scores", "among_others", "read_scores"]

Scores = Mapping[str, tuple[float, ...]]
"""By qid the reference's F1 of each of its runs, in order."""

_RULES = tuple(rule for rule in RULES if rule.code in ("S3", "S4"))
_CODES = {rule.code for rule in _RULES}


def among_others(runs: Sequence[RunTriage], scores: Scores | None = None) -> list[RunTriage]:
    """The same runs with what the rules on scores and denominators say of them, side by side."""
    of_question = Counter(run.qid for run in runs if run.qid)
    same = Counter((run.qid, run.run_id) for run in runs if run.run_id)
    seen: Counter[str] = Counter()
    told: list[RunTriage] = []
    for run in runs:
        place = seen[run.qid]
        seen[run.qid] += 1
        siblings = Siblings(
            runs_of_question=max(of_question[run.qid], 1),
            same_line=max(same[run.qid, run.run_id], 1),
            first=not place,
        )
        recorded = (scores or {}).get(run.qid, ())
        told.append(_beside(run, siblings, recorded[place] if place < len(recorded) else None))
    return told


def _beside(run: RunTriage, siblings: Siblings, recorded_f1: float | None) -> RunTriage:
    answer, gold = run.items
    stub = Trajectory(
        run_id=run.run_id,
        source=run.source,
        format="",
        qid=run.qid,
        task=run.task,
        gold=gold or None,
        answer=answer if answer or run.status == "answered" else None,
        status=run.status,
    )
    view = RunView(stub, recorded_f1=recorded_f1, siblings=siblings)
    findings, undecided = apply_rules(view, _RULES)
    others = tuple(finding for finding in run.findings if finding.code not in _CODES)
    unverified = tuple(each for each in run.not_verified if each.code not in _CODES)
    made = msgspec.structs.replace(run, not_verified=(*unverified, *undecided))
    return with_findings(made, (*others, *findings))


def read_scores(path: Path) -> Scores:
    """The reference's `per_question.jsonl`: by qid the F1 of its runs.

    Raises InputError naming file, line and reason.
    """
    scores: dict[str, tuple[float, ...]] = {}
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    qid, values = _scores_of(line, f"{path}:{number}")
                    scores[qid] = values
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read ({error})") from error
    return scores


def _scores_of(line: bytes, place: str) -> tuple[str, tuple[float, ...]]:
    try:
        row: Any = msgspec.json.decode(line)
        runs = row["runs"]
        return str(row["qid"]), tuple(float(run["f1"]) for run in runs)
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise InputError(
            f"{place}: is no line of a per_question.jsonl, with `qid` and `runs` that have an `f1`"
        ) from error
