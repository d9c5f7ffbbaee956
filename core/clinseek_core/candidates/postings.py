"""Which documents hold which terms: an inverted index as a few arrays that travel as bytes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Ints = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = ["Postings", "occurrences"]

_MANY = 64


class Postings:
    """Terms in order, and for each the numbers of the documents that hold it, rising.

    `parts` are what is stored: `terms`, UTF-8, a line feed before each term and after the last; `starts`,
    where each term's documents begin, and one more; `docs`. Both are little-endian 32-bit integers.
    """

    def __init__(self, parts: dict[str, bytes]) -> None:
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        self.blob = parts["terms"]
        self.starts: Ints = np.frombuffer(parts["starts"], "<i4")
        self.docs: Ints = np.frombuffer(parts["docs"], "<i4")

    @staticmethod
    def build(documents: Iterable[Iterable[str]]) -> dict[str, bytes]:
        """The parts for `documents`, numbered from 0."""
        import numpy as np  # noqa: PLC0415 - loaded where an index is made

        found: dict[str, array[int]] = {}
        for number, terms in enumerate(documents):
            for term in dict.fromkeys(terms):
                held = found.get(term)
                if held is None:
                    held = found[term] = array("i")
                held.append(number)
        ordered = sorted(found)
        starts = np.zeros(len(ordered) + 1, "<i4")
        np.cumsum([len(found[term]) for term in ordered], out=starts[1:])
        docs = np.concatenate([np.frombuffer(found[term], "i") for term in ordered] or [starts[:0]])
        lines = "\n" + "".join(f"{term}\n" for term in ordered)
        return {"terms": lines.encode(), "starts": starts.tobytes(), "docs": docs.astype("<i4").tobytes()}

    @cached_property
    def _begins(self) -> Ints:
        """Where in the blob the line feed before each term stands."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        return np.flatnonzero(np.frombuffer(self.blob, "u1") == 10)[:-1].astype("i4")

    @cached_property
    def terms(self) -> list[str]:
        """All terms, in order."""
        return self.blob.decode().split("\n")[1:-1]

    def number(self, term: str) -> int | None:
        """The number of `term`, None where no document holds it."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        place = self.blob.find(f"\n{term}\n".encode())
        return None if place < 0 else int(np.searchsorted(self._begins, place))

    def of(self, number: int) -> Ints:
        """The documents of the term with this number."""
        return self.docs[self.starts[number] : self.starts[number + 1]]

    def holding(self, text: bytes) -> Ints:
        """The numbers of the terms in which `text`, which holds no line feed, occurs."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        found = np.searchsorted(self._begins, occurrences(self.blob, text), "right") - 1
        return found[np.flatnonzero(np.diff(found, prepend=-1))]

    def documents(self, numbers: Ints, count: int) -> Mask:
        """Which of `count` documents hold any of these terms."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        found = np.zeros(count, bool)
        if len(numbers) <= _MANY:
            for number in numbers:
                found[self.of(int(number))] = True
            return found
        wanted = np.zeros(len(self.starts) - 1, bool)
        wanted[numbers] = True
        found[self.docs[np.repeat(wanted, np.diff(self.starts))]] = True
        return found


def occurrences(blob: bytes, text: bytes) -> Ints:
    """Where in `blob` the bytes of `text` stand, rising."""
    import numpy as np  # noqa: PLC0415 - loaded with the first search

    if len(text) <= 2:
        view = np.frombuffer(blob, "u1")
        found = view[: len(view) - len(text) + 1] == text[0]
        for offset, byte in enumerate(text[1:], 1):
            found &= view[offset:] == byte
        return np.flatnonzero(found).astype("i4")
    places = []
    place = blob.find(text)
    while place >= 0:
        places.append(place)
        place = blob.find(text, place + 1)
    return np.array(places, "i4")
