"""The debugger's commands: from one declaration each follow its keys, its word in the footer and its help."""

from __future__ import annotations

from collections.abc import Set
from typing import Literal, NamedTuple

__all__ = [
    "COMMANDS",
    "Command",
    "Need",
    "Takes",
    "Word",
    "command_of",
    "words",
]

Need = Literal[
    "live",
    "waiting",
    "runs",
    "item",
    "found",
    "open",
    "marked",
    "breaks",
    "ehr",
    "made",
    "query",
    "scale",
    "wide",
    "film",
    "films",
    "run",
    "two",
    "case",
    "suggestion",
    "said",
]
"""What a command needs to do anything: a live run, a call of it that waits for a person, several runs, a
table, something to open, hits, something open, something that has a reason, a breakpoint, a call of the
record, a call made anew, a query, a page or a film with a scale, one that goes on at its side, a film,
several films; of a table of runs a run that can be opened, two that are marked, several of its case; in the
inbox a finding, something that was said and can be taken back."""


Takes = Literal["", "ANCHOR", "BREAKPOINT", "FILTER", "MARK", "RUN", "TEXT", "THEME", "WHAT"]
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
        "the columns further left, further right; over a film that is larger than its room",
        "Read",
        _need("wide"),
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
    _pane("image", "3", "image", "the film that the call looked at, or those of the case"),
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
        "in the time lens: closer to the cutoff, further back; on a film: larger, smaller",
        "Look into",
        _need("scale"),
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
        "contrast",
        "( )",
        {"(": "film_contrast(-1)", ")": "film_contrast(1)"},
        "a wider window of grey values, a narrower one",
        "Films",
        _need("film"),
        words=(Word("window", "film_window", "TEXT", "centre and width of the grey values: 128,80"),),
    ),
    Command(
        "light",
        "{ }",
        {"{": "film_light(-1)", "}": "film_light(1)"},
        "darker, brighter",
        "Films",
        _need("film"),
        footer=False,
    ),
    Command(
        "whole",
        "r",
        {"r": "film_whole"},
        "the whole film by its own window",
        "Films",
        _need("film"),
        footer=False,
        words=(Word("whole", "film_whole"),),
    ),
    Command(
        "outlines",
        "v",
        {"v": "film_outlines"},
        "the boxes and structures that the call found, or the bare film",
        "Films",
        _need("film"),
        words=(Word("outlines", "film_outlines"),),
    ),
    Command(
        "prior",
        "p",
        {"p": "film_prior"},
        "the film taken before this one at its side, or this one alone",
        "Films",
        _need("film", "films"),
        words=(Word("prior", "film_prior"),),
    ),
    Command(
        "film",
        ", .",
        {"comma": "film(-1)", ".": "film(1)"},
        "the film taken before, after",
        "Films",
        _need("film", "films"),
        words=(Word("film-before", "film(-1)"), Word("film-after", "film(1)")),
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
        "plan",
        "P",
        {"P": "plan"},
        "how the query is answered: each operator with its time and rows; it runs once more for that",
        "The record",
        _need("query"),
        footer=False,
        words=(Word("plan", "plan"),),
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
        "fork",
        "F",
        {"F": "ask('fork')"},
        "go on from this step in a new run: leak, result TEXT, prompt TEXT, model NAME [URL], or as it is",
        "The record",
        footer=False,
        words=(Word("fork", "fork", "TEXT", "leak, result TEXT, prompt TEXT, model NAME [URL], or nothing"),),
    ),
    Command(
        "ask first",
        "A",
        {"A": "approve_calls"},
        "let each call wait for you before it runs, or no longer",
        "While it runs",
        _need("live"),
        footer=False,
        words=(Word("approve", "approve_calls"),),
    ),
    Command(
        "allow",
        "a",
        {"a": "allow_call"},
        "run the call that waits",
        "While it runs",
        _need("waiting"),
        words=(Word("allow", "allow_call"),),
    ),
    Command(
        "change",
        "E",
        {"E": "ask('change')"},
        "run the call that waits with other arguments, written as JSON",
        "While it runs",
        _need("waiting"),
        words=(Word("change", "change_call", "TEXT", "the arguments as a JSON object"),),
    ),
    Command(
        "refuse",
        "d",
        {"d": "ask('refuse')"},
        "do not run the call that waits; the model is told, and why",
        "While it runs",
        _need("waiting"),
        words=(Word("refuse", "refuse_call", "TEXT", "why, for the model; may be empty"),),
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
    Command(
        "copy",
        "y",
        {"y": "copy"},
        "copy what the pane shows, through the terminal: works over SSH",
        "Take out",
        footer=False,
        words=(Word("copy", "copy"),),
    ),
    Command(
        "pager",
        "o",
        {"o": "open_outside('pager')"},
        "what the pane shows, in your pager",
        "Take out",
        footer=False,
        words=(Word("pager", "open_outside('pager')"),),
    ),
    Command(
        "editor",
        "O",
        {"O": "open_outside('editor')"},
        "a copy of what the pane shows, in your editor",
        "Take out",
        footer=False,
        words=(Word("editor", "open_outside('editor')"),),
    ),
    Command(
        "theme",
        ":theme",
        {},
        "other colours until you leave; the file of settings keeps them",
        "Other",
        footer=False,
        words=(Word("theme", "colours", "THEME"),),
    ),
    Command(
        "suspend",
        "ctrl+z",
        {"ctrl+z": "suspend"},
        "back to the shell; fg comes back here",
        "Other",
        footer=False,
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
