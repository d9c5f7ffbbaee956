"""Audit, triage and score of many runs on all cores, beside the least that anyone would do on one.

    python benchmarks/analyses.py
    python benchmarks/analyses.py --runs 100

The baseline reads each line with `json.loads` and looks once through its messages' texts for timestamps with
one regular expression. It finds no column, no cutoff and no answer; it is what reading costs. The runs are
made by a seed: no two results are the same, and some show what came after the cutoff.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from measure import Times, announce, print_table

from clinseek_core.errors import InputError
from clinseek_replay.audit import audit
from clinseek_replay.evidence.reading import read_run
from clinseek_replay.evidence.scored import scored
from clinseek_replay.evidence.synonyms import drug_names
from clinseek_replay.many import map_runs
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage import triage

TURNS = 3
ROWS = 25
CUTOFF = datetime(2150, 3, 3, 6)
TIMESTAMP = re.compile(r"\b\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2})?")
DRUGS = ("Ondansetron", "Heparin", "Furosemide", "Metoprolol Tartrate", "Acetaminophen", "Insulin", "Senna")
LABS = ("Lactate", "Creatinine", "Potassium", "Sodium", "Hemoglobin", "Platelet Count", "Glucose")
UNITS = ("mmol/L", "mg/dL", "mEq/L", "g/dL", "K/uL")

Row = tuple[str, ...]


def table(names: Row, rows: list[Row]) -> str:
    """Rows as the reference prints them: columns right-aligned, one blank between them."""
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    lines = (
        " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (names, *rows)
    )
    return "\n".join(lines)


def labs(draw: random.Random) -> str:
    """Laboratory values, each with when it was taken and when it was known."""
    rows: list[Row] = []
    for taken in times(draw):
        known = taken + timedelta(minutes=draw.randrange(10, 200))
        label, value = draw.choice(LABS), f"{draw.uniform(0, 150):.1f}"
        rows.append((str(draw.randrange(10**8)), str(taken), str(known), label, value, draw.choice(UNITS)))
    return table(("labevent_id", "charttime", "storetime", "label", "valuenum", "valueuom"), rows)


def drugs(draw: random.Random) -> str:
    """Prescriptions, each with its beginning and its end."""
    rows: list[Row] = []
    for start in times(draw):
        stop = start + timedelta(hours=draw.randrange(1, 90))
        dose = str(draw.randrange(1, 500))
        rows.append((str(draw.randrange(10**8)), str(start), str(stop), draw.choice(DRUGS), dose, "mg", "PO"))
    names = ("hadm_id", "starttime", "stoptime", "drug", "dose_val_rx", "dose_unit_rx", "route")
    return table(names, rows)


def times(draw: random.Random) -> list[datetime]:
    """When the rows of a table happened: before the cutoff, and in one table of thirty after it."""
    latest = CUTOFF + timedelta(hours=20 if draw.random() < 1 / 30 else -8)
    return sorted(latest - timedelta(minutes=draw.randrange(1, 20_000)) for _ in range(ROWS))


def run_of(number: int, calls: int, draw: random.Random) -> dict[str, object]:
    """One run of so many calls, the last of which answers."""
    messages: list[dict[str, object]] = [
        {"role": "system", "content": "You look for evidence in a patient's record."},
        {"role": "user", "content": "Which medications come next?"},
    ]

    def ask(position: int, name: str, arguments: dict[str, object], result: str) -> None:
        function = {"name": name, "arguments": json.dumps(arguments)}
        call = {"id": f"call_{position}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": "Next I look here.", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"call_{position}", "content": result})

    patient = "90000001"
    ask(0, "ehr.load_ehr", {"subject_id": patient, "timestamp": str(CUTOFF)}, "Loading EHR Tables:")
    for position in range(1, calls - 1):
        name, show = (("labevents", labs), ("prescriptions", drugs))[draw.randrange(2)]
        if draw.random() < 0.5:
            start, end = CUTOFF - timedelta(days=draw.randrange(1, 30)), CUTOFF
            asked = {"table_name": name, "start_time": str(start), "end_time": str(end)}
            ask(position, "ehr.get_records_by_time", {"subject_id": patient, **asked}, show(draw))
        else:
            query = f"SELECT * FROM {name} ORDER BY 2 LIMIT {ROWS} OFFSET {draw.randrange(900)}"
            ask(position, "ehr.run_sql_query", {"subject_id": patient, "sql_query": query}, show(draw))
    answer = draw.sample(DRUGS, 3)
    ask(calls - 1, "ehr.finish", {"response": answer}, "Finish")
    return {
        "qid": f"case-{number}",
        "run_index": 1,
        "session_id": f"case-{number}__run_1",
        "question": "Which medications come next?",
        "messages": messages,
        "completed": True,
        "status": "success",
        "stop_reason": "finish_tool_call",
        "task": "next_medications",
        "subject_id": int(patient),
        "prediction_time": str(CUTOFF),
        "label": draw.sample(DRUGS, 3),
    }


def write(path: Path, runs: int, calls: int) -> None:
    """Make the recording."""
    draw = random.Random(4)
    with path.open("w", encoding="utf-8") as file:
        for number in range(runs):
            file.write(json.dumps(run_of(number, calls, draw), ensure_ascii=False) + "\n")
    print(f"{path.stat().st_size / 1e6:,.0f} MB, {runs} runs of {calls} calls", flush=True)


def baseline(path: Path) -> int:
    """`json.loads` of each line, and one pass over its messages for timestamps; how many there are."""
    found = 0
    with path.open("rb") as file:
        for line in file:
            for message in json.loads(line)["messages"]:
                found += len(TIMESTAMP.findall(message["content"]))
    return found


def analyse(run: Trajectory) -> tuple[int, int, float]:
    """Audit, triage and score of one run: findings, failures, F1."""
    reading = read_run(run, drug_names)
    report = audit(run, matcher=reading.matcher)
    failures = triage(run, leaks=(report.findings, report.not_verified), reading=reading)
    score = scored(run).score
    return len(report.findings), len(failures.findings), score.f1 if score else 0.0


def opened(run: Trajectory) -> int:
    """Only read the run: what analysing it costs beside this is the analyses'."""
    return sum(len(step.calls) for step in run.steps)


