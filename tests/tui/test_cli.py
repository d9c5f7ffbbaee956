import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from clinseek_core.journal import CallRequest, End, JournalWriter, Nudge, Observation, Retry, Turn
from clinseek_core.version import __version__
from clinseek_replay.source import FollowSource
from clinseek_tui import cli
from clinseek_tui.commands import replay

GOLDEN = Path(__file__).parents[1] / "golden" / "journal-1.jsonl"
RUN = {
    "qid": "q",
    "run_index": 1,
    "messages": [{"role": "assistant", "content": "hm"}],
    "status": "incomplete",
}


def _write(path: Path, *records: dict) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def _golden_lines() -> list[bytes]:
    return GOLDEN.read_bytes().splitlines(keepends=True)


@pytest.fixture
def clinseek(capsys):
    """Runs a command line in this process: its exit code, stdout and stderr."""

    def run(*argv) -> tuple[int, str, str]:
        try:
            code = cli.main([str(word) for word in argv])
        except SystemExit as left:
            code = left.code
        return code, *capsys.readouterr()

    return run


def test_version_and_help(clinseek):
    assert clinseek("--version") == (0, f"clinseek-tui {__version__}\n", "")
    code, table, _ = clinseek("--help")
    assert code == 0
    assert "examples:" in table
    for command in cli.COMMANDS:
        assert f"  {command.name} " in table
        code, text, _ = clinseek(command.name, "--help")
        assert code == 0
        assert "examples:" in text


@pytest.mark.parametrize(
    "argv", [[], ["nosuch"], ["replay"], ["replay", "x", "--step", "two"], ["replay", "x", "--format", "y"]]
)
def test_wrong_usage_is_2(clinseek, argv):
    code, out, error = clinseek(*argv)
    assert (code, out) == (2, "")
    assert "usage: clinseek-tui" in error


def test_replay_plain_shows_the_run(clinseek):
    code, out, error = clinseek("replay", GOLDEN, "--plain")
    assert code == 0
    assert out.startswith(
        "golden-1 · next_medication · patient 90000001 · cutoff 2150-03-03 06:00:00 (available, excl"
    )
    assert "s3.c4" in out
    assert f"{GOLDEN}: read as journal because line 1 is a header of clinseek.journal/1" in error


@pytest.mark.parametrize("step", ["3", "s3"])
def test_replay_one_step(clinseek, step):
    code, out, _ = clinseek("replay", GOLDEN, "--plain", "--step", step)
    assert code == 0
    assert "the model got the first 200 of 478 characters" in out
    assert "s2.c1" not in out


def test_replay_a_step_there_is_not(clinseek, tmp_path):
    code, out, error = clinseek("replay", GOLDEN, "--plain", "--step", "99")
    assert (code, out) == (2, "")
    assert error.endswith(f"clinseek-tui: {GOLDEN}: there is no step 99; it has steps 1 to 5\n")
    path = _write(tmp_path / "r.jsonl", {"qid": "q", "messages": [], "status": "error"})
    assert "it has no step" in clinseek("replay", path, "--plain", "--step", "1")[2]


def test_replay_json_says_the_same(clinseek):
    _, out, _ = clinseek("replay", GOLDEN, "--json")
    run = json.loads(out)
    assert (run["qid"], run["score"]["f1"]) == ("golden-1", 1.0)
    assert run["steps"][2]["calls"][1]["status"] == "refused"
    _, out, _ = clinseek("replay", GOLDEN, "--json", "--step", "2")
    step = json.loads(out)["step"]
    assert step["calls"][0]["result"]["table"]["total"] == 2


def test_json_can_not_act_on_a_terminal_either(clinseek, tmp_path):
    nasty = "\x1b]52;c;aGk=\x07\u202e\x9b"
    path = _write(
        tmp_path / "r.jsonl", RUN | {"qid": nasty, "messages": [{"role": "assistant", "content": nasty}]}
    )
    for argv in (["--json"], ["--json", "--step", "1"]):
        code, out, _ = clinseek("replay", path, *argv)
        assert code == 0
        assert out.isascii()
        assert out.rstrip("\n").isprintable()
        assert json.loads(out)["qid"] == nasty


