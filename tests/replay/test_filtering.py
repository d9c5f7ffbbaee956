"""Filters of the timeline: words, and what they keep."""

from __future__ import annotations

from typing import Any

import pytest

from clinseek_core.errors import InputError
from clinseek_replay.filtering import WORDS, read_filter
from clinseek_replay.trajectory import Call, Result, Step


def call(name: str, status: Any = "ok", full: int = 0) -> Call:
    result = None if status == "pending" else Result(status=status, text="x", full_characters=max(full, 1))
    return Call(anchor="s1.c1", id="1", name=name, arguments={}, result=result)


STEP = Step(number=1)
CALLS: dict[str, Call | None] = {
    "sql": call("ehr.run_sql_query"),
    "table": call("ehr.get_latest_records", "empty"),
    "candidates": call("ehr.get_candidates_by_name", full=9),
    "web": call("browser.search", "refused"),
    "image": call("image.view", "limited"),
    "think": call("ehr.think"),
    "turn": None,
    "finish": call("ehr.finish", "error"),
    "other": call("calculator", "pending"),
}


def kept(text: str, signs: dict[str, tuple[Any, ...]] | None = None) -> list[str]:
    wanted = read_filter(text)
    return [name for name, one in CALLS.items() if wanted.keeps(STEP, one, (signs or {}).get(name, ()))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", list(CALLS)),
        ("sql", ["sql"]),
        ("table", ["table"]),
        ("candidates", ["candidates"]),
        ("web image", ["web", "image"]),
        ("think", ["think", "turn"]),
        ("finish", ["finish"]),
        ("error", ["finish"]),
        ("empty refused limited pending", ["table", "web", "image", "other"]),
        ("cut", ["candidates"]),
        ("tool:browser.*", ["web"]),
        ("tool:ehr.get_* !cut", ["table"]),
        ("!think !table !web !image !candidates", ["sql", "finish", "other"]),
    ],
)
def test_a_word_keeps_its_kind_several_keep_each_and_a_bang_leaves_out(text: str, names: list[str]) -> None:
    assert kept(text) == names


def test_signs_are_filtered_by_once_they_are_found() -> None:
    signs: dict[str, tuple[Any, ...]] = {"sql": ("leak",), "table": ("gold", "repeat")}
    assert kept("leak", signs) == ["sql"]
    assert kept("gold", signs) == kept("repeat", signs) == ["table"]
    assert kept("leak") == []
    assert read_filter("sql !leak").by_signs
    assert not read_filter("sql error").by_signs


@pytest.mark.parametrize("text", ["sqll", "tool:", "!nothing", "leak;"])
def test_what_is_no_word_is_refused_with_the_words_there_are(text: str) -> None:
    with pytest.raises(InputError, match="there are sql, table"):
        read_filter(text)


def test_every_word_is_told_and_takes_itself() -> None:
    for word in WORDS:
        assert read_filter(word.word).some == (word,)
        assert word.says
