"""What the documentation says is what there is: commands, files, links and the contract's table."""

from __future__ import annotations

import argparse
import importlib
import re
import runpy
import shlex
from pathlib import Path

import pytest

from clinseek_core.mimic.contract import CLOCKS
from clinseek_tui.cli import COMMANDS

HOUSE = Path(__file__).parents[1]
PAGES = sorted([*HOUSE.glob("*.md"), *(HOUSE / "docs").rglob("*.md")])
README = (HOUSE / "README.md").read_text()
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
COMMAND_LINES = re.findall(r"^clinseek-tui .*$", SHELL.replace("\\\n", " "), re.MULTILINE)
page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)


def test_the_test_line_is_what_ci_runs() -> None:
    lines = [line for line in SHELL.splitlines() if line.startswith("python3 -m venv")]
    run, test = lines
    assert run.endswith("uv run --no-dev clinseek-tui run")
    assert test in (HOUSE / ".ci" / "run").read_text().splitlines()


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_the_readme_s_commands_are_understood(line: str) -> None:
    _, name, *words = shlex.split(line)
    (module,) = (command.module for command in COMMANDS if command.name == name)
    parser = argparse.ArgumentParser(exit_on_error=False)
    importlib.import_module(module).add_arguments(parser)
    assert parser.parse_args(words)


def test_the_readme_shows_commands_and_a_screenshot() -> None:
    assert {line.split()[1] for line in COMMAND_LINES} == {command.name for command in COMMANDS}
    picture = (HOUSE / "docs/images/debugger.svg").read_text()
    assert "(docs/images/debugger.svg)" in README
    assert "Generated with Rich" in picture
    assert "Timeline" in picture


@page
def test_links_and_files_are_there(path: Path) -> None:
    text = path.read_text()
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in link}
    files = set(re.findall(r"`((?:core|replay|fixtures|clinseek_tui|tests|docs|benchmarks)/[\w./-]*)`", text))
    missing = [link for link in links if link and not (path.parent / link).exists()]
    missing += [name for name in files if not (HOUSE / name).exists()]
    assert missing == []


@page
def test_recipes_are_there(path: Path) -> None:
    recipes = set(re.findall(r"^([\w-]+)(?: \*\w+)?:", (HOUSE / "justfile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|uv run )just ([a-z][\w-]*)", path.read_text()))
    assert named <= recipes


def test_the_contract_s_table_is_made_from_the_contract() -> None:
    text = (HOUSE / "docs/temporal-contract.md").read_text()
    tables = runpy.run_path(str(HOUSE / "docs/contract_tables.py"))
    assert tables["with_contract"](text) == text, "run `just docs`"
    clocks = set(re.findall(r"MACRO (\w+)\(", CLOCKS))
    used = {name for line in tables["contract_lines"]() for name in re.findall(r"(\w+)\(", line)} & clocks
    glossary = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    assert used == {name for line in glossary for name in re.findall(r"`(\w+)", line)} & clocks
