"""SQL on a snapshot from the command line: the guard, layouts, scripts, and the way in."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.ehr.session import EhrSession
from clinseek_core.errors import InputError
from clinseek_core.journal.events import Table
from clinseek_core.tools.spec import ToolResult, ToolSpec
from clinseek_fixtures import bundled_cases, world_path, world_store_path
from clinseek_tui import cli
from clinseek_tui.sqlshell import DOT_COMMANDS, LAYOUTS, Shell
from clinseek_tui.typed_lines import matching

HOSTILE = "\x1b[31mred\x1b]52;c;aGk=\x07\u202e[bold]"


@pytest.fixture
def sql(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs the command, with a script on its standard input: exit code, stdout and stderr."""

    def run(*argv: object, script: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(script))
        try:
            code = cli.main(["sql", *map(str, argv)])
        except SystemExit as left:
            code = int(left.code or 0)
        return code, *capsys.readouterr()

    return run


class Toolbox:
    """Answers every call with the same rows, as a database with hostile cells would."""

    specs: tuple[ToolSpec, ...] = ()

    def __init__(self, table: Table, text: str = "1 row:\n…") -> None:
        self.table, self.text = table, text

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        return ToolResult(status="ok", text=self.text, table=self.table)


@pytest.fixture(scope="module")
def record() -> Any:
    case = bundled_cases()[0]
    from clinseek_core.case import Policy

    with EhrSession(world_store_path(), case.subject_id, case.prediction_time, Policy()) as session:
        yield session


@pytest.fixture
def shell(record: EhrSession) -> Shell:
    return Shell(record, ("patient",), "csv", 1000, 80)


def lines(shell: Shell, text: str) -> list[str]:
    return [told.text for told in shell.carry_out(text) if not told.notice]


def test_a_query_is_answered_as_csv_in_a_pipe_and_nothing_is_written(
    sql: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, error = sql("-c", "SELECT gender, age FROM patients")
    assert (code, list(csv.reader(io.StringIO(out)))) == (0, [["gender", "age"], ["F", "58"]])
    assert error == "1 row\n"
    assert list(tmp_path.iterdir()) == []


def test_the_snapshot_ends_at_the_cutoff_and_the_policy_says_where(sql: Callable[..., Any]) -> None:
    query = ("-c", "SELECT count(*) FROM microbiologyevents WHERE storetime IS NOT NULL")
    strict, leaky = (int(sql(*query, "--basis", basis)[1].split()[1]) for basis in ("available", "upstream"))
    assert strict < leaky
    later = sql(*query, "--at", "2151-01-01")[1]
    assert int(later.split()[1]) >= leaky
    assert "2150-03-02 17:20:00" in sql("-c", "SELECT now()")[1].replace("T", " ")


def test_another_patient_and_another_case(sql: Callable[..., Any]) -> None:
    query = ("-c", "SELECT subject_id FROM patients")
    assert sql("--subject", "90000003", "--at", "2150-08-06", *query)[1].split()[1] == "90000003"
    cases = world_path() / "cases.jsonl"
    asked = ("--qid", "bundled_length_of_stay_90000003", "--ehr", world_store_path())
    assert sql(cases, *asked, *query)[1].split()[1] == "90000003"


def test_json_is_one_line_a_result(sql: Callable[..., Any]) -> None:
    queries = ("-c", "SELECT 1 AS a, NULL AS b", "-c", "SELECT * FROM range(5)", "-c", ".columns edstays")
    code, out, _ = sql(*queries, "--json", "--rows", "3")
    first, second, third = map(json.loads, out.splitlines())
    assert code == 0
    assert first == {"columns": ["a", "b"], "rows": [[1, None]], "more": False}
    assert (len(second["rows"]), second["more"]) == (3, True)
    assert third["columns"][0] == "column"


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("nosuch",), "no bundled case and no file of that name"),
        (("--subject", "4"), "--subject needs the time"),
        (("--subject", "4", "--at", "2150-01-01"), "no patient 4"),
        (("--ehr", "/nonexistent"), "--ehr needs a patient and a time"),
        (("--ehr", "/nonexistent", "--subject", "1", "--at", "2150-01-01"), "/nonexistent"),
        (("--at", "noon"), "is no time"),
        (("--rows", "0"), "is no number of rows"),
    ],
)
def test_what_can_t_be_done_is_2_and_one_line(
    sql: Callable[..., Any], argv: tuple[str, ...], told: str
) -> None:
    code, out, error = sql(*argv)
    assert (code, out) == (2, "")
    assert told in error
    assert "Traceback" not in error
    assert len(error.splitlines()) == 1 or "usage:" in error


