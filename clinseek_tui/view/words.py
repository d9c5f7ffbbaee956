"""The words a header and a title are made of; `unknown` where a recording does not say."""

from __future__ import annotations

from clinseek_replay.amounts import data_size, duration
from clinseek_replay.badge import badge
from clinseek_replay.glyphs import STATUS
from clinseek_replay.trajectory import Call, CallStatus, Result, Step, Trajectory

__all__ = [
    "Words",
    "cutoff",
    "label",
    "of_characters",
    "patient",
    "policy",
    "short_name",
    "title",
    "turn_title",
]

Words = tuple[tuple[str, str], ...]
"""(text, style name) pieces of a line; the text is untrusted."""

_UNKNOWN = "unknown"
_STYLES: dict[CallStatus, str] = {
    "empty": "dim",
    "limited": "dim",
    "pending": "dim",
    "refused": "error",
    "error": "error",
}


def label(trajectory: Trajectory) -> str:
    """The run's name: its task, else its qid."""
    return trajectory.task or trajectory.qid or "run without a name"


def patient(trajectory: Trajectory) -> str:
    """The subject's id."""
    return _UNKNOWN if trajectory.subject_id is None else str(trajectory.subject_id)


def cutoff(trajectory: Trajectory) -> str:
    """The prediction time to the minute, or to the second where it has seconds."""
    time = trajectory.prediction_time
    if time is None:
        return _UNKNOWN
    return f"{time:%Y-%m-%d %H:%M:%S}" if time.second else f"{time:%Y-%m-%d %H:%M}"


def policy(trajectory: Trajectory) -> str:
    """Basis and boundary of the cutoff."""
    if trajectory.policy is None:
        return _UNKNOWN
    return f"{trajectory.policy.basis}, {trajectory.policy.boundary}"


def short_name(name: str) -> str:
    """A tool's name in a narrow column: `records_by_time` for `ehr.get_records_by_time`."""
    return name.removeprefix("ehr.").removeprefix("get_")


def of_characters(result: Result) -> str:
    """How much of a result that was cut the model got."""
    return f"{len(result.text):,} of {result.full_characters:,} characters"


def title(call: Call) -> Words:
    """What a call was and gave: `s12.c1 ehr.run_sql_query · 4 ms · 37 rows · 2.1 kB`, its state if not ok."""
    result = call.result
    name = (f"{call.anchor} {call.name}", "strong")
    state = (
        ()
        if call.status == "ok"
        else ((f" {STATUS[call.status].unicode} {call.status}", _STYLES[call.status]),)
    )
    if result is None:
        return (name, *state)
    amounts = [f"by {answered}"] if (answered := badge(call)) else []
    if result.ms is not None:
        amounts.append(duration(result.ms))
    if result.table is not None:
        amounts.append(_rows(len(result.table.rows), result.table.total))
    amounts.append(data_size(len(result.text.encode("utf-8", "surrogatepass"))))
    return (name, *state, (f" · {' · '.join(amounts)}", "strong"))


def turn_title(step: Step) -> Words:
    """A turn: its anchor, how long the model took and the tokens it used."""
    parts = [step.anchor]
    if step.ms is not None:
        parts.append(duration(step.ms))
    if step.usage is not None:
        parts.append(f"{step.usage.input_tokens:,} tokens in, {step.usage.output_tokens:,} out")
    return ((" · ".join(parts), "strong"),)


def _rows(given: int, total: int) -> str:
    count = f"{given:,}" if total <= given else f"{given:,} of {total:,}"
    return f"{count} row{'' if total == 1 else 's'}"
