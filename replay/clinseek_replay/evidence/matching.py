"""Finding the items of a run, its gold and its answer, in what the run saw and what its model wrote.

A `Matcher` is built once for a run. Each text is folded once and searched for one word of each form of a
name; only where that word is does more happen.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, Literal

import msgspec

from clinseek_core.journal import Table
from clinseek_core.scoring.names import folded, folded_in_place, is_mark
from clinseek_replay.trajectory import Call

__all__ = ["CODE_COLUMNS", "NAMING_COLUMNS", "Code", "Hit", "MatchedBy", "Matcher", "folded", "is_lexical"]

MatchedBy = Literal["row", "code", "name", "synonym"]
"""What linked an item and a place: a row of the record, a code, the item's name, another name of it."""

Code = tuple[str, str]
"""A kind of code, as in `CODE_COLUMNS`, and its value."""

CODE_COLUMNS = {
    "itemid": "itemid",
    "icd_code": "icd_code",
    "ndc": "ndc",
    "ndc_code": "ndc",
    "atc_code": "atc",
    "gsn": "gsn",
    "drg_code": "drg_code",
    "hcpcs_cd": "hcpcs_cd",
}
"""The kind of code that a column of each name holds."""

NAMING_COLUMNS = re.compile(
    r"candidate|label|abbreviation|drug|medication|name|careunit|service|curr_service|abbr"
    r"|\w*(?:_name|_title|description|_desc|order_type|order_subtype)",
    re.IGNORECASE,
)
"""Columns whose cells are names: only there is a cell of one or two letters one."""

_NOT_LEXICAL = frozenset(
    (
        *("yes", "no", "true", "false", "none", "nil", "unknown", "not", "available", "n", "a", "other"),
        *("positive", "negative", "normal", "abnormal", "present", "absent", "high", "low"),
        *("male", "female", "left", "right", "alive", "dead"),
    )
)
"""Words that stand everywhere and so link nothing."""

_SURE: tuple[MatchedBy, ...] = ("row", "code", "name", "synonym")
_SHORT = 3
_MIN_CODE = 3
_JOIN = "\x1f"


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One place that names an item."""

    name: str
    """The item, as the gold or the answer spells it."""
    by: MatchedBy
    matched: str
    """The characters there, as they stand in the text or the cell."""
    start: int | None = None
    end: int | None = None
    """Characters of the text searched; None for a cell of a journal's table."""
    row: int | None = None
    """1-based row of a journal's table."""
    column: str = ""


_Span = tuple[int, int, int, str]
"""Start, end as a negative number, index in `_SURE`, and the item: in this order one is preferred."""


class _Form:
    """One way to write an item, ready to be looked for in folded text."""

    __slots__ = ("anchor", "name", "pattern", "sure")

    def __init__(self, name: str, by: MatchedBy, written: str) -> None:
        self.name = name
        self.sure = _SURE.index(by)
        words = folded(written).split()
        self.anchor = max(words, key=len)
        between = (" *" if a in "<>+" or b in "<>+" else " +" for a, b in pairwise(words))
        parts = [re.escape(words[0])]
        for gap, word in zip(between, words[1:], strict=True):
            parts += [gap, re.escape(word)]
        self.pattern = re.compile("".join(parts)) if len(words) > 1 else None
        """None where the anchor is all of it."""

    def spans(self, text: str) -> list[_Span]:
        """Where it stands in a folded text, as whole words; never overlapping."""
        if self.pattern is not None:
            places = [found.span() for found in self.pattern.finditer(text)]
        else:
            places = _occurrences(text, self.anchor)
        return [
            (start, -end, self.sure, self.name)
            for start, end in places
            if not text[end : end + 1].isalnum() and not (start and text[start - 1].isalnum())
        ]


def _occurrences(text: str, word: str) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    length = len(word)
    start = text.find(word)
    while start >= 0:
        places.append((start, start + length))
        start = text.find(word, start + length)
    return places


