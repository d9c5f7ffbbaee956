"""B: budgets and the course of the run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from clinseek_replay.finding import Place
from clinseek_replay.triage.rule import Hit, Rule
from clinseek_replay.triage.view import CallView, RunView

__all__ = ["BUDGET", "browser_calls", "ended_by_budget"]

REFERENCE_ROUNDS = 200
REFERENCE_BROWSER_CALLS = 40
"""Calls after which the reference's text driver stops the run without an answer, and without saying so."""
_LOOP_REPEATS = 4
"""Repeated calls without anything new between them that make a loop."""
_LEFT = 0.5
"""Share of the rounds that must be left for a finish to be early."""
_RECENT_CALLS = 5
_OVERFLOW = re.compile(
    r"context[_ ](length|window|size|overflow)|maximum context|(prompt|input) is too long"
    r"|exceeds? .{0,40}token",
    re.IGNORECASE,
)


def ended_by_budget(view: RunView) -> bool:
    """Whether one of the first three rules says why there is no answer."""
    return any(
        not hit.recovered for rule in (_round_limit, _browser_limit, _context_limit) for hit in rule(view)
    )


def browser_calls(view: RunView) -> list[CallView]:
    """The calls that count against the reference's limit."""
    return [call for call in view.calls if call.name.startswith("browser.")]


def _round_limit(view: RunView) -> Iterator[Hit]:
    run = view.trajectory
    if run.answer is not None:
        return
    rounds = len(run.steps)
    limit = run.max_rounds or (REFERENCE_ROUNDS if run.format == "results.jsonl" else None)
    if run.stop_reason == "max_rounds" or (limit is not None and rounds >= limit):
        yield Hit(
            message=f"the run used all of its {limit or rounds} rounds and gave no answer",
            places=(Place(step=view.last_step),),
            evidence={"rounds": rounds, "limit": limit, "stop_reason": run.stop_reason},
            lost=view.missed,
        )


def _browser_limit(view: RunView) -> Iterator[Hit]:
    run = view.trajectory
    if run.answer is not None or run.format != "results.jsonl":
        return
    calls = browser_calls(view)
    if len(calls) >= REFERENCE_BROWSER_CALLS and calls[-1].step.number == view.last_step:
        yield Hit(
            message=f"{len(calls)} browser calls; the driver stops at {REFERENCE_BROWSER_CALLS}, silently",
            places=(calls[-1].place(),),
            evidence={"calls": len(calls), "limit": REFERENCE_BROWSER_CALLS},
            lost=view.missed,
        )


def _context_limit(view: RunView) -> Iterator[Hit]:
    run = view.trajectory
    for step in run.steps:
        if step.finish_reason == "length":
            went_on = step.number < view.last_step or run.answer is not None
            yield Hit(
                message="the model's answer ended at its limit of output tokens",
                places=(Place(step=step.number, field="text"),),
                evidence={"finish_reason": step.finish_reason},
                severity="low" if went_on else None,
                recovered=went_on,
                lost=() if went_on else view.missed,
            )
    overflow = _OVERFLOW.search(run.message[:2000])
    if run.stop_reason == "context_overflow" or (run.status == "error" and overflow):
        yield Hit(
            message="the conversation became longer than the model can read",
            places=(Place(step=view.last_step),),
            evidence={"stop_reason": run.stop_reason, "marker": overflow[0] if overflow else ""},
            lost=view.missed,
        )


def _loop(view: RunView) -> Iterator[Hit]:
    seen: set[str] = set()
    asked: set[tuple[object, str]] = set()
    stretch: list[CallView] = []
    for call in view.calls:
        if call.kind in ("thought", "finish"):
            continue
        key = (call.request, call.text)
        if key in asked:
            stretch.append(call)
        elif call.gave_something and call.text not in seen:
            yield from _loop_hit(stretch)
            stretch = []
        asked.add(key)
        if call.gave_something:
            seen.add(call.text)
    yield from _loop_hit(stretch)


