"""One run as a page of HTML: what was asked, the answer against the gold, and every step, call and result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from clinseek_core.scoring import Score
from clinseek_core.text import one_line
from clinseek_replay.amounts import data_size, duration
from clinseek_replay.audit import audit
from clinseek_replay.evidence.report import evidence
from clinseek_replay.export.analyses import audit_part, evidence_part
from clinseek_replay.export.markup import Content, Markup, element, joined, page, table
from clinseek_replay.export.plain_json import json_text
from clinseek_replay.export.veil import Veil
from clinseek_replay.overview import score_of
from clinseek_replay.trajectory import Call, Note, Step, Trajectory

__all__ = ["notice", "run_page"]

_STEPS = 3_000
"""Steps that one page holds."""
_NAMES = 500
_SQL = 80
_STATUS_CLASS = {"ok": "good", "empty": "warn", "error": "bad", "refused": "bad", "limited": "warn"}
_KNOWN_STATUS = frozenset(("answered", "no_answer", "stopped", "error"))


def run_page(trajectory: Trajectory, *, with_patient_text: bool = False) -> bytes:
    """The page; without `with_patient_text` the patient's data are replaced by sizes and digests."""
    names = (*(trajectory.gold or ()), *trajectory.candidates)
    veil = Veil(with_patient_text=with_patient_text, known_names=names)
    title = veil.label(trajectory.qid) or "A run"
    return page(
        f"{title}: a run",
        element("h1", title),
        element("p", _one_line(trajectory, veil), class_="soft"),
        notice(veil),
        _facts(trajectory, veil),
        *_answer(trajectory, veil),
        *evidence_part(evidence(trajectory), veil),
        *audit_part(audit(trajectory), veil),
        *_opening(trajectory, veil),
        element("h2", "Steps"),
        *_steps(trajectory.steps, veil),
    )


def notice(veil: Veil) -> Markup:
    """What the page shows of the patient, in words."""
    if veil.open:
        told = (
            "This page holds text of the patient's record. Hand it on only to those who may read the record."
        )
    else:
        told = (
            "The patient's text is left out: questions, arguments, results, what the model wrote, dates and "
            "ids. In its place stand sizes, and digests with a key that is kept nowhere: within this page "
            "equal texts have equal digests. Names of the gold and of the candidates are shown."
        )
    return element("p", told, class_="notice")


def _one_line(trajectory: Trajectory, veil: Veil) -> str:
    calls = sum(len(step.calls) for step in trajectory.steps)
    status = trajectory.status if trajectory.status in _KNOWN_STATUS else veil.label(trajectory.status)
    parts = (veil.label(trajectory.task), status or "no end recorded", f"{len(trajectory.steps)} steps")
    return " · ".join(part for part in (*parts, f"{calls} calls") if part)


def _facts(trajectory: Trajectory, veil: Veil) -> Markup:
    policy, time = trajectory.policy, trajectory.prediction_time
    facts: tuple[tuple[str, Content], ...] = (
        ("model", veil.label(trajectory.model) or "not recorded"),
        ("policy", f"{policy.basis}, {policy.boundary}" if policy else "not recorded"),
        ("cutoff", veil.label(f"{time:%Y-%m-%d %H:%M:%S}") if time else "not recorded"),
        (
            "patient",
            "not recorded" if trajectory.subject_id is None else veil.label(f"{trajectory.subject_id}"),
        ),
        ("ended by", veil.label(trajectory.stop_reason) or "not recorded"),
        ("read as", veil.label(trajectory.format)),
        *((("message", veil.line(trajectory.message)),) if trajectory.message else ()),
        *((("damaged", f"{len(trajectory.damage)} lines or messages"),) if trajectory.damage else ()),
    )
    return element("dl", *(joined((element("dt", name), element("dd", told))) for name, told in facts))


def _answer(trajectory: Trajectory, veil: Veil) -> Iterator[Content]:
    yield element("h2", "Answer")
    scored = score_of(trajectory)
    if scored is not None:
        yield from _scored(scored, veil)
        return
    if trajectory.answer is None:
        yield element("p", "No answer is recorded.", class_="soft")
        return
    yield element("ul", *(element("li", veil.name(name)) for name in trajectory.answer[:_NAMES]))
    yield element("p", "There is no gold to compare it with.", class_="soft")


def _scored(scored: Score, veil: Veil) -> Iterator[Content]:
    told = f"F1 {scored.f1:.2f}, precision {scored.precision:.2f}, recall {scored.recall:.2f}"
    yield element("p", element("strong", told))
    kinds = (("hit", "good", scored.hits), ("missed", "bad", scored.missed), ("extra", "warn", scored.extra))
    rows = [
        element("tr", element("th", kind, class_=style), element("td", veil.name(name)))
        for kind, style, names in kinds
        for name in names[:_NAMES]
    ]
    yield table((), rows)


