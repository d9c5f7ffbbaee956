"""A re-execution as plain text: the run, a line for each call that matters, and what went or came."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from clinseek_core.case import Policy
from clinseek_core.text import one_line
from clinseek_replay.reexec.comparing import CellChange, Change
from clinseek_replay.reexec.grading import GradedCall
from clinseek_replay.reexec.running import Reexecution
from clinseek_replay.reexec.verdicts import GRADES, drifts

__all__ = ["reexecution_lines"]

_WIDTH = 160
_CELL = 60
_CELLS = 12
_CHANGES = 40
"""Changes of one call that are listed."""
_SIGN = {"lost": "-", "gained": "+", "changed": "~"}
_SNAPSHOT = {
    "same": "the snapshot is the recorded one",
    "changed": "the snapshot is not the recorded one: the data has changed",
    "other policy": "under another policy than recorded",
    "not recorded": "the recording does not say on what data it was made",
}


def reexecution_lines(found: Reexecution, *, every_call: bool = False) -> Iterator[str]:
    """The whole report; with `every_call` also a line for each call that showed no difference."""
    recorded = _policy(found.recorded_policy) if found.recorded_policy else "policy not recorded"
    yield (
        f"{one_line(found.qid, _WIDTH) or 'no qid'} · patient {found.subject_id} · cutoff "
        f"{found.prediction_time:%Y-%m-%d %H:%M:%S} · recorded {recorded} · run again {_policy(found.policy)}"
    )
    yield f"{one_line(found.source, _WIDTH)} · {_SNAPSHOT[found.snapshot]}"
    yield ""
    for call in found.calls:
        if every_call or drifts(call.verdict) or call.verdict == "limited":
            yield from _call_lines(call)
    counts = ", ".join(f"{found.counts[g.verdict]} {g.verdict}" for g in GRADES if g.verdict in found.counts)
    yield f"calls     {len(found.calls)}: {counts or 'none'}"
    yield f"verdict   {found.verdict}: {_says(found)}"
    yield from _vanished_lines(found)
    for name in found.vanished_support:
        yield f"  ! {one_line(name, _CELL)}: answered, and named by no result now"


def _vanished_lines(found: Reexecution) -> Iterator[str]:
    """What the recording shows and the data does not, by table."""
    rows: Counter[str] = Counter()
    columns: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for call in found.calls:
        for change in call.changes:
            table = change.table or call.tool
            if change.kind == "lost":
                rows[table] += 1
            elif change.kind == "changed":
                columns[table].update(cell.column for cell in change.vanished)
    tables = [table for table in dict.fromkeys((*rows, *columns)) if rows[table] or columns[table]]
    if tables:
        yield "vanished  what the recording shows and the data, as it is read now, does not:"
    for table in tables:
        told = [f"{rows[table]} row{_s(rows[table])}"] if rows[table] else []
        told += [f"{one_line(name, _CELL)} ({count})" for name, count in columns[table].most_common()]
        yield f"  {one_line(table, _CELL):<30} {', '.join(told)}"


def _says(found: Reexecution) -> str:
    says = next(grade.says for grade in GRADES if grade.verdict == found.verdict)
    return says if found.verdict != "same" else "every call that was compared gave the same bytes"


def _call_lines(call: GradedCall) -> Iterator[str]:
    then = "" if call.rows_then is None else f"{call.rows_then} row{_s(call.rows_then)}"
    now = "" if call.rows_now is None else f"{call.rows_now} row{_s(call.rows_now)}"
    rows = f"{then or '?'} → {now or '?'}" if then and then != now else now
    status = "" if call.status_now in (None, call.status_then) else f"{call.status_then} → {call.status_now}"
    told = " · ".join(part for part in (status, rows, one_line(call.note, _WIDTH)) if part)
    yield f"{call.anchor:<9} {call.verdict:<10} {one_line(call.tool, 40):<30} {told}".rstrip()
    for change in call.changes[:_CHANGES]:
        yield _change_line(call, change)
    more = len(call.changes) - _CHANGES + call.more_changes
    if more > 0:
        yield f"    … and {more} more rows that differ; --json lists them"


def _change_line(call: GradedCall, change: Change) -> str:
    cells = ", ".join(_cell(cell, change.kind) for cell in change.cells[:_CELLS])
    more = f", … {len(change.cells) - _CELLS} more cells" if len(change.cells) > _CELLS else ""
    place = f"row {change.row} now" if change.kind == "gained" else f"{call.anchor}.r{change.row}"
    named = f"  [names {', '.join(one_line(name, _CELL) for name in change.names)}]" if change.names else ""
    table = f" {one_line(change.table, _CELL)}" if change.table else ""
    told_by = ", ".join(f"{one_line(name, _CELL)}={_value(cell)}" for name, cell in change.told_by)
    of = f" [{told_by}]" if told_by else ""
    return f"    {_SIGN[change.kind]} {place}{table}{of}: {cells}{more}{named}"


def _cell(cell: CellChange, kind: str) -> str:
    name = one_line(cell.column, _CELL)
    if kind != "changed":
        return f"{name}={_value(cell.before if kind == 'lost' else cell.after)}"
    return f"{name} {_value(cell.before)} → {_value(cell.after)}"


def _value(cell: str | None) -> str:
    return "(missing)" if cell is None else one_line(cell, _CELL)


def _policy(policy: Policy) -> str:
    lag = f", coding lag {policy.coding_lag_hours} h" if policy.coding_lag_hours else ""
    started = ", interval rows started" if policy.interval_rows == "started" else ""
    return f"({policy.basis}, {policy.boundary}{lag}{started})"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
