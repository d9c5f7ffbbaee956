"""The overview: where the patient is, how ill, what was measured, ordered and written in this stay."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from string import Template

import msgspec

from clinseek_core.seeker import telling
from clinseek_core.seeker.desk import Desk
from clinseek_core.seeker.reading import Row, moment, rows, whole
from clinseek_core.seeker.script import Ask, Script, Turn
from clinseek_core.seeker.signs import Lab, Signs, lab_signs, labs_of, vital_signs
from clinseek_core.seeker.sources import Schema, texts_sql, timestamp
from clinseek_core.seeker.stay import Stay, read_stay
from clinseek_core.seeker.words import listed

__all__ = ["Picture", "look_around"]

_STAY_TABLES = ("admissions", "edstays", "transfers", "icustays", "services")
_STAY_ROWS = 20
_REPORTS = 3

_PATIENT = "SELECT gender, age FROM patients"
_CHARTED_VITALS = Template("""\
SELECT d.label, count(*) AS readings, min(c.valuenum) AS lowest, max(c.valuenum) AS highest
FROM chartevents c JOIN d_items d USING (itemid)
WHERE d.label IN ('Heart Rate', 'Respiratory Rate', 'O2 saturation pulseoxymetry', 'Temperature Fahrenheit',
  'Non Invasive Blood Pressure systolic', 'Arterial Blood Pressure systolic') AND c.charttime >= $start
GROUP BY d.label ORDER BY d.label""")
_LABS = Template("""\
SELECT d.label, d.fluid,
  count(*) FILTER (WHERE l.charttime >= $start) AS results,
  count(l.flag) FILTER (WHERE l.charttime >= $start) AS abnormal,
  arg_max(coalesce(nullif(l.value, '___'), l.valuenum::VARCHAR, l.comments), l.charttime)
    FILTER (WHERE l.charttime >= $start) AS latest,
  max(l.valueuom) AS unit,
  min(l.valuenum) FILTER (WHERE l.charttime >= $start) AS lowest,
  max(l.valuenum) FILTER (WHERE l.charttime >= $start) AS highest,
  max(l.ref_range_lower) AS lower, max(l.ref_range_upper) AS upper,
  round(median(l.valuenum) FILTER (WHERE l.charttime < $start), 2) AS before
FROM labevents l JOIN d_labitems d USING (itemid)
GROUP BY d.label, d.fluid HAVING results > 0
ORDER BY abnormal DESC, results DESC, d.label, d.fluid LIMIT 120""")
_CULTURES = Template("""\
SELECT spec_type_desc, test_name, org_name, max(coalesce(charttime, chartdate)) AS taken,
  max(storetime) AS resulted, count(*) AS lines
FROM microbiologyevents WHERE coalesce(charttime, chartdate) >= date_trunc('day', $start)
GROUP BY ALL ORDER BY taken DESC, spec_type_desc, test_name, org_name LIMIT 40""")
_ORDERS = Template("""\
SELECT order_type, order_subtype, count(*) AS orders, max(ordertime) AS latest
FROM poe WHERE ordertime >= $start
GROUP BY ALL ORDER BY orders DESC, order_type, order_subtype LIMIT 60""")
_DRUGS = Template("""\
WITH texts AS ($texts)
SELECT source, text AS drug, count(*) AS times, max(happened) AS latest FROM texts
WHERE text IS NOT NULL AND happened >= $start
GROUP BY ALL ORDER BY latest DESC, source, drug LIMIT 120""")
_WAITING = Template("""\
SELECT p.medication, p.route, p.frequency, p.entertime, p.starttime FROM pharmacy p
WHERE p.entertime >= $start AND p.stoptime IS NULL
  AND NOT EXISTS (SELECT 1 FROM emar e WHERE e.pharmacy_id = p.pharmacy_id)
  AND NOT EXISTS (SELECT 1 FROM pyxis x
    WHERE x.charttime >= $start AND lower(left(x.name, 6)) = lower(left(p.medication, 6)))
