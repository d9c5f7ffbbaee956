"""Every rule fires on a recording planted for it, at the right place, and stays silent on a near miss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import pytest

from clinseek_replay.evidence.known import Held, Known
from clinseek_replay.finding import Finding, Place
from clinseek_replay.trajectory import Note, Trajectory
from clinseek_replay.triage import RULES, Hit, Rule, RunView, Siblings, apply_rules, rule_named

CODES = [rule.code for rule in RULES]
Aspirin = "Aspirin"
WANTED = ("Furosemide", "Heparin", Aspirin)


@dataclass(frozen=True)
class Planted:
    """A recording that fires a code, and one that nearly does."""

    code: str
    anchor: str
    """Where the finding must be."""
    plant: Callable[[Any], Any]
    near: Callable[[Any], Any]
    forms: tuple[str, ...] = ("journal", "results")
    also: tuple[str, ...] = ()
    """Codes that come with it by their meaning."""
    given: dict[str, Any] = field(default_factory=dict)
    """What the view is given beside the recording."""
    near_given: dict[str, Any] | None = None
    edit: Callable[[Trajectory], Trajectory] | None = None
    near_edit: Callable[[Trajectory], Trajectory] | None = None
    name: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    """What the first finding's evidence must hold."""

    def label(self) -> str:
        return self.name or self.code


def held(
    *names: str, absent: tuple[str, ...] = (), tables: tuple[str, ...] = ("prescriptions",)
) -> dict[str, Any]:
    found = {name: Held(tables=tables, matched=name) for name in names}
    return {"known": Known(by="ehr", found=found, absent=frozenset(absent))}


def with_note(number: int, kind: str, text: str = "") -> Callable[[Trajectory], Trajectory]:
    def edit(run: Trajectory) -> Trajectory:
        steps = tuple(
            msgspec.structs.replace(step, notes=(*step.notes, Note(kind, text)))
            if step.number == number
            else step
            for step in run.steps
        )
        return msgspec.structs.replace(run, steps=steps)

    return edit


def unique_turns(make: Any, count: int) -> list[Any]:
    return [
        make.turn("", make.read(f"{make.drugs}\n{n}", start_time=f"2149-01-01 00:00:{n % 60:02}", n=n))
        for n in range(count)
    ]


def pages(make: Any, count: int) -> list[Any]:
    return [
        make.turn("", make.call("browser.search", f"[{n}] page {n}", query=f"q {n}")) for n in range(count)
    ]


def of_drugs(make: Any, *rows: tuple[str, ...]) -> str:
    return make.padded(("drug", "starttime"), *rows)


