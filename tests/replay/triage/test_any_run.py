"""Rules never raise, whatever a recording holds."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.journal import Table, Usage
from clinseek_replay.trajectory import Call, Note, Result, Step, Trajectory
from clinseek_replay.triage import RULES, RunView, apply_rules, tally, triage
from clinseek_replay.triage.plain import run_lines, tally_lines

WORDS = st.sampled_from(
    [
        "",
        "Heparin",
        "Furosemide 40 mg",
        "no heparin",
        "I will query the labevents table.",
        "- Heparin\n- Aspirin",
        "The potassium was 5.9 mmol/L at 2150-03-02 10:00",
        "There is no evidence of anything",
        "<tool_call>",
        "[Tool Call: ehr.x({",
        "HTTP Error 503",
        "Error: Please call load_ehr first",
        "SQL Execution Error: no such column: x",
        "drug starttime\nHeparin 2150-03-02 08:00:00",
        "Potassium 5.4 mmol/L",
        "No records found in table 'x'",
        "Linked Study IDs: [1]",
        "Answer: Heparin",
        "\x1b[31m\ud800",
    ]
)
TEXTS = WORDS | st.text(max_size=40)
NAMES = st.sampled_from(
    [
        "ehr.load_ehr",
        "ehr.run_sql_query",
        "ehr.get_records_by_keyword",
        "ehr.get_latest_records",
        "ehr.get_candidates_by_keyword",
        "ehr.think",
        "ehr.finish",
        "browser.search",
        "image.x",
        "",
        "ehr.unheard_of",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.none() | st.dictionaries(
    st.sampled_from(["subject_id", "table_name", "keyword", "sql_query", "response", "start_time", "value"]),
    JSON | st.sampled_from(["labevents", "select * from labevents where x = 'heparin' limit 5", ["Heparin"]]),
    max_size=4,
)
TABLES = st.none() | st.builds(
    lambda cells, total: Table(columns=("drug", "starttime"), rows=tuple(cells), total=total),
    st.lists(st.tuples(TEXTS, st.none() | TEXTS), max_size=3),
    st.integers(0, 50),
)
RESULTS = st.none() | st.builds(
    Result,
    status=st.sampled_from(["ok", "empty", "error", "refused", "limited"]),
    text=TEXTS,
    full_characters=st.integers(0, 200),
    table=TABLES,
)
FLAGS = st.lists(
    st.sampled_from(["synthetic", "duplicate_id", "id_mismatch", "from_text", "unclosed", "bad_arguments"]),
    max_size=2,
).map(tuple)
CALLS = st.builds(
    Call,
    anchor=st.just(""),
    id=st.sampled_from(["", "a", "b", "synthetic_finish_1", "one_shot_1"]),
    name=NAMES,
    arguments=ARGUMENTS,
    raw_arguments=TEXTS,
    result=RESULTS,
    flags=FLAGS,
)
NOTES = st.lists(
    st.builds(
        Note, st.sampled_from(["retry", "nudge", "compaction", "observation", "result without a call"]), TEXTS
    ),
    max_size=2,
).map(tuple)
STEPS = st.lists(
    st.builds(
        Step,
        number=st.just(0),
        text=TEXTS,
        reasoning=TEXTS,
        calls=st.lists(CALLS, max_size=3).map(tuple),
        notes=NOTES,
        usage=st.none() | st.builds(Usage, input_tokens=st.integers(0, 10_000), output_tokens=st.just(1)),
        finish_reason=st.sampled_from(["", "length", "stop"]),
    ),
    max_size=6,
)
ITEMS = st.none() | st.lists(TEXTS, max_size=5).map(tuple)


def numbered(steps: list[Step]) -> tuple[Step, ...]:
    return tuple(
        msgspec.structs.replace(
            step,
            number=number,
            calls=tuple(
                msgspec.structs.replace(call, anchor=f"s{number}.c{n}")
                for n, call in enumerate(step.calls, 1)
            ),
        )
        for number, step in enumerate(steps, 1)
    )


RUNS = st.builds(
    Trajectory,
    run_id=st.sampled_from(["", "r1"]),
    source=st.just("x.jsonl:1"),
    format=st.sampled_from(["results.jsonl", "clinseek.journal/1", "chat"]),
    task=st.sampled_from(["", "labevents", "prescriptions_atc", "ICU_Readmission"]),
    subject_id=st.none() | st.integers(),
    prediction_time=st.none() | st.just(datetime(2150, 3, 3)),
    question=TEXTS,
    candidates=st.lists(TEXTS, max_size=3).map(tuple),
    gold=ITEMS,
    prompt=st.lists(st.tuples(st.just("user"), TEXTS), max_size=2).map(tuple),
    curated=TEXTS,
    max_rounds=st.none() | st.integers(0, 10),
    max_result_characters=st.none() | st.integers(0, 50),
    tools=st.just(()) | st.just(("ehr.finish",)),
    steps=STEPS.map(numbered),
    answer=ITEMS,
    answer_source=st.sampled_from(["", "finish", "one_shot"]),
    status=st.sampled_from(["", "answered", "no_answer", "stopped", "error"]),
    stop_reason=st.sampled_from(["", "finish", "max_rounds", "no_call", "context_overflow", "exception"]),
    message=TEXTS,
)


@settings(max_examples=50, deadline=None)
@given(run=RUNS)
def test_rules_never_raise(run: Trajectory) -> None:
    made = triage(run, leaks=((), ()))
    decided = {finding.code for finding in made.findings} | {each.code for each in made.not_verified}
    assert decided <= {rule.code for rule in RULES}
    assert all(finding.places or finding.code for finding in made.findings)
    for line in (*run_lines(made), *tally_lines(tally([made]))):
        assert "\x1b" not in line
        assert "\n" not in line
    assert json.loads(json.dumps(msgspec.to_builtins(made)))["rule_version"]


@settings(max_examples=50, deadline=None)
@given(run=RUNS)
def test_rules_leave_the_run_as_it_was_and_say_the_same_twice(run: Trajectory) -> None:
    before: Any = msgspec.structs.asdict(run)
    assert apply_rules(RunView(run), RULES) == apply_rules(RunView(run), RULES)
    assert msgspec.structs.asdict(run) == before
