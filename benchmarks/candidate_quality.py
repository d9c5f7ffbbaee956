"""How well candidate search finds a right name: recall among the first 5 and 10, per kind of query.

`CLINSEEK_ICD_CCS=FOLDER python benchmarks/candidate_quality.py [--queries FILE] [--weights FOLDER]`

The folder holds `icd10cm-order*.csv.gz` (CMS, columns code, billable, short, long) and CCS files of HCUP.
The queries are tab-separated: `query`; `list` (diagnoses_icd, diagnoses_ccs, procedures_ccs); `gold`, a
Python regular expression that a right name matches, case aside; `kind`. Recall at k is the share of queries
for which any of the first k names is right; a CCS name is right too where the short name that the single
level tool has for its class matches. Brackets hold a 95 % bootstrap interval over queries (2,000
draws from one seed). rapidfuzz alone, over the same names, stands beside. The default queries were written by
somebody else than the lexicon and the ranking, which were made without them; those that the ranking was
tuned on are `candidate_dev_queries.tsv`.

With `--weights`, a folder of a sentence-transformers model, all texts are embedded first (tens of minutes);
`--built FILE` keeps the result for another run. Set OPENBLAS_NUM_THREADS=1 on a busy machine.
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
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from rapidfuzz import fuzz, process

from clinseek_core.candidates import CandidateIndex, SourceTable, build
from clinseek_core.candidates.ccs import read_ccs
from clinseek_core.candidates.encoder import SentenceEncoder
from clinseek_core.candidates.terms import inclusion_terms

HERE = Path(__file__).parent
DRAWS = 2000
CUTS = (5, 10)
SHORT = {"diagnoses": "dx", "procedures": "pr"}

Search = Callable[[str, str], list[str]]
"""List and query to at most ten names."""


def titles(folder: Path) -> dict[str, list[tuple[str, str, int, None]]]:
    """ICD titles as rows: ICD-10-CM's long ones, and ICD-9's of procedures, shortened, from the CCS tool."""
    with gzip.open(next(folder.glob("icd10cm-order*")), "rt", encoding="utf-8") as lines:
        diagnoses = [(row["long"], row["code"], 10, None) for row in csv.DictReader(lines)]
    with gzip.open(next(folder.glob("ccs_single_pr*")), "rt", encoding="utf-8") as lines:
        rows = list(csv.reader(lines, quotechar="'"))[2:]
    procedures = [(row[3].strip().capitalize(), row[0].strip(), 9, None) for row in rows]
    return {"diagnoses": diagnoses, "procedures": procedures}


def tables(folder: Path) -> list[SourceTable]:
    """The lists as `build` takes them."""
    columns = ("candidate", "icd_code", "icd_version", "only_subject")
    classes, known = read_ccs(folder), titles(folder)
    found: list[SourceTable] = [(f"{kind}_icd_candidates", columns, rows) for kind, rows in known.items()]
    for kind, names in classes.items():
        rows = [(name, code, version, None) for (code, version), name in names.items()]
        found.append((f"{kind}_ccs_candidates", columns, rows))
    return found


def short_names(folder: Path) -> dict[str, set[str]]:
    """Of each CCS name, the short names that the single-level tools have for the same ICD-9 codes."""
    found: dict[str, set[str]] = {}
    for kind, names in read_ccs(folder).items():
        with gzip.open(next(folder.glob(f"ccs_single_{SHORT[kind]}*")), "rt", encoding="utf-8") as lines:
            for row in list(csv.reader(lines, quotechar="'"))[2:]:
                name = names.get((row[0].strip(), 9))
                if name:
                    found.setdefault(name, set()).add(row[2].strip())
    return found


def index(folder: Path, aliases: Callable | None) -> CandidateIndex:
    """The lists in memory, searched as in the product."""
    others = {"diagnoses_icd_candidates": aliases} if aliases else None
    return CandidateIndex(build(None, tables(folder), aliases=others), subject_id=0)


def embedded(folder: Path, weights: Path, built: Path) -> CandidateIndex:
    """The lists with inclusion terms and embeddings, in the file `built`, made where it is not there."""
    encoder = SentenceEncoder(weights)
    if not built.exists():
        half = built.with_suffix(".partial")
        half.unlink(missing_ok=True)
        begin = time.perf_counter()
        build(
            half,
            tables(folder),
            aliases={"diagnoses_icd_candidates": inclusion_terms()},
            encoder=encoder,
            on_progress=lambda text: print(f"  {text}", file=sys.stderr, flush=True),
        ).close()
        print(f"built with embeddings in {time.perf_counter() - begin:.0f} s")
        half.rename(built)
    return CandidateIndex.open(built, 0, encoder)


def searches(
    base: CandidateIndex, termed: CandidateIndex, near: CandidateIndex | None
) -> Iterator[tuple[str, Search]]:
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
    for name, found in (("base", base), ("base + terms", termed), ("base + terms + embedding", near)):
        if found:
            yield name, partial(similar, found)


def similar(index: CandidateIndex, table: str, query: str) -> list[str]:
    """The product's search by meaning."""
    return [name for name, _ in index.similar(table, query, 10)]


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


