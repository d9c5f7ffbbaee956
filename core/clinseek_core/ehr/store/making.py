"""`ingest`: a MIMIC-IV tree becomes a store, in bounded memory; a killed one goes on where it was.

    files ──► staging/<table>/shard=<n> ──► shards/<n>, dated ──► manifest, and the folder gets its name

Everything is made in `<dest>.ingesting`; each step leaves a whole thing or nothing, and a step whose thing is
there is not done again. Only a finished store gets the name `dest`.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from clinseek_core.candidates import Aliases, build
from clinseek_core.candidates.encoder import MODEL_FILES, SentenceEncoder
from clinseek_core.ehr.listing import Classes, listed_names
from clinseek_core.ehr.sql_text import literal, quoted
from clinseek_core.ehr.store.dating import date_shard
from clinseek_core.ehr.store.layout import (
    CANDIDATES,
    EMBEDDING,
    FORMAT,
    PATIENTS_PER_SHARD,
    Manifest,
    Shard,
    SourceFile,
    contract_digest,
    dictionary_file,
    write_manifest,
)
from clinseek_core.ehr.store.staging import SUBJECTS, Staged, stage_dictionary, stage_table
from clinseek_core.ehr.tree import check_tree, csv_relation, file_of, header_of, lacks_a_clock, readable
from clinseek_core.errors import InputError
from clinseek_core.mimic import TableInfo, tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.version import __version__

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["DEFAULT_MEMORY", "MIN_MEMORY", "Progress", "ingest"]

DEFAULT_MEMORY = 2_000_000_000
MIN_MEMORY = 500_000_000
_DATABASE_SHARE = 0.6
"""Of the memory; the rest is the interpreter's, the writers' buffers and what the database does not count."""
_LOOK_S = 0.2


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an ingest is."""

    phase: Literal["reading", "listing", "dating"]
    what: str
    done: int
    """Bytes of the files while reading, shards while dating."""
    total: int
    rows: int
    """Rows so far: read, or dated."""


Show = Callable[[Progress], None]


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an unfinished ingest was made from: with anything else it starts anew."""

    format: str
    contract: str
    names: tuple[str, ...]
    """Whether there are CCS classes, and of which candidate tables other names; the model's folder."""
    patients_per_shard: int
    files: dict[str, tuple[str, int, int]]
    """Per table its file, size in bytes and time of change in nanoseconds."""


def ingest(
    src: Path,
    dest: Path,
    *,
    memory_bytes: int = DEFAULT_MEMORY,
    classes: Classes | None = None,
    aliases: Aliases | None = None,
    embedding: Path | None = None,
    on_progress: Show = lambda _: None,
) -> Manifest:
    """Make the store `dest` from the MIMIC-IV tree `src`; the manifest that was written.

    Memory stays under `memory_bytes` whatever the size of the tree. Malformed lines are kept in `rejects`.
    `classes` are CCS names (`read_ccs`), `aliases` other names of candidates, `embedding` the folder of a
    sentence model, which is copied into the store.
    Raises InputError for a tree that can't be read, a `dest` that is there, or another ingest of it.
    """
    check_tree(src)
    if dest.exists():
        raise InputError(f"{dest}: exists already; name another folder, or remove it first")
    encoder = SentenceEncoder(embedding) if embedding else None
    work = dest.with_name(f"{dest.name}.ingesting")
    files, undated = _files(src)
    with _alone(work), _database(work, memory_bytes) as con:
        names = (str(bool(classes)), *sorted(aliases or ()), str(embedding))
        _begin(work, _plan(src, files, names))
        show = _Show(on_progress, sum(path.stat().st_size for path in files.values()))
        sources = _read_files(con, files, src, work, show)
        if embedding:
            _keep_model(embedding, work)
        _list_names(con, work, partial(build, aliases=aliases, encoder=encoder), classes or {}, show)
        shards, notices = _date_shards(con, work, show)
        manifest = Manifest(
            format=FORMAT,
            engine_version=__version__,
            contract=contract_digest(),
            mimic_version=_version(files),
            made_at=datetime.now(UTC),
            sources={name: file for name, (file, _) in sources.items()},
            dictionaries={n: s.rows for n, (s, _) in sources.items() if tables()[n].kind == "dictionary"},
            shards=shards,
            notices=(*undated, *_unknown(sources), *notices),
        )
        _finish(work, manifest)
    work.rename(dest)
    return manifest


