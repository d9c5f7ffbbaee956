"""From a drug to its orders: what the pharmacy entered for it, and whether doses followed."""

from __future__ import annotations

from string import Template

from clinseek_core.seeker.desk import Desk
from clinseek_core.seeker.overview import Picture
from clinseek_core.seeker.reading import Row, rows, whole
from clinseek_core.seeker.script import Script, Turn
from clinseek_core.seeker.search import Hits
from clinseek_core.seeker.sources import Schema, timestamp
from clinseek_core.seeker.weigh import Weighed
from clinseek_core.seeker.weights import Evidence
from clinseek_core.seeker.words import counted, listed

__all__ = ["follow_orders"]

_MOST = 3
_STEM = 8
_SHORTEST = 5
_LONGEST = 40
_SINGLE = ("ONCE", "X1", "ON CALL")

_ORDERS = Template("""\
SELECT p.medication, p.route, p.frequency, p.entertime, p.starttime, o.ordertime, o.transaction_type,
  (SELECT count(*) FROM emar e WHERE e.pharmacy_id = p.pharmacy_id
     AND e.event_txt NOT ILIKE '%not %' AND e.event_txt NOT ILIKE '%hold%') AS doses
FROM pharmacy p LEFT JOIN poe o USING (poe_id)
WHERE p.entertime >= $start AND p.stoptime IS NULL AND contains(lower(p.medication), '$stem')
ORDER BY p.entertime DESC, p.medication LIMIT 10""")


def follow_orders(
    desk: Desk, schema: Schema, picture: Picture, hits: Hits, best: tuple[Weighed, ...]
) -> Script[dict[str, tuple[Evidence, ...]]]:
    """What the orders of the best drugs add, by the item's name."""
    followed = [
        weighed.item for weighed in best if weighed.item.kind == "drug" and _is_ordered(weighed, hits)
    ]
    stems = {item.name: stem for item in followed[:_MOST] if (stem := _stem(item.own_words))}
    if not stems or not schema.holds("pharmacy"):
        return {}
    start = timestamp(picture.stay.start)
    answers = yield Turn(
        f"There are orders for {listed(stems)}. I follow them to their pharmacy rows and doses.",
        tuple(desk.sql(_ORDERS.substitute(start=start, stem=stem)) for stem in stems.values()),
    )
    return {
        name: tuple(
            _evidence(row) for row in rows(answer, "medication", "frequency", "doses") if whole(row["doses"])
        )
        for name, answer in zip(stems, answers, strict=True)
    }


def _is_ordered(weighed: Weighed, hits: Hits) -> bool:
    return any(hit.role == "ordered" and hit.this_stay for hit in hits.get(weighed.item.term, ()))


def _stem(words: tuple[str, ...]) -> str:
    """The start of the longest plain word, long enough to mean one drug."""
    longest = max((word for word in words if word.isascii() and word.isalpha()), key=len, default="")
    return longest[:_STEM] if len(longest) >= _SHORTEST else ""


def _evidence(row: Row) -> Evidence:
    frequency = row["frequency"][:_LONGEST] or "without a frequency"
    says = f"ordered {frequency}, {counted(whole(row['doses']), 'dose')} given"
    return Evidence("done before" if frequency.upper().startswith(_SINGLE) else "running", says)
