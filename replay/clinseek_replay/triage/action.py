"""A: the calls that the model made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_replay.finding import Place
from clinseek_replay.triage.rule import Hit, Rule
from clinseek_replay.triage.view import CallView, RunView

__all__ = ["ACTION"]

_REQUIRED = {spec.name: tuple(spec.parameters["required"]) for spec in EHR_TOOLS}
_INVALID = {
    "tool": "there is no such tool",
    "arguments": "the arguments do not fit the tool",
    "table": "the tool has no such table or column, or can't read it",
}
_SQL = {
    "name": "a table or column that is not there",
    "syntax": "its syntax",
    "type": "types that don't go together",
    "other": "an error of the database",
}
_TIMES = 3
_ABSENT = re.compile(
    r"\b(no (evidence|history|record|sign|documentation|indication)s? of|has (no|never)|had no|does not have"
    r"|there (is|are|was|were) no|never (had|received|was)"
    r"|not (present|documented|recorded) (anywhere|at all))\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"\bwhere\b|\bhaving\b", re.IGNORECASE)


def _invalid(view: RunView) -> Iterator[Hit]:
    failed = {failure.call.index: failure for failure in view.failures}
    for call in view.calls:
        if call.call.arguments is None or call.gave_something:
            continue
        failure = failed.get(call.index)
        if failure is not None and failure.kind in _INVALID:
            yield _invalid_hit(view, call, failure.kind, failure.words)
        elif failure is None or failure.kind == "other":
            fault = _against_schema(view, call)
            if fault:
                yield _invalid_hit(view, call, *fault)


def _against_schema(view: RunView, call: CallView) -> tuple[str, str] | None:
    """What the tools on offer say of a call that failed without saying why."""
    if call.status == "empty":
        return None
    if view.trajectory.tools and call.name not in view.trajectory.tools:
        return "tool", f"{call.name} was not offered"
    lacking = [
        name for name in _REQUIRED.get(call.name, ()) if call.argument(name) is None and name != "subject_id"
    ]
    return ("arguments", f"lacks {', '.join(lacking)}") if lacking else None


def _invalid_hit(view: RunView, call: CallView, fault: str, words: str) -> Hit:
    later = view.recovery(call)
    return Hit(
        message=f"{_INVALID[fault]}: {words}",
        places=_places(call, later),
        evidence={"fault": fault, "marker": words, "tool": call.call.wire_name or call.name},
        recovered=later is not None,
    )


def _bad_sql(view: RunView) -> Iterator[Hit]:
    for failure in view.failures:
        if failure.kind == "sql":
            later = view.recovery(failure.call)
            fault = failure.sql_fault or "other"
            yield Hit(
                message=f"the statement failed by {_SQL[fault]}",
                places=_places(failure.call, later),
                evidence={"fault": fault, "marker": failure.words, "text": failure.call.text[:500]},
                recovered=later is not None,
            )


def _wrong_patient(view: RunView) -> Iterator[Hit]:
    subject = view.trajectory.subject_id
    for call in view.calls:
        asked = call.argument("subject_id")
        if asked is None or _number(asked) == subject:
            continue
        later = view.recovery(call) if not call.gave_something else None
        yield Hit(
            message=f"the call asks for patient {str(asked)[:40]}, the case is of {subject}",
            places=(call.place("arguments"), *(() if later is None else (later.place(),))),
            evidence={"asked": str(asked)[:100], "subject_id": subject, "status": call.status},
            recovered=later is not None,
        )


def _number(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value)[:40].strip().removesuffix(".0")
    return int(text) if text.isascii() and text.isdecimal() else None


def _repeated(view: RunView) -> Iterator[Hit]:
    """One finding for each request that is repeated: three times with the same result, or twice in a row."""
    runs: dict[object, list[CallView]] = {}
    in_a_row: set[object] = set()
    before: object = None
    for call in view.calls:
        if call.status == "pending":
            continue
        key: object = (call.request, call.text)
        runs.setdefault(key, []).append(call)
        if key == before:
            in_a_row.add(key)
        before = key
    for key, calls in runs.items():
        if len(calls) >= _TIMES or key in in_a_row:
            yield _repeated_hit(view, calls)


def _repeated_hit(view: RunView, calls: list[CallView]) -> Hit:
    last = calls[-1]
    if last.gave_something:
        went_on = any(later.kind != "finish" for later in view.after(last))
        recovered, severity = went_on or view.finish is not None, "low"
    else:
        recovered, severity = view.recovery(last) is not None, "medium"
    return Hit(
        message=f"the same call {len(calls)} times with the same result",
        places=tuple(call.place("arguments") for call in calls[1:21]),
        evidence={"times": len(calls), "first": calls[0].call.anchor, "status": last.status},
        severity="low" if severity == "low" else "medium",
        recovered=recovered,
    )


def _not_handled(view: RunView) -> Iterator[Hit]:
    failed = [failure.call for failure in view.failures] + list(view.empties)
    for call in sorted(failed, key=lambda call: call.index):
        following = next(view.after(call), None)
        if following is None:
            continue
        again = following.request == call.request
        finish = following.kind == "finish" and following.step.number - call.step.number <= 1
        if (again or finish) and not _tried_otherwise(view, call):
            yield Hit(
                message=f"{call.status}, and then {'the same call again' if again else 'the finish'}",
                places=(call.place(), following.place("arguments")),
                evidence={"status": call.status, "next": following.call.anchor},
                severity="low" if call.status == "empty" else None,
                recovered=view.recovery(call) is not None,
            )


def _tried_otherwise(view: RunView, call: CallView) -> bool:
    """Whether a later call goes another way: the same table, or the same tool where none is named."""
    return any(
        later.request != call.request
        and later.kind != "finish"
        and (call.tables & later.tables if call.tables else later.name == call.name)
        for later in view.after(call)
    )


def _empty_misread(view: RunView) -> Iterator[Hit]:
    for call in view.empties:
        sql = call.call.sql
        narrow = (
            call.terms or (sql is not None and _WHOLE.search(sql[:20_000])) or call.argument("start_time")
        )
        next_step = call.step.number + 1
        text = view.prose.get(next_step, "")[:5_000]
        found = _ABSENT.search(text) if text else None
        if found is None or not narrow or any(term in text.lower() for term in call.terms):
            continue
        if view.recovery(call) is not None:
            continue
        quote = text[found.start() : found.end() + 80]
        yield Hit(
            message="the call found nothing under its filter, and the model then speaks of a wider absence",
            places=(Place(step=next_step, field="text", quote=quote), call.place("arguments")),
            evidence={"said": quote, "filter": sorted(call.terms)[:10]},
        )


def _places(call: CallView, later: CallView | None) -> tuple[Place, ...]:
    return (call.place(),) if later is None else (call.place(), later.place())


ACTION: tuple[Rule, ...] = (
    Rule(
        code="A1",
        name="invalid_call",
        tier="D",
        severity="medium",
        needs=("turns",),
        says="A call names a tool, a table or a column that is not there, or its arguments do not fit.",
        find=_invalid,
    ),
    Rule(
        code="A2",
        name="bad_sql",
        tier="D",
        severity="medium",
        needs=("turns",),
        says="A statement failed: a name, its syntax, or types.",
        find=_bad_sql,
    ),
    Rule(
        code="A3",
        name="wrong_patient_arg",
        tier="D",
        severity="high",
        needs=("turns", "subject"),
        says="A call asks for another patient than the case's.",
        find=_wrong_patient,
    ),
    Rule(
        code="A4",
        name="repeat_call",
        tier="D",
        severity="medium",
        needs=("turns",),
        says="The same call with the same result three times, or twice in a row.",
        find=_repeated,
    ),
    Rule(
        code="A5",
        name="error_not_handled",
        tier="D",
        severity="medium",
        needs=("turns",),
        says="After an error or an empty result comes the same call or the finish, and no other try at it.",
        find=_not_handled,
    ),
    Rule(
        code="A6",
        name="empty_misread",
        tier="S",
        severity="low",
        needs=("turns",),
        says="A filtered call found nothing, and the model then speaks of an absence wider than the filter.",
        find=_empty_misread,
    ),
)
