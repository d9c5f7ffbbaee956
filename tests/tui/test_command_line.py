"""What a line of the command line means, and what is offered while it is typed."""

from __future__ import annotations

import pytest

from clinseek_core.errors import InputError
from clinseek_tui.keys import COMMANDS, words
from clinseek_tui.view.command_line import Around, choices, read_line

AROUND = Around(
    has={"breaks", "runs"},
    marks=lambda: (("dose", "s4.c1"), ("doubt", "s9")),
    breakpoints=lambda: ("error",),
    tools=lambda: ("ehr.run_sql_query", "browser.search"),
    runs=lambda: ("case-1 answered", "case-2 error"),
)


def offered(line: str) -> list[str]:
    return [choice.line for choice in choices(line, AROUND)]


@pytest.mark.parametrize(
    ("line", "word", "argument"),
    [
        ("quit", "quit", ""),
        ("  goto  s12.c1 ", "goto", "s12.c1"),
        ("got s3", "goto", "s3"),
        ("find two words", "find", "two words"),
        ("filter", "filter", ""),
        ("break result:/a b/", "break", "result:/a b/"),
    ],
)
def test_a_line_is_a_word_or_its_beginning_and_what_it_takes(line: str, word: str, argument: str) -> None:
    spoken = read_line(line)
    assert spoken is not None
    assert (spoken.word.word, spoken.argument) == (word, argument)


def test_an_empty_line_says_nothing() -> None:
    assert read_line("  ") is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nonsense", "no command; there are"),
        ("b", "more than one command"),
        ("quit now", "takes nothing"),
    ],
)
def test_what_is_no_command_is_told(line: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_line(line)


def test_words_that_begin_so_are_offered_first_then_those_whose_help_says_it() -> None:
    assert offered("ma")[0] == "mark "
    assert "goto " in offered("anchor")
    assert offered("quit") == ["quit"]
    assert "pause" not in offered("pa"), "nothing is offered that does nothing now"
    assert "pause" in [choice.line for choice in choices("pa", Around(has={"live"}))]


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("break ", ["break error", "break gold:first", "break tool:", "break sql:/", "break path:$."]),
        ("break tool:e", ["break tool:ehr.run_sql_query"]),
        ("break status:li", ["break status:limited"]),
        ("to d", ["to dose", "to doubt"]),
        ("filter sql er", ["filter sql error"]),
        ("filter !tool:b", ["filter !tool:browser.search"]),
        ("run ", ["run 1", "run 2"]),
        ("export s", ["export svg"]),
    ],
)
def test_what_a_command_takes_is_offered(line: str, some: list[str]) -> None:
    assert set(some) <= set(offered(line))


def test_a_name_that_would_act_on_the_terminal_is_not_offered() -> None:
    around = AROUND._replace(tools=lambda: ("ehr.\x1b[31mred", "ehr.\u202egnp", "ehr.fine"))
    assert [choice.line for choice in choices("filter tool:e", around)] == ["filter tool:ehr.fine"]


def test_nothing_is_offered_after_a_word_that_is_none_or_takes_anything() -> None:
    assert offered("nonsense x") == offered("goto s") == offered("find x") == []


def test_every_word_has_an_action_of_its_own_and_the_form_of_one_that_keys_call() -> None:
    from clinseek_tui.screens.debugger import DebuggerScreen

    actions = [word.action.partition("(")[0] for word, _ in words().values()]
    assert [action for action in actions if not hasattr(DebuggerScreen, f"action_{action}")] == []
    asked = [action for c in COMMANDS for action in c.keys.values() if action.startswith("ask('")]
    named = [action.removeprefix("ask('").removesuffix("')") for action in asked]
    assert [word for word in named if word and word not in words()] == []
