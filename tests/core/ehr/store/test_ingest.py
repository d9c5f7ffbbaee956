"""Making a store: what is in it, what is kept apart, and that a killed ingest goes on and ends the same."""

from __future__ import annotations

import csv
import gzip
import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.store import Manifest, Progress, ingest, layout, read_manifest, staging
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.errors import InputError
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_fixtures import world_path

SUBJECT = 90000001
HEADER = "labevent_id,subject_id,itemid,charttime,storetime,value,valuenum"


def lab(number: int, value: str = "1.9", subject: int = SUBJECT, stored: str = "2150-03-01 10:00:00") -> str:
    return f"{number},{subject},50912,2150-03-01 09:00:00,{stored},text {number},{value}"


@pytest.fixture
def tree_of_labs(write_tree: Callable[..., Path]) -> Callable[..., Path]:
    """A tree with one patient and a labevents file of the given lines."""

    def write(*lines: str, header: str = HEADER) -> Path:
        root = write_tree()
        (root / "hosp" / "labevents.csv").write_bytes("\n".join([header, *lines, ""]).encode())
        return root

    return write


@pytest.fixture(scope="module")
def world_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dest = tmp_path_factory.mktemp("stores") / "world"
    ingest(world_path(), dest)
    return dest


def rejects(store: Path, table: str = "labevents") -> list[tuple[Any, ...]]:
    return duckdb.sql(f"SELECT line, kept, reason, text FROM '{store}/rejects/{table}.parquet'").fetchall()


def labs(store: Path) -> list[tuple[Any, ...]]:
    snapshot = open_snapshot(store, SUBJECT, datetime(2151, 1, 1), Policy())
    return list(snapshot.select("SELECT value, valuenum FROM labevents ORDER BY value").rows)


POLICIES = {
    "available": Policy(),
    "event": Policy(basis="event", boundary="inclusive"),
    "upstream": Policy(basis="upstream"),
    "lag and started": Policy(coding_lag_hours=72, interval_rows="started"),
}
PATIENTS = (90000001, 90000002, 90000003)


@pytest.mark.parametrize(
    ("policy", "subject"),
    [
        # By default each policy with one patient.
        pytest.param(
            policy,
            subject,
            id=f"{name}-{subject}",
            marks=() if place == at % len(PATIENTS) else pytest.mark.slow,
        )
        for at, (name, policy) in enumerate(POLICIES.items())
        for place, subject in enumerate(PATIENTS)
    ],
)
def test_a_store_shows_what_its_tree_shows(world_store: Path, subject: int, policy: Policy) -> None:
    for month in (3, 9):
        cutoff = datetime(2150, month, 2, 17, 20)
        store, tree = (open_snapshot(path, subject, cutoff, policy) for path in (world_store, world_path()))
        for name in CONTRACT:
            assert store.select(f"FROM {name}") == tree.select(f"FROM {name}"), name
        assert store.digest() == tree.digest()
        for name, listed in tree.candidates.tables.items():
            assert list(store.candidates.rows(name)) == list(tree.candidates.rows(name))
            assert len(store.select(f"FROM {name}").rows) == listed.rows


def test_the_manifest_says_what_the_store_was_made_from(world_store: Path) -> None:
    manifest = read_manifest(world_store)
    assert manifest is not None
    source = manifest.sources["labevents"]
    file = world_path() / source.path
    with gzip.open(file, "rt", newline="") as lines:
        rows = sum(1 for _ in csv.reader(lines)) - 1
    assert (source.bytes, source.rows) == (file.stat().st_size, rows)
    assert source.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert sum(shard.patients for shard in manifest.shards) == 67
    assert (world_store.stat().st_mode & 0o777) == 0o700


def test_a_cell_of_the_wrong_type_is_missing_and_its_line_is_kept(
    tree_of_labs: Callable[..., Path], tmp_path: Path
) -> None:
    root = tree_of_labs(lab(1), lab(2, "high"), lab(3, "2.5"), lab(4, "low", stored="noon"))
    manifest = ingest(root, tmp_path / "store")
    assert labs(tmp_path / "store") == [("text 1", 1.9), ("text 2", None), ("text 3", 2.5), ("text 4", None)]
    assert (manifest.sources["labevents"].mended, manifest.sources["labevents"].rejected) == (2, 0)
    assert [(line, kept, text) for line, kept, _, text in rejects(tmp_path / "store")] == [
        (3, True, lab(2, "high")),
        (5, True, lab(4, "low", stored="noon")),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2,90000001", "Expected Number of Columns: 7"),
        (lab(2) + ",more", "Expected Number of Columns: 7"),
        (lab(2, subject=4711), "no patient of this subject_id"),
        (lab(2).replace("90000001", "nobody"), "no patient of this subject_id"),
    ],
    ids=["too short", "too long", "an unknown patient", "no patient"],
)
def test_a_line_that_is_no_row_is_counted_and_kept_apart(
    tree_of_labs: Callable[..., Path], tmp_path: Path, line: str, reason: str
) -> None:
    manifest = ingest(tree_of_labs(lab(1), line, lab(3)), tmp_path / "store")
    assert labs(tmp_path / "store") == [("text 1", 1.9), ("text 3", 1.9)]
    assert manifest.sources["labevents"].rejected == 1
    assert any(reason in said for _, _, said, _ in rejects(tmp_path / "store"))