class _Show:
    """Adds up what is done and tells it."""

    def __init__(self, tell: Show, total: int) -> None:
        self._tell = tell
        self._total = total
        self.bytes = 0
        self.rows = 0

    def reading(self, path: Path, share: float = 0.0) -> None:
        done = self.bytes + int(path.stat().st_size * share)
        what = f"{path.parent.name}/{path.name}"
        self._tell(Progress(phase="reading", what=what, done=done, total=self._total, rows=self.rows))

    def read(self, path: Path, rows: int) -> None:
        self.bytes += path.stat().st_size
        self.rows += rows
        self.reading(path)

    def other(
        self, phase: Literal["listing", "dating"], what: str, done: int, total: int, rows: int = 0
    ) -> None:
        self._tell(Progress(phase=phase, what=what, done=done, total=total, rows=rows))


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Hold the work folder against a second ingest of the same store."""
    work.parent.mkdir(parents=True, exist_ok=True)
    work.mkdir(mode=0o700, exist_ok=True)
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{work}: another ingest is at work there; wait for it, or end it") from error
        yield


@contextmanager
def _database(work: Path, memory_bytes: int) -> Iterator[DuckDBPyConnection]:
    import duckdb  # noqa: PLC0415 - heavy: loaded where data is read

    if memory_bytes < MIN_MEMORY:
        raise InputError(f"{memory_bytes:,} bytes are too little memory; an ingest needs {MIN_MEMORY:,}")
    con = duckdb.connect(":memory:")
    con.execute(
        f"SET memory_limit = '{int(memory_bytes * _DATABASE_SHARE)}B';"
        f" SET temp_directory = {literal(str(work / 'spill'))}; SET preserve_insertion_order = false;"
        " SET enable_progress_bar = true; SET enable_progress_bar_print = false; SET progress_bar_time = 0"
    )
    try:
        yield con
    finally:
        con.close()
        shutil.rmtree(work / "spill", ignore_errors=True)


def _files(src: Path) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Per table its file; and why a table is left out."""
    there = {name: path for name in CONTRACT if (path := file_of(src, tables()[name])) is not None}
    undated = {name: lacks_a_clock(tables()[name], header_of(path)) for name, path in there.items()}
    dated = {name: path for name, path in there.items() if not undated[name]}
    return dated, tuple(filter(None, undated.values()))


def _plan(src: Path, files: dict[str, Path], names: tuple[str, ...]) -> _Plan:
    stats = {name: (path, path.stat()) for name, path in files.items()}
    return _Plan(
        format=FORMAT,
        contract=contract_digest(),
        names=names,
        patients_per_shard=PATIENTS_PER_SHARD,
        files={n: (str(p.relative_to(src)), s.st_size, s.st_mtime_ns) for n, (p, s) in stats.items()},
    )


def _begin(work: Path, plan: _Plan) -> None:
    """Keep what an earlier ingest of the same files left; remove what came from others."""
    file = work / "plan.json"
    encoded = msgspec.json.encode(plan, order="deterministic")
    if not file.exists() or file.read_bytes() != encoded:
        for path in work.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()
    _write(file, encoded)
    (work / "done").mkdir(exist_ok=True)


def _read_files(
    con: DuckDBPyConnection, files: dict[str, Path], src: Path, work: Path, show: _Show
) -> dict[str, tuple[SourceFile, Staged]]:
    _number_subjects(con, files["patients"])
    done: dict[str, tuple[SourceFile, Staged]] = {}
    for name, path in files.items():
        mark = work / "done" / f"{name}.json"
        if mark.exists():
            done[name] = msgspec.json.decode(mark.read_bytes(), type=tuple[SourceFile, Staged])
        else:
            with readable(path):
                done[name] = _read_file(con, tables()[name], path, src, work, show)
            _write(mark, msgspec.json.encode(done[name]))
        show.read(path, done[name][0].rows)
    return done


def _read_file(  # noqa: PLR0917 - one caller
    con: DuckDBPyConnection, info: TableInfo, path: Path, src: Path, work: Path, show: _Show
) -> tuple[SourceFile, Staged]:
    digest: list[str] = []
    hashing = threading.Thread(target=lambda: digest.append(_sha256(path)))
    hashing.start()
    run = partial(_run, con, lambda share: show.reading(path, share))
    stage = stage_dictionary if info.kind == "dictionary" else stage_table
    try:
        staged = stage(con, run, info, path, work)
    finally:
        hashing.join()
    return SourceFile(
        path=str(path.relative_to(src)),
        bytes=path.stat().st_size,
        sha256=digest[0],
        rows=staged.rows,
        mended=staged.mended,
        rejected=staged.rejected,
    ), staged


