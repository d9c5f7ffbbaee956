"""Trails: what a finding leads to. Each says which signs open it and what is looked up then."""

from __future__ import annotations

from collections import defaultdict
from string import Template

import msgspec

from clinseek_core.seeker.desk import Desk
from clinseek_core.seeker.lexicon import concepts
from clinseek_core.seeker.overview import Picture
from clinseek_core.seeker.reading import Row, number, rows
from clinseek_core.seeker.script import Answers, Script, Turn
from clinseek_core.seeker.signs import Signs
from clinseek_core.seeker.sources import Schema, timestamp
from clinseek_core.seeker.words import listed, sentences

__all__ = ["Followed", "follow_signs"]

_COURSE_COLUMNS = ("label", "valuenum", "lower", "upper")
_FEWEST = 2
_STEM = 8
_MOST = 4
"""Trails followed in one run: the first that are open."""

_CULTURES = Template("""\
SELECT spec_type_desc, test_name, org_name, ab_name, interpretation, comments, charttime, storetime
FROM microbiologyevents WHERE coalesce(charttime, chartdate) >= $start - INTERVAL 90 DAY
ORDER BY coalesce(charttime, chartdate) DESC, spec_type_desc, test_name, org_name, ab_name LIMIT 40""")
_ANTIBIOTICS = Template("""\
SELECT medication, route, frequency, entertime, starttime FROM pharmacy
WHERE entertime >= $start AND regexp_matches(lower(medication), '$antibiotics')
ORDER BY entertime DESC, medication LIMIT 20""")
_COURSE = Template("""\
SELECT d.label, l.charttime, l.valuenum, l.valueuom, l.ref_range_lower AS lower, l.ref_range_upper AS upper
FROM labevents l JOIN d_labitems d USING (itemid)
WHERE d.label IN ($labels) AND d.fluid = 'Blood' AND l.valuenum IS NOT NULL
  AND l.charttime >= $start - INTERVAL 30 DAY
ORDER BY d.label, l.charttime LIMIT 60""")
_CHARTED = Template("""\
SELECT d.label, count(*) AS times, min(t.starttime) AS first, max(t.starttime) AS last
FROM $table t JOIN d_items d USING (itemid) WHERE t.starttime >= $start
GROUP BY d.label ORDER BY times DESC, d.label LIMIT 40""")


class _Trail(msgspec.Struct, frozen=True, kw_only=True):
    opens: frozenset[str]
    least: int = 1
    """Signs of `opens` that must be there."""
    says: str
    looks: tuple[tuple[str, Template], ...]
    """Tables and what is asked of them."""
    labels: tuple[str, ...] = ()


# The more pressing a trail, the further up it stands.
_TRAILS = (
    _Trail(
        opens=frozenset(
            (
                "fever",
                "hypothermia",
                "White Blood Cells +",
                "White Blood Cells -",
                "Lactate +",
                "culture sent",
                "culture grew",
            )
        ),
        least=2,
        says="This may be an infection: I look at what cultures grew and at antibiotic orders.",
        looks=(("microbiologyevents", _CULTURES), ("pharmacy", _ANTIBIOTICS)),
    ),
    _Trail(
        opens=frozenset(("intensive care", "hypotension", "hypoxia")),
        says="I look at what is infused and done.",
        looks=(("inputevents", _CHARTED), ("procedureevents", _CHARTED)),
    ),
    _Trail(
        opens=frozenset(("Creatinine +", "Creatinine rise", "Urea Nitrogen +", "Potassium +")),
        says="The kidneys: I look at the course of creatinine and potassium.",
        looks=(("labevents", _COURSE),),
        labels=("Creatinine", "Urea Nitrogen", "Potassium"),
    ),
    _Trail(
        opens=frozenset(("Hemoglobin -", "Hemoglobin drop")),
        says="The blood count: I look at the course of haemoglobin and platelets.",
        looks=(("labevents", _COURSE),),
        labels=("Hemoglobin", "Platelet Count"),
    ),
    _Trail(
        opens=frozenset(("Lactate +", "Bicarbonate -", "White Blood Cells +")),
        says="I look at the course of lactate, bicarbonate and white cells.",
        looks=(("labevents", _COURSE),),
        labels=("Lactate", "Bicarbonate", "White Blood Cells"),
    ),
    _Trail(
        opens=frozenset(("Troponin T +", "NTproBNP +")),
        says="The heart: I look at the course of troponin and NTproBNP.",
        looks=(("labevents", _COURSE),),
        labels=("Troponin T", "NTproBNP"),
    ),
    _Trail(
        opens=frozenset(("Bilirubin, Total +", "INR(PT) +", "Ammonia +")),
        says="The liver: I look at the course of bilirubin, INR and transaminases.",
        looks=(("labevents", _COURSE),),
        labels=("Bilirubin, Total", "INR(PT)", "Alanine Aminotransferase (ALT)"),
    ),
)


