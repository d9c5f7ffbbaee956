"""What a run has used of what it may: rounds as a bar, tokens, characters of results, and cost by a price."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from clinseek_replay.trajectory import Trajectory
from clinseek_tui.view.words import Words

__all__ = ["Price", "budget_words", "price_in", "used"]

_CELLS = 8
_MILLION = 1_000_000


class Price(msgspec.Struct, frozen=True):
    """What a million tokens cost, in whatever currency they are paid."""

    into: float
    out: float


class Used(msgspec.Struct, frozen=True):
    """What a run has used so far."""

    rounds: int
    input_tokens: int
    output_tokens: int
    characters: int
    """Of results, as the model got them."""


def price_in(environ: Mapping[str, str]) -> Price | None:
    """`CLINSEEK_PRICE=3,15`: of a million tokens in and out; None where no two numbers are set."""
    parts = environ.get("CLINSEEK_PRICE", "").split(",")
    try:
        into, out = (float(part) for part in parts)
    except ValueError:
        return None
    return Price(into, out) if into >= 0 and out >= 0 else None


def used(run: Trajectory) -> Used:
    """Sums over the run's steps; tokens as the endpoint counted them."""
    usages = [step.usage for step in run.steps if step.usage is not None]
    results = (call.result for step in run.steps for call in step.calls if call.result is not None)
    return Used(
        rounds=len(run.steps),
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        characters=sum(len(result.text) for result in results),
    )


def budget_words(run: Trajectory, price: Price | None) -> Words:
    """`███░░░░░ 12/200 rounds · 45k tokens · 120k characters · 0.35`, without what is not known."""
    so_far = used(run)
    words: list[tuple[str, str]] = []
    if run.max_rounds:
        full = min(-(-_CELLS * so_far.rounds // run.max_rounds), _CELLS)
        words.append(("█" * full + "░" * (_CELLS - full), "accent"))
    of = f"/{run.max_rounds}" if run.max_rounds else ""
    told = [f"{so_far.rounds}{of} rounds"]
    tokens = so_far.input_tokens + so_far.output_tokens
    if tokens:
        told.append(f"{_short(tokens)} tokens")
    told.append(f"{_short(so_far.characters)} characters")
    if price is not None and tokens:
        cost = (price.into * so_far.input_tokens + price.out * so_far.output_tokens) / _MILLION
        told.append(f"cost {cost:.2f}")
    return (*words, (" " + " · ".join(told), "dim"))


def _short(count: int) -> str:
    for size, name in ((_MILLION, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.1f}{name}" if count < 10 * size else f"{count // size}{name}"
    return str(count)
