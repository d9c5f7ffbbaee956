"""Search by letters: names that hold some words, names that read nearly like a query, one name itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clinseek_core.candidates.postings import Postings, occurrences
from clinseek_core.candidates.wording import MAX_QUERY, folded

if TYPE_CHECKING:
    import numpy as np

    from clinseek_core.candidates.postings import Ints, Mask

    Bytes = np.ndarray[Any, np.dtype[np.uint8]]

__all__ = ["Spelling"]

_MAX_WORDS = 20
_READ_FIRST = 400
"""Names that are scored before it is known which others could still win."""
_ROUNDED = 0.1
"""Scores are told to a tenth."""
_BUCKETS = 64
_MOST_OF_A_LETTER = 255
_LINE_FEED = 10
_DOTTED_CODE = re.compile(r"[a-z]?\d[\da-z]+\.[\da-z]+")


class Spelling:
    """The letters of a list of names, which come in order of length, then of the alphabet.

    A name is told by its place in that list. `parts` are what is stored: `names`, folded, UTF-8, a line feed
    before each and after the last; `terms`, `starts` and `docs`, the postings of every piece of a name and
    of its codes between white space.
    """

    def __init__(self, parts: dict[str, bytes], count: int) -> None:
        self._blob = parts["names"]
        self._pieces = Postings(parts)
        self._count = count

    @staticmethod
    def build(names: Sequence[str], codes: Sequence[Iterable[str]]) -> dict[str, bytes]:
        """The parts for `names` and the codes of each, as text."""
        texts = [folded(name) for name in names]
        pieces = (
            [*text.split(" "), *(piece for cell in of_name for piece in folded(cell).split(" "))]
            for text, of_name in zip(texts, codes, strict=True)
        )
        blob = "\n" + "".join(f"{text}\n" for text in texts)
        return Postings.build(pieces) | {"names": blob.encode()}

    def keyword(self, text: str) -> list[int]:
        """The names that hold every word of `text`, in themselves or in their codes.

        First the name that equals it, then names that begin with it, that hold it as it stands, that hold
        its words as whole words, and all others; within each, shorter names first.
        """
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        asked = folded(text[:MAX_QUERY]).split(" ")[:_MAX_WORDS]
        if asked == [""]:
            return []
        held = np.ones(self._count, bool)
        whole = np.ones(self._count, bool)
        for word in asked:
            numbers = [self._pieces.holding(form.encode()) for form in _forms(word)]
            held &= self._pieces.documents(np.concatenate(numbers), self._count)
            number = self._pieces.number(word)
            whole &= self._pieces.documents(np.array([] if number is None else [number], "i4"), self._count)
        places = np.flatnonzero(held)
        if not len(places):
            return []
        tiers = self._tiers(" ".join(asked).encode(), whole)
        ordered: list[int] = places[np.argsort(tiers[places], kind="stable")].tolist()
        return ordered

    def _tiers(self, phrase: bytes, whole: Mask) -> Bytes:
        """0 where a name is the phrase, 1 where it begins so, 2 where it holds it, 3 where `whole`, or 4."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        tiers = np.where(whole, 3, 4).astype("u1")
        hits = occurrences(self._blob, phrase)
        letters = np.frombuffer(self._blob, "u1")
        names = np.searchsorted(self._begins, hits, "right") - 1
        first = letters[hits - 1] == _LINE_FEED
        if b" " in phrase:
            tiers[names] = 2
        tiers[names[first]] = 1
        tiers[names[first & (letters[hits + len(phrase)] == _LINE_FEED)]] = 0
        return tiers

    def exact(self, text: str) -> list[int]:
        """The names that read like `text` but for case and white space."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        wanted = folded(text[:MAX_QUERY])
        # Names stand in order of length: only those as long as the text are looked through.
        low, high = np.searchsorted(self._lengths, [len(wanted), len(wanted) + 1]).tolist()
        if low == high:
            return []
        start = int(self._begins[low])
        end = int(self._begins[high]) + 1 if high < self._count else len(self._blob)
        hits = occurrences(self._blob[start:end], b"\n" + wanted.encode() + b"\n") + start
        places: list[int] = np.searchsorted(self._begins, hits).tolist()
        return places

    def fuzzy(self, text: str, limit: int) -> list[tuple[int, float]]:
        """The `limit` names nearest to `text` by edit ratio of the folded texts, with the ratio in 0 to 100.

        The ratio is 100 times (1 - insertions and deletions / letters of both). The letters that two texts
        share bound it, so names with the most shared letters are read first, and others only where they
        could still win.
        """
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        query = folded(text[:MAX_QUERY])
        if not query:
            return []
        bounds = 200 * self._shared_letters(query) / (len(query) + self._lengths)
        scores = np.zeros(self._count, "f4")
        first = min(max(_READ_FIRST, limit), self._count)
        places = np.argpartition(bounds, self._count - first)[self._count - first :]
        self._score(query, scores, places)
        kth = float(np.partition(scores[places], -limit)[-limit]) if limit < self._count else 0.0
        unread = bounds >= kth - _ROUNDED
        unread[places] = False
        self._score(query, scores, np.flatnonzero(unread))
        return _best(scores, limit)

    def _score(self, query: str, scores: np.ndarray[Any, Any], places: Ints) -> None:
        from rapidfuzz import fuzz, process  # noqa: PLC0415 - loaded with the first fuzzy search

        if len(places):
            texts = self._texts
            names = [texts[place] for place in places.tolist()]
            scores[places] = process.cdist([query], names, scorer=fuzz.ratio)[0]

    def _shared_letters(self, query: str) -> Ints:
        """Per name the letters it shares with `query`, as multisets: no less than any common subsequence."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        asked = np.bincount(np.frombuffer(query.encode("utf-32-le"), "u4") % _BUCKETS, minlength=_BUCKETS)
        shared = np.zeros(self._count, "i4")
        for bucket in np.flatnonzero(asked):
            shared += np.minimum(self._letters[bucket], min(int(asked[bucket]), _MOST_OF_A_LETTER))
            if asked[bucket] > _MOST_OF_A_LETTER:
                shared += int(asked[bucket]) - _MOST_OF_A_LETTER
        return shared

    @cached_property
    def _letters(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """How often each name holds the letters of each bucket: buckets x names.

        Letters that share a bucket, and counts that are cut, only make more letters shared.
        """
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        letters = np.frombuffer("".join(self._texts).encode("utf-32-le"), "u4") % _BUCKETS
        of_name = np.repeat(np.arange(self._count, dtype="i4"), self._lengths)
        counts = np.zeros((_BUCKETS, self._count), "u1")
        for bucket in range(_BUCKETS):
            held = np.bincount(of_name[letters == bucket], minlength=self._count)
            counts[bucket] = np.minimum(held, _MOST_OF_A_LETTER)
        return counts

    @cached_property
    def _texts(self) -> list[str]:
        return self._blob.decode().split("\n")[1:-1]

    @cached_property
    def _lengths(self) -> Ints:
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        return np.fromiter(map(len, self._texts), "i4", self._count)

    @cached_property
    def _begins(self) -> Ints:
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        return np.flatnonzero(np.frombuffer(self._blob, "u1") == 10)[:-1].astype("i4")


def _forms(word: str) -> tuple[str, ...]:
    """`word`, and an ICD code as MIMIC-IV writes it, without its dot."""
    return (word, word.replace(".", "")) if _DOTTED_CODE.fullmatch(word) else (word,)


def _best(scores: np.ndarray[Any, Any], limit: int) -> list[tuple[int, float]]:
    """The best places above zero, rounded to a tenth; among equals the shorter name, then the alphabet."""
    import numpy as np  # noqa: PLC0415 - loaded with the first search

    rounded = np.round(scores.astype("f8"), 1)
    places = np.flatnonzero(rounded > 0)
    if len(places) > limit:
        least = np.partition(rounded[places], -limit)[-limit]
        places = places[rounded[places] >= least]
    order = places[np.argsort(-rounded[places], kind="stable")][:limit]
    return [(int(place), float(rounded[place])) for place in order]
