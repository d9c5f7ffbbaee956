"""`why` and `score` from the command line, on a run of the seeker and on records of the reference."""

import json

import pytest

from clinseek_fixtures import world_store_path
from clinseek_tui import cli


@pytest.fixture
def clinseek(capsys):
    """Runs a command line in this process: its exit code, stdout and stderr."""

    def run(*argv):
        try:
            code = cli.main([str(word) for word in argv])
        except SystemExit as left:
            code = left.code
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "traj.jsonl"
    assert cli.main(["run", "--headless", "--out", str(path)]) == 0
    return path


def record(qid, answer, label, run=1, **more):
    finish = {
        "id": "c",
        "type": "function",
        "function": {"name": "ehr.finish", "arguments": json.dumps({"response": answer})},
    }
    messages = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": "", "tool_calls": [finish]},
    ]
    return {
        "qid": qid,
        "run_index": run,
        "session_id": f"{qid}__run_{run}",
        "messages": messages,
        "status": "success",
        "stop_reason": "finish_tool_call",
        "label": label,
        "task": "labevents",
        **more,
    }


def write(path, *records):
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    return path


def test_why_without_an_item_tells_where_the_f1_went(clinseek, journal):
    code, out, _ = clinseek("why", journal)
    assert code == 0
    assert "Where the F1 went" in out
    assert "CITED             Piperacillin-Tazobactam" in out
    assert "s8.c3.r1 medication" in out


def test_why_of_an_item_goes_back_to_the_row_of_the_record(clinseek, journal):
    code, out, _ = clinseek("why", journal, "zosyn")
    assert code == 0
    assert "FROM pharmacy p" in out
    assert (
        "from pharmacy where pharmacy_id=97001407; happened 2150-03-02 18:00:00; known 2150-03-02 17:09:40"
        in out
    )


def test_why_as_json_is_one_line_with_the_same(clinseek, journal):
    code, out, _ = clinseek("why", journal, "zosyn", "--json", "--ehr", world_store_path())
    found = json.loads(out)
    assert (code, out.count("\n"), found["state"]["state"]) == (0, 1, "CITED")
    assert [link["kind"] for link in found["links"]][:2] == ["finish", "wrote"]
    report = json.loads(clinseek("why", journal, "--json")[1])
    assert sum(bar["before"] - bar["after"] for bar in report["waterfall"]["bars"]) == pytest.approx(0)


def test_why_asks_which_run_is_meant(clinseek, tmp_path):
    path = write(tmp_path / "r.jsonl", record("q1", ["a"], ["a"]), record("q2", ["x"], ["aspirin"]))
    code, _, err = clinseek("why", path)
    assert code == 2
    assert "--run" in err
    assert clinseek("why", path, "--run", "q2")[0] == 0
    code, _, err = clinseek("why", path, "asprin", "--run", "2")
    assert code == 2
    assert "did you mean 'aspirin'?" in err


def test_score_tells_both_rules_and_what_the_means_are_of(clinseek, tmp_path):
    path = write(
        tmp_path / "r.jsonl",
        record("q1", ["Heparin."], ["heparin"]),
        record("q1", ["heparin"], ["heparin"], run=2),
        record("q2", ["x"], ["a"]),
        record("medmod_x_1", ["yes"], [{"name": "yes"}], task="medmod_decompensation"),
    )
    gold = write(
        tmp_path / "gold.jsonl",
        *(
            {
                "qid": qid,
                "subject_id": 1,
                "prediction_time": "2150-03-03 06:00:00",
                "question": "?",
                "label": label,
            }
            for qid, label in (("q1", ["heparin"]), ("q2", ["a"]), ("q3", ["b"]))
        ),
    )
    code, out, _ = clinseek("score", path, "--gold", gold)
    assert code == 0
    assert "1 need a judge" in out
    assert "1 question of the gold file without a run: q3" in out
    assert "1 question not in the gold file: medmod_x_1" in out
    assert "1 question with several runs, each with their mean: q1 (2)" in out
    summary = json.loads(clinseek("score", path, "--json")[1])
    means = {task["name"]: (task["f1"]["mean"], task["f1_upstream"]) for task in summary["tasks"]}
    assert means["labevents"][0] == pytest.approx(0.5)
    assert means["labevents"][1]["mean"] == pytest.approx(0.25)
    assert means["medmod_decompensation"] == (1.0, None)


def test_score_of_two_paths_pairs_them_by_question(clinseek, tmp_path):
    first = write(tmp_path / "a.jsonl", *(record(f"q{n}", ["x"], ["a"]) for n in range(4)))
    second = write(
        tmp_path / "b.jsonl", *(record(f"q{n}", ["a"] if n != 1 else ["x"], ["a"]) for n in range(1, 5))
    )
    code, out, _ = clinseek("score", first, second)
    assert code == 0
    assert "F1: +0.667 (-0.768 to +2.101) on 3 questions of both" in out
    assert "better on 2, same on 1, worse on 0" in out
    assert "left out: 1 only in the first, 1 only in the second" in out
    compared = json.loads(clinseek("score", first, second, "--json")[1])["compared"]
    assert compared["f1"]["difference"]["n"] == 3
    together = json.loads(clinseek("score", first, second, "--together", "--json")[1])
    assert together["denominators"]["questions"] == 5


@pytest.mark.parametrize("command", ["why", "score"])
def test_a_file_that_is_no_recording_is_told_in_one_line(clinseek, tmp_path, command):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\x00\xff not one")
    code, out, err = clinseek(command, path)
    assert (code, out, err.count("\n")) == (2, "", 1)
