"""Dates as people write them, found in a text: every reading of each, since nobody says which is meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["WrittenDate", "dates_in"]


class WrittenDate(NamedTuple):
    """What a text says of a date; None where it does not say it. A year of two digits is below 100."""

    year: int | None
    month: int
    day: int | None


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_REST = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "tember", "ober", "ember", "ember")
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?P<rest>[a-z]{0,6})"
_GAP = r"[\s.,/_:'’-]{0,3}(?:(?:the|of)\s{1,2})?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4}|\d{2})(?!\d)"
_SEPARATOR = r"\s{0,2}[-/._:,\s年月]\s{0,2}"

_Reading = Callable[[re.Match[str]], Iterator[tuple[str | None, str, str | None]]]


def _year_first(found: re.Match[str]) -> Iterator[tuple[str | None, str, str | None]]:
    yield found["year"], found["one"], found["two"]
    yield found["year"], found["two"], found["one"]


def _year_last(found: re.Match[str]) -> Iterator[tuple[str | None, str, str | None]]:
    yield found["year"], found["one"], found["two"]
    yield found["year"], found["two"], found["one"]
    # `50-03-02` has its year of two digits in front.
    if len(found["one"]) == len(found["year"]) == 2:
        yield found["one"], found["two"], found["year"]


def _compact(found: re.Match[str]) -> Iterator[tuple[str | None, str, str | None]]:
    digits = found["digits"]
    yield digits[:4], digits[4:6], digits[6:]
    yield digits[4:], digits[:2], digits[2:4]
    yield digits[4:], digits[2:4], digits[:2]


def _named(found: re.Match[str]) -> Iterator[tuple[str | None, str, str | None]]:
    month = _MONTHS.index(found["month"])
    # `sept` is written too, and `marble` is no month.
    if _REST[month].startswith(found["rest"]) or found["rest"] == "t":
        groups = found.groupdict()
        yield groups.get("year"), str(month + 1), groups.get("day")


def _month_of_year(found: re.Match[str]) -> Iterator[tuple[str | None, str, str | None]]:
    yield found["year"], found["one"], None


_FORMS: tuple[tuple[re.Pattern[str], _Reading], ...] = (
    (
        re.compile(rf"(?<!\d)(?P<year>\d{{4}}){_SEPARATOR}(?P<one>\d{{1,2}}){_SEPARATOR}(?P<two>\d{{1,2}})"),
        _year_first,
    ),
    (
        re.compile(rf"(?<!\d)(?P<one>\d{{1,2}}){_SEPARATOR}(?P<two>\d{{1,2}}){_SEPARATOR}{_YEAR}"),
        _year_last,
    ),
    (re.compile(r"(?=(?P<digits>\d{8}))"), _compact),
    (re.compile(rf"(?<![a-z]){_MONTH}{_GAP}{_DAY}(?!\d){_GAP}{_YEAR}"), _named),
    (re.compile(rf"(?<!\d){_DAY}{_GAP}{_MONTH}{_GAP}{_YEAR}"), _named),
    (re.compile(rf"(?<!\d)(?P<year>\d{{4}}){_GAP}{_MONTH}(?:{_GAP}{_DAY}(?!\d))?"), _named),
    (re.compile(rf"(?<![a-z]){_MONTH}{_GAP}(?P<year>\d{{4}})(?!\d)"), _named),
    (re.compile(rf"(?<![a-z]){_MONTH}{_GAP}{_DAY}(?!\d)"), _named),
    (re.compile(rf"(?<!\d){_DAY}{_GAP}{_MONTH}"), _named),
    (re.compile(r"(?<!\d)(?P<year>\d{4})[-/._](?P<one>\d{1,2})(?!\d)"), _month_of_year),
    (re.compile(r"(?<!\d)(?P<one>\d{1,2})[-/._](?P<year>\d{4})(?!\d)"), _month_of_year),
)
"""Forms and how each may be read; a form finds what it can, also within what another one finds."""


def _number(written: str | None) -> int | None:
    return None if written is None else int(written)


def dates_in(text: str) -> Iterator[WrittenDate]:
    """Every date that `text`, in small letters, may be read to hold."""
    for form, readings in _FORMS:
        for found in form.finditer(text):
            for year, month, day in readings(found):
                read = WrittenDate(
                    None if year is None else int(year), int(month), None if day is None else int(day)
                )
                if 1 <= read.month <= 12 and (read.day is None or 1 <= read.day <= 31):
                    yield read
