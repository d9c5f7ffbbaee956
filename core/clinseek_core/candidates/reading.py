"""What a query may mean: its words, words it may be a misspelling of, what the lexicon says of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from clinseek_core.candidates.lexicon import longest, meanings
from clinseek_core.candidates.meaning import Reading
from clinseek_core.candidates.wording import MAX_QUERY, words

__all__ = ["readings"]

_MAX_WORDS = 30
_MAX_READINGS = 12
_NEAR = 72.0
"""The least edit ratio, in 0 to 100, at which a known word is taken for what an unknown one meant."""
_LEXICON = 0.95
_IDLE = frozenset(
    word
    for line in (
        "a an and are at be been by do does for from got had has have having her his i in is it its me my",
        "of on or our please she he that the their them there these they this to was we were what when",
        "which who with you your",
    )
    for word in line.split()
)


def readings(query: str, known: Collection[str], vocabulary: Sequence[str]) -> list[Reading]:
    """The readings of `query`, the surest first.

    A word that is neither in `known` nor in the lexicon is taken for a misspelling of the words of
    `vocabulary` nearest to it, where some are near.
    """
    said = words(query[:MAX_QUERY])[:_MAX_WORDS]
    kept = tuple(word for word in said if word not in _IDLE) or tuple(said)
    if not kept:
        return []
    found: dict[tuple[str, ...], float] = {}
    for corrected, sure in _corrected(kept, known, vocabulary):
        for meant, trust in _meant(corrected):
            found[meant] = max(found.get(meant, 0.0), round(sure * trust, 6))
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return ordered[:_MAX_READINGS]


def _corrected(said: tuple[str, ...], known: Collection[str], vocabulary: Sequence[str]) -> list[Reading]:
    """The words as they are; then with each unknown word replaced by the known words nearest to it."""
    best, second = list(said), list(said)
    sure = 1.0
    for place, word in enumerate(said):
        if len(word) < 4 or not word.isalpha() or word in known or (word,) in meanings():
            continue
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


def _nearest(word: str, vocabulary: Sequence[str]) -> list[tuple[str, float]]:
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - loaded with the first search

    found = process.extract(word, vocabulary, scorer=fuzz.ratio, limit=2, score_cutoff=_NEAR)
    return [(near, score) for near, score, _ in found]


def _meant(said: tuple[str, ...]) -> list[Reading]:
    """The words, and every way to put lexicon entries into clinical words, longer entries first."""
    found: dict[tuple[str, ...], float] = {said: 1.0}
    for begin in range(len(said)):
        for size in range(min(longest(), len(said) - begin), 0, -1):
            names = meanings().get(said[begin : begin + size])
            if names is None:
                continue
            for rank, name in enumerate(names):
                other = said[:begin] + name + said[begin + size :]
                found.setdefault(other, _LEXICON - 0.02 * rank)
            break
    return list(found.items())
