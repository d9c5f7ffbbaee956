"""`clinseek-tui diff`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clinseek_tui import cli

GOLDEN = Path(__file__).parents[1] / "golden" / "journal-1.jsonl"


@pytest.fixture
def clinseek(capsys):
    def run(*argv) -> tuple[int, str, str]:
        try:
            code = cli.main([str(word) for word in argv])
        except SystemExit as left:
            code = left.code
        return code, *capsys.readouterr()

    return run


def record(qid: str, *texts: str, label: list[str] | None = None) -> dict:
    """A run that reads these texts, one a step."""
    messages = []
    for n, text in enumerate(texts):
        function = {"name": "ehr.get_latest_records", "arguments": json.dumps({"table_name": f"t{n}"})}
        messages += [
            {"role": "assistant", "content": "", "tool_calls": [{"id": f"c{n}", "function": function}]},
            {"role": "tool", "tool_call_id": f"c{n}", "content": text},
        ]
    return {"qid": qid, "run_index": 1, "messages": messages, "status": "incomplete", "label": label}


@pytest.fixture
def write(tmp_path):
    def write(name: str, *records: dict) -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(one) + "\n" for one in records))
        return path

    return write


def test_the_same_run_twice_is_equal_and_0(clinseek):
    code, out, _ = clinseek("diff", GOLDEN, GOLDEN)
    assert code == 0
    assert "first     the same calls with the same results in the same order" in out
    code, out, _ = clinseek("diff", GOLDEN, GOLDEN, "--json")
    assert (code, json.loads(out)["edits"], json.loads(out)["first"]) == (0, [], None)


def test_two_files_are_aligned_and_differences_are_1(clinseek, write):
    a = write("a.jsonl", record("q", "x", "y", label=["Lactate"]))
    b = write("b.jsonl", record("q", "x", "Lactate 2.1", "z"))
    code, out, _ = clinseek("diff", a, b)
    assert code == 1
    assert "calls     1 same, 1 other result, 1 only in b" in out
    assert "! s2.c1     s2.c1     other result" in out
    assert "+ ·         s3.c1     only in b" in out
    assert "Lactate was seen by one alone, at ·".replace("·", "s2.c1") in out
    code, out, _ = clinseek("diff", a, b, "--json")
    told = json.loads(out)
    assert code == 1
    assert [edit["change"] for edit in told["edits"]] == ["changed_result", "extra"]
    assert told["first_evidence"]["a"] == "s2.c1"
    assert told["gold"][0]["runs"][1]["first_seen"] == "s2.c1"


def test_runs_are_chosen_by_qid_and_by_number(clinseek, write):
    path = write("r.jsonl", record("q1", "x"), record("q2", "y"), record("q1", "x"))
    assert clinseek("diff", path, "--run-a", "1", "--run-b", "3")[0] == 0
    code, _, error = clinseek("diff", path, path, "--run-a", "q1", "--run-b", "q2")
    assert (code, "different cases (q1, q2)" in error) == (1, True)
    assert clinseek("diff", path, path, "--run", "q2")[0] == 0
    two = write("two.jsonl", record("q1", "x"), record("q1", "x"))
    assert clinseek("diff", two)[0] == 0


def test_all_runs_of_a_case_are_a_matrix(clinseek, write):
    path = write(
        "r.jsonl", record("q1", "x", "y"), record("q2", "y"), record("q1", "x"), record("q1", "x", "Y")
    )
    code, out, _ = clinseek("diff", path, "--qid", "q1")
    assert code == 1
    assert "  1 call the same in all" in out
    assert out.splitlines()[-1].split() == ["ehr.get_latest_records", "s2.c1", "·", "s2.c1", "!"]
    code, out, _ = clinseek("diff", path, path, "--qid", "q2", "--json")
    assert (code, json.loads(out)["equal"]) == (0, True)
    code, out, _ = clinseek("diff", GOLDEN, GOLDEN, GOLDEN)
    assert (code, "all" in out.splitlines()[-1] or "gold" in out) == (0, True)


def test_gold_can_be_given(clinseek, write):
    a, b = write("a.jsonl", record("q", "x")), write("b.jsonl", record("q", "Lactate"))
    case = {"qid": "q", "subject_id": 1, "prediction_time": "2150-01-01 00:00:00", "question": "?"}
    cases = write("cases.jsonl", case | {"gold": ["Lactate"]})
    assert "Lactate" in clinseek("diff", a, b, "--gold", cases)[1].split("F1")[-1]


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["{many}"], "name two with --run-a and --run-b"),
        (["{many}", "{one}"], "say which with --run-a"),
        (["{one}", "{many}"], "say which with --run-b"),
        (["{one}", "{one}", "{many}"], "say which with --run"),
        (["{one}", "{one}", "{one}", "--run-a", "1"], "of one or two paths"),
        (["{many}", "--qid", "q9"], "no run has this qid"),
        (["{many}", "--qid", "q2"], "only one run has this qid"),
        (["{many}", "--qid", "q1", "--run", "1"], "leave --run"),
        (["{many}", "{many}", "--run", "q9"], "no such run"),
        (["{one}", "{gone}"], "No such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_can_not_be_compared_is_one_line_and_2(clinseek, write, tmp_path, argv, reason):
    many = write("many.jsonl", record("q1", "x"), record("q2", "y"), record("q1", "x"))
    one = write("one.jsonl", record("q1", "x"))
    code, out, error = clinseek(
        "diff", *(word.format(many=many, one=one, gone=tmp_path / "gone") for word in argv)
    )
    assert (code, out) == (2, "")
    assert reason in error.splitlines()[-1]
