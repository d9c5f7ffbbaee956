"""The debugger's commands: from one declaration each follow its keys, its word in the footer and its help."""

from __future__ import annotations

from collections.abc import Set
from typing import Literal, NamedTuple

__all__ = ["COMMANDS", "Command", "Need", "Takes", "Word", "command_of", "words"]

Need = Literal["live", "runs", "table", "item", "found", "open", "marked", "breaks", "ehr", "made", "lens"]
"""What a command needs to do anything: a live run, several runs, a table, something to
open, hits, something open, something that has a reason, a breakpoint, a call of the record,
a call made anew, the time lens."""


Takes = Literal["", "ANCHOR", "BREAKPOINT", "FILTER", "MARK", "RUN", "TEXT", "WHAT"]
"""What follows a word on the command line: nothing, or something of this kind."""


class Word(NamedTuple):
    """A command as it is written on the command line."""

    word: str
    action: str
    """The action with its arguments as a key calls it; its bare name where the word takes something."""
    takes: Takes = ""
    hint: str = ""
    """What is asked for, in the prompt that a key opens."""


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
    words: tuple[Word, ...] = ()
    """How it is written on the command line."""

    def enabled(self, has: Set[Need]) -> bool:
        """Whether it can do anything now."""
        return self.needs <= has


def _need(*needs: Need) -> frozenset[Need]:
    return frozenset(needs)


def _pane(name: str, key: str, pane: str, help: str) -> Command:  # noqa: A002 -- the field's own name
    action = f"pane('{pane}')"
    return Command(
        name, key.replace(",", " "), {key: action}, help, "Panes", footer=False, words=(Word(pane, action),)
    )


