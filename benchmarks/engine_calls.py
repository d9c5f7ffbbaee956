"""The calls that both engines answer, the patients' sizes, and the ratios wanted of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

__all__ = ["LOAD_WANTED", "SIZES", "Call", "Size", "calls_at"]

DIAGNOSES = ("diagnoses_ccs_candidates", "diagnoses_icd_candidates")
DRUGS = ("prescriptions_atc_candidates", "prescriptions_candidates")


class Size(msgspec.Struct, frozen=True):
    """A patient's size, and how often the baseline is called."""

    rows: int
    times: int
    count_times: int
    """Of event counts, which take it 0.2 ms a row; 0 to leave them out."""


SIZES = {"10k": Size(10_000, 5, 3), "200k": Size(200_000, 3, 1), "2m": Size(2_000_000, 2, 0)}


class Call(msgspec.Struct, frozen=True):
    """A call of both: its name, the arguments in turn, and the least ratio wanted per size."""

    label: str
    tool: str
    peer: list[list[str]]
    ours: list[dict[str, Any]]
    wanted: dict[str, int] = {}


def calls_at(cutoff: datetime) -> list[Call]:
    """The calls, for a record cut then."""
    day = [str(cutoff - timedelta(days=1)), str(cutoff)]
    within = dict(zip(("start_time", "end_time"), day, strict=True))
    made = [
        Call("event counts 24 h", "get_event_counts_by_time", [day], [within], {"200k": 1000}),
        *(
            Call(f"column names {table}", "get_column_names", [[table]], [{"table_name": table}])
            for table in ("labevents", "chartevents")
        ),
        *(
            Call(
                f"by time 24 h {table}",
                "get_records_by_time",
                [[table, *day]],
                [{"table_name": table} | within],
            )
            for table in ("labevents", "chartevents")
        ),
        *(
            Call(f"latest {table}", "get_latest_records", [[table]], [{"table_name": table}])
            for table in ("labevents", "chartevents")
        ),
        *(
            Call(f"SQL {label}", "run_sql_query", [[sql]], [{"sql_query": sql}], {"200k": 60})
            for label, sql in QUERIES.items()
        ),
    ]
    for tool, argument, label in (
        ("get_candidates_by_keyword", "keyword", "keyword"),
        ("get_candidates_by_fuzzy_matching", "keywords", "fuzzy"),
    ):
        for (peer_table, our_table), words in ((DIAGNOSES, DIAGNOSIS_WORDS), (DRUGS, DRUG_WORDS)):
            peer = [[peer_table, word] for word in words]
            ours = [{"table_name": our_table, argument: word} for word in words]
            made.append(Call(f"{label} {our_table}", tool, peer, ours, dict.fromkeys(SIZES, 10)))
    return made


QUERIES = {
    "filter": "SELECT charttime, valuenum FROM labevents WHERE itemid = 50912"
    " ORDER BY charttime DESC LIMIT 50",
    "trend": "SELECT date(charttime) AS day, count(*) AS n, avg(valuenum) AS mean FROM labevents"
    " WHERE itemid = 50912 GROUP BY date(charttime) ORDER BY day",
    "join": "SELECT a.hadm_id, count(*) AS n FROM admissions a JOIN labevents l ON l.hadm_id = a.hadm_id"
    " WHERE l.flag = 'abnormal' GROUP BY a.hadm_id ORDER BY a.hadm_id",
}
DIAGNOSIS_WORDS = ("pneumonia", "heart failure of left", "thrombosis", "fracture of left femur", "sequela")
DRUG_WORDS = ("warfastatin", "mycin 500 mg oral tablet", "vancoparin", "levofloxacin nasal spray", "zepam")
LOAD_WANTED = {"200k": 10, "2m": 40}
