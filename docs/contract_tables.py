"""Writes the per-table lines of docs/temporal-contract.md from the contract: `just docs`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import ALWAYS, CONTRACT, Rule

_BEGIN, _END = "<!-- made from the contract: begin -->\n", "<!-- made from the contract: end -->\n"
_BLOCK = re.compile(re.escape(_BEGIN) + ".*" + re.escape(_END), re.DOTALL)


def contract_lines() -> Iterator[str]:
    """A Markdown table with a line for each table of the contract."""
    yield "| table | a row is known | its cells that are known later | not shown |"
    yield "|---|---|---|---|"
    for name, rule in CONTRACT.items():
        yield f"| {name} | {_row(rule)} | {_later(rule)} | {_not_shown(rule)} |"
    left_out = ", ".join(name for name in tables() if name not in CONTRACT)
    yield ""
    yield f"Tables of MIMIC-IV that are in no rule and so are not there: {left_out}."


def with_contract(text: str) -> str:
    """`text` with what stands between the two marks made anew."""
    lines = "".join(f"{line}\n" for line in contract_lines())
    return _BLOCK.sub(lambda _: f"{_BEGIN}\n{lines}\n{_END}", text)


def _row(rule: Rule) -> str:
    if rule.available == ALWAYS:
        return "always"
    clocks = {"by basis `event`": rule.event, "by `interval_rows: started`": rule.started}
    others = [f"{when}: {_code(clock)}" for when, clock in clocks.items() if clock]
    return "; ".join([rule.says or f"at {_code(rule.available)}", *others])


def _later(rule: Rule) -> str:
    columns: dict[str, list[str]] = {}
    for column, clock in rule.later.items():
        columns.setdefault(clock, []).append(column)
    return "; ".join(f"{', '.join(names)}: {_code(clock)}" for clock, names in columns.items())


def _not_shown(rule: Rule) -> str:
    anew = [*rule.counters, *(["note_id"] if rule.note_ids else [])]
    said = (
        (rule.never, ", ".join(rule.never)),
        (rule.derived, "instead " + ", ".join(f"{name}: {_code(sql)}" for name, sql in rule.derived.items())),
        (anew, f"numbered anew: {', '.join(anew)}"),
    )
    return "; ".join(text for there, text in said if there)


def _code(sql: str) -> str:
    return f"`{sql}`"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(with_contract(document.read_text(encoding="utf-8")), encoding="utf-8")
