"""`clinseek-tui config`: the settings and keys in force, where they come from, and a file to begin with."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from clinseek_core.text import one_line
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.configuration import (
    SETTINGS,
    Configuration,
    configuration_path,
    example,
    read_configuration,
)
from clinseek_tui.keymap import config_name, with_keys

__all__ = ["add_arguments", "main"]

_EXAMPLES = """\
examples:
  clinseek-tui config                      the settings in force, and the file that they come from
  clinseek-tui config --example            a whole file; every line is a comment until you change it
  clinseek-tui config --json               settings and keys for a script

Exit code 2 where the file can't be used: the message names its line.
"""
_WIDTH = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--example", action="store_true", help="print a file with all settings and keys")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead")


def main(args: argparse.Namespace) -> int:
    """Print the configuration; InputError where the file can't be used."""
    if args.example:
        say(example().splitlines())
        return 0
    configuration = read_configuration(os.environ)
    keys = {
        config_name(command): list(command.keys) for command in with_keys(configuration.keys) if command.keys
    }
    if args.json:
        settings = {setting.name: getattr(configuration, setting.name) for setting in SETTINGS}
        where = str(configuration_path(os.environ))
        say(
            [json_line({"path": where, "read": bool(configuration.path), "settings": settings, "keys": keys})]
        )
    else:
        say(_lines(configuration, keys))
    return 0


def _lines(configuration: Configuration, keys: dict[str, list[str]]) -> Iterator[str]:
    path = one_line(str(configuration_path(os.environ)), _WIDTH)
    yield f"{path}{'' if configuration.path else ' (there is none: these are the defaults)'}"
    yield ""
    for setting in SETTINGS:
        value = one_line(getattr(configuration, setting.name), _WIDTH) or "-"
        yield f"  {setting.name:<12}  {value:<12}  {setting.says}"
    yield ""
    for name in configuration.keys:
        yield f"  keys.{name}  {'  '.join(keys[name])}"
    if not configuration.keys:
        yield "  no key is changed; --example shows all"
