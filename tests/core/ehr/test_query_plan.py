"""How a statement is answered, as a person may ask it: guarded as the statement itself, and read whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.query_plan import read_plan
from clinseek_core.ehr.session import EhrSession
from clinseek_core.errors import ClinseekError, InputError
from clinseek_fixtures import world_store_path

SQL = "SELECT label, count(*) FROM labevents JOIN d_labitems USING (itemid) GROUP BY label"


@pytest.fixture(scope="module")
def session() -> Iterator[EhrSession]:
    with EhrSession(world_store_path(), 90000001, datetime(2150, 3, 2, 17, 20), Policy()) as opened:
        yield opened


def test_a_plan_tells_each_operator_with_what_it_gave_and_how_long_it_took(session: EhrSession) -> None:
    rows = session.call("ehr.run_sql_query", {"subject_id": "90000001", "sql_query": SQL}).table
    plan = session.plan(SQL)
    assert rows is not None
    assert plan.steps[0].rows == rows.total, "the topmost operator gives the answer"
    assert plan.steps[0].depth == 0
    scans = [step for step in plan.steps if "SCAN" in step.name]
    assert any("labevents" in step.details for step in scans)
    assert all(step.depth > 0 for step in scans)
    assert 0 < plan.planning_ms <= plan.ms
    assert all(step.ms >= 0 for step in plan.steps)
    assert not plan.notes


def test_what_is_known_without_running_has_its_plan_and_its_time_too(session: EhrSession) -> None:
    plan = session.plan("SELECT count(*) FROM labevents")
    assert [step.rows for step in plan.steps] == [None]
    assert plan.ms > 0


def test_another_dialect_is_read_again_and_said_so(session: EhrSession) -> None:
    plan = session.plan("SELECT datetime(charttime, '-1 day') FROM labevents WHERE itemid IS 50912")
    assert plan.notes
    assert plan.steps


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("EXPLAIN SELECT 1", "only SELECT"),
        ("SELECT 1; SELECT 2", "exactly one"),
        ("SELECT * FROM read_text('/etc/passwd')", "not available"),
        ("DELETE FROM labevents", "only SELECT"),
        ("SELECT * FROM nothing", "no table nothing"),
        ("SELECT nothing FROM labevents", "nothing"),
        ("\ud800", "syntax error"),
        ("", "exactly one"),
    ],
    ids=["explain", "two", "file", "delete", "table", "column", "surrogate", "empty"],
)
def test_what_may_not_run_is_not_planned_either(session: EhrSession, sql: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        session.plan(sql)


def test_a_query_that_takes_too_long_ends_and_the_next_one_is_answered(
    session: EhrSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinseek_core.ehr.session._CALL_SECONDS", 0.3)
    with pytest.raises(ClinseekError, match="stopped after"):
        session.plan("SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c")
    monkeypatch.undo()
    assert session.plan("SELECT 1").steps


def test_a_plan_of_any_depth_is_read_and_a_vast_one_is_cut() -> None:
    deep = '{"operator": [%s]}'
    nested = "{}"
    for _ in range(400):
        nested = '{"name": "FILTER", "timing": 0.001, "children": [%s]}' % nested  # noqa: UP031
    plan = read_plan(deep % nested)
    assert [step.depth for step in plan.steps[:3]] == [0, 1, 2]
    assert len(plan.steps) == 401
    wide = msgspec.json.encode({"operator": [{"name": "UNION", "children": [{"name": "SCAN"}] * 5_000}]})
    assert len(read_plan(wide.decode()).steps) == 1_000
    told = msgspec.json.encode(
        {
            "query": {"total_time": 0.002},
            "planner": {"total_time": 9.0},
            "operator": [
                {"name": "SCAN", "timing": 0.5, "intermediate_rows": 3, "extra_info": {"Table": "a"}}
            ],
        }
    )
    [step] = read_plan(told.decode()).steps
    assert (step.ms, step.rows, step.estimated, step.details) == (500, 3, None, "Table: a")
    assert read_plan(told.decode()).planning_ms == 2, "never more than all of it"
