"""What was known of a patient at a time, read from the CSV files of a MIMIC-IV tree in plain Python.

It is a second statement of `docs/temporal-contract.md`, to hold the engine against, and shares nothing with
it: no contract, no catalogue, no database. `TABLES` says the rules, a line or two for each table. Below it
stands how they are applied, and at the end how what they let through is compared with what the tools show.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clinseek_core.case import Policy

Row = dict[str, str]
"""A line of a CSV file; an empty cell is ''."""
Time = datetime | None
"""None is never."""
Clock = Callable[["Patient", Row], Time]
"""When something about a row was known."""
Rows = list[tuple[Any, ...]]
"""Rows as tools give them: typed cells."""


# Clocks ---------------------------------------------------------------------------------------------------


def moment(text: str) -> Time:
    return datetime.fromisoformat(text) if text else None


def the_later(*times: Time) -> Time:
    """The latest of several times; never where one of them is missing."""
    return None if None in times else max(t for t in times if t)


def at(column: str) -> Clock:
    return lambda _, row: moment(row[column])


def end_of_day(column: str) -> Clock:
    """A date is known when its day is over."""

    def clock(_: Patient, row: Row) -> Time:
        day = moment(row[column])
        return datetime.combine(day, time.min) + timedelta(days=1) if day else None

    return clock


def after(clock: Clock, **delay: float) -> Clock:
    def later(patient: Patient, row: Row) -> Time:
        known = clock(patient, row)
        return known + timedelta(**delay) if known else None

    return later


def both(*clocks: Clock) -> Clock:
    return lambda patient, row: the_later(*(clock(patient, row) for clock in clocks))


def first_of(*clocks: Clock) -> Clock:
    """The first clock that knows a time."""
    return lambda patient, row: next((t for clock in clocks if (t := clock(patient, row))), None)


def its(table: str, key: str, clock: Clock, column: str = "") -> Clock:
    """A clock of the row that `column` (the key, if not said) points to; never where there is none."""

    def pointed(patient: Patient, row: Row) -> Time:
        found = patient.find(table, key, row[column or key])
        return the_later(*(clock(patient, target) for target in found)) if found else None

    return pointed


ADMITTED = its("admissions", "hadm_id", at("admittime"))
DISCHARGED = its("admissions", "hadm_id", at("dischtime"))
ED_ARRIVAL = its("edstays", "stay_id", at("intime"))
ICU_ARRIVAL = its("icustays", "stay_id", at("intime"))
ORDERED = its("poe", "poe_id", at("ordertime"))
ENTERED = its("pharmacy", "pharmacy_id", at("entertime"))
STORED = both(at("storetime"), at("charttime"))
INTERVAL_STORED = both(at("storetime"), at("starttime"))
INTERVAL_OVER = both(at("endtime"), at("storetime"))
LAB_KNOWN = first_of(STORED, after(at("charttime"), hours=24))
NOTE_WRITTEN = first_of(STORED, end_of_day("charttime"))
RESULT_STORED = both(
    first_of(at("storetime"), end_of_day("storedate")), first_of(at("charttime"), end_of_day("chartdate"))
)
SPECIMEN_TAKEN = first_of(at("charttime"), end_of_day("chartdate"))


def end_or_death(_: Patient, row: Row) -> Time:
    """How a stay ended is settled when both the discharge and a death are past."""
    ends = [moment(row["dischtime"])] + ([moment(row["deathtime"])] if row["deathtime"] else [])
    return the_later(*ends)


def drug_ended(patient: Patient, row: Row) -> Time:
    """The hour of the stop is over, the row is entered, and the order that discontinued it is given."""
    stopped = after(at("stoptime"), minutes=60)(patient, row)
    discontinued = [
        its("poe", "poe_id", at("ordertime"), "discontinued_by_poe_id")(patient, order)
        for order in patient.find("poe", "poe_id", row["poe_id"])
        if order["discontinued_by_poe_id"]
    ]
    return the_later(stopped, moment(row["entertime"]), *discontinued)


def charted(patient: Patient, row: Row) -> Time:
    """When it was stored, else a day after; a laboratory item not before the laboratory's own result.

    That result is told by its time and value. Without one the item waits for a day.
    """
    a_day = after(at("charttime"), hours=24)
    if not patient.is_laboratory_item(row["itemid"]):
        return first_of(STORED, a_day)(patient, row)
    results = [
        lab
        for lab in patient.find("labevents", "charttime", row["charttime"])
        if row["valuenum"] and number(lab["valuenum"]) == number(row["valuenum"])
    ]
    known = the_later(*(LAB_KNOWN(patient, lab) for lab in results)) if results else a_day(patient, row)
    return the_later(known, moment(row["storetime"])) if row["storetime"] else known


def ed_coded(patient: Patient, row: Row) -> Time:
    """Coded after the ED stay; after the hospital stay where the patient was admitted."""
    stays = patient.find("edstays", "stay_id", row["stay_id"])
    if any(stay["hadm_id"] for stay in stays):
        return its("edstays", "stay_id", DISCHARGED)(patient, row)
    return its("edstays", "stay_id", at("outtime"))(patient, row)


def hospital_coded(patient: Patient, row: Row) -> Time:
    day = end_of_day("chartdate")(patient, row)
    return the_later(day, DISCHARGED(patient, row)) if row["hadm_id"] else day


def film_taken(_: Patient, row: Row) -> Time:
    """StudyDate is 21500303, StudyTime 60501.203 for 06:05:01; without a time, the end of the day."""
    try:
        day = datetime.strptime(row["StudyDate"], "%Y%m%d")
    except ValueError:
        return None
    clock = row["StudyTime"].split(".")[0]
    return datetime.combine(day, time.fromisoformat(clock.zfill(6))) if clock else day + timedelta(days=1)


def with_its_report(clock: Clock) -> Clock:
    """With the report; where the row names another one (an addendum, the parent), not before that one."""
    own = its("radiology", "note_id", clock)
    named = its("radiology", "note_id", clock, "field_value")
    return lambda patient, row: (
        both(own, named)(patient, row) if row["field_name"] in NOTE_LINKS else own(patient, row)
    )


NOTE_LINKS = ("parent_note_id", "addendum_note_id")
"""Fields of radiology_detail whose value is a note_id."""

# The rules ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """When the rows and cells of a table are known; a column that is not named is known with its row."""

    known: Clock | None
    """When a row reached the chart; None is always."""
    happened: Clock | None = None
    """Basis `event`, where it differs."""
    began: Clock | None = None
    """`interval_rows: started`, where it differs."""
    later: dict[str, Clock] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    """Numbered 1, 2, 3 … over what is visible."""
    coded: bool = False
    """Billing codes: the coding lag is added."""
    notes: str = ""
    """The table whose note_id this table's note_id is."""


