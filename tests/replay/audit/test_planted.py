"""Recordings made up in every system's style: nothing is found in clean ones, and every planted leak is.

A clean run shows a patient on the second day of a stay, as it was known then: what is over in full, what goes
on without its end. A plant changes one row of one table to hold what was not known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.journal import Table
from clinseek_core.tools.rowtext import as_text
from clinseek_replay.audit import RULES, AuditReport, Rule, audit
from clinseek_replay.audit.inspection import Sight
from clinseek_replay.audit.leak import Leak
from clinseek_replay.finding import Finding
from clinseek_replay.trajectory import Call, Result, Step, Trajectory

SUBJECT = 90000001
CUTOFF = datetime(2150, 3, 2, 17, 20)
QUESTION = (
    "Given the record of this patient up to the current time, choose from the list below every drug that will"
    " be dispensed by the cabinet within the next hour, and answer with the names of the list to the letter."
)

Row = dict[str, str | None]
Calls = list[Call]


def ago(hours: float) -> str:
    return (CUTOFF - timedelta(hours=hours)).isoformat(" ", "seconds")


WORLD: dict[str, list[Row]] = {
    "patients": [
        {
            "gender": "F",
            "anchor_age": "58",
            "anchor_year": "2149",
            "anchor_year_group": "2014 - 2016",
            "dod": None,
        }
    ],
    "admissions": [
        {
            "hadm_id": "92000001",
            "admittime": ago(4000),
            "dischtime": ago(3900),
            "deathtime": None,
            "discharge_location": "HOME",
            "hospital_expire_flag": "0",
            "text": "Chief Complaint:  cough, for three days",
        },
        {
            "hadm_id": "92000002",
            "admittime": ago(30),
            "dischtime": None,
            "deathtime": None,
            "discharge_location": None,
            "hospital_expire_flag": None,
            "text": None,
        },
    ],
    "edstays": [
        {
            "hadm_id": "92000001",
            "stay_id": "96000001",
            "intime": ago(4010),
            "outtime": ago(4001),
            "disposition": "ADMITTED",
        },
        {
            "hadm_id": "92000002",
            "stay_id": "96000002",
            "intime": ago(34),
            "outtime": None,
            "disposition": None,
        },
    ],
    "icustays": [
        {
            "hadm_id": "92000001",
            "stay_id": "97000001",
            "intime": ago(3980),
            "outtime": ago(3956),
            "los": "1.0",
        },
        {"hadm_id": "92000002", "stay_id": "97000002", "intime": ago(20), "outtime": None, "los": None},
    ],
    "transfers": [
        {"transfer_id": "95000001", "careunit": "Medicine", "intime": ago(30), "outtime": ago(20)},
        {
            "transfer_id": "95000002",
            "careunit": "Medical Intensive Care Unit",
            "intime": ago(20),
            "outtime": None,
        },
    ],
    "labevents": [
        {"itemid": "50912", "charttime": ago(9), "storetime": ago(8), "value": "1.2", "label": "Creatinine"},
        {
            "itemid": "51301",
            "charttime": ago(8),
            "storetime": ago(7),
            "value": "___",
            "label": "White Blood Cells",
        },
    ],
    "microbiologyevents": [
        {
            "micro_specimen_id": "7",
            "charttime": ago(90),
            "storetime": ago(40),
            "org_name": "ESCHERICHIA COLI",
        },
        {"micro_specimen_id": "8", "charttime": ago(9), "storetime": None, "org_name": None},
    ],
    "prescriptions": [
        {"drug": "Heparin Sodium", "starttime": ago(24), "stoptime": ago(3), "route": "SC"},
        {"drug": "Piperacillin-Tazobactam", "starttime": ago(-1), "stoptime": None, "route": "IV"},
    ],
    "emar": [
        {
            "emar_id": f"{SUBJECT}-4",
            "charttime": ago(5),
            "scheduletime": ago(-2),
            "storetime": ago(4),
            "medication": "Insulin",
        },
        {
            "emar_id": f"{SUBJECT}-5",
            "charttime": ago(3),
            "scheduletime": ago(3),
            "storetime": ago(2),
            "medication": "Heparin",
        },
    ],
    "poe": [
        {"poe_id": f"{SUBJECT}-12", "ordertime": ago(20), "order_type": "Lab", "order_status": None},
        {"poe_id": f"{SUBJECT}-13", "ordertime": ago(10), "order_type": "Medications", "order_status": None},
    ],
    "inputevents": [
        {
            "stay_id": "97000002",
            "starttime": ago(9),
            "endtime": ago(8),
            "amount": "100.0",
            "label": "NaCl 0.9%",
        },
        {
            "stay_id": "97000002",
            "starttime": ago(2),
            "endtime": None,
            "amount": None,
            "label": "Norepinephrine",
        },
    ],
    "omr": [
        {"chartdate": ago(5000)[:10], "seq_num": "1", "result_name": "BMI", "result_value": "27.1"},
        {"chartdate": ago(4000)[:10], "seq_num": "1", "result_name": "Weight", "result_value": "150"},
    ],
    "drgcodes": [
        {"hadm_id": "92000001", "drg_type": "HCFA", "drg_code": "194", "description": "PNEUMONIA W CC"}
    ],
    "events": [
        {
            "subject_id": str(SUBJECT),
            "stay_id": "97000002",
            "charttime": ago(7),
            "value": "88",
            "label": "heart rate",
        },
        {
            "subject_id": str(SUBJECT),
            "stay_id": "97000002",
            "charttime": ago(6),
            "value": "90",
            "label": "heart rate",
        },
    ],
    "tb_cxr": [
        {"study_id": "95000011", "studydatetime": ago(12), "viewposition": "AP"},
        {"study_id": "95000012", "studydatetime": ago(11), "viewposition": "AP"},
    ],
}


class Plant(NamedTuple):
    """A leak: cells put into a row of a table, and the column that is found."""

    code: str
    table: str
    cells: dict[str, str]
    """`LATE` stands for a time after the cutoff, `LATE DAY` for such a date."""
    column: str
    base: int = -1
    """The clean row that is changed."""

    @property
    def name(self) -> str:
        return f"{self.code} {self.table}.{self.column}"


PLANTS = (
    Plant("T2", "labevents", {"charttime": "LATE", "storetime": "LATE"}, "charttime"),
    Plant("T2", "admissions", {"hadm_id": "92000003", "admittime": "LATE"}, "admittime"),
    Plant("T2", "events", {"charttime": "LATE"}, "charttime"),
    Plant("T2", "microbiologyevents", {"charttime": "LATE"}, "charttime"),
    Plant("T3", "admissions", {"dischtime": "LATE"}, "dischtime"),
    Plant("T3", "admissions", {"dischtime": "LATE", "hospital_expire_flag": "0"}, "hospital_expire_flag"),
    Plant("T3", "admissions", {"discharge_location": "DIED"}, "discharge_location"),
    Plant("T3", "edstays", {"disposition": "ADMITTED"}, "disposition"),
    Plant("T3", "edstays", {"outtime": "LATE"}, "outtime"),
    Plant("T3", "icustays", {"outtime": "LATE", "los": "3.25"}, "los"),
    Plant("T3", "transfers", {"outtime": "LATE"}, "outtime"),
    Plant("T3", "patients", {"dod": "LATE DAY"}, "dod"),
    Plant("T3", "prescriptions", {"stoptime": "LATE"}, "stoptime", 0),
    Plant("T3", "poe", {"order_status": "Inactive"}, "order_status"),
    Plant("T3", "drgcodes", {"hadm_id": "92000002"}, "drg_code"),
    Plant("T4", "labevents", {"storetime": "LATE"}, "storetime"),
    Plant("T4", "microbiologyevents", {"storetime": "LATE", "org_name": "YEAST"}, "storetime"),
    Plant("T4", "emar", {"storetime": "LATE"}, "storetime"),
    Plant("T6", "inputevents", {"endtime": "LATE"}, "endtime"),
    Plant("T6", "inputevents", {"amount": "250.0"}, "amount"),
    Plant("T7", "admissions", {"text": "Chief Complaint:  fall; expired on the third day"}, "text"),
    Plant("T8", "omr", {"chartdate": "TODAY"}, "chartdate"),
    Plant("T9", "events", {"subject_id": "90000002"}, "subject_id"),
    Plant("T9", "emar", {"emar_id": "90000002-7"}, "emar_id"),
    Plant("T10", "tb_cxr", {"studydatetime": "LATE"}, "studydatetime"),
)


def padded(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """As pandas' `to_string(index=False)` writes the reference's tables."""
    lines = [
        columns,
        *[["nan" if cell is None else cell.replace("\n", "\\n") for cell in row] for row in rows],
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(" ".join(t.rjust(w) for t, w in zip(line, widths, strict=True)) for line in lines)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    lines = [
        columns,
        ["---"] * len(columns),
        *[["" if cell is None else cell for cell in row] for row in rows],
    ]
    return "Here they are:\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def in_csv(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    lines = [columns, *[[_quoted(cell or "") for cell in row] for row in rows]]
    return "\n".join(",".join(line) for line in lines)


def _quoted(cell: str) -> str:
    return f'"{cell}"' if "," in cell else cell


def in_json(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    return json.dumps([dict(zip(columns, row, strict=True)) for row in rows])


def ours(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    return f"t: {len(rows)} rows newest first:\n" + as_text(columns, rows)


FORMS: dict[str, Callable[[Sequence[str], Sequence[Sequence[str | None]]], str]] = {
    "padded": padded,
    "markdown": markdown,
    "csv": in_csv,
    "json": in_json,
    "ours": ours,
    "typed": ours,
}


def call(name: str, text: str, table: Table | None = None, **arguments: Any) -> Call:
    result = Result(status="ok", text=text, full_characters=len(text), table=table)
    return Call(anchor="", id="1", name=name, arguments=arguments, result=result)


def table_call(table: str, rows: Sequence[Row], form: str, *, by_sql: bool = False) -> Call:
    columns = list(rows[0])
    cells = [[row[column] for column in columns] for row in rows]
    text = FORMS[form](columns, cells)
    typed = Table(
        columns=tuple(columns), rows=tuple(map(tuple, cells)), total=len(rows), source="" if by_sql else table
    )
    named = {"sql_query": f"SELECT {', '.join(columns)} FROM {table}"} if by_sql else {"table_name": table}
    tool = "ehr.run_sql_query" if by_sql else "ehr.get_latest_records"
    return call(tool, text, typed if form == "typed" else None, subject_id=str(SUBJECT), **named)


LOADED = """Loading EHR Tables:
 - Loading 'edstays' with 2 rows.
 - Loading 'triage' with 2 rows.
 - Loading 'poe' with 2 rows.
 - Loading 'poe_detail' with 5 rows."""
PAGE = (
    "[2] Guidelines (https://example.org/sepsis)\n**viewing lines [0 - 4] of 5**\n\nL0: \n"
    "L1: URL: https://example.org/sepsis\nL2: Published: May 2014\nL3: Give antibiotics early."
)


def opening() -> Calls:
    return [
        call("ehr.load_ehr", LOADED, subject_id=str(SUBJECT), timestamp=str(CUTOFF)),
        call(
            "browser.search", "# Search Results\n  * 【0†Sepsis†example.org】 early treatment", query="sepsis"
        ),
        call("browser.open", PAGE, id=0),
    ]


def clean_calls(form: str, *, by_sql: bool = False) -> Calls:
    return opening() + [table_call(name, rows, form, by_sql=by_sql) for name, rows in WORLD.items()]


def run_of(calls: Calls) -> Trajectory:
    numbered = [
        Step(number=n, calls=(Call(**{**_fields(each), "anchor": f"s{n}.c1"}),))
        for n, each in enumerate(calls, 1)
    ]
    return Trajectory(
        run_id="r",
        source="made up",
        format="test",
        qid="q",
        subject_id=SUBJECT,
        prediction_time=CUTOFF,
        question=QUESTION,
        steps=tuple(numbered),
        answer=("Norepinephrine",),
        gold=("Norepinephrine",),
    )


def _fields(each: Call) -> dict[str, Any]:
    return {name: getattr(each, name) for name in each.__struct_fields__}


def leaks_of(report: AuditReport) -> set[str]:
    return {finding.code for finding in report.leaks}


@pytest.mark.parametrize("by_sql", [False, True], ids=["by tool", "by SQL"])
@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_found_in_a_clean_run(form: str, by_sql: bool) -> None:
    report = audit(run_of(clean_calls(form, by_sql=by_sql)))
    assert [(finding.code, finding.message) for finding in report.findings] == []


@pytest.mark.parametrize(
    ("expression", "codes"), [("max(chartdate)", {"T8"}), ("max(coalesce(known_at, chartdate))", set())]
)
def test_a_midnight_that_may_be_when_a_row_was_known_does_not_date_it(
    expression: str, codes: set[str]
) -> None:
    sql = f"SELECT result_name, {expression} AS latest FROM omr GROUP BY result_name"
    text = f"result_name,latest\nWeight (Lbs),{CUTOFF:%Y-%m-%d} 00:00:00"
    shown = call("ehr.run_sql_query", text, subject_id=str(SUBJECT), sql_query=sql)
    assert leaks_of(audit(run_of([*opening(), shown]))) == codes


EVENTS = {"labevents": "charttime", "emar": "charttime", "events": "charttime", "poe": "ordertime"}
STORES = {"labevents", "emar"}


@st.composite
def clean_rows(draw: st.DrawFn) -> tuple[str, list[Row]]:
    """Rows of a table whose every time lies before the cutoff, the last second included."""
    name = draw(st.sampled_from(sorted(EVENTS)))
    rows: list[Row] = []
    for base in draw(st.lists(st.sampled_from(WORLD[name]), min_size=1, max_size=8)):
        back = draw(st.integers(1, 400 * 3600))
        times: Row = {EVENTS[name]: ago(back / 3600)}
        if name in STORES:
            times["storetime"] = ago(draw(st.integers(1, back)) / 3600)
        rows.append({**base, **times})
    return name, rows


@settings(max_examples=40, deadline=None)
@given(clean_rows(), st.sampled_from(sorted(FORMS)), st.booleans())
def test_nothing_is_found_whatever_was_known_is_shown(
    shown: tuple[str, list[Row]], form: str, by_sql: bool
) -> None:
    name, rows = shown
    report = audit(run_of([*opening(), table_call(name, rows, form, by_sql=by_sql)]))
    assert [(finding.code, finding.message) for finding in report.findings] == []


# Planted leaks --------------------------------------------------------------------------------------------


class Planted(NamedTuple):
    """A run with one leak, and where it is."""

    run: Trajectory
    code: str
    step: int
    row: int | None
    column: str
    value: str


def plant(
    leak: Plant,
    form: str,
    *,
    late: datetime = CUTOFF + timedelta(hours=30),
    at: int = 0,
    by_sql: bool = False,
    beside: Sequence[str] = tuple(WORLD),
) -> Planted:
    """A clean run with a leaking row among those of a table; `beside` are the tables it shows too."""
    times = {
        "LATE": late.isoformat(" ", "seconds"),
        "LATE DAY": f"{late:%Y-%m-%d}",
        "TODAY": f"{CUTOFF:%Y-%m-%d}",
    }
    cells = {column: times.get(value, value) for column, value in leak.cells.items()}
    rows = [*WORLD[leak.table]]
    leaking = {**rows[leak.base], **cells}
    place = at % (len(rows) + 1)
    rows.insert(place, leaking)
    calls = opening()
    shown = [name for name in WORLD if name in {leak.table, *beside}]
    for name in shown:
        calls.append(table_call(name, rows if name == leak.table else WORLD[name], form, by_sql=by_sql))
    step = len(opening()) + shown.index(leak.table) + 1
    return Planted(run_of(calls), leak.code, step, place + 1, leak.column, str(leaking[leak.column]))


def found(planted: Planted, report: AuditReport) -> Finding | None:
    """The finding at the very place of the leak."""
    for finding in report.leaks:
        for place in finding.places:
            where = (place.step, place.call, place.row, place.column)
            if finding.code != planted.code or where != (planted.step, 1, planted.row, planted.column):
                continue
            result = planted.run.steps[place.step - 1].calls[0].result
            arguments = planted.run.steps[place.step - 1].calls[0].arguments or {}
            text = (
                str(arguments.get(place.column))
                if place.field == "arguments"
                else result.text
                if result
                else ""
            )
            spanned = text[place.start : place.end]
            # Our own rows tell a cell in fewer characters, or for several rows at once.
            if (
                place.field == "result"
                and place.start is not None
                and not text.startswith("t: ")
                and (spanned != planted.value)
            ):
                continue
            if place.quote == planted.value[: len(place.quote)] and place.quote:
                return finding
    return None


LATER = st.integers(0, 3 * 365 * 86_400).map(lambda seconds: CUTOFF + timedelta(seconds=seconds))


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(PLANTS), st.sampled_from(sorted(FORMS)), LATER, st.integers(0, 2), st.booleans())
def test_every_planted_leak_is_found_at_its_place_and_nothing_else_is(
    leak: Plant, form: str, late: datetime, at: int, by_sql: bool
) -> None:
    if "LATE DAY" in leak.cells.values():
        late += timedelta(days=1)
    planted = plant(leak, form, late=late, at=at, by_sql=by_sql)
    report = audit(planted.run)
    assert found(planted, report) is not None, report.findings
    assert leaks_of(report) == {leak.code}


@pytest.mark.parametrize("form", ["padded", "typed"])
@pytest.mark.parametrize("leak", PLANTS, ids=lambda leak: leak.name)
def test_each_leak_is_found_in_both_systems_text(leak: Plant, form: str) -> None:
    planted = plant(leak, form)
    report = audit(planted.run)
    assert found(planted, report) is not None, report.findings
    assert leaks_of(report) == {leak.code}


def special_plants() -> Iterator[tuple[str, Planted]]:
    """Leaks that are no row of a table."""
    late = "2150-03-09 08:00:00"
    clean = clean_calls("padded")
    loads = (
        ("T1", "timestamp", {"subject_id": str(SUBJECT), "timestamp": late}),
        ("T9", "subject_id", {"subject_id": "90000002", "timestamp": str(CUTOFF)}),
    )
    for code, column, arguments in loads:
        calls = [call("ehr.load_ehr", LOADED, **arguments), *clean[1:]]
        yield f"{code} load_ehr", Planted(run_of(calls), code, 1, None, column, arguments[column])
    more = LOADED.replace("'triage' with 2", "'triage' with 3")
    calls = [call("ehr.load_ehr", more, subject_id=str(SUBJECT), timestamp=str(CUTOFF)), *clean[1:]]
    yield "T5 counts", Planted(run_of(calls), "T5", 1, None, "", "Loading 'triage' with 3 rows.")
    details: list[Row] = [{"poe_id": f"{SUBJECT}-99", "field_name": "Level", "field_value": "IV"}]
    orders: list[Row] = [*WORLD["poe"], {**WORLD["poe"][0], "poe_id": f"{SUBJECT}-99", "ordertime": late}]
    calls = [*clean, table_call("poe", orders, "padded"), table_call("poe_detail", details, "padded")]
    yield "T5 detail", Planted(run_of(calls), "T5", len(calls), 1, "poe_id", f"{SUBJECT}-99")
    films: list[Row] = [
        *WORLD["tb_cxr"],
        {"study_id": "95000099", "studydatetime": late, "viewposition": "AP"},
    ]
    path = f"files/p90/p{SUBJECT}/s95000099/abc.jpg"
    calls = [
        *clean,
        table_call("tb_cxr", films, "padded"),
        call("image.chest_xray_classifier", "{}", image_path=path),
    ]
    yield "T10 film", Planted(run_of(calls), "T10", len(calls), None, "image_path", path)
    url = "https://huggingface.co/datasets/someone/ClinSeek-Bench/viewer"
    calls = [*clean, call("browser.open", PAGE.replace("https://example.org/sepsis", url), id=3)]
    yield "T11 page", Planted(run_of(calls), "T11", len(calls), None, "", url)
    calls = [*clean, call("browser.open", PAGE, id=url)]
    yield "T11 address", Planted(run_of(calls), "T11", len(calls), None, "id", url)
    calls = [*clean, call("browser.open", PAGE.replace("Give antibiotics early.", QUESTION), id=4)]
    share = Planted(run_of(calls), "T11", len(calls), None, "", "100% of the question")
    yield "T11 question", share


SPECIAL = dict(special_plants())


@pytest.mark.parametrize("name", SPECIAL)
def test_each_leak_outside_of_a_table_is_found(name: str) -> None:
    planted = SPECIAL[name]
    report = audit(planted.run)
    places = [
        (finding.code, place.step, place.row, place.column, place.quote)
        for finding in report.leaks
        for place in finding.places
    ]
    assert (planted.code, planted.step, planted.row, planted.column, planted.value[:120]) in places


def test_a_page_younger_than_the_patient_is_told_for_information() -> None:
    calls = [*clean_calls("padded"), call("browser.open", PAGE.replace("May 2014", "May 2021"), id=4)]
    report = audit(run_of(calls))
    assert [(finding.code, finding.severity) for finding in report.findings] == [("T12", "info")]
    assert report.leaks == ()


# Mutations ------------------------------------------------------------------------------------------------


def undetected(rules: Sequence[Rule]) -> set[str]:
    """The codes of which some planted leak is not found at its place by these rules."""
    missed = set()
    for leak in PLANTS:
        planted = plant(leak, "padded", at=1, beside=("admissions",))
        if found(planted, audit(planted.run, rules=rules)) is None:
            missed.add(leak.code)
    for planted in SPECIAL.values():
        report = audit(planted.run, rules=rules)
        quotes = {(f.code, place.step, place.quote) for f in report.leaks for place in f.places}
        if (planted.code, planted.step, planted.value[:120]) not in quotes:
            missed.add(planted.code)
    page = audit(
        run_of([*opening(), table_call("patients", WORLD["patients"], "padded"), YOUNG]), rules=rules
    )
    return missed | (set() if any(finding.code == "T12" for finding in page.findings) else {"T12"})


YOUNG = call("browser.open", PAGE.replace("May 2014", "May 2021"), id=4)


def test_all_rules_together_miss_nothing() -> None:
    assert undetected(RULES) == set()


@pytest.mark.parametrize("code", [rule.code for rule in RULES])
def test_without_a_rule_its_leaks_are_missed(code: str) -> None:
    assert undetected([rule for rule in RULES if rule.code != code]) == {code}


def _blind(_: Sight) -> Iterator[Leak]:
    return iter(())


def _half_blind(find: Callable[[Sight], Iterator[Leak]]) -> Callable[[Sight], Iterator[Leak]]:
    """A rule that finds only the second of what it should."""

    def second(sight: Sight) -> Iterator[Leak]:
        return (leak for number, leak in enumerate(find(sight)) if number == 1)

    return second


@pytest.mark.parametrize("broken", ["finds nothing", "finds the second only"])
@pytest.mark.parametrize("code", [rule.code for rule in RULES])
def test_a_broken_rule_is_noticed(code: str, broken: str) -> None:
    def changed(rule: Rule) -> Rule:
        return rule._replace(find=_blind if broken == "finds nothing" else _half_blind(rule.find))

    assert undetected([changed(rule) if rule.code == code else rule for rule in RULES]) == {code}