CASES: tuple[Planted, ...] = (
    Planted(
        "H1",
        "s3.c1",
        lambda m: m.bare(
            m.load(),
            m.turn("", m.read()),
            m.turn("- Furosemide\n- Heparin", made_finish(m, "synthetic_finish_ab12cd34")),
            answer=("Furosemide", "Heparin"),
        ),
        lambda m: m.run(),
        forms=("results",),
    ),
    Planted(
        "H2",
        "s3.c1",
        lambda m: m.run(m.turn("", m.keyword("sodium", "x" * 100_000))),
        lambda m: m.run(m.turn("", m.keyword("sodium", "x" * 99_999))),
    ),
    Planted(
        "H2",
        "s3.c1",
        lambda m: m.run(m.turn("", cut(m.keyword("sodium", "x" * 500), "x" * 900))),
        lambda m: m.run(m.turn("", cut(m.keyword("sodium", "x" * 500), "x" * 500))),
        forms=("journal",),
        name="H2-told-by-the-record",
    ),
    Planted(
        "H2b",
        "s3.c1",
        lambda m: m.run(m.turn("", m.read("y" * 100_000, "emar")), gold=WANTED, max_rounds=5),
        lambda m: m.run(m.turn("", m.read("y" * 100_000, "emar")), gold=WANTED, max_rounds=5),
        also=("H2", "R1"),
        given=held(Aspirin, tables=("emar",)),
        near_given=held(Aspirin, tables=("pyxis",)),
    ),
    Planted(
        "H3",
        "s3.c1",
        lambda m: m.run(m.turn("", raw_call(m, "ehr.run_sql_query", '{"sql_query": "select')), m.turn("Hm.")),
        lambda m: m.run(m.turn("", m.sql("select 1", "1"))),
    ),
    Planted(
        "H3",
        "s3.t:6-",
        lambda m: m.run(m.turn("Next: <tool_call><function=ehr.get_table_names></function></tool_call>")),
        lambda m: m.run(m.turn("Next: potassium < 3 and <b>bold</b>, no call")),
        forms=("journal",),
        name="H3-markup",
    ),
    Planted(
        "H4",
        "s3.c2",
        lambda m: m.run(m.turn("", m.keyword("sodium", "sodium 140"), m.read(None, "labevents"))),
        lambda m: m.run(m.turn("", m.keyword("sodium", "sodium 140"), m.read("labs", "labevents"))),
    ),
    Planted(
        "H5",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.read("HTTP Error 503: upstream connect error", "labevents", "error")),
            m.turn("Well."),
        ),
        lambda m: m.run(m.turn("", m.read("potassium HTTP Error 503", "labevents")), m.turn("Well.")),
    ),
    Planted(
        "H5",
        "s2",
        lambda m: m.bare(
            m.load(), m.turn("", m.read()), status="error", stop_reason="endpoint_down", answer=None
        ),
        lambda m: m.bare(m.load(), m.turn("", m.read()), status="error", stop_reason="refused", answer=None),
        forms=("journal",),
        name="H5-model",
    ),
    Planted(
        "H6",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.read("Error: No data. Please call load_ehr first.", "labevents", "error")),
            m.turn("Hm."),
        ),
        lambda m: m.bare(
            m.turn("", m.read("Error: No data. Please call load_ehr first.", "labevents", "error")),
            m.load(),
            m.turn("", m.read()),
            m.finish("Furosemide", "Heparin"),
            answer=("Furosemide", "Heparin"),
        ),
    ),
    Planted(
        "H7",
        "s3",
        lambda m: m.bare(m.load(), m.turn("", m.read()), m.turn("I do not know."), status="no_answer"),
        lambda m: m.run(m.turn("I do not know.")),
    ),
    Planted(
        "A1",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.read("Error: No timestamp column found in table 'triage'.", "triage", "error")),
            m.turn("Hm."),
        ),
        lambda m: m.run(m.turn("", m.keyword("pain", None, "triage")), m.turn("Hm.")),
    ),
    Planted(
        "A1",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.call("ehr.keyword", "Error: there is no tool `ehr.keyword`; see", "error")),
            m.turn("Hm."),
        ),
        lambda m: m.run(m.turn("", m.call("ehr.keyword", "found it")), m.turn("Hm.")),
        name="A1-tool",
    ),
    Planted(
        "A1",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.call("ehr.get_records_by_keyword", "Error: odd", "error", table_name="x")),
            m.turn("Hm."),
        ),
        lambda m: m.run(m.turn("", m.keyword("a", "Error: odd", "x", "error")), m.turn("Hm.")),
        name="A1-schema",
    ),
    Planted(
        "A2",
        "s3.c1",
        lambda m: m.run(
            m.turn(
                "",
                m.sql(
                    "select hb from labevents",
                    "SQL Execution Error: Execution failed on sql 'select hb': no such column: hb",
                    "error",
                ),
            ),
            m.turn("Hm."),
        ),
        lambda m: m.run(m.turn("", m.sql("select hb from labevents", "hb\n9.1")), m.turn("Hm.")),
    ),
    Planted(
        "A3",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.call("ehr.get_latest_records", "value\n1", subject_id="90000002", table_name="omr"))
        ),
        lambda m: m.run(
            m.turn(
                "", m.call("ehr.get_latest_records", "value\n1", subject_id="90000001.0", table_name="omr")
            )
        ),
    ),
    Planted(
        "A4",
        "s4.c1",
        lambda m: m.run(
            m.turn("", m.keyword("pain", "pain 3")),
            m.turn("", m.keyword("pain", "pain 3")),
            m.turn("", m.read("x")),
        ),
        lambda m: m.run(
            m.turn("", m.keyword("pain", "pain 3")),
            m.turn("", m.read("x")),
            m.turn("", m.keyword("pain", "pain 3")),
        ),
    ),
    Planted(
        "A5",
        "s3.c1",
        lambda m: m.run(m.turn("", m.keyword("troponin"))),
        lambda m: m.run(m.turn("", m.keyword("troponin")), m.turn("", m.read("labs", "labevents"))),
    ),
    Planted(
        "A6",
        "s4",
        lambda m: m.run(
            m.turn("", m.keyword("troponin")), m.turn("There is no evidence of any cardiac disease.")
        ),
        lambda m: m.run(m.turn("", m.keyword("troponin")), m.turn("There is no record of troponin.")),
        name="A6",
    ),
    Planted(
        "R1",
        "s0",
        lambda m: m.run(gold=WANTED, curated="## Drugs\n- Aspirin 81 mg"),
        lambda m: m.run(gold=WANTED, curated="## Drugs\n- Ibuprofen"),
        forms=("results",),
    ),
    Planted(
        "R2",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.keyword("aspirin", None, "prescriptions")), m.turn("Hm."), gold=WANTED, max_rounds=6
        ),
        lambda m: m.run(
            m.turn("", m.keyword("aspirin", None, "prescriptions")), m.turn("Hm."), gold=WANTED, max_rounds=6
        ),
        given=held(Aspirin),
        near_given=held(absent=(Aspirin,)),
    ),
    Planted(
        "R3",
        "s0",
        lambda m: m.run(gold=WANTED),
        lambda m: m.run(gold=WANTED),
        also=("S1",),
        evidence={"item": Aspirin},
        given=held(absent=(Aspirin,)),
        near_given=held(Aspirin),
    ),
    Planted(
        "R4",
        "s1.c1",
        lambda m: m.run(gold=WANTED, task="labevents"),
        lambda m: m.run(m.turn("", m.read("labs", "labevents")), gold=WANTED, task="labevents"),
    ),
    Planted(
        "R5",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.sql("select * from emar limit 2", "drug\na\nb")),
            gold=WANTED,
            task="emar",
            max_rounds=5,
        ),
        lambda m: m.run(
            m.turn("", m.sql("select * from emar limit 20", "drug\na\nb")),
            gold=WANTED,
            task="emar",
            max_rounds=5,
        ),
        also=("R1",),
        given=held(Aspirin, tables=("emar",)),
    ),
    Planted(
        "R6",
        "s0",
        lambda m: m.run(question="Which?\n<cxr_info>\nLinked Study IDs: [95000001]\n</cxr_info>"),
        lambda m: m.run(
            m.turn("", m.call("image.chest_xray_classifier", '{"output":{"Edema":0.5}}', image_path="a.jpg")),
            question="Which?\n<cxr_info>\nLinked Study IDs: [95000001]\n</cxr_info>",
        ),
    ),
    Planted(
        "R7",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.call("browser.search", "[0] Colchicine helps", query="gout")),
            answer=("Furosemide", "Heparin", "Colchicine"),
        ),
        lambda m: m.run(
            m.turn("", m.call("browser.search", "[0] Colchicine helps", query="gout")),
            m.turn("", m.read(of_drugs(m, ("Colchicine", "2150-03-02 10:00:00")), "emar")),
            answer=("Furosemide", "Heparin", "Colchicine"),
        ),
    ),
    Planted(
        "U1",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.read(of_drugs(m, (Aspirin, "2150-03-02 10:00:00")), "emar")), gold=WANTED
        ),
        lambda m: m.run(
            m.turn("", m.read(of_drugs(m, (Aspirin, "2150-03-02 10:00:00")), "emar")),
            m.turn("Aspirin is there, but I leave it out."),
            gold=WANTED,
        ),
    ),
    Planted(
        "U2",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.read(of_drugs(m, (Aspirin, "2150-03-02 10:00:00")), "emar")),
            m.turn("Aspirin is there, but I leave it out."),
            gold=WANTED,
        ),
        lambda m: m.run(
            m.turn("", m.read(of_drugs(m, (Aspirin, "2150-03-02 10:00:00")), "emar")), gold=WANTED
        ),
    ),
    Planted(
        "U3",
        "s3.c1",
        lambda m: m.run(
            m.turn("", m.read(of_drugs(m, (Aspirin, "2150-03-02 10:00:00")), "emar")),
            m.turn("On."),
            gold=WANTED,
        ),
        lambda m: m.run(
            m.turn("On."),
            m.turn("", m.read(of_drugs(m, (Aspirin, "2150-03-02 10:00:00")), "emar")),
            gold=WANTED,
        ),
        edit=with_note(4, "compaction", '{"kept_from": 4}'),
        near_edit=with_note(3, "compaction", '{"kept_from": 4}'),
    ),
    Planted(
        "U3",
        "s3.c1",
        lambda m: tokens(
            m.run(
                m.turn("", m.read(of_drugs(m, (Aspirin, "2150-03-02 10:00:00")), "emar")),
                m.turn("On."),
                gold=WANTED,
            ),
            (100, 200, 9000, 900, 950),
        ),
        lambda m: tokens(
            m.run(
                m.turn("", m.read(of_drugs(m, (Aspirin, "2150-03-02 10:00:00")), "emar")),
                m.turn("On."),
                gold=WANTED,
            ),
            (100, 200, 9000, 9100, 9200),
        ),
        forms=("journal",),
        name="U3-tokens",
    ),
    Planted(
        "U4a",
        "s3.c1",
        lambda m: m.run(
            m.turn(
                "",
                m.call(
                    "ehr.get_candidates_by_keyword", "candidate\nColchicine", table_name="p", keyword="col"
                ),
            ),
            answer=("Furosemide", "Heparin", "Colchicine"),
        ),
        lambda m: m.run(
            m.turn(
                "",
                m.call(
                    "ehr.get_candidates_by_keyword", "candidate\nColchicine", table_name="p", keyword="col"
                ),
            ),
            m.turn("", m.read(of_drugs(m, ("Colchicine", "2150-03-02 10:00:00")), "emar")),
            answer=("Furosemide", "Heparin", "Colchicine"),
        ),
    ),
    Planted(
        "U4b",
        "s3.c1",
        lambda m: m.run(answer=("Furosemide", "Heparin", "Colchicine")),
        lambda m: m.run(
            m.turn("", m.read(of_drugs(m, ("Colchicine", "2150-03-02 10:00:00")), "emar")),
            answer=("Furosemide", "Heparin", "Colchicine"),
        ),
    ),
    Planted(
        "U5",
        "s4.c1",
        lambda m: m.run(
            m.turn("", stays(m)),
            m.turn("", m.read(of_drugs(m, (Aspirin, "2149-05-01 10:00:00")), "emar")),
            gold=WANTED,
            answer=WANTED,
        ),
        lambda m: m.run(
            m.turn("", stays(m)),
            m.turn("", m.read(of_drugs(m, (Aspirin, "2150-03-02 10:00:00")), "emar")),
            gold=WANTED,
            answer=WANTED,
        ),
    ),
    Planted(
        "U6",
        "s4",
        lambda m: m.run(
            m.turn("", m.keyword("potassium", "label value\nPotassium 5.4 mmol/L")),
            m.turn("The potassium was 5.9 mmol/L."),
        ),
        lambda m: m.run(
            m.turn("", m.keyword("potassium", "label value\nPotassium 5.4 mmol/L")),
            m.turn("The potassium was 5.4 mmol/L."),
        ),
    ),
    Planted(
        "U7",
        "s4.c1",
        lambda m: m.run(
            m.turn("Heparin it is."),
            m.turn("", m.read("The patient receives no heparin at present.", "discharge")),
        ),
        lambda m: m.run(
            m.turn("Heparin it is."),
            m.turn("", m.read("The patient receives heparin at present.", "discharge")),
        ),
    ),
    Planted(
        "U8",
        "s3",
        lambda m: m.run(
            m.turn("Next I will query the microbiologyevents table.", m.read("labs", "labevents"))
        ),
        lambda m: m.run(
            m.turn("Next I will query the microbiologyevents table.", m.read("labs", "labevents")),
            m.turn("", m.read("cultures", "microbiologyevents")),
        ),
    ),
    Planted(
        "F1c",
        "s3.c1",
        lambda m: m.run(answer=("Furosemide.", "Heparin")),
        lambda m: m.run(answer=("FUROSEMIDE", "Heparin")),
    ),
    Planted(
        "F1c",
        "s3.c1",
        lambda m: m.run(answer=("Lasix", "Heparin")),
        lambda m: m.run(answer=("Torsemide", "Heparin")),
        name="F1c-synonym",
    ),
    Planted(
        "F2",
        "s3.c1",
        lambda m: m.run(candidates=("Furosemide", "Aspirin")),
        lambda m: m.run(candidates=("furosemide ", "HEPARIN", "Aspirin")),
    ),
    Planted(
        "F3",
        "s4.c1",
        lambda m: many_drugs(m, ("Furosemide", "Alpha", "Bravo", "Charlie"), ("Furosemide",)),
        lambda m: many_drugs(m, ("Furosemide", "Alpha", "Bravo"), ("Furosemide",)),
    ),
    Planted(
        "F4",
        "s3.c1",
        lambda m: m.run(answer=("Furosemide 40 mg", "Heparin")),
        lambda m: m.run(answer=("Furosemide drip", "Heparin")),
        also=("U4b",),
    ),
    Planted(
        "F5",
        "s3.c1",
        lambda m: m.bare(
            m.load(),
            m.turn("", m.read()),
            m.turn("", m.call("ehr.finish", "Finish", response="Heparin")),
            gold=("Heparin",),
            answer=("Heparin",),
        ),
        lambda m: m.bare(
            m.load(), m.turn("", m.read()), m.finish("Heparin"), gold=("Heparin",), answer=("Heparin",)
        ),
    ),
    Planted(
        "F6",
        "s3",
        lambda m: m.run(m.turn("- Furosemide\n- Heparin\n- Aspirin"), gold=WANTED),
        lambda m: m.run(m.turn("- Furosemide\n- Heparin"), gold=WANTED),
    ),
    Planted(
        "B1",
        "s3",
        lambda m: m.bare(
            m.load(),
            m.turn("", m.read()),
            m.turn("Hm."),
            status="no_answer",
            stop_reason="max_rounds",
            max_rounds=3,
            gold=None,
        ),
        lambda m: m.bare(m.load(), m.turn("", m.read()), m.turn("Hm."), status="no_answer", gold=None),
        forms=("journal",),
    ),
    Planted(
        "B1",
        "s200",
        lambda m: m.bare(*unique_turns(m, 200), status="no_answer", gold=None),
        lambda m: m.bare(*unique_turns(m, 199), status="no_answer", gold=None),
        forms=("results",),
        name="B1-reference",
    ),
    Planted(
        "B2",
        "s41.c1",
        lambda m: m.bare(m.load(), *pages(m, 40), status="no_answer", gold=None),
        lambda m: m.bare(m.load(), *pages(m, 39), status="no_answer", gold=None),
        forms=("results",),
    ),
    Planted(
        "B3",
        "s3",
        lambda m: m.bare(
            m.load(),
            m.turn("", m.read()),
            m.turn("It is", finish_reason="length"),
            status="no_answer",
            gold=None,
        ),
        lambda m: m.bare(
            m.load(),
            m.turn("", m.read()),
            m.turn("It is", finish_reason="stop"),
            status="no_answer",
            gold=None,
        ),
        forms=("journal",),
    ),
    Planted(
        "B3",
        "s2",
        lambda m: m.bare(
            m.load(),
            m.turn("", m.read()),
            status="error",
            message="prompt is too long: 210000 tokens",
            gold=None,
        ),
        lambda m: m.bare(
            m.load(), m.turn("", m.read()), status="error", message="list index out of range", gold=None
        ),
        forms=("results",),
        name="B3-reference",
    ),
    Planted(
        "B4",
        "s4.c1",
        lambda m: m.run(*[m.turn("", m.keyword("pain", "pain 3")) for _ in range(5)]),
        lambda m: m.run(*[m.turn("", m.keyword("pain", "pain 3")) for _ in range(4)]),
        also=("A4",),
    ),
    Planted(
        "B5",
        "s3.c1",
        lambda m: m.run(gold=WANTED, max_rounds=200),
        lambda m: m.run(gold=WANTED, max_rounds=5),
        forms=("journal",),
        also=("R1",),
        given=held(Aspirin),
    ),
    Planted(
        "B6",
        "s4",
        lambda m: m.run(
            m.turn("Furosemide, I think.", m.read("x", "emar")),
            m.turn("Or rather Colchicine."),
            answer=("Furosemide", "Colchicine"),
            gold=None,
        ),
        lambda m: m.run(
            m.turn("Furosemide, I think."),
            m.turn("Or rather Colchicine."),
            m.turn("", m.read("x", "emar")),
            answer=("Furosemide", "Colchicine"),
            gold=None,
        ),
        also=("U4b",),
    ),
    Planted(
        "S1",
        "s0",
        lambda m: m.run(gold=WANTED),
        lambda m: m.run(gold=WANTED, answer=WANTED),
        also=("R3",),
        evidence={"ceiling": 0.8},
        given=held(absent=(Aspirin,)),
    ),
    Planted(
        "S2",
        "s0",
        lambda m: m.run(gold=("Heparin", "heparin."), answer=("Heparin", "heparin.")),
        lambda m: m.run(gold=("Heparin", "Furosemide")),
    ),
    Planted(
        "S3",
        "s0",
        lambda m: m.run(),
        lambda m: m.run(),
        given={"recorded_f1": 0.5},
        near_given={"recorded_f1": 1.0},
    ),
    Planted(
        "S4",
        "s0",
        lambda m: m.run(),
        lambda m: m.run(),
        given={"siblings": Siblings(runs_of_question=2, same_line=2, first=True)},
        near_given={"siblings": Siblings(runs_of_question=1, same_line=1, first=True)},
    ),
    Planted(
        "S5",
        "s0",
        lambda m: m.run(question="Which drug? Answer: Furosemide."),
        lambda m: m.run(question="Which drug? Answer: Furosemide or something else."),
    ),
    Planted(
        "S5",
        "s0",
        lambda m: m.run(question="Which? " + CONTEXT, curated=CONTEXT),
        lambda m: m.run(question="Which?", curated=CONTEXT),
        forms=("results",),
        name="S5-curated",
    ),
)

