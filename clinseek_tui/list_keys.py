"""The commands of the screens over many runs: the table of runs and the triage inbox."""

from __future__ import annotations

from clinseek_tui.keys import Command, Need

__all__ = ["INBOX", "RUNS", "listed_command"]


def _need(*needs: Need) -> frozenset[Need]:
    return frozenset(needs)


_SCROLL = {
    "j,down": "go(1)",
    "k,up": "go(-1)",
    "pagedown": "page(1)",
    "pageup": "page(-1)",
    "end,$": "end(1)",
    "home,0": "end(-1)",
}

RUNS: tuple[Command, ...] = (
    Command(
        "move", "j k", _SCROLL, "the run below, above (also ↑ ↓ PgUp PgDn Home End)", "Move", footer=False
    ),
    Command("open", "enter", {"enter": "open"}, "look into the run; esc comes back", "Runs", _need("run")),
    Command("mark", "space", {"space": "mark"}, "mark the run, or take the mark away", "Runs", _need("run")),
    Command("diff", "d", {"d": "diff"}, "set the two marked runs side by side", "Runs", _need("two")),
    Command("matrix", "m", {"m": "matrix"}, "all runs of this case side by side", "Runs", _need("case")),
    Command(
        "sort", "s S", {"s": "sort", "S": "turn_round"}, "by the next column; the other way round", "Table"
    ),
    Command(
        "filter",
        "/",
        {"/,f": "ask"},
        "only runs that fit: a text, model:qwen, f1<0.5, leaks>0, !nothing; several words fit together",
        "Table",
    ),
    Command(
        "columns",
        "h l",
        {"h,left,<": "columns(-1)", "l,right,>": "columns(1)"},
        "the columns further left, further right",
        "Table",
        footer=False,
    ),
    Command(
        "close", "esc", {"escape": "close"}, "close the page; else show all runs", "Other", _need("open")
    ),
    Command("help", "?", {"?": "help"}, "these keys", "Other"),
    Command("quit", "q", {"q": "quit"}, "back, then quit", "Other"),
)
"""The commands of the table of runs."""

INBOX: tuple[Command, ...] = (
    Command(
        "scroll", "j k", _SCROLL, "scroll the findings (also ↑ ↓ PgUp PgDn Home End)", "Read", footer=False
    ),
    Command(
        "accept",
        "enter",
        {"enter": "accept"},
        "what the rule suggests holds: the run is done; also where nothing is left to say",
        "Label",
        _need("run"),
    ),
    Command(
        "instead",
        "1…9",
        {str(n): f"instead({n})" for n in range(1, 10)},
        "the finding of that number holds instead: the run is done",
        "Label",
        _need("suggestion"),
    ),
    Command(
        "also",
        "s",
        {"s": "split"},
        "split: what is suggested holds, and something else too; the next finding is suggested",
        "Label",
        _need("suggestion"),
    ),
    Command(
        "code",
        "o",
        {"o": "ask('code')"},
        "a code that no finding has holds: A2, or A2 s12.c1",
        "Label",
        _need("run"),
    ),
    Command("nothing", "r", {"r": "reject"}, "nothing holds here: the run is done", "Label", _need("run")),
    Command("note", "i", {"i": "ask('note')"}, "a note, kept with the next label", "Label", _need("run")),
    Command("undo", "u", {"u": "undo"}, "take back what was said last", "Label", _need("said")),
    Command(
        "skip",
        "n N",
        {"n": "skip(1)", "N": "skip(-1)"},
        "the next unlabelled run, the one before",
        "Runs",
        _need("run"),
    ),
    Command("open", "v", {"v": "open"}, "look into the run; esc comes back", "Runs", _need("run")),
    Command("close", "esc", {"escape": "close"}, "close the page", "Other", _need("open")),
    Command("help", "?", {"?": "help"}, "these keys", "Other"),
    Command("quit", "q", {"q": "quit"}, "quit; labels are kept, the inbox goes on there", "Other"),
)
"""The commands of the triage inbox."""


def listed_command(action: str, commands: tuple[Command, ...]) -> Command | None:
    """The command that an action's name belongs to; None for actions of others."""
    for command in commands:
        if any(action == each.partition("(")[0] for each in command.keys.values()):
            return command
    return None
