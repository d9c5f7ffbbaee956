"""Search by meaning: names that say what a query says, in its words, their stems or words of one meaning.

A name is scored by how much of the query it says and how little else: twice the weight of the shared stems
over the weight of the stems of both, where a stem weighs the more the fewer names hold it, and the query
counts for more than the name (Tversky's index). A name that says just what was asked scores 1.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clinseek_core.candidates.postings import Postings
from clinseek_core.candidates.wording import stem, words

if TYPE_CHECKING:
    import numpy as np

    from clinseek_core.candidates.postings import Ints

    Floats = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Document", "Meaning", "Reading"]

_POOL = 400
_QUERY_COUNTS = 2.0
"""How much more a word of the query that a name lacks weighs than a word of the name not asked for."""
_PREFIX = 0.85
_MAX_PREFIXED = 40
_IN_ORDER = 0.06

Document = tuple[int, str, float]
"""The place of a name, a text that says what it means (itself first), and how far that text is trusted."""
Reading = tuple[tuple[str, ...], float]
"""Words that a query may mean, and how sure that is."""


class Meaning:
    """The stems of names and of their other names."""

    def __init__(self, parts: dict[str, bytes], count: int) -> None:
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        self._stems = Postings(parts)
        self._names: Ints = np.frombuffer(parts["doc_names"], "<i4")
        self._trust: Floats = np.frombuffer(parts["doc_trust"], "<f4").astype("f8")
        self._text_starts: Ints = np.frombuffer(parts["text_starts"], "<i4")
        self._text: Ints = np.frombuffer(parts["text"], "<i4")
        self._count = count
        self._words = parts["words"]

    @staticmethod
    def build(documents: Iterable[Document]) -> dict[str, bytes]:
        """The parts for the documents of all names."""
        import numpy as np  # noqa: PLC0415 - loaded where an index is made

        names, trust, texts = [], [], []
        known: set[str] = set()
        for name, text, trusted in documents:
            said = words(text)
            known.update(word for word in said if word.isalpha())
            names.append(name)
            trust.append(trusted)
            texts.append([stem(word) for word in said])
        parts = Postings.build(texts)
        numbers = {term: number for number, term in enumerate(parts["terms"].decode().split("\n")[1:-1])}
        starts = np.zeros(len(texts) + 1, "<i4")
        np.cumsum([len(text) for text in texts], out=starts[1:])
        flat = np.array([numbers[term] for text in texts for term in text], "<i4")
        return parts | {
            "doc_names": np.array(names, "<i4").tobytes(),
            "doc_trust": np.array(trust, "<f4").tobytes(),
            "text_starts": starts.tobytes(),
            "text": flat.tobytes(),
            "words": ("\n" + "".join(f"{word}\n" for word in sorted(known))).encode(),
        }

    @property
    def words(self) -> list[str]:
        """All words, unstemmed, that are letters only."""
        return self._words.decode().split("\n")[1:-1]

    def search(self, readings: Sequence[Reading], limit: int) -> list[tuple[int, float]]:
        """The nearest names with a score in 0 to 1, in thousandths; equals by length, then alphabet."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        best: dict[int, float] = {}
        for said, sure in readings:
            stems = [stem(word) for word in said]
            scores = self._scores(stems) * self._trust * sure
            pool = np.flatnonzero(scores > 0)
            if len(pool) > _POOL:
                least = np.partition(scores[pool], -_POOL)[-_POOL]
                pool = pool[scores[pool] >= least]
            numbers = [number for number in map(self._number, stems) if number is not None]
            for doc in pool.tolist():
                score = float(scores[doc]) * (1 - _IN_ORDER + _IN_ORDER * self._in_order(doc, numbers, stems))
                name = int(self._names[doc])
                best[name] = max(best.get(name, 0.0), score)
        rounded = [(place, round(score, 3)) for place, score in best.items()]
        ordered = sorted(rounded, key=lambda item: (-item[1], item[0]))
        return [item for item in ordered if item[1] > 0][:limit]

    def _scores(self, stems: Sequence[str]) -> Floats:
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        shared = np.zeros(len(self._names))
        asked = 0.0
        for term in dict.fromkeys(stems):
            number = self._number(term)
            if number is not None:
                shared[self._stems.of(number)] += self._weights[number]
                asked += float(self._weights[number])
                continue
            asked += self._weight_of_unknown
            begun = self._begun_with(term)
            part = np.zeros(len(self._names))
            for longer in begun:
                docs = self._stems.of(longer)
                part[docs] = np.maximum(part[docs], _PREFIX * self._weights[longer])
            shared += part
        return shared * (1 + _QUERY_COUNTS) / (_QUERY_COUNTS * asked + self._mass + 1e-9)

    def _number(self, term: str) -> int | None:
        return self._numbers.get(term)

    def _begun_with(self, term: str) -> range:
        """The numbers of the stems that begin with `term`; of none where it is short or they are many."""
        first = bisect_left(self._stems.terms, term)
        last = bisect_left(self._stems.terms, term + "\U0010ffff")
        return range(first, last) if len(term) >= 4 and last - first <= _MAX_PREFIXED else range(0)

    def _in_order(self, doc: int, numbers: list[int], stems: Sequence[str]) -> float:
        """1 where the document holds the query as it stands, at its beginning; 0.7 where later; else 0."""
        if len(numbers) < len(stems):
            return 0.0
        text = self._text[self._text_starts[doc] : self._text_starts[doc + 1]].tolist()
        size = len(numbers)
        for begin in range(len(text) - size + 1):
            if text[begin : begin + size] == numbers:
                return 0.7 if begin else 1.0
        return 0.0

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {term: number for number, term in enumerate(self._stems.terms)}

    @cached_property
    def _weights(self) -> Floats:
        """Of each stem: the logarithm of how few documents hold it."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        return np.log(1 + len(self._names) / np.diff(self._stems.starts))

    @property
    def _weight_of_unknown(self) -> float:
        return math.log(1 + len(self._names))

    @cached_property
    def _mass(self) -> Floats:
        """Of each document: the weight of its stems."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        weights = np.repeat(self._weights, np.diff(self._stems.starts))
        masses: Floats = np.bincount(self._stems.docs, weights, len(self._names))
        return masses
