"""A run as plain text, for pipes, scripts and screen readers: the same as the screens show.

All that a model, database or page said goes through `visible` on its way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from clinseek_core.scoring import Score
from clinseek_core.text import one_line, visible
from clinseek_replay.amounts import data_size, duration
from clinseek_replay.glyphs import CUT, STATUS, VERDICT, Verdict, tool_glyph
from clinseek_replay.overview import CallLine, StepLine, overview, score_of, step_line
from clinseek_replay.sql import laid_out
from clinseek_replay.trajectory import Call, Note, Result, Step, Trajectory

__all__ = ["answer_lines", "call_lines", "header_line", "note_lines", "overview_lines", "step_lines"]

_WIDTH = 160
"""Characters of untrusted text on a line that sums something up."""
_NAMES = 200
"""Names of an answer that are listed."""


def header_line(trajectory: Trajectory) -> str:
    """One line: qid, patient, cutoff and policy, model, status, F1."""
    time, policy, scored = trajectory.prediction_time, trajectory.policy, score_of(trajectory)
    rule = f"{policy.basis}, {policy.boundary}" if policy else "policy not recorded"
    parts = (
        one_line(trajectory.qid, _WIDTH) or "no qid",
        one_line(trajectory.task, _WIDTH),
        f"patient {trajectory.subject_id}" if trajectory.subject_id is not None else "",
        f"cutoff {time:%Y-%m-%d %H:%M:%S} ({rule})" if time else f"no cutoff recorded ({rule})",
        f"model {one_line(trajectory.model, _WIDTH)}" if trajectory.model else "model not recorded",
        one_line(trajectory.status, _WIDTH) or "no end recorded",
        f"F1 {scored.f1:.2f}" if scored else "",
    )
    return " · ".join(part for part in parts if part)


def overview_lines(trajectory: Trajectory) -> Iterator[str]:
    """The whole run: header, a line for each call, the answer against the gold, what is damaged."""
    glance = overview(trajectory)
    calls = sum(len(step.calls) for step in glance.steps)
    yield header_line(trajectory)
    yield visible(f"{glance.source} ({glance.format}) · {len(glance.steps)} steps, {calls} calls")
    if glance.question:
        yield f"question  {one_line(glance.question, 2 * _WIDTH)}"
    yield from note_lines(glance.notes)
    yield ""
    for step in glance.steps:
        yield from call_lines(step)
    yield ""
    yield from answer_lines(trajectory)
    for damage in glance.damage:
        yield f"damaged   line {damage.line}: {one_line(damage.reason, _WIDTH)}"


def call_lines(step: StepLine) -> Iterator[str]:
    """A line for each call of a step, or one for a step that makes none, and one for each of its notes."""
    for call in step.calls:
        tool, status = tool_glyph(call.tool).unicode, STATUS[call.status].unicode
        told = " · ".join(_amounts(call))
        name = one_line(call.tool, 40)
        sql = f"  {one_line(call.sql, 60)}" if call.sql else ""
        yield f"{call.anchor:<9} {tool} {name:<40} {status} {call.status:<8} {told}{sql}".rstrip()
    if not step.calls:
        said = one_line(step.text, _WIDTH)
        yield f"s{step.number:<8} - {'no call' if said else 'no answer of the model'}  {said}".rstrip()
    yield from note_lines(step.notes)


def answer_lines(trajectory: Trajectory) -> Iterator[str]:
    """How the run ended, and its answer name by name against the gold."""
    if trajectory.ended:
        why = f" ({trajectory.stop_reason})" if trajectory.stop_reason else ""
        yield f"ended     {one_line(trajectory.status + why, _WIDTH)}"
    else:
        yield "ended     the recording holds no end of this run"
    if trajectory.message:
        yield f"message   {one_line(trajectory.message, 4 * _WIDTH)}"
    scored = score_of(trajectory)
    source = f" ({trajectory.answer_source})" if trajectory.answer_source not in ("", "finish") else ""
    yield f"answer    {one_line(_count(trajectory.answer) + source, _WIDTH)}"
    if scored:
        yield from _scored_lines(scored)
        return
    yield from (f"  {name}" for name in _listed(trajectory.answer or ()))
    if not trajectory.gold:
        yield "gold      none: not scored"


def step_lines(trajectory: Trajectory, step: Step) -> Iterator[str]:
    """One step in full: reasoning, text, and each call with its arguments, SQL and result."""
    of = trajectory.steps[-1].number
    usage = f" · {step.usage.input_tokens} tokens in, {step.usage.output_tokens} out" if step.usage else ""
    took = f" · {duration(step.ms)}" if step.ms is not None else ""
    yield header_line(trajectory)
    yield f"{step.anchor} of s{of}{f' · {step.at:%Y-%m-%d %H:%M:%S}' if step.at else ''}{took}{usage}"
    yield from note_lines(step.notes)
    yield from _block("reasoning", step.reasoning)
    yield from _block("text", step.text)
    for call, line in zip(step.calls, step_line(step).calls, strict=True):
        yield ""
        yield from _call_in_full(call, line)


def _call_in_full(call: Call, line: CallLine) -> Iterator[str]:
    wire = f" (asked for as {one_line(call.wire_name, _WIDTH)})" if call.wire_name else ""
    amounts = "".join(f" · {amount}" for amount in _amounts(line))
    yield (
        f"{call.anchor} {tool_glyph(call.name).unicode} {one_line(call.name, _WIDTH)}{wire} "
        f"{STATUS[call.status].unicode} {call.status}{amounts}"
    )
    if call.arguments is None:
        yield from _block("arguments (not a JSON object)", call.raw_arguments)
    else:
        others = {
            name: value for name, value in call.arguments.items() if call.sql is None or name != "sql_query"
        }
        yield from _block(
            "arguments", "\n".join(f"{name}: {_value(value)}" for name, value in others.items())
        )
    if call.sql is not None:
        yield from _block("SQL", laid_out(call.sql))
    if call.result is not None:
        yield from _block(_result_title(call.result), call.result.text or "(nothing)")


def _result_title(result: Result) -> str:
    seen = len(result.text)
    if seen >= result.full_characters:
        return "result"
    return f"result (the model got the first {seen:,} of {result.full_characters:,} characters)"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _block(title: str, text: str) -> Iterator[str]:
    if text:
        yield f"  {title}"
        yield from (f"    {line}" for line in visible(text).split("\n"))


def _amounts(call: CallLine) -> Iterator[str]:
    if call.badge:
        yield f"by {call.badge}"
    if call.rows is not None:
        yield f"{call.rows} row{'' if call.rows == 1 else 's'}"
    if call.characters is not None:
        cut = (call.seen_characters or 0) < call.characters
        yield data_size(call.characters) + (f" {CUT.unicode} cut" if cut else "")
    if call.ms is not None:
        yield duration(call.ms)


def note_lines(notes: Iterable[Note]) -> Iterator[str]:
    """A line for each note."""
    return (f"          {one_line(note.kind, 40)}: {one_line(note.text, _WIDTH)}" for note in notes)


def _count(answer: Sequence[str] | None) -> str:
    if answer is None:
        return "none"
    return f"{len(answer)} name{'' if len(answer) == 1 else 's'}"


def _scored_lines(scored: Score) -> Iterator[str]:
    yield f"score     F1 {scored.f1:.2f}, precision {scored.precision:.2f}, recall {scored.recall:.2f}"
    verdicts: tuple[tuple[Verdict, tuple[str, ...]], ...] = (
        ("hit", scored.hits),
        ("missed", scored.missed),
        ("extra", scored.extra),
    )
    for verdict, names in verdicts:
        sign = VERDICT[verdict].unicode
        yield from (f"  {sign} {verdict:<7} {name}" for name in _listed(names))


def _listed(names: Sequence[str]) -> Iterator[str]:
    yield from (one_line(name, _WIDTH) for name in names[:_NAMES])
    if len(names) > _NAMES:
        yield f"… and {len(names) - _NAMES} more"
