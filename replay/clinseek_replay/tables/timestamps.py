"""Times in texts: where they stand, how fine they are, and whether they lie beyond a cutoff.

ISO dates and times, with a space or a `T`. The short times of our own rows get their dates from their table:
take the cells of `tables_in`, and `stamp_of` on each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from clinseek_core.case import Boundary

__all__ = ["Beyond", "Resolution", "Stamp", "stamp_of", "stamps_in"]

Resolution = Literal["second", "minute", "day"]

_STAMP = re.compile(
    r"(?<!\d)(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))"
    r"(?:[ T]((?:[01]\d|2[0-3]):[0-5]\d)(:[0-5]\d)?+(?:\.\d{1,9})?+(?:Z|[+-]\d\d:?\d\d)?+)?(?!\d)",
    re.ASCII,
)


class Stamp(NamedTuple):
    """A time in a text. `at` is its first second: `2150-03-02 17:20:00`."""

    at: str
    resolution: Resolution
    start: int
    end: int

    @property
    def day(self) -> str:
        """`2150-03-02`."""
        return self.at[:10]


def stamps_in(text: str, start: int = 0, end: int | None = None) -> Iterator[Stamp]:
    """Every time in a text, in order."""
    for found in _STAMP.finditer(text, start, len(text) if end is None else end):
        yield _stamp(found)


def stamp_of(text: str) -> Stamp | None:
    """The time that a whole cell is; None where it is none."""
    if len(text) < 10 or text[4] != "-":
        return None
    found = _STAMP.fullmatch(text)
    return _stamp(found) if found else None


def _stamp(found: re.Match[str]) -> Stamp:
    day, clock, seconds = found[1], found[2], found[3]
    if clock is None:
        return Stamp(f"{day} 00:00:00", "day", found.start(), found.end())
    resolution: Resolution = "second" if seconds else "minute"
    return Stamp(f"{day} {clock}{seconds or ':00'}", resolution, found.start(), found.end())


class Beyond:
    """Whether times lie beyond a cutoff: for sure, by the first second that they may mean."""

    def __init__(self, cutoff: datetime, boundary: Boundary = "exclusive") -> None:
        self.cutoff = cutoff.replace(tzinfo=None).isoformat(" ", "seconds")
        self.boundary: Boundary = boundary
        self._fraction = bool(cutoff.microsecond)
        self._day_or_later = re.compile(_from_date(self.cutoff, ""), re.ASCII)
        self._suspect = re.compile(_from_date(self.cutoff, rf"[ T](?:{_from_clock(self.cutoff)})"), re.ASCII)

    @property
    def day(self) -> str:
        """The cutoff's date."""
        return self.cutoff[:10]

    def may_be_in(self, text: str) -> bool:
        """Whether a text holds a date of the cutoff's day or later: one quick look, before any parsing."""
        return self._day_or_later.search(text) is not None

    def is_beyond(self, at: str) -> bool:
        """Whether a time (`2150-03-02 17:20:00`) was not known at the cutoff by the boundary."""
        if self.boundary == "inclusive" or self._fraction:
            return at > self.cutoff
        return at >= self.cutoff

    def holds(self, stamp: Stamp) -> bool:
        """Whether a time is beyond the cutoff whatever second it means; of the cutoff's own day it is not."""
        if stamp.resolution == "day":
            return stamp.day > self.day
        if stamp.resolution == "minute" and stamp.at[:16] == self.cutoff[:16]:
            return self.boundary == "exclusive" and not self._fraction and self.cutoff[17:] == "00"
        return self.is_beyond(stamp.at)

    def in_text(self, text: str) -> Iterator[Stamp]:
        """The times of a text that lie beyond the cutoff."""
        for found in self._suspect.finditer(text):
            whole = _STAMP.match(text, found.start())
            if whole is not None:
                stamp = _stamp(whole)
                if self.holds(stamp):
                    yield stamp


def _from_date(cutoff: str, same_day: str) -> str:
    """A pattern of later dates, and of the cutoff's own where `same_day` follows.

    Only dates of the cutoff's millennium are meant. To search is quicker than to read every time and compare.
    """
    year, month, day = cutoff[:10].split("-")
    days = _later(day, "", same_day)
    months = _later(month, r"-\d\d", f"-(?:{days})")
    years = _later(year[1:], r"-\d\d-\d\d", f"-(?:{months})")
    # A pattern that begins with one plain character is found ten times as quickly.
    return rf"{year[0]}(?<!\d{year[0]})(?:{years})"


def _from_clock(cutoff: str) -> str:
    """A pattern of times of day that are not before the cutoff's."""
    hour, minute, second = cutoff[11:].split(":")
    seconds = _later(second, "", "")
    minutes = _later(minute, "", f"(?!:)|:(?:{seconds})")
    return _later(hour, ":", f":(?:{minutes})")


def _later(digits: str, rest: str, same: str) -> str:
    """A pattern of the greater numbers of as many digits, with `rest`, and of this one with `same`."""
    if not digits:
        return same
    equal = f"{digits[0]}(?:{_later(digits[1:], rest, same)})"
    if digits[0] == "9":
        return equal
    return rf"{equal}|[{int(digits[0]) + 1}-9]" + r"\d" * (len(digits) - 1) + rest
