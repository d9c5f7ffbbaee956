"""Gold worked out a second time from the raw tables, by the csv module, for every case of every task.

Nothing of the code that makes cases is used here: a rule of a task reads the files after the prediction
time, and says what is right and from when on it was so. The same for the curated texts: every line that names
a right item must be an older row's.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

import msgspec
import pytest

from clinseek_core.case import BenchCase
from clinseek_core.case_files import load_bench_cases
from clinseek_core.tasks import TASKS
from clinseek_fixtures import bench_cases_path, world_path

BENCH = load_bench_cases(bench_cases_path())
FIRST_OF_TASK = {bench.case.task: bench for bench in reversed(BENCH)}
Raw = dict[str, str]
A_SECOND = timedelta(seconds=1)
"""After a film was taken it is asked about."""


class Right(NamedTuple):
    """What is right, and the earliest time at which any of it came about; None where nothing came about."""

    names: frozenset[str]
    since: datetime | None


Rule = Callable[[BenchCase], Right]


@cache
def table(name: str) -> tuple[Raw, ...]:
    with gzip.open(world_path() / f"{name}.csv.gz", "rt", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def by(name: str, column: str) -> dict[str, list[Raw]]:
    found: dict[str, list[Raw]] = defaultdict(list)
    for row in table(name):
        found[row[column].strip()].append(row)
    return found


def one(name: str, column: str, value: object) -> Raw:
    (row,) = by(name, column)[str(value)]
    return row


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def right(yes: bool, since: datetime | None = None) -> Right:
    return Right(frozenset({"yes" if yes else "no"}), since if yes else None)


# What happens: each row of a table with its time and its names.


class Happening(NamedTuple):
    file: str
    at: Callable[[Raw], str]
    names: Callable[[Raw], Iterable[str]]
    kind: str = ""


def cell(column: str) -> Callable[[Raw], str]:
    return lambda row: row[column]


def just(column: str) -> Callable[[Raw], Iterable[str]]:
    return lambda row: [row[column]]


def item(row: Raw) -> Iterable[str]:
    return [one("icu/d_items", "itemid", row["itemid"])["label"]]


def laboratory(row: Raw) -> Iterable[str]:
    return [found["label"] for found in by("hosp/d_labitems", "itemid")[row["itemid"]]]


def given(row: Raw) -> Iterable[str]:
    done = {"Administered", "Started", "Applied", "Restarted", "Confirmed"}
    return [row["medication"]] if row["event_txt"] in done else []


def moved(row: Raw) -> Iterable[str]:
    return [row["careunit"]] if row["eventtype"] in {"admit", "transfer"} else []


def order(row: Raw) -> Iterable[str]:
    return [": ".join(filter(None, (row["order_type"], row["order_subtype"])))] * (
        row["transaction_type"] == "New"
    )


def exam(row: Raw) -> Iterable[str]:
    details = by("note/radiology_detail", "note_id")[row["note_id"]]
    return [detail["field_value"] for detail in details if detail["field_name"] == "exam_name"]


def told_or_started(row: Raw) -> str:
    """A prescription's start, or when its order was known, if that came first."""
    entries = by("hosp/pharmacy", "pharmacy_id")[row["pharmacy_id"]] if row["pharmacy_id"] else []
    if entries and entries[0]["entertime"]:
        return min(row["starttime"], entries[0]["entertime"])
    return row["starttime"]


@cache
def drug_classes() -> dict[str, str]:
    with (world_path() / "drug-classes.csv").open(newline="") as file:
        return {row["drug"].lower(): row["class"] for row in csv.DictReader(file)}


def class_of(column: str) -> Callable[[Raw], Iterable[str]]:
    return lambda row: [drug_classes()[row[column].lower()]] if row[column].lower() in drug_classes() else []


@cache
def ccs(kind: str) -> dict[tuple[str, str], str]:
    found = {}
    for version in ("9", "10"):
        path = world_path() / "ccs" / f"{kind}-icd{version}.csv"
        if path.is_file():
            with path.open(newline="") as file:
                for row in csv.reader(file):
                    found[row[0].strip("' "), version] = row[-1].strip()
    return found