def _opening(trajectory: Trajectory, veil: Veil) -> Iterator[Content]:
    yield element("h2", "What was asked")
    if trajectory.question:
        yield veil.block(trajectory.question, prose=True)
    for role, text in trajectory.prompt:
        summary = element("summary", f"{veil.label(role)} message, {data_size(len(text))}")
        yield element("details", summary, veil.block(text, prose=True))
    if trajectory.candidates:
        named = element("ul", *(element("li", veil.label(name)) for name in trajectory.candidates[:_NAMES]))
        yield element("details", element("summary", f"{len(trajectory.candidates)} candidates"), named)


def _steps(steps: Sequence[Step], veil: Veil) -> Iterator[Content]:
    for step in steps[:_STEPS]:
        yield _step(step, veil)
    if len(steps) > _STEPS:
        yield element("p", f"{len(steps) - _STEPS:,} more steps are not on this page.", class_="notice")


def _step(step: Step, veil: Veil) -> Markup:
    told = [f"{step.usage.input_tokens:,} tokens in, {step.usage.output_tokens:,} out"] if step.usage else []
    told += [duration(step.ms)] if step.ms is not None else []
    head = element("header", element("h3", step.anchor), element("span", " · ".join(told), class_="soft"))
    texts = (
        element(
            "details", element("summary", f"{name}, {data_size(len(text))}"), veil.block(text, prose=True)
        )
        for name, text in (("reasoning", step.reasoning), ("text", step.text))
        if text
    )
    calls = (_call(call, veil) for call in step.calls)
    return element("section", head, *texts, *calls, *_notes(step.notes, veil), class_="step", id=step.anchor)


def _notes(notes: Iterable[Note], veil: Veil) -> Iterator[Markup]:
    for note in notes:
        yield element("p", f"{veil.label(note.kind)}: ", veil.line(note.text), class_="soft")


def _call(call: Call, veil: Veil) -> Markup:
    status = element("span", call.status, class_=_STATUS_CLASS.get(call.status))
    summary = element(
        "summary",
        element("code", call.anchor, class_="soft"),
        " ",
        element("span", veil.tool(call.name), class_="call"),
        " ",
        status,
        element("span", _amounts(call), class_="soft"),
        *_asked(call, veil),
    )
    flags = (element("p", f"odd: {', '.join(call.flags)}", class_="warn"),) if call.flags else ()
    return element("details", summary, *flags, *_arguments(call, veil), *_result(call, veil), id=call.anchor)


def _asked(call: Call, veil: Veil) -> Iterator[Content]:
    """What the call was about, in some words: its table, or where text may be shown its query."""
    asked = (call.arguments or {}).get("table_name")
    if isinstance(asked, str) and asked:
        yield " · "
        yield veil.table(asked)
    elif call.sql and veil.open:
        yield " · "
        yield element("code", one_line(call.sql, _SQL))


def _amounts(call: Call) -> str:
    result = call.result
    if result is None:
        return ""
    rows = result.table.total if result.table is not None else None
    told = [] if rows is None else [f"{rows:,} row{'' if rows == 1 else 's'}"]
    told.append(data_size(result.full_characters))
    told += [f"of which the model got {data_size(len(result.text))}"] if _cut(call) else []
    told += [duration(result.ms)] if result.ms is not None else []
    return " · " + " · ".join(told)


def _cut(call: Call) -> bool:
    return call.result is not None and len(call.result.text) < call.result.full_characters


def _arguments(call: Call, veil: Veil) -> Iterator[Content]:
    if call.arguments is None:
        yield element("p", "arguments that are no JSON object", class_="warn")
        yield veil.block(call.raw_arguments, prose=True)
        return
    rows = []
    for name, value in call.arguments.items():
        told = value if isinstance(value, str) else json_text(value)
        shown = veil.table(told) if name == "table_name" else _argument(told, veil)
        rows.append(element("tr", element("th", veil.argument(name)), element("td", shown)))
    if rows:
        yield table((), rows)


def _argument(text: str, veil: Veil) -> Content:
    return veil.block(text, prose=True) if "\n" in text or len(text) > 200 else veil.line(text)


def _result(call: Call, veil: Veil) -> Iterator[Content]:
    if call.result is None:
        yield element("p", "no result is recorded", class_="warn")
        return
    yield veil.block(call.result.text)
