"""A tree that is damaged or incomplete: what is said of it, and what still opens."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.errors import InputError

SUBJECT = 90000001
HEADER = "labevent_id,subject_id,itemid,charttime,storetime,valuenum"
ROW = f"1,{SUBJECT},50912,2150-03-01 09:00:00,2150-03-01 10:00:00,1.9"


def opened(root: Path, labs: bytes, name: str = "labevents.csv") -> Snapshot:
    (root / "hosp" / name).write_bytes(labs)
    return open_snapshot(root, SUBJECT, datetime(2150, 3, 2), Policy())


@pytest.mark.parametrize(
    ("labs", "name", "said"),
    [
        (b"", "labevents.csv", "labevents.csv:1: empty"),
        (b"a,b\n1,2\n", "labevents.csv", "labevents.csv:1: no column subject_id"),
        (f"{HEADER}\n{ROW}\n1,2\n".encode(), "labevents.csv", "Line: 3; Expected Number of Columns: 6"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "labevents.csv", "not readable as CSV"),
        (b"no gzip", "labevents.csv.gz", "not readable as CSV"),
        (gzip.compress(f"{HEADER}\n{ROW}\n".encode() * 9)[:-40], "labevents.csv.gz", "not readable as CSV"),
    ],
    ids=["empty", "no patient column", "a short row", "binary", "no gzip", "gzip cut off"],
)
def test_a_file_that_can_not_be_read_is_named_with_line_and_reason(
    write_tree: Callable[..., Path], labs: bytes, name: str, said: str
) -> None:
    with pytest.raises(InputError, match="labevents") as raised:
        opened(write_tree(), labs, name)
    assert said in str(raised.value)
    assert "Original Line" not in str(raised.value)


def test_missing_files_and_columns_are_empty_and_missing(write_tree: Callable[..., Path]) -> None:
    snapshot = opened(write_tree(), f"{HEADER}\n{ROW}\n".encode())
    assert snapshot.select("SELECT valuenum, flag FROM labevents").rows == ((1.9, None),)
    assert snapshot.tables["chartevents"].rows == 0


def test_what_the_catalogue_does_not_know_is_left_out_and_said(write_tree: Callable[..., Path]) -> None:
    snapshot = opened(write_tree(), f"{HEADER},secret\n{ROW.replace('1.9', 'high')},x\n".encode())
    assert "secret" not in snapshot.tables["labevents"].columns
    assert snapshot.notices == (
        "labevents.valuenum: 1 cells are no DOUBLE and are shown as missing",
        "labevents: not exposed, not in the contract: secret",
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "nowhere", "does not exist"),
        (lambda folder: Path(__file__), "is a file"),
        (lambda folder: folder, "is this a MIMIC-IV tree"),
    ],
)
def test_a_folder_that_is_no_tree_is_refused_before_anything_starts(
    tmp_path: Path, make: Callable[[Path], Path], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        EhrSession(make(tmp_path), SUBJECT, datetime(2150, 3, 2), Policy())


def test_an_unknown_patient_is_said_through_the_worker(write_tree: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="no patient 7"):
        EhrSession(write_tree(), 7, datetime(2150, 3, 2), Policy())
