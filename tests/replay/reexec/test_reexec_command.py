"""`clinseek-tui reexec` as its user meets it: exit codes, two streams, JSON, remedies."""

from __future__ import annotations

import json

import pytest

from clinseek_tui.cli import main


def test_without_drift_it_exits_0_and_says_what_it_compared(seeker_run, capsys):
    assert main(["reexec", str(seeker_run("available"))]) == 0
    out, err = capsys.readouterr()
    assert "verdict   same" in out
    assert "the snapshot is the recorded one" in out
    assert "read as journal" in err
    assert "read as" not in out


def test_with_drift_it_exits_1_and_names_the_leaking_cells(seeker_run, capsys):
    assert main(["reexec", str(seeker_run("upstream")), "--basis", "available"]) == 1
    out = capsys.readouterr().out
    assert "recorded (upstream, exclusive) · run again (available, exclusive)" in out
    assert "disposition ADMITTED → (missing)" in out
    assert "vanished" in out
    assert "same " not in out.splitlines()[3][:20]


def test_all_lists_the_calls_that_did_not_change_too(seeker_run, capsys):
    main(["reexec", str(seeker_run("available")), "--all"])
    assert (
        sum(line.startswith("s") and " same " in line for line in capsys.readouterr().out.splitlines()) > 30
    )


def test_json_is_one_line_a_run(seeker_run, capsys):
    journal = str(seeker_run("upstream"))
    assert main(["reexec", journal, "--basis", "available", "--boundary", "inclusive", "--json"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert found["policy"]["boundary"] == "inclusive"
    assert found["counts"]["same"] == sum(call["verdict"] == "same" for call in found["calls"])
    assert any(change["kind"] == "lost" for call in found["calls"] for change in call["changes"])


RECORD = {
    "qid": "q",
    "status": "success",
    "subject_id": 90000001,
    "prediction_time": "2150-03-02 17:20:00",
    "messages": [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "ehr.load_ehr", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": "Loading Candidate Tables:"},
    ],
}


@pytest.mark.parametrize(
    ("change", "options", "remedy"),
    [
        ({}, [], "--ehr PATH"),
        ({"subject_id": None}, ["--ehr", "bundled"], "--subject ID"),
        ({"prediction_time": None}, ["--ehr", "bundled"], '--at "YYYY-MM-DD HH:MM:SS"'),
        ({"subject_id": 7}, ["--ehr", "bundled"], "7"),
        ({}, ["--ehr", "nowhere/at/all"], "nowhere/at/all"),
        ({}, ["--ehr", "bundled", "--run", "other"], "no such run"),
    ],
    ids=["no data named", "no patient", "no cutoff", "another patient", "no such data", "no such run"],
)
def test_what_can_not_be_run_exits_2_and_names_the_remedy(write_runs, capsys, change, options, remedy):
    assert main(["reexec", str(write_runs(RECORD | change)), *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert remedy in err
    assert "Traceback" not in err


def test_of_several_runs_one_that_can_not_be_run_does_not_cost_the_others(write_runs, capsys):
    call = RECORD["messages"][0]["tool_calls"][0]
    asked = {**call, "function": {"name": "run_sql_query", "arguments": '{"sql_query": "SELECT 1 AS one"}'}}
    messages = [{"role": "assistant", "content": "", "tool_calls": [asked]}]
    fine = RECORD | {"messages": [*messages, {"role": "tool", "tool_call_id": "1", "content": " one\n   1"}]}
    other = RECORD | {"messages": [*messages, {"role": "tool", "tool_call_id": "1", "content": " one\n   2"}]}
    path = str(write_runs(RECORD | {"subject_id": 7}, fine))
    assert main(["reexec", path, "--ehr", "bundled"]) == 2
    out, err = capsys.readouterr()
    assert "1 formatting" in out
    assert "not run again" in err
    assert main(["reexec", str(write_runs(fine, other, name="two.jsonl")), "--ehr", "bundled"]) == 1
    assert main(["reexec", path, "--ehr", "bundled", "--run", "2"]) == 0


def test_patient_and_cutoff_may_be_named(write_runs, capsys):
    path = str(write_runs(RECORD | {"subject_id": None, "prediction_time": None}))
    options = ["--ehr", "bundled", "--subject", "90000001", "--at", "2150-03-02 17:20:00"]
    # The recorded call names neither patient nor time: ours refuses what theirs answered.
    assert main(["reexec", path, *options]) == 1
    assert "error" in capsys.readouterr().out