def code_class(kind: str) -> Callable[[Raw], Iterable[str]]:
    return lambda row: filter(None, [ccs(kind).get((row["icd_code"].strip(), row["icd_version"]))])


def title(dictionary: str) -> Callable[[Raw], Iterable[str]]:
    return lambda row: [
        entry["long_title"]
        for entry in by(dictionary, "icd_code")[row["icd_code"].strip()]
        if entry["icd_version"] == row["icd_version"]
    ]


HAPPENINGS = {
    "admissions": Happening("hosp/admissions", cell("admittime"), just("admission_type"), "Admission"),
    "chartevents": Happening("icu/chartevents", cell("charttime"), item, "Charted observation"),
    "datetimeevents": Happening("icu/datetimeevents", cell("charttime"), item, "Charted date"),
    "emar": Happening("hosp/emar", cell("charttime"), given, "Medication given"),
    "ingredientevents": Happening("icu/ingredientevents", cell("starttime"), item),
    "inputevents": Happening("icu/inputevents", cell("starttime"), item, "Infusion"),
    "labevents": Happening("hosp/labevents", cell("charttime"), laboratory, "Laboratory test"),
    "medrecon": Happening("ed/medrecon", cell("charttime"), just("name")),
    "medrecon_atc": Happening("ed/medrecon", cell("charttime"), class_of("name")),
    "microbiologyevents": Happening(
        "hosp/microbiologyevents",
        lambda row: row["charttime"] or row["chartdate"],
        just("test_name"),
        "Microbiology",
    ),
    "omr": Happening("hosp/omr", cell("chartdate"), just("result_name")),
    "outputevents": Happening("icu/outputevents", cell("charttime"), item, "Output"),
    "poe": Happening("hosp/poe", cell("ordertime"), order, "Provider order"),
    "prescriptions": Happening("hosp/prescriptions", told_or_started, just("drug"), "Prescription"),
    "prescriptions_atc": Happening("hosp/prescriptions", told_or_started, class_of("drug")),
    "procedureevents": Happening("icu/procedureevents", cell("starttime"), item, "Procedure"),
    "procedures_ccs": Happening("hosp/procedures_icd", cell("chartdate"), code_class("procedures")),
    "procedures_icd": Happening("hosp/procedures_icd", cell("chartdate"), title("hosp/d_icd_procedures")),
    "pyxis": Happening("ed/pyxis", cell("charttime"), just("name"), "Medication from the cabinet"),
    "radiology": Happening("note/radiology", cell("charttime"), exam, "Radiology"),
    "services": Happening("hosp/services", cell("transfertime"), just("curr_service"), "Service"),
    "transfers": Happening("hosp/transfers", cell("intime"), moved, "Transfer"),
}


def events(happening: Happening, subject: int) -> Iterator[tuple[datetime, str]]:
    for row in by(happening.file, "subject_id")[str(subject)]:
        for name in happening.names(row):
            if happening.at(row) and name.strip():
                yield time(happening.at(row)), name.strip()


def first_after(found: Iterable[tuple[datetime, str]], cutoff: datetime) -> Right:
    later = [(at, name) for at, name in found if at >= cutoff]
    first = min(at for at, _ in later)
    return Right(frozenset(name for at, name in later if at == first), first)


def comes_next(name: str) -> Rule:
    return lambda bench: first_after(
        events(HAPPENINGS[name], bench.case.subject_id), bench.case.prediction_time
    )


def kind_that_comes_next(bench: BenchCase) -> Right:
    found = [
        (at, happening.kind)
        for happening in HAPPENINGS.values()
        if happening.kind
        for at, _ in events(happening, bench.case.subject_id)
    ]
    return first_after(found, bench.case.prediction_time)


def at_this_minute(name: str) -> Rule:
    """AgentEHR's: what happens one minute after the prediction time, of the kind."""

    def rule(bench: BenchCase) -> Right:
        at = bench.case.prediction_time + timedelta(minutes=1)
        found = events(HAPPENINGS[name], bench.case.subject_id)
        return Right(frozenset(name for when, name in found if when == at), at)

    return rule


