"""A fork of a run, planned and made: what is wanted changed becomes a journal that the run goes on from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.journal import CallRequest, Edit, Event, JournalWriter, Observation, Turn
from clinseek_core.journal.forking import Changes, ForkPlace, fork_journal, kept_events
from clinseek_tui.running.plan import Options, Plan, plan_resumed

__all__ = ["Fork", "Wish", "fork"]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be otherwise; None stays as it was."""

    result: str | None = None
    prompt: str | None = None
    without_leaks: bool = False
    options: Options = Options()
    """Of the model that goes on, and of the data where it has moved, as `run --resume` takes them."""


class Fork(msgspec.Struct, frozen=True):
    """What was made."""

    journal: Path
    edits: tuple[Edit, ...]


def fork(
    parent: Path, place: ForkPlace, wish: Wish, environ: Mapping[str, str], out: Path | None = None
) -> Fork:
    """Fork a journal; InputError where it, the place or the wish can't be followed."""
    out = out or _beside(parent, place)
    _, events = kept_events(parent, place)
    plan = plan_resumed(parent, wish.options, environ)
    changes = Changes(
        prompt=wish.prompt,
        result=None if wish.result is None else (_call_meant(place, events), wish.result),
        model=plan.model.info if wish.options.model is not None else None,
    )
    if wish.without_leaks:
        return Fork(out, _without_leaks(parent, plan, place, changes, out))
    return Fork(out, fork_journal(parent, out, place, changes))


def _beside(journal: Path, place: ForkPlace) -> Path:
    stem = re.sub(r"\.jsonl$", "", journal.name)
    return journal.with_name(f"{stem}.fork-{place}-{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl")


def _call_meant(place: ForkPlace, events: list[Event]) -> ForkPlace:
    """The place's own call, or the only one of its step."""
    if place.call is not None:
        return place
    calls = [event.call for event in events if isinstance(event, Observation) and event.step == place.step]
    if len(calls) != 1:
        raise InputError(
            f"{place}: has {len(calls)} calls; name the one whose result is changed, as {place}.c1"
        )
    return ForkPlace(place.step, calls[0])


def _without_leaks(
    parent: Path, plan: Plan, place: ForkPlace, changes: Changes, out: Path
) -> tuple[Edit, ...]:
    """Fork under `available`: calls that leaked are made again on what was known."""
    from clinseek_core.agent.calls import answer_call  # noqa: PLC0415 - brings the engine
    from clinseek_core.agent.results import stored  # noqa: PLC0415 - as above
    from clinseek_tui.running.case_tools import CaseTools  # noqa: PLC0415 - as above

    leaking = _leaking(parent)
    if not leaking:
        raise InputError(f"{parent}: the audit finds no leak in it; there is none to remove")
    policy = msgspec.structs.replace(plan.policy, basis="available")
    tools = CaseTools(msgspec.structs.replace(plan, policy=policy, resumes=None), lambda _: None)
    requests = {
        (event.step, number): request
        for event in kept_events(parent, place)[1]
        if isinstance(event, Turn)
        for number, request in enumerate(event.calls, 1)
    }

    def again(journal: JournalWriter, event: Observation) -> dict[str, Any] | None:
        if (event.step, event.call) not in leaking:
            return None
        request: CallRequest = requests[event.step, event.call]
        result = answer_call(request, tools.toolbox)
        return stored(result, plan.limits.max_result_characters, journal)

    try:
        with_policy = msgspec.structs.replace(changes, policy=policy, data=tools.data, made_again=again)
        return fork_journal(parent, out, place, with_policy)
    finally:
        tools.close()


def _leaking(journal: Path) -> set[tuple[int, int]]:
    from clinseek_replay.audit import audit  # noqa: PLC0415 - only here
    from clinseek_replay.source import FollowSource  # noqa: PLC0415 - as above

    report = audit(FollowSource(journal).select(0))
    places = (place for leak in report.leaks for place in leak.places)
    return {(place.step, place.call) for place in places if place.call is not None}