def test_what_fails_is_told_line_by_line_and_nothing_outside_the_record_is_read(
    sql: Callable[..., Any],
) -> None:
    failing = {
        "DROP TABLE patients;": "only SELECT statements run here",
        "SELECT * FROM read_csv('/etc/passwd');": "",
        "SELECT nope;": "there is no column nope",
        ".columns nope": "nope",
        ".nope": "is no command; there are .tables",
        ".layout nope": "is no layout",
        ".rows 0": "is no number of rows",
        ".columns": "needs a table",
    }
    code, out, error = sql(script="\n".join([".more", *failing]))
    told = error.splitlines()
    assert (code, out) == (2, "")
    assert told[0] == "line 1: nothing was asked yet"
    for number, (line, wanted) in enumerate(zip(told[1:], failing.values(), strict=True), 2):
        assert line.startswith(f"line {number}: ")
        assert wanted in line


def test_a_script_goes_on_after_what_fails_and_a_statement_may_have_many_lines(
    sql: Callable[..., Any],
) -> None:
    script = "SELECT gender,\n\n  ';' AS sign -- ;\nFROM patients;\nSELECT no;\n\n.quit now\nSELECT 7 AS last"
    code, out, error = sql(script=script)
    assert code == 2
    assert out == "gender,sign\nF,;\nlast\n7\n"
    assert [line for line in error.splitlines() if line.startswith("line ")] == [
        "line 5: there is no column no; see ehr.get_column_names",
        "line 7: .quit takes nothing after it",
    ]
    assert sql(script="SELECT 1;\n.quit\nSELECT 2;")[:2] == (0, "1\n1\n")


def test_rows_beyond_a_page_come_from_the_tool_page_by_page(shell: Shell) -> None:
    shell.rows = 2500
    assert lines(shell, "SELECT * FROM range(3000)")[1:] == [str(n) for n in range(2500)]
    assert lines(shell, ".more")[1:] == [str(n) for n in range(2500, 3000)]
    assert [told.text for told in shell.carry_out(".more") if told.notice] == ["3,000 rows"]


def test_what_agents_are_told_beside_rows_is_told_here_too(shell: Shell) -> None:
    told = list(shell.carry_out("SELECT julianday(charttime) AS day FROM labevents LIMIT 1"))
    answer = "\n".join(lines(shell, ".agent"))
    notes = [each.text for each in told if each.notice][:-1]
    assert notes[0].startswith("read as SQLite; what ran: ")
    assert all(note in answer for note in notes)
    assert "1 row:\nday\n" in answer


def test_tables_and_columns_are_listed_and_completed(shell: Shell) -> None:
    assert any(line.startswith("record,labevents,") for line in lines(shell, ".tables"))
    assert {line.split(",")[1] for line in lines(shell, ".tables micro")[1:]} >= {"microbiologyevents"}
    assert any(line.startswith("storetime,TIMESTAMP") for line in lines(shell, ".columns labevents"))

    def offered(line: str) -> list[str]:
        return list(matching(*shell.completions(line)))

    assert offered("SELECT * FROM labe") == ["labevents", "labevents_candidates"]
    assert offered("SELECT * FROM labevents WHERE labevents.store") == ["storetime"]
    assert offered(".col") == [".columns"]
    assert offered(".columns eds") == ["edstays"]
    assert offered(".layout re") == ["records"]
    assert "SELECT" in offered("sel")


def test_every_layout_tells_the_same_rows_and_lets_nothing_act_on_the_terminal() -> None:
    table = Table(columns=("name", HOSTILE), rows=((HOSTILE, 1.5), ("two\nlines", None)), total=2)
    for name in LAYOUTS:
        shell = Shell(Toolbox(table, f"{HOSTILE}:\n1 row:\n…"), (), name, 10, 80)
        text = "\n".join(told.text for told in shell.carry_out("SELECT 1"))
        assert "red" in text
        assert "1.5" in text
        assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_a_grid_that_does_not_fit_becomes_records() -> None:
    wide = Table(
        columns=tuple(f"c{n}" for n in range(40)), rows=(tuple("x" * 30 for _ in range(40)),), total=1
    )
    assert next(LAYOUTS["auto"].lines(wide, 80)) == "row 1"
    assert next(LAYOUTS["auto"].lines(Table(columns=("a",), rows=((1,),), total=1), 80)) == "a"
    records = list(LAYOUTS["records"].lines(Table(columns=("a",), rows=(("y" * 500,),), total=1), 80))
    assert records == ["row 1", "  a  " + "y" * 500]


def test_an_answer_that_is_no_answer_is_an_error(record: EhrSession) -> None:
    class Limited(Toolbox):
        def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
            return ToolResult(status="limited", text="Error: the query was stopped")

    shell = Shell(Limited(Table(columns=(), rows=(), total=0)), (), "csv", 10, 80)
    with pytest.raises(InputError, match=r"^the query was stopped$"):
        list(shell.carry_out("SELECT 1"))


def test_help_tells_every_command(shell: Shell) -> None:
    told = "\n".join(lines(shell, ".help"))
    assert all(command.name in told for command in DOT_COMMANDS)
    assert lines(shell, ".case") == ["patient"]
    assert [line.split()[0] for line in lines(shell, ".layout")].count(">") == 1
