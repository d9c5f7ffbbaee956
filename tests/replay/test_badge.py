"""The badge of an image tool's result: who answered, whatever the result says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clinseek_replay.badge import badge
from clinseek_replay.trajectory import Call, Result


def call(text: str, name: str = "image.chest_xray_classifier") -> Call:
    result = Result(status="ok", text=text, full_characters=len(text))
    return Call(anchor="s1.c1", id="1", name=name, arguments={}, result=result)


def told(backend: Any) -> str:
    return json.dumps({"output": {}, "metadata": {"backend": backend}})


def test_a_badge_is_what_the_result_of_an_image_tool_names() -> None:
    assert badge(call(told("local"))) == "local"
    assert badge(call(told("local"), "ehr.run_sql_query")) == ""
    assert badge(Call(anchor="s1.c1", id="1", name="image.chest_xray_classifier", arguments={})) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"backend"',
        '{"metadata": ["backend"]}',
        '["backend"]',
        told(7),
        told(None),
        "[" * 10_000 + '"backend"',
    ],
    ids=range(7),
)
def test_a_result_of_another_shape_has_none(text: str) -> None:
    assert badge(call(text)) == ""


def test_a_hostile_badge_is_one_short_visible_line() -> None:
    shown = badge(call(told("\x1b[2J\n\u202elocal" + "x" * 1000)))
    assert shown.isprintable()
    assert len(shown) <= 20
