"""`clinseek-tui contract`: the temporal contract as a table, for people and for scripts."""

from __future__ import annotations

import argparse
import difflib
import json
import textwrap
from collections.abc import Iterator
from typing import Any

from clinseek_core.errors import InputError
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import ALWAYS, CONTRACT, Rule, upstream_clock

__all__ = ["add_arguments", "main"]

_WIDTH = 100
_LEGEND = """\
row       a row is known (before the case's time, or by `--boundary inclusive` at it), by basis `available`
by event  the same by basis `event`, where it differs; the later cells stay
started   the same by interval_rows `started`
later     cells that are missing until their own time: later columns, and what names another row
pending   what stands for results that are still to come
never     columns that are not shown; `instead`, what stands for them; `anew`, ids numbered in the snapshot
upstream  the reference implementation's filter, by basis `upstream`: all cells of the row pass
"""
_EXAMPLES = """\
examples:
  clinseek-tui contract                      every table: when its rows and its later cells become known
  clinseek-tui contract --table admissions   one of them
  clinseek-tui contract --json               the same for a script

A cell that no line names is known with its row. Times are SQL over the row and the clocks that
docs/temporal-contract.md explains.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--table", metavar="NAME", help="only this table")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Print the contract; 0."""
    chosen = CONTRACT if args.table is None else {_known(args.table): CONTRACT[_known(args.table)]}
    if args.json:
        print(json.dumps({name: _facts(name, rule) for name, rule in chosen.items()}))
        return 0
    if args.table is None:
        print(_LEGEND)
    for name, rule in chosen.items():
        for line in _lines(name, rule):
            print(line)
    if args.table is None:
        print(f"not shown: {', '.join(name for name in tables() if name not in CONTRACT)}")
    return 0


def _known(name: str) -> str:
    wanted = name.strip().lower()
    if wanted in CONTRACT:
        return wanted
    if wanted in tables():
        raise InputError(f"{wanted}: has no rule in the contract, and so is not shown to anyone")
    near = difflib.get_close_matches(wanted, CONTRACT, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`clinseek-tui contract` lists them all"
    raise InputError(f"{name}: no table of the contract; {hint}")


def _facts(name: str, rule: Rule) -> dict[str, Any]:
    """A table's rule as data; times are SQL."""
    return {
        "module": tables()[name].module,
        "row": "always" if rule.available == ALWAYS else rule.available,
        "row_in_words": rule.says or None,
        "plus_coding_lag": rule.coded,
        "row_by_event": rule.event or None,
        "row_by_interval_start": rule.started or None,
        "later_cells": rule.later,
        "never": list(rule.never),
        "instead": rule.derived,
        "renumbered": [*rule.counters, *(["note_id"] if rule.note_ids else [])],
        "pending": _pending(rule),
        "row_by_upstream": upstream_clock(tables()[name], rule) or "always",
    }


def _pending(rule: Rule) -> dict[str, Any] | None:
    pending = rule.pending
    if pending is None:
        return None
    return {"one_row_per": pending.key, "known": pending.known, "cells": pending.columns}


def _lines(name: str, rule: Rule) -> Iterator[str]:
    facts = _facts(name, rule)
    yield f"{facts['module']}.{name}"
    lag = "; the coding lag is added" if rule.coded and not rule.says else ""
    yield from _entry("row", (rule.says or facts["row"]) + lag)
    for clock, columns in _by_clock(rule.later).items():
        yield from _entry("later", f"{', '.join(columns)}: {clock}")
    said = {
        "by event": facts["row_by_event"],
        "started": facts["row_by_interval_start"],
        "pending": rule.pending and f"one row per {rule.pending.key} from {rule.pending.known}",
        "never": ", ".join(rule.never),
        "instead": ", ".join(f"{column} = {sql}" for column, sql in rule.derived.items()),
        "anew": ", ".join(facts["renumbered"]),
        "upstream": facts["row_by_upstream"],
    }
    for label, text in said.items():
        if text:
            yield from _entry(label, text)
    yield ""


def _by_clock(later: dict[str, str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for column, clock in later.items():
        columns.setdefault(clock, []).append(column)
    return columns


def _entry(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=f"  {label:<9}", subsequent_indent=" " * 11, break_long_words=False
    )
