"""Search by meaning: names that say what a query says, in its words, their stems or words of one meaning.

A name is scored by how much of the query it says and how little else: twice the weight of the shared stems
over the weight of the stems of both, where a stem weighs the more the fewer names hold it, and the query
counts for more than the name (Tversky's index). A name that says just what was asked scores 1.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from clinseek_core.candidates.postings import Postings
from clinseek_core.candidates.reading import Reading
from clinseek_core.candidates.wording import telling, terms, words

if TYPE_CHECKING:
    import numpy as np

    from clinseek_core.candidates.postings import Ints

    Floats = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Document", "Meaning"]

_EXCEPTION = re.compile(r"\((?:except|not|excluding)\b[^)]*\)")
_POOL = 400
_QUERY_COUNTS = 3.0
"""How much more a word of the query that a name lacks weighs than a word of the name not asked for."""
_PREFIX = 0.85
_MAX_PREFIXED = 40
_IN_ORDER = 0.06
_NEARNESS = 0.6
"""How far an embedding's cosine of 1 is trusted."""

Document = tuple[int, str, float]
"""The place of a name, a text that says what it means (itself first), and how far that text is trusted."""


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
            known.update(word for word in words(text) if word.isalpha())
            said = words(_EXCEPTION.sub("", text))
            names.append(name)
            trust.append(trusted)
            texts.append(terms(telling(said)))
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

    def search(
        self, readings: Sequence[Reading], limit: int, near: Floats | None = None
    ) -> list[tuple[int, float]]:
        """The nearest names with a score in 0 to 1, in thousandths; equals by length, then alphabet.

        `near` is each document's nearness by an embedding, in 0 to 1; it counts beside the words.
        """
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        if not readings or not len(self._names):
            return []
        stemmed = [_distinct(slots) for slots, _ in readings]
        scores = np.zeros(len(self._names))
        which = np.zeros(len(self._names), "i4")
        for number, (slots, (_, sure)) in enumerate(zip(stemmed, readings, strict=True)):
            of_reading = self._scores(slots) * sure
            which[of_reading > scores] = number
            np.maximum(scores, of_reading, out=scores)
        if near is not None:
            scores = _fused(scores, near)
        scores *= self._trust
        flat = [[term for slot in slots for term in slot] for slots in stemmed]
        best: dict[int, float] = {}
        for doc in _pool(scores):
            order = 1 - _IN_ORDER + _IN_ORDER * self._in_order(doc, flat[which[doc]])
            name = int(self._names[doc])
            best[name] = max(best.get(name, 0.0), float(scores[doc]) * order)
        rounded = [(place, round(score, 3)) for place, score in best.items()]
        ordered = sorted(rounded, key=lambda item: (-item[1], item[0]))
        return [item for item in ordered if item[1] > 0][:limit]

    def _scores(self, slots: Sequence[Sequence[str]]) -> Floats:
        """Of each document, how much of the slots it says and how little else."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        said = np.zeros(len(self._names))
        shared = np.zeros(len(self._names))
        asked = 0.0
        for slot in slots:
            weights = [self._weight(term) for term in slot]
            whole = max(weights)
            for term, weight in zip(slot, weights, strict=True):
                docs, sure = self._holding(term)
                share = whole * weight / sum(weights)
                said[docs] += share * sure
                shared[docs] += weight * sure
            asked += whole
        recall = said / asked
        precision = np.minimum(shared / (self._mass + 1e-9), 1.0)
        return (1 + _QUERY_COUNTS) * recall * precision / (_QUERY_COUNTS * precision + recall + 1e-9)

    def _weight(self, term: str) -> float:
        number = self._numbers.get(term)
        return math.log(1 + len(self._names)) if number is None else float(self._weights[number])

    def _holding(self, term: str) -> tuple[Ints, float]:
        """The documents that hold the stem, else any stem that it begins; and how sure that is."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        number = self._numbers.get(term)
        if number is not None:
            return self._stems.of(number), 1.0
        begun = [self._stems.of(longer) for longer in self._begun_with(term)]
        return np.unique(np.concatenate([self._stems.docs[:0], *begun])), _PREFIX

    def _begun_with(self, term: str) -> range:
        """The numbers of the stems that begin with `term`; of none where it is short or they are many."""
        first = bisect_left(self._stems.terms, term)
        last = bisect_left(self._stems.terms, term + "\U0010ffff")
        return range(first, last) if len(term) >= 4 and last - first <= _MAX_PREFIXED else range(0)

    def _in_order(self, doc: int, stems: Sequence[str]) -> float:
        """1 where the document holds the query as it stands, at its beginning; 0.7 where later; else 0."""
        numbers = [self._numbers.get(term, -1) for term in stems]
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

    @cached_property
    def _mass(self) -> Floats:
        """Of each document: the weight of its stems."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        weights = np.repeat(self._weights, np.diff(self._stems.starts))
        return np.bincount(self._stems.docs, weights, len(self._names)).astype("f8")


def _distinct(slots: Sequence[Sequence[str]]) -> list[list[str]]:
    """The stems of each slot, without those that an earlier one has; slots that say something."""
    stems = iter(terms([word for slot in slots for word in slot]))
    seen: set[str] = set()
    found = []
    for slot in slots:
        new = [term for term in dict.fromkeys(islice(stems, len(slot))) if term not in seen]
        seen.update(new)
        if new:
            found.append(new)
    return found


def _pool(scores: Floats) -> list[int]:
    """The documents that may be among the first: the best, and their equals."""
    import numpy as np  # noqa: PLC0415 - loaded with the first search

    found = np.flatnonzero(scores > 0)
    if len(found) > _POOL:
        found = found[scores[found] >= np.partition(scores[found], -_POOL)[-_POOL]]
    places: list[int] = found.tolist()
    return places


def _fused(words: Floats, near: Floats) -> Floats:
    """Nearness by words and by embedding together: either is a hint, both are more (noisy or)."""
    return 1 - (1 - words) * (1 - _NEARNESS * near)
