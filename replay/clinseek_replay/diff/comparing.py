"""Two runs of a case compared: what was asked, what it showed, and what that did to the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from clinseek_core.case import Policy
from clinseek_core.scoring import folded, score
from clinseek_replay.diff.alignment import Aligned, Change, align
from clinseek_replay.diff.calls import CallRef, calls_at, calls_of
from clinseek_replay.diff.evidence import Gained, gained
from clinseek_replay.diff.standing import GoldLine, gold_lines, gold_of
from clinseek_replay.search import as_text
from clinseek_replay.trajectory import Call, Trajectory

__all__ = ["ArgumentChange", "CaseChange", "Line", "RunDiff", "RunHead", "diff", "head_of"]

_SHOWN = 300
"""Characters of an argument that are kept, from where it begins to differ."""
_BEFORE = 40
_CASE_FIELDS = ("qid", "subject_id", "prediction_time", "policy", "question")
"""What makes two runs ones of the same case; the model may differ, that is what runs are compared for."""


class RunHead(msgspec.Struct, frozen=True, kw_only=True):
    """One of the runs."""

    source: str
    run_id: str
    qid: str
    model: str
    status: str
    steps: int
    calls: int
    f1: float | None
    """None where there is no gold."""


class CaseChange(msgspec.Struct, frozen=True, kw_only=True):
    """Something in which the runs' cases differ."""

    name: str
    a: str
    b: str


class ArgumentChange(msgspec.Struct, frozen=True, kw_only=True):
    """An argument of two calls of one tool; None where the call has none of that name. Untrusted."""

    name: str
    a: str | None
    b: str | None


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the runs side by side, with what it means for what was seen."""

    change: Change
    a: CallRef | None = None
    b: CallRef | None = None
    moved: bool = False
    evidence: Gained = Gained()
    arguments: tuple[ArgumentChange, ...] = ()

    @property
    def tool(self) -> str:
        """The tool called."""
        ref = self.a or self.b
        return ref.tool if ref else ""

    @property
    def changes_evidence(self) -> bool:
        """Whether it showed one run what the other never saw."""
        return bool(self.evidence.only_a or self.evidence.only_b)


class RunDiff(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs, compared. Model texts are not: two runs that read and answered the same are equal."""

    a: RunHead
    b: RunHead
    case: tuple[CaseChange, ...]
    counts: dict[Change, int]
    lines: tuple[Line, ...]
    """All lines, the same ones too."""
    gold: tuple[GoldLine, ...]
    """Each with the standings in `a` and in `b`; empty without gold."""
    answered_by_a: tuple[str, ...]
    answered_by_b: tuple[str, ...]
    """Names that only that run answered."""

    @property
    def edits(self) -> tuple[Line, ...]:
        """The lines that differ."""
        return tuple(line for line in self.lines if line.change != "same")

    @property
    def first(self) -> Line | None:
        """Where the runs part first, if only in order."""
        return next((line for line in self.lines if line.change != "same"), None)

    @property
    def first_evidence(self) -> Line | None:
        """The first line that showed one run what the other never saw."""
        return next((line for line in self.lines if line.changes_evidence), None)

    @property
    def first_gold(self) -> tuple[str, Line] | None:
        """The first gold item that one run saw and the other never did, and the line that showed it."""
        for line in self.lines:
            for item in self.gold:
                a, b = item.runs
                shown_by_a = line.a is not None and a.first_seen == line.a.anchor
                shown_by_b = line.b is not None and b.first_seen == line.b.anchor
                if (shown_by_a and not b.first_seen) or (shown_by_b and not a.first_seen):
                    return item.item, line
        return None

    @property
    def equal(self) -> bool:
        """Whether nothing that is compared differs."""
        answers = self.answered_by_a or self.answered_by_b or self.a.status != self.b.status
        return not (self.case or self.first or answers)