CONTEXT = "## Prescriptions [2150-03-02 08:00:00]\n- Furosemide 40 mg IV\n- Heparin 5000 units SC\n"


def made_finish(make: Any, id_: str) -> Any:
    call = make.call(
        "ehr.finish", "Finish (synthesized from plain-text answer)", response=["Furosemide", "Heparin"]
    )
    call.id = id_
    return call


def raw_call(make: Any, name: str, raw: str) -> Any:
    call = make.call(name, "Error executing ehr.run_sql_query: bad JSON", "error")
    call.arguments = raw
    return call


def cut(call: Any, full: str) -> Any:
    call.full = full
    return call


def stays(make: Any) -> Any:
    text = make.padded(("hadm_id", "admittime", "dischtime"), ("90200001", "2150-03-01 10:00:00", "nan"))
    return make.read(text, "admissions")


def tokens(made: Any, counts: Sequence[int]) -> Any:
    for turn, count in zip(made.turns, counts, strict=True):
        turn.tokens = count
    return made


def many_drugs(make: Any, answer: tuple[str, ...], gold: tuple[str, ...]) -> Any:
    rows = [(name, "2150-03-02 10:00:00") for name in answer]
    return make.run(make.turn("", make.read(of_drugs(make, *rows), "emar")), answer=answer, gold=gold)


