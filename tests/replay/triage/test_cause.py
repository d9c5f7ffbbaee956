"""One primary cause a run, recovered errors left out, and the point from which there was no way back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from clinseek_replay.finding import Finding, Place
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage import among_others, primary_cause, read_scores, tally, triage, wilson
from clinseek_replay.triage.items import Items
from clinseek_replay.triage.plain import run_lines, tally_lines

CLEAN = ((), ())
FAILED = "SQL Execution Error: Execution failed on sql 'select hb from labevents': no such column: hb"


def done(run: Trajectory, **more: Any) -> Any:
    return triage(run, leaks=CLEAN, **more)


def found(code: str, step: int = 1, **more: Any) -> Finding:
    return Finding(
        code=code, name=code.lower(), message="m", places=(Place(step=step),), severity="medium", **more
    )


PAIRS = {
    "A2": ("select hb from labevents", FAILED, "select valuenum from labevents", "valuenum\n9.1"),
    "H5": ("select 1 from labevents", "HTTP Error 503: no upstream", "select 1 from labevents", "1\n1"),
    "A1": ("select 1 from labevents", "MCP Error -32602: Invalid params", "select 2 from labevents", "2\n2"),
}


@pytest.mark.parametrize("form", ["journal", "results"])
@pytest.mark.parametrize("code", PAIRS)
def test_an_error_that_is_made_good_is_recovered(code: str, form: str, make: Any, read_back: Any) -> None:
    first, error, second, rows = PAIRS[code]
    failing = make.turn("", make.sql(first, error, "error"))
    better = make.turn("", make.sql(second, rows))
    good, bad = (
        [f for f in done(read_back(make.run(failing, then), form)).findings if f.code == code]
        for then in (better, make.turn("Hm."))
    )
    assert [finding.recovered for finding in good] == [True]
    assert [finding.recovered for finding in bad] == [False]
    assert good[0].places[-1].anchor == "s4.c1"


@pytest.mark.parametrize("form", ["journal", "results"])
def test_another_table_or_another_word_recovers_nothing(form: str, make: Any, read_back: Any) -> None:
    failing = make.turn("", make.keyword("troponin", "HTTP Error 503: no upstream", status="error"))
    for other in (make.read("x", "omr"), make.keyword("sodium", "sodium 140")):
        (finding,) = [
            f
            for f in done(read_back(make.run(failing, make.turn("", other)), form)).findings
            if f.code == "H5"
        ]
        assert not finding.recovered
    again = make.turn("", make.read("label value\ntroponin 0.2", "labevents"))
    (finding,) = [f for f in done(read_back(make.run(failing, again), form)).findings if f.code == "H5"]
    assert finding.recovered


ORDER = ("S1", "H2", "T2", "B1", "A2", "R1", "U1", "F4")


@pytest.mark.parametrize("code", ORDER)
def test_groups_are_blamed_in_order(code: str) -> None:
    items = Items(["a"], ["a", "b"])
    below = [found(other) for other in reversed(ORDER[ORDER.index(code) :])]
    assert primary_cause(below, items, has_gold=True, answered=True, lost_f1=0.3).code == code


def test_within_a_group_the_code_that_cost_most_is_the_cause_then_the_earliest() -> None:
    items = Items(["a"], ["a", "b", "c"])
    cheap = found("R4", 1)
    dear = found("R1", 9, evidence={"lost_gold": ["b"]})
    cause = primary_cause([cheap, dear], items, has_gold=True, answered=True, lost_f1=0.5)
    assert (cause.code, cause.anchor) == ("R1", "s9")
    # F1 of {a} is 2/4, of {a, b} 4/5.
    assert cause.lost_f1 == pytest.approx(0.3)
    tie = primary_cause([found("R2", 5), found("R4", 2)], items, has_gold=True, answered=True, lost_f1=0.5)
    assert tie.code == "R4"


@pytest.mark.parametrize(
    "finding",
    [
        found("A2", recovered=True),
        found("A2", tier="S"),
        msgspec.structs.replace(found("A2"), severity="info"),
        found("T2", used=False),
        found("B4"),
        found("S2"),
    ],
    ids=["recovered", "suggestion", "info", "visible-only", "B4", "S2"],
)
def test_what_does_not_count_is_no_cause(finding: Finding) -> None:
    items = Items(["a"], ["a", "b"])
    cause = primary_cause([finding], items, has_gold=True, answered=True, lost_f1=0.3)
    assert cause.kind == "unexplained"


def test_a_run_that_lost_nothing_has_no_cause_and_without_gold_it_is_not_verified() -> None:
    items = Items(["a"], ["a"])
    assert (
        primary_cause([found("A2")], items, has_gold=True, answered=True, lost_f1=0.0).kind == "nothing_lost"
    )
    assert (
        primary_cause([found("A2")], items, has_gold=False, answered=True, lost_f1=1.0).kind == "not_verified"
    )
    assert primary_cause([found("H7")], items, has_gold=False, answered=False, lost_f1=1.0).code == "H7"


def test_the_answer_is_the_last_point_of_return(make: Any, read_back: Any) -> None:
    (point,) = done(read_back(make.run(answer=("Heparin",)), "journal")).no_return
    assert (point.kind, point.step, point.items) == ("commit", 3, ("Furosemide",))


def test_too_few_rounds_are_named_as_such(make: Any, read_back: Any) -> None:
    made = make.bare(
        make.load(),
        make.turn("", make.read()),
        make.turn("Hm."),
        status="no_answer",
        stop_reason="max_rounds",
        max_rounds=3,
    )
    (point,) = done(read_back(made, "journal")).no_return
    # Of three rounds, after the second one is left: a call and the finish take two.
    assert (point.kind, point.step) == ("budget", 2)


def test_a_leak_is_found_through_the_audit_and_counted(make: Any, read_back: Any) -> None:
    text = make.padded(("medication", "charttime"), ("Heparin", "2150-03-04 09:00:00"))
    run = read_back(make.run(make.turn("", make.read(text, "emar")), answer=("Heparin",)), "results")
    made = triage(run)
    (leak,) = [finding for finding in made.findings if finding.code == "T2"]
    assert leak.places[0].anchor.startswith("s3.c1")
    assert any(each.code.startswith("T") for each in made.not_verified)


def test_runs_side_by_side_tell_repeats_and_recorded_scores(make: Any, read_back: Any, tmp_path: Any) -> None:
    one = done(read_back(make.run(), "results"))
    path = tmp_path / "per_question.jsonl"
    path.write_text('{"qid": "q1", "runs": [{"f1": 1.0}, {"f1": 0.25}]}\n')
    first, second = among_others([one, one], read_scores(path))
    assert {f.code for f in first.findings} == {"S4"}
    assert {f.code for f in second.findings} == {"S3"}
    assert not {"S3", "S4"} & {each.code for each in (*first.not_verified, *second.not_verified)}
    (alone,) = among_others([one])
    assert {f.code for f in alone.findings} == set()
    assert "S3" in {each.code for each in alone.not_verified}


def test_wilson_is_the_published_interval() -> None:
    # Newcombe 1998, table I: 15 of 148 by the score method: 0.0624 to 0.1605; 0 of 20: 0 to 0.1611.
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(29, 29) == pytest.approx((0.8830, 1.0), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_tallies_count_runs_once_and_calls_by_tool(make: Any, read_back: Any) -> None:
    failing = [make.turn("", make.sql("select hb from labevents", FAILED, "error")) for _ in range(2)]
    bad = done(
        read_back(
            make.run(failing[0], make.turn("Hm."), failing[1], make.turn("Hm."), answer=("Heparin",)),
            "results",
        )
    )
    good = done(read_back(make.run(), "results"))
    counted = tally([bad, good, good])
    by = {(each.by, each.name): each for each in counted.tallies}
    everything = by["all", "all runs"]
    assert (everything.codes["A2"].count, everything.codes["A2"].of) == (1, 3)
    assert everything.codes["S1"].count == 0
    assert (everything.codes["S1"].not_verified, everything.codes["R3"].not_verified) == (3, 1)
    assert {cause: share.count for cause, share in everything.causes.items()} == {"A2": 1, "nothing_lost": 2}
    sql = by["tool", "ehr.run_sql_query"]
    assert (sql.codes["A2"].count, sql.codes["A2"].of) == (2, 2)
    assert ("task", "prescriptions_next") in by
    lines = "\n".join(tally_lines(counted, ["q9"]))
    assert "not verified in as many runs" in lines
    assert "q9" in lines


def test_plain_text_shows_what_counts_and_what_does_not(make: Any, read_back: Any) -> None:
    made = done(
        read_back(
            make.run(
                make.turn("", make.sql("select hb from labevents", FAILED, "error")),
                make.turn("", make.sql("select 1 from labevents", "1\n1")),
                make.turn(
                    "Next I will query the microbiologyevents table.", make.read("\x1b[31mlabs", "labevents")
                ),
                answer=("Heparin",),
            ),
            "results",
        )
    )
    text = "\n".join(run_lines(made))
    assert "[recovered]" in text
    assert "[suggestion]" in text
    assert "primary cause: U1 seen_ignored at s2.c1" in text
    assert "not verified: " in text
    assert "\x1b" not in text