ALONE: dict[str, Callable[[Trajectory], object]] = {
    "reading": opened,
    "audit": audit,
    "triage, without the audit": lambda run: triage(run, leaks=((), ())),
    "score": scored,
}


def over(path: Path, function: Callable[[Trajectory], object], jobs: int | None) -> Iterator[object]:
    """The function's outcome of each run of a recording."""
    recordings = open_recordings([path])
    for _, outcome in map_runs(recordings, range(len(recordings.entries)), function, jobs=jobs):
        if isinstance(outcome, InputError):
            raise outcome
        yield outcome


def main() -> None:
    """Make the recording, measure in turns, and remove it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--calls", type=int, default=60)
    options = parser.parse_args()
    announce("Audit, triage and score of many runs")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "results.jsonl"
        os.environ["XDG_CACHE_HOME"] = str(Path(scratch) / "cache")
        write(path, options.runs, options.calls)
        measure(path, options.runs)


def measure(path: Path, runs: int) -> None:
    """Ours and the baseline in turns, then what each analysis takes alone on one core."""
    # The processes that do the work import this file by its name: it is not theirs as `__main__`.
    from analyses import analyse as work  # noqa: PLC0415

    ours: list[float] = []
    theirs: list[float] = []
    totals = (0, 0, 0.0)
    for _ in range(TURNS):
        begin = time.perf_counter()
        stamps = baseline(path)
        theirs.append(1000 * (time.perf_counter() - begin))
        begin = time.perf_counter()
        outcomes = list(over(path, work, None))
        ours.append(1000 * (time.perf_counter() - begin))
        totals = tuple(map(sum, zip(*outcomes, strict=True)))  # type: ignore[arg-type,assignment]
    print(f"baseline: {stamps:,} timestamps; ours: {totals[0]:,} findings, {totals[1]:,} failures,")
    print(f"mean F1 {totals[2] / runs:.2f}\n")
    ratio = min(ours) / min(theirs)
    heading = ("json.loads and a regex, one core, ms", "ours, all cores, ms", "ratio", "wanted")
    print_table(heading, [(Times(tuple(theirs)), Times(tuple(ours)), f"{ratio:.2f}x", "<= 1x")])
    print()
    rows = []
    for name, function in ALONE.items():
        begin = time.perf_counter()
        for _ in over(path, function, 1):
            pass
        rows.append((name, f"{1000 * (time.perf_counter() - begin):,.0f}"))
    print_table(("alone, on one core, with reading", "ms"), rows)


if __name__ == "__main__":
    main()