def _loop_hit(stretch: list[CallView]) -> Iterator[Hit]:
    if len(stretch) >= _LOOP_REPEATS:
        first, last = stretch[0], stretch[-1]
        yield Hit(
            message=f"{len(stretch)} calls repeat earlier ones up to {last.call.anchor}, nothing new between",
            places=(first.place(), last.place()),
            evidence={"repeats": len(stretch), "until": last.call.anchor},
        )


def _premature(view: RunView) -> Iterator[Hit]:
    run, finish = view.trajectory, view.finish
    if finish is None or not run.max_rounds:
        return
    left = 1 - len(run.steps) / run.max_rounds
    missed = [name for name in view.missed if view.held(name) and not view.sightings.patient(name)]
    before = [call for call in view.calls if call.index < finish.index and call.kind == "patient"]
    recent = before[-_RECENT_CALLS:]
    earlier = {call.text for call in before[:-_RECENT_CALLS]}
    gained = [call for call in recent if call.gave_something and call.text not in earlier]
    listed = bool(view.listings)
    if left >= _LEFT and missed and gained and listed:
        yield Hit(
            message=f"the model finished with {left:.0%} of its rounds left, while its calls still found new "
            f"data and {len(missed)} gold items were within reach",
            places=(finish.place("arguments"),),
            evidence={"rounds": len(run.steps), "limit": run.max_rounds, "last_gain": gained[-1].call.anchor},
            lost=tuple(missed),
        )


def _never_verified(view: RunView) -> Iterator[Hit]:
    """A name of the answer that came up after another had been named, with no look at the patient since."""
    finish = view.finish
    if finish is None:
        return
    looked = max((call.step.number for call in view.calls if call.kind == "patient"), default=0)
    first = {name: written[0].step for name in view.items.given if (written := view.sightings.written(name))}
    if len(first) < 2 or min(first.values()) == max(first.values()):
        return
    late = [name for name, step in first.items() if step == max(first.values()) and step > looked]
    late = [name for name in late if not view.sightings.patient(name)]
    if late:
        step = first[late[0]]
        yield Hit(
            message=f"{late[0]} first comes up at s{step}, and no look at the patient's data followed",
            places=(Place(step=step, field="text", quote=late[0]), finish.place("arguments")),
            evidence={"names": late, "last_look": f"s{looked}"},
            extra=tuple(name for name in late if name in view.wrong),
        )


BUDGET: tuple[Rule, ...] = (
    Rule(
        code="B1",
        name="round_limit",
        tier="D",
        severity="high",
        needs=("turns",),
        says="The run used all of its rounds and gave no answer.",
        find=_round_limit,
    ),
    Rule(
        code="B2",
        name="browser_limit",
        tier="D",
        severity="high",
        needs=("turns",),
        says="The reference's driver stopped the run after 40 browser calls.",
        find=_browser_limit,
    ),
    Rule(
        code="B3",
        name="context_limit",
        tier="D",
        severity="high",
        needs=(),
        says="The model ran out of output tokens, or the conversation out of context.",
        find=_context_limit,
    ),
    Rule(
        code="B4",
        name="loop",
        tier="D",
        severity="medium",
        needs=("turns",),
        says="Four or more calls repeat earlier ones, with nothing new found between them.",
        find=_loop,
    ),
    Rule(
        code="B5",
        name="premature_finish",
        tier="X",
        severity="medium",
        needs=("turns", "gold", "max_rounds", "reference", "names"),
        says="The model finished with half of its rounds left while calls still found new data and gold items"
        " that the record holds had not been seen.",
        find=_premature,
    ),
    Rule(
        code="B6",
        name="never_verified",
        tier="S",
        severity="low",
        needs=("turns", "answer", "names"),
        says="A name of the answer came up late, and no look at the patient's data followed.",
        find=_never_verified,
    ),
)
