import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.text import one_line, visible

SHOWN = {
    "an escape sequence": ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
    "a hyperlink (OSC 8)": ("\x1b]8;;https://x\x1b\\y", "␛]8;;https://x␛\\y"),
    "the clipboard (OSC 52)": ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
    "the eight-bit introducer": ("\x9b31m", "⟨U+009B⟩31m"),
    "a bell, a backspace, a null": ("\a\b\0", "␇␈␀"),
    "delete": ("a\x7f", "a␡"),
    "a carriage return": ("over\rwritten", "over␍written"),
    "a line's end of Windows": ("a\r\nb", "a\nb"),
    "right-to-left override": ("a\u202eb", "a⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩b"),
    "an isolate": ("\u2066a", "⟨U+2066⟩a"),
    "a zero-width space": ("a\u200bb", "a⟨U+200B⟩b"),
    "a byte order mark": ("\ufeffa", "⟨U+FEFF⟩a"),
    "a line separator": ("a\u2028b", "a⟨U+2028⟩b"),
    "tags": ("\U000e0041", "⟨U+E0041⟩"),
    "a lone surrogate": ("\ud800", "⟨U+D800⟩"),
    "lines and tabs": ("a\n\tb", "a\n\tb"),
    "markup": ("[bold]x[/bold] [link=http://x]", "[bold]x[/bold] [link=http://x]"),
    "other scripts": ("心臓 é ß Ω שלום", "心臓 é ß Ω שלום"),
    "a family of emoji": ("👩\u200d👧 ❤\ufe0f", "👩\u200d👧 ❤\ufe0f"),
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.values(), ids=SHOWN)
def test_what_would_act_becomes_visible(text, shown):
    assert visible(text) == shown


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(codec=None), max_size=50))
def test_nothing_that_acts_is_left_whatever_the_text(text):
    shown = visible(text)
    acting = [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\n\t"]
    assert acting == []
    assert not {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))} & set(shown)
    shown.encode()
    assert visible(shown) == shown


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(codec=None), max_size=200), st.integers(1, 40))
def test_one_line_is_one_line_and_no_longer_than_asked(text, width):
    line = one_line(text, width)
    assert len(line) <= width
    assert line.splitlines() in ([], [line])


def test_one_line_tells_that_it_was_cut():
    assert one_line("a  b\n c", 20) == "a b c"
    assert one_line("x" * 30, 10) == "x" * 9 + "…"
    assert one_line(" " * 5000 + "x", 10).endswith("…")


def test_five_megabytes_are_made_visible_at_once():
    text = ("\x1b[1m" + "y" * 96) * 50_000
    before = time.perf_counter()
    assert len(visible(text)) == len(text)
    assert time.perf_counter() - before < 5