class Matcher:
    """Looks for a run's items; built once for a run.

    `names` are the items; `codes` gives for an item the codes that mean it, and `synonyms` other names of it.
    Items whose name is too short or too common for a text, as `K` or `yes`, are told by `not_lexical`.
    """

    def __init__(
        self,
        names: Iterable[str],
        codes: Mapping[str, Iterable[Code]] | None = None,
        synonyms: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self.names: tuple[str, ...] = tuple(dict.fromkeys(name for name in names if name.strip()))
        self.not_lexical: tuple[str, ...] = tuple(name for name in self.names if not is_lexical(name))
        """Items that a text can't be searched for: only a cell that is one of these links them."""
        self._cells: dict[str, list[tuple[str, MatchedBy]]] = {}
        self._forms: list[_Form] = []
        for name in self.names:
            for by, written in _written(name, (synonyms or {}).get(name, ())):
                self._cells.setdefault(folded(written), []).append((name, by))
                if is_lexical(written):
                    self._forms.append(_Form(name, by, written))
        self._codes: dict[Code, list[str]] = {}
        for name, of_name in (codes or {}).items():
            for kind, value in of_name:
                if len(value) >= _MIN_CODE:
                    self._codes.setdefault((kind, value.casefold()), []).append(name)
        self._found: dict[tuple[str, int], tuple[Hit, ...]] = {}

    def in_text(self, text: str) -> tuple[Hit, ...]:
        """Every place of `text` that names an item, in the order of the text."""
        if text.isascii():
            return _hits(text, self._spans(folded_in_place(text)))
        return self._in_any(text)

    def in_call(self, call: Call) -> tuple[Hit, ...]:
        """Every place of a call's result that names an item: cells of its table, else ranges of its text.

        Kept by the call's anchor, so that several analyses of one run share one search.
        """
        result = call.result
        if result is None:
            return ()
        key = (call.anchor, len(result.text))
        if key not in self._found:
            hits = self.in_text(result.text)
            if result.table is not None:
                rows = self._in_table(result.table)
                named = {hit.name for hit in rows}
                hits = (*rows, *(hit for hit in hits if hit.name not in named))
            self._found[key] = hits
        return self._found[key]

    def same(self, name: str, other: str) -> bool:
        """Whether `other` is a form of the item `name`: the same words, or a synonym of it."""
        return any(item == name for item, _ in self._cells.get(folded(other), ()))

    def _spans(self, plain: str) -> list[_Span]:
        """Names and codes in a folded text."""
        found: list[_Span] = []
        for form in self._forms:
            if form.anchor in plain:
                found += form.spans(plain)
        if self._codes:
            found += self._codes_in(plain)
        return found

    def _in_any(self, text: str) -> tuple[Hit, ...]:
        whole = unicodedata.normalize("NFKC", text).casefold()
        if not self._codes and not any(form.anchor in whole for form in self._forms):
            return ()
        plain, starts, ends = _folded_with_places(text)
        return _hits(
            text,
            [(starts[start], -ends[-end - 1], sure, name) for start, end, sure, name in self._spans(plain)],
        )

    def _codes_in(self, plain: str) -> Iterator[_Span]:
        """Codes, as words of a text that also has a column for their kind of code."""
        for (kind, value), names in self._codes.items():
            if value not in plain or not any(
                column.replace("_", " ") in plain for column, held in CODE_COLUMNS.items() if held == kind
            ):
                continue
            for found in re.finditer(rf"(?<![^\W_]){re.escape(value)}(?![^\W_])", plain):
                start, end = found.span()
                yield from ((start, -end, _SURE.index("code"), name) for name in names)

    def _in_table(self, table: Table) -> list[Hit]:
        """Cells of a journal's table that name an item, or hold its code in a column of such codes."""
        hits = [*self._whole_cells(table), *self._in_cells(table)]
        by: MatchedBy = "row"
        if not table.origins:
            return hits
        return [msgspec.structs.replace(hit, by=by) if _has_origin(table, hit.row) else hit for hit in hits]

    def _whole_cells(self, table: Table) -> Iterator[Hit]:
        """Short names and codes: the cell must be it, in a column that holds such."""
        short = {
            words: of
            for words, of in self._cells.items()
            if len(words) < _SHORT and words not in _NOT_LEXICAL and words[0].isalpha()
        }
        kinds = (
            {
                at: CODE_COLUMNS[name.lower()]
                for at, name in enumerate(table.columns)
                if name.lower() in CODE_COLUMNS
            }
            if self._codes
            else {}
        )
        naming = (
            [at for at, name in enumerate(table.columns) if NAMING_COLUMNS.fullmatch(name)] if short else []
        )
        if not kinds and not naming:
            return
        for number, row in enumerate(table.rows, 1):
            for at, kind in kinds.items():
                value = _code(row[at])
                for name in self._codes.get((kind, value.casefold()), ()):
                    yield Hit(name=name, by="code", matched=value, row=number, column=table.columns[at])
            for at in naming:
                if isinstance(row[at], str) and len(row[at]) <= 2 * _SHORT:
                    for name, by in short.get(folded(row[at]), ()):
                        yield Hit(name=name, by=by, matched=row[at], row=number, column=table.columns[at])

    def _in_cells(self, table: Table) -> Iterator[Hit]:
        """Names in the text of cells, all cells searched at once."""
        if not self._forms:
            return
        places = [
            (number, at)
            for number, row in enumerate(table.rows, 1)
            for at, cell in enumerate(row)
            if isinstance(cell, str)
        ]
        cells = [table.rows[number - 1][at] for number, at in places]
        ends: list[int] | None = None
        for hit in _names_only(self.in_text(_JOIN.join(cells))):
            if ends is None:
                ends = list(accumulate(len(cell) + 1 for cell in cells))
            number, at = places[bisect_right(ends, hit.start or 0)]
            if _JOIN not in hit.matched:
                yield Hit(name=hit.name, by=hit.by, matched=hit.matched, row=number, column=table.columns[at])


def is_lexical(name: str) -> bool:
    """Whether a text can be searched for a name: it has a word that does not stand everywhere."""
    words = folded(name)
    letters = sum(character.isalpha() for character in words)
    telling = [word for word in words.split() if word not in _NOT_LEXICAL]
    return letters >= _SHORT and len(words) >= _SHORT and bool(telling)


def _written(name: str, synonyms: Iterable[str]) -> Iterator[tuple[MatchedBy, str]]:
    yield "name", name
    same = folded(name)
    yield from (
        ("synonym", other) for other in dict.fromkeys(synonyms) if other.strip() and folded(other) != same
    )


def _names_only(hits: Iterable[Hit]) -> Iterator[Hit]:
    return (hit for hit in hits if hit.by != "code")


def _hits(text: str, spans: list[_Span]) -> tuple[Hit, ...]:
    """In the order of the text; where two forms of an item overlap, the longer one, first by name."""
    if not spans:
        return ()
    kept: list[Hit] = []
    ends: dict[str, int] = {}
    for start, end, sure, name in sorted(spans):
        if start >= ends.get(name, 0):
            ends[name] = -end
            kept.append(Hit(name=name, by=_SURE[sure], matched=text[start:-end], start=start, end=-end))
    return tuple(kept)


def _has_origin(table: Table, row: int | None) -> bool:
    return row is not None and any(
        row <= len(origin.rows) and origin.rows[row - 1] is not None for origin in table.origins
    )


def _code(cell: Any) -> str:
    """A cell as a code: the reference's databases hold whole numbers as `50912.0`."""
    return str(cell).strip().removesuffix(".0") if cell is not None else ""


def _folded_with_places(text: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """A text folded, and for each character of that where the ones it came from begin and end."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    place = 0
    while place < len(text):
        end = place + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        piece = text[place:end]
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", piece).casefold())
        plain = "".join(character if is_mark(character) else " " for character in plain)
        parts.append(plain)
        starts += [place] * len(plain)
        ends += [end] * len(plain)
        place = end
    return "".join(parts), starts, ends
