"""What an agent may choose from, and how much of the right answer it can reach."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from clinseek_core.candidates import CANDIDATE_TABLES
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.tasks.pool import Moment
from clinseek_core.tasks.task import AGENTEHR, Task
from clinseek_core.tasks.whole import Whole

__all__ = ["choices", "reachable_f1", "reachable_names"]

_AT_LEAST = 20


def choices(task: Task, moment: Moment, names: Sequence[str], key: str) -> tuple[str, ...]:
    """The candidates of a case: all right names and as many wrong ones, at least twenty of both together.

    `names` are those of the task's whole pool. Which wrong ones, and the order of all, hang on `key` alone.
    """
    if task.open:
        return ()
    if task.candidates:
        return task.candidates
    wrong = sorted(set(names) - set(moment.gold), key=lambda name: _lot(key, name))
    many = max(_AT_LEAST - len(moment.gold), len(moment.gold))
    return tuple(sorted((*moment.gold, *wrong[:many]), key=lambda name: _lot(key, "order", name)))


def reachable_names(whole: Whole, task: Task) -> dict[str, int | None] | None:
    """The names an agent finds in the candidate table of an open task; None where candidates are given.

    With each the only patient whose record has it, or None: what only one's own record tells is not offered.
    """
    if not task.open:
        return None
    table = CANDIDATE_TABLES[f"{task.name.removeprefix(AGENTEHR)}_candidates"]
    where = f"WHERE {table.where}" if table.where else ""
    if table.ccs:
        sql = (
            f"SELECT DISTINCT c.name, NULL FROM {table.source} d JOIN ccs c ON c.icd_code = trim(d.icd_code)"
            " AND c.icd_version = d.icd_version AND c.kind = ?"
        )
        rows = whole.con.execute(sql, [table.source.removeprefix("d_icd_")]).fetchall()
    else:
        column = quoted(table.column)
        only = (
            "CASE WHEN min(subject_id) = max(subject_id) THEN min(subject_id) END"
            if table.from_rows
            else "NULL"
        )
        rows = whole.con.execute(
            f"SELECT {column}, {only} FROM {table.source} {where} GROUP BY {column}"
        ).fetchall()
    return dict(rows)


def reachable_f1(moment: Moment, reachable: dict[str, int | None] | None) -> float:
    """The best F1 that the data allow: 2r/(1+r), where a share r of the right names can be found."""
    if reachable is None:
        return 1.0
    found = _found(moment.gold, reachable, moment.subject_id)
    share = found / len(moment.gold)
    return 2 * share / (1 + share)


def _found(gold: Collection[str], reachable: dict[str, int | None], subject_id: int) -> int:
    return sum(name in reachable and reachable[name] != subject_id for name in gold)


def _lot(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
