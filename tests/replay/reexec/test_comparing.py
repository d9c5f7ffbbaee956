"""Differences of generated tables: what was taken out, put in or changed is told, and nothing else."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.journal import Table
from clinseek_core.journal.events import Origin, OriginRow
from clinseek_replay.reexec.cells import as_typed, by_meaning
from clinseek_replay.reexec.comparing import compare
from clinseek_replay.reexec.rows import Rows, of_table

COLUMNS = ("id", "a", "b", "c", "d")
CELLS = st.none() | st.sampled_from(["x", "y", ""]) | st.integers(0, 3) | st.floats(0, 2, width=16)


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[object, ...]]:
    """Rows with an id each."""
    count = draw(st.integers(0, 8))
    return [(f"id {at}", *(draw(CELLS) for _ in COLUMNS[1:])) for at in range(count)]


def rows_of(found: list[tuple[object, ...]], *, keyed: bool) -> Rows:
    origins = (Origin(table="t", key=("id",), rows=tuple(OriginRow((row[0],)) for row in found)),)
    table = Table(
        columns=COLUMNS, rows=tuple(found), total=len(found), source="t", origins=origins if keyed else ()
    )
    return of_table(table)


@given(tables(), st.randoms(), st.booleans())
@settings(max_examples=50)
def test_only_the_order_differs_where_rows_are_shuffled(found, random, keyed):
    shuffled = list(found)
    random.shuffle(shuffled)
    difference = compare(rows_of(found, keyed=keyed), rows_of(shuffled, keyed=keyed))
    assert difference.changes == ()
    assert difference.reordered == (found != shuffled)


@given(tables(), st.data(), st.booleans())
@settings(max_examples=50)
def test_rows_taken_out_are_lost_and_the_other_way_round_gained(found, data, keyed):
    kept = [row for row in found if data.draw(st.booleans())]
    before, now = rows_of(found, keyed=keyed), rows_of(kept, keyed=keyed)
    gone = [at for at, row in enumerate(found, 1) if row not in kept]
    for difference, kind in ((compare(before, now), "lost"), (compare(now, before), "gained")):
        assert [(change.kind, change.row) for change in difference.changes] == [(kind, at) for at in gone]


@given(tables().filter(bool), st.data())
@settings(max_examples=50)
def test_a_changed_cell_is_told_at_its_row_and_column(found, data):
    at = data.draw(st.integers(0, len(found) - 1))
    column = data.draw(st.integers(1, len(COLUMNS) - 1))
    changed = list(found)
    changed[at] = (*found[at][:column], "another", *found[at][column + 1 :])
    for keyed in (True, False):
        (change,) = compare(rows_of(found, keyed=keyed), rows_of(changed, keyed=keyed)).changes
        assert (change.kind, change.row) == ("changed", at + 1)
        assert [msgspec.structs.astuple(cell) for cell in change.cells] == [
            (COLUMNS[column], as_typed(found[at][column]), "another")
        ]


@given(tables(), tables(), st.booleans())
@settings(max_examples=50)
def test_every_row_is_accounted_for(one, other, keyed):
    changes = compare(rows_of(one, keyed=keyed), rows_of(other, keyed=keyed)).changes
    count = Counter(change.kind for change in changes)
    assert len(one) - count["lost"] == len(other) - count["gained"]
    assert count["lost"] + count["changed"] <= len(one)


def test_a_column_that_is_gone_is_told_cell_by_cell():
    before = Rows(columns=("a", "dod"), cells=(("1", "2150"), ("2", None)))
    (change,) = compare(before, Rows(columns=("a",), cells=(("1",), ("2",)))).changes
    assert [msgspec.structs.astuple(cell) for cell in change.vanished] == [("dod", "2150", None)]


def test_expressions_that_two_dialects_name_differently_are_compared_by_place():
    before = Rows(columns=("COUNT(*)",), cells=(("3",),))
    now = Rows(columns=("count_star()",), cells=(("3",),))
    assert compare(before, now, by_place=True).changes == ()
    assert compare(before, now).changes != ()


def test_cells_that_mean_the_same():
    same = (
        (None, "nan", "NaN", "None", "NULL", "NaT", ""),
        (92001084, "92001084.0", "92001084"),
        (0.5, "0.50", ".5"),
        ("a  b", "a b", "a\\nb", "a\nb"),
        ("2150-03-02 13:52:00", "2150-03-02T13:52:00", "2150-03-02 13:52:00.000"),
        ("2150-03-02", "2150-03-02 00:00:00"),
    )
    for cells in same:
        assert len({by_meaning(cell, "x") for cell in cells}) == 1
    assert by_meaning("2150-03-02 23:59:00", "chartdate") == by_meaning("2150-03-02", "chartdate")
    assert by_meaning("2150-03-02 23:59:00", "charttime") != by_meaning("2150-03-02", "charttime")
    assert len({by_meaning(cell, "x") for cell in ("1", "2", "x", None, "1.5", "-1", "2150-03-02")}) == 7
    assert len({as_typed(cell) for cell in ("nan", None, "1", "1.0", "", True)}) == 6
    assert as_typed(118) == as_typed(118.0)
