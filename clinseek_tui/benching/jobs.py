"""The runs of a bench: one for each case, mode and model, each with a journal of its own.

A journal's name follows from its run alone, so that the same bench called again finds what is done.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from clinseek_core.case import BenchCase, Policy
from clinseek_core.errors import InputError
from clinseek_core.journal import End, Header
from clinseek_core.journal.reader import decode_line
from clinseek_replay.report import Mode

__all__ = ["Job", "Named", "end_of", "jobs_of"]

_TAIL_BYTES = 1 << 20
"""An answer is shorter than this."""
_LASTING = frozenset({"context_overflow"})
"""Errors that come again however often a run is gone on with."""


class Named(msgspec.Struct, frozen=True):
    """A model by its name, and where it is asked; None where the environment says that."""

    name: str
    base_url: str | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One run that is wanted."""

    bench: BenchCase
    mode: Mode
    model: Named
    journal: Path


def jobs_of(
    cases: Iterable[BenchCase], modes: Sequence[Mode], models: Sequence[Named], folder: Path
) -> Iterator[Job]:
    """The runs, case by case, so that what is done at any time has the modes beside each other.

    A case without a curated input makes no run in that mode.
    """
    for bench in cases:
        for mode in modes:
            if mode == "curated" and not bench.curated:
                continue
            for model in models:
                name = _file_name(bench.case.qid, mode, model.name)
                yield Job(bench=bench, mode=mode, model=model, journal=folder / name)


def _file_name(*parts: str) -> str:
    """Readable, and told apart by a digest where the readable part is not enough."""
    readable = ".".join(re.sub(r"[^A-Za-z0-9_-]+", "_", part)[:60] for part in parts)
    return f"{readable}.{hashlib.sha256(repr(parts).encode()).hexdigest()[:8]}.jsonl"


def end_of(job: Job, policy: Policy) -> End | None:
    """How the job's run ended for good; None where it is to be made or gone on with.

    A journal that was cut off within its first line holds nothing and is taken away. Raises InputError for
    one that was made of another case or under another policy.
    """
    try:
        with job.journal.open("rb") as file:
            first = file.readline()
            if not first.endswith(b"\n"):
                job.journal.unlink()
                return None
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL_BYTES, 0))
            tail = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{job.journal}: can't be read ({error.strerror})") from error
    _check_same(job, first, policy)
    return _last_end(tail)


def _check_same(job: Job, first: bytes, policy: Policy) -> None:
    try:
        header = decode_line(first)
    except ValueError as error:
        raise InputError(f"{job.journal}:1: {error}; take the file away, or name another --out") from error
    if not isinstance(header, Header):
        raise InputError(f"{job.journal}: is no journal; take the file away, or name another --out")
    for what, was, wanted in (
        ("another case", header.case, job.bench.case),
        ("another policy", header.policy, policy),
    ):
        if was != wanted:
            raise InputError(f"{job.journal}: was made of {what} by that name; name another folder by --out")


def _last_end(tail: bytes) -> End | None:
    """The end that the last line is, if its run is not to be gone on with."""
    if not tail.endswith(b"\n"):
        return None
    try:
        last = decode_line(tail[:-1].rpartition(b"\n")[2])
    except ValueError:
        return None
    if not isinstance(last, End):
        return None
    over = last.status in {"answered", "no_answer"} or last.stop_reason in _LASTING
    return last if over else None