def procedures_of_the_day(bench: BenchCase) -> Right:
    day = bench.case.prediction_time.date()
    found = events(HAPPENINGS["procedures_ccs"], bench.case.subject_id)
    coded = [
        time(one("hosp/admissions", "hadm_id", row["hadm_id"])["dischtime"])
        for row in by("hosp/procedures_icd", "subject_id")[str(bench.case.subject_id)]
        if row["chartdate"].startswith(f"{day}")
    ]
    return Right(frozenset(name for at, name in found if at.date() == day), min(coded))


def coded(names: Callable[[Raw], Iterable[str]]) -> Rule:
    def rule(bench: BenchCase) -> Right:
        rows = by("hosp/diagnoses_icd", "hadm_id")[str(bench.hadm_id)]
        found = frozenset(name.strip() for row in rows for name in names(row))
        return Right(found, time(one("hosp/admissions", "hadm_id", bench.hadm_id)["dischtime"]))

    return rule


def coded_in_ed(names: Callable[[Raw], Iterable[str]]) -> Rule:
    def rule(bench: BenchCase) -> Right:
        rows = by("ed/diagnosis", "stay_id")[str(bench.stay_id)]
        found = frozenset(name.strip() for row in rows for name in names(row))
        return Right(found, time(one("ed/edstays", "stay_id", bench.stay_id)["outtime"]))

    return rule


# Stays and their ends.


def visit(bench: BenchCase) -> Raw:
    return one("ed/edstays", "stay_id", bench.stay_id)


def icu(bench: BenchCase) -> Raw:
    return one("icu/icustays", "stay_id", bench.stay_id)


def stay(bench: BenchCase) -> Raw:
    return one("hosp/admissions", "hadm_id", bench.hadm_id)


def died(subject: int) -> datetime | None:
    times = [
        time(row["deathtime"])
        for row in by("hosp/admissions", "subject_id")[str(subject)]
        if row["deathtime"]
    ]
    return max(times, default=None)


def gone(subject: int) -> datetime | None:
    """The death in hospital, or the end of the day of death elsewhere."""
    dod = one("hosp/patients", "subject_id", subject)["dod"]
    return died(subject) or (time(dod) + timedelta(days=1) if dod else None)


def in_time(at: datetime | None, end: datetime) -> bool:
    return at is not None and at <= end


def icu_after_ed(bench: BenchCase) -> datetime | None:
    came = time(visit(bench)["intime"])
    times = [time(row["intime"]) for row in by("icu/icustays", "subject_id")[str(bench.case.subject_id)]]
    return min((at for at in times if came <= at <= came + timedelta(hours=12)), default=None)


def ed_icu(bench: BenchCase) -> Right:
    at = icu_after_ed(bench)
    return right(at is not None, at)


def ed_critical(bench: BenchCase) -> Right:
    death = died(bench.case.subject_id)
    soon = in_time(death, time(visit(bench)["intime"]) + timedelta(hours=12))
    at = min(filter(None, (icu_after_ed(bench), death if soon else None)), default=None)
    return right(at is not None, at)


def ed_admitted(bench: BenchCase) -> Right:
    row = visit(bench)
    at = time(row["outtime"])
    if row["hadm_id"]:
        at = min(at, time(one("hosp/admissions", "hadm_id", row["hadm_id"])["admittime"]))
    return right(row["disposition"] == "ADMITTED" or bool(row["hadm_id"]), at)


def ed_died(bench: BenchCase) -> Right:
    row = visit(bench)
    admission = one("hosp/admissions", "hadm_id", row["hadm_id"]) if row["hadm_id"] else None
    if admission is not None and admission["hospital_expire_flag"] == "1":
        return right(True, time(admission["deathtime"] or admission["dischtime"]))
    return right(row["disposition"] == "EXPIRED", time(row["outtime"]))


def ed_back(bench: BenchCase) -> Right:
    left = time(visit(bench)["outtime"])
    times = [time(row["intime"]) for row in by("ed/edstays", "subject_id")[str(bench.case.subject_id)]]
    at = min((at for at in times if at > left), default=None)
    return right(in_time(at, left + timedelta(days=3)), at)


