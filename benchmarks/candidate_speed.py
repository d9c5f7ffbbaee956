"""How fast candidate tables are made, opened and searched, beside the way that they are searched elsewhere.

`python benchmarks/candidate_speed.py` makes three lists of the reference implementation's sizes from a seed:
87,103 diagnoses, 83,131 procedures, 156,201 drugs. The peer does what that implementation does at every call:
it parses the list anew from JSON text into a pandas frame, then `str.contains` with a regular expression over
every column of text, or the edit ratio of every name, then prints the rows. Both run in this process.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from rapidfuzz import fuzz

from clinseek_core.candidates import CandidateIndex, build

RUNS = 7
SIZES = {
    "diagnoses_icd_candidates": 87_103,
    "procedures_icd_candidates": 83_131,
    "prescriptions_candidates": 156_201,
}
WORDS = {
    "diagnoses_icd_candidates": (
        "Displaced|Nondisplaced|Acute|Chronic|Unspecified|Other|Recurrent|Secondary|Primary|Type 2|Type 1",
        "fracture|infarction|ulcer|neoplasm|pneumonia|diabetes mellitus|heart failure|thrombosis|injury",
        "of femur|of humerus|of kidney|of lung|of colon|of brain|of skin|of heart|of liver|of eye|of radius",
        "left|right|bilateral|unspecified side|upper|lower|proximal|distal",
        "initial encounter|subsequent encounter|sequela|with bleeding|without complication|with perforation",
    ),
    "procedures_icd_candidates": (
        "Replacement|Excision|Drainage|Bypass|Inspection|Insertion|Removal|Repair|Resection|Dilation",
        "of left|of right|of bilateral|of upper|of lower",
        "femoral artery|kidney|lung lobe|colon|ventricle|hip joint|coronary artery|stomach|liver|ureter",
        "with drainage device|with synthetic substitute|with autologous tissue|with intraluminal device",
        "open approach|percutaneous approach|percutaneous endoscopic approach|via natural opening|external",
    ),
    "prescriptions_candidates": (
        "Acetaminophen|Metoprolol|Insulin|Heparin|Aspirin|Furosemide|Vancomycin|Morphine|Lisinopril|Warfarin",
        "Tablet|Capsule|Injection|Solution|Inhaler|Patch|Suspension",
        "oral|intravenous|subcutaneous|topical|rectal|inhaled",
        "extended release|enteric coated|sugar free|preservative free|flavored|plain",
        "bottle|vial|bag|box|blister|syringe",
    ),
}
KEYWORDS = {
    "diagnoses_icd_candidates": ["heart failure", "fracture of femur", "pneumonia", "type 2", "xyzzy"],
    "procedures_icd_candidates": ["coronary artery", "replacement hip", "drainage", "endoscopic", "xyzzy"],
    "prescriptions_candidates": ["heparin", "insulin syringe", "mg/ml", "vancomycin", "xyzzy"],
}
FUZZY = {
    "diagnoses_icd_candidates": ["acute hart failure", "fracture femur left", "diabetis melitus type 2"],
    "procedures_icd_candidates": ["hip joint replacment", "excision of kidney", "coronary bypass open"],
    "prescriptions_candidates": ["asprin tablet oral", "vancomycin injection", "insuline"],
}
MEANT = {
    "diagnoses_icd_candidates": ["heart attack", "broken thigh bone", "sugar diabetes"],
    "procedures_icd_candidates": ["taking out a kidney", "new hip", "cabg"],
    "prescriptions_candidates": ["water pill", "blood thinner", "tylenol"],
}


def rows_of(table: str, count: int) -> list[tuple[Any, ...]]:
    """`count` distinct names with two codes each, as lists of such names look."""
    draw = random.Random(table)
    choices = [group.split("|") for group in WORDS[table]]
    names: dict[str, None] = {}
    while len(names) < count:
        said = " ".join(draw.choice(group) for group in choices)
        names.setdefault(f"{said}, {draw.randrange(10_000) / 10:g} {draw.choice(('mg/ml', 'stage', 'type'))}")
    return [(name, f"{chr(65 + n % 26)}{n:06}", 10, None) for n, name in enumerate(names)]


def peer_frame(text: str) -> pd.DataFrame:
    """The list as the peer has it at every call."""
    return pd.DataFrame(json.loads(text))


def peer_keyword(text: str, keyword: str) -> str:
    """The peer's keyword search."""
    frame = peer_frame(text)
    mask = pd.Series(False, index=frame.index)
    for column in frame.select_dtypes(["object", "string"]):
        mask |= frame[column].astype(str).str.contains(keyword, case=False, na=False, regex=True)
    return frame[mask].drop_duplicates("candidate").head(20).to_string(index=False)


