"""The triage inbox as words and a page: one run, what the rules suggest, what was said, and the counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from clinseek_core.errors import InputError
from clinseek_replay.triage import Kappa, Label
from clinseek_replay.triage.inbox import InboxRun, Suggestion
from clinseek_tui.view.blocks import Block, Document, heading, labelled
from clinseek_tui.view.words import Words

__all__ = ["counts_words", "run_page", "title_words"]

_KEYS = 9
"""Findings that have a key of their own."""


def title_words(number: int, total: int, name: str, outcome: InboxRun | InputError | None) -> Words:
    """Which run of how many, and its figures."""
    words: list[tuple[str, str]] = [(f"run {number}/{total}  ", "dim"), (name, "accent")]
    if isinstance(outcome, InboxRun):
        made = outcome.made
        f1 = f"F1 {made.f1:.2f}" if made.f1 is not None else "no F1"
        parts = (made.task, made.model, made.status, f1)
        words.append(("  " + " · ".join(part for part in parts if part), "strong"))
    return tuple(words)


def run_page(
    outcome: InboxRun | InputError | None,
    labels: Iterable[Label],
    left: Sequence[Suggestion],
    note: str,
    *,
    done: bool,
) -> Document:
    """What the rules suggest of a run and what people said of it; `left` is what is still to be said."""
    if outcome is None:
        return (Block("reading this run…", "dim"),)
    if isinstance(outcome, InputError):
        return (Block(f"✗ this run can't be read: {outcome}", "error"),)
    return (*_suggested(left, done=done), *_said(labels), *labelled((("note", note),)))


def _suggested(left: Sequence[Suggestion], *, done: bool) -> Iterator[Block]:
    if done:
        yield Block("✓ you have gone through this run; u takes back what was said last", "accent")
    if not left:
        yield Block("no rule suggests anything more; enter: done, o: write a code", "strong")
        return
    yield heading("suggested: enter accepts, s accepts and goes on, r: nothing holds")
    for number, each in enumerate(left, 1):
        if number == 2:
            yield Block("")
            yield heading("other findings: their number says that they hold instead")
        key = str(number) if number <= _KEYS else ""
        more = f" (and {each.also} more)" if each.also else ""
        kind = "" if each.fact else " · only a hint, or made good later"
        yield Block(
            f"{each.code} {each.name} at {each.anchor}{more}{kind}",
            "strong" if number == 1 else "plain",
            label=key,
            label_style="accent",
        )
        yield Block(each.message, label=" ")
        if number == 1:
            yield from (Block(f"{name}: {text}", "dim", label=" ") for name, text in each.evidence)


def _said(labels: Iterable[Label]) -> Iterator[Block]:
    told = [each for each in labels if each.verdict != "reviewed"]
    if told:
        yield Block("")
        yield heading("said of this run")
    for each in told:
        instead = f", but {each.instead}" if each.instead else ""
        text = f": {each.text}" if each.text else ""
        sign = "✓" if each.verdict == "accept" else "✗"
        yield Block(f"{sign} {each.code}{instead} at {each.anchor} · {each.author}{text}", "soft")


def counts_words(done: int, total: int, read: int, kappa: Kappa, author: str) -> Words:
    """How many runs are done, and how far this person and the rules agree on them."""
    words: list[tuple[str, str]] = [(f"{author}: {done} of {total} done", "strong")]
    if done == total:
        words.append(("  all runs are labelled", "accent"))
    if read < total:
        words.append((f"  {read} read", "dim"))
    if kappa.kappa is not None:
        words.append((f"  kappa with the rules {kappa.kappa:.2f} (n={kappa.units})", "strong"))
    elif kappa.units:
        same = kappa.both_yes + kappa.both_no
        words.append((f"  agree on {same} of {kappa.units}; no kappa: {kappa.undefined}", "dim"))
    return tuple(words)