def icu_dead_in(days: int) -> Rule:
    def rule(bench: BenchCase) -> Right:
        anchor = time(icu(bench)["intime"]) + timedelta(hours=24)
        at = gone(bench.case.subject_id)
        return right(in_time(at, anchor + timedelta(days=days)), at)

    return rule


def longer_than(row_of: Callable[[BenchCase], Raw], start: str, end: str, days: int) -> Rule:
    """Right is known when the stay ends, or has lasted so long."""

    def rule(bench: BenchCase) -> Right:
        row = row_of(bench)
        limit = time(row[start]) + timedelta(days=days)
        left = time(row[end])
        return Right(frozenset({"yes" if left > limit else "no"}), min(left, limit))

    return rule


def icu_again(bench: BenchCase) -> Right:
    left = time(icu(bench)["outtime"])
    times = [time(row["intime"]) for row in by("icu/icustays", "hadm_id")[str(bench.hadm_id)]]
    at = min((at for at in times if at > left), default=None)
    return right(at is not None, at)


def readmitted_in(days: int) -> Rule:
    def rule(bench: BenchCase) -> Right:
        left = time(stay(bench)["dischtime"])
        rows = by("hosp/admissions", "subject_id")[str(bench.case.subject_id)]
        at = min((time(r["admittime"]) for r in rows if time(r["admittime"]) > left), default=None)
        return right(in_time(at, left + timedelta(days=days)), at)

    return rule


def died_in_stay(bench: BenchCase) -> Right:
    row = stay(bench)
    return right(row["hospital_expire_flag"] == "1", time(row["deathtime"] or row["dischtime"]))


# Films with the record.


@cache
def films(subject: int) -> dict[str, datetime]:
    """When each study of a patient was taken: the last of its films."""
    taken: dict[str, datetime] = {}
    for row in by("cxr/mimic-cxr-2.0.0-metadata", "subject_id")[str(subject)]:
        clock = row["StudyTime"].split(".")[0].zfill(6)
        at = datetime.strptime(row["StudyDate"] + clock, "%Y%m%d%H%M%S")
        taken[row["study_id"]] = max(at, taken.get(row["study_id"], at))
    return taken


def on_film(study: str) -> Raw:
    return one("cxr/mimic-cxr-2.0.0-chexpert", "study_id", study)


def stated(study: str, finding: str) -> str:
    (found,) = [value for name, value in on_film(study).items() if name.lower() == finding]
    return found and str(float(found))


def asked_film(bench: BenchCase) -> tuple[str, datetime]:
    """The study taken one second before the prediction time; it is the case's last."""
    (study,) = [
        study
        for study, at in films(bench.case.subject_id).items()
        if at + timedelta(seconds=1) == bench.case.prediction_time
    ]
    assert str(bench.case.images[-1].study_id) == study
    return study, films(bench.case.subject_id)[study]


def film_shows(bench: BenchCase) -> Right:
    study, at = asked_film(bench)
    (finding,) = re.findall(r"Does it show (.+?)\?", bench.case.question)
    value = stated(study, finding)
    assert value in {"1.0", "0.0"}, "an uncertain finding has no right answer"
    return Right(frozenset({"yes" if value == "1.0" else "no"}), at + A_SECOND)


def film_findings(bench: BenchCase) -> Right:
    study, at = asked_film(bench)
    names = [name for name, value in on_film(study).items() if not name.endswith("_id") and value]
    return Right(frozenset(n for n in names if float(on_film(study)[n]) == 1), at + A_SECOND)


def film_change(bench: BenchCase) -> Right:
    study, at = asked_film(bench)
    (finding,) = re.findall(r"Compare (.+?) between", bench.case.question)
    read = {row["study_id"] for row in table("cxr/mimic-cxr-2.0.0-chexpert")}
    earlier = [
        (taken, other)
        for other, taken in films(bench.case.subject_id).items()
        if taken < at and other in read
    ]
    before = max(earlier)[1]
    assert {image.study_id for image in bench.case.images} == {int(before), int(study)}
    then, now = (stated(which, finding) for which in (before, study))
    assert "-1.0" not in {then, now}
    assert "1.0" in {then, now}
    change = "still there" if then == now else "new" if now == "1.0" else "gone"
    return Right(frozenset({change}), at + A_SECOND)