@pytest.fixture(scope="module")
def looked_at(make: Any, read_back: Any) -> Callable[[Planted, str, bool], RunView]:
    """The view of a case's recording in a form, planted or nearly; made once."""

    @cache
    def view(index: int, form: str, planted: bool) -> RunView:
        case = CASES[index]
        run = read_back((case.plant if planted else case.near)(make), form)
        edit = case.edit if planted else case.near_edit
        given = case.given if planted or case.near_given is None else case.near_given
        return RunView(edit(run) if edit else run, **given)

    return lambda case, form, planted: view(CASES.index(case), form, planted)


def fired(view: RunView, rules: Iterable[Rule] = RULES) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in apply_rules(view, rules)[0]:
        found.setdefault(finding.code, []).append(finding)
    return found


def is_as_planted(case: Planted, found: dict[str, list[Finding]]) -> bool:
    """Whether the first finding of the case's code is at its place, with its evidence."""
    first = found[case.code][0] if case.code in found else None
    at = first.places[0].anchor if first and first.places else ""
    return (
        first is not None and at.startswith(case.anchor) and first.evidence.items() >= case.evidence.items()
    )


each_case = pytest.mark.parametrize(
    ("case", "form"),
    [pytest.param(case, form, id=f"{case.label()}-{form}") for case in CASES for form in case.forms],
)


