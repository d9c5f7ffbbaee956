"""What the screens show, as values: rows, panes, tables, words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from clinseek_core.case import Policy
from clinseek_core.journal.events import Table
from clinseek_replay.trajectory import Damage, Note
from clinseek_tui.keys import COMMANDS, command_of
from clinseek_tui.view.answer import f1
from clinseek_tui.view.blocks import Document
from clinseek_tui.view.documents import about_case, about_end, asked, given_back, raw, record, turn
from clinseek_tui.view.finding import find
from clinseek_tui.view.grid import GAP, cell, fitted, laid_out
from clinseek_tui.view.help import help_page
from clinseek_tui.view.looking import look
from clinseek_tui.view.rows import Row, rows_of
from clinseek_tui.view.sql import marks
from clinseek_tui.view.standing import mode_words, position
from clinseek_tui.view.words import cutoff, patient, policy, short_name, title


def text_of(document: Document) -> str:
    return "\n".join(f"{block.label} {block.text}".strip() for block in document)


def test_the_timeline_has_the_case_each_call_each_turn_without_one_and_the_end(build: Any) -> None:
    rows = rows_of(build.story())
    assert [row.kind for row in rows] == ["case", "call", "call", "think", *["call"] * 6, "end"]
    assert [row for row in rows if row.step == 5] == [
        Row("call", 5, 0, False),
        Row("call", 5, 1, False),
        Row("call", 5, 2),
    ]
    assert [row.kind for row in rows_of(build.run())] == ["case"]
    assert [row.kind for row in rows_of(build.run(status="error"))] == ["case", "end"]


def test_one_begins_at_the_first_step_of_a_recording_at_the_end_of_a_growing_run_or_where_one_says(
    build: Any,
) -> None:
    story = build.story()
    assert look(story).row == Row("call", 0)
    assert look(story, at_end=True).row.kind == "end"
    assert look(story, step=6).row == Row("call", 5, 0, False)
    assert look(story, step=99).row.kind == "end"
    assert look(build.run()).row.kind == "case"
    assert look(build.run(status="error")).row.kind == "end"


def test_a_step_stays_inside_the_run_and_closes_the_page(build: Any) -> None:
    here = look(build.story()).opened("help")
    assert here.at(-5).selected == 0
    assert here.at(99).at_end
    assert here.at(3).page is None


@pytest.mark.parametrize(
    ("number", "panes"),
    [
        (1, ("result", "reasoning", "context", "raw")),
        (3, ("reasoning", "context", "raw")),
        (4, ("result", "sql", "reasoning", "context", "raw")),
    ],
)
def test_the_first_pane_a_row_has_opens_by_itself(build: Any, number: int, panes: tuple[str, ...]) -> None:
    here = look(build.story(), step=number)
    assert here.panes == panes
    assert here.pane == panes[0]


def test_a_chosen_pane_stays_for_the_rows_that_have_it(build: Any) -> None:
    here = look(build.story(), step=4).wishing("sql")
    assert here.pane == "sql"
    assert here.at(here.selected - 1).pane == "reasoning"
    assert here.at(here.selected + 1).pane == "sql"
    assert here.closed().pane == "result"


def test_the_end_of_a_growing_run_is_followed_and_any_other_row_stays_selected(build: Any) -> None:
    story = build.story()
    young = build.run(*story.steps[:3])
    assert look(young, at_end=True).grown(story).row.kind == "end"
    assert look(young).grown(story).row == Row("call", 0)
    assert look(story, at_end=True).grown(young).row == Row("think", 2)


def test_a_search_goes_from_hit_to_hit_through_rows_and_panes(build: Any) -> None:
    here = look(build.story(), step=3)
    here = here.found(find(here.trajectory, "creatinine", here.row))
    assert here.row == Row("think", 2)
    assert here.pane == "reasoning"
    assert str(here.finding) == "38/77 creatinine"  # 37 rows of step 2 come before
    here = here.hit(1).hit(1)
    assert (here.row, here.pane) == (Row("call", 3), "result")
    assert here.finding.hit.field == "argument"
    assert here.hit(1).finding.nth == 0
    assert here.hit(2).finding.nth == 1
    assert here.hit(-3).finding.hit.field == "row"
    nothing = here.found(find(here.trajectory, "xyz", here.row))
    assert str(nothing.finding) == "nothing found: xyz"
    assert nothing.row == here.row


def test_a_result_with_a_table_is_a_table_and_an_error_is_a_text(build: Any) -> None:
    story = build.story()
    assert isinstance(look(story, step=4).content.body, Table)
    assert text_of(look(story, step=5).content.body).startswith("Catalog Error")
    assert "FROM diagnoses" in text_of(look(story, step=5).content.asked)


def test_a_row_of_a_table_can_be_read_in_full(build: Any) -> None:
    table = build.table("name value", ("x" * 500, None))
    assert text_of(record(table, 0)) == f"name {'x' * 500}\nvalue null"
    here = look(build.story(), step=4).opened("record", 2)
    assert here.content.title[0][0] == "s4.c1.r3 in full"
    assert "2150-03-02 21:10" in text_of(here.content.body)


def test_what_a_call_asked_is_its_sql_or_its_arguments_or_what_was_no_json(build: Any) -> None:
    both = build.call("ehr.run_sql_query", {"sql_query": "select 1 from x", "limit": 5})
    assert text_of(asked(both)) == "select 1\nfrom x\nlimit 5"
    assert text_of(asked(build.call("x", {"a": [1, "é"]}))) == 'a [1, "é"]'
    assert text_of(asked(build.call("x", {}))) == ""
    broken = build.call("x", None, raw="{not json")
    assert "not a JSON object" in text_of(asked(broken))
    assert "{not json" in text_of(asked(broken))


def test_what_came_back_says_when_it_was_cut_is_empty_or_is_not_there(build: Any) -> None:
    assert "the model got 2 of 300 characters" in text_of(given_back(build.call("x", {}, "ab", full=300)))
    assert "∅" in text_of(given_back(build.call("x", {}, "")))
    assert "no result" in text_of(given_back(build.call("x", {}, status="pending")))
    assert given_back(build.call("x", {}, "no", status="refused"))[0].style == "error"


def test_a_turn_shows_reasoning_text_and_what_happened_beside_it(build: Any) -> None:
    step = build.step(1, text="t", reasoning="r", notes=(Note("retry", "429; tried again after 2 s"),))
    assert text_of(turn(step)) == "reasoning\nr\n\ntext\nt\n\nnotes\nretry 429; tried again after 2 s"
    assert "without reasoning" in text_of(turn(build.step(1)))


def test_raw_gives_arguments_and_result_as_they_were(build: Any) -> None:
    step = build.step(1, build.call("ehr.x", {"a": 1}, "line\nline", full=99))
    shown = text_of(raw(step, step.calls[0]))
    assert '{\n  "a": 1\n}' in shown
    assert "line\nline" in shown
    assert "9 of 99 characters" in shown
    assert "tool ehr.x" in shown


def test_the_case_says_what_is_known_and_what_is_not(build: Any) -> None:
    known = text_of(about_case(build.story()))
    assert "policy available, exclusive" in known
    assert "candidates (4)" in known
    unknown = build.run(subject_id=None, prediction_time=None, policy=None, model="", question="")
    shown = text_of(about_case(unknown))
    for line in ("patient unknown", "cutoff unknown", "policy unknown", "model unknown", "no step"):
        assert line in shown
    assert "line 17 not JSON" in text_of(about_case(build.run(damage=(Damage(17, "not JSON"),))))


def test_the_answer_is_told_item_by_item(build: Any) -> None:
    shown = text_of(about_end(build.story()))
    assert "F1 0.50   precision 0.50   recall 0.50" in shown
    assert "✓ hit Piperacillin-Tazobactam" in shown
    assert "✗ missed Furosemide" in shown
    assert "± extra Vancomycin" in shown


@pytest.mark.parametrize(
    ("fields", "word", "line"),
    [
        ({"gold": None, "answer": ("a",), "status": "answered"}, "no gold", "no gold"),
        ({"gold": ("a",)}, "F1 –", "not answered yet"),
        ({"gold": ("a",), "status": "stopped"}, "F1 0.00", "missed a"),
        ({"gold": ("a",), "answer": ("A",)}, "F1 1.00", "hit a"),
        ({"status": "error", "message": "429 after 5 tries"}, "no gold", "message 429 after 5 tries"),
    ],
)
def test_the_score_is_said_where_there_is_one(
    build: Any, fields: dict[str, Any], word: str, line: str
) -> None:
    run = build.run(**fields)
    assert f1(run) == word
    assert line in text_of(about_end(run))


def test_words_of_the_header(build: Any) -> None:
    run = build.run(prediction_time=datetime(2150, 3, 3, 6, 0, 1), policy=Policy(basis="upstream"))
    assert (patient(run), cutoff(run), policy(run)) == (
        "90000001",
        "2150-03-03 06:00:01",
        "upstream, exclusive",
    )
    assert short_name("ehr.get_records_by_time") == "records_by_time"
    assert short_name("browser.search") == "browser.search"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"text": "x" * 2145}, "s1.c1 t · 4 ms · 2.1 kB"),
        ({"text": "水"}, "s1.c1 t · 4 ms · 3 B"),
        ({"text": "x", "status": "error"}, "s1.c1 t ✗ error · 4 ms · 1 B"),
        ({"status": "pending"}, "s1.c1 t ◌ pending"),
        ({"table": Table(columns=("a",), rows=((1,),), total=1)}, "s1.c1 t · 4 ms · 1 row · 0 B"),
        (
            {"table": Table(columns=("a",), rows=((1,),), total=2000)},
            "s1.c1 t · 4 ms · 1 of 2,000 rows · 0 B",
        ),
    ],
)
def test_the_title_of_a_call(build: Any, call: dict[str, Any], expected: str) -> None:
    assert "".join(text for text, _ in title(build.call("t", {}, **call))) == expected


@pytest.mark.parametrize(
    ("mode", "state", "paused", "quiet", "words"),
    [
        ("replay", "ended", False, 99, "replay"),
        ("replay", "", False, 99, "replay · no end"),
        ("live", "growing", False, 9.9, "live"),
        ("live", "growing", True, 99, "live · paused"),
        ("live", "ended", True, 0, "live · ended"),
        ("follow", "growing", False, 47, "follow · quiet for 40 s"),
        ("follow", "growing", False, 200, "follow · quiet for 3 min"),
        ("follow", "gone", False, 0, "follow · writer gone"),
    ],
)
def test_the_mode_says_whether_the_run_goes_on(
    mode: Any, state: str, paused: bool, quiet: float, words: str
) -> None:
    assert mode_words(mode, state, paused, quiet) == words


def test_the_position_is_the_step_of_the_row(build: Any) -> None:
    story = build.story()
    rows = rows_of(story)
    assert [position(story, row) for row in (rows[0], rows[1], rows[7], rows[-1])] == [
        "0/7",
        "1/7",
        "6/7",
        "7/7",
    ]
    assert position(build.run(), Row("case")) == "0/0"


def test_columns_are_as_wide_as_their_values_and_numbers_stand_right(build: Any) -> None:
    table = build.table("label valuenum ok", ("Creatinine", 1.9, True), ("K", 12, None))
    label, value, ok = laid_out(table, 80)
    assert (label.width, value.width, ok.width) == (10, 8, 4)
    assert (value.start, value.numeric, ok.numeric) == (10 + GAP, True, False)
    assert cell(1.9, value) == "     1.9"
    assert cell("K", label) == "K         "
    assert cell(None, ok) == "null"


def test_wide_columns_give_way_until_all_fit_but_no_further_than_stays_readable(build: Any) -> None:
    wide = build.table("a b c", ("x" * 300, "y" * 45, "short"))
    widths = [column.width for column in laid_out(wide, 100)]
    assert widths == [46, 45, 5]
    assert sum(widths) + 2 * GAP <= 100
    assert [column.width for column in laid_out(wide, 10)] == [20, 20, 5]
    assert cell("x" * 300, laid_out(wide, 10)[0]) == "x" * 19 + "…"


def test_a_table_of_400_columns_or_none_and_rows_of_other_lengths_are_laid_out(build: Any) -> None:
    assert len(laid_out(build.table(" ".join(f"c{n}" for n in range(400)), (1, 2)), 80)) == 400
    assert laid_out(build.table(""), 80) == ()
    assert laid_out(build.table("a", (), (1, 2, 3)), 80)[0].width == 1


@settings(deadline=None, max_examples=100)
@given(st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.lists(st.text())), st.integers(1, 30))
def test_a_cell_takes_exactly_its_cells_whatever_it_holds(value: Any, width: int) -> None:
    text = fitted(value, width)
    assert cell_len(text) == width
    assert "\n" not in text


def test_the_words_of_sql_are_told_apart() -> None:
    sql = "SELECT a, 'it' FROM t WHERE a NOT ILIKE 'x%' AND b > 1.5 -- why"
    told = {(sql[mark.start : mark.end].strip(), mark.style) for mark in marks(sql)}
    assert {("SELECT", "accent"), ("FROM", "accent"), ("NOT ILIKE", "accent"), ("AND", "accent")} <= told
    assert {("'it'", "soft"), ("1.5", "soft"), ("-- why", "dim")} <= told
    assert "a" not in {word for word, _ in told}
    assert marks("x" * 100_000) == ()


def test_every_command_is_in_the_help_and_none_shares_a_key() -> None:
    page = text_of(help_page(COMMANDS))
    for command in COMMANDS:
        assert f"{command.shown} {command.help}" in page
    keys = [key for command in COMMANDS for names in command.keys for key in names.split(",")]
    assert len(keys) == len(set(keys))
    assert not {"ctrl+m", "ctrl+h", "ctrl+enter"} & set(keys)


def test_a_command_works_where_what_it_needs_is_there() -> None:
    pause = command_of("pause")
    assert pause is not None
    assert not pause.enabled(set())
    assert pause.enabled({"live"})
    assert command_of("no_such_action") is None
