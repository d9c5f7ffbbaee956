"""The debugger in a plain terminal: each command, scripts from a pipe, and what a recording must not do."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinseek_replay.recordings import open_recordings
from clinseek_tui import cli, typed_lines
from clinseek_tui.repl import COMMANDS, Session, carry_out, command_named, completions, repeats
from clinseek_tui.typed_lines import TypedLines, matching, user_state

GOLDEN = Path(__file__).parents[1] / "golden" / "journal-1.jsonl"
HOSTILE = "\x1b[31mred\x1b]52;c;aGk=\x07 \u202egnp\u202c [bold]x[/] \U0001f9ea"

Tell = Callable[..., str]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "traj.jsonl"
    shutil.copy(GOLDEN, path)
    return path


@pytest.fixture
def session(recording: Path) -> Session:
    return Session(open_recordings([recording]), 0, "tester")


@pytest.fixture
def tell(session: Session) -> Tell:
    """Carries lines out and gives what the last of them tells."""

    def of(*lines: str) -> str:
        told = ""
        for line in lines:
            told = "\n".join(carry_out(session, line))
        return told

    return of


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs the command with lines on its standard input: exit code, stdout and stderr."""

    def run(lines: str, *argv: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        code = cli.main(["repl", *map(str, argv)])
        return code, *capsys.readouterr()

    return run


def runs_file(folder: Path, *texts: str) -> Path:
    """A results file with a run for each text, which is what its tool gave back."""
    path = folder / "results.jsonl"
    records = []
    for number, text in enumerate(texts, 1):
        call = {"id": "c", "type": "function"}
        call["function"] = {"name": "ehr.get_latest_records", "arguments": json.dumps({"table_name": text})}
        messages = [
            {"role": "user", "content": "which?"},
            {"role": "assistant", "content": text, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": text},
            {"role": "assistant", "content": text},
        ]
        records.append(
            {"qid": f"q{number}", "run_index": 1, "messages": messages, "status": "success", "label": [text]}
        )
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_next_and_prev_go_by_calls_and_stop_at_the_ends(session: Session, tell: Tell) -> None:
    assert tell("next").startswith("s1.c1 ")
    assert tell("n 3").startswith("s3.c1 ")
    assert tell("n 99").startswith("s5.c1 ")
    assert tell("n") == "this is the last call"
    assert tell("p").startswith("s4 ")
    assert tell("prev 99", "p") == "this is the first call"


def test_a_place_is_told_with_what_was_asked_and_what_came(tell: Tell) -> None:
    told = tell("goto s2.c1")
    assert "ehr.run_sql_query" in told
    assert "SQL     SELECT charttime, name FROM pyxis" in told
    assert "result  " in told
    assert "nudge: Give your answer by ehr.finish." in tell("goto s4")


def test_goto_an_anchor_tells_the_row_or_characters_that_it_names(session: Session, tell: Tell) -> None:
    told = tell("goto s2.c1.r2")
    table = session.run.steps[1].calls[0].result.table
    assert f"row 2   {table.columns[0]}: {table.rows[1][0]}" in told
    assert tell("goto s4.t:0-7").endswith("there   It will")


def test_step_goes_to_turns(session: Session, tell: Tell) -> None:
    assert tell("step 3").startswith("s3        turn of the model, 4 calls")
    assert tell("s").startswith("s4 ")
    assert session.cursor.call is None
    assert tell("step s2").startswith("s2 ")


def test_first_last_and_where(tell: Tell) -> None:
    assert tell("last").startswith("s5.c1 ")
    assert tell("where").endswith("s5.c1: step 5 of 5, call 1 of 1")
    assert tell("first").startswith("s1 ")


def test_list_shows_a_neighbourhood_all_or_a_kind(tell: Tell) -> None:
    around = tell("goto s3.c2", "list 1").splitlines()
    assert [line[2:7].strip() for line in around if line[2:3] == "s"] == [
        "s2.c1",
        "s2.c2",
        "s3.c1",
        "s3.c2",
        "s3.c3",
        "s3.c4",
        "s4",
    ]
    assert [line for line in around if line.startswith("> ")] == [around[5]]
    assert len([line for line in tell("list all").splitlines() if line[2:3] == "s"]) == 9
    assert [line.split()[0] for line in tell("list error empty").splitlines()] == ["s2.c2", "s3.c3"]
    assert "s4" not in tell("list !think")


def test_parts_of_a_call_are_told_one_by_one(tell: Tell) -> None:
    tell("goto s2.c1")
    assert tell("sql").startswith("SELECT charttime")
    assert tell("args").startswith("sql_query: SELECT charttime")
    assert json.loads(tell("raw"))["anchor"] == "s2.c1"
    shown = tell("show")
    assert "s2.c1" in shown
    assert "s2.c2" not in shown
    assert "s2.c2" in tell("step 2", "show")
    assert "the model's text was no JSON object" in tell("goto s2.c2", "args")
    assert tell("goto s4", "reasoning").endswith("It will be Piperacillin-Tazobactam.")
    assert tell("case").splitlines()[1].startswith("question: ")


def test_a_long_result_is_told_in_parts_and_says_how_many_lines_are_left(tmp_path: Path) -> None:
    path = runs_file(tmp_path, "\n".join(f"line {n}" for n in range(1, 201)))
    session = Session(open_recordings([path]), 0, "tester")

    def told(line: str) -> list[str]:
        return list(carry_out(session, line))

    told("next")
    assert told("result")[-2:] == ["line 60", "… 140 more lines: result 61-120, or result all"]
    assert told("result 199-400") == ["line 199", "line 200"]
    assert told("result all")[-1] == "line 200"
    assert len(told("result 3")) == 4


def test_a_cut_result_says_so(tell: Tell) -> None:
    assert "the model got the first" in tell("goto s3.c1", "result all").splitlines()[-1]


def test_breakpoints_stop_forward_and_backward(session: Session, tell: Tell) -> None:
    assert tell("break error") == "breakpoint 1: error"
    assert tell("b status:refused", "breaks").splitlines() == ["  1  error", "  2  status:refused"]
    assert "s2.c2" in tell("continue").splitlines()[0]
    assert tell("c").startswith("s3.c2: status:refused")
    assert tell("c") == "no stop after s3.c2 in this run"
    assert tell("C").startswith("s2.c2: error")
    assert tell("clear 1").splitlines() == ["  1  status:refused"]
    assert tell("clear") == "no breakpoint is set"


def test_a_breakpoint_that_nothing_can_decide_says_what_is_missing(tmp_path: Path) -> None:
    session = Session(open_recordings([runs_file(tmp_path, "x")]), 0, "tester")
    assert list(carry_out(session, "break future"))[1].startswith("it can't stop this run: ")
    assert list(carry_out(session, "continue"))[1].startswith("future can't stop it: ")


def test_find_goes_from_hit_to_hit_and_starts_anew_where_one_has_moved(session: Session, tell: Tell) -> None:
    first = tell("find select")
    assert first.startswith("s2.c1: argument: ")
    second = tell("find")
    assert second != first
    assert tell("rfind") == first
    assert tell("first", "/SELECT") == first
    assert tell("find /pyx.s/").startswith("s2.c1: argument: ")
    assert tell("find no such text").startswith("no such text is not found after ")


def test_find_goes_on_through_all_runs(tmp_path: Path) -> None:
    session = Session(open_recordings([runs_file(tmp_path, "alpha", "beta")]), 0, "tester")
    assert next(iter(carry_out(session, "find beta"))).startswith("run 2 ")
    assert session.cursor.run == 1
    assert session.prompt.startswith("run 2/2 ")


def test_runs_are_listed_gone_to_and_compared(tmp_path: Path) -> None:
    session = Session(open_recordings([runs_file(tmp_path, "alpha", "beta")]), 0, "tester")

    def told(line: str) -> list[str]:
        return list(carry_out(session, line))

    assert [line[0] for line in told("runs")] == [">", " "]
    assert told("run q2")[-1].startswith("s1: run 2 of 2, ")
    assert told("run -")[-1].startswith("s1: run 1 of 2, ")
    assert any("beta" in line for line in told("diff 2"))
    assert told("diff") == told("diff 2")


def test_marks_are_kept_beside_the_recording_and_gone_to(recording: Path, tell: Tell) -> None:
    before = recording.read_bytes()
    assert tell("goto s3.c2", "mark odd why it is odd") == "odd is s3.c2"
    assert tell("first", "goto odd").startswith("s3.c2 ")
    assert tell("marks") == "s3.c2     odd  why it is odd"
    assert recording.read_bytes() == before
    line = json.loads(recording.with_name("traj.jsonl.findings.jsonl").read_text().splitlines()[1])
    assert (line["author"], line["anchor"]) == ("tester", "s3.c2")
    assert tell("unmark odd", "marks") == "no place of this run has a name"


def test_the_analyses_are_those_of_the_commands(
    recording: Path, tell: Tell, capsys: pytest.CaptureFixture[str]
) -> None:
    for line, argv in {
        "audit": ["audit"],
        "evidence": ["why"],
        "why Piperacillin-Tazobactam": ["why"],
    }.items():
        extra = ["Piperacillin-Tazobactam"] if " " in line else []
        cli.main([*argv, str(recording), *extra])
        assert tell(line).strip() == capsys.readouterr().out.strip()
    assert "primary cause" in tell("triage")
    assert "F1 1.00" in tell("answer")


def test_why_alone_tells_what_is_marked(tmp_path: Path) -> None:
    path = runs_file(tmp_path, "Heparin")
    session = Session(open_recordings([path]), 0, "tester")
    list(carry_out(session, "next"))
    assert any(line.startswith("★ gold: ") for line in carry_out(session, "why"))


def test_probe_gives_a_column(tell: Tell) -> None:
    assert tell("probe $.status").splitlines()[0].split() == ["s1.c1", "ok"]
    assert tell("probe $.nowhere") == "no value"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("foo", "'foo' is no command; `help` lists what there is"),
        ("nxet", "'nxet' is no command; did you mean next"),
        ("re", "did you mean result or reasoning or reverse"),
        ("where now", "where takes nothing after it"),
        ("goto", "goto needs a place"),
        ("goto s99", "there is no step 99"),
        ("goto nowhere", "is no anchor"),
        ("next -1", "'-1' is no number from 1 on"),
        ("next ²", "is no number from 1 on"),
        ("list nonsense", "filters nothing"),
        ("run q9", "no such run"),
        ("run +", "this is the last run"),
        ("break nonsense", "is no breakpoint"),
        ("continue", "no breakpoint is set"),
        ("clear 3", "there is no breakpoint 3"),
        ("sql", "calls ehr.load_ehr and has no SQL"),
        ("result 9-2", "write result 61-120"),
        ("find", "find needs a text"),
        ("mark", "a mark needs a name"),
        ("unmark x", "there is no mark"),
        ("probe", "probe needs"),
        ("why no such drug", "is in neither the answer nor the gold"),
        ("diff", "diff needs another run"),
    ],
)
def test_what_can_t_be_done_is_told_in_one_line(
    script: Callable[..., Any], recording: Path, line: str, told: str
) -> None:
    before = "next" if line.startswith("result") else "first"
    code, out, error = script(f"{before}\n{line}\nanswer\n", recording)
    assert code == 2
    message = error.splitlines()[-1]
    assert told in message
    assert message.startswith("line 2: ")
    assert "score     F1 1.00" in out, "the lines after it are carried out"


