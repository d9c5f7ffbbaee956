"""Nothing about the patient leaves: what goes to the network is held against the record first.

It looks for identifiers, dates, and runs of words of the notes, also where they are encoded as addresses are
(percent signs, entities, Base64, hexadecimal) or written in other digits and widths. It is a guard against
carelessness and against pages that ask for the record, not a proof: a fact told in other words passes.
"""

from __future__ import annotations

import base64
import contextlib
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import cached_property
from urllib.parse import unquote_plus

from clinseek_core.ehr.traces import Traces
from clinseek_core.text import one_line
from clinseek_core.web.dates import dates_in
from clinseek_core.web.deny import denied
from clinseek_core.web.port import Backend, Document, Found, WebError

__all__ = ["Guard", "Guarded"]

NOTE_WORDS = 5
"""Words in a row that a query may not share with a note. Four are a term (`chronic obstructive pulmonary
disease`); of five, most are somebody's sentence."""
QUESTION_WORDS = 8
"""The same for the case's question, which is mostly instruction; the audit tells pages by as many."""
GLUED = 25
"""Characters of one unbroken word that a query may not share with a note: longer than any term's word."""

_SHORTEST_ID = 5
_SURE_ID = 7
"""An id as long as this is looked for within longer runs of digits too."""
_TELLING = 3
"""Of the words in a row, so many must not be function words: `in the setting of the` is nobody's."""
_SHIFTED = 2100
"""From this year on a date is none of the real world's: no page is about one."""
_READINGS = 64
"""A text that can be decoded in more ways than these is refused unread."""
_MAX_CHARACTERS = 16_384
_WORD = re.compile(r"[^\W_]+")
_NOT_WORD = re.compile(r"[\W_]+")
_TOKENS = tuple(re.compile(rf"[A-Za-z0-9{signs}]{{8,}}") for signs in ("", "+/", "_-"))
_HEX = re.compile(r"[0-9a-fA-F]{10,}")
_FUNCTION = """
a about after all also an and any are as at be been before both but by can did do does during each for
from had has have he her his how if in into is it its may more most no not of on one or other out over
per she should since some such than that the their them then there these they this those to under until
up was were what when where which while who with within without you
"""
_FUNCTION_WORDS = frozenset(_FUNCTION.split())


class Guard:
    """Tells of a text whether it may leave; made from what an open record shows and what the case asks.

    `public` are texts whose words anybody may use: candidate answers, the pages of a corpus.
    """

    def __init__(self, traces: Traces, question: str = "", public: Iterable[str] = ()) -> None:
        self._ids = frozenset(
            squeezed for each in traces.identifiers if len(squeezed := _squeezed(each)) >= _SHORTEST_ID
        )
        self._days = frozenset(filter(None, map(_day, traces.days)))
        self._texts = traces.texts
        self._question = f" {' '.join(_words(question))} "
        self._public_texts = tuple(public)

    def refusal(self, text: str) -> str | None:
        """Why `text` may not leave, in words for the model; None where it may."""
        if len(text) > _MAX_CHARACTERS:
            return f"it has {len(text):,} characters"
        for count, reading in enumerate(_readings(text)):
            if count == _READINGS:
                return "it is encoded in more ways than can be read"
            for rule in self._rules:
                reason = rule(reading)
                if reason is not None:
                    return reason
        return None

    def check(self, text: str) -> None:
        """Raise WebError with status `refused` where `text` may not leave, or is a denied page's address."""
        reason = self.refusal(text)
        if reason is not None:
            raise WebError(
                f"this would leave the machine, and {reason}. Nothing was sent. Ask in general terms, "
                "without identifiers, dates or words of the record",
                "refused",
            )
        page = denied(text)
        if page is not None:
            raise WebError(f"it is {page.why}, which no run may read. Nothing was sent", "refused")

    @cached_property
    def _rules(self) -> tuple[Callable[[str], str | None], ...]:
        return self._identifier, self._date, self._words_of_notes, self._glued_words, self._words_of_question

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return tuple(sorted({len(each) for each in self._ids if len(each) >= _SURE_ID}))

    @cached_property
    def _notes(self) -> str:
        """The words of all notes, one space between them; two between notes, so that no run spans them."""
        return "  ".join(f" {' '.join(_words(text))} " for text in self._texts)

    @cached_property
    def _squeezed_notes(self) -> str:
        return " ".join(map(_squeezed, self._texts))

    @cached_property
    def _public(self) -> str:
        return "  ".join(f" {' '.join(_words(text))} " for text in self._public_texts)

    def _identifier(self, text: str) -> str | None:
        if any(word in self._ids for word in _WORD.findall(text)):
            return "it holds an identifier of the record"
        squeezed = _squeezed(text)
        for length in self._lengths:
            if any(squeezed[at : at + length] in self._ids for at in range(len(squeezed) - length + 1)):
                return "it holds an identifier of the record"
        return None

    def _date(self, text: str) -> str | None:
        for found in dates_in(text):
            year, month, day = found
            if (year, month, day) in self._known_dates:
                return "it holds a date of the record"
            if year is not None and year >= _SHIFTED and year in self._years:
                return "it holds a date of the record's years"
        return None

    @cached_property
    def _years(self) -> frozenset[int]:
        return frozenset(day.year for day in self._days)

    @cached_property
    def _known_dates(self) -> frozenset[tuple[int | None, int, int | None]]:
        """Each day as it may be written: in full, with a short year, without a year, as a month."""
        return frozenset(
            written
            for day in self._days
            for written in (
                (day.year, day.month, day.day),
                (day.year % 100, day.month, day.day),
                (None, day.month, day.day),
                (day.year, day.month, None),
            )
        )

    def _words_of_notes(self, text: str) -> str | None:
        run = self._shared(text, self._notes, NOTE_WORDS)
        return f"`{one_line(run, 80)}` stands in a note of the patient" if run else None

    def _words_of_question(self, text: str) -> str | None:
        run = self._shared(text, self._question, QUESTION_WORDS)
        return f"`{one_line(run, 80)}` is taken from the case's question" if run else None

    def _shared(self, text: str, told: str, length: int) -> str:
        words = _words(text)
        for at in range(len(words) - length + 1):
            run = words[at : at + length]
            if sum(word not in _FUNCTION_WORDS for word in run) < _TELLING:
                continue
            joined = f" {' '.join(run)} "
            if joined in told and joined not in self._public:
                return joined.strip()
        return ""

    def _glued_words(self, text: str) -> str | None:
        for word in _WORD.findall(text):
            for at in range(len(word) - GLUED + 1):
                if word[at : at + GLUED] in self._squeezed_notes:
                    return "it holds words of a note of the patient, written as one"
        return None