def cells(clock: Clock, *columns: str) -> dict[str, Clock]:
    return dict.fromkeys(columns, clock)


HADM = cells(ADMITTED, "hadm_id")
ED_STAY = cells(ED_ARRIVAL, "stay_id")
ICU_KEYS = HADM | cells(ICU_ARRIVAL, "stay_id")
ORDER_KEY = cells(ORDERED, "poe_id")
DRUG_KEY = cells(ENTERED, "pharmacy_id")
LAST_STATE = ("endtime", "statusdescription")
BAG = ("isopenbag", "continueinnextdept")

TABLES: dict[str, Table] = {
    # hosp
    "patients": Table(None, hidden=("anchor_age", "anchor_year", "anchor_year_group", "dod")),
    "admissions": Table(
        at("admittime"),
        later=cells(at("dischtime"), "dischtime", "admission_type")
        | cells(end_or_death, "discharge_location", "hospital_expire_flag")
        | {column: at(column) for column in ("deathtime", "edregtime", "edouttime")},
    ),
    "transfers": Table(at("intime"), later=HADM | cells(at("outtime"), "outtime")),
    "services": Table(at("transfertime"), later=HADM),
    "diagnoses_icd": Table(DISCHARGED, coded=True),
    "drgcodes": Table(DISCHARGED, coded=True),
    "procedures_icd": Table(both(DISCHARGED, end_of_day("chartdate")), coded=True),
    "hcpcsevents": Table(hospital_coded, coded=True),
    "labevents": Table(LAB_KNOWN, happened=at("charttime"), later=HADM, counters=("labevent_id",)),
    "microbiologyevents": Table(RESULT_STORED, later=HADM, counters=("microevent_id",)),
    "pharmacy": Table(
        at("entertime"),
        happened=after(at("starttime"), minutes=60),
        later=HADM
        | ORDER_KEY
        | cells(drug_ended, "stoptime", "status")
        | {"verifiedtime": at("verifiedtime")},
        hidden=("expirationdate", "fill_quantity"),
    ),
    "prescriptions": Table(
        first_of(ENTERED, both(at("starttime"), ORDERED)),
        happened=after(at("starttime"), minutes=60),
        later=HADM
        | DRUG_KEY
        | cells(its("pharmacy", "pharmacy_id", drug_ended), "stoptime")
        | cells(ORDERED, "poe_id", "poe_seq", "order_provider_id"),
    ),
    "poe": Table(
        at("ordertime"),
        later=HADM
        | {
            column: its("poe", "poe_id", at("ordertime"), column)
            for column in ("discontinue_of_poe_id", "discontinued_by_poe_id")
        },
        hidden=("order_status",),
    ),
    "poe_detail": Table(ORDERED),
    "emar": Table(STORED, happened=at("charttime"), later=HADM | DRUG_KEY | ORDER_KEY),
    "emar_detail": Table(
        its("emar", "emar_id", STORED), happened=its("emar", "emar_id", at("charttime")), later=DRUG_KEY
    ),
    "omr": Table(end_of_day("chartdate")),
    # icu
    "icustays": Table(at("intime"), later=HADM | cells(at("outtime"), "outtime", "los", "last_careunit")),
    "chartevents": Table(charted, happened=at("charttime"), later=ICU_KEYS),
    "datetimeevents": Table(STORED, happened=at("charttime"), later=ICU_KEYS),
    "outputevents": Table(STORED, happened=at("charttime"), later=ICU_KEYS),
    "inputevents": Table(
        INTERVAL_STORED,
        happened=at("starttime"),
        began=at("starttime"),
        later=ICU_KEYS
        | cells(INTERVAL_OVER, *LAST_STATE, *BAG, "amount", "amountuom", "totalamount", "totalamountuom"),
    ),
    "ingredientevents": Table(
        INTERVAL_STORED,
        happened=at("starttime"),
        began=at("starttime"),
        later=ICU_KEYS | cells(INTERVAL_OVER, *LAST_STATE, "amount", "amountuom"),
    ),
    "procedureevents": Table(
        INTERVAL_STORED,
        happened=at("starttime"),
        began=at("starttime"),
        later=ICU_KEYS
        | cells(INTERVAL_OVER, *LAST_STATE, *BAG, "value", "valueuom", "ORIGINALAMOUNT", "ORIGINALRATE"),
    ),
    # ed
    "edstays": Table(at("intime"), later=HADM | cells(at("outtime"), "outtime", "disposition")),
    "triage": Table(after(ED_ARRIVAL, minutes=5)),
    "vitalsign": Table(at("charttime"), later=ED_STAY),
    "medrecon": Table(at("charttime"), later=ED_STAY),
    "pyxis": Table(at("charttime"), later=ED_STAY),
    "diagnosis": Table(ed_coded, coded=True),
    # note; a discharge summary's charttime is a bare day
    "discharge": Table(
        NOTE_WRITTEN,
        happened=end_of_day("charttime"),
        later=HADM,
        counters=("note_seq",),
        notes="discharge",
    ),
    "discharge_detail": Table(
        its("discharge", "note_id", NOTE_WRITTEN),
        happened=its("discharge", "note_id", end_of_day("charttime")),
        notes="discharge",
    ),
    "radiology": Table(
        NOTE_WRITTEN, happened=at("charttime"), later=HADM, counters=("note_seq",), notes="radiology"
    ),
    "radiology_detail": Table(
        with_its_report(NOTE_WRITTEN),
        happened=with_its_report(at("charttime")),
        notes="radiology",
    ),
    # cxr
    "cxr_metadata": Table(film_taken),
    "cxr_study_list": Table(its("cxr_metadata", "study_id", film_taken)),
    "cxr_record_list": Table(its("cxr_metadata", "study_id", film_taken)),
}

