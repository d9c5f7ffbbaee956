"""The seeker's way through a case, from opening the record to the answer."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from clinseek_core.seeker.brief import Brief
from clinseek_core.seeker.desk import Desk, finish
from clinseek_core.seeker.drug_trail import follow_orders
from clinseek_core.seeker.items import Item, items_of, terms_of
from clinseek_core.seeker.lexicon import Kind, named_in
from clinseek_core.seeker.opening import open_record
from clinseek_core.seeker.overview import Picture, look_around
from clinseek_core.seeker.propose import proposed
from clinseek_core.seeker.question import Asked, read_question
from clinseek_core.seeker.risk import judge
from clinseek_core.seeker.script import Script, Turn
from clinseek_core.seeker.search import Hits, read_hits, searches
from clinseek_core.seeker.sources import Schema
from clinseek_core.seeker.spelling import spelled
from clinseek_core.seeker.trails import follow_signs
from clinseek_core.seeker.weigh import Weighed, choose, weigh
from clinseek_core.seeker.words import counted, listed, sentences

__all__ = ["seek"]

_MOST_ITEMS = 400
_FACT: dict[Kind, float] = {"condition": 3.0, "drug": 2.0, "test": 2.0, "procedure": 2.0, "place": 2.0}
"""Points that make a fact of what a question names."""
_REASONS = 3
_REASONS_OF_MANY = 2
_MANY = 6
_RUNNERS_UP = 3
_OWN_RULES = "These are sums of fixed weights, by rules and without a language model."


class _Inquiry(msgspec.Struct, frozen=True):
    """What is known before the answer is sought: the task, and the record as the overview shows it."""

    brief: Brief
    asked: Asked
    desk: Desk
    schema: Schema
    picture: Picture


def seek(brief: Brief) -> Script[None]:
    """Seek the evidence the question needs, and answer."""
    asked = read_question(brief)
    desk = Desk(brief.subject_id)
    schema = yield from open_record(desk, brief, asked)
    picture = yield from look_around(
        desk, schema, brief.now, "I know the columns. Where is the patient now, and since when?"
    )
    followed = yield from follow_signs(desk, schema, picture, _summary(picture))
    picture = msgspec.structs.replace(picture, signs=picture.signs | followed.signs)
    inquiry = _Inquiry(brief, asked, desk, schema, picture)
    if asked.whether:
        yield from _answer_whether(inquiry, followed.says)
    else:
        yield from _answer_which(inquiry, followed.says)


def _answer_whether(inquiry: _Inquiry, known: str) -> Script[None]:
    """Judge an outcome by its weights, or a fact by what the record says of the things named."""
    brief, asked = inquiry.brief, inquiry.asked
    if asked.outcome is not None:
        verdict = judge(asked.outcome, inquiry.picture, asked, brief.now)
        yes, why = verdict.yes, sentences([known, verdict.why])
    else:
        names = dict.fromkeys(found.words[0] for found in named_in(brief.question))
        weighed, _ = yield from _weighed(inquiry, items_of(tuple(names), asked.kind), known)
        yes = bool(weighed) and all(w.points >= _FACT[w.item.kind] for w in weighed)
        why = " ".join(map(_reasoned, weighed)) or "I know none of the things that the question names."
    said = _spelled_whether(yes, brief.candidates)
    yield Turn(sentences([why, f"So my answer is {said}.", _OWN_RULES]), (finish((said,)),))


def _answer_which(inquiry: _Inquiry, known: str) -> Script[None]:
    """Search the record for every candidate, weigh, follow the best, answer."""
    asked, picture, desk = inquiry.asked, inquiry.picture, inquiry.desk
    names = inquiry.brief.candidates or proposed(picture, asked)
    items = items_of(names[:_MOST_ITEMS], asked.kind)
    weighed, hits = yield from _weighed(inquiry, items, known)
    own = not inquiry.brief.candidates
    best = choose(weighed, msgspec.structs.replace(asked, one=False), open_question=own)
    further = yield from follow_orders(desk, inquiry.schema, picture, hits, best)
    weighed = tuple(weigh(item, picture, hits, asked, further.get(item.name, ())) for item in items)
    chosen = choose(weighed, asked, open_question=own)
    answer = tuple(w.item.name for w in chosen)
    if own:
        answer = yield from spelled(desk, picture, tuple(w.item for w in chosen))
    yield Turn(_conclusion(chosen, weighed, answer), (finish(answer),))


def _weighed(
    inquiry: _Inquiry, items: tuple[Item, ...], known: str
) -> Script[tuple[tuple[Weighed, ...], Hits]]:
    """Search for the items and all that speaks for them; their points and the hits."""
    picture = inquiry.picture
    asks = searches(inquiry.desk, inquiry.schema, terms_of(items), picture.stay.start) if items else ()
    hits: Hits = {}
    if asks:
        what = f"I search the record's words for {listed(dict.fromkeys(item.name for item in items), 4)}"
        thought = f"{what}, their other names, and what speaks for them."
        hits = read_hits((yield Turn(sentences([known, thought]), asks)))
    return tuple(weigh(item, picture, hits, inquiry.asked) for item in items), hits


def _spelled_whether(yes: bool, candidates: Iterable[str]) -> str:
    wanted = "yes" if yes else "no"
    return next((name for name in candidates if name.strip().lower() == wanted), wanted)


def _summary(picture: Picture) -> str:
    """What the overview comes to, before the trails."""
    known = [row["diagnosis"] for row in picture.history]
    return sentences(
        [
            f"{counted(len(picture.reports), 'report')} of this stay." if picture.reports else "",
            f"Earlier stays were coded with {listed(known, 4)}." if known else "",
            f"In sum: {listed(dict.fromkeys(picture.signs.values()), 8)}." if picture.signs else "",
        ]
    )


def _reasoned(weighed: Weighed, most: int = _REASONS) -> str:
    reasons = "; ".join(weighed.reasons[:most]) or "nothing speaks for it"
    return f"{weighed.item.name} ({weighed.points:g} points): {reasons}."


def _conclusion(chosen: tuple[Weighed, ...], weighed: tuple[Weighed, ...], answer: tuple[str, ...]) -> str:
    if not chosen:
        return f"I found nothing that the question could mean. {_OWN_RULES}"
    best = max(w.points for w in chosen)
    weak = (
        "Nothing in the record speaks clearly for one of them; I give the least unlikely." if best < 1 else ""
    )
    names = {w.item.name for w in chosen}
    others = sorted((w for w in weighed if w.item.name not in names), key=lambda w: (-w.points, w.item.name))
    next_best = [f"{w.item.name} ({w.points:g})" for w in others[:_RUNNERS_UP]]
    return sentences(
        [
            f"I answer {listed(answer, 12)}.",
            weak,
            *(_reasoned(w, _REASONS_OF_MANY if len(chosen) > _MANY else _REASONS) for w in chosen),
            f"Next came {listed(next_best)}." if next_best else "",
            _OWN_RULES,
        ]
    )
