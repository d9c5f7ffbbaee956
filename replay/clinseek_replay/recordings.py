"""Opening recordings: files and folders of any format we know, indexed at once and read when looked at."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.readers import READERS, Entry, Problem, Reader
from clinseek_replay.readers.reader import Line, lines_of
from clinseek_replay.trajectory import Trajectory

__all__ = ["Recordings", "detect", "open_recordings"]

_HEAD_LINES = 20
"""Lines looked at for one that tells the format: the first may be damaged."""
_HEAD_TEXT = 400


class Recordings:
    """The runs of some files, each read when it is asked for."""

    def __init__(
        self,
        runs: Sequence[tuple[Entry, Reader]],
        read_as: Sequence[str],
        problems: Sequence[Problem],
        gold: Mapping[str, tuple[str, ...] | None],
    ) -> None:
        self.entries: tuple[Entry, ...] = tuple(entry for entry, _ in runs)
        """One for each run, in the order of the files and their lines."""
        self.read_as: tuple[str, ...] = tuple(read_as)
        """One sentence a file: as what it was read, and why."""
        self.problems: tuple[Problem, ...] = tuple(problems)
        """Files of a folder and lines of a file that hold no run."""
        self._readers = tuple(reader for _, reader in runs)
        self._gold = gold

    def run(self, index: int) -> Trajectory:
        """Read the run at `index` of `entries`.

        Raises InputError where the file has changed or gone since it was indexed.
        """
        trajectory = self._readers[index].read(self.entries[index])
        gold = self._gold.get(trajectory.qid)
        return trajectory if gold is None else msgspec.structs.replace(trajectory, gold=gold)

    def find(self, wanted: str) -> int:
        """Index of the run with that qid (the first of several), else of that 1-based number.

        Raises InputError where there is none.
        """
        for index, entry in enumerate(self.entries):
            if entry.qid == wanted:
                return index
        if wanted.isdecimal() and 1 <= int(wanted) <= len(self.entries):
            return int(wanted) - 1
        some = ", ".join(dict.fromkeys(entry.qid for entry in self.entries[:5]))
        raise InputError(
            f"--run {wanted}: no such run; there are {len(self.entries)}, numbered from 1, with qids {some}"
            + (" …" if len(self.entries) > 5 else "")
        )


def open_recordings(
    paths: Sequence[Path],
    format: str | None = None,  # noqa: A002 -- the option's own name
    gold: Mapping[str, tuple[str, ...] | None] | None = None,
) -> Recordings:
    """Index files, and the `*.jsonl` files of folders.

    `format` names a reader instead of letting the structure tell. `gold` is taken over a recording's own,
    by qid. Raises InputError where a file named is no recording, or a folder holds none.
    """
    chosen = _reader_named(format) if format else None
    runs: list[tuple[Entry, Reader]] = []
    read_as: list[str] = []
    problems: list[Problem] = []
    for path in paths:
        is_folder = stat.S_ISDIR(_mode(path))
        found = 0
        for file in _files_of(path) if is_folder else (path,):
            try:
                _check_regular(file)
                reader, why = (chosen, "--format says so") if chosen else detect(file)
                index = reader.index(file)
                if not index.entries:
                    raise _no_run(file, index.problems)
            except InputError as error:
                if not is_folder:
                    raise
                problems.append(Problem(str(file), str(error).removeprefix(f"{file}: ")))
                continue
            found += len(index.entries)
            runs += ((entry, reader) for entry in index.entries)
            read_as.append(f"{file}: read as {reader.name} because {why}")
            problems += index.problems
        if is_folder and not found:
            raise InputError(f"{path}: {_nothing_in_folder(problems)}")
    return Recordings(runs, read_as, problems, gold or {})


def detect(path: Path) -> tuple[Reader, str]:
    """The reader for a file, by the structure of its first lines, and why it is the one.

    Raises InputError where the file can't be read or is of no format we know.
    """
    head: list[Line] = []
    for line in lines_of(path):
        head.append(line)
        for reader in READERS:
            try:
                mark = reader.recognise(line.data)
            except ValueError:
                break
            if mark:
                return reader, f"line {line.number} is {mark}"
        if len(head) == _HEAD_LINES:
            break
    raise InputError(f"{path}: {_why_none(head)}")


def _reader_named(name: str) -> Reader:
    for reader in READERS:
        if reader.name == name:
            return reader
    known = ", ".join(reader.name for reader in READERS)
    raise InputError(f"--format {name}: no such format; there are {known}")


def _files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.jsonl") if not path.is_dir())


def _mode(path: Path) -> int:
    try:
        return os.stat(path).st_mode
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: can't be read ({reason})") from error


def _check_regular(path: Path) -> None:
    if not stat.S_ISREG(_mode(path)):
        raise InputError(f"{path}: is not a regular file; name a recording or a folder of recordings")


def _why_none(head: Sequence[Line]) -> str:
    known = "a recording is a journal of clinseek-tui or a results.jsonl of the reference implementation"
    if not head:
        return f"is empty; {known}, with one JSON object a line"
    start = head[0].data[:_HEAD_TEXT]
    number = head[0].number
    if any(b"\0" in line.data[:_HEAD_TEXT] for line in head):
        return f"line {number} is binary, not text; {known}"
    if start.lstrip().startswith(b"["):
        return f"line {number} begins a JSON list; {known}, with one JSON object a line"
    if start.lstrip().startswith(b"{") and not head[0].data.endswith(b"\n"):
        return f"line {number} is cut off before its end, and there is no other; nothing of the run was kept"
    if start.lstrip().startswith(b"{"):
        return f"line {number} is neither a journal's event nor a run with `messages`; {known}"
    return f"line {number} is not a JSON object; {known}"


def _no_run(path: Path, problems: Sequence[Problem]) -> InputError:
    if not problems:
        return InputError(f"{path}: holds no run")
    first = problems[0]
    return InputError(f"{first.place}: {first.reason}; no line of the file holds a run")


def _nothing_in_folder(problems: Sequence[Problem]) -> str:
    if not problems:
        return "holds no *.jsonl file, here or below; name a folder with recordings"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"holds no recording; {Path(problems[0].place).name}: {problems[0].reason}{more}"
