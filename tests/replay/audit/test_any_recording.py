"""Whatever a recording holds, the audit gives a report, and in good time."""

from __future__ import annotations

import time
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.journal import Table
from clinseek_replay.audit import audit, report_lines
from clinseek_replay.trajectory import Call, Result, Step, Trajectory

PIECES = st.sampled_from(
    [
        "hadm_id dischtime",
        "\n",
        " ",
        "2150-03-04 09:00:00",
        "2150-03-04",
        "| a | b |\n|---|---|\n",
        '{"rows": [',
        "]}",
        "90000002-RR-3",
        "subject_id,los\n",
        "--- Results for keyword 'x' ---\n",
        "https://physionet.org/content/mimiciv",
        "'",
        '"',
        "in all rows: a=1\n",
        "x:\n",
        "\x1b",
        "🫀",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join)
VALUES = st.none() | st.integers() | st.floats() | TEXTS | st.lists(st.integers(), max_size=2)
NAMES = st.sampled_from(
    ["ehr.load_ehr", "ehr.run_sql_query", "ehr.get_latest_records", "browser.open", "image.x", ""]
)
KEYS = st.sampled_from(["table_name", "sql_query", "subject_id", "timestamp", "image_path", "id"])


@st.composite
def calls(draw: st.DrawFn) -> Call:
    columns = draw(st.lists(st.sampled_from(["hadm_id", "dischtime", "los", "x"]), unique=True, max_size=4))
    rows = draw(st.lists(st.lists(VALUES, max_size=5).map(tuple), max_size=3))
    typed = Table(columns=tuple(columns), rows=tuple(rows), total=len(rows)) if draw(st.booleans()) else None
    text = draw(TEXTS)
    result = Result(status="ok", text=text, full_characters=len(text), table=typed)
    arguments = draw(st.none() | st.dictionaries(KEYS, VALUES, max_size=3))
    return Call(
        anchor="s1.c1",
        id="",
        name=draw(NAMES),
        arguments=arguments,
        result=draw(st.sampled_from([result, None])),
    )


def run_of(*made: Call, cutoff: datetime | None = datetime(2150, 3, 2, 17, 20)) -> Trajectory:
    return Trajectory(
        run_id="r",
        source="r",
        format="x",
        subject_id=90000001,
        prediction_time=cutoff,
        steps=(Step(number=1, calls=made),),
        answer=("los", "yes"),
        gold=("los",),
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(calls(), max_size=3), st.none() | st.datetimes())
def test_any_recording_gives_a_report(made: list[Call], cutoff: datetime | None) -> None:
    report = audit(run_of(*made, cutoff=cutoff))
    assert all("\x1b" not in line and "\n" not in line for line in report_lines(report))
    for finding in report.findings:
        assert finding.places
        for place in finding.places:
            assert place.start is None or 0 <= place.start <= (place.end or 0)


@pytest.mark.parametrize(
    "text",
    [
        " " * 50_000 + "|\n" + " " * 50_000 + "x",
        "- " * 50_000 + "|",
        "|" * 50_000 + "\n" + "|-" * 50_000,
        '"' * 100_000,
        "," * 50_000 + "\n" + "," * 50_000,
        "x:\n" * 30_000,
        '{"a":' * 20_000,
        "https://" * 12_000,
        "2150-03-02 " * 9_000,
        "published " * 10_000,
    ],
    ids=["blanks", "dashes", "bars", "quotes", "commas", "headings", "braces", "links", "dates", "words"],
)
@pytest.mark.parametrize("tool", ["ehr.get_latest_records", "browser.open"])
def test_a_hostile_text_costs_no_more_than_its_length(text: str, tool: str) -> None:
    text += "\nsubject_id 2150-03-09 10:00:00 "  # so that it is parsed
    result = Result(status="ok", text=text, full_characters=len(text))
    begin = time.process_time()
    audit(run_of(Call(anchor="s1.c1", id="", name=tool, arguments={}, result=result)))
    assert time.process_time() - begin < 2.0


@pytest.mark.parametrize(
    "sql",
    ["/*" * 60_000, "a AS a, " * 15_000, "(" * 19_000 + " AS last_one", "from a, " * 12_000],
    ids=["comments", "aliases", "brackets", "tables"],
)
def test_a_hostile_query_costs_no_more_than_its_length(sql: str) -> None:
    text = "          last_one\n2150-03-04 09:00:00"
    result = Result(status="ok", text=text, full_characters=len(text))
    begin = time.process_time()
    audit(
        run_of(
            Call(anchor="s1.c1", id="", name="ehr.run_sql_query", arguments={"sql_query": sql}, result=result)
        )
    )
    assert time.process_time() - begin < 2.0