SPECIMEN = (
    "subject_id",
    "hadm_id",
    "micro_specimen_id",
    "chartdate",
    "charttime",
    "spec_itemid",
    "spec_type_desc",
)
"""All that is known of a specimen while its results are pending."""

# Files and types ------------------------------------------------------------------------------------------

FILES = {
    "hosp": "admissions diagnoses_icd drgcodes emar emar_detail hcpcsevents labevents microbiologyevents omr"
    " patients pharmacy poe poe_detail prescriptions procedures_icd services transfers",
    "icu": "chartevents d_items datetimeevents icustays ingredientevents inputevents outputevents"
    " procedureevents",
    "ed": "diagnosis edstays medrecon pyxis triage vitalsign",
    "note": "discharge discharge_detail radiology radiology_detail",
    "cxr": "cxr-study-list cxr-record-list mimic-cxr-2.0.0-metadata",
}
"""Folder to the names of its files."""
TABLE_OF_FILE = {
    "cxr-study-list": "cxr_study_list",
    "cxr-record-list": "cxr_record_list",
    "mimic-cxr-2.0.0-metadata": "cxr_metadata",
}

# Columns by type; `table.column` where tables differ. What is not here is text, to be kept to the letter.
_NUMBERS = """
    subject_id hadm_id stay_id transfer_id itemid caregiver_id specimen_id micro_specimen_id pharmacy_id
    orderid linkorderid study_id spec_itemid test_itemid org_itemid ab_itemid labevent_id microevent_id
    note_seq seq_num test_seq isolate_num poe_seq emar_seq med_rn gsn_rn etc_rn field_ordinal icd_version
    acuity warning hospital_expire_flag isopenbag continueinnextdept drg_severity drg_mortality
    anchor_age anchor_year valuenum ref_range_lower ref_range_upper dilution_value basal_rate
    doses_per_24_hrs duration expiration_value los amount totalamount rate originalamount originalrate
    ORIGINALAMOUNT ORIGINALRATE patientweight temperature heartrate resprate o2sat sbp dbp
    Rows Columns StudyDate StudyTime outputevents.value procedureevents.value
"""
_DATES = "omr.chartdate procedures_icd.chartdate hcpcsevents.chartdate"
_TIMES = """
    admittime dischtime deathtime edregtime edouttime intime outtime transfertime charttime storetime
    ordertime entertime verifiedtime starttime stoptime endtime scheduletime chartdate storedate
    datetimeevents.value
"""
NUMBERS, DATES, TIMES = (frozenset(names.split()) for names in (_NUMBERS, _DATES, _TIMES))


