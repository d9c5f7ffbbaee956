"""Two worlds that agree on all that was known at the cutoff give the same bytes, whatever is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinseek_core.case import Policy
from clinseek_core.ehr.candidates import CANDIDATE_TABLES
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.tools.ehr import EhrTools

PATIENTS = (90000001, 90000002, 90000003)
CHANGES = ("delete", "canary", "permute")
TABLES = st.sampled_from([*CONTRACT, *CANDIDATE_TABLES, "provider", "nosuchtable"])
TIMES = st.sampled_from(
    ["2149-01-01", "2150-01-01 00:00:00", "2150-03-03", "2151-12-31 23:59:59", "2199-01-01", "noon", ""]
)
TIMED = [name for name in CONTRACT if any(c.role == "event" for c in tables()[name].columns)]

QUERIES = (
    "SELECT * FROM {t}",
    "SELECT count(*), min(known_at), max(known_at) FROM {t}",
    "SELECT count(*) FROM {t} a JOIN {t} b USING (subject_id)",
    "SELECT t, row_number() OVER (ORDER BY known_at) FROM {t} t ORDER BY known_at DESC LIMIT 3",
    "SELECT * FROM {t} WHERE {t}::VARCHAR LIKE '%CANARY%' OR {t}::VARCHAR LIKE '%2199%'",
    "SELECT hadm_id, count(*) FROM {t} GROUP BY ALL ORDER BY ALL",
    "SELECT a.subject_id FROM admissions a LEFT JOIN {t} x ON a.hadm_id = x.hadm_id",
    "SELECT sum(hash({t}::VARCHAR)) FROM {t}",
    "SELECT DISTINCT ON (subject_id) * FROM {t} ORDER BY subject_id, known_at",
    "SELECT nosuchcolumn FROM {t}",
    "SELECT 1 / 0, CAST('x' AS INTEGER) FROM {t}",
    "SELECT * FROM {t} WHERE known_at > now()",
    "SUMMARIZE {t}",
    "SELECT column_name FROM information_schema.columns WHERE table_name = '{t}'",
    "SELECT * FROM record.dated.{t}",
    "SELECT * FROM {t} LIMIT 5 OFFSET 2; SELECT 1",
    "SELEC * FROM {t}",
)

calls = st.one_of(
    st.tuples(
        st.just("ehr.load_ehr"), st.fixed_dictionaries({"subject_id": st.just("1"), "timestamp": TIMES})
    ),
    st.tuples(st.just("ehr.get_table_names"), st.just({})),
    st.tuples(st.sampled_from(["ehr.think", "ehr.finish"]), st.just({"response": "an abscess"})),
    st.tuples(st.just("ehr.get_table_description"), st.fixed_dictionaries({"table_name": TABLES})),
    st.tuples(st.just("ehr.get_column_names"), st.fixed_dictionaries({"table_name": TABLES})),
    st.tuples(
        st.just("ehr.get_records_by_time"),
        st.fixed_dictionaries(
            {"table_name": TABLES, "start_time": TIMES, "end_time": TIMES},
            optional={"limit": st.integers(0, 5), "offset": st.integers(0, 5)},
        ),
    ),
    st.tuples(
        st.just("ehr.get_latest_records"),
        st.fixed_dictionaries({"table_name": TABLES}, optional={"limit": st.integers(0, 50)}),
    ),
    st.tuples(
        st.just("ehr.run_sql_query"),
        st.builds(
            lambda query, table: {"sql_query": query.format(t=table)},
            st.sampled_from(QUERIES),
            st.sampled_from(sorted(CONTRACT)),
        ),
    ),
    st.tuples(
        st.just("ehr.get_candidates_by_keyword"),
        st.fixed_dictionaries(
            {"table_name": TABLES, "keyword": st.sampled_from(["a", "blood", "CANARY", ""])}
        ),
    ),
    st.tuples(
        st.just("ehr.get_candidates_by_semantic_similarity"),
        st.fixed_dictionaries(
            {"table_name": TABLES, "query": st.sampled_from(["heart failure", ["a", "b"]])}
        ),
    ),
)
policies = st.builds(
    Policy,
    basis=st.sampled_from(["available", "available", "event"]),
    boundary=st.sampled_from(["exclusive", "inclusive"]),
)


def observations(snapshot: Snapshot, sequence: Sequence[tuple[str, dict[str, Any]]]) -> list[bytes]:
    tools = EhrTools(snapshot)
    seen = [msgspec.json.encode(tools.call(name, arguments)) for name, arguments in sequence]
    return [*seen, snapshot.digest().encode()]


def assert_worlds_agree(worlds: Callable[..., Any], data: st.DataObject) -> None:
    policy = data.draw(policies, label="policy")
    twins = worlds(data.draw(st.sampled_from(PATIENTS), label="patient"))
    moment = data.draw(st.sampled_from(twins.moments), label="moment")
    cutoff = moment + timedelta(seconds=data.draw(st.sampled_from([-1, 0, 1]), label="seconds"))
    change = data.draw(st.sampled_from(CHANGES), label="change")
    sequence = data.draw(st.lists(calls, min_size=1, max_size=8), label="calls")
    here = observations(twins.take(cutoff, policy), sequence)
    there = observations(twins.take(cutoff, policy, change), sequence)
    assert here == there


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nothing_after_the_cutoff_reaches_any_tool(worlds: Callable[..., Any], data: st.DataObject) -> None:
    assert_worlds_agree(worlds, data)


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nothing_after_the_cutoff_reaches_any_tool_many(
    worlds: Callable[..., Any], data: st.DataObject
) -> None:
    assert_worlds_agree(worlds, data)


# Ways to break the contract: the table, a time between the broken clock and the true one, and SQL over the
# dated record that lets one kind of future through.
BREAKS = {
    "the end of a stay is known with the stay": (
        "admissions",
        "max(admittime) + INTERVAL 1 HOUR",
        'SET "dischtime@known" = known_at',
    ),
    "so is its type": (
        "admissions",
        "max(admittime) + INTERVAL 1 HOUR",
        'SET "admission_type@known" = known_at',
    ),
    "an ED stay shows the admission it leads to": (
        "edstays",
        "max(intime) FILTER (WHERE hadm_id IS NOT NULL) + INTERVAL 1 SECOND",
        'SET "hadm_id@known" = known_at',
    ),
    "a result is known when it is drawn": (
        "labevents",
        "max(charttime) FILTER (WHERE storetime > charttime) + INTERVAL 1 SECOND",
        "SET known_at = charttime",
    ),
    "billing codes are known from the start": (
        "drgcodes",
        "max(known_at) - INTERVAL 1 DAY",
        "SET known_at = TIMESTAMP '0001-01-01'",
    ),
    "a culture is known when it is taken": (
        "microbiologyevents",
        "max(charttime) + INTERVAL 1 SECOND",
        "SET known_at = charttime, superseded_at = NULL",
    ),
    "a drug order's stop is known with the order": (
        "pharmacy",
        "max(entertime) + INTERVAL 1 SECOND",
        'SET "stoptime@known" = entertime',
    ),
}


@pytest.mark.parametrize(("table", "cutoff", "change"), BREAKS.values(), ids=BREAKS.keys())
def test_a_contract_broken_on_purpose_is_found_out(
    worlds: Callable[..., Any], table: str, cutoff: str, change: str
) -> None:
    twins = worlds(PATIENTS[0])
    time, broken = twins.ask(cutoff, table), f"UPDATE dated.{table} {change}"
    look = [("ehr.get_latest_records", {"table_name": table, "limit": 1000})]
    for contract, leaks in (("", False), (broken, True)):
        here = observations(twins.take(time, Policy(), broken=contract), look)
        there = observations(twins.take(time, Policy(), "canary", contract), look)
        assert (here != there) == leaks


def test_a_change_in_what_was_known_is_seen(worlds: Callable[..., Any]) -> None:
    twins = worlds(PATIENTS[0])
    cutoff = twins.moments[len(twins.moments) // 2]
    first_known = f"SELECT min(rowid) FROM dated.labevents WHERE known_at < TIMESTAMP '{cutoff}'"
    change = f"UPDATE dated.labevents SET valuenum = valuenum + 1 WHERE rowid = ({first_known})"
    look = [("ehr.get_latest_records", {"table_name": "labevents", "limit": 1000})]
    here = observations(twins.take(cutoff, Policy()), look)
    assert here != observations(twins.take(cutoff, Policy(), broken=change), look)


def test_the_upstream_rule_leaks_and_each_leak_has_its_name(worlds: Callable[..., Any]) -> None:
    leaks: set[str] = set()
    for twins in map(worlds, PATIENTS):
        for cutoff in twins.moments[:: len(twins.moments) // 4]:
            policy = Policy(basis="upstream")
            here, there = twins.take(cutoff, policy), twins.take(cutoff, policy, "canary")
            for name, table in here.tables.items():
                columns = [
                    list(zip(*w.select(f"SELECT * FROM {name}").rows, strict=True)) for w in (here, there)
                ]
                leaks |= {f"{name}.{c}" for c, a, b in zip(table.columns, *columns, strict=False) if a != b}
    expected = {
        "admissions.hospital_expire_flag",
        "admissions.discharge_location",
        "admissions.admission_type",
        "admissions.dischtime",
        "drgcodes.drg_code",
        "edstays.disposition",
        "edstays.hadm_id",
        "emar_detail.dose_given",
        "icustays.los",
        "labevents.valuenum",
        "microbiologyevents.org_name",
        "patients.dod",
        "pharmacy.status",
        "poe.order_status",
        "poe_detail.field_value",
        "transfers.outtime",
        "triage.acuity",
    }
    assert expected - leaks == set()


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(sequence=st.lists(calls, min_size=1, max_size=4))
def test_the_same_call_gives_the_same_bytes(
    worlds: Callable[..., Any], sequence: list[tuple[str, dict[str, Any]]]
) -> None:
    twins = worlds(PATIENTS[1])
    snapshot = twins.take(twins.moments[-5], Policy())
    assert observations(snapshot, sequence) == observations(snapshot, sequence)
