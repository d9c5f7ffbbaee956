"""What a query may mean: its words, words it may be a misspelling of, what the lexicon says of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from clinseek_core.candidates.lexicon import key, longest, meanings
from clinseek_core.candidates.wording import MAX_QUERY, telling, words

__all__ = ["Reading", "readings"]

Slots = tuple[tuple[str, ...], ...]
Reading = tuple[Slots, float]
"""For each thing that a query says, the words it may mean; and how sure all that is, in 0 to 1."""

_MAX_WORDS = 30
_MAX_READINGS = 24
_MAX_CORRECTED = 8
_NEAR = 72.0
"""The least edit ratio, in 0 to 100, at which a known word is taken for what an unknown one meant."""
_NEXT = 0.05


def readings(query: str, known: Collection[str], vocabulary: Sequence[str]) -> list[Reading]:
    """The readings of `query`, the surest first.

    A word that is not in `known` is taken for a misspelling of the words of `vocabulary` nearest to it,
    where some are near.
    """
    said = tuple(telling(words(query[:MAX_QUERY])[:_MAX_WORDS]))
    if not said:
        return []
    found: dict[Slots, float] = {}
    for corrected, sure in _corrected(said, known, vocabulary):
        for meant, trust in _meant(corrected):
            found[meant] = max(found.get(meant, 0.0), round(sure * trust, 6))
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MAX_READINGS]


def _corrected(
    said: tuple[str, ...], known: Collection[str], vocabulary: Sequence[str]
) -> list[tuple[tuple[str, ...], float]]:
    """The words as they are; then with each unknown word replaced by the known words nearest to it."""
    best, second = list(said), list(said)
    sure = 1.0
    unknown = [place for place, word in enumerate(said) if _may_be_misspelled(word, known)]
    for place in unknown[:_MAX_CORRECTED]:
        word = said[place]
        near = _nearest(word, vocabulary)
        if near:
            best[place], ratio = near[0]
            second[place] = near[-1][0]
            sure *= ratio / 100
    found = [(said, 1.0)]
    for other, trust in ((tuple(best), sure), (tuple(second), sure * 0.95)):
        if other != said:
            found.append((other, trust))
    return found


def _may_be_misspelled(word: str, known: Collection[str]) -> bool:
    return len(word) >= 4 and word.isalpha() and word not in known


def _nearest(word: str, vocabulary: Sequence[str]) -> list[tuple[str, float]]:
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - loaded with the first search

    found = process.extract(word, vocabulary, scorer=fuzz.ratio, limit=2, score_cutoff=_NEAR)
    return [(near, score) for near, score, _ in found]


def _meant(said: tuple[str, ...]) -> list[Reading]:
    """The words as they are, and with any lexicon entries among them put into clinical words.

    Read from left to right; of the readings of what was read so far, the surest are kept.
    """
    found: list[list[Reading]] = [[((), 1.0)]]
    for end in range(1, len(said) + 1):
        reached: dict[Slots, float] = {}
        for size in range(1, min(longest(), end) + 1):
            choices = _choices(said[end - size : end])
            for before, sure in found[end - size]:
                for name, trust in choices:
                    meant = (*before, name)
                    reached[meant] = max(reached.get(meant, 0.0), sure * trust)
        found.append(sorted(reached.items(), key=lambda item: (-item[1], item[0]))[:_MAX_READINGS])
    return found[-1]


def _choices(entry: tuple[str, ...]) -> list[tuple[tuple[str, ...], float]]:
    own: list[tuple[tuple[str, ...], float]] = [(entry, 1.0)] if len(entry) == 1 else []
    meant = meanings().get(key(entry))
    if meant is None:
        return own
    return own + [
        (name, meant.trust - _NEXT * rank) for rank, name in enumerate(meant.names) if name != entry
    ]