class Guarded:
    """A backend behind the guard: what may not leave is refused, denied pages are not listed or shown."""

    def __init__(self, backend: Backend, guard: Guard) -> None:
        self._backend = backend
        self._guard = guard

    @property
    def name(self) -> str:
        """The backend's."""
        return self._backend.name

    @property
    def badge(self) -> str:
        """The backend's."""
        return self._backend.badge

    def search(self, query: str, count: int) -> Found:
        """What the backend finds, without denied pages."""
        self._guard.check(query)
        found = self._backend.search(query, count)
        hits = tuple(hit for hit in found.hits if denied(hit.url) is None)
        return Found(hits, found.left_out + len(found.hits) - len(hits))

    def fetch(self, url: str, *, source: bool) -> Document:
        """The backend's page."""
        self._guard.check(url)
        document = self._backend.fetch(url, source=source)
        if (page := denied(document.url)) is not None:
            raise WebError(f"it leads to {page.why}, which no run may read", "refused")
        return document

    def close(self) -> None:
        """End the backend."""
        self._backend.close()


def _readings(text: str) -> Iterator[str]:
    """The text and all that it may be decoded to, each folded to small letters and plain digits."""
    waiting, seen = [text], {text}
    while waiting:
        raw = waiting.pop(0)
        yield _folded(raw)
        for decoded in (unquote_plus(raw), html.unescape(raw), *_decoded(raw)):
            if decoded not in seen:
                seen.add(decoded)
                waiting.append(decoded)


def _decoded(text: str) -> Iterator[str]:
    """What the longer tokens of a text say if they are Base64 or hexadecimal."""
    for found in _HEX.finditer(text):
        for digits in (found[0], found[0][1:]):
            yield from _as_text(bytes.fromhex(digits[: len(digits) // 2 * 2]))
    for pattern in _TOKENS:
        for found in pattern.finditer(text):
            token = found[0].replace("-", "+").replace("_", "/")
            with contextlib.suppress(ValueError):
                yield from _as_text(base64.b64decode(token + "=" * (-len(token) % 4)))


def _as_text(data: bytes) -> Iterator[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    if text.isprintable():
        yield text


def _folded(text: str) -> str:
    """One form of letters and digits: no widths, no case, no accents or hidden marks, digits as 0 to 9."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(map(_plain, plain)).casefold()


def _plain(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.category(character) in {"Cf", "Mn", "Me"}:
        return ""
    value = unicodedata.digit(character, -1)
    return character if value < 0 else str(value)


def _words(text: str) -> list[str]:
    return _WORD.findall(_folded(text))


def _squeezed(text: str) -> str:
    return _NOT_WORD.sub("", _folded(text))


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