def number(text: str) -> float | None:
    return float(text) if text else None


def typed(table: str, column: str, text: str) -> Any:
    """A cell as a tool gives it: a number, a time as MIMIC-IV writes it, a text to the letter."""
    names = {column, f"{table}.{column}"}
    if not text:
        return None
    if names & NUMBERS:
        return float(text)
    if names & DATES:
        return str(date.fromisoformat(text))
    if names & TIMES:
        return str(moment(text))
    return text


def lines_of(path: Path) -> Iterator[list[str]]:
    """The lines of a CSV file, packed or not; the first is its header."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def file_of(root: Path, folder: str, name: str) -> Path | None:
    paths = (root / folder / f"{name}.csv", root / folder / f"{name}.csv.gz")
    return next((path for path in paths if path.exists()), None)


class Tree:
    """The CSV files of a MIMIC-IV tree, read once: per table its header, and per patient its lines."""

    def __init__(self, root: Path, without: str = "") -> None:
        """Read every table but one, if its name is given."""
        self.headers: dict[str, list[str]] = {}
        self.lines: dict[str, dict[str, list[list[str]]]] = defaultdict(lambda: defaultdict(list))
        for folder, names in FILES.items():
            for name in names.split():
                path = file_of(root, folder, name)
                if path and name != without:
                    self.read(TABLE_OF_FILE.get(name, name), path)

    def read(self, table: str, path: Path, every: int = 1) -> None:
        """Read the lines of a table, or of each patient the first of `every` so many."""
        lines = lines_of(path)
        header = self.headers[table] = next(lines)
        subject = header.index("subject_id") if "subject_id" in header else None
        for line in lines:
            self.lines[table][line[subject] if subject is not None else ""].append(line)
        if every > 1:
            self.lines[table] |= {key: rows[::every] for key, rows in self.lines[table].items()}

    def patient(self, subject_id: int) -> Patient:
        return Patient(self, str(subject_id))


class Patient:
    """One patient's rows as the files have them, the future included."""

    def __init__(self, tree: Tree, subject_id: str) -> None:
        self.subject_id = subject_id
        self.headers = {table: tree.headers[table] for table in TABLES if table in tree.headers}
        self.rows = {
            table: [dict(zip(header, line, strict=True)) for line in tree.lines[table].get(subject_id, ())]
            for table, header in self.headers.items()
        }
        items = tree.headers.get("d_items", [])
        item, category = (items.index(name) if items else 0 for name in ("itemid", "category"))
        # An item that the dictionary does not place may be the laboratory's.
        self._elsewhere = {
            line[item] for line in tree.lines["d_items"][""] if line[category] not in {"", "Labs"}
        }
        self._index = cache(self._indexed)
        self.record = cache(self._record)

    def find(self, table: str, key: str, value: str) -> list[Row]:
        """The rows of a table that have a value in a column; none for the empty value."""
        return self._index(table, key).get(value, []) if value else []

    def is_laboratory_item(self, itemid: str) -> bool:
        return itemid not in self._elsewhere

    def specimens(self) -> Iterator[list[Row]]:
        """The rows of each specimen that has a number."""
        yield from (
            rows for key, rows in self._index("microbiologyevents", "micro_specimen_id").items() if key
        )

    def columns(self, table: str) -> list[str]:
        """The columns that tools show: the file's, the age for what tells of the cohort, the known time."""
        shown = [name for name in self.headers[table] if name not in TABLES[table].hidden]
        return [*shown, "age"] if table == "patients" else [*shown, "known_at"]

    @cached_property
    def marks(self) -> set[str]:
        """Every mark that stands in the rows."""
        return {mark for rows in self.rows.values() for row in rows for mark in marks(" ".join(row.values()))}

    def _indexed(self, table: str, key: str) -> dict[str, list[Row]]:
        index = defaultdict(list)
        for row in self.rows.get(table, ()):
            index[row[key]].append(row)
        return index

    def _record(self, policy: Policy) -> Record:
        return Record(self, policy)


