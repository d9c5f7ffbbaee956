"""The page on triage says what the rules are, and its commands are understood."""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
from pathlib import Path

import pytest

from clinseek_replay.triage import RULES
from clinseek_tui.commands import triage

HOUSE = Path(__file__).parents[3]
PAGE = (HOUSE / "docs/triage.md").read_text()
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^clinseek-tui triage ([^#\n]*)", SHELL, re.MULTILINE)


def test_the_tables_of_codes_are_made_from_the_rules() -> None:
    made = runpy.run_path(str(HOUSE / "docs/triage_codes.py"))
    assert made["with_codes"](PAGE) == PAGE, "run `just docs`"
    assert re.findall(r"^\| ([A-Z]\d\w?) \|", PAGE, re.MULTILINE) == [
        rule.code for letter in "HARUFBS" for rule in RULES if rule.group == letter
    ]


@pytest.mark.parametrize("words", COMMANDS)
def test_its_commands_are_understood(words: str) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    triage.add_arguments(parser)
    assert parser.parse_args(shlex.split(words)).paths == [Path("traj.jsonl")]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_one_plain_sentence(rule: object) -> None:
    says = rule.says  # type: ignore[attr-defined]
    assert re.fullmatch(r"[A-Z][^\n]{20,160}\.", says)
