"""Yes or no about an outcome: signs of how ill the patient is, in points, against a threshold.

`risk.tsv` and `thresholds.tsv` hold both. The weights follow the common sense of the bedside: the worse the
signs, the longer and graver the stay. They were not fitted to any data.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median

import msgspec

from clinseek_core.seeker.data import lines
from clinseek_core.seeker.lexicon import named_in
from clinseek_core.seeker.overview import Picture
from clinseek_core.seeker.question import Asked, Outcome
from clinseek_core.seeker.reading import shown
from clinseek_core.seeker.words import listed, span

__all__ = ["Verdict", "judge"]

_OLD = 75
_LONG_DAYS, _VERY_LONG_DAYS = 3, 7
_ABNORMAL_SHARE = 0.4
_SEVERAL_STAYS = 3
_MONTH = timedelta(days=30)
_PER_FURTHER_DAY = 0.5
_USUAL_DAYS = 3
_DRUG_SIGNS = {"pressor": "vasopressor", "antibiotic": "antibiotic"}
_ORDERS = {
    "ventilation": ("mechanical ventilation", "invasive ventilation", "intubation"),
    "transfusion": ("red cell product", "platelet product", "plasma product", "packed red"),
    "intervention": ("postop", "interventional radiology", "or sent", "procedure", "drain"),
    "discharge order": ("adt orders discharge",),
}


class Verdict(msgspec.Struct, frozen=True):
    """The answer, with the points behind it."""

    yes: bool
    why: str


def judge(outcome: Outcome, picture: Picture, asked: Asked, now: datetime) -> Verdict:
    """Whether the outcome is to be expected."""
    settled = _settled(outcome, picture, asked, now)
    if settled is not None:
        return settled
    rule = next(line for line in lines("thresholds.tsv") if line["outcome"] == outcome)
    needed = float(rule["points"])
    if outcome == "length of stay":
        needed += _PER_FURTHER_DAY * max(asked.days - _USUAL_DAYS, 0)
    found = dict(_findings(picture, now))
    weights = {line["sign"]: float(line[rule["column"]]) for line in lines("risk.tsv")}
    counted = {sign: weights[sign] for sign in found if weights.get(sign)}
    points = sum(counted.values())
    ranked = sorted(counted, key=lambda sign: (-abs(counted[sign]), sign))
    says = listed([f"{found[sign]} ({counted[sign]:+g})" for sign in ranked], 8) or "nothing that counts"
    return Verdict(
        points >= needed,
        f"For {outcome} I count {points:g} points where {needed:g} mean yes: {says}.",
    )


def _settled(outcome: Outcome, picture: Picture, asked: Asked, now: datetime) -> Verdict | None:
    """What the record itself says already."""
    stayed = picture.stay.days(now)
    if outcome == "length of stay" and picture.stay.kind and stayed >= asked.days:
        return Verdict(True, f"The stay has lasted {span(stayed)} already.")
    if outcome == "admission" and picture.stay.kind == "admission":
        return Verdict(True, "An admission is open already.")
    return None


def _findings(picture: Picture, now: datetime) -> Iterator[tuple[str, str]]:
    """The signs of `risk.tsv` that are there, each in words."""
    yield from picture.signs.items()
    if picture.acuity:
        yield f"acuity {picture.acuity}", f"triage acuity {picture.acuity}"
    abnormal = sum(lab.abnormal > 0 for lab in picture.labs)
    if picture.labs and abnormal >= _ABNORMAL_SHARE * len(picture.labs):
        yield "many abnormal results", f"{abnormal} of {len(picture.labs)} measurements abnormal"
    if not picture.signs:
        yield "nothing abnormal", "no abnormal sign"
    yield from _treatment(picture)
    yield from _history(picture, now)


def _treatment(picture: Picture) -> Iterator[tuple[str, str]]:
    orders = [f"{row['order_type']} {row['order_subtype']}".lower() for row in picture.orders]
    for sign, phrases in _ORDERS.items():
        found = [order for order in orders if any(phrase in order for phrase in phrases)]
        if found:
            yield sign, f"order: {found[0]}"
    for row in picture.drugs:
        if not row["source"].startswith("home"):
            for named in named_in(row["drug"]):
                if named.concept.group in _DRUG_SIGNS:
                    yield _DRUG_SIGNS[named.concept.group], row["drug"]


def _history(picture: Picture, now: datetime) -> Iterator[tuple[str, str]]:
    stay = picture.stay
    if stay.age is not None and stay.age >= _OLD:
        yield "age 75 or more", f"age {stay.age:.0f}"
    if "ambulance" in stay.transport.lower():
        yield "ambulance", "came by ambulance"
    if stay.earlier_days:
        usual = median(stay.earlier_days)
        says = f"earlier stays lasted {span(usual)} at the median"
        if usual >= _LONG_DAYS:
            yield "long earlier stays", says
        if usual >= _VERY_LONG_DAYS:
            yield "very long earlier stays", says
    if len(stay.earlier_days) >= _SEVERAL_STAYS:
        yield "several earlier stays", f"{len(stay.earlier_days)} earlier stays"
    if stay.last_discharge and now - stay.last_discharge <= _MONTH:
        yield "stayed in the last month", f"last discharged at {shown(stay.last_discharge)}"
