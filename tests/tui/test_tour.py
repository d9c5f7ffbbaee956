"""The tour: that its runs are real, what it says is what the analyses say, and how one goes through it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinseek_fixtures import bundled_cases
from clinseek_replay.audit import audit, report_lines
from clinseek_replay.overview import score_of
from clinseek_replay.recordings import open_recordings
from clinseek_tui import cli
from clinseek_tui.tour import CHAPTERS, Tour


@pytest.fixture
def clinseek(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)

    def run(*argv: object) -> tuple[int, str, str]:
        return cli.main(["tour", *map(str, argv)]), *capsys.readouterr()

    return run


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """A person at a terminal who types."""

    class Keys(io.StringIO):
        def isatty(self) -> bool:
            return True

    def types(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", Keys(text))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)

    return types


def test_it_runs_through_in_a_pipe_and_every_word_is_what_the_analyses_say(
    clinseek: Callable[..., Any], tmp_path: Path
) -> None:
    code, out, error = clinseek("--out", "look")
    assert (code, error) == (0, "")
    for number, chapter in enumerate(CHAPTERS, 1):
        assert f"\n{number} of {len(CHAPTERS)}: {chapter.title}\n=" in out
    strict, leaky = (
        open_recordings([tmp_path / "look" / f"{basis}.jsonl"]).run(0) for basis in ("available", "upstream")
    )
    assert (strict.policy.basis, leaky.policy.basis) == ("available", "upstream")
    report = audit(leaky)
    assert report.leaks
    assert "\n".join(report_lines(report)) in out
    for basis, run in (("available", strict), ("upstream", leaky)):
        assert f"{basis:<10} F1 {score_of(run).f1:.2f}   answered {run.answer[0]}\n" in out
    assert audit(strict).leaks == ()
    leaked, known = out.split("under upstream:\n")[1].split("under available:\n")
    rows = known.split("\n\n")[0]
    assert "20:31:17" in leaked
    assert "2150-03-02 13:52" in rows
    assert "20:31:17" not in rows, "the strict record has the stay, and not yet its end"
    known_then, hindsight = (
        open_recordings([tmp_path / "look" / f"win-{basis}.jsonl"]).run(0)
        for basis in ("available", "upstream")
    )
    assert (score_of(known_then).f1, score_of(hindsight).f1) == (0, 1), "a win, and by a leak alone"
    used = [leak for leak in audit(hindsight).leaks if leak.used]
    assert {leak.code for leak in used} == {"T4"}
    assert all(leak.message in out for leak in used)


def test_nothing_is_left_behind(clinseek: Callable[..., Any], tmp_path: Path) -> None:
    code, out, _ = clinseek()
    assert code == 0
    assert [path.name for path in tmp_path.rglob("*")] == ["scratch"]
    assert "clinseek-tui tour --out look" in out
    assert "repl look/upstream.jsonl" in out


def test_enter_goes_on_and_q_leaves(clinseek: Callable[..., Any], typed: Callable[[str], None]) -> None:
    typed("\nq\n\n")
    code, out, _ = clinseek()
    assert code == 0
    assert "2 of 9" in out
    assert "3 of 9" not in out
    typed("")
    assert "2 of 9" not in clinseek()[1], "the end of what is typed leaves too"


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2])
def test_every_bundled_case_can_be_toured(tmp_path: Path, number: int) -> None:
    tour = Tour(bundled_cases()[number], tmp_path, lambda _: None, kept=True)
    for chapter in CHAPTERS:
        told = list(chapter.tell(tour))
        assert told, chapter.title
        assert not any("\x1b" in line for line in told)


def test_what_can_t_be_done_is_told(clinseek: Callable[..., Any], tmp_path: Path) -> None:
    code, out, error = clinseek("nosuch")
    assert (code, out) == (2, "")
    assert "no bundled case; there are bundled_pyxis" in error
    code, out, error = clinseek("--out", tmp_path)
    assert (code, out) == (2, "")
    assert "name a folder that is not there" in error