def diff(a: Trajectory, b: Trajectory) -> RunDiff:
    """Compare two runs. Each is read a few times from beginning to end; only what differs is kept."""
    of_a, of_b = calls_of(a), calls_of(b)
    aligned = align(of_a, of_b)
    evidence = gained(a, b, aligned)
    arguments = _argument_changes(a, b, aligned)
    lines = tuple(
        Line(
            change=line.change,
            a=line.a,
            b=line.b,
            moved=line.moved,
            evidence=evidence[index],
            arguments=arguments.get(index, ()),
        )
        for index, line in enumerate(aligned)
    )
    gold = gold_of((a, b))
    return RunDiff(
        a=head_of(a, gold),
        b=head_of(b, gold),
        case=_case_changes(a, b),
        counts=dict(Counter(line.change for line in lines)),
        lines=lines,
        gold=gold_lines((a, b)),
        answered_by_a=_answered_alone(a, b),
        answered_by_b=_answered_alone(b, a),
    )


def head_of(run: Trajectory, gold: tuple[str, ...]) -> RunHead:
    """A run in short, scored against the case's gold."""
    scored = score(run.answer, gold)
    return RunHead(
        source=run.source,
        run_id=run.run_id,
        qid=run.qid,
        model=run.model,
        status=run.status,
        steps=len(run.steps),
        calls=sum(len(step.calls) for step in run.steps),
        f1=scored.f1 if scored else None,
    )


def _case_changes(a: Trajectory, b: Trajectory) -> tuple[CaseChange, ...]:
    """The fields of the case that both runs give and that differ."""
    return tuple(
        CaseChange(name=name, a=_told(getattr(a, name)), b=_told(getattr(b, name)))
        for name in _CASE_FIELDS
        if getattr(a, name) != getattr(b, name)
        and getattr(a, name) not in (None, "")
        and getattr(b, name) not in (None, "")
    )


def _told(value: object) -> str:
    return f"{value.basis}, {value.boundary}" if isinstance(value, Policy) else str(value)


def _answered_alone(run: Trajectory, other: Trajectory) -> tuple[str, ...]:
    others = {folded(name) for name in other.answer or ()}
    named = {folded(name): name for name in reversed(run.answer or ())}
    return tuple(name for key, name in reversed(named.items()) if key not in others)


def _argument_changes(
    a: Trajectory, b: Trajectory, lines: Sequence[Aligned]
) -> dict[int, tuple[ArgumentChange, ...]]:
    changed = {
        index: (line.a, line.b)
        for index, line in enumerate(lines)
        if line.change == "changed_arguments" and line.a and line.b
    }
    of_a = _arguments(a, (pair[0] for pair in changed.values()))
    of_b = _arguments(b, (pair[1] for pair in changed.values()))
    return {
        index: tuple(_argument_change(of_a[before.step, before.call], of_b[after.step, after.call]))
        for index, (before, after) in changed.items()
    }


def _arguments(trajectory: Trajectory, refs: Iterable[CallRef]) -> dict[tuple[int, int], dict[str, str]]:
    return {(ref.step, ref.call): _as_texts(call) for ref, call in calls_at(trajectory, refs)}


def _as_texts(call: Call) -> dict[str, str]:
    if call.arguments is None:
        return {"": call.raw_arguments}
    return {name: as_text(value) for name, value in call.arguments.items()}


def _argument_change(before: dict[str, str], after: dict[str, str]) -> Iterable[ArgumentChange]:
    for name in dict.fromkeys((*before, *after)):
        a, b = before.get(name), after.get(name)
        if a != b:
            start = max(_same_beginning(a or "", b or "") - _BEFORE, 0)
            yield ArgumentChange(name=name, a=_part(a, start), b=_part(b, start))


def _same_beginning(a: str, b: str) -> int:
    return next(
        (index for index, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def _part(text: str | None, start: int) -> str | None:
    if text is None:
        return None
    return ("…" if start else "") + text[start : start + _SHOWN] + ("…" if len(text) > start + _SHOWN else "")
