"""The page of the answer: item by item, where each comes from, and the way there."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from clinseek_core.journal.events import Table
from clinseek_replay.evidence.report import evidence
from clinseek_tui.view.answer import answer_head, answer_table, items_of
from clinseek_tui.view.panes import Content


def seen_and_missed(build: Any) -> Any:
    """A run that saw two of three gold items, answered one of them, and one that it never saw."""
    given = build.table("drug dose", ("Furosemide", 20), ("Vancomycin", 1000))
    return build.run(
        build.step(1, build.call("ehr.get_latest_records", {"table_name": "labevents"}, "itemid\n1")),
        build.step(2, build.call("ehr.get_latest_records", {"table_name": "emar"}, "…", table=given)),
        build.step(3, text="Furosemide is given already, I leave Vancomycin out."),
        build.step(4, build.call("ehr.finish", {"response": ["Furosemide", "Aspirin"]}, "ok")),
        gold=("Furosemide", "Vancomycin", "Heparin"),
        answer=("Furosemide", "Aspirin"),
        answer_source="finish",
        status="answered",
        stop_reason="finish",
    )


def text_of(content: Content) -> str:
    assert isinstance(content.body, Table)
    rows = [" ".join(map(str, row)) for row in content.body.rows]
    return "\n".join([f"{block.label} {block.text}" for block in content.asked] + rows)


def test_each_item_stands_with_its_verdict_its_state_and_where_it_was_decided(build: Any) -> None:
    run = seen_and_missed(build)
    found = evidence(run)
    table = answer_table(run, found)
    assert table is not None
    rows = {row[1]: row for row in table.rows}
    assert rows["Furosemide"][0] == "✓ hit"
    assert rows["Vancomycin"][:3] == ("✗ missed", "Vancomycin", "SEEN_REJECTED")
    assert rows["Heparin"][0] == "✗ missed"
    assert rows["Aspirin"][:3] == ("± extra", "Aspirin", "FP_PARAMETRIC")
    assert [state.item for state in items_of(found)] == [row[1] for row in table.rows]
    assert rows["Vancomycin"][3].startswith("s")
    head = text_of(Content((), table, answer_head(run, found, False)))
    assert "F1 0.40   precision 0.50   recall 0.33" in head
    assert "selection" in head
    assert "in a result, not in the answer: Vancomycin" in head


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ({"gold": ("a", "b"), "answer": ("a", "c"), "status": "answered"}, ["✓ hit", "✗ missed", "± extra"]),
        ({"gold": None, "answer": ("a",), "status": "answered"}, ["answered"]),
        ({"gold": ("a",)}, ["✗ missed"]),
    ],
    ids=["scored", "no gold", "no answer yet"],
)
def test_before_the_run_has_been_read_the_items_stand_there_already(
    build: Any, fields: dict[str, Any], rows: list[str]
) -> None:
    run = build.run(**fields)
    table = answer_table(run, None)
    assert table is not None
    assert [row[0] for row in table.rows] == rows
    assert any("is being read" in block.text for block in answer_head(run, None, True))
    after = answer_table(run, evidence(run))
    assert after is not None
    assert [row[:2] for row in after.rows] == list(table.rows), "nothing moves when it has been read"


def test_a_run_with_neither_gold_nor_answer_has_no_items(build: Any) -> None:
    assert answer_table(build.run(), None) is None
    assert answer_table(build.run(gold=()), evidence(build.run(gold=()))) is None


def test_enter_goes_to_where_an_item_was_decided_and_w_says_why(
    app_of: Any, build: Any, drive: Any, look: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        at = partial(look, pilot)

        screen = await at("f1")
        assert "answer against gold" in screen
        assert "SEEN_REJECTED" in screen
        why = await at("j", "w")
        assert "where it comes from" in why
        assert "SEEN_REJECTED     Vancomycin" in why
        assert "it saw  s2.c1.r2 drug" in why
        back = await at("escape")
        assert "answer against gold" in back
        assert "row 2/4" in back, "the item is still selected"
        await at("enter")
        place = pilot.app.screen.looking
        assert place.page is None
        assert place.anchor == "s3"
        assert "I leave Vancomycin out" in shows(pilot.app)
        screen = await at("=", "k", "enter")
        assert "s2.c1 ehr.get_latest_records" in screen
        assert "row 1/2" in screen
        assert "nothing in the run shows it" in await at("=", "end", "enter")

    drive(app_of(seen_and_missed(build)), story)


def test_the_page_opens_on_a_narrow_screen_that_shows_the_timeline(
    app_of: Any, build: Any, drive: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        await pilot.press("shift+tab", "f1")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert "answer against gold" in shows(pilot.app)
        assert "w why" in shows(pilot.app)

    drive(app_of(seen_and_missed(build)), story, size=(80, 24))
