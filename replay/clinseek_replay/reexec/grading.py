"""One call run again and compared with its recording, by a ladder from exact bytes down to single cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from clinseek_core.agent.calls import answer_call
from clinseek_core.agent.results import capped
from clinseek_core.journal import CallRequest, Limits
from clinseek_core.models.tool_names import canonical
from clinseek_core.tools import Toolbox, ToolResult
from clinseek_replay.reexec.comparing import Change, Difference, compare
from clinseek_replay.reexec.rows import OURS_ALONE, Rows, as_lines, by_meaning_of, of_table, recorded_rows
from clinseek_replay.reexec.verdicts import Verdict
from clinseek_replay.tables import table_names
from clinseek_replay.trajectory import Call, CallStatus, Result

__all__ = ["GradedCall", "grade_call"]

_NOT_READING = frozenset(("ehr.think", "ehr.finish"))
_OTHER_TOOLS = ("browser.", "image.", "mcp.")
_SQL = "ehr.run_sql_query"
_NEWEST = "ehr.get_latest_records"
_OF_THE_ENGINE = re.compile(r"ehr\.(load_ehr|get_table_\w+|get_column_names|get_candidates_\w+)", re.ASCII)
"""Tools whose answers tell of an engine and its lists, not of the patient: two engines' can't be compared."""
_PAGE = 1000
_PAGES = 20
"""Rows looked through at most before one counts as gone: a page moves when a row before it goes."""
_TEXT = 100_000
"""Characters of a result now that are kept."""
_KEPT = 500
"""Changes of one call that are kept in full; all are counted."""


class GradedCall(msgspec.Struct, frozen=True, kw_only=True):
    """What running one call again showed."""

    anchor: str
    tool: str
    verdict: Verdict
    note: str = ""
    """What decided it, in a sentence; untrusted where it quotes a result."""
    status_then: CallStatus
    status_now: CallStatus | None = None
    """None where it was not run."""
    rows_then: int | None = None
    rows_now: int | None = None
    changes: tuple[Change, ...] = ()
    more_changes: int = 0
    text_now: str = ""
    """The result now, of calls whose rows or errors differ."""


def grade_call(
    call: Call, toolbox: Toolbox, *, ours: bool, same_policy: bool, max_characters: int | None
) -> tuple[GradedCall, ToolResult | None]:
    """Run `call` again and grade it; with the result now, or None where it was not run.

    `ours` says that the recording was made by these tools, so that bytes can be compared and paging is the
    same; `same_policy` that it was made under the policy of these. `max_characters` is how much of a result
    its model got.
    """
    offered = tuple(spec.name for spec in toolbox.specs)
    # Read as a live run would read it.
    name = canonical(call.wire_name or call.name, offered)
    graded = GradedCall(anchor=call.anchor, tool=name, verdict="not_ehr", status_then=call.status)
    if call.name.startswith(_OTHER_TOOLS) or name not in offered or name in _NOT_READING:
        return graded, None
    if call.result is None:
        return msgspec.structs.replace(graded, verdict="unrecorded"), None
    again = CallRequest(id=call.id, name=name, arguments=call.arguments, raw=call.raw_arguments)
    result = answer_call(again, toolbox)
    graded = msgspec.structs.replace(graded, status_now=result.status)
    if "limited" in (result.status, call.result.status):
        return msgspec.structs.replace(graded, verdict="limited", note=_limited(result)), result
    limit = max_characters or Limits().max_result_characters
    if result.status == call.result.status and capped(result.text, limit) == call.result.text:
        return msgspec.structs.replace(graded, verdict="same", **_counts(result)), result
    without = frozenset() if same_policy else OURS_ALONE
    found = _Grading(name, call, call.result, again, result, toolbox, ours=ours, without=without)
    return msgspec.structs.replace(graded, **found.fields()), result


class _Grading:
    """The ladder below exact bytes."""

    def __init__(  # noqa: PLR0917 -- one caller
        self,
        tool: str,
        call: Call,
        recorded: Result,
        again: CallRequest,
        result: ToolResult,
        toolbox: Toolbox,
        *,
        ours: bool,
        without: frozenset[str],
    ) -> None:
        self._tool, self._call, self._recorded = tool, call, recorded
        self._again, self._result, self._toolbox, self._ours = again, result, toolbox, ours
        self._without = without

    def fields(self) -> dict[str, Any]:
        """The fields of a GradedCall that the comparison decides."""
        failed_then, failed_now = self._recorded.status in _FAILED, self._result.status in _FAILED
        if failed_then and failed_now:
            return {"verdict": "formatting", "note": "it failed then and fails now, in other words"}
        if failed_then or failed_now:
            return self._error(failed_now)
        if not self._ours and _OF_THE_ENGINE.match(self._tool):
            return {"verdict": "unlike", "note": "it tells of the other system's own tables and lists"}
        then, now = recorded_rows(self._call), _rows_now(self._result)
        if then is None or now is None:
            return self._texts()
        return self._rows(then, now)

    def _error(self, failed_now: bool) -> dict[str, Any]:
        first = (self._result.text if failed_now else self._recorded.text).strip().partition("\n")[0]
        if not failed_now:
            return {
                "verdict": "error",
                "note": f"it had failed and answers now; then: {first[:200]}",
                "text_now": self._result.text[:_TEXT],
                **_counts(self._result),
            }
        then = recorded_rows(self._call)
        lost = compare(then, Rows(columns=then.columns, cells=())).changes if then else ()
        return {
            "verdict": "error",
            "note": f"it had answered and fails now: {first[:200]}",
            "rows_then": then.total if then else None,
            "text_now": self._result.text[:_TEXT],
            **_kept(lost),
        }

    def _texts(self) -> dict[str, Any]:
        if self._recorded.text.split() == self._result.text.split():
            return {"verdict": "formatting", "note": "the texts differ in white space alone"}
        if not self._ours:
            return {"verdict": "unlike"}
        line = _first_other_line(self._recorded.text, self._result.text)
        return {
            "verdict": "values",
            "note": f"from line {line} on the text differs",
            "text_now": self._result.text[:_TEXT],
        }

    def _rows(self, then: Rows, now: Rows) -> dict[str, Any]:
        cut = len(self._recorded.text) < self._recorded.full_characters
        # A query's rows name no table; its text does.
        table = then.table or ", ".join(table_names(self._call))
        then, now = (msgspec.structs.replace(each, table=each.table or table) for each in (then, now))
        if not then.typed:
            then, now = by_meaning_of(then), by_meaning_of(now)
        now = self._newest(now)
        found = self._compared(then, now)
        if found.has("lost") and not now.whole:
            now = self._all_pages(now, typed=then.typed)
            found = self._compared(then, now)
        if found.changes and not then.typed and then.columns:
            lines = compare(*as_lines(then, now))
            found = found if lines.changes else lines
        beyond = cut or not then.whole
        if beyond:
            found = _without_gained(found)
        fields = {"rows_then": then.total, "rows_now": now.total}
        if found.changes:
            return (
                fields
                | {"verdict": _verdict(found), "text_now": self._result.text[:_TEXT]}
                | _kept(found.changes)
            )
        if then.typed and not cut and self._tool != _SQL and then.total != now.total:
            return fields | _other_pages(then.total, now.total)
        if found.reordered:
            return fields | {"verdict": "reordered"}
        return fields | {"verdict": "formatting", "note": "cut when recorded, the same so far" if cut else ""}

    def _compared(self, then: Rows, now: Rows) -> Difference:
        return compare(then, now, by_place=self._tool == _SQL, without=self._without)

    def _newest(self, now: Rows) -> Rows:
        """The rows of the newest time alone, as the reference's tool gives them; ours goes on to older."""
        table = self._result.table
        if self._ours or self._tool != _NEWEST or table is None or not table.origins:
            return now
        times = [row.event_time or row.known_at if row else None for row in table.origins[0].rows]
        newest = max((time for time in times if time), default=None)
        if newest is None or len(times) != len(now.cells):
            return now
        cells = tuple(row for row, time in zip(now.cells, times, strict=True) if time == newest)
        return msgspec.structs.replace(now, cells=cells, keys=(), total=len(cells))

    def _all_pages(self, now: Rows, *, typed: bool) -> Rows:
        """The rows of all pages from the first on, or `now` where they can't be had."""
        cells: list[tuple[str | None, ...]] = []
        keys: list[Any] = []
        columns = now.columns
        for _ in range(_PAGES):
            page = {"limit": _PAGE, "offset": len(cells)}
            again = msgspec.structs.replace(self._again, arguments={**(self._again.arguments or {}), **page})
            result = answer_call(again, self._toolbox)
            if result.status not in ("ok", "empty") or result.table is None or not result.table.rows:
                break
            rows = of_table(result.table)
            if rows.columns != columns:
                return now
            rows = rows if typed else by_meaning_of(rows)
            cells += rows.cells
            keys += rows.keys
            if len(cells) >= rows.total:
                break
        if len(cells) < len(now.cells):
            return now
        whole_keys = tuple(keys) if len(keys) == len(cells) else ()
        return msgspec.structs.replace(now, cells=tuple(cells), keys=whole_keys, total=now.total)


