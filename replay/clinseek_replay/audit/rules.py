"""The rules of the temporal audit, as a table: a row is a rule, and its function finds what fails it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from clinseek_replay.audit.arguments import cutoff_argument, opens_record
from clinseek_replay.audit.clocks import availability_lag, date_only_same_day, future_timestamp
from clinseek_replay.audit.films import image_future
from clinseek_replay.audit.hindsight import (
    derived_text,
    hindsight_column,
    interval_crossing,
    untimed_row,
)
from clinseek_replay.audit.inspection import Sight, is_patient_data
from clinseek_replay.audit.leak import Leak
from clinseek_replay.audit.patients import other_patient
from clinseek_replay.audit.web import is_page, web_contamination, web_future
from clinseek_replay.finding import Severity

__all__ = ["RULES", "RULES_VERSION", "Rule"]

RULES_VERSION = "1"
"""Changes whenever a rule may find something else in the same run."""


class Rule(NamedTuple):
    """One rule."""

    code: str
    name: str
    severity: Severity
    """Of its findings, unless one says otherwise; `info` is no leak by itself."""
    says: str
    needs: str
    """What it is decided from; what is not there is told as not verified."""
    reads: Callable[[str], bool]
    """Whether it looks at what a tool gave, by the tool's name."""
    find: Callable[[Sight], Iterator[Leak]]


def _any_tool(_: str) -> bool:
    return True


RULES = (
    Rule(
        "T1",
        "cutoff_argument",
        "critical",
        "the record was opened at another time than the run's",
        "the time of the case",
        opens_record,
        cutoff_argument,
    ),
    Rule(
        "T2",
        "future_timestamp",
        "high",
        "a row that happened after the cutoff was shown",
        "the time of the case",
        is_patient_data,
        future_timestamp,
    ),
    Rule(
        "T3",
        "hindsight_column",
        "high",
        "a cell was shown that is known only later",
        "when the stay or order ended: printed beside it, elsewhere in the run, or in the data",
        is_patient_data,
        hindsight_column,
    ),
    Rule(
        "T4",
        "availability_lag",
        "high",
        "a row was shown before it reached the record",
        "both times printed, or the data",
        is_patient_data,
        availability_lag,
    ),
    Rule(
        "T5",
        "untimed_row",
        "high",
        "a row without a time belongs to what came later",
        "the data; a few are seen from the run alone",
        is_patient_data,
        untimed_row,
    ),
    Rule(
        "T6",
        "interval_crossing",
        "medium",
        "an end or an amount was shown of what was not over",
        "the end printed, or the data",
        is_patient_data,
        interval_crossing,
    ),
    Rule(
        "T7",
        "derived_text",
        "critical",
        "a text was shown that was written later than its row",
        "when the stay ended, or the data",
        is_patient_data,
        derived_text,
    ),
    Rule(
        "T8",
        "date_only_same_day",
        "low",
        "a row is dated by the cutoff's day alone",
        "the time of the case",
        is_patient_data,
        date_only_same_day,
    ),
    Rule(
        "T9",
        "other_patient",
        "critical",
        "another patient's data was shown",
        "the patient of the case",
        _any_tool,
        other_patient,
    ),
    Rule(
        "T10",
        "image_future",
        "critical",
        "a film was looked at that had not been taken",
        "when the study was taken: in the run, or in the data",
        _any_tool,
        image_future,
    ),
    Rule(
        "T11",
        "web_contamination",
        "critical",
        "a page gives the benchmark or the question away",
        "the pages' text",
        is_page,
        web_contamination,
    ),
    Rule(
        "T12",
        "web_future",
        "info",
        "a page is younger than the patient's time",
        "the pages' dates, and what maps the record's shifted dates to real ones",
        is_page,
        web_future,
    ),
)