def test_several_runs_are_listed_and_one_is_picked(clinseek, tmp_path):
    path = _write(tmp_path / "r.jsonl", *(RUN | {"qid": f"q{n}"} for n in range(1, 51)))
    code, out, error = clinseek("replay", path, "--plain")
    assert code == 0
    assert len(out.splitlines()) == 50
    assert out.splitlines()[16] == f"   17  q17 run 1 · no_answer  {path}:17"
    assert "--run QID or --run N" in error
    runs = json.loads(clinseek("replay", path, "--json")[1])["runs"]
    assert runs[16] == {
        "number": 17,
        "qid": "q17",
        "run_index": 1,
        "status": "no_answer",
        "place": f"{path}:17",
    }
    for wanted in ("17", "q17"):
        assert clinseek("replay", path, "--plain", "--run", wanted)[1].startswith("q17 ")
    code, out, error = clinseek("replay", path, "--plain", "--run", "51")
    assert (code, out) == (2, "")
    assert "--run 51: no such run; there are 50" in error


def test_gold_is_joined_from_a_cases_file(clinseek, tmp_path):
    answered = {
        "role": "assistant",
        "tool_calls": [{"function": {"name": "finish", "arguments": '{"response":["A"]}'}}],
    }
    path = _write(tmp_path / "r.jsonl", RUN | {"messages": [answered]})
    case = {"subject_id": 1, "prediction_time": "2150-01-01 00:00:00", "question": "?", "label": ["a", "b"]}
    cases = _write(tmp_path / "cases.jsonl", case | {"qid": "q"})
    assert "F1 0.67" in clinseek("replay", path, "--plain", "--gold", cases)[1]
    others = _write(tmp_path / "others.jsonl", case | {"qid": "another"})
    code, out, error = clinseek("replay", path, "--plain", "--gold", others)
    assert (code, "not scored" in out) == (0, True)
    assert f"{others}: holds the qid of none of these runs" in error


def _truncated(path: Path) -> Path:
    path.write_bytes(b"".join(_golden_lines()[:5])[:-20])
    return path


SHOWN = {
    "a killed run": (_truncated, "the recording holds no end of this run", "damaged   line 5: cut off"),
    "an error without messages": (
        lambda path: _write(path, {"qid": "q", "messages": [], "status": "error", "error": "boom"}),
        "ended     error",
        "message   boom",
    ),
}


@pytest.mark.parametrize(("make", "first", "second"), SHOWN.values(), ids=SHOWN)
def test_what_is_incomplete_is_shown_as_such(clinseek, tmp_path, make, first, second):
    code, out, _ = clinseek("replay", make(tmp_path / "x.jsonl"), "--plain")
    assert code == 0
    assert first in out
    assert second in out