class Followed(msgspec.Struct, frozen=True):
    """What the trails led to: further signs, and in words what was found."""

    signs: Signs
    says: str


def follow_signs(desk: Desk, schema: Schema, picture: Picture, known: str) -> Script[Followed]:
    """Follow the trails that the signs open, in one turn; `known` opens its thought."""
    trails = [trail for trail in _TRAILS if _is_open(trail, schema, picture)][:_MOST]
    if not trails:
        return Followed({}, sentences([known, "Nothing abnormal asks to be followed."]))
    asks = tuple(
        desk.sql(_query(trail, table, query, picture))
        for trail in trails
        for table, query in trail.looks
        if schema.holds(table)
    )
    answers = yield Turn(sentences([known, *(trail.says for trail in trails)]), asks)
    signs, moves = _courses([row for text in answers for row in rows(text, *_COURSE_COLUMNS)])
    found = {
        "Cultures of the last 90 days grew": _cells(answers, "org_name", "ab_name"),
        "Antibiotics ordered": _cells(answers, "medication", "entertime"),
        "Done or infused": _cells(answers, "label", "times"),
        "Courses": moves,
    }
    return Followed(signs, sentences([f"{head}: {listed(names)}." for head, names in found.items() if names]))


def _is_open(trail: _Trail, schema: Schema, picture: Picture) -> bool:
    enough = len(trail.opens & picture.signs.keys()) >= trail.least
    return enough and any(schema.holds(table) for table, _ in trail.looks)


def _cells(answers: Answers, column: str, other: str) -> list[str]:
    """What stands in `column` of the answers that have it and the other one, each once."""
    cells = [row[column] for answer in answers for row in rows(answer, column, other)]
    return list(dict.fromkeys(filter(None, cells)))


def _query(trail: _Trail, table: str, query: Template, picture: Picture) -> str:
    antibiotics = (c for c in concepts().values() if c.group == "antibiotic")
    stems = dict.fromkeys(group[0][:_STEM] for concept in antibiotics for group in concept.members)
    return query.substitute(
        start=timestamp(picture.stay.start),
        table=table,
        labels=", ".join(f"'{label}'" for label in trail.labels),
        antibiotics="|".join(stems),
    )


def _courses(found: list[Row]) -> tuple[Signs, list[str]]:
    """Whether results beyond their range move further away or come back, and how each moved."""
    series: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        series[row["label"]].append(row)
    signs: Signs = {}
    moves = []
    for label, points in series.items():
        values = [value for row in points if (value := number(row["valuenum"])) is not None]
        if len(values) < _FEWEST:
            continue
        move = f"{label} {values[0]:g} → {values[-1]:g}"
        moves.append(move)
        before, now = (_beyond(value, points[-1]) for value in (values[-2], values[-1]))
        if now > before:
            signs["worsening"] = move
        elif before > now:
            signs["improving"] = move
    return signs, moves


def _beyond(value: float, row: Row) -> float:
    """How far the value is beyond the row's normal range."""
    lower, upper = number(row["lower"]), number(row["upper"])
    return max(value - upper if upper is not None else 0, lower - value if lower is not None else 0, 0)