def test_a_script_is_0_and_ends_at_quit(script: Callable[..., Any], recording: Path) -> None:
    code, out, _ = script("# a comment\n\n  where  \nquit\nfoo\n", recording)
    assert code == 0
    assert out.endswith("s1: step 1 of 5\n")
    assert script("", recording)[0] == 0


def test_an_unreadable_file_is_2(script: Callable[..., Any], tmp_path: Path) -> None:
    assert cli.main(["repl", str(tmp_path / "none")]) == 2


def test_a_run_without_steps_can_be_looked_at(script: Callable[..., Any], recording: Path) -> None:
    recording.write_bytes(GOLDEN.read_bytes().splitlines(keepends=True)[0])
    lines = "\n".join(
        name if command.takes in ("", "[N]", "[RUN]", "[CALLS]", "[LINES]", "[ITEM]") else f"{name} 1"
        for command in COMMANDS
        for name in (command.name,)
        if name != "quit"
    )
    code, out, error = script(lines, recording)
    assert code == 2
    assert "this run has no step" in out
    assert "Traceback" not in error


def test_nothing_that_a_recording_holds_acts_on_the_terminal(
    script: Callable[..., Any], tmp_path: Path
) -> None:
    path = runs_file(tmp_path, HOSTILE, HOSTILE)
    lines = [
        f"{command.name} {argument}"
        for command in COMMANDS
        for argument in ("", "1", "gn", "$..*", "error")
        if command.name != "quit"
    ]
    code, out, error = script("\n".join(["next", *lines, f"why {HOSTILE}", HOSTILE]), path)
    assert code == 2
    assert out.count("␛[31mred") > 10
    for text in (out, error):
        assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_an_endless_line_is_refused_and_the_next_one_is_done(
    script: Callable[..., Any], recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typed_lines, "_LONGEST", 100)
    code, out, error = script(f"find {'x' * 1000}\nanswer\n", recording)
    assert code == 2
    assert "line 1: a line of over 100 characters" in error
    assert "score" in out


