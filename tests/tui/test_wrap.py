"""Breaking untrusted text into rows of cells."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from clinseek_tui.view.wrap import shown, wrapped

HOSTILE = "\x1b[31m\x9b2J \u202egnp \u200b\u200d\ufe0f水👩\u200d⚕\ufe0f e\u0301 \t\r\x00\x7f\ud800[bold]"


def rows(text: str, width: int) -> list[str]:
    return [shown(text[span.start : span.end]) for span in wrapped(text, width)]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("", 10, [""]),
        ("short", 10, ["short"]),
        ("exactly 10", 10, ["exactly 10"]),
        ("exactly 10 and", 10, ["exactly 10", "and"]),
        ("one two three", 9, ["one two", "three"]),
        ("a" * 25, 10, ["a" * 10, "a" * 10, "a" * 5]),
        ("x " + "a" * 12, 10, ["x aaaaaaaa", "aaaa"]),
        ("two\nlines\n", 10, ["two", "lines", ""]),
        ("windows\r\nlines", 10, ["windows", "lines"]),
        ("trailing  ", 9, ["trailing "]),
        ("水水水水", 5, ["水水", "水水"]),
        ("a\tb\tc", 20, ["a   b   c"]),
        ("\x1b[31m", 20, ["␛[31m"]),
        ("[bold]x[/bold]", 20, ["[bold]x[/bold]"]),
        ("\u202eabc", 40, ["⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩abc"]),
    ],
)
def test_rows(text: str, width: int, expected: list[str]) -> None:
    assert rows(text, width) == expected


@settings(deadline=None, max_examples=100)
@given(
    st.text(alphabet=st.one_of(st.sampled_from(HOSTILE + "ab \n"), st.characters()), max_size=80),
    st.integers(8, 40),
)
def test_whatever_the_text_no_row_is_wider_than_the_pane_or_acts_on_the_terminal(
    text: str, width: int
) -> None:
    for row in rows(text, width):
        # One character that is drawn as its name may alone be wider than a narrow pane; the pane cuts it.
        assert cell_len(row) <= width or row.count("⟨") == 1
        assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in row)
        assert not set(row) & set("\u202e\u200b\u200d\ufe0f\ud800")


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet="ab \n水é", max_size=120), st.integers(8, 40))
def test_rows_put_together_again_are_the_text(text: str, width: int) -> None:
    spans = list(wrapped(text, width))
    whole = "".join(text[span.start : span.end] + span.joint for span in spans).removesuffix("\n")
    # Only blanks at the end of a line that has no room for them are left out.
    assert [line.rstrip(" ") for line in whole.split("\n")] == [line.rstrip(" ") for line in text.split("\n")]


def test_marks_without_end_over_one_letter_do_not_make_one_row_of_everything() -> None:
    assert max(map(len, rows("a" + "\u0301" * 10_000, 20))) <= 80