def test_bytes_that_are_no_text_are_rejected_with_their_line(
    tree_of_labs: Callable[..., Path], tmp_path: Path
) -> None:
    root = tree_of_labs(lab(1), lab(2), lab(3))
    file = root / "hosp" / "labevents.csv"
    file.write_bytes(file.read_bytes().replace(b"text 2", b"\xff\xfe"))
    assert ingest(root, tmp_path / "store").sources["labevents"].rejected == 1
    assert len(labs(tmp_path / "store")) == 2


def test_columns_nobody_knows_are_not_read_and_said(
    tree_of_labs: Callable[..., Path], tmp_path: Path
) -> None:
    root = tree_of_labs(lab(1) + ",x", header=HEADER.upper() + ",secret")
    assert ingest(root, tmp_path / "store").notices == (
        "labevents: not exposed, not in the contract: secret",
    )
    assert labs(tmp_path / "store") == [("text 1", 1.9)]


@pytest.mark.parametrize(
    ("column", "version"), [("ORIGINALAMOUNT", "2.2"), ("originalamount", "3.1"), (None, "unknown")]
)
def test_the_version_of_mimic_is_told_by_its_columns(
    write_tree: Callable[..., Path], tmp_path: Path, column: str | None, version: str
) -> None:
    root = write_tree()
    if column:
        (root / "icu").mkdir()
        line = f"{SUBJECT},2150-03-01 09:00:00,2150-03-01 10:00:00,7"
        (root / "icu" / "procedureevents.csv").write_text(
            f"subject_id,starttime,storetime,{column}\n{line}\n"
        )
    assert ingest(root, tmp_path / "store").mimic_version == version
    if column:
        snapshot = open_snapshot(tmp_path / "store", SUBJECT, datetime(2151, 1, 1), Policy())
        assert snapshot.tables["procedureevents"].rows == 1


def test_patients_of_many_shards_each_open_alone(
    write_tree: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("layout", "making"):
        monkeypatch.setattr(f"clinseek_core.ehr.store.{module}.PATIENTS_PER_SHARD", 2)
    people = [90000001 + 7 * number for number in range(5)]
    row = {"charttime": "2150-03-01 09:00:00", "storetime": "2150-03-01 10:00:00"}
    root = write_tree(
        patients=[{"subject_id": s, "gender": "F", "anchor_age": 70, "anchor_year": 2150} for s in people],
        labevents=[row | {"subject_id": s, "valuenum": s} for s in reversed(people)],
    )
    manifest = ingest(root, tmp_path / "store")
    assert [shard.patients for shard in manifest.shards] == [2, 2, 1]
    for subject in people:
        snapshot = open_snapshot(tmp_path / "store", subject, datetime(2151, 1, 1), Policy())
        assert snapshot.select("SELECT subject_id, valuenum FROM labevents").rows == ((subject, subject),)
    for stranger in (1, 90000002, 99999999):
        with pytest.raises(InputError, match=f"no patient {stranger} among the 5"):
            open_snapshot(tmp_path / "store", stranger, datetime(2151, 1, 1), Policy())


def test_the_same_tree_gives_the_same_store(world_store: Path, tmp_path: Path) -> None:
    again = ingest(world_path(), tmp_path / "again")
    first = read_manifest(world_store)
    assert first is not None
    assert again.shards == first.shards
    assert again.sources == first.sources


class Killed(Exception):
    """Stands for the end of the process at a step."""


def stopped_after(steps: int) -> Callable[[Progress], None]:
    seen = iter(range(steps))

    def show(_: Progress) -> None:
        if next(seen, None) is None:
            raise Killed

    return show


@pytest.mark.parametrize("steps", [1, 40, *(pytest.param(n, marks=pytest.mark.slow) for n in (9, 25, 60))])
def test_an_ingest_that_was_stopped_goes_on_and_ends_the_same(
    world_store: Path, tmp_path: Path, steps: int
) -> None:
    dest = tmp_path / "store"
    while not dest.exists():
        try:
            ingest(world_path(), dest, on_progress=stopped_after(steps))
        except Killed:
            assert read_manifest(dest) is None
            with pytest.raises(InputError, match="does not exist"):
                open_snapshot(dest, SUBJECT, datetime(2151, 1, 1), Policy())
            steps *= 2
    manifest, whole = read_manifest(dest), read_manifest(world_store)
    assert manifest is not None
    assert whole is not None
    assert (manifest.shards, manifest.sources) == (whole.shards, whole.sources)
    assert list(tmp_path.iterdir()) == [dest]


def test_what_was_done_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Killed):
        ingest(world_path(), tmp_path / "store", on_progress=stopped_after(60))
    read = len(list((tmp_path / "store.ingesting" / "done").glob("*.json")))
    assert read > 10
    staged: list[str] = []
    real = staging.stage_table
    monkeypatch.setattr(
        "clinseek_core.ehr.store.making.stage_table",
        lambda con, run, info, path, work: staged.append(info.name) or real(con, run, info, path, work),
    )
    manifest = ingest(world_path(), tmp_path / "store")
    assert 0 < len(staged) <= len(manifest.sources) - read