def _made(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


UNREADABLE = {
    "missing": (lambda path: path, "No such file"),
    "empty": (lambda path: _made(path, b""), "is empty"),
    "binary": (lambda path: _made(path, b"\x89PNG\r\n\x1a\n\0\0"), "line 1 is binary"),
    "a folder": (lambda path: path.parent, r"holds no file that may be a recording"),
    "a list": (lambda path: _made(path, b"[]"), "line 1 is a JSON list"),
    "cut in its header": (lambda path: _made(path, _golden_lines()[0][:99]), "line 1 is cut off"),
    "newer": (lambda path: _made(path, b'{"type":"header","format":"clinseek.journal/2"}\n'), "upgrade"),
}


@pytest.mark.parametrize("argv", [["--plain"], ["--json"], ["--plain", "--step", "1"], []], ids=str)
@pytest.mark.parametrize(("make", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_can_not_be_read_is_one_line_and_2(clinseek, tmp_path, make, reason, argv):
    path = make(tmp_path / "x.jsonl")
    code, out, error = clinseek("replay", path, *argv)
    assert (code, out) == (2, "")
    assert error.startswith(f"clinseek-tui: {path}: ")
    assert reason in error
    assert error.count("\n") == 1


def test_a_files_name_can_not_act_on_a_terminal(clinseek, tmp_path):
    _, _, error = clinseek("replay", tmp_path / "\x1b[31m\nx", "--plain")
    assert "\x1b" not in error
    assert error.count("\n") == 1


def test_a_folder_with_many_files_is_told_in_short(clinseek, tmp_path):
    for n in range(8):
        _write(tmp_path / f"{n}.jsonl", RUN)
    _made(tmp_path / "bad.jsonl", b"oops\n")
    code, out, error = clinseek("replay", tmp_path, "--plain")
    assert (code, len(out.splitlines())) == (0, 8)
    assert "8 files read, 8 runs" in error
    assert f"{tmp_path}/bad.jsonl: not used: line 1 is not a JSON object" in error


@pytest.fixture
def journal(tmp_path):
    """A run that goes on: the golden run's first two events, and its lock held."""
    path = _made(tmp_path / "traj.jsonl", b"".join(_golden_lines()[:2]))
    with JournalWriter.resume(path) as writer:
        yield writer


def _asked(step: int) -> dict:
    return {"step": step, "calls": (CallRequest(id="1", name="ehr.x", arguments={}),)}


def _found(step: int) -> dict:
    return {"step": step, "call": 1, "tool_call_id": "1", "name": "ehr.x", "status": "ok", "text": "x"}


def test_follow_prints_what_is_done_as_it_comes_and_the_answer_at_the_end(journal, capsys):
    printed = []
    events = iter(
        [
            (Turn, _asked(1)),
            (Observation, _found(1)),
            (Turn, {"step": 2, "text": "hm"}),
            (Nudge, {"step": 2, "text": "go on"}),
            (Retry, {"step": 3, "reason": "429"}),
            (Turn, _asked(3)),
            (End, {"status": "answered", "stop_reason": "finish", "answer": ("x",)}),
        ]
    )

    def next_event() -> None:
        printed.append(capsys.readouterr().out)
        kind, fields = next(events)
        journal.append(kind, **fields)

    assert replay.follow(FollowSource(journal.path), as_json=False, wait=next_event) == 0
    printed.append(capsys.readouterr().out)
    assert printed[0].startswith("golden-1 ")
    assert printed[0].count("\n") == 1
    assert printed[1] == ""
    assert printed[2].startswith("s1.c1 ")
    assert printed[3] == "s2        - no call  hm\n"
    assert printed[4] == "          nudge: go on\n"
    assert printed[5:7] == ["", ""]
    assert printed[7].startswith("s3.c1     • ehr.x".replace("•", "▤"))
    assert "429" in printed[7]
    assert "ended     answered (finish)" in printed[7]


def test_follow_tells_when_the_writer_is_gone(journal, clinseek):
    journal.append(Turn, **_asked(1))
    journal.close()
    code, out, error = clinseek("replay", journal.path, "--follow", "--plain")
    assert code == 0
    assert "s1.c1" in out
    assert "◌ pending" in out
    assert f"{journal.path}: its writer left without an end" in error


def test_follow_as_json_is_a_line_for_each_step_and_one_for_the_run(clinseek):
    code, out, _ = clinseek("replay", GOLDEN, "--follow", "--json")
    *steps, run = map(json.loads, out.splitlines())
    assert code == 0
    assert [step["step"]["number"] for step in steps] == [1, 2, 3, 4, 5]
    assert run["answer"] == ["Piperacillin-Tazobactam"]


@pytest.mark.parametrize("argv", [["--run", "1"], ["--step", "1"], ["--gold", "x"], [str(GOLDEN)]], ids=str)
def test_follow_takes_one_journal_alone(clinseek, argv):
    code, _, error = clinseek("replay", GOLDEN, *argv, "--follow", "--plain")
    assert code == 2
    assert "--follow takes one journal" in error


def test_only_a_journal_can_be_followed(clinseek, tmp_path):
    path = _write(tmp_path / "r.jsonl", RUN)
    code, _, error = clinseek("replay", path, "--follow", "--plain")
    assert (code, f"{path}: is no journal" in error) == (2, True)


def test_interrupted_is_130(journal, clinseek, monkeypatch):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(replay.time, "sleep", interrupt)
    code, out, _ = clinseek("replay", journal.path, "--follow", "--plain")
    assert code == 130
    assert out.startswith("golden-1 ")


PROBE = """
import sys
from clinseek_tui.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as left:
    code = left.code or 0
heavy = {"textual", "rich", "prompt_toolkit", "duckdb", "openai", "PIL", "numpy", "pydicom", "torch"}
print("LOADED", code, sorted(heavy & sys.modules.keys()), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "argv",
    [
        ["--version"],
        ["--help"],
        ["replay", "--help"],
        ["replay", str(GOLDEN), "--plain"],
        ["replay", str(GOLDEN), "--plain", "--step", "2"],
        ["replay", str(GOLDEN), "--json"],
        ["replay", str(GOLDEN), "--follow", "--plain"],
        ["replay", str(GOLDEN)],
    ],
    ids=str,
)
def test_text_needs_no_app(argv):
    done = subprocess.run([sys.executable, "-c", PROBE, *argv], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "LOADED 0 []"


def test_a_reader_that_leaves_early_is_no_error():
    line = f"{sys.executable} -m clinseek_tui replay {GOLDEN} --plain | head -1"
    done = subprocess.run(
        ["bash", "-c", f'{line}; echo "${{PIPESTATUS[0]}}"'], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[0].startswith("golden-1")
    assert done.stdout.splitlines()[1] in ("0", "141")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_pipe_that_is_closed_is_quiet():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "clinseek_tui", "replay", str(GOLDEN), "--plain"],
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 141
    assert b"Error" not in done.stderr


def test_a_terminal_that_is_not_utf8_gets_ascii():
    done = subprocess.run(
        [sys.executable, "-m", "clinseek_tui", "replay", str(GOLDEN), "--plain"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert b"s1.c1     T ehr.load_ehr" in done.stdout


def _in_a_terminal(*argv: str, until: bytes, then: bytes) -> tuple[int, bytes]:
    """Exit code and screen of a command in a terminal of 120×40 that types `then` once it shows `until`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "PYTHONUTF8": "1"}
    screen, typed = b"", False
    with subprocess.Popen(
        [sys.executable, "-m", "clinseek_tui", *argv],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        while select.select([ours], [], [], 30)[0]:
            try:
                screen += os.read(ours, 65536)
            except OSError:  # the terminal has no other end any more
                break
            if until in screen and not typed:
                os.write(ours, then)
                typed = True
        else:
            process.kill()
    os.close(ours)
    return process.returncode, screen


@pytest.mark.parametrize("argv", [["--step", "3"], ["--follow"]], ids=str)
def test_on_a_terminal_the_app_opens_and_q_leaves_it(argv):
    code, screen = _in_a_terminal("replay", str(GOLDEN), *argv, until=b" quit", then=b"q")
    assert code == 0
    assert (b"s3.c1" in screen) == ("--step" in argv)
    assert b"Traceback" not in screen


@pytest.mark.parametrize("argv", [["--plain"], ["--json"]], ids=str)
def test_on_a_terminal_text_is_printed_where_it_is_asked_for(argv):
    code, screen = _in_a_terminal("replay", str(GOLDEN), *argv, until=b"never", then=b"")
    assert code == 0
    assert b"Piperacillin-Tazobactam" in screen
    assert b"\x1b" not in screen


@pytest.mark.parametrize("form", ["openai", "atif", "html"])
def test_an_export_needs_no_app(form, tmp_path):
    argv = ["export", str(GOLDEN), "--to", form, "--out", str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", PROBE, *argv], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "LOADED 0 []"
    assert (tmp_path / "out").stat().st_size
