"""The moments a task may be asked about, in the order that a seed gives them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from clinseek_core.ehr.sql_text import literal, quoted
from clinseek_core.tasks.task import Task
from clinseek_core.tasks.whole import Whole

__all__ = ["Moment", "drawn_patients", "moments_of", "names_of"]

_BATCH = 200


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of one patient, and what was right of it."""

    subject_id: int
    hadm_id: int | None
    stay_id: int | None
    at: datetime
    about: str
    studies: tuple[int, ...]
    gold: tuple[str, ...]
    """In alphabetical order, each name once."""
    settled_at: datetime | None
    before: datetime | None
    """The patient's moment of the same task before this one."""


def drawn_patients(whole: Whole, seed: int, at_most: int) -> int:
    """Fill the table `drawn` with the patients that cases are made of, by a seed; how many there are."""
    whole.con.execute(
        "CREATE OR REPLACE TABLE drawn AS SELECT DISTINCT subject_id FROM patients"
        f" ORDER BY md5('{seed:d}|' || subject_id), subject_id LIMIT {at_most:d}"
    )
    (count,) = whole.con.execute("SELECT count(*) FROM drawn").fetchone() or (0,)
    return int(count)


def moments_of(whole: Whole, task: Task, seed: int) -> Iterator[Moment]:
    """The task's moments: each patient's first by lot, then the second; answers of yes and no in turn."""
    label = "gold" if task.one and len(task.candidates) == len(("yes", "no")) else "[]::VARCHAR[]"
    lot = f"""md5(concat_ws('|', '{seed:d}', {literal(task.name)}, subject_id, "at", about))"""
    whole.con.execute(
        f"""
        CREATE OR REPLACE TABLE pool AS
        WITH grouped AS (
            SELECT subject_id, any_value(hadm_id) AS hadm_id, any_value(stay_id) AS stay_id, "at", about,
                any_value(studies) AS studies, list_sort(list(DISTINCT trim(name))) AS gold,
                min(settled_at) AS settled_at
            FROM ({task.rows}) WHERE subject_id IN (FROM drawn) AND trim(name) <> '' AND "at" IS NOT NULL
            GROUP BY subject_id, "at", about{", studies" if task.kind == "multimodal" else ""}
        ), turns AS (
            SELECT *, {lot} AS lot, lag("at") OVER (PARTITION BY subject_id, about ORDER BY "at") AS before,
                row_number() OVER (PARTITION BY subject_id, {label} ORDER BY {lot}) AS turn FROM grouped
        )
        SELECT *, row_number() OVER (PARTITION BY {label} ORDER BY turn, lot) AS place FROM turns
        """
    )
    cursor = whole.con.cursor()
    fields = ", ".join(map(quoted, Moment.__struct_fields__))
    cursor.execute(f'SELECT {fields} FROM pool ORDER BY place, lot, subject_id, "at"')
    while rows := cursor.fetchmany(_BATCH):
        for row in rows:
            yield msgspec.convert(dict(zip(Moment.__struct_fields__, row, strict=True)), Moment, strict=False)


def names_of(whole: Whole) -> tuple[str, ...]:
    """Every name that is right anywhere in the pool made last."""
    rows = whole.con.execute("SELECT DISTINCT unnest(gold) AS name FROM pool ORDER BY name").fetchall()
    return tuple(name for (name,) in rows)
