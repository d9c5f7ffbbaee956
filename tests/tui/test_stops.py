"""`replay --break`, `--find` and `--probe`: lists with anchors, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clinseek_replay.cursor import KINDS
from clinseek_tui import cli

GOLDEN = Path(__file__).parents[1] / "golden" / "journal-1.jsonl"


def said(content: str = "", *calls: tuple[str, dict, str]) -> list[dict]:
    """An assistant's message and the results of its calls."""
    asked = [
        {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for n, (name, arguments, _) in enumerate(calls)
    ]
    results = [
        {"role": "tool", "tool_call_id": f"c{n}", "content": text} for n, (*_, text) in enumerate(calls)
    ]
    return [{"role": "assistant", "content": content, "tool_calls": asked}, *results]


@pytest.fixture
def clinseek(capsys):
    def run(*argv) -> tuple[int, str, str]:
        try:
            code = cli.main([str(word) for word in argv])
        except SystemExit as left:
            code = left.code
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def runs(tmp_path) -> Path:
    """Two runs: the first fails and then sees the gold, the second makes no call."""
    path = tmp_path / "results.jsonl"
    first = [
        *said("", ("ehr.run_sql_query", {"sql_query": "SELECT x FROM labs"}, "Error: no such table: labs")),
        *said("", ("ehr.get_latest_records", {"table_name": "labevents"}, "Lactate 2.1 mmol/L")),
    ]
    records = [
        {"qid": "q1", "run_index": 1, "messages": first, "status": "incomplete", "label": ["Lactate"]},
        {"qid": "q2", "run_index": 1, "messages": said("I give up on lactate"), "status": "incomplete"},
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_stops_of_all_runs_are_listed_with_their_anchors(clinseek, runs):
    code, out, error = clinseek("replay", runs, "--break", "error", "--break", "gold:first", "--plain")
    assert code == 0
    assert [line.split()[:4] for line in out.splitlines()] == [
        ["1", "q1", "s1.c1", "error"],
        ["1", "q1", "s2.c1.t:0-7", "gold:first"],
    ]
    assert "no such table" in out
    assert "q2" in error
    assert "gold:first: not verified: there is no gold" in error


def test_stops_as_json_are_a_line_each(clinseek, runs):
    code, out, _ = clinseek("replay", runs, "--run", "q1", "--break", "tool:ehr.*", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(line["run"], line["qid"], line["anchor"]) for line in lines] == [
        (1, "q1", "s1.c1"),
        (1, "q1", "s2.c1"),
    ]
    assert lines[0]["reasons"][0]["breakpoint"] == "tool:ehr.*"
    _, out, _ = clinseek("replay", runs, "--run", "q2", "--break", "gold", "--json")
    assert json.loads(out)["not_verified"]["reason"].startswith("there is no gold")


def test_a_text_is_found_in_all_runs(clinseek, runs):
    code, out, _ = clinseek("replay", runs, "--find", "lactate")
    assert code == 0
    assert [line.split()[:4] for line in out.splitlines()] == [
        ["1", "q1", "s2.c1.t:0-7", "result"],
        ["2", "q2", "s1.t:13-20", "text"],
    ]
    _, out, _ = clinseek("replay", runs, "--find", r"/lact\w+ \d/", "--json")
    assert [json.loads(line)["anchor"] for line in out.splitlines()] == ["s2.c1"]


def test_a_probe_is_a_column_over_all_runs(clinseek, runs):
    code, out, _ = clinseek("replay", runs, "--probe", "$.arguments.table_name")
    assert (code, out.split()) == (0, ["1", "q1", "s2.c1", "labevents"])
    _, out, _ = clinseek("replay", runs, "--probe", r"/\d\.\d/", "--json")
    assert json.loads(out)["values"] == ["2.1"]


def test_one_run_alone_needs_no_name(clinseek):
    code, out, _ = clinseek("replay", GOLDEN, "--break", "tool:ehr.finish")
    assert (code, out.startswith("s5.c1 ")) == (0, True)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--break", "empty"], "no stop"),
        (["--find", "nowhere at all"], "nothing found"),
        (["--probe", "$.nowhere"], "no value"),
    ],
    ids=["break", "find", "probe"],
)
def test_nothing_is_told_as_nothing(clinseek, runs, argv, told):
    code, out, error = clinseek("replay", runs, *argv)
    assert (code, out, error.splitlines()[-1]) == (0, "", told)


@pytest.mark.parametrize(
    "argv",
    [
        ["--break", "nonsense"],
        ["--break", "sql:/(/"],
        ["--find", "/(/"],
        ["--probe", "x"],
        ["--follow", "--find", "x"],
    ],
    ids=" ".join,
)
def test_what_can_not_be_looked_for_is_one_line_and_2(clinseek, runs, argv):
    code, out, error = clinseek("replay", runs, *argv)
    assert (code, out) == (2, "")
    assert error.splitlines()[-1].startswith("clinseek-tui: ")


def test_help_names_every_breakpoint(clinseek) -> None:
    code, out, _ = clinseek("replay", "--help")
    assert code == 0
    told = out.replace("\n", " ").replace(" ", "")
    assert ",".join(kind.form for kind in KINDS).replace(" ", "") in told