COMMANDS: tuple[Command, ...] = (
    Command(
        "step",
        "h l",
        {"h,left": "step(-1)", "l,right": "step(1)"},
        "the call before, the call after (also ← →)",
        "Move",
        words=(Word("next", "step(1)"), Word("back", "step(-1)")),
    ),
    Command(
        "ends",
        "0 $",
        {"0": "end(-1)", "$": "end(1)"},
        "the case (before the first call), the last row",
        "Move",
        footer=False,
        words=(Word("first", "end(-1)"), Word("last", "end(1)")),
    ),
    Command(
        "run",
        "H L",
        {"H": "run(-1)", "L": "run(1)"},
        "the run before, the run after",
        "Move",
        _need("runs"),
        words=(Word("run", "go_run", "RUN"),),
    ),
    Command(
        "go to",
        "g",
        {"g": "ask('goto')"},
        "a place by its anchor: s12, s12.c1, s12.c1.r3",
        "Move",
        footer=False,
        words=(Word("goto", "go_to", "ANCHOR", "an anchor: s12, s12.c1, s12.c1.r3"),),
    ),
    Command(
        "mark",
        "m '",
        {"m": "ask('mark')", "'": "ask('to')"},
        "name this place, go to a place that was named; names are kept beside the recording",
        "Move",
        footer=False,
        words=(
            Word("mark", "mark", "MARK", "a name for this place"),
            Word("to", "go_to_mark", "MARK", "the name of a place"),
            Word("unmark", "unmark", "MARK"),
        ),
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
    _pane("result", "1", "result", "what the call gave back"),
    _pane("SQL", "2", "sql", "the query alone"),
    _pane("page", "4", "page", "the page that a browser tool gave back"),
    _pane("reasoning", "5", "reasoning", "what the model thought and said in this turn"),
    _pane(
        "context",
        "6,e",
        "context",
        "what the model had before it at this step; enter shows a message",
    ),
    _pane("raw", "7", "raw", "arguments and result as they were given, and the bytes in the file"),
    Command(
        "search",
        "/",
        {"/": "ask('find')"},
        "search the whole run: tools, arguments, texts, results",
        "Find",
        words=(Word("find", "find", "TEXT", "search tools, arguments, texts, results"),),
    ),
    Command(
        "hits", "n N", {"n": "hit(1)", "N": "hit(-1)"}, "the next hit, the one before", "Find", _need("found")
    ),
    Command(
        "filter",
        "f",
        {"f": "ask('filter')"},
        "show only rows of a kind: sql, web, error, leak, tool:NAME, !think; nothing shows all",
        "Find",
        footer=False,
        words=(Word("filter", "filter", "FILTER", "kinds: sql, web, error, leak, tool:NAME, !think"),),
    ),
    Command(
        "break",
        "b",
        {"b": "ask('break')"},
        "set a breakpoint, or take one away: error, tool:NAME, gold:first, sql:/regex/",
        "Stops",
        footer=False,
        words=(
            Word("break", "set_break", "BREAKPOINT", "a breakpoint: error, tool:NAME, gold:first, future"),
            Word("breaks", "breaks"),
        ),
    ),
    Command(
        "to break",
        "c C",
        {"c": "go_on(1)", "C": "go_on(-1)"},
        "run on to the next breakpoint, back to the one before",
        "Stops",
        _need("breaks"),
        words=(Word("continue", "go_on(1)"), Word("reverse", "go_on(-1)")),
    ),
    Command(
        "answer",
        "F1",
        {"f1,=": "answer"},
        "the answer against gold, item by item: enter goes to where one was decided (also =)",
        "Look into",
        words=(Word("answer", "answer"),),
    ),
    Command(
        "time",
        "t",
        {"t": "lens"},
        "the record on an axis, the cutoff as a wall, what each call looked at, what leaked",
        "Look into",
        footer=False,
        words=(Word("time", "lens"),),
    ),
    Command(
        "closer",
        "+ -",
        {"+": "zoom(1)", "-": "zoom(-1)"},
        "in the time lens: closer to the cutoff, further back",
        "Look into",
        _need("lens"),
    ),
    Command(
        "why",
        "w",
        {"w": "why"},
        "on the answer: where the item comes from; else why the call is marked",
        "Look into",
        _need("marked"),
        words=(Word("why", "why"),),
    ),
    Command(
        "again",
        "x",
        {"x": "again"},
        "make this call again on the record that the run read, and compare",
        "The record",
        _need("ehr"),
        footer=False,
        words=(Word("again", "again"),),
    ),
    Command(
        "edit",
        "i",
        {"i": "edit"},
        "edit the query, or write one, and run it on the same snapshot",
        "The record",
        footer=False,
        words=(Word("sql-edit", "edit"),),
    ),
    Command(
        "made",
        "[ ]",
        {"[": "made(-1)", "]": "made(1)"},
        "the call that was made anew before, after",
        "The record",
        _need("made"),
        footer=False,
    ),
    Command(
        "pause/go",
        "space",
        {"space": "pause"},
        "pause the run after this step, or let it go on",
        "While it runs",
        _need("live"),
        words=(Word("pause", "pause"),),
    ),
    Command(
        "step once",
        "s",
        {"s": "single_step"},
        "let the paused run take one step",
        "While it runs",
        _need("live"),
        words=(Word("once", "single_step"),),
    ),
    Command(
        "close",
        "esc",
        {"escape": "close"},
        "close the page; else end the search and let each row open its own pane",
        "Other",
        _need("open"),
    ),
    Command(
        "command",
        ":",
        {":,ctrl+p": "ask('')"},
        "a command by its name, completed as it is typed (also ctrl+p)",
        "Other",
        footer=False,
    ),
    Command(
        "export",
        ":export",
        {},
        "write the screen to a file, as a picture or as text",
        "Other",
        footer=False,
        words=(Word("export", "export", "WHAT"),),
    ),
    Command("help", "?", {"?": "help"}, "these keys", "Other", words=(Word("help", "help"),)),
    Command(
        "quit",
        "q",
        {"q": "quit"},
        "back, then quit; a live run stops and its journal is safe",
        "Other",
        words=(Word("quit", "quit"),),
    ),
)


def command_of(action: str) -> Command | None:
    """The command that an action's name belongs to; None for actions of others."""
    return _BY_ACTION.get(action)


def words() -> dict[str, tuple[Word, Command]]:
    """Every word of the command line with what it is, and the command that it belongs to."""
    return {word.word: (word, command) for command in COMMANDS for word in command.words}


_BY_ACTION = {action.partition("(")[0]: command for command in COMMANDS for action in command.keys.values()}
