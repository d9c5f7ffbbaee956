"""Runs on a Ray cluster: a task carries a run where it lands, and its journal comes back whole.

Nodes need no common folder but the record's own (a store or tree at the same path, or the bundled world,
which every installed node has). A run whose node is lost is made again elsewhere; what comes back is put in
place once, and only where no run of it has ended yet, so that nothing is lost or doubled.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.agent import Control
from clinseek_core.errors import InputError
from clinseek_core.journal.reader import bodies_folder
from clinseek_fixtures import world_path
from clinseek_tui.benching.carrying import Outcome, Setting, carry
from clinseek_tui.benching.jobs import Job, end_of

__all__ = ["run_on_ray"]

_LOOK_S = 0.5
_MODE = 0o600
_PASSED_ON = ("OPENAI_", "CLINSEEK_")
"""Variables that a run on another node needs: its endpoint, and where our own things lie."""
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}
"""Ray tells its makers of its use unless it is told not to."""

Files = dict[str, bytes]
"""A journal as `""`, and what lies beside it by digest."""


def run_on_ray(
    jobs: Iterable[Job],
    setting: Setting,
    *,
    environ: Mapping[str, str],
    at_once: int | None,
    address: str | None,
    control: Control,
    on_outcome: Callable[[Outcome], None],
) -> None:
    """Carry all jobs, `at_once` of them at a time, by default one for each of the cluster's cores.

    `address` is the cluster's; without it one is started on this machine. After a stop, runs that are under
    way are given up on their nodes: they begin anew with the next call.
    """
    # What Ray says of its nodes is no result: it goes where notices go.
    with redirect_stdout(sys.stderr), _connected(address) as ray:
        width = at_once or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        passed = {name: value for name, value in environ.items() if name.startswith(_PASSED_ON)}
        # A node that dies is no fault of a run: it is made again, however often that happens.
        task = ray.remote(num_cpus=1, max_retries=-1)(_carried_there)
        submitted = _submitted(ray, task, iter(jobs), setting, passed)
        _drain(ray, submitted, width, setting=setting, control=control, on_outcome=on_outcome)


@contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    os.environ.update(_QUIET)
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError("--executor ray needs Ray on every node: pip install 'clinseek-tui[ray]'") from error
    try:
        ray.init(address=address, log_to_driver=False, **({} if address else {"include_dashboard": False}))
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"--ray-address {address}: no cluster answers there ({error})") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _submitted(
    ray: Any, task: Any, jobs: Iterator[Job], setting: Setting, environ: Mapping[str, str]
) -> Iterator[tuple[Any, Job]]:
    shared = ray.put(setting)
    for job in jobs:
        yield task.remote(job, shared, environ, _files_of(job.journal)), job


def _drain(
    ray: Any,
    submitted: Iterator[tuple[Any, Job]],
    width: int,
    *,
    setting: Setting,
    control: Control,
    on_outcome: Callable[[Outcome], None],
) -> None:
    pending = dict(islice(submitted, width))
    while pending:
        if control.stopped:
            for reference in pending:
                ray.cancel(reference, force=True)
            return
        ready, _ = ray.wait(list(pending), num_returns=1, timeout=_LOOK_S)
        for reference in ready:
            job = pending.pop(reference)
            on_outcome(_collected(ray, reference, job, setting))
            pending.update(islice(submitted, 1))


def _collected(ray: Any, reference: Any, job: Job, setting: Setting) -> Outcome:
    """The outcome of a task, its journal in place."""
    try:
        returned: tuple[Outcome, Files] = ray.get(reference)
        outcome, files = returned
    except ray.exceptions.RayError as error:
        case = job.bench.case
        return Outcome(
            qid=case.qid,
            task=case.task,
            mode=job.mode,
            model=job.model.name,
            journal=job.journal,
            status="error",
            stop_reason="ray",
            message=str(error),
        )
    if end_of(job, setting.policy) is None:
        _put(job.journal, files)
    return msgspec.structs.replace(outcome, journal=job.journal)


def _carried_there(
    job: Job, setting: Setting, environ: Mapping[str, str], files: Files
) -> tuple[Outcome, Files]:
    """On a node: the run carried on in a folder of its own, and what it wrote."""
    with tempfile.TemporaryDirectory(prefix="clinseek-bench-") as room:
        here = msgspec.structs.replace(job, journal=Path(room) / job.journal.name)
        if setting.bundled:
            # Every node has the world where its own installation lies.
            setting = msgspec.structs.replace(setting, folder=world_path())
        _put(here.journal, files)
        outcome = carry(here, setting, {**os.environ, **environ}, Control())
        return outcome, _files_of(here.journal)


def _files_of(journal: Path) -> Files:
    if not journal.exists():
        return {}
    folder = bodies_folder(journal)
    bodies = {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}
    return {**bodies, "": journal.read_bytes()}


def _put(journal: Path, files: Files) -> None:
    """Write what a journal names before the journal, and that whole or not at all."""
    folder = bodies_folder(journal)
    for name, data in files.items():
        if name:
            folder.mkdir(mode=0o700, exist_ok=True)
            _write(folder / name, data)
    if "" in files:
        _write(journal, files[""])


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