def ranks_of(found: list[list[str]], right: list[set[str]]) -> list[int]:
    """Of each query, the rank of the first right name; 99 where none is among the names found."""
    return [
        next((rank for rank, name in enumerate(names, 1) if name in good), 99)
        for names, good in zip(found, right, strict=True)
    ]


def groups_of(queries: list[dict[str, str]]) -> dict[str, list[int]]:
    """All queries, those over each list, and those of each kind."""
    groups = {"all": list(range(len(queries)))}
    for key in ("list", "kind"):
        for value in dict.fromkeys(query[key] for query in queries):
            groups[value] = [n for n, query in enumerate(queries) if query[key] == value]
    return groups


def main() -> None:
    """Search every query in every way, and print recall by list and kind."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--queries", type=Path, default=HERE / "candidate_queries.tsv")
    options.add_argument("--weights", type=Path, help="folder of a sentence-transformers model")
    options.add_argument("--built", type=Path, help="where to keep the embedded lists")
    options.add_argument("--misses", action="store_true", help="print what is not first; for tuning queries")
    asked = options.parse_args()
    folder = os.environ.get("CLINSEEK_ICD_CCS")
    if not folder:
        sys.exit("CLINSEEK_ICD_CCS is not set: it names the folder of ICD and CCS files")
    queries = read_queries(asked.queries)
    with tempfile.TemporaryDirectory() as room:
        base, termed = index(Path(folder), None), index(Path(folder), inclusion_terms())
        built = asked.built or Path(room) / "candidates.sqlite"
        near = embedded(Path(folder), asked.weights, built) if asked.weights else None
        right = right_names(queries, base, short_names(Path(folder)))
        report(queries, right, searches(base, termed, near), misses=asked.misses)


def right_names(
    queries: list[dict[str, str]], index: CandidateIndex, short: dict[str, set[str]]
) -> list[set[str]]:
    """Of each query, all names of its list that are right; a query without any is told."""
    known = {table: {row[0] for row in index.rows(table)} for table in index.tables}
    found = []
    for number, query in enumerate(queries, 2):
        gold = re.compile(query["gold"], re.IGNORECASE)
        names = known[f"{query['list']}_candidates"]
        found.append({name for name in names if any(map(gold.search, (name, *short.get(name, ()))))})
        if not found[-1]:
            print(f"line {number}: no name of {query['list']} is right; counted as a miss")
    return found


def report(
    queries: list[dict[str, str]], right: list[set[str]], ways: Iterator[tuple[str, Search]], *, misses: bool
) -> None:
    """Print, for each way to search, its cost and its recall in every group of queries."""
    lists = [f"{query['list']}_candidates" for query in queries]
    print(f"{len(queries)} queries")
    for name, search in ways:
        for table in dict.fromkeys(lists):
            search(table, "warm up")
        begin = time.perf_counter()
        found = [search(table, query["query"]) for table, query in zip(lists, queries, strict=True)]
        cost = 1000 * (time.perf_counter() - begin) / len(queries)
        ranks = ranks_of(found, right)
        mean_reciprocal = statistics.fmean(1 / rank if rank <= 10 else 0 for rank in ranks)
        print(f"\n{name}: {cost:.1f} ms a query, MRR@10 {mean_reciprocal:.3f}")
        for group, members in groups_of(queries).items():
            shares = "  ".join(f"recall@{k} {interval([ranks[n] <= k for n in members])}" for k in CUTS)
            print(f"  {group:16}{len(members):4}  {shares}", flush=True)
        if misses and name.startswith("base"):
            for query, rank, names_found in zip(queries, ranks, found, strict=True):
                if rank > 1:
                    print(f"    {rank:3} {query['list']}: {query['query']!r} -> {names_found[:4]}")


if __name__ == "__main__":
    main()
