"""The folder that `ingest` makes: what lies where, and the manifest that says so.

    manifest.json          what the store was made from, and its shards
    shards/0007/           patients of consecutive ids: one Parquet file a table, by patient and time, and
                           contents.json, which says who has rows in which
    dictionaries/          one Parquet file a dictionary
    candidates.sqlite      the names that answers may use, and their search
    embedding/             the model that reads queries for that search, where the user gave one
    rejects/               lines that are no rows of their table, one Parquet file a table

A shard holds at most PATIENTS_PER_SHARD patients, whatever the size of the whole: opening one patient costs
the same in a store of a hundred and of a hundred thousand.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.mimic.contract import CLOCKS, CONTRACT

__all__ = [
    "CANDIDATES",
    "CONTENTS",
    "EMBEDDING",
    "FORMAT",
    "PATIENTS_PER_SHARD",
    "Contents",
    "Manifest",
    "Shard",
    "SourceFile",
    "contract_digest",
    "dictionary_file",
    "read_contents",
    "read_manifest",
    "shard_folder",
    "write_manifest",
]

FORMAT = "clinseek.store/1"
PATIENTS_PER_SHARD = 2048
CANDIDATES = "candidates.sqlite"
EMBEDDING = "embedding"
CONTENTS = "contents.json"
_MANIFEST = "manifest.json"


class SourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a store was made from, and what became of its lines."""

    path: str
    """Relative to the tree."""
    bytes: int
    sha256: str
    rows: int
    """Rows in the store, those with cells that were not of their column's type included."""
    mended: int = 0
    """Rows with such cells, which are missing in the store; their lines are among the rejects."""
    rejected: int = 0
    """Lines that are no rows of the table, or of a patient not in `patients`: only among the rejects."""


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """The patients from `first_subject` to the next shard's."""

    first_subject: int
    patients: int
    rows: int
    sha256: str
    """Of the names and SHA-256 digests of its files."""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """Who has rows in which table of a shard: subject_ids in order."""

    rows: dict[str, tuple[int, ...]]
    ties: dict[str, tuple[int, ...]]
    """Who has rows that are alike in all that their order in the file rests on."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a store says of itself; it is written last, and a folder without it is no store."""

    format: str
    engine_version: str
    contract: str
    """The contract by which the rows were dated: SHA-256 of its rules and clocks."""
    mimic_version: Literal["2.2", "3.1", "unknown"]
    made_at: datetime
    sources: dict[str, SourceFile]
    dictionaries: dict[str, int]
    """Rows of each dictionary."""
    shards: tuple[Shard, ...]
    notices: tuple[str, ...] = ()


def contract_digest() -> str:
    """SHA-256 of the temporal contract's rules and clocks: a store that another one dated is not opened."""
    rules = msgspec.json.encode(CONTRACT, order="deterministic")
    return hashlib.sha256(rules + CLOCKS.encode()).hexdigest()


def read_manifest(root: Path) -> Manifest | None:
    """The manifest of the store at `root`, None where there is none.

    Raises InputError for a manifest that can't be read, or that this version can't use.
    """
    path = root / _MANIFEST
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror})") from error
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: no manifest of a store ({error}); ingest the tree again") from error
    if manifest.format != FORMAT:
        raise InputError(f"{path}: {manifest.format}, this version reads {FORMAT}; ingest the tree again")
    if manifest.contract != contract_digest():
        raise InputError(
            f"{root}: was dated by another temporal contract (engine {manifest.engine_version});"
            " ingest the tree again"
        )
    return manifest


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Write it whole or not at all."""
    partial = root / f"{_MANIFEST}.partial"
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    partial.replace(root / _MANIFEST)


def shard_folder(root: Path, number: int) -> Path:
    """The folder of a shard, by its place in the manifest."""
    return root / "shards" / f"{number:04d}"


def read_contents(folder: Path) -> Contents:
    """Who has rows in which table of a shard."""
    try:
        return msgspec.json.decode((folder / CONTENTS).read_bytes(), type=Contents)
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"{folder / CONTENTS}: not readable ({error}); ingest the tree again") from error


def dictionary_file(root: Path, name: str) -> Path:
    """The file of a dictionary."""
    return root / "dictionaries" / f"{name}.parquet"
