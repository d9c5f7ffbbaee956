"""T11 and T12: pages that hold the benchmark itself, and pages written after the patient's time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from clinseek_core.web.deny import denied
from clinseek_replay.audit.leak import Leak
from clinseek_replay.audit.seen import number_of

if TYPE_CHECKING:
    from clinseek_replay.audit.inspection import Inspection, Sight

__all__ = ["Web", "is_page", "web_contamination", "web_future"]


_URL = re.compile(r"https?://([\w.-]{1,253})(/[^\s)\]】\"'<>]{0,2000})?", re.ASCII | re.IGNORECASE)
_OWN_ADDRESS = re.compile(r"^(?:L\d+: )?URL: (\S+)|^\[\d+\] [^\n]*\((https?://[^)\s]+)\)$", re.MULTILINE)
_WORD = re.compile(r"\w+")
_SHINGLE = 8
"""Words that make two texts alike where they stand in one order in both."""
_FEWEST = 12
_SHARE = 0.5
_HEAD = 4000
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DATES = (
    re.compile(
        r"(?:publish|posted|updated|modified|revis|review|accepted|date)\w{0,4}[^\n\d]{0,30}?((?:19|20)\d\d)(?=\D)",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_MONTH} (?:\d{{1,2}},? )?((?:19|20)\d\d)\b", re.IGNORECASE),
    re.compile(r"\b((?:19|20)\d\d)-\d\d-\d\d\b"),
)
_GROUP = re.compile(r"((?:19|20)\d\d)\s*-\s*((?:19|20)\d\d)")


class Web:
    """What the run's pages are held against."""

    def __init__(self, inspection: Inspection) -> None:
        self._run = inspection

    @cached_property
    def question(self) -> frozenset[tuple[str, ...]]:
        """The question, as runs of words; empty where it is too short to be told from others."""
        found = _shingles(self._run.trajectory.question)
        return found if len(found) >= _FEWEST else frozenset()

    @cached_property
    def real_year(self) -> int | None:
        """The last real year that the cutoff may lie in; None where nothing maps the record's dates to it."""
        anchor = self._run.times.anchor if self._run.times is not None else None
        anchor = anchor or self._seen_anchor()
        found = _GROUP.search(anchor[1]) if anchor else None
        if anchor is None or found is None:
            return None
        return int(found[2]) + int(self._run.cutoff[:4]) - anchor[0]

    def _seen_anchor(self) -> tuple[int, str] | None:
        for sight in self._run.sights():
            for table in sight.tables if "anchor_year_group" in sight.text else ():
                for row in range(len(table)):
                    year = number_of(table.value(row, "anchor_year"))
                    group = table.value(row, "anchor_year_group")
                    if year.isdigit() and group:
                        return int(year), group
        return None


def is_page(tool: str) -> bool:
    """Whether a tool gives pages, or lists of them."""
    return tool.startswith("browser.")


def web_contamination(sight: Sight) -> Iterator[Leak]:
    """Pages of the deny list, and pages that hold the question itself."""
    own = _own_address(sight)
    if own is not None:
        yield own
    opened = sight.call.name != "browser.search"
    for found in _URL.finditer(sight.text):
        given_away = denied(found[0])
        if given_away and not (own is not None and found[0].rstrip("/.,") == own.value.rstrip("/.,")):
            yield Leak(
                sight,
                "cell",
                found[0],
                f"is linked: {given_away.why}",
                start=found.start(),
                end=found.end(),
                severity="low" if opened else "medium",
                tier="S",
            )
    if sight.run.web.question:
        page = _without_arguments(sight)
        share = len(sight.run.web.question & _shingles(page)) / len(sight.run.web.question)
        if share >= _SHARE:
            yield Leak(
                sight,
                "call",
                f"{share:.0%} of the question",
                "stands on the page word for word",
                start=0,
                end=len(sight.text),
            )


def _own_address(sight: Sight) -> Leak | None:
    """The page's own address, or the one that was asked for, where it is on the deny list."""
    asked = str((sight.call.arguments or {}).get("id", ""))
    if (found := _URL.match(asked)) and (given_away := denied(found[0])):
        return Leak(sight, "call", asked, f"was opened: {given_away.why}", column="id", in_arguments=True)
    for line in _OWN_ADDRESS.finditer(sight.text):
        group = 1 if line[1] else 2
        found = _URL.match(line[group])
        given_away = denied(found[0]) if found else None
        if given_away:
            return Leak(
                sight,
                "call",
                line[group],
                f"was opened: {given_away.why}",
                start=line.start(group),
                end=line.end(group),
            )
    return None


def _without_arguments(sight: Sight) -> str:
    """The page without the words that the call itself brought."""
    text = sight.text
    for value in (sight.call.arguments or {}).values():
        if isinstance(value, str) and len(value) > _SHINGLE:
            text = text.replace(value, " ")
    return text


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return frozenset(tuple(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1))


def web_future(sight: Sight) -> Iterator[Leak]:
    """Pages that say they were written after the real year of the patient's time."""
    if sight.call.name == "browser.search":
        return
    limit = sight.run.web.real_year
    if limit is None:
        sight.run.unverified[
            "T12", "pages were read, and nothing maps the record's shifted dates to real ones"
        ] += 1
        return
    dates = [(int(found[1]), found) for each in _DATES for found in each.finditer(sight.text[:_HEAD])]
    if not dates:
        sight.run.unverified["T12", "a page says no date"] += 1
        return
    year, found = max(dates, key=lambda dated: dated[0])
    if year > limit:
        yield Leak(
            sight,
            "call",
            found[0],
            f"is after {limit}, the patient's real time at the latest",
            str(year),
            start=found.start(),
            end=found.end(),
            severity="info",
        )