def asked_at(bench: BenchCase) -> datetime:
    """The moment that the question is about, which a stay is asked about more than once: it is in the qid."""
    return datetime.strptime(bench.case.qid.rpartition("_")[2], "%Y%m%dT%H%M%S")


def dead_in_a_day(bench: BenchCase) -> Right:
    at, hour = died(bench.case.subject_id), asked_at(bench)
    assert (hour - time(icu(bench)["intime"])).total_seconds() / 3600 in {6, 12, 24, 36, 48, 72, 96}
    return right(in_time(at, hour + timedelta(hours=24)), at)


def dead_in_icu(bench: BenchCase) -> Right:
    at = died(bench.case.subject_id)
    return right(in_time(at, time(icu(bench)["outtime"]) + timedelta(hours=6)), at)


def conditions(bench: BenchCase) -> Right:
    shock = {"10": ("R57", "R6521", "T8112XA"), "9": ("7855", "9980")}
    names = set()
    for row in by("hosp/diagnoses_icd", "hadm_id")[str(bench.hadm_id)]:
        if row["icd_code"].strip().startswith(shock[row["icd_version"]]):
            names.add("Shock")
        else:
            names |= set(code_class("diagnoses")(row)) & set(bench.case.candidates)
    return Right(frozenset(names), time(stay(bench)["dischtime"]))


RULES: dict[str, Rule] = {
    "ED_Critical_Outcomes": ed_critical,
    "ED_Hospitalization": ed_admitted,
    "ED_ICU_Tranfer_12hour": ed_icu,
    "ED_Inpatient_Mortality": ed_died,
    "ED_Reattendance_3day": ed_back,
    **{f"ICU_Mortality_{days}day": icu_dead_in(days) for days in (1, 2, 3, 7, 14)},
    "ICU_Readmission": icu_again,
    **{f"ICU_Stay_{days}day": longer_than(icu, "intime", "outtime", days) for days in (7, 14)},
    "Inpatient_Mortality": died_in_stay,
    **{f"LengthOfStay_{days}day": longer_than(stay, "admittime", "dischtime", days) for days in (3, 7)},
    **{f"Readmission_{days}day": readmitted_in(days) for days in (30, 60)},
    **{name: comes_next(name) for name in HAPPENINGS},
    "diagnoses_ccs": coded(code_class("diagnoses")),
    "diagnoses_icd": coded(title("hosp/d_icd_diagnoses")),
    "diagnosis": coded_in_ed(just("icd_title")),
    "diagnosis_ccs": coded_in_ed(code_class("diagnoses")),
    "next_event": kind_that_comes_next,
    "cxr_finding_presence": film_shows,
    "cxr_finding_enumeration": film_findings,
    "cxr_change_comparison": film_change,
    "decompensation": dead_in_a_day,
    "in_hospital_mortality": dead_in_icu,
    "phenotyping": conditions,
    "agentehr_diagnoses_ccs": coded(code_class("diagnoses")),
    "agentehr_procedures_ccs": procedures_of_the_day,
    **{f"agentehr_{name}": at_this_minute(name) for name in ("labevents", "microbiologyevents", "transfers")},
}


def complaints(bench: BenchCase) -> list[str]:
    """What the raw tables say against a case."""
    found = RULES[bench.case.task](bench)
    said = []
    if frozenset(bench.case.gold or ()) != found.names:
        said.append(f"gold {bench.case.gold}, the tables say {sorted(found.names)}")
    if len(set(bench.case.gold or ())) != len(bench.case.gold or ()):
        said.append("a name is there twice")
    if found.since is not None and found.since < bench.case.prediction_time:
        said.append(f"it was so from {found.since}, before the prediction time {bench.case.prediction_time}")
    return said


def test_every_task_has_a_rule_of_its_own() -> None:
    assert set(RULES) == set(TASKS) == set(FIRST_OF_TASK)


@pytest.mark.parametrize("task", RULES)
def test_gold_is_what_the_raw_tables_say_after_the_prediction_time(task: str) -> None:
    cases = [bench for bench in BENCH if bench.case.task == task]
    assert len(cases) == 4
    assert {bench.case.qid: complaints(bench) for bench in cases} == {bench.case.qid: [] for bench in cases}