def test_what_is_typed_is_completed(session: Session) -> None:
    def offered(line: str) -> list[str]:
        return list(matching(*completions(session, line)))

    assert offered("br") == ["break", "breaks"]
    assert offered("goto s3.c") == ["s3.c1", "s3.c2", "s3.c3", "s3.c4"]
    assert "tool:ehr.run_sql_query" in offered("break tool:ehr.r")
    assert "gold:first" in offered("break gold")
    assert offered("why pip") == ["Piperacillin-Tazobactam"]
    assert offered("list sql er") == ["error"]
    assert offered("help tri") == ["triage"]
    assert offered("goto ") == offered("g ")
    assert offered("nonsense x") == []
    list(carry_out(session, "mark odd"))
    assert offered("goto o") == ["odd"]


def test_what_can_t_be_typed_is_not_offered() -> None:
    assert list(matching("", ["plain", "two\nlines", "\x1b[31m", "plain"])) == ["plain"]


def test_an_empty_line_repeats_moves_only() -> None:
    assert [line for line in ("next", "c", "find x", "answer", "", "# no") if repeats(line)] == [
        "next",
        "c",
        "find x",
    ]


def test_every_name_means_one_command() -> None:
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert len(names) == len(set(names))
    assert all(command_named(name).help for name in names)


def test_help_tells_every_command(tell: Tell) -> None:
    told = tell("help")
    assert all(f"{command.name}" in told for command in COMMANDS)
    assert tell("help cont").startswith("continue, c ")


def test_history_lies_under_xdg_state_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert user_state({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "clinseek-tui"
    path = tmp_path / "new" / "repl_history"
    history = typed_lines._history(path)
    history.append_string("why Heparin")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "why Heparin" in path.read_text()
    (tmp_path / "file").write_text("")
    typed_lines._history(tmp_path / "file" / "repl_history").append_string("kept for this session")


def test_lines_of_a_pipe_need_no_prompt_toolkit(recording: Path, script: Callable[..., Any]) -> None:
    before = set(sys.modules)
    script("where\n", recording)
    assert not [name for name in set(sys.modules) - before if name.startswith("prompt_toolkit")]
    assert not TypedLines("repl", lambda _: completions(None, "")).interactive
