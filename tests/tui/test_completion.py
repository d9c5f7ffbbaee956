"""Completion for shells: what the shells themselves make of the scripts."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinseek_tui import cli
from clinseek_tui.cli import COMMANDS
from clinseek_tui.completion.installing import place_of
from clinseek_tui.completion.scripts import SHELLS

Completed = Callable[..., list[str]]
NAMES = sorted(command.name for command in COMMANDS)


def script_of(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        cli.main(["--install-completion", shell])
    assert left.value.code == 0
    return capsys.readouterr().out


@pytest.fixture
def in_bash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Completed:
    """What bash offers for the last of some words."""
    (tmp_path / "script").write_text(script_of("bash", capsys))
    ask = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _clinseek_tui; echo "${COMPREPLY[@]}"'

    def offered(*words: str) -> list[str]:
        command = ["bash", "-euc", ask, str(tmp_path / "script"), "clinseek-tui", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return sorted(done.stdout.split())

    return offered


def test_bash_offers_commands_options_and_values(in_bash: Completed) -> None:
    assert in_bash("") == NAMES
    assert in_bash("repl") == ["repl", "replay"]
    assert in_bash("run", "--basis", "") == ["available", "event", "upstream"]
    assert in_bash("run", "--ba") == ["--base-url", "--basis"]
    assert "bundled_pyxis_90000001" in in_bash("sql", "")
    assert in_bash("audit", "--format", "jour") == ["journal"]
    assert in_bash("--") == ["--help", "--install-completion", "--version"]
    assert in_bash("--install-completion", "") == ["bash", "fish", "zsh"]
    assert in_bash("run", "--ehr", "x") == in_bash("replay", "x") == in_bash("nosuch", "x") == []


def test_bash_offers_every_option_of_every_command(in_bash: Completed, capsys: Any) -> None:
    for name in ("replay", "triage", "show"):
        with pytest.raises(SystemExit):
            cli.main([name, "--help"])
        told = capsys.readouterr().out
        offered = in_bash(name, "--")
        assert len(offered) > 3
        assert all(flag in told for flag in offered)


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_offers_commands_options_and_values(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "script").write_text(script_of("fish", capsys))

    def offered(line: str) -> list[str]:
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source {tmp_path}/script; complete -C '{line}'"],
            capture_output=True,
            text=True,
            check=True,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        )
        return sorted(told.split("\t")[0] for told in done.stdout.splitlines())

    assert set(offered("clinseek-tui ")) >= set(NAMES)
    assert offered("clinseek-tui run --basis ") == ["available", "event", "upstream"]
    assert offered("clinseek-tui run --ba") == ["--base-url", "--basis"]
    assert "bundled_pyxis_90000001" in offered("clinseek-tui sql bund")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_accepts_its_script(shell: str, tmp_path: Path, capsys: Any) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(script_of(shell, capsys))
    done = subprocess.run([shell, "-n", tmp_path / "script"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_holds_every_command_and_never_runs_the_program(shell: str, capsys: Any) -> None:
    script = script_of(shell, capsys)
    assert all(name in script for name in NAMES)
    assert "$(clinseek-tui" not in script
    assert "(clinseek-tui" not in script


def test_it_is_made_for_the_shell_in_use(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert script_of("fish", capsys) == script_of("", capsys)
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert cli.main(["--install-completion"]) == 2
    assert "name the shell: bash, fish, zsh" in capsys.readouterr().err
    assert cli.main(["--install-completion", "tcsh"]) == 2


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> Callable[..., str]:
    """Asks for completion at a terminal, types, and gives what was told."""

    class Keys(io.StringIO):
        def isatty(self) -> bool:
            return True

    def types(text: str, shell: str = "bash") -> str:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        monkeypatch.delenv("BASH_COMPLETION_USER_DIR", raising=False)
        monkeypatch.setattr(sys, "stdin", Keys(text))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        with pytest.raises(SystemExit):
            cli.main(["--install-completion", shell])
        return capsys.readouterr().out

    return types


def test_on_a_terminal_it_is_written_only_if_the_person_agrees(
    typed: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "data" / "bash-completion" / "completions" / "clinseek-tui"
    for refusal in ("n\n", "\n", ""):
        assert "nothing was written" in typed(refusal)
        assert not path.exists()
    assert "written; a new shell has it" in typed("y\n")
    assert "complete -o default -F _clinseek_tui clinseek-tui" in path.read_text()
    assert str(tmp_path / "data" / "zsh" / "site-functions") in typed("yes\n", "zsh")


def test_each_shell_has_its_place(tmp_path: Path) -> None:
    environ = {"XDG_DATA_HOME": str(tmp_path / "d"), "XDG_CONFIG_HOME": str(tmp_path / "c")}
    assert [place_of(shell, environ).path.relative_to(tmp_path).as_posix() for shell in SHELLS] == [
        "d/bash-completion/completions/clinseek-tui",
        "c/fish/completions/clinseek-tui.fish",
        "d/zsh/site-functions/_clinseek-tui",
    ]


def test_help_alone_loads_no_command(tmp_path: Path) -> None:
    code = "import sys; from clinseek_tui.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    told = (
        code + "print([m for m in sys.modules if m.startswith('clinseek_tui.c') and m != 'clinseek_tui.cli'])"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
