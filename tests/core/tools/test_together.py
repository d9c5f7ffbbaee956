"""Several toolboxes as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from clinseek_core.tools import PastCall, Remembering, Together, ToolResult, ToolSpec


class Box:
    def __init__(self, *names: str) -> None:
        parameters = {"type": "object", "properties": {}, "required": []}
        self.specs = tuple(ToolSpec(name=name, description="", parameters=parameters) for name in names)

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        return ToolResult(status="ok", text=f"{self.specs[0].name} answers {name} {arguments}")


class Memory(Box):
    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self.restored: list[str] = []

    def restore(self, calls: Iterable[PastCall]) -> None:
        self.restored += [call.place for call in calls]


def past(place: str, name: str) -> PastCall:
    return PastCall(place=place, name=name, arguments={}, status="ok", text="")


def test_each_call_is_answered_by_the_box_that_offers_it() -> None:
    together = Together(Box("ehr.a", "ehr.b"), Box("browser.open"))
    assert [spec.name for spec in together.specs] == ["ehr.a", "ehr.b", "browser.open"]
    assert together.call("ehr.b", {"x": 1}).text == "ehr.a answers ehr.b {'x': 1}"
    assert together.call("browser.open", {}).text == "browser.open answers browser.open {}"


@pytest.mark.parametrize(
    ("name", "first"),
    [("browser.serch", "browser.open"), ("ehr.z", "ehr.a"), ("x.y", "ehr.a"), ("", "ehr.a")],
)
def test_a_name_that_nobody_offers_is_answered_by_its_family(name: str, first: str) -> None:
    together = Together(Box("ehr.a"), Box("browser.open"))
    assert together.call(name, {}).text.startswith(f"{first} answers")


def test_a_box_that_remembers_gets_its_own_calls_back_in_order() -> None:
    web, films = Memory("browser.open", "browser.find"), Memory("image.x")
    together = Together(Box("ehr.a"), web, films)
    calls = ("browser.open", "ehr.a", "image.x", "browser.find", "browser.gone")
    together.restore(past(f"s{number}.c1", name) for number, name in enumerate(calls, 1))
    assert web.restored == ["s1.c1", "s4.c1"]
    assert films.restored == ["s3.c1"]
    assert isinstance(together, Remembering)
    assert not isinstance(Box("ehr.a"), Remembering)


def test_two_boxes_with_a_tool_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="same name"):
        Together(Box("ehr.a"), Box("ehr.b", "ehr.a"))