ORDER BY p.entertime DESC, p.medication LIMIT 40""")
_HISTORY = """\
SELECT d.long_title AS diagnosis, count(DISTINCT t.hadm_id) AS stays, min(t.seq_num) AS rank
FROM diagnoses_icd t JOIN d_icd_diagnoses d USING (icd_code, icd_version)
GROUP BY ALL ORDER BY stays DESC, rank, diagnosis LIMIT 40"""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """The present stay as the overview shows it."""

    stay: Stay
    complaint: str
    acuity: int
    """Emergency Severity Index, 1 most urgent to 5; 0 where none is known."""
    labs: tuple[Lab, ...]
    cultures: tuple[Row, ...]
    orders: tuple[Row, ...]
    drugs: tuple[Row, ...]
    """Drugs of this stay: source, drug, times, latest."""
    waiting: tuple[Row, ...]
    """Drug orders without a dose so far."""
    reports: tuple[str, ...]
    history: tuple[Row, ...]
    signs: Signs


def look_around(desk: Desk, schema: Schema, now: datetime, thought: str) -> Script[Picture]:
    """Look at the stay, vital signs, results, orders and reports; `thought` opens the first turn."""
    stay = yield from _stay(desk, schema, now, thought)
    triage, signs = yield from _vitals(desk, schema, now, stay)
    labs, cultures = yield from _results(desk, schema, stay, telling.condition(triage, signs))
    signs |= lab_signs(labs) | _culture_signs(cultures)
    orders, drugs, waiting = yield from _orders(desk, schema, stay, telling.results(labs, cultures))
    reports, history = yield from _papers(desk, schema, stay, telling.drugs(drugs, waiting))
    return Picture(
        stay=stay,
        complaint=triage.get("chiefcomplaint", ""),
        acuity=whole(triage.get("acuity")),
        labs=labs,
        cultures=cultures,
        orders=orders,
        drugs=drugs,
        waiting=waiting,
        reports=reports,
        history=history,
        signs=signs,
    )


def _stay(desk: Desk, schema: Schema, now: datetime, thought: str) -> Script[Stay]:
    asks = {"patients": desk.sql(_PATIENT)} | {name: desk.latest(name, _STAY_ROWS) for name in _STAY_TABLES}
    found = yield from _look(thought, _held(schema, asks))
    return read_stay(
        now,
        admissions=rows(found["admissions"], "admittime", "dischtime"),
        edstays=rows(found["edstays"], "intime", "outtime"),
        transfers=rows(found["transfers"], "careunit", "outtime"),
        icustays=rows(found["icustays"], "intime", "outtime"),
        patients=rows(found["patients"], "gender", "age"),
    )


def _vitals(desk: Desk, schema: Schema, now: datetime, stay: Stay) -> Script[tuple[Row, Signs]]:
    """The latest triage of the stay, and the vital signs."""
    found = yield from _look(
        f"{telling.whereabouts(stay, now)} I look at triage and vital signs.",
        _held(
            schema,
            {
                "triage": desk.latest("triage", 3),
                "vitalsign": desk.between("vitalsign", stay.start, now),
                "chartevents": desk.sql(_CHARTED_VITALS.substitute(start=timestamp(stay.start))),
            },
        ),
    )
    triage = _since(stay.start, rows(found["triage"], "acuity", "chiefcomplaint"), "known_at")
    charted = rows(found["chartevents"], "label", "lowest", "highest")
    signs = vital_signs((*triage, *rows(found["vitalsign"], "heartrate"), *charted))
    if stay.intensive_care:
        signs["intensive care"] = f"in intensive care ({stay.place or 'unit not named'})"
    return (triage[0] if triage else {}), signs


def _results(
    desk: Desk, schema: Schema, stay: Stay, known: str
) -> Script[tuple[tuple[Lab, ...], tuple[Row, ...]]]:
    start = timestamp(stay.start)
    found = yield from _look(
        f"{known} I look at the laboratory and the cultures.",
        _held(
            schema,
            {
                "labevents": desk.sql(_LABS.substitute(start=start)),
                "microbiologyevents": desk.sql(_CULTURES.substitute(start=start)),
            },
        ),
    )
    labs = labs_of(found["labevents"])
    return labs, rows(found["microbiologyevents"], "spec_type_desc", "org_name")


def _orders(desk: Desk, schema: Schema, stay: Stay, known: str) -> Script[tuple[tuple[Row, ...], ...]]:
    """Orders by kind, drugs of the stay, and drug orders that wait for a dose."""
    start = timestamp(stay.start)
    texts = texts_sql(schema, ("ordered", "given", "dispensed", "home"))
    asks = _held(
        schema,
        {
            "poe": desk.sql(_ORDERS.substitute(start=start)),
            "pharmacy": desk.sql(_WAITING.substitute(start=start)),
        },
    )
    if texts:
        asks["drugs"] = desk.sql(_DRUGS.substitute(start=start, texts=texts))
    found = yield from _look(f"{known} I look at orders and drugs.", asks)
    return (
        rows(found["poe"], "order_type", "order_subtype", "orders"),
        rows(found["drugs"], "source", "drug", "times"),
        rows(found["pharmacy"], "medication", "frequency", "entertime"),
    )


def _papers(
    desk: Desk, schema: Schema, stay: Stay, known: str
) -> Script[tuple[tuple[str, ...], tuple[Row, ...]]]:
    """The stay's latest reports, and the diagnoses of earlier stays."""
    found = yield from _look(
        f"{known} I read the latest reports and the diagnoses of earlier stays.",
        _held(schema, {"radiology": desk.latest("radiology", _REPORTS), "diagnoses_icd": desk.sql(_HISTORY)}),
    )
    reports = _since(stay.start, rows(found["radiology"], "charttime", "text"), "charttime")
    return tuple(row["text"] for row in reports), rows(found["diagnoses_icd"], "diagnosis", "stays")


def _look(thought: str, asks: dict[str, Ask]) -> Script[dict[str, str]]:
    """Make the asks in one turn, or none; the answers by name, empty for what was not asked."""
    if not asks:
        return defaultdict(str)
    answers = yield Turn(thought, tuple(asks.values()))
    return defaultdict(str, zip(asks, answers, strict=True))


def _held(schema: Schema, asks: dict[str, Ask]) -> dict[str, Ask]:
    """The asks about tables that hold rows."""
    return {table: ask for table, ask in asks.items() if schema.holds(table)}


def _since(start: datetime, found: tuple[Row, ...], clock: str) -> tuple[Row, ...]:
    return tuple(row for row in found if (at := moment(row.get(clock))) is not None and at >= start)


def _culture_signs(cultures: tuple[Row, ...]) -> Signs:
    """What was sent and grew; a screen is taken from everybody and speaks for nothing."""
    taken = [row for row in cultures if "SCREEN" not in (row["spec_type_desc"] or "SCREEN").upper()]
    grown = [row["org_name"] for row in taken if row["org_name"] not in {"", "CANCELLED"}]
    signs = {}
    if taken:
        specimens = dict.fromkeys(row["spec_type_desc"].lower() for row in taken)
        signs["culture sent"] = f"cultures of {listed(specimens, 3)}"
    if grown:
        signs["culture grew"] = f"{listed(dict.fromkeys(name.lower() for name in grown), 3)} in culture"
    return signs
