"""Opening recordings: files and folders of any format we know, indexed at once and read when looked at."""

from __future__ import annotations

import os
import stat
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, overload

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.readers import READERS, Entry, Problem, Reader, detect
from clinseek_replay.readers.run_lines import RunLines
from clinseek_replay.trajectory import Trajectory

__all__ = ["Recordings", "detect", "open_recordings"]

_LABELS = ".findings.jsonl"
"""What people said of a recording lies beside it in such a file: docs/formats/findings.md."""
_LOOKED_AT = (".jsonl", ".json", ".ndjson", ".eval", ".parquet", ".traj", ".md", ".txt")
"""Files of a folder that may be recordings; what they are, their structure tells."""
_MEANT_AS_RECORDING = ".jsonl"
"""Of these it is told why they can't be used; others of a folder are only counted."""


class _Entries(Sequence[Entry]):
    """The entries of several files, one after the other."""

    def __init__(self, files: Sequence[Sequence[Entry]]) -> None:
        self._files = tuple(files)
        self._ends = tuple(accumulate(len(entries) for entries in self._files))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Entry, ...]: ...
    def __getitem__(self, index: int | slice) -> Entry | tuple[Entry, ...]:
        places = range(len(self))[index]
        if isinstance(places, range):
            return tuple(self[place] for place in places)
        file, place = self.place(places)
        return self._files[file][place]

    def __iter__(self) -> Iterator[Entry]:
        return chain.from_iterable(self._files)

    def place(self, index: int) -> tuple[int, int]:
        """Which of the files the entry at `index` is of, and where among that file's it is."""
        file = bisect_right(self._ends, index)
        return file, index - self._ends[file] + len(self._files[file])


class Recordings:
    """The runs of some files, each read when it is asked for.

    It travels to other processes by its files' entries and their readers' names.
    """

    def __init__(
        self,
        files: Sequence[tuple[Sequence[Entry], Reader]],
        read_as: Sequence[str] = (),
        problems: Sequence[Problem] = (),
        gold: Mapping[str, tuple[str, ...] | None] | None = None,
    ) -> None:
        self._entries = _Entries([entries for entries, _ in files])
        self.read_as: tuple[str, ...] = tuple(read_as)
        """One sentence a file: as what it was read, and why."""
        self.problems: tuple[Problem, ...] = tuple(problems)
        """Files of a folder and lines of a file that hold no run."""
        self._files = tuple(files)
        self._gold = gold or {}

    def __reduce__(self) -> tuple[Any, ...]:
        files = [(tuple(entries), reader.name) for entries, reader in self._files]
        return _by_names, (files, self.read_as, self.problems, self._gold)

    @property
    def entries(self) -> Sequence[Entry]:
        """One for each run, in the order of files and lines; a large file's are made when asked for."""
        return self._entries

    def run(self, index: int) -> Trajectory:
        """Read the run at `index` of `entries`.

        Raises InputError where the file has changed or gone since it was indexed.
        """
        file, place = self._entries.place(range(len(self._entries))[index])
        entries, reader = self._files[file]
        trajectory = reader.read(entries[place])
        gold = self._gold.get(trajectory.qid)
        return trajectory if gold is None else msgspec.structs.replace(trajectory, gold=gold)

    def bytes_of(self, index: int) -> int:
        """How much of its file the run at `index` takes; 0 where that can't be said."""
        file, place = self._entries.place(index)
        entries = self._files[file][0]
        if isinstance(entries, RunLines):
            return entries.lengths[place]
        try:
            return entries[place].length or os.stat(entries[place].path).st_size
        except OSError:
            return 0

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
    """Index files, and the recordings among the files of folders.

    `format` names a reader instead of letting the structure tell. `gold` is taken over a recording's own,
    by qid. Raises InputError where a file named is no recording, or a folder holds none.
    """
    chosen = _reader_named(format) if format else None
    files: list[tuple[Sequence[Entry], Reader]] = []
    read_as: list[str] = []
    problems: list[Problem] = []
    for path in paths:
        is_folder = stat.S_ISDIR(_mode(path))
        found, passed_over = 0, 0
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
                if file.suffix.lower() != _MEANT_AS_RECORDING:
                    passed_over += 1
                    continue
                problems.append(Problem(str(file), str(error).removeprefix(f"{file}: ")))
                continue
            found += len(index.entries)
            files.append((index.entries, reader))
            read_as.append(f"{file}: read as {reader.name} because {why}")
            problems += index.problems
        if is_folder and not found:
            raise InputError(f"{path}: {_nothing_in_folder(problems, passed_over)}")
        if passed_over:
            read_as.append(f"{path}: {passed_over} more files there, none of them a recording")
    return Recordings(files, read_as, problems, gold)


def _by_names(files: Sequence[tuple[Sequence[Entry], str]], *rest: Any) -> Recordings:
    return Recordings([(entries, _reader_named(name)) for entries, name in files], *rest)


def _reader_named(name: str) -> Reader:
    for reader in READERS:
        if reader.name == name:
            return reader
    known = ", ".join(reader.name for reader in READERS)
    raise InputError(f"--format {name}: no such format; there are {known}")


def _files_of(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in _LOOKED_AT
        and not path.name.startswith(".")
        and not path.name.endswith(_LABELS)
        and not path.is_dir()
    )


def _mode(path: Path) -> int:
    try:
        return os.stat(path).st_mode
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: can't be read ({reason})") from error


def _check_regular(path: Path) -> None:
    if not stat.S_ISREG(_mode(path)):
        raise InputError(f"{path}: is not a regular file; name a recording or a folder of recordings")


def _no_run(path: Path, problems: Sequence[Problem]) -> InputError:
    if not problems:
        return InputError(f"{path}: holds no run")
    first = problems[0]
    return InputError(f"{first.place}: {first.reason}; no line of the file holds a run")


def _nothing_in_folder(problems: Sequence[Problem], passed_over: int) -> str:
    if not problems:
        looked = f"; {passed_over} files there are none" if passed_over else ""
        return f"holds no file that may be a recording, here or below{looked}; name a folder with recordings"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"holds no recording; {Path(problems[0].place).name}: {problems[0].reason}{more}"
