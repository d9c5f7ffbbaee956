"""Recorded calls run again: on unchanged data, on data with one changed cell, under a stricter policy."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clinseek_core.agent.results import capped
from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.journal import Table
from clinseek_core.journal.events import Origin, OriginRow
from clinseek_core.tools import ToolResult, ToolSpec
from clinseek_core.tools.rowtext import as_text
from clinseek_fixtures import world_path
from clinseek_replay.recordings import open_recordings
from clinseek_replay.reexec import Reexecution, drifts, reexecute, reexecution_lines
from clinseek_replay.tables import tables_of_text
from clinseek_replay.trajectory import Call, Result, Step, Trajectory

PATIENT, CUTOFF = 90000001, datetime(2150, 3, 2, 17, 20)


@pytest.mark.parametrize("basis", ["available", "upstream"])
def test_on_unchanged_data_every_call_gives_the_same_bytes(seeker_run, again, basis):
    found = again(seeker_run(basis))
    assert found.snapshot == "same"
    assert found.verdict == "same"
    assert not found.drift
    assert set(found.counts) == {"same", "not_ehr"}
    assert found.counts["same"] > 30
    assert {call.tool for call in found.calls if call.verdict == "not_ehr"} == {"ehr.think", "ehr.finish"}


def change_cell(root: Path, file: str, row: int, column: str, value: str) -> str:
    """Write another value into a cell of a tree; gives the old one."""
    path = root / f"{file}.csv.gz"
    with gzip.open(path, "rt", newline="") as opened:
        rows = list(csv.DictReader(opened))
    old, rows[row][column] = rows[row][column], value
    with gzip.open(path, "wt", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return old


def first_row(root: Path, file: str, **cells: str) -> int:
    with gzip.open(root / f"{file}.csv.gz", "rt", newline="") as opened:
        rows = enumerate(csv.DictReader(opened))
        return next(at for at, row in rows if all(row[name] == value for name, value in cells.items()))


@pytest.fixture
def world_copy(tmp_path: Path) -> Path:
    root = tmp_path / "world"
    shutil.copytree(world_path(), root, ignore=shutil.ignore_patterns("*.dcm", "*.png"))
    return root


def test_one_changed_cell_drifts_exactly_the_calls_that_read_it(seeker_run, again, world_copy):
    journal = seeker_run("available")
    lactate = first_row(world_copy, "hosp/labevents", subject_id=f"{PATIENT}", itemid="50813")
    old = change_cell(world_copy, "hosp/labevents", lactate, "valuenum", "7.7")
    found = again(journal, world_copy)
    assert found.snapshot == "changed"

    # What the tools say now, told by another way than the one under test: their text.
    run = open_recordings([journal]).run(0)
    with EhrSession(world_copy, PATIENT, CUTOFF, Policy()) as session:
        other = {
            call.anchor
            for step in run.steps
            for call in step.calls
            if call.result and session.call(call.name, call.arguments or {}).text != call.result.text
        }
    assert other
    assert {call.anchor for call in found.calls if drifts(call.verdict)} == other
    assert {call.verdict for call in found.calls if call.anchor in other} == {"values"}
    cells = [cell for call in found.calls for change in call.changes for cell in change.cells]
    assert any((cell.before, cell.after) == (f"{float(old):g}", "7.7") for cell in cells)
    assert all(cell.before == f"{float(old):g}" for cell in cells)


def test_a_row_that_went_and_one_that_came_are_told_apart(seeker_run, again, world_copy):
    journal = seeker_run("available")
    vital = first_row(world_copy, "ed/vitalsign", charttime="2150-03-02 16:20:00")
    change_cell(world_copy, "ed/vitalsign", vital, "charttime", "2150-03-02 16:21:00")
    call = next(c for c in again(journal, world_copy).calls if c.tool == "ehr.get_records_by_time")
    # The key of a vital sign is its time: another time is another row.
    assert call.verdict == "rows±"
    assert [(change.kind, change.table) for change in call.changes] == [
        ("lost", "vitalsign"),
        ("gained", "vitalsign"),
    ]
    assert ("charttime", "2150-03-02 16:20:00", None) in [
        msgspec.structs.astuple(cell) for cell in call.changes[0].cells
    ]


def test_a_run_under_the_leaky_policy_shows_by_name_what_it_should_not_have_had(seeker_run, again):
    found = again(seeker_run("upstream"), basis="available")
    assert found.snapshot == "other policy"
    assert found.drift
    vanished = {
        (change.table, cell.column, cell.before)
        for call in found.calls
        for change in call.changes
        for cell in change.vanished
    }
    assert ("edstays", "disposition", "ADMITTED") in vanished
    assert ("edstays", "outtime", "2150-03-02 20:31:17") in vanished
    assert ("transfers", "outtime", "2150-03-02 20:31:17") in vanished
    lost = [(call, change) for call in found.calls for change in call.changes if change.kind == "lost"]
    cultures = [c for _, c in lost if c.table == "microbiologyevents"]
    assert {cell.before for c in cultures for cell in c.cells if cell.column == "org_name"} == {
        "ESCHERICHIA COLI"
    }
    lines = "\n".join(reexecution_lines(found))
    assert "disposition ADMITTED → (missing)" in lines
    for call, change in lost:
        assert f"- {call.anchor}.r{change.row} {change.table}: " in lines


def test_rows_that_named_the_answer_say_so(seeker_run, again):
    run = open_recordings([seeker_run("upstream")]).run(0)
    run = msgspec.structs.replace(run, answer=("Escherichia coli", "Acetaminophen"))
    found = again(run, basis="available")
    assert found.vanished_support == ("Escherichia coli",)
    named = {name for call in found.calls for change in call.changes for name in change.names}
    assert "Escherichia coli" in named


def test_the_other_way_round_rows_come(seeker_run, again):
    found = again(seeker_run("available"), basis="upstream")
    assert any(call.verdict in ("rows+", "rows±") for call in found.calls)


class Tools:
    """A toolbox that answers one call with what it is told to, and pages with the rest of its rows."""

    specs = (ToolSpec(name="ehr.get_latest_records", description="", parameters={}),)

    def __init__(self, *results: ToolResult) -> None:
        self.results = list(results)
        self.asked: list[dict[str, Any]] = []

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        self.asked.append(arguments)
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


def table(rows: list[list[Any]], columns: tuple[str, ...] = ("a", "b"), total: int = 0) -> Any:
    return Table(columns=columns, rows=tuple(map(tuple, rows)), total=total or len(rows), source="t")


def told(rows: list[list[Any]], status: str = "ok", **more: Any) -> dict[str, Any]:
    found = table(rows, **more)
    return {"status": status, "text": repr((found.columns, found.rows, found.total)), "table": found}


def graded(then: dict[str, Any], *now: dict[str, Any], **fields: Any) -> Any:
    """The graded call of a run of ours that has one, answered now as told."""
    result = Result(**({"full_characters": len(then["text"])} | then))
    call = Call(anchor="s1.c1", id="1", name="ehr.get_latest_records", arguments={}, result=result)
    run = Trajectory(
        run_id="r",
        source="x",
        format="f",
        steps=(Step(number=1, calls=(call,)),),
        **({"engine_version": "1", "policy": Policy()} | fields),
    )
    found = reexecute(run, Tools(*(ToolResult(**one) for one in now)), 1, CUTOFF, Policy())
    return found.calls[0]


LADDER = {
    "same": (told([[1, "x"]]), told([[1, "x"]])),
    "formatting": (told([[1, "x"]]), told([[1.0, "x"]])),
    "reordered": (told([[1, "x"], [2, "y"]]), told([[2, "y"], [1, "x"]])),
    "values": (told([[1, "x"], [2, "y"]]), told([[1, "x"], [2, "z"]])),
    "rows+": (told([[1, "x"]]), told([[1, "x"], [1, "x"]])),
    "rows-": (told([[1, "x"], [1, "x"]]), told([[1, "x"]])),
    "rows±": (told([[1, "x"], [3, "v"]]), told([[1, "x"], [2, "y"]])),
    "error": (told([[1, "x"]]), {"status": "refused", "text": "Error: another patient"}),
    "limited": (told([[1, "x"]]), {"status": "limited", "text": "Error: stopped"}),
}


@pytest.mark.parametrize("verdict", LADDER)
def test_the_ladder(verdict):
    then, now = LADDER[verdict]
    assert graded(then, now).verdict == verdict
    assert (
        graded(then, now).verdict != graded(then, told([[9, "nothing alike"]] * 4)).verdict
        or verdict == "rows±"
    )


def test_a_text_of_white_space_or_a_missing_cell_is_another_value():
    assert graded(told([[1, "x"]]), told([[1, None]])).changes[0].vanished[0].column == "b"
    assert graded(told([[1, "None"]]), told([[1, None]])).verdict == "values"


def test_an_error_for_an_answer_lists_the_rows_that_are_gone():
    call = graded(told([[1, "x"]]), {"status": "error", "text": "Error: no such table\nmore"})
    assert [(c.kind, c.row) for c in call.changes] == [("lost", 1)]
    assert "no such table" in call.note
    failed = {"status": "error", "text": "Error: one"}
    assert graded(failed, {"status": "error", "text": "Error: other words"}).verdict == "formatting"
    assert graded(failed, told([[1, "x"]])).verdict == "error"


def test_rows_that_only_moved_to_another_page_are_not_gone():
    page = told([[3, "c"], [2, "b"]], total=4)
    # A newer row came, so that the page now ends one row earlier.
    now = told([[4, "d"], [3, "c"]], total=5)
    rest = told([[4, "d"], [3, "c"], [2, "b"], [1, "a"], [0, "z"]], total=5)
    call = graded(page, now, rest)
    assert (call.verdict, call.changes) == ("rows+", ())
    assert "of 4 rows" in call.note


def test_rows_gone_from_other_pages_are_told_by_the_total():
    call = graded(told([[3, "c"]], total=9), told([[3, "c"]], total=7))
    assert call.verdict == "rows-"


def test_a_result_that_was_cut_is_compared_as_far_as_it_was_kept():
    columns, rows = ("stay", "value"), [[n, f"value {n}"] for n in range(100)]
    whole = "100 rows:\n" + as_text(columns, rows)
    kept = capped(whole, 500)
    assert "[Cut here" in kept
    then = {"status": "ok", "text": kept, "full_characters": len(whole)}
    now = {**told(rows, columns=columns), "text": whole}
    # Another engine told the same rows in other words: not the same bytes.
    other_words = {**now, "text": whole.replace("100 rows", "all 100 rows")}
    fields = {"max_result_characters": 500}
    assert graded(then, now, **fields).verdict == "same"
    assert graded(then, other_words, **fields).verdict == "formatting"
    gone = {**now, "text": "fewer", "table": table(rows[:3] + rows[4:], columns)}
    call = graded(then, gone, **fields)
    assert (call.verdict, [change.row for change in call.changes]) == ("rows-", [4])


def test_counters_that_number_the_rows_anew_are_no_change():
    then, now = told([[1, 5]], columns=("labevent_id", "n")), told([[2, 5]], columns=("labevent_id", "n"))
    assert graded(then, now).verdict == "formatting"


TEXT = Result(status="ok", text="A page.", full_characters=7)


def test_rows_are_known_by_keys_that_the_counters_are_no_part_of():
    def lab(counter: int, value: float) -> dict[str, Any]:
        row = (counter, 7, 50813, value)
        origin = Origin(
            table="labevents", key=("labevent_id", "specimen_id", "itemid"), rows=(OriginRow(row[:3]),)
        )
        columns = ("labevent_id", "specimen_id", "itemid", "valuenum")
        found = Table(columns=columns, rows=(row,), total=1, source="labevents", origins=(origin,))
        other = Table(columns=("valuenum",), rows=((value,),), total=1, source="labevents", origins=(origin,))
        return {"status": "ok", "text": repr(other), "table": other if counter else found}

    then, now = lab(3, 2.9), lab(4, 7.7)
    call = graded(then, now)
    assert (call.verdict, [change.kind for change in call.changes]) == ("values", ["changed"])


def test_what_we_add_to_the_record_is_not_compared_between_policies():
    then = told([["x", "0001-01-01 00:00:00"]], columns=("a", "known_at"))
    now = told([["x", "2150-03-02 13:57:00"]], columns=("a", "known_at"))
    assert graded(then, now, policy=Policy(basis="upstream")).verdict == "formatting"
    assert graded(then, now, policy=Policy()).verdict == "values"


def test_a_text_that_may_be_divided_in_more_ways_is_compared_by_the_words_of_its_rows():
    # The first column's name holds a space, as an expression's may: the text could be of three columns.
    columns = ("n rows", "ward")
    then = {"status": "ok", "text": padded(list(columns), [[3, "A 1"], [2, "B 2"]])}
    foreign = {"engine_version": "", "policy": None}
    assert tables_of_text(then["text"])[0].columns != columns
    assert graded(then, told([[3, "A 1"], [2, "B 2"]], columns=columns), **foreign).verdict == "formatting"
    assert graded(then, told([[2, "B 2"], [3, "A 1"]], columns=columns), **foreign).verdict == "reordered"
    other = graded(then, told([[3, "A 1"], [2, "B 3"]], columns=columns), **foreign)
    assert other.verdict not in ("formatting", "reordered")


def test_a_failed_or_empty_result_supports_nothing_though_it_repeats_what_was_asked():
    echo = "0 rows with Aspirin"
    then = told([["Aspirin", 1]])
    step = Step(
        number=1,
        calls=(
            Call(
                anchor="s1.c1",
                id="1",
                name="ehr.get_latest_records",
                arguments={},
                result=Result(**then, full_characters=9),
            ),
        ),
    )
    run = Trajectory(
        run_id="r", source="x", format="f", engine_version="1", steps=(step,), answer=("Aspirin",)
    )
    found = reexecute(run, Tools(ToolResult(status="empty", text=echo)), 1, CUTOFF, Policy())
    assert found.vanished_support == ("Aspirin",)
    lookup = msgspec.structs.replace(step.calls[0], name="ehr.get_candidates_by_keyword")
    run = msgspec.structs.replace(run, steps=(msgspec.structs.replace(step, calls=(lookup,)),))
    assert (
        reexecute(run, Lookup(ToolResult(status="empty", text=echo)), 1, CUTOFF, Policy()).vanished_support
        == ()
    )


class Lookup(Tools):
    specs = (ToolSpec(name="ehr.get_candidates_by_keyword", description="", parameters={}),)


def test_what_is_not_run():
    calls = (
        Call(anchor="s1.c1", id="1", name="browser.search", arguments={}),
        Call(anchor="s1.c2", id="2", name="ehr.finish", arguments={"response": []}),
        Call(anchor="s1.c3", id="3", name="ehr.get_latest_records", arguments={}),
        Call(anchor="s1.c4", id="4", name="ehr.retrieve_pubmed", arguments={}, result=TEXT),
        Call(anchor="s1.c5", id="5", name="image.chest_xray_classifier", arguments={}, result=TEXT),
    )
    run = Trajectory(run_id="r", source="x", format="f", steps=(Step(number=1, calls=calls),))
    tools = Tools(ToolResult(status="ok", text=""))
    found = reexecute(run, tools, 1, CUTOFF, Policy())
    assert [call.verdict for call in found.calls] == ["not_ehr", "not_ehr", "unrecorded", *["not_ehr"] * 2]
    assert tools.asked == []
    assert (found.verdict, found.drift) == ("same", False)


def padded(columns: list[str], rows: list[list[Any]]) -> str:
    """Rows as the reference prints them: right-aligned, `nan` for nothing, floats where there is a gap."""
    texts = []
    for at, name in enumerate(columns):
        column = [row[at] for row in rows]
        gap = any(cell is None for cell in column)
        numbers = [
            f"{float(c)}" if gap and isinstance(c, int) else "nan" if c is None else f"{c}" for c in column
        ]
        width = max(map(len, [name, *numbers]))
        texts.append([cell.rjust(width) for cell in [name, *numbers]])
    return "\n".join(" ".join(line) for line in zip(*texts, strict=True))


SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda name: name.replace("ehr.", "ehr_"),
    lambda name: name.removeprefix("ehr."),
    lambda name: name,
)


@pytest.fixture(scope="session")
def reference_style(seeker_run, tmp_path_factory):
    """The seeker's own calls as the reference would have recorded them: padded text of the same rows."""
    run = open_recordings([seeker_run("available")]).run(0)
    messages: list[dict[str, Any]] = [{"role": "user", "content": "What next?"}]
    for step in run.steps:
        for call in step.calls:
            table = call.result.table if call.result else None
            if table is None or not (call.name.startswith("ehr.get_records") or call.sql):
                continue
            kept = [at for at, name in enumerate(table.columns) if name not in ("subject_id", "known_at")]
            columns = [table.columns[at] for at in kept]
            rows = [[row[at] for at in kept] for row in table.rows]
            text = padded(columns, rows) if rows else "Query executed successfully but returned no results."
            name = SPELLINGS[len(messages) % len(SPELLINGS)](call.name)
            asked = {
                "id": "1",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(call.arguments)},
            }
            messages += [
                {"role": "assistant", "content": "", "tool_calls": [asked]},
                {"role": "tool", "tool_call_id": "1", "content": text},
            ]
    record = {
        "qid": "q",
        "status": "success",
        "stop_reason": "finish_tool_call",
        "subject_id": PATIENT,
        "prediction_time": "2150-03-02 17:20:00",
        "messages": messages,
    }
    path = tmp_path_factory.mktemp("reference") / "results.jsonl"
    path.write_text(json.dumps(record) + "\n")
    return path


def test_a_recording_of_the_reference_with_the_same_rows_does_not_drift(reference_style, again):
    found: Reexecution = again(reference_style)
    assert found.snapshot == "not recorded"
    assert len(found.calls) > 12
    assert [line for line in reexecution_lines(found) if " values " in line or " rows" in line[:21]] == []
    assert set(found.counts) <= {"formatting", "reordered"}
    assert not found.drift


def test_and_one_other_value_in_its_text_does(reference_style, again, tmp_path):
    text = reference_style.read_text()
    assert "Sinus Tachycardia" in text
    changed = tmp_path / "results.jsonl"
    changed.write_text(text.replace("102.0", "117.0", 1))
    found = again(changed)
    drifted = [call for call in found.calls if drifts(call.verdict)]
    assert [call.verdict for call in drifted] == ["values"]
    assert [cell.before for change in drifted[0].changes for cell in change.cells] == ["117"]