MARK = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\b\d{8}(?:-(?:[A-Z]{2}-)?\d+)?\b")
"""What tells a row from others: a time, the number of a stay, an order or a specimen."""


def marks(text: str) -> set[str]:
    return set(MARK.findall(text))


@dataclass(frozen=True)
class Dated:
    """A row, and when it and its later cells are known."""

    cells: tuple[Any, ...]
    """Typed; the last is the row's known time, as tools show it."""
    known: datetime
    later: tuple[tuple[int, Time], ...]
    """The places of later cells."""
    until: Time = None
    """When the row is replaced: a pending specimen by its first result."""

    def masked(self, known: Callable[[Time], bool]) -> tuple[Any, ...]:
        unknown = {place for place, t in self.later if not known(t)}
        if not unknown:
            return self.cells
        return tuple(None if n in unknown else cell for n, cell in enumerate(self.cells))


class Record:
    """A patient's rows, each with the times at which it and its cells were known under a policy."""

    def __init__(self, patient: Patient, policy: Policy) -> None:
        self.patient = patient
        self.policy = policy
        self._lag = timedelta(hours=policy.coding_lag_hours)
        self._rows = {table: self._dated(table) for table in patient.headers if TABLES[table].known}

    def moments(self) -> list[datetime]:
        """Every time at which a row or a cell became known: where a cutoff decides."""
        rows = [row for rows in self._rows.values() for row in rows]
        return sorted({t for row in rows for t in (row.known, *(known for _, known in row.later)) if t})

    def at(self, cutoff: datetime) -> Visible:
        """What was known at a time."""

        def known(t: Time) -> bool:
            return t is not None and (t <= cutoff if self.policy.boundary == "inclusive" else t < cutoff)

        rows = {
            table: [row.masked(known) for row in dated if known(row.known) and not known(row.until)]
            for table, dated in self._rows.items()
        }
        (who,) = self.patient.rows["patients"]
        age = int(who["anchor_age"]) + cutoff.year - int(who["anchor_year"])
        return Visible(
            self.patient, cutoff, rows | {"patients": [(int(who["subject_id"]), who["gender"], age)]}
        )

    def _dated(self, table: str) -> list[Dated]:
        rule = TABLES[table]
        known = rule.known
        if self.policy.basis == "event":
            known = rule.happened or rule.known
        elif self.policy.interval_rows == "started":
            known = rule.began or rule.known
        assert known is not None
        times = ((row, known(self.patient, row)) for row in self.patient.rows[table])
        dated = [
            self._date(table, row, t + (self._lag if rule.coded else timedelta())) for row, t in times if t
        ]
        return [*dated, *self._pending()] if table == "microbiologyevents" else dated

    def _date(self, table: str, row: Row, known: datetime, until: Time = None) -> Dated:
        columns = self.patient.columns(table)[:-1]
        later = TABLES[table].later
        return Dated(
            (*(typed(table, column, row[column]) for column in columns), str(known)),
            known,
            tuple(
                (n, later[column](self.patient, row)) for n, column in enumerate(columns) if column in later
            ),
            until,
        )

    def _pending(self) -> Iterator[Dated]:
        """Each specimen once, from when it was taken until the first of its results is known.

        Where its rows say different things of it, the earliest holds; of those of one time, the one whose
        cells come first in order, missing cells last.
        """
        for rows in self.patient.specimens():
            taken = [
                (t, [(cell is None, cell) for cell in _specimen(row)], n)
                for n, row in enumerate(rows)
                if (t := SPECIMEN_TAKEN(self.patient, row))
            ]
            results = [t for row in rows if (t := RESULT_STORED(self.patient, row))]
            if taken:
                known, _, first = min(taken)
                line = {column: cell if column in SPECIMEN else "" for column, cell in rows[first].items()}
                yield self._date("microbiologyevents", line, known, min(results, default=None))