def changed(bench: BenchCase) -> Iterator[BenchCase]:
    """The case with its gold wrong in each way: an item too few, an item too many, another in its place."""
    gold = bench.case.gold or ()
    others = [*(name for name in bench.case.candidates if name not in gold), "something else"]
    for names in (gold[1:], gold[:-1], (*gold, others[0]), (*gold[1:], others[0])):
        yield msgspec.structs.replace(bench, case=msgspec.structs.replace(bench.case, gold=names))


@pytest.mark.parametrize("task", RULES)
def test_a_wrong_item_is_told(task: str) -> None:
    assert all(complaints(wrong) for wrong in changed(FIRST_OF_TASK[task]))


# What comes next is something else at another time; of these the outcome stays what it is.
SETTLED = [
    task
    for task in RULES
    if task not in HAPPENINGS and task != "next_event" and not task.startswith(("cxr", "agentehr"))
]


@pytest.mark.parametrize("task", SETTLED)
def test_a_prediction_time_after_the_outcome_is_told(task: str) -> None:
    outcomes = [
        (bench, since) for bench in BENCH if bench.case.task == task and (since := RULES[task](bench).since)
    ]
    assert outcomes
    for bench, since in outcomes:
        late = msgspec.structs.replace(bench.case, prediction_time=since + timedelta(seconds=1))
        assert complaints(msgspec.structs.replace(bench, case=late)), bench.case.qid


# The curated text: a line that names a right item is an older row's.

LINES = re.compile(
    r"^## (?P<title>.+) \[(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\]\n(?P<lines>(?:- .*\n?)+)", re.MULTILINE
)
CLOCKS = ["charttime", "storetime", "starttime", "ordertime", "intime", "transfertime", "chartdate"]
SECTIONS = {
    "chartevents": "Charted Observation",
    "datetimeevents": "Charted Date",
    "emar": "Medication Given",
    "inputevents": "Infusion",
    "ingredientevents": "Infusion Ingredient",
    "labevents": "Laboratory Test",
    "medrecon": "Home Medication",
    "microbiologyevents": "Microbiology",
    "omr": "Measurement",
    "outputevents": "Output",
    "poe": "Provider Order",
    "procedureevents": "Procedure in Intensive Care",
    "pyxis": "Dispensing Cabinet",
    "services": "Service",
    "transfers": "Transfer",
}


def gold_lines(bench: BenchCase, title: str) -> Iterator[tuple[str, str]]:
    """(time, right item) of each line of a section that names one."""
    for found in LINES.finditer(bench.curated):
        if found["title"] == title:
            for line in found["lines"].splitlines():
                yield from ((found["at"], name) for name in bench.case.gold or () if name in line)


@pytest.mark.parametrize("task", SECTIONS)
def test_a_right_item_in_a_curated_text_is_an_earlier_event(task: str) -> None:
    happening = HAPPENINGS[task]
    for bench in (bench for bench in BENCH if bench.case.task.removeprefix("agentehr_") == task):
        before = {
            time(row[clock])
            for row in by(happening.file, "subject_id")[str(bench.case.subject_id)]
            if time(happening.at(row)) < bench.case.prediction_time
            for clock in CLOCKS
            if row.get(clock)
        }
        assert {time(at) for at, _ in gold_lines(bench, SECTIONS[task])} <= before, bench.case.qid


def test_no_curated_text_tells_of_a_later_time_nor_of_codes_before_discharge() -> None:
    headings = 0
    for bench in BENCH:
        cutoff = bench.case.prediction_time
        ends = {
            time(row[column])
            for file, column in (("hosp/admissions", "dischtime"), ("ed/edstays", "outtime"))
            for row in by(file, "subject_id")[str(bench.case.subject_id)]
        }
        for found in LINES.finditer(bench.curated):
            headings += 1
            assert cutoff - timedelta(hours=24) <= time(found["at"]) < cutoff, bench.case.qid
            if found["title"] in {"Coded Diagnosis", "Emergency Department Diagnosis"}:
                assert time(found["at"]) in ends, bench.case.qid
    assert headings > len(BENCH)
