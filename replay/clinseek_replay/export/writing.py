"""Exporting runs of recordings to a file, or to a folder where one file holds one run."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from clinseek_core.errors import InputError
from clinseek_replay.export.files import new_file, new_folder
from clinseek_replay.export.openai import openai_line
from clinseek_replay.export.plain_json import json_text
from clinseek_replay.recordings import Recordings
from clinseek_replay.trajectory import Trajectory

__all__ = ["FORMATS", "Exported", "export"]

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_.-]+")


class _Format(NamedTuple):
    """A format of one run a file: the ending of its files, and what makes one."""

    ending: str
    made: Callable[[Trajectory, bool], bytes]


def _atif(trajectory: Trajectory, _: bool) -> bytes:
    # Each format loads only where it is asked for: a page brings all the analyses.
    from clinseek_replay.export.atif import atif_document  # noqa: PLC0415
    from clinseek_replay.export.atif_shape import atif_problems  # noqa: PLC0415

    document = json.loads(json_text(atif_document(trajectory)))
    problems = atif_problems(document)
    if problems:
        raise InputError(f"{trajectory.source}: can't be told as ATIF: {'; '.join(problems[:3])}")
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _page(trajectory: Trajectory, with_patient_text: bool) -> bytes:
    from clinseek_replay.export.run_page import run_page  # noqa: PLC0415 -- see _atif

    return run_page(trajectory, with_patient_text=with_patient_text)


_ONE_A_FILE = {"atif": _Format(".json", _atif), "html": _Format(".html", _page)}
FORMATS = ("openai", *_ONE_A_FILE)
"""What runs can be exported to."""


class Exported(NamedTuple):
    """What was written."""

    runs: int
    files: tuple[Path, ...]


def export(  # noqa: PLR0917 -- all but two are where to and how
    recordings: Recordings,
    positions: Sequence[int],
    to: str,
    out: Path,
    with_patient_text: bool = False,
    force: bool = False,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> Exported:
    """Write runs to `out`: one file, or, of a format with one run a file, a folder for several.

    `on_progress` gets how many runs are written, and of how many. Raises InputError where `out` is one of
    the recordings, is there already, or can't be written.
    """
    _check_is_no_recording(recordings, out)
    if to == "openai":
        return _lines(recordings, positions, out, force, on_progress)
    made = _ONE_A_FILE[to]
    if len(positions) == 1:
        names = [out]
    else:
        new_folder(out)
        names = [out / _name(recordings, position, made.ending) for position in positions]
        if not force:
            _check_all_free(names)
    for done, (position, name) in enumerate(zip(positions, names, strict=True)):
        on_progress(done, len(positions))
        content = made.made(recordings.run(position), with_patient_text)
        with new_file(name, force=force) as file:
            file.write(content)
    return Exported(len(positions), tuple(names))


def _lines(
    recordings: Recordings,
    positions: Sequence[int],
    out: Path,
    force: bool,
    on_progress: Callable[[int, int], None],
) -> Exported:
    """One line a run; runs of one qid are numbered among those written."""
    of_qid = Counter(recordings.entries[position].qid for position in positions)
    seen: Counter[str] = Counter()
    with new_file(out, force=force) as file:
        for done, position in enumerate(positions):
            on_progress(done, len(positions))
            qid = recordings.entries[position].qid
            seen[qid] += 1
            file.write(openai_line(recordings.run(position), seen[qid], of_qid[qid]))
    return Exported(len(positions), (out,))


def _name(recordings: Recordings, position: int, ending: str) -> str:
    """`0007-case-7.json`: the number keeps names apart and in order."""
    qid = _NOT_PLAIN.sub("_", recordings.entries[position].qid)[:80].strip(".")
    return f"{position + 1:04}-{qid or 'run'}{ending}"


def _check_all_free(names: Sequence[Path]) -> None:
    """Before the first is written: half of an export would be worse than none."""
    for name in names:
        if name.exists() or name.is_symlink():
            raise InputError(f"{name}: is there already; name another --out, or replace it with --force")


def _check_is_no_recording(recordings: Recordings, out: Path) -> None:
    for path in _paths(recordings):
        if out.exists() and path.exists() and out.samefile(path):
            raise InputError(f"{out}: is the recording itself; name another --out")


def _paths(recordings: Recordings) -> Iterator[Path]:
    yield from dict.fromkeys(entry.path for entry in recordings.entries)
