"""H: the harness and the protocol; not the model's fault, or not only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from clinseek_replay.finding import Place
from clinseek_replay.triage.budget import ended_by_budget
from clinseek_replay.triage.rule import Hit, Rule, Undecided
from clinseek_replay.triage.view import CallView, RunView

__all__ = ["HARNESS"]

_SYNTHETIC_ID = "synthetic_finish_"
_TEXT_ANSWER = "text_answer"
"""How our own journals say it; a run without tools has no finish to call."""
_SYNTHETIC_TEXT = "Finish (synthesized"
REFERENCE_CAP = 100_000
"""Characters at which the reference implementation cuts a result without a word."""
_CUT_NOTICE = "[Cut here: "
_NOTICE_IN = 400
"""Characters at the end of a result in which our engine says that it was cut."""
_TAIL = 200
_MARKUP = re.compile(r"<tool_call>|(?<!<tool_call>)(?<!<tool_call>\n)<function=|\[Tool Call:|<\|tool_call")
_ORPHANS = ("result without a call", "observation")
_MADE_BY_HARNESS = ("one_shot_", "call_qa_finish")
_INFRA_STOPS = ("endpoint_down", "rate_limited")
_INFRA_MESSAGE = re.compile(
    r"[Cc]onnection|[Tt]imed? ?out|HTTP (Error )?(5\d\d|429)|[Tt]hrottl|ServiceUnavailable|Bad Gateway"
    r"|[Rr]ate.?limit|Read timeout|EndpointConnectionError"
)


def _synthetic_finish(view: RunView) -> Iterator[Hit]:
    call, run = view.finish, view.trajectory
    if run.answer_source == _TEXT_ANSWER and run.tools:
        said = run.steps[-1].text if run.steps else ""
        yield Hit(
            message="the model never called finish: its last text was taken for the answer",
            places=(Place(step=view.last_step, field="text", quote=said[:_TAIL]),),
            evidence={"items": len(view.answer)},
            extra=tuple(sorted(view.wrong)),
        )
    if call is None:
        return
    given = call.call.id
    made = given.startswith(_SYNTHETIC_ID) or call.text.startswith(_SYNTHETIC_TEXT)
    if made or ("synthetic" in call.call.flags and not given.startswith(_MADE_BY_HARNESS)):
        yield Hit(
            message="the model never called finish: the harness made the call from the last text",
            places=(call.place(), Place(step=call.step.number, field="text", quote=call.step.text[:_TAIL])),
            evidence={"id": given, "items": len(view.answer), "text": call.step.text[:500]},
            extra=tuple(sorted(view.wrong)),
        )


def _cut(view: RunView) -> Iterator[Hit]:
    for call in view.calls:
        if not _is_cut(view, call):
            continue
        length = len(call.text)
        lost = max(call.call.result.full_characters - length, 0) if call.call.result else 0
        told = _CUT_NOTICE in call.text[-_NOTICE_IN:]
        yield Hit(
            message=_cut_message(length, lost, told=told),
            places=(call.place(start=max(length - _TAIL, 0), end=length),),
            evidence={"characters": length, "cap": _cap(view), "lost": lost or None, "told": told},
            severity="low" if told else None,
            recovered=view.recovery(call) is not None,
        )


def _cap(view: RunView) -> int:
    return view.trajectory.max_result_characters or REFERENCE_CAP


def _is_cut(view: RunView, call: CallView) -> bool:
    """By the record, by the notice of our engine, or by a length that is exactly the cap."""
    result = call.call.result
    if result is None:
        return False
    length = len(call.text)
    return result.full_characters > length or length == _cap(view) or _CUT_NOTICE in call.text[-_NOTICE_IN:]


def _cut_message(length: int, lost: int, *, told: bool) -> str:
    whole = f" of {length + lost:,}" if lost else ""
    how = "the result says so" if told else "nothing in the result says so"
    return f"the model got the first {length:,}{whole} characters; {how}"


def _cut_held_gold(view: RunView) -> Iterator[Hit | Undecided]:
    cut = [call for call in view.calls if _is_cut(view, call)]
    if cut and (view.known is None or view.known.by != "ehr"):
        yield Undecided(
            "a result was cut; whether what was cut off names a gold item takes the patient's data"
        )
        return
    for name in view.missed if cut else ():
        held = view.known.found.get(name) if view.known is not None else None
        of_table = [call for call in cut if held is not None and not call.tables.isdisjoint(held.tables)]
        if of_table and not view.sightings.patient(name):
            yield Hit(
                message=f"{name} is in a table of which the model got only the beginning",
                places=tuple(call.place() for call in of_table[:20]),
                evidence={"item": name, "tables": list(held.tables) if held else []},
                lost=(name,),
            )


def _unparsed(view: RunView) -> Iterator[Hit]:
    for step in view.trajectory.steps:
        if "<" in step.text or "[Tool Call" in step.text:
            parsed = sum(1 for call in step.calls if not call.id.startswith(_SYNTHETIC_ID))
            marks = list(_MARKUP.finditer(step.text))
            if len(marks) > parsed:
                yield _markup_hit(view, step.number, marks[parsed], step.text)
    for call in view.calls:
        broken = "unclosed" in call.call.flags
        if call.call.arguments is None or "bad_arguments" in call.call.flags or broken:
            yield Hit(
                message="the call breaks off" if broken else "the arguments are no JSON object",
                places=(call.place("arguments"),),
                evidence={"raw": call.call.raw_arguments[:500]},
                recovered=view.recovery(call) is not None,
            )


def _markup_hit(view: RunView, step: int, mark: re.Match[str], text: str) -> Hit:
    end = min(mark.end() + _TAIL, len(text))
    later = any(call.step.number > step and "synthetic" not in call.call.flags for call in view.calls)
    place = Place(step=step, field="text", start=mark.start(), end=end, quote=text[mark.start() : end])
    return Hit(
        message="the text holds a call that nobody ran",
        places=(place,),
        evidence={"marker": mark[0]},
        recovered=later,
    )


def _pairing(view: RunView) -> Iterator[Hit]:
    stopped = view.trajectory.status in ("stopped", "error", "")
    for call in view.calls:
        if "id_mismatch" in call.call.flags:
            yield Hit(
                message="the result was given to this call by its position, against the ids",
                places=(call.place(),),
                evidence={"id": call.call.id},
            )
        elif call.status == "pending" and not (stopped and call.step.number == view.last_step):
            yield Hit(
                message="the call has no result",
                places=(call.place("arguments"),),
                evidence={"id": call.call.id},
                recovered=view.recovery(call) is not None,
            )
    for step in view.trajectory.steps:
        for note in step.notes:
            if note.kind in _ORPHANS:
                yield Hit(
                    message="a result belongs to no call",
                    places=(Place(step=step.number, quote=note.text[:_TAIL]),),
                    evidence={"text": note.text[:500]},
                )
    yield from _duplicate_ids(view)


def _duplicate_ids(view: RunView) -> Iterator[Hit]:
    """Ids that repeat, told once: results were paired by position, so nothing was lost."""
    counts = Counter(call.call.id for call in view.calls if call.call.id)
    repeated = {given for given, count in counts.items() if count > 1}
    calls = [call for call in view.calls if call.call.id in repeated]
    if calls:
        yield Hit(
            message=f"{len(calls)} calls share {len(repeated)} ids; their results were paired by position",
            places=tuple(call.place() for call in calls[:20]),
            evidence={"ids": sorted(repeated)[:20], "calls": len(calls)},
            severity="info",
            recovered=True,
        )


def _infra(view: RunView) -> Iterator[Hit]:
    for failure in view.failures:
        if failure.kind == "infra":
            later = view.recovery(failure.call)
            yield Hit(
                message=f"the tool could not be reached: {_line(failure.call.text)}",
                places=_with_recovery(failure.call, later),
                evidence={"marker": failure.words},
                recovered=later is not None,
            )
    for step in view.trajectory.steps:
        for note in step.notes:
            if note.kind == "retry":
                yield Hit(
                    message=f"a request to the model failed: {note.text[:_TAIL]}",
                    places=(Place(step=step.number),),
                    evidence={"note": note.text[:500]},
                    severity="info",
                    recovered=bool(step.text or step.reasoning or step.calls),
                )
    yield from _infra_end(view)


def _infra_end(view: RunView) -> Iterator[Hit]:
    run = view.trajectory
    if _ended_by_infra(view):
        marker = _INFRA_MESSAGE.search(run.message[:2000])
        yield Hit(
            message=f"the run ended because its model could not be reached: {_line(run.message)}",
            places=(Place(step=view.last_step),),
            evidence={"stop_reason": run.stop_reason, "marker": marker[0] if marker else ""},
            lost=view.missed if run.answer is None else (),
        )


def _ended_by_infra(view: RunView) -> bool:
    run = view.trajectory
    named = run.stop_reason in _INFRA_STOPS or _INFRA_MESSAGE.search(run.message[:2000])
    return run.status == "error" and bool(named)


def _state_lost(view: RunView) -> Iterator[Hit]:
    loaded = next((call for call in view.calls if call.name == "ehr.load_ehr" and call.gave_something), None)
    if loaded is None:
        return
    for failure in view.failures:
        if failure.kind == "state" and failure.call.index > loaded.index:
            later = view.recovery(failure.call)
            yield Hit(
                message=f"the record was open since {loaded.call.anchor}, and the tool says it is not",
                places=(failure.call.place(), loaded.place()),
                evidence={"marker": failure.words, "loaded": loaded.call.anchor},
                recovered=later is not None,
            )


def _no_end(view: RunView) -> Iterator[Hit | Undecided]:
    run = view.trajectory
    if run.answer is not None or run.status == "answered" or ended_by_budget(view) or _ended_by_infra(view):
        return
    if not run.status and not run.format.startswith("clinseek.journal/"):
        yield Undecided("the recording does not say how the run ended")
        return
    why = run.stop_reason or run.status or "the recording breaks off"
    yield Hit(
        message=f"the run ended without an answer and within its budget: {why}",
        places=(Place(step=view.last_step, field="text"),),
        evidence={"stop_reason": run.stop_reason, "status": run.status, "message": run.message[:500]},
        lost=view.missed,
    )


def _line(text: str) -> str:
    return " ".join(text[:_TAIL].split())


def _with_recovery(call: CallView, later: CallView | None) -> tuple[Place, ...]:
    return (call.place(),) if later is None else (call.place(), later.place())


HARNESS: tuple[Rule, ...] = (
    Rule(
        code="H1",
        name="synthetic_finish",
        tier="D",
        severity="high",
        needs=("turns",),
        says="The harness wrote the finish call in the model's place, or took its last text for the answer.",
        find=_synthetic_finish,
    ),
    Rule(
        code="H2",
        name="silent_truncation",
        tier="D",
        severity="medium",
        needs=("turns",),
        says="The model got only the beginning of a result: it is as long as the cap, or the record says so.",
        find=_cut,
    ),
    Rule(
        code="H2b",
        name="cut_held_gold",
        tier="X",
        severity="high",
        needs=("turns", "gold"),
        says="What was cut off a result named a gold item.",
        find=_cut_held_gold,
    ),
    Rule(
        code="H3",
        name="unparsed_call",
        tier="D",
        severity="high",
        needs=("turns",),
        says="The model wrote a call that was not understood: markup without a call, or no JSON object.",
        find=_unparsed,
    ),
    Rule(
        code="H4",
        name="pairing_break",
        tier="D",
        severity="medium",
        needs=("turns",),
        says="Calls and results do not pair: one without the other, ids that disagree or repeat.",
        find=_pairing,
    ),
    Rule(
        code="H5",
        name="infra_error",
        tier="D",
        severity="medium",
        needs=(),
        says="A tool or the model could not be reached: connection, timeout, server error, transport.",
        find=_infra,
    ),
    Rule(
        code="H6",
        name="state_lost",
        tier="D",
        severity="high",
        needs=("turns",),
        says="A tool says that no record is loaded although one was.",
        find=_state_lost,
    ),
    Rule(
        code="H7",
        name="ran_without_end",
        tier="D",
        severity="high",
        needs=(),
        says="The run gave no answer, and neither a budget nor a model out of reach ended it.",
        find=_no_end,
    ),
)