def test_another_tree_does_not_go_on_with_what_the_first_left(
    tree_of_labs: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        ingest(tree_of_labs(lab(1)), tmp_path / "store", on_progress=stopped_after(3))
    ingest(tree_of_labs(lab(7)), tmp_path / "store")
    assert labs(tmp_path / "store") == [("text 7", 1.9)]


def killed_ingest(dest: Path, delay: float) -> int:
    """Run the command, kill it after a while; its exit code."""
    command = [sys.executable, "-m", "clinseek_tui", "ingest", str(world_path()), str(dest)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait()


@pytest.mark.slow
def test_a_command_killed_again_and_again_ends_with_the_same_store(world_store: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    assert killed_ingest(tmp_path / "whole", 600) == 0
    whole = time.monotonic() - started
    kills = 0
    delay = 0.2
    while killed_ingest(tmp_path / "store", delay * whole) != 0:
        kills += 1
        delay *= 1.15
    first, second = read_manifest(world_store), read_manifest(tmp_path / "store")
    assert first is not None
    assert second is not None
    assert kills > 3
    assert (first.shards, first.sources) == (second.shards, second.sources)


def test_two_ingests_of_one_store_do_not_meet(tmp_path: Path) -> None:
    def meet(_: Progress) -> None:
        with pytest.raises(InputError, match="another ingest is at work"):
            ingest(world_path(), tmp_path / "store")

    ingest(world_path(), tmp_path / "store", on_progress=meet)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda src, dest: ingest(src / "nowhere", dest), "does not exist"),
        (lambda src, dest: ingest(src, src), "exists already"),
        (lambda src, dest: ingest(src, dest, memory_bytes=1000), "too little memory"),
    ],
)
def test_what_can_not_be_ingested_is_said(
    write_tree: Callable[..., Path], tmp_path: Path, make: Callable[[Path, Path], Manifest], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        make(write_tree(), tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[:50], "no manifest of a store"),
        (lambda text: text.replace("clinseek.store/1", "clinseek.store/9"), "this version reads"),
        (lambda text: text.replace('"contract": "', '"contract": "0'), "another temporal contract"),
    ],
)
def test_a_store_of_another_version_or_contract_is_not_opened(
    write_tree: Callable[..., Path], tmp_path: Path, change: Callable[[str], str], said: str
) -> None:
    ingest(write_tree(), tmp_path / "store")
    manifest = tmp_path / "store" / "manifest.json"
    manifest.write_text(change(manifest.read_text()))
    with pytest.raises(InputError, match=said):
        open_snapshot(tmp_path / "store", SUBJECT, datetime(2151, 1, 1), Policy())


def test_every_table_of_the_contract_can_be_missing(write_tree: Callable[..., Path], tmp_path: Path) -> None:
    ingest(write_tree(), tmp_path / "store")
    snapshot = open_snapshot(tmp_path / "store", SUBJECT, datetime(2151, 1, 1), Policy())
    assert set(snapshot.tables) >= set(CONTRACT)
    assert all(
        {c.name for c in tables()[name].columns} - set(rule.never) <= set(snapshot.tables[name].columns)
        for name, rule in CONTRACT.items()
    )


def test_progress_reaches_its_end_and_never_goes_back(tmp_path: Path) -> None:
    seen: list[Progress] = []
    ingest(world_path(), tmp_path / "store", on_progress=seen.append)
    for phase in ("reading", "dating"):
        done = [progress.done for progress in seen if progress.phase == phase]
        assert done == sorted(done)
        assert done[-1] == [progress.total for progress in seen if progress.phase == phase][-1]


def test_the_layout_is_the_one_that_is_documented() -> None:
    assert layout.__doc__ is not None
    assert all(name in layout.__doc__ for name in ("manifest.json", "contents.json", "candidates.sqlite"))
