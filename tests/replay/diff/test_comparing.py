"""Runs compared: which difference changed what was seen, and what became of the gold."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from clinseek_core.journal.events import Origin, OriginRow, Table
from clinseek_replay.diff import diff, evidence_of, matrix
from clinseek_replay.diff.telling import diff_lines, matrix_lines
from clinseek_replay.trajectory import Call, Result

CSV = "label,value\nLactate,2.1\nSodium,140\n"


def test_a_run_and_itself_are_equal(make_run, make_call) -> None:
    run = make_run([make_call("ehr.x", 1, CSV), make_call("ehr.finish")], answer=("a",), gold=("a", "b"))
    compared = diff(run, run)
    assert compared.equal
    assert (compared.edits, compared.first, compared.first_evidence, compared.first_gold) == (
        (),
        None,
        None,
        None,
    )
    assert compared.counts == {"same": 2}


def test_an_order_that_changes_nothing_seen_is_cosmetic(make_run, make_call) -> None:
    one, other = make_call("ehr.x", 1, CSV), make_call("ehr.y", 2, "other")
    compared = diff(make_run([one, other]), make_run([other, one]))
    assert compared.first.change == "moved"
    assert compared.first_evidence is None
    assert not compared.equal
    assert "both saw the same" in "\n".join(diff_lines(compared))


def test_rows_in_another_order_are_another_result_and_the_same_evidence(make_run, make_call) -> None:
    turned = "label,value\nSodium,140\nLactate,2.1\n"
    compared = diff(make_run([make_call("ehr.x", 1, CSV)]), make_run([make_call("ehr.x", 1, turned)]))
    assert compared.counts == {"changed_result": 1}
    assert compared.first_evidence is None


def test_the_first_change_of_what_was_seen_comes_after_cosmetic_ones(make_run, make_call) -> None:
    think, first = make_call("ehr.think", "I begin"), make_call("ehr.x", 1, CSV)
    less = make_call("ehr.y", 2, "label,value\nChloride,100\nUrea,7\nLactate,2.1\n")
    more = make_call("ehr.y", 2, "label,value\nChloride,100\nCalcium,2\n")
    a = make_run([think, first, less])
    b = make_run([make_call("ehr.think", "Let me begin"), first, more])
    compared = diff(a, b)
    assert compared.first.change == "changed_arguments"
    assert compared.first_evidence.a.anchor == "s2.c1"
    # Lactate was seen by both, in another call.
    assert (compared.first_evidence.evidence.only_a, compared.first_evidence.evidence.only_b) == (1, 1)


def test_what_one_run_saw_later_in_another_way_is_no_loss(make_run, make_call) -> None:
    compared = diff(
        make_run([make_call("ehr.x", 1, CSV)]),
        make_run([make_call("ehr.z", 9, "value,label\n140,Sodium\n2.1,Lactate\n")]),
    )
    assert {line.change for line in compared.lines} == {"missing", "extra"}
    assert compared.first_evidence is None


@pytest.mark.parametrize(
    ("tool", "status"),
    [
        ("ehr.think", "ok"),
        ("ehr.finish", "ok"),
        ("ehr.load_ehr", "ok"),
        ("ehr.get_candidates_by_keyword", "ok"),
        ("ehr.x", "error"),
        ("ehr.x", "empty"),
    ],
)
def test_what_shows_nothing_of_the_patient_is_no_evidence(make_run, make_call, tool, status) -> None:
    call = make_run([make_call(tool, 1, CSV, status)]).steps[0].calls[0]
    assert evidence_of(call) == frozenset()


def test_rows_of_the_record_are_the_same_evidence_by_whatever_columns() -> None:
    def of(columns: tuple[str, ...], rows: tuple[tuple, ...], key: int) -> frozenset[bytes]:
        origin = Origin(table="labevents", key=("id",), rows=(OriginRow(key=(key,)),))
        table = Table(columns=columns, rows=rows, total=1, origins=(origin,))
        result = Result(status="ok", text="x", full_characters=1, table=table)
        return evidence_of(Call(anchor="s1.c1", id="1", name="ehr.x", arguments={}, result=result))

    assert of(("label",), (("Lactate",),), 7) == of(("value", "unit"), ((2.1, "mmol/L"),), 7)
    assert of(("label",), (("Lactate",),), 7) != of(("label",), (("Lactate",),), 8)


def test_gold_that_only_one_run_saw_is_found_where_it_was_seen(make_run, make_call) -> None:
    common = make_call("ehr.x", 1, "label\nSodium\n")
    a = make_run([common, make_call("ehr.y", 2, "nothing")], answer=("Sodium",), gold=("Sodium", "Lactate"))
    b = make_run([common, make_call("ehr.y", 2, "label\nLactate\n")], answer=("lactate", "Urea"))
    compared = diff(a, b)
    item, line = compared.first_gold
    assert (item, line.b.anchor) == ("Lactate", "s1.c2")
    assert [(gold.item, [run.answered for run in gold.runs], gold.differs) for gold in compared.gold] == [
        ("Sodium", [True, False], True),
        ("Lactate", [False, True], True),
    ]
    assert [run.state for run in compared.gold[1].runs] == ["UNKNOWN", "SUPPORTED"]
    assert (compared.a.f1, compared.b.f1) == (pytest.approx(2 / 3), pytest.approx(0.5))
    assert (compared.answered_by_a, compared.answered_by_b) == (("Sodium",), ("lactate", "Urea"))


def test_runs_of_other_cases_differ_even_with_the_same_calls(make_run, make_call) -> None:
    a = make_run([make_call("ehr.x")], qid="q", prediction_time=datetime(2150, 1, 1))
    assert [change.name for change in diff(a, replace(a, prediction_time=datetime(2150, 1, 2))).case] == [
        "prediction_time"
    ]
    # What a format does not hold is unknown, and no difference; the model may be another.
    unknown = replace(a, prediction_time=None, qid="", model="m")
    assert diff(a, unknown).equal
    assert diff(unknown, a).equal


def test_arguments_are_told_from_where_they_differ(make_run, make_call) -> None:
    sql = "SELECT " + ", ".join(f"c{n}" for n in range(200))
    a, b = (
        make_run([make_call("ehr.x", sql + " FROM a", "1")]),
        make_run([make_call("ehr.x", sql + " FROM b", "2")]),
    )
    (change,) = diff(a, b).edits[0].arguments
    assert (change.name, change.a[:1], change.a[-6:], change.b[-6:]) == ("q", "…", "FROM a", "FROM b")
    assert len(change.a) < 60


def test_text_that_acts_on_terminals_is_drawn(make_run, make_call) -> None:
    a = make_run([make_call("ehr.\x1b[31m", "\x1b]0;x\x07", "1")], answer=("\x1b[2J",))
    b = make_run([make_call("ehr.\x1b[31m", "\x1b]0;y\x07", "2"), make_call("\x1b")], gold=("\x1b[1m",))
    lines = [*diff_lines(diff(a, b)), *matrix_lines(matrix([a, b, a]))]
    assert "\x1b" not in "\n".join(lines)
    assert all("\n" not in line for line in lines)


CALLS = st.lists(
    st.tuples(st.sampled_from(["ehr.a", "ehr.b"]), st.sampled_from("pq"), st.sampled_from([CSV, "x", ""])),
    max_size=6,
)


@settings(deadline=None, max_examples=50)
@given(CALLS, CALLS)
def test_what_only_one_side_saw_is_the_difference_of_all_that_both_saw(
    make_run, make_call, one, other
) -> None:
    a = make_run([make_call(*call) for call in one], answer=("Lactate",), gold=("Lactate",))
    b = make_run([make_call(*call) for call in other], answer=(), gold=("Lactate",))

    def seen(run) -> set[bytes]:
        return set().union(*(evidence_of(call) for step in run.steps for call in step.calls))

    compared, mirrored = diff(a, b), diff(b, a)
    assert any(line.evidence.only_a for line in compared.lines) == bool(seen(a) - seen(b))
    assert any(line.evidence.only_b for line in compared.lines) == bool(seen(b) - seen(a))
    assert (compared.first_evidence is None) == (seen(a) == seen(b)) == (mirrored.first_evidence is None)
    assert compared.equal is mirrored.equal is False
    list(diff_lines(compared))


@settings(deadline=None, max_examples=50)
@given(st.lists(CALLS, min_size=1, max_size=4))
def test_each_call_of_each_run_stands_once_in_the_matrix(make_run, make_call, runs) -> None:
    made = [make_run([make_call(*call) for call in calls]) for calls in runs]
    compared = matrix(made)
    for column, run in enumerate(made):
        anchors = [row.cells[column].anchor for row in compared.rows if row.cells[column]]
        assert sorted(anchors) == sorted(call.anchor for step in run.steps for call in step.calls)
    assert all(any(row.cells) for row in compared.rows)
    # A call that failed to change its place in no run is told as moved in none.
    assert compared.equal == all(calls == runs[0] for calls in runs)
    list(matrix_lines(compared))


def test_a_matrix_shows_who_lacks_what_and_what_became_of_the_gold(make_run, make_call) -> None:
    x, y, z = make_call("ehr.x", 1, CSV), make_call("ehr.y", 2, "y"), make_call("ehr.z", 3, "z")
    runs = [
        make_run([x, y], answer=("Lactate",), gold=("Lactate",)),
        make_run([x, z, y._replace(text="Y")], answer=()),
        make_run([y, x], answer=("lactate",)),
    ]
    compared = matrix(runs)
    shown = [
        [f"{cell.anchor}{cell.kind[:1] if cell.kind != 'same' else ''}" if cell else "" for cell in row.cells]
        for row in compared.rows
    ]
    assert [row.tool for row in compared.rows] == ["ehr.x", "ehr.z", "ehr.y"]
    assert shown[1] == ["", "s1.c2", ""]
    assert shown[2][1] == "s2.c1c"
    assert sorted((shown[0][2], shown[2][2])) in (["s1.c1", "s1.c2m"], ["s1.c1m", "s1.c2"])
    assert [[run.answered for run in line.runs] for line in compared.gold] == [[True, False, True]]
    assert not compared.equal
    assert matrix(runs[:1] * 3).equal
    text = "\n".join(matrix_lines(compared))
    assert "s2.c1 !" in text
    assert "✗ SEEN_IGNORED" in text
