"""The data card of a training set: how many, left out why, how long, which tools, what the audit found."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import msgspec

from clinseek_core.version import __version__
from clinseek_replay.training.cleaning import MARKS
from clinseek_replay.training.example import Example, Wish
from clinseek_replay.training.selection import REASONS, Selection
from clinseek_replay.training.splitting import split_of

__all__ = ["Card", "Tokens", "card_markdown", "card_of"]

_LICENCE = (
    "The examples hold what the runs read of patients' records. They are derived from that data, and may be "
    "kept, shared and trained on only as its terms allow: for MIMIC-IV, PhysioNet's credentialed data use "
    "agreement, which also binds a model that was trained on them."
)


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Lengths of the examples, in tokens."""

    total: int
    least: int
    median: float
    mean: float
    most: int


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a data set is."""

    made_by: str
    runs: int
    examples: dict[str, int]
    """By split."""
    patients: dict[str, int]
    """By split; none is in both."""
    tasks: dict[str, dict[str, int]]
    """Examples by task and split."""
    models: dict[str, int]
    formats: dict[str, int]
    left_out: dict[str, int]
    """By key of REASONS."""
    marked: dict[str, int]
    """Calls by key of MARKS, in runs that were taken."""
    marked_dropped: bool
    tokens: Tokens | None
    counted: str
    tools: dict[str, int]
    """Calls in the examples."""
    mean_f1: float | None
    with_leaks: int
    """Examples whose runs were shown something that was not known yet, though no answer rests on it."""
    not_verified: int
    """Examples of which some rule of the audit could not be decided."""
    selection: Selection
    form: str
    seed: int
    validation_share: float
    licence: str = _LICENCE


def card_of(
    judged: Sequence[tuple[Example, int]], wish: Wish, counted: str, seed: int, validation_share: float
) -> Card:
    """The card of examples with their tokens, those that were left out included."""
    taken = [(example, count) for example, count in judged if example.reason is None]
    splits = [split_of(example.subject_id or 0, seed, validation_share) for example, _ in taken]
    tasks: dict[str, dict[str, int]] = {}
    for (example, _), split in zip(taken, splits, strict=True):
        of_task = tasks.setdefault(example.task, {})
        of_task[split] = of_task.get(split, 0) + 1
    patients = {(split, example.subject_id) for (example, _), split in zip(taken, splits, strict=True)}
    scores = [example.f1 for example, _ in taken if example.f1 is not None]
    return Card(
        made_by=f"clinseek-tui {__version__}",
        runs=len(judged),
        examples=_counted(splits),
        patients=_counted(split for split, _ in patients),
        tasks=dict(sorted(tasks.items())),
        models=_counted(example.model for example, _ in taken),
        formats=_counted(example.format for example, _ in taken),
        left_out=_counted(example.reason for example, _ in judged if example.reason is not None),
        marked=_counted(mark for example, _ in taken for mark in example.marks.values()),
        marked_dropped=wish.drop_marked,
        tokens=_tokens([count for _, count in taken]),
        counted=counted,
        tools=dict(sum((Counter(example.calls) for example, _ in taken), Counter()).most_common()),
        mean_f1=statistics.fmean(scores) if scores else None,
        with_leaks=sum(example.leaks > 0 for example, _ in taken),
        not_verified=sum(example.not_verified > 0 for example, _ in taken),
        selection=wish.selection,
        form=wish.form,
        seed=seed,
        validation_share=validation_share,
    )


def _counted(keys: object) -> dict[str, int]:
    return dict(sorted(Counter(keys).items()))  # type: ignore[call-overload]


def _tokens(counts: Sequence[int]) -> Tokens | None:
    if not counts:
        return None
    return Tokens(
        total=sum(counts),
        least=min(counts),
        median=statistics.median(counts),
        mean=round(statistics.fmean(counts), 1),
        most=max(counts),
    )


def card_markdown(card: Card) -> str:
    """The card as a page."""
    return "\n".join(_lines(card))


def _lines(card: Card) -> Iterator[str]:
    taken = sum(card.examples.values())
    yield "# Data card: runs of clinical agents, for supervised fine-tuning"
    yield ""
    yield f"Made by {card.made_by} of {card.runs:,} recorded runs; {taken:,} were taken."
    yield ""
    for title, section in _SECTIONS.items():
        yield from (f"## {title}", "") if title else ()
        yield "\n".join(section(card)).rstrip("\n")
        yield ""
    yield "## Licence"
    yield ""
    yield card.licence


def _splits(card: Card) -> Iterator[str]:
    yield from _table(
        ("split", "examples", "patients"),
        [(split, f"{count:,}", f"{card.patients.get(split, 0):,}") for split, count in card.examples.items()],
    )
    share = f"{card.validation_share:.0%} of patients"
    yield f"Split by patient with seed {card.seed}, about {share} for validation. No patient is in both."


def _left_out(card: Card) -> Iterator[str]:
    yield from _table(
        ("why", "runs", "share"),
        [
            (REASONS[reason], f"{count:,}", f"{count / card.runs:.1%}")
            for reason, count in sorted(card.left_out.items(), key=lambda item: -item[1])
        ],
    )
    yield _asked(card.selection)


def _marked(card: Card) -> Iterator[str]:
    yield from _table(("why", "calls"), [(MARKS[mark], f"{count:,}") for mark, count in card.marked.items()])
    done = "were dropped with their results" if card.marked_dropped else "are in the examples"
    yield f"Marked calls {done}; `left_out.jsonl` names each by its place in the run."


def _length(card: Card) -> Iterator[str]:
    if card.tokens is not None:
        tokens = card.tokens
        yield (
            f"{tokens.total:,} tokens; an example has {tokens.least:,} to {tokens.most:,}, median "
            f"{tokens.median:,.0f}, mean {tokens.mean:,.0f}. Counted {card.counted}."
        )


def _contents(card: Card) -> Iterator[str]:
    mean = "not known" if card.mean_f1 is None else f"{card.mean_f1:.3f}"
    yield f"Form: {card.form}. Mean F1 of the runs: {mean}."
    yield ""
    total = sum(card.tools.values()) or 1
    yield from _table(
        ("tool", "calls", "share"),
        [(name, f"{count:,}", f"{count / total:.1%}") for name, count in card.tools.items()],
    )
    yield from _table(
        ("task", "train", "validation"),
        [
            (task or "not named", str(of.get("train", 0)), str(of.get("validation", 0)))
            for task, of in card.tasks.items()
        ],
    )
    yield from _table(
        ("model", "examples"), [(name or "not named", f"{n:,}") for name, n in card.models.items()]
    )


def _leaks(card: Card) -> Iterator[str]:
    yield (
        f"{card.with_leaks:,} examples are of runs that were shown something not known at their time, though "
        f"no item of their answer rests on it; of {card.not_verified:,} a rule of the audit was not decided."
    )


_SECTIONS: dict[str, Callable[[Card], Iterator[str]]] = {
    "": _splits,
    "Left out": _left_out,
    "Marked calls": _marked,
    "Length": _length,
    "What is in them": _contents,
    "Temporal leaks": _leaks,
}


def _asked(selection: Selection) -> str:
    asked = [f"F1 of at least {selection.min_f1:g}", f"at most {selection.max_tokens:,} tokens"]
    if not selection.allow_leaks:
        asked.append("no answer that rests on a leak")
    if not selection.allow_loops:
        asked.append("no loop")
    if selection.cap_per_task is not None:
        asked.append(f"at most {selection.cap_per_task} of a task")
    return f"Asked of a run: the model's own finish, {', '.join(asked)}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows or [["none", *[""] * (len(head) - 1)]]:
        yield f"| {' | '.join(row)} |"
    yield ""
