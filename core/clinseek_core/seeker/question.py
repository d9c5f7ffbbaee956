"""What the question asks for: a kind of thing, or yes or no about an outcome or a fact."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

import msgspec

from clinseek_core.seeker.brief import Brief
from clinseek_core.seeker.lexicon import Kind, named_in

__all__ = ["Asked", "Outcome", "read_question"]

Outcome = Literal["length of stay", "death", "intensive care", "return", "admission", "critical outcome"]

_YES_NO = {"yes", "no"}
_ASKS_WHETHER = re.compile(
    r"^(?:will|is|are|was|were|does|do|did|has|have|had|can|could|would|should|whether)\b"
)

# The first line that fits decides, so the narrower outcome stands above the wider one.
_OUTCOMES: tuple[tuple[str, Outcome], ...] = (
    (r"critical outcome|deteriorat", "critical outcome"),
    (r"readmi|reattend|revisit|come back|return (?:to|visit|within|for)", "return"),
    (r"\bdie\b|\bdies\b|death|dead|mortality|surviv|expire", "death"),
    (
        r"length of stay|\blos\b|stay.{0,60}\b(?:longer|more|exceed|over|at least|days?)"
        r"|(?:longer|more) than.{0,20}\bdays?",
        "length of stay",
    ),
    (r"intensive care|\bicu\b|critical care", "intensive care"),
    (r"hospitali[sz]|admitted|admission to", "admission"),
)

# Tables and the kind of thing in them, by the words a question names them with.
_FOCI: tuple[tuple[str, str, Kind], ...] = (
    (r"pyxis|dispens", "pyxis", "drug"),
    (r"emar|administ|\bgiven\b|\breceived?\b", "emar", "drug"),
    (r"home medic|reconcil|medrecon", "medrecon", "drug"),
    (r"prescri|medication|\bdrugs?\b|antibiotic|pharmac", "prescriptions", "drug"),
    (r"infus|inputevent|fluid", "inputevents", "drug"),
    (r"microbio|cultures?\b|specimen", "microbiologyevents", "test"),
    (r"\blabs?\b|laborator|blood test|labevent", "labevents", "test"),
    (r"vital|chartevent|charted|\bomr\b|output", "chartevents", "test"),
    (r"radiolog|imaging|x-ray|scan\b|film", "radiology", "condition"),
    (r"procedure|surger|operation|intervention", "procedureevents", "procedure"),
    (r"\borders?\b|\bpoe\b|provider order", "poe", "procedure"),
    (r"transfer|care ?unit|\bward\b|\bunit\b", "transfers", "place"),
    (r"\bservices?\b", "services", "place"),
    (r"condition|diagnos|disease|disorder|comorbid|phenotyp|problem|finding", "diagnoses_icd", "condition"),
)
_USUAL_FOCI: tuple[tuple[str, Kind], ...] = (
    ("diagnoses_icd", "condition"),
    ("prescriptions", "drug"),
    ("procedureevents", "procedure"),
    ("microbiologyevents", "test"),
    ("transfers", "place"),
)
_SINGULAR = re.compile(
    r"\b(?:which|what)(?: \w+){0,3}? (?:is|will|was|does|should|has)\b|\bnext \w+\b|\bmost likely\b"
)
_PLURAL = re.compile(
    r"\b(?:which|what) (?:of|are)\b|\ball\b|\blist\b|\beach\b"
    r"|\b(?:which|what) (?:\w+ ){0,2}(?!(?:is|was|has|does|this|his|diagnosis|status)\b)\w+s\b"
)
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DAYS = re.compile(rf"\b(\d{{1,3}}|{'|'.join(_NUMBERS)}|fourteen|thirty)[ -]?(days?|hours?|weeks?)\b")
_MOST = 0.5


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The question, understood as far as the rules go."""

    whether: bool
    """Yes or no is asked."""
    kind: Kind
    focus: str
    """The table the answer would be a row of."""
    outcome: Outcome | None = None
    days: float = 3.0
    """The time an outcome is asked for."""
    one: bool = False
    """One item is asked for."""


def read_question(brief: Brief) -> Asked:
    """Read the question's words, and the candidates' where there are any."""
    text = " ".join(brief.question.lower().split())
    sentences = [part.strip() for part in re.split(r"(?<=[.?!:])\s", text)]
    final = next((part for part in reversed(sentences) if part.endswith("?")), text)
    offered = {name.strip().lower() for name in brief.candidates}
    whether = offered == _YES_NO if offered else bool(_ASKS_WHETHER.match(final))
    table, kind = _focus(text, brief.candidates)
    return Asked(
        whether=whether,
        kind=kind,
        focus=table,
        outcome=_outcome(final, text) if whether else None,
        days=_days(final) or _days(text) or 3.0,
        one=brief.one or bool(_SINGULAR.search(final) and not _PLURAL.search(final)),
    )


def _focus(text: str, candidates: tuple[str, ...]) -> tuple[str, Kind]:
    """What the question's words say, unless most candidates are known to be of another kind."""
    said = [(table, kind) for pattern, table, kind in _FOCI if re.search(pattern, text)]
    kinds = Counter(kind for kind in map(_kind_of, candidates) if kind is not None)
    if kinds:
        kind, count = max(kinds.items(), key=lambda item: (item[1], item[0]))
        if count > _MOST * len(candidates):
            return next(focus for focus in (*said, *_USUAL_FOCI) if focus[1] == kind)
    return said[0] if said else _USUAL_FOCI[0]


def _kind_of(name: str) -> Kind | None:
    kinds = {named.concept.kind for named in named_in(name)}
    return kinds.pop() if len(kinds) == 1 else None


def _outcome(*texts: str) -> Outcome | None:
    """The outcome that the question's own sentence names, else its instruction."""
    return next(
        (outcome for text in texts for pattern, outcome in _OUTCOMES if re.search(pattern, text)), None
    )


def _days(text: str) -> float | None:
    match = _DAYS.search(text)
    if match is None:
        return None
    word, unit = match[1], match[2]
    count = {"fourteen": 14, "thirty": 30}.get(word) or (
        _NUMBERS.index(word) if word in _NUMBERS else int(word)
    )
    return count * {"d": 1.0, "h": 1 / 24, "w": 7.0}[unit[0]]