@each_case
def test_a_planted_failure_fires_its_code_alone_and_at_its_place(
    case: Planted, form: str, looked_at: Any
) -> None:
    found = fired(looked_at(case, form, True))
    assert sorted(found) == sorted({case.code, *case.also})
    assert is_as_planted(case, found)
    assert found[case.code][0].message


@each_case
def test_a_near_miss_does_not_fire_it(case: Planted, form: str, looked_at: Any) -> None:
    assert case.code not in fired(looked_at(case, form, False))


@pytest.mark.parametrize("form", ["journal", "results"])
def test_a_good_run_has_no_finding(form: str, make: Any, read_back: Any) -> None:
    assert fired(RunView(read_back(make.run(), form))) == {}


def survives(rules: Sequence[Rule], looked_at: Any, code: str) -> bool:
    """Whether the cases of a code still hold with these rules."""
    for case in CASES:
        if case.code == code:
            for form in case.forms:
                planted, near = (fired(looked_at(case, form, which), rules) for which in (True, False))
                if not is_as_planted(case, planted) or code in near:
                    return False
    return True


def broken(code: str, find: Any) -> list[Rule]:
    return [msgspec.structs.replace(rule, find=find) if rule.code == code else rule for rule in RULES]


@pytest.mark.parametrize("code", CODES)
def test_breaking_a_rule_breaks_its_cases(code: str, looked_at: Any) -> None:
    rule = rule_named(code)
    assert survives(RULES, looked_at, code)
    assert not survives(broken(code, lambda view: ()), looked_at, code)
    assert not survives(
        broken(code, lambda view: (Hit(message="always", places=(Place(step=0),)),)), looked_at, code
    )
    others = [other.find for other in RULES if other.code != code]
    assert not any(survives(broken(code, find), looked_at, code) for find in others)
    assert rule is not None


NOTHING = Trajectory(run_id="r", source="x.jsonl", format="chat")


@pytest.mark.parametrize("code", [rule.code for rule in RULES if rule.needs])
def test_a_rule_that_lacks_what_it_needs_is_not_verified(code: str) -> None:
    findings, undecided = apply_rules(RunView(NOTHING), RULES)
    assert code not in {finding.code for finding in findings}
    (told,) = [each for each in undecided if each.code == code]
    assert told.reason


@pytest.mark.parametrize("need", sorted({need for rule in RULES for need in rule.needs}))
def test_every_need_is_missing_in_an_empty_recording(need: str) -> None:
    rule = msgspec.structs.replace(RULES[0], needs=(need,))
    empty = NOTHING if need != "reference" else msgspec.structs.replace(NOTHING, gold=("Heparin",))
    assert apply_rules(RunView(empty), [rule])[1]


def test_codes_and_names_are_each_once() -> None:
    assert len(set(CODES)) == len(CODES)
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {case.code for case in CASES} == set(CODES)
