"""How well candidate search finds a right name: recall among the first 5 and 10, per kind of query.

`CLINSEEK_ICD_CCS=FOLDER python benchmarks/candidate_quality.py [--queries FILE] [--weights FOLDER]`

The folder holds `icd10cm-order*.csv.gz` (CMS, columns code, billable, short, long) and CCS files of HCUP. The
queries are tab-separated: `query`; `list` (diagnoses_icd, diagnoses_ccs, procedures_ccs); `gold`, a Python
regular expression that a right name matches, case aside; `kind`. Recall at k is the share of queries for which
any of the first k names is right. Brackets hold a 95 % bootstrap interval over queries (2,000 draws, one seed).
rapidfuzz alone, over the same names, stands beside. The lexicon's makers did not see the default queries;
`candidate_dev_queries.tsv` are those that the ranking was tuned on.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rapidfuzz import fuzz, process

from clinseek_core.candidates import CandidateIndex, build
from clinseek_core.candidates.ccs import read_ccs
from clinseek_core.candidates.terms import inclusion_terms

HERE = Path(__file__).parent
DRAWS = 2000
CUTS = (5, 10)

Search = Callable[[str, str], list[str]]
"""List and query to at most ten names."""


def titles(folder: Path) -> dict[str, list[tuple[str, str, int, None]]]:
    """ICD titles, (title, code, version, None): ICD-10-CM long ones, ICD-9 as the single-level tools have them."""
    with gzip.open(next(folder.glob("icd10cm-order*")), "rt", encoding="utf-8") as lines:
        diagnoses = [(row["long"], row["code"], 10, None) for row in csv.DictReader(lines)]
    procedures = []
    for path, found in (("ccs_single_dx*", diagnoses), ("ccs_single_pr*", procedures)):
        with gzip.open(next(folder.glob(path)), "rt", encoding="utf-8") as lines:
            rows = list(csv.reader(lines, quotechar="'"))[2:]
        found += [(row[3].strip().capitalize(), row[0].strip(), 9, None) for row in rows]
    return {
        "diagnoses": [row for row in diagnoses if row[2] == 10],
        "shortened": diagnoses,
        "procedures": procedures,
    }


def index(folder: Path, aliases: Callable | None) -> CandidateIndex:
    """The lists in memory, searched as in the product."""
    columns = ("candidate", "icd_code", "icd_version", "only_subject")
    named = {
        kind: [(name, code, version, None) for (code, version), name in names.items()]
        for kind, names in read_ccs(folder).items()
    }
    known = titles(folder)
    tables = [
        ("diagnoses_icd_candidates", columns, known["diagnoses"]),
        ("procedures_icd_candidates", columns, known["procedures"]),
        ("diagnoses_ccs_candidates", columns, named["diagnoses"]),
        ("procedures_ccs_candidates", columns, named["procedures"]),
    ]
    others = {"diagnoses_icd_candidates": aliases} if aliases else None
    return CandidateIndex(build(None, tables, aliases=others), subject_id=0)


def searches(base: CandidateIndex, termed: CandidateIndex | None) -> Iterator[tuple[str, Search]]:
    """Every way to search, by name."""
    names = {table: list(dict.fromkeys(row[0] for row in base.rows(table))) for table in base.tables}
    lowered = {table: [name.lower() for name in found] for table, found in names.items()}

    def rapid(scorer: Callable) -> Search:
        def search(table: str, query: str) -> list[str]:
            found = process.extract(query.lower(), lowered[table], scorer=scorer, limit=10)
            return [names[table][place] for _, _, place in found]

        return search

    yield "rapidfuzz ratio", rapid(fuzz.ratio)
    yield "rapidfuzz WRatio", rapid(fuzz.WRatio)
    yield "base", lambda table, query: [name for name, _ in base.similar(table, query, 10)]
    if termed:
        yield "base + terms", lambda table, query: [name for name, _ in termed.similar(table, query, 10)]


def read_queries(path: Path) -> list[dict[str, str]]:
    """The queries; exits with words where there are none."""
    if not path.is_file():
        sys.exit(f"{path}: does not exist; name a file of queries with --queries")
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def interval(hits: list[bool]) -> str:
    """The share of hits with its bootstrap interval, in per cent."""
    draw = random.Random(0)
    shares = sorted(statistics.fmean(draw.choices(hits, k=len(hits))) for _ in range(DRAWS))
    low, high = shares[int(0.025 * DRAWS)], shares[int(0.975 * DRAWS)]
    return f"{100 * statistics.fmean(hits):4.0f} [{100 * low:3.0f}-{100 * high:3.0f}]"


def main() -> None:
    """Search every query in every way, and print recall by list and kind."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--queries", type=Path, default=HERE / "candidate_queries.tsv")
    options.add_argument("--misses", action="store_true", help="print the queries that base misses (dev set)")
    options.add_argument("--only", default="", help="only the ways to search whose name begins with this")
    options.add_argument("--no-terms", action="store_true", help="leave inclusion terms out")
    asked = options.parse_args()
    folder = os.environ.get("CLINSEEK_ICD_CCS")
    if not folder:
        sys.exit("CLINSEEK_ICD_CCS is not set: it names the folder of ICD and CCS files")
    queries = read_queries(asked.queries)
    base = index(Path(folder), None)
    termed = None if asked.no_terms else index(Path(folder), inclusion_terms())
    names = {table: {row[0] for row in base.rows(table)} for table in base.tables}
    golds = [re.compile(query["gold"], re.IGNORECASE) for query in queries]
    lists = [f"{query['list']}_candidates" for query in queries]
    for number, (query, gold, table) in enumerate(zip(queries, golds, lists, strict=True), 2):
        if not any(gold.search(name) for name in names[table]):
            print(f"line {number}: no name of {query['list']} is right; counted as a miss")
    groups = {"all": range(len(queries))}
    for key in ("list", "kind"):
        for value in dict.fromkeys(query[key] for query in queries):
            groups[value] = [n for n, query in enumerate(queries) if query[key] == value]
    print(f"{len(queries)} queries from {asked.queries.name}")
    for name, search in searches(base, termed):
        if not name.startswith(asked.only):
            continue
        begin = time.perf_counter()
        found = [search(table, query["query"]) for table, query in zip(lists, queries, strict=True)]
        cost = 1000 * (time.perf_counter() - begin) / len(queries)
        ranks = [
            next((rank for rank, name in enumerate(names_found, 1) if gold.search(name)), 99)
            for names_found, gold in zip(found, golds, strict=True)
        ]
        mean_reciprocal = statistics.fmean(1 / rank if rank <= 10 else 0 for rank in ranks)
        print(f"\n{name}: {cost:.1f} ms a query, MRR@10 {mean_reciprocal:.3f}")
        for group, members in groups.items():
            shares = "  ".join(f"recall@{k} {interval([ranks[n] <= k for n in members])}" for k in CUTS)
            print(f"  {group:16}{len(members):4}  {shares}")
        if asked.misses and name.startswith("base"):
            for query, rank, names_found in zip(queries, ranks, found, strict=True):
                if rank > 1:
                    print(f"    {rank:3} {query['list']}: {query['query']!r} -> {names_found[:4]}")


if __name__ == "__main__":
    main()
