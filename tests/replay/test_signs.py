"""What a timeline marks: leaks, gold first seen, repeats."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from clinseek_core.case import Policy
from clinseek_replay.glyphs import SIGNS, in_ascii
from clinseek_replay.signs import signs_of
from clinseek_replay.trajectory import Call, Result, Step, Trajectory


def labs(*rows: tuple[str, str]) -> str:
    """Values at times, as the reference prints them."""
    lines = (("charttime", "label", "valuenum"), *((at, "Lactate", value) for at, value in rows))
    return "\n".join(f"{at:>19} {label:>9} {value:>8}" for at, label, value in lines)


EARLY = labs(("2150-03-02 06:10:00", "1.9"))
LATE = labs(("2150-03-04 06:10:00", "7.7"))


def call(step: int, text: str, number: int = 1, sql: str = "SELECT * FROM labevents") -> Call:
    return Call(
        anchor=f"s{step}.c{number}",
        id=f"{step}.{number}",
        name="ehr.run_sql_query",
        arguments={"sql_query": sql},
        result=Result(status="ok", text=text, full_characters=len(text)),
    )


def run_of(*texts: str, **fields: Any) -> Trajectory:
    steps = tuple(Step(number=n, calls=(call(n, text),)) for n, text in enumerate(texts, 1))
    known: dict[str, Any] = {
        "prediction_time": datetime(2150, 3, 3, 6),
        "policy": Policy(),
        "gold": ("Furosemide",),
        "subject_id": 1,
    }
    return Trajectory(run_id="r", source="r.jsonl", format="x", steps=steps, **(known | fields))


def told(run: Trajectory) -> list[tuple[str, str]]:
    return [(sign.kind, sign.anchor) for sign in signs_of(run)]


def test_each_sign_stands_at_its_call_gold_only_where_it_is_first_seen() -> None:
    run = run_of(
        EARLY,
        EARLY,
        "drug\nFurosemide\n",
        "drug  dose\nFurosemide 20\n",
        LATE,
    )
    assert told(run) == [("repeat", "s2.c1"), ("gold", "s3.c1"), ("leak", "s5.c1")]
    leak = list(signs_of(run))[-1]
    assert leak.why.startswith("T2 ")
    assert "2150-03-04 06:10" in leak.why


def test_several_leaks_of_one_call_are_told_one_by_one_and_each_call_has_its_own() -> None:
    more = labs(("2150-03-04 06:10:00", "7.7"), ("2150-03-05 06:10:00", "9.9"))
    signs = [sign for sign in signs_of(run_of(LATE, more)) if sign.kind == "leak"]
    assert {sign.anchor for sign in signs} == {"s1.c1", "s2.c1"}


def test_a_run_without_gold_or_cutoff_has_no_sign_that_needs_them() -> None:
    run = run_of("Furosemide at 2150-03-04 06:10:00")
    assert {kind for kind, _ in told(run)} == {"gold", "leak"}
    assert told(msgspec.structs.replace(run, gold=None, prediction_time=None)) == []


def test_every_sign_has_another_form_in_ascii() -> None:
    assert [in_ascii(glyph.unicode) for glyph in SIGNS.values()] == [g.ascii for g in SIGNS.values()]
    assert all(glyph.ascii.isascii() for glyph in SIGNS.values())