_FAILED = frozenset(("error", "refused"))


def _rows_now(result: ToolResult) -> Rows | None:
    if result.table is not None:
        return of_table(result.table)
    return Rows(columns=(), cells=()) if result.status == "empty" else None


def _verdict(found: Difference) -> Verdict:
    came, went = found.has("gained"), found.has("lost")
    return "rows±" if came and went else "rows+" if came else "rows-" if went else "values"


def _without_gained(found: Difference) -> Difference:
    kept = tuple(change for change in found.changes if change.kind != "gained")
    return Difference(kept, reordered=found.reordered)


def _other_pages(then: int, now: int) -> dict[str, Any]:
    verdict: Verdict = "rows-" if now < then else "rows+"
    return {
        "verdict": verdict,
        "note": f"of {then} rows in all, on this page and others, there are {now} now",
    }


def _kept(changes: Sequence[Change]) -> dict[str, Any]:
    return {"changes": tuple(changes[:_KEPT]), "more_changes": max(len(changes) - _KEPT, 0)}


def _counts(result: ToolResult) -> dict[str, Any]:
    rows = result.table.total if result.table else None
    return {"rows_now": rows}


def _limited(result: ToolResult) -> str:
    return "stopped by a limit now" if result.status == "limited" else "stopped by a limit when recorded"


def _first_other_line(one: str, other: str) -> int:
    pairs = zip(one.split("\n"), other.split("\n"), strict=False)
    return next(
        (n for n, (a, b) in enumerate(pairs, 1) if a != b), min(one.count("\n"), other.count("\n")) + 2
    )
