"""The debugger's commands: from one declaration each follow its keys, its word in the footer and its help."""

from __future__ import annotations

from collections.abc import Set
from typing import Literal, NamedTuple

__all__ = ["COMMANDS", "Command", "Need", "command_of"]

Need = Literal["live", "runs", "table", "item", "found", "open", "marked"]
"""What a command needs to do anything: a live run, several runs, a table, something to
open, hits, something open, something that has a reason."""


class Command(NamedTuple):
    """One command, or one with its opposite."""

    name: str
    """Its word in the footer."""
    shown: str
    """Its keys as people read them."""
    keys: dict[str, str]
    """Textual's key names, separated by commas, and the action of the screen that they call."""
    help: str
    group: str
    needs: frozenset[Need] = frozenset()
    footer: bool = True
    """Whether the footer names it; help names all."""

    def enabled(self, has: Set[Need]) -> bool:
        """Whether it can do anything now."""
        return self.needs <= has


def _need(*needs: Need) -> frozenset[Need]:
    return frozenset(needs)


COMMANDS: tuple[Command, ...] = (
    Command(
        "step",
        "h l",
        {"h,left": "step(-1)", "l,right": "step(1)"},
        "the call before, the call after (also ← →)",
        "Move",
    ),
    Command(
        "ends",
        "0 $",
        {"0": "end(-1)", "$": "end(1)"},
        "the case (before the first call), the last row",
        "Move",
        footer=False,
    ),
    Command(
        "run", "H L", {"H": "run(-1)", "L": "run(1)"}, "the run before, the run after", "Move", _need("runs")
    ),
    Command(
        "scroll",
        "j k",
        {
            "j,down": "read(1)",
            "k,up": "read(-1)",
            "pagedown": "read_page(1)",
            "pageup": "read_page(-1)",
            "end": "read_end(1)",
            "home": "read_end(-1)",
        },
        "scroll what has the focus (also ↑ ↓ PgUp PgDn Home End)",
        "Read",
    ),
    Command(
        "columns",
        "< >",
        {"<": "columns(-1)", ">": "columns(1)"},
        "the columns further left, further right",
        "Read",
        _need("table"),
        footer=False,
    ),
    Command(
        "open",
        "enter",
        {"enter": "open"},
        "the selected row of a table in full; from the timeline, its call",
        "Read",
        _need("item"),
    ),
    Command(
        "focus",
        "tab",
        {"tab": "go_to_pane(1)", "shift+tab": "go_to_pane(-1)"},
        "timeline, what was asked, what came back: the next of them",
        "Read",
        footer=False,
    ),
    Command("result", "1", {"1": "pane('result')"}, "what the call gave back", "Panes", footer=False),
    Command("SQL", "2", {"2": "pane('sql')"}, "the query alone", "Panes", footer=False),
    Command(
        "reasoning",
        "5",
        {"5": "pane('reasoning')"},
        "what the model thought and said in this turn",
        "Panes",
        footer=False,
    ),
    Command(
        "raw", "7", {"7": "pane('raw')"}, "arguments and result as they were given", "Panes", footer=False
    ),
    Command("search", "/", {"/": "search"}, "search the whole run: tools, arguments, texts, results", "Find"),
    Command(
        "hits", "n N", {"n": "hit(1)", "N": "hit(-1)"}, "the next hit, the one before", "Find", _need("found")
    ),
    Command(
        "answer",
        "F1",
        {"f1,=": "answer"},
        "the answer against gold, item by item: enter goes to where one was decided (also =)",
        "Find",
    ),
    Command(
        "why",
        "w",
        {"w": "why"},
        "on the answer: where the item comes from; else why the call is marked",
        "Find",
        _need("marked"),
    ),
    Command(
        "pause/go",
        "space",
        {"space": "pause"},
        "pause the run after this step, or let it go on",
        "While it runs",
        _need("live"),
    ),
    Command(
        "step once",
        "s",
        {"s": "single_step"},
        "let the paused run take one step",
        "While it runs",
        _need("live"),
    ),
    Command(
        "close",
        "esc",
        {"escape": "close"},
        "close the page; else end the search and let each row open its own pane",
        "Other",
        _need("open"),
    ),
    Command("help", "?", {"?": "help"}, "these keys", "Other"),
    Command("quit", "q", {"q": "quit"}, "back, then quit; a live run stops and its journal is safe", "Other"),
)


def command_of(action: str) -> Command | None:
    """The command that an action's name belongs to; None for actions of others."""
    return _BY_ACTION.get(action)


_BY_ACTION = {action.partition("(")[0]: command for command in COMMANDS for action in command.keys.values()}
