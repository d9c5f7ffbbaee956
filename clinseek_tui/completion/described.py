"""The command line as values: what completion of any shell is made from, read off the parsers themselves."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from clinseek_fixtures import bundled_cases

__all__ = ["Described", "Option", "Takes", "described"]

_FILES = ("FILE", "FOLDER", "PATH", "IMAGE", "SRC", "DEST")
"""Names of arguments in help that stand for a file or folder."""
_CASES = "case"


class Takes(NamedTuple):
    """What an option or an argument takes."""

    kind: Literal["nothing", "words", "files", "text"]
    words: tuple[str, ...] = ()


class Option(NamedTuple):
    """One option of a command."""

    flags: tuple[str, ...]
    help: str
    takes: Takes


class Described(NamedTuple):
    """One command."""

    name: str
    help: str
    options: tuple[Option, ...]
    arguments: Takes
    """What may stand where no option is."""


def described(commands: Iterator[tuple[str, str, str]]) -> tuple[Described, ...]:
    """The commands by name, help and module, each module loaded to declare its options."""
    return tuple(_described(name, help_, module) for name, help_, module in commands)


def _described(name: str, help_: str, module: str) -> Described:
    parser = argparse.ArgumentParser()
    importlib.import_module(module).add_arguments(parser)
    actions = parser._actions
    options = tuple(
        Option(tuple(action.option_strings), _help(parser, action), _takes(action))
        for action in actions
        if action.option_strings
    )
    positionals = [_takes(action) for action in actions if not action.option_strings]
    words = tuple(word for takes in positionals for word in takes.words)
    files = any(takes.kind == "files" for takes in positionals)
    kind: Literal["nothing", "words", "files"] = "files" if files else "words" if words else "nothing"
    return Described(name, help_, options, Takes(kind, words))


def _takes(action: argparse.Action) -> Takes:
    if action.nargs == 0:
        return Takes("nothing")
    if action.choices is not None:
        return Takes("words", tuple(map(str, action.choices)))
    if action.dest == _CASES and not action.option_strings:
        return Takes("files", tuple(case.qid for case in bundled_cases()))
    is_file = action.type is Path or (isinstance(action.metavar, str) and action.metavar in _FILES)
    return Takes("files" if is_file else "text")


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    formatter: Any = parser._get_formatter()
    text = formatter._expand_help(action) if action.help else ""
    return " ".join(str(text).split())
