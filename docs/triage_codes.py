"""Writes the tables of codes in docs/triage.md from the rules: `just docs`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from clinseek_replay.triage import RULE_VERSION, RULES

_BEGIN, _END = "<!-- made from the rules: begin -->\n", "<!-- made from the rules: end -->\n"
_BLOCK = re.compile(re.escape(_BEGIN) + ".*" + re.escape(_END), re.DOTALL)
_GROUPS = {
    "H": "the harness and the protocol; not the model's fault, or not only",
    "A": "the calls that the model made",
    "R": "what was not retrieved",
    "U": "what the run did with what it saw",
    "F": "the answer and its form",
    "B": "budgets and the course of the run",
    "S": "the benchmark and its scorer",
}
_NEEDS = {
    "turns": "the run's turns",
    "end": "the run's end",
    "gold": "gold",
    "answer": "an answer",
    "subject": "the patient's id",
    "reference": "the patient's data or the case's curated context, where something was missed",
    "candidates": "the case's candidates",
    "prompt": "the prompt or the question",
    "max_rounds": "the run's limit of rounds",
    "names": "names that texts can be searched for",
    "data": "the patient's data",
    "score": "the reference's recorded score",
    "siblings": "the other runs",
}


def code_lines() -> Iterator[str]:
    """A Markdown table for each group of codes."""
    yield f"These are the rules of version {RULE_VERSION}."
    for letter, says in _GROUPS.items():
        yield ""
        yield f"### {letter}: {says}"
        yield ""
        yield "| code | name | tier | severity | it fires where | it needs |"
        yield "|---|---|---|---|---|---|"
        for rule in RULES:
            if rule.group == letter:
                needs = ", ".join(_NEEDS[need] for need in rule.needs) or "nothing more"
                yield f"| {rule.code} | {rule.name} | {rule.tier} | {rule.severity} | {rule.says} | {needs} |"


def with_codes(text: str) -> str:
    """`text` with what stands between the two marks made anew."""
    lines = "".join(f"{line}\n" for line in code_lines())
    return _BLOCK.sub(lambda _: f"{_BEGIN}\n{lines}\n{_END}", text)


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(with_codes(page.read_text()))