def _specimen(row: Row) -> list[Any]:
    return [typed("microbiologyevents", column, row[column]) for column in SPECIMEN]


@dataclass(frozen=True)
class Visible:
    """What was known of a patient at a time: per table its rows, with None in the cells that were not."""

    patient: Patient
    cutoff: datetime
    rows: dict[str, Rows]

    @cached_property
    def secrets(self) -> set[str]:
        """The times, and the numbers of stays and orders, that the record holds and nothing known does."""
        known = marks(f"{self.cutoff} {self.patient.subject_id} {list(self.rows.values())}")
        return self.patient.marks - known


# Against the tools ----------------------------------------------------------------------------------------

Call = Callable[[str, dict[str, Any]], Any]
"""Calls a tool: name and arguments to its result."""
_PAGE = 1000


def pages(call: Call, table: str) -> Iterator[Any]:
    """A whole table as a model reads it: the answers to one query after another."""
    seen = 0
    while True:
        sql = f"SELECT * FROM {table} ORDER BY ALL LIMIT {_PAGE} OFFSET {seen}"
        answer = call("ehr.run_sql_query", {"sql_query": sql})
        assert answer.status in {"ok", "empty"}, answer.text
        yield answer
        rows = len(answer.table.rows)
        seen += rows
        if not rows or (rows < _PAGE and answer.table.total <= rows):
            return


def differences(call: Call, visible: Visible) -> list[str]:
    """Where the tools and the naive record disagree: one text for each table; none where they agree."""
    listed = call("ehr.get_table_names", {}).table
    counts = {name: rows for kind, name, rows in listed.rows if kind == "record"}
    found = []
    if set(counts) != set(TABLES):
        found.append(f"other tables are listed: {sorted(set(counts) ^ set(TABLES))}")
    notes: dict[str, dict[Any, Any]] = defaultdict(dict)
    for table in sorted(TABLES, key=lambda name: name.endswith("_detail")):
        answers = list(pages(call, table))
        columns, rows = list(answers[0].table.columns), [row for page in answers for row in page.table.rows]
        if table in visible.patient.headers and columns != visible.patient.columns(table):
            found.append(f"{table}: columns {columns}, expected {visible.patient.columns(table)}")
            continue
        if counts.get(table) != len(rows):
            found.append(f"{table}: {counts.get(table)} rows are listed and {len(rows)} are there")
        found += [text for page in answers for text in _unknown_origins(page, visible)]
        found += _misnumbered(table, columns, rows)
        expected = visible.rows.get(table, [])
        rows = _without_numbers(table, columns, rows, notes[f"shown {TABLES[table].notes}"])
        expected = _without_numbers(table, columns, expected, notes[f"expected {TABLES[table].notes}"])
        found += _unequal(table, columns, rows, expected)
    return found


