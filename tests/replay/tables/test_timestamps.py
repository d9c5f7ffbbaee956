"""Times in texts, and whether they lie beyond a cutoff."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinseek_replay.tables import Beyond, stamp_of, stamps_in

CUTOFF = datetime(2150, 3, 2, 17, 20)
MOMENTS = st.datetimes(datetime(2100, 1, 1), datetime(2210, 1, 1)).map(lambda at: at.replace(microsecond=0))


@pytest.mark.parametrize(
    ("text", "at", "resolution"),
    [
        ("2150-03-02 17:20:01", "2150-03-02 17:20:01", "second"),
        ("2150-03-02T17:20:01.5Z", "2150-03-02 17:20:01", "second"),
        ("2150-03-02 17:20", "2150-03-02 17:20:00", "minute"),
        ("2150-03-02", "2150-03-02 00:00:00", "day"),
    ],
)
def test_a_cell_that_is_a_time(text: str, at: str, resolution: str) -> None:
    stamp = stamp_of(text)
    assert stamp is not None
    assert (stamp.at, stamp.resolution) == (at, resolution)


@pytest.mark.parametrize("text", ["", "12:30", "2150-13-02", "2150-03-02 x", "92150-03-02", "2150-03-022"])
def test_a_cell_that_is_none(text: str) -> None:
    assert stamp_of(text) is None


def test_times_in_prose_tell_where_they_stand() -> None:
    text = "from 2150-03-01 08:00:00 to 2150-03-04, or 1 2150-03-02T10:00"
    assert [text[stamp.start : stamp.end] for stamp in stamps_in(text)] == [
        "2150-03-01 08:00:00",
        "2150-03-04",
        "2150-03-02T10:00",
    ]


@given(MOMENTS, MOMENTS)
def test_the_quick_look_never_misses_and_the_careful_one_agrees_with_the_calendar(
    at: datetime, cutoff: datetime
) -> None:
    beyond = Beyond(cutoff)
    text = f"drug given at {at.isoformat(' ')} by mouth"
    assert [stamp.at for stamp in beyond.in_text(text)] == ([at.isoformat(" ")] if at >= cutoff else [])
    if at.date() >= cutoff.date():
        assert beyond.may_be_in(text)


@pytest.mark.parametrize(("boundary", "is_beyond"), [("exclusive", True), ("inclusive", False)])
def test_a_time_at_the_cutoff_is_known_by_the_inclusive_boundary_alone(
    boundary: str, is_beyond: bool
) -> None:
    assert Beyond(CUTOFF, boundary).is_beyond("2150-03-02 17:20:00") is is_beyond  # type: ignore[arg-type]


def test_a_date_or_a_minute_that_may_mean_an_earlier_second_is_not_beyond() -> None:
    beyond = Beyond(datetime(2150, 3, 2, 17, 20, 30))
    assert [stamp.at for stamp in beyond.in_text("2150-03-02 and 2150-03-02 17:20 and 2150-03-03")] == [
        "2150-03-03 00:00:00"
    ]
