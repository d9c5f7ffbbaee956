"""The executable `clinseek-tui`: one table of commands, each imported only when it is called for."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from clinseek_core.errors import ClinseekError
from clinseek_core.text import visible
from clinseek_core.version import __version__

__all__ = ["COMMANDS", "Command", "main"]

_UNUSABLE = 2
_INTERRUPTED = 130
_PIPE_CLOSED = 141


class Command(NamedTuple):
    """A command: its name, what it does, and the module that does it."""

    name: str
    help: str
    module: str


COMMANDS = (
    Command("run", "run an agent on a case and watch it work", "clinseek_tui.commands.run"),
    Command("replay", "look at recorded runs, step by step", "clinseek_tui.commands.replay"),
    Command("repl", "look at runs by commands, in a terminal or a script", "clinseek_tui.commands.repl"),
    Command("sql", "ask a record by SQL, as it was known at a time", "clinseek_tui.commands.sql"),
    Command("show", "a film in the terminal", "clinseek_tui.commands.show"),
    Command("why", "from an answered item back to rows; where the F1 went", "clinseek_tui.commands.why"),
    Command("report", "the paper's tables, and what two sets do differently", "clinseek_tui.commands.report"),
    Command("score", "mean F1 by our rule and the reference's", "clinseek_tui.commands.score"),
    Command("fork", "go on from a step of a run with something changed", "clinseek_tui.commands.fork"),
    Command("reexec", "run a recording's EHR calls again, without a model", "clinseek_tui.commands.reexec"),
    Command("export", "write recordings in other formats, or as a page", "clinseek_tui.commands.export"),
    Command("diff", "two runs of a case, call by call, or many as a matrix", "clinseek_tui.commands.diff"),
    Command("audit", "find what runs saw before it was known", "clinseek_tui.commands.audit"),
    Command("triage", "what went wrong in runs, by code and place", "clinseek_tui.commands.triage"),
    Command("ingest", "make a store from a MIMIC-IV tree, once", "clinseek_tui.commands.ingest"),
    Command("cases", "the benchmark's cases: list, show, build", "clinseek_tui.commands.cases"),
    Command("bench", "many cases, with tools and without", "clinseek_tui.commands.bench"),
    Command("mcp", "serve a case's tools to a foreign agent", "clinseek_tui.commands.mcp"),
    Command("serve", "the app in a browser", "clinseek_tui.commands.serve"),
    Command("weights", "import weights of models that look at films", "clinseek_tui.commands.weights"),
    Command("contract", "print when each row and cell is known", "clinseek_tui.commands.contract"),
    Command("tour", "a guided first look, on a bundled case", "clinseek_tui.commands.tour"),
    Command("config", "the settings in force, and a file to begin with", "clinseek_tui.commands.config"),
    Command("doctor", "what works here, and how to get what does not", "clinseek_tui.commands.doctor"),
)

_EXAMPLES = """\
examples:
  clinseek-tui run                            the agent on the first bundled case, in the app
  clinseek-tui run --headless --out traj.jsonl    the same without a screen
  clinseek-tui replay traj.jsonl              what it did, step by step
  clinseek-tui replay results.jsonl --plain --step 3    one step as text

`clinseek-tui COMMAND --help` tells of a command and its options.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what a person can mend is told in one line."""
    _let_any_text_pass()
    try:
        code = _dispatch(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except ClinseekError as error:
        line = visible(str(error)).replace("\n", " ")
        print(f"clinseek-tui: {line}", file=sys.stderr)
        return _UNUSABLE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # What is left in the buffer has no reader; without this the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    return code


class _InstallCompletion(argparse.Action):
    """Offers the completion of a shell and leaves."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002 -- argparse's own
        values: object,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Do it; the exit code is the parser's end."""
        from clinseek_tui.completion import install_completion  # noqa: PLC0415 -- loads every command

        parser.exit(install_completion(str(values or ""), COMMANDS))


def _dispatch(argv: list[str]) -> int:
    command = next((command for command in COMMANDS if argv[:1] == [command.name]), None)
    if command is None:
        named = _parser_of_all().parse_args(argv).command
        return _dispatch(argv[argv.index(named) :])
    # The parser of this command alone: those of the others would be half of the time to the first line.
    module = importlib.import_module(command.module)
    parser = argparse.ArgumentParser(
        prog=f"clinseek-tui {command.name}",
        description=f"{command.help[:1].upper()}{command.help[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return int(module.main(parser.parse_args(argv[1:])))


def _parser_of_all() -> argparse.ArgumentParser:
    """Names the commands; it is asked where the first word is none of them."""
    parser = argparse.ArgumentParser(
        prog="clinseek-tui",
        description="Run, watch and replay clinical evidence-seeking agents in the terminal.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"clinseek-tui {__version__}")
    parser.add_argument(
        "--install-completion",
        action=_InstallCompletion,
        nargs="?",
        metavar="SHELL",
        help="completion for bash, fish or zsh: asks where to write it, or prints it in a pipe",
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        subparsers.add_parser(command.name, help=command.help)
    return parser


def _let_any_text_pass() -> None:
    """Let a terminal that is not UTF-8 get `\\u2713` instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