def peer_fuzzy(text: str, keyword: str) -> str:
    """The peer's fuzzy search."""
    frame, query = peer_frame(text), keyword.lower()
    frame["similarity_score"] = frame["candidate"].map(lambda name: round(fuzz.ratio(query, name.lower())))
    return (
        frame.sort_values("similarity_score", ascending=False, kind="stable").head(5).to_string(index=False)
    )


def times(search: Callable[[str], Any], queries: list[str], runs: int) -> list[float]:
    """Milliseconds of every search, `runs` times over."""
    found = []
    for _ in range(runs):
        for query in queries:
            begin = time.perf_counter()
            search(query)
            found.append(1000 * (time.perf_counter() - begin))
    return found


def told(values: list[float]) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):8.2f} [{min(values):.2f}-{max(values):.2f}]"


STEPS = (
    ("nothing", "pass"),
    ("open", "index = CandidateIndex.open(path, 0); index.tables"),
    ("keyword", "index.keyword(table, 'failure', 20)"),
    ("fuzzy", "index.fuzzy(table, 'hart failure', 5)"),
    ("similar", "index.similar(table, 'heart attack', 10)"),
)


PROBE = """
import os, resource, sys, time
from pathlib import Path
from clinseek_core.candidates import CandidateIndex

def held():
    try:
        return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6

path, table = Path(sys.argv[1]), "diagnoses_icd_candidates"
"""


def memory(path: Path) -> Iterator[tuple[str, float, float]]:
    """Of each step in a fresh process: its milliseconds, and the MB that the process then holds."""
    code = PROBE
    for _, step in STEPS:
        code += f"begin = time.perf_counter(); {step}\nprint(1000 * (time.perf_counter() - begin), held())\n"
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    for (name, _), line in zip(STEPS, out.stdout.splitlines(), strict=True):
        spent, most = line.split()
        yield name, float(spent), float(most)


def main() -> None:
    """Make the lists, search them both ways, and print times and ratios."""
    columns = ("candidate", "icd_code", "icd_version", "only_subject")
    lists = {table: rows_of(table, count) for table, count in SIZES.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candidates.sqlite"
        begin = time.perf_counter()
        build(path, [(table, columns, rows) for table, rows in lists.items()]).close()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
            2**20 if sys.platform == "darwin" else 1024
        )
        spent = time.perf_counter() - begin
        file = path.stat().st_size / 1e6
        print(f"made {sum(SIZES.values()):,} names in {spent:.1f} s, {file:.0f} MB of file;")
        print(f"this process, with all names in it, has held {most:.0f} MB at most")
        print("\nfirst use in a fresh process, over 87,103 diagnoses     ms   MB held")
        for name, spent_ms, held in memory(path):
            print(f"  {name:44}{spent_ms:10.1f}{held:10.0f}")
        head = f"ms a search, median [least-most] of {RUNS} rounds"
        print(f"\n{head:55}ours, warm{'peer':>27}{'ratio':>15}")
        with CandidateIndex.open(path, 0) as index:
            for table, rows in lists.items():
                text = json.dumps([dict(zip(columns[:-1], row[:-1], strict=True)) for row in rows])
                compare(index, table, text)


def compare(index: CandidateIndex, table: str, text: str) -> None:
    """Search one list both ways and print a line for each kind of search."""
    ways: list[tuple[str, dict[str, list[str]], Callable[[str], Any], Callable[[str], Any] | None]] = [
        (
            "keyword",
            KEYWORDS,
            lambda query: index.keyword(table, query, 20),
            lambda query: peer_keyword(text, query),
        ),
        ("fuzzy", FUZZY, lambda query: index.fuzzy(table, query, 5), lambda query: peer_fuzzy(text, query)),
        ("similar", MEANT, lambda query: index.similar(table, query, 10), None),
    ]
    for way, queries, ours, peer in ways:
        ours(queries[table][0])
        mine = times(ours, queries[table], RUNS)
        line = f"  {way:9}{table:28}{told(mine):>28}"
        if peer:
            theirs = times(peer, queries[table], max(RUNS // 3, 1))
            line += f"{told(theirs):>30}{statistics.median(theirs) / statistics.median(mine):7.0f}x"
        print(line, flush=True)


if __name__ == "__main__":
    main()
