"""A model's statement that does not run: the error names what was meant, without the engine's noise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinseek_core.case import Policy
from clinseek_core.ehr.sandbox import RefusedError
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.ehr.sql_errors import MAX_CHARACTERS, explained
from clinseek_core.ehr.visible import open_snapshot
from clinseek_fixtures import world_store_path

COLUMNS = {"labevents": {"itemid": "INTEGER", "hadm_id": "INTEGER"}, "d_labitems": {"label": "VARCHAR"}}


@pytest.fixture(scope="module")
def record() -> Iterator[Snapshot]:
    opened = open_snapshot(world_store_path(), 90000001, datetime(2150, 3, 2, 17, 20), Policy())
    yield opened
    opened.close()


TOLD = {
    "SELECT hadmid FROM labevents": "there is no column hadmid in labevents; did you mean hadm_id?",
    "SELECT l.chart_time FROM labevents l": "no column chart_time in labevents; did you mean charttime?",
    "SELECT drug FROM labevents": "there is no column drug in labevents; prescriptions",
    "SELECT nosuch FROM labevents, triage": "no column nosuch in labevents, triage; see ehr.get_column_names",
    "SELECT * EXCLUDE (nosuch) FROM labevents": "there is no column nosuch in labevents",
    "SELECT a.pain FROM vitalsign v JOIN triage a USING (stay_id) WHERE a.heartrat > 1": "heartrat in",
    "SELECT t.drug FROM triage t, prescriptions p": "prescriptions, triage under that alias; prescriptions",
    "SELECT x.itemid FROM labevents l": "there is no table or alias x in the statement",
    "SELECT itemid FROM labevent": "there is no table labevent; did you mean labevents",
    "SELECT itemid FROM lab_events_of_all": "there is no table lab_events_of_all; did you mean labevents",
    "SELECT substring_of(value) FROM labevents": "function substring_of() is not available here; there is",
    "SELECT substr(value) FROM labevents": "substring() does not take (VARCHAR)",
    "SELECT charttime + 1 FROM labevents": "+ does not take (TIMESTAMP, INTEGER)",
    "SELECT itemid FROM labevents WHERE itemid = 'Creatinine'": "'Creatinine' is no INTEGER",
    "SELECT * FROM labevents WHERE charttime > 'today'": "'today' is no timestamp; write it as YYYY-MM",
    "SELECT DATE '2150-13-01'": "'2150-13-01' is no date; write it as YYYY-MM-DD",
    "SELECT a.itemid FROM labevents a, labevents b WHERE itemid = 1": "Ambiguous reference to column name",
    "SELECT 1::nosuchtype": "there is no type nosuchtype; use VARCHAR, DOUBLE",
    "SELECT itemid FROM labevents WHERE row_number() OVER () = 1": "filter with QUALIFY, or in an outer",
    "SELECT itemid FROM labevents WHERE": "syntax error at or near 'WHERE'",
    "SELECT itemid FROM labevents WHERE value": "column value holds '",
    "SELECT sum(max(itemid)) FROM labevents": "aggregate function calls cannot be nested",
}


@pytest.mark.parametrize(("sql", "words"), TOLD.items())
def test_an_error_names_what_was_meant(record: Snapshot, sql: str, words: str) -> None:
    with pytest.raises(RefusedError) as told:
        record.select_untrusted(sql, 10)
    text = str(told.value)
    assert words in text
    for noise in ("LINE 1", "Candidate", "Error:", "\n", "__origin", "^"):
        assert noise not in text


def test_an_error_is_no_way_around_the_rows_of_an_answer(record: Snapshot) -> None:
    long = "(SELECT string_agg(value, ' and then ') FROM labevents)"
    for cast in (
        f"CAST({long} AS INTEGER[])",
        f"CAST({long} AS BOOLEAN)",
        f"CAST({long} AS JSON)",
        f"strptime({long}, '%Y')",
    ):
        with pytest.raises(RefusedError) as told:
            record.select_untrusted(f"SELECT {cast}", 10)
        assert str(told.value).count("and then") <= 4


@given(
    message=st.text(max_size=3000) | st.text(alphabet="'\" ab\n", max_size=3000),
    kind=st.sampled_from(["", "Binder Error: "]),
)
def test_any_error_is_one_short_line(message: str, kind: str) -> None:
    told = explained(kind + message, "SELECT itemid FROM labevents", COLUMNS)
    assert len(told) <= MAX_CHARACTERS
    assert "\n" not in told
