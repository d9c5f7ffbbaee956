"""The replay debugger without a screen: a session, and the commands that change and tell it."""

from clinseek_tui.repl.completing import completions
from clinseek_tui.repl.moving import here, where
from clinseek_tui.repl.session import Session
from clinseek_tui.repl.table import COMMANDS, Command, carry_out, command_named, repeats

__all__ = [
    "COMMANDS",
    "Command",
    "Session",
    "carry_out",
    "command_named",
    "completions",
    "here",
    "repeats",
    "where",
]