def unexpected(answer: Any, visible: Visible, asked: str) -> list[str]:
    """What an answer of any tool holds that was not known: rows, where rows come from, marks in its text.

    `asked` is the call's arguments, which an answer may tell back.
    """
    found = sorted((marks(answer.text) - marks(asked)) & visible.secrets) + _unknown_origins(answer, visible)
    source = answer.table.source if answer.table else ""
    columns = visible.patient.columns(source) if source in visible.patient.headers else []
    if not columns or not set(answer.table.columns) <= set(columns):
        return found
    names = [name for name in answer.table.columns if not _is_numbered(source, name)]
    rows = Counter(_only(names, list(answer.table.columns), answer.table.rows))
    return found + [
        f"{source}: not known: {row}" for row in rows - Counter(_only(names, columns, visible.rows[source]))
    ]


def _unknown_origins(answer: Any, visible: Visible) -> list[str]:
    """Rows of the record that an answer says to come from and that were not known."""
    found = []
    for origin in answer.table.origins if answer.table else ():
        places = [n for n, name in enumerate(origin.key) if not _is_numbered(origin.table, name)]
        names = [origin.key[n] for n in places] + ([] if origin.table == "patients" else ["known_at"])
        told = {(*(row.key[n] for n in places), row.known_at)[: len(names)] for row in origin.rows if row}
        rows = visible.rows.get(origin.table, [])
        known = set(_only(names, visible.patient.columns(origin.table), rows)) if rows else set()
        found += [f"{origin.table}: not known: {dict(zip(names, row, strict=True))}" for row in told - known]
    return found


def _is_numbered(table: str, column: str) -> bool:
    return column in TABLES[table].counters or (column == "note_id" and bool(TABLES[table].notes))


def _only(names: list[str], columns: list[str], rows: Iterable[tuple[Any, ...]]) -> Rows:
    places = [columns.index(name) for name in names]
    return [tuple(row[n] for n in places) for row in rows]


def _unequal(table: str, columns: list[str], rows: Rows, expected: Rows) -> list[str]:
    too_many, missing = Counter(rows) - Counter(expected), Counter(expected) - Counter(rows)
    if not too_many and not missing:
        return []
    lines = [f"{table}: {too_many.total()} rows too many, {missing.total()} missing of {len(expected)}"]
    for title, side in (("shown", too_many), ("expected", missing)):
        lines += [f"  {title}: {dict(zip(columns, row, strict=True))}" for row in list(side)[:2]]
    return ["\n".join(lines)]


def _misnumbered(table: str, columns: list[str], rows: Rows) -> list[str]:
    """Counters must run from 1 without a hole: a hole counts what is hidden."""
    numbers = {name: [row[columns.index(name)] for row in rows] for name in TABLES[table].counters}
    if table == TABLES[table].notes:
        place = columns.index("note_id")
        parts = [re.fullmatch(r"(\d+)-(\w+)-(\d+)", str(row[place])) for row in rows]
        numbers["note_id"] = [int(part[3]) if part else None for part in parts]
        if numbers["note_id"] != numbers["note_seq"]:
            return [f"{table}: note_id and note_seq number the notes differently"]
    wrong = [name for name, found in numbers.items() if sorted(found) != list(range(1, len(rows) + 1))]
    return [f"{table}: {name} is not numbered from 1" for name in wrong]


def _without_numbers(table: str, columns: list[str], rows: Rows, notes: dict[Any, Any]) -> Rows:
    """Rows without their counters; a note's id is replaced by the note itself, in its table by nothing."""
    rule = TABLES[table]
    blank = {columns.index(name) for name in rule.counters}
    if not rule.notes and not blank:
        return rows
    if not rule.notes:
        return [tuple(None if n in blank else cell for n, cell in enumerate(row)) for row in rows]
    place = columns.index("note_id")
    if table == rule.notes:
        plain = [tuple(None if n in blank | {place} else cell for n, cell in enumerate(row)) for row in rows]
        notes.update((row[place], line) for row, line in zip(rows, plain, strict=True))
        return plain
    link, value = columns.index("field_name"), columns.index("field_value")
    links = NOTE_LINKS if table == "radiology_detail" else ()
    return [
        tuple(
            notes.get(cell, cell) if n == place or (n == value and row[link] in links) else cell
            for n, cell in enumerate(row)
        )
        for row in rows
    ]
