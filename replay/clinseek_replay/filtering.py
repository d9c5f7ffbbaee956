"""Which calls and turns of a run to show: a few words, each a row of a table."""

from __future__ import annotations

from collections.abc import Callable, Collection
from fnmatch import fnmatchcase
from typing import NamedTuple

from clinseek_core.errors import InputError
from clinseek_replay.glyphs import SignKind
from clinseek_replay.trajectory import Call, Step

__all__ = ["WORDS", "Filter", "FilterWord", "read_filter"]

_TOOL = "tool:"
_NAME = 200


class _Asked(NamedTuple):
    """What a word is held against."""

    step: Step
    call: Call | None
    signs: Collection[SignKind]


class FilterWord(NamedTuple):
    """A word of a filter: what it says, and what it keeps."""

    word: str
    says: str
    keeps: Callable[[_Asked], bool]


class Filter(NamedTuple):
    """What is kept: anything that one of `some` keeps, without what one of `but` keeps."""

    text: str
    """As it was written."""
    some: tuple[FilterWord, ...]
    but: tuple[FilterWord, ...] = ()

    def keeps(self, step: Step, call: Call | None, signs: Collection[SignKind] = ()) -> bool:
        """Whether a call, or a turn without one, is shown."""
        asked = _Asked(step, call, signs)
        if any(word.keeps(asked) for word in self.but):
            return False
        return not self.some or any(word.keeps(asked) for word in self.some)

    @property
    def by_signs(self) -> bool:
        """Whether it depends on what an analysis has found."""
        return any(word.word in _SIGNS for word in (*self.some, *self.but))


def read_filter(text: str) -> Filter:
    """A filter as it is written: `sql error`, `tool:browser.*`, `!think`.

    Raises InputError with the words there are.
    """
    some: list[FilterWord] = []
    but: list[FilterWord] = []
    for written in text.split():
        (but if written.startswith("!") else some).append(_word(written.removeprefix("!")))
    return Filter(" ".join(text.split()), tuple(some), tuple(but))


def _word(written: str) -> FilterWord:
    if written.startswith(_TOOL) and len(written) > len(_TOOL):
        return FilterWord(written, "calls of that tool", _of_tool(written.removeprefix(_TOOL)))
    if written not in _BY_WORD:
        known = ", ".join((*_BY_WORD, "tool:NAME"))
        raise InputError(f"{written!r} filters nothing; there are {known}, and ! before one leaves it out")
    return _BY_WORD[written]


def _of_tool(pattern: str) -> Callable[[_Asked], bool]:
    return lambda asked: asked.call is not None and fnmatchcase(asked.call.name[:_NAME], pattern)


def _named(*beginnings: str) -> Callable[[_Asked], bool]:
    return lambda asked: asked.call is not None and asked.call.name.startswith(beginnings)


def _ended(status: str) -> Callable[[_Asked], bool]:
    return lambda asked: asked.call is not None and asked.call.status == status


def _marked(kind: SignKind) -> Callable[[_Asked], bool]:
    return lambda asked: kind in asked.signs


def _is_think(asked: _Asked) -> bool:
    return asked.call is None or asked.call.name == "ehr.think"


def _is_table(asked: _Asked) -> bool:
    others = ("ehr.run_sql_query", "ehr.get_candidates", "ehr.think", "ehr.finish")
    name = asked.call.name if asked.call else ""
    return name.startswith("ehr.") and not name.startswith(others)


def _is_cut(asked: _Asked) -> bool:
    result = asked.call.result if asked.call else None
    return result is not None and result.full_characters > len(result.text)


_SIGNS: frozenset[str] = frozenset(("leak", "gold", "repeat"))

WORDS: tuple[FilterWord, ...] = (
    FilterWord("sql", "SQL queries", _named("ehr.run_sql_query")),
    FilterWord("table", "calls that read a table of the record", _is_table),
    FilterWord("candidates", "searches for candidate names", _named("ehr.get_candidates")),
    FilterWord("web", "searches and pages", _named("browser.")),
    FilterWord("image", "films", _named("image.")),
    FilterWord("think", "thoughts, and turns without a call", _is_think),
    FilterWord("finish", "answers", _named("ehr.finish")),
    FilterWord("error", "calls that failed", _ended("error")),
    FilterWord("empty", "calls that found nothing", _ended("empty")),
    FilterWord("refused", "calls that the run's policy refused", _ended("refused")),
    FilterWord("limited", "calls that a limit stopped", _ended("limited")),
    FilterWord("pending", "calls without a result", _ended("pending")),
    FilterWord("cut", "results of which the model got only the head", _is_cut),
    FilterWord("leak", "calls that were shown what was not known yet", _marked("leak")),
    FilterWord("gold", "calls that first showed an item of the gold", _marked("gold")),
    FilterWord("repeat", "calls made before with the same result", _marked("repeat")),
)
"""What a filter can say, beside `tool:NAME`."""

_BY_WORD = {word.word: word for word in WORDS}