def _run(con: DuckDBPyConnection, show: Callable[[float], None], sql: str) -> None:
    """Run a long statement in a thread, so that progress is shown and Ctrl+C ends it."""
    failure: list[Exception] = []

    def work() -> None:
        try:
            con.execute(sql)
        except Exception as error:  # noqa: BLE001 - raised again below, in the thread that asked
            failure.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_LOOK_S)
            show(max(con.query_progress(), 0.0) / 100)
    except BaseException:
        con.interrupt()
        thread.join()
        raise
    if failure:
        raise failure[0]


def _number_subjects(con: DuckDBPyConnection, path: Path) -> None:
    header = header_of(path)
    name = next((name for name in header if name.lower() == "subject_id"), None)
    if name is None:
        raise InputError(f"{path}:1: no column subject_id; is this the patients file of MIMIC-IV?")
    with readable(path):
        subjects = f"SELECT DISTINCT TRY_CAST({quoted(name)} AS INTEGER) AS subject_id"
        lines = csv_relation(path, header, {}, rejects=True)
        con.execute(
            f"CREATE TABLE {SUBJECTS} AS SELECT subject_id, (row_number() OVER (ORDER BY subject_id) - 1)"
            f" // {PATIENTS_PER_SHARD} AS shard FROM ({subjects} FROM {lines}) WHERE subject_id IS NOT NULL"
        )


def _keep_model(folder: Path, work: Path) -> None:
    for name in MODEL_FILES:
        target = work / EMBEDDING / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target)


def _list_names(
    con: DuckDBPyConnection,
    work: Path,
    build_file: Callable[..., sqlite3.Connection],
    classes: Classes,
    show: _Show,
) -> None:
    """Make the candidate tables, from the dictionaries and from all staged rows."""
    file = work / CANDIDATES
    if file.exists():
        return
    half = file.with_suffix(".partial")
    half.unlink(missing_ok=True)

    def relation_of(name: str) -> str | None:
        if dictionary_file(work, name).exists():
            return f"read_parquet({literal(str(dictionary_file(work, name)))})"
        staged = work / "staging" / name
        return (
            f"read_parquet({literal(str(staged / '*' / '*.parquet'))})" if any(staged.glob("*/*")) else None
        )

    names = listed_names(con, relation_of, classes)
    build_file(half, names, on_progress=lambda text: show.other("listing", text, 0, 0)).close()
    half.rename(file)


def _date_shards(
    con: DuckDBPyConnection, work: Path, show: _Show
) -> tuple[tuple[Shard, ...], tuple[str, ...]]:
    (count,) = con.execute(f"SELECT max(shard) + 1 FROM {SUBJECTS}").fetchone() or (0,)
    shards: list[Shard] = []
    notices: list[str] = []
    for number in range(count or 0):
        shard, said = date_shard(con, work, number)
        shards.append(shard)
        notices += said
        rows = sum(shard.rows for shard in shards)
        show.other("dating", f"{shard.patients:,} patients", number + 1, count, rows)
    return tuple(shards), tuple(notices)


def _version(files: dict[str, Path]) -> Literal["2.2", "3.1", "unknown"]:
    """3.1 spells the columns of procedureevents in lower case, 2.2 two of them in capitals."""
    if "procedureevents" not in files:
        return "unknown"
    return "2.2" if "ORIGINALAMOUNT" in header_of(files["procedureevents"]) else "3.1"


def _unknown(sources: dict[str, tuple[SourceFile, Staged]]) -> tuple[str, ...]:
    return tuple(
        f"{name}: not exposed, not in the contract: {', '.join(staged.unknown)}"
        for name, (_, staged) in sources.items()
        if staged.unknown
    )


def _finish(work: Path, manifest: Manifest) -> None:
    for name in ("staging", "done"):
        shutil.rmtree(work / name, ignore_errors=True)
    (work / "plan.json").unlink()
    write_manifest(work, manifest)
    (work / "lock").unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(file: Path, content: bytes) -> None:
    half = file.with_suffix(".partial")
    half.write_bytes(content)
    half.replace(file)
