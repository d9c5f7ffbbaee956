"""Writing a journal: whole lines, appended and handed to the kernel one by one, under a lock.

A process that is killed loses at most the line it was writing. Files hold patient data: only their owner
may read them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import time
import uuid
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from clinseek_core.case import Case, Policy
from clinseek_core.errors import InputError
from clinseek_core.journal.events import (
    FORMAT,
    Body,
    DataInfo,
    End,
    Event,
    Header,
    ImageRef,
    ImagesInfo,
    Limits,
    McpInfo,
    ModelInfo,
    Resumed,
    TextAnswers,
    ToolsInfo,
    WebInfo,
)
from clinseek_core.journal.reader import Record, Unknown, bodies_folder, read_body, read_journal
from clinseek_core.version import __version__

__all__ = ["JournalWriter"]

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_MAX_DEPTH = 100
_LOCK_WAIT_S = 0.5
"""A follower that asks whether the writer lives holds a shared lock for an instant; longer is a writer."""

E = TypeVar("E", bound=Event)


class JournalWriter:
    """The one writer of a journal, from `create` or `resume` to `close`."""

    def __init__(self, path: Path, file: FileIO, records: list[Record]) -> None:
        self.path = path
        self.events: list[Event] = [record for record in records if not isinstance(record, Unknown)]
        """Every event so far, as a reader of the file gets them."""
        self._file = file
        self._next_seq = 1 + max((record.seq or 0 for record in records), default=-1)

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        case: Case,
        policy: Policy,
        model: ModelInfo,
        limits: Limits,
        tools: ToolsInfo,
        data: DataInfo,
        parent: str = "",
        web: WebInfo | None = None,
        images: ImagesInfo | None = None,
        mcp: McpInfo | None = None,
        text_answers: TextAnswers = "never",
    ) -> Self:
        """Start a journal at `path` with its header.

        Raises InputError where `path` holds something already, is being written or can't be.
        """
        file = _open_locked(path, os.O_CREAT)
        try:
            if os.fstat(file.fileno()).st_size:
                raise InputError(
                    f"{path}: is not empty, and a journal is never overwritten; "
                    "name another file, or go on with it by --resume"
                )
            os.fchmod(file.fileno(), _FILE_MODE)
            writer = cls(path, file, [])
            writer.append(
                Header,
                format=FORMAT,
                run_id=uuid.uuid4().hex,
                engine_version=__version__,
                case=case,
                policy=policy,
                model=model,
                limits=limits,
                tools=tools,
                data=data,
                parent=parent,
                web=web,
                images=images,
                mcp=mcp,
                text_answers=text_answers,
            )
        except BaseException:
            file.close()
            raise
        return writer

    @classmethod
    def resume(cls, path: Path) -> Self:
        """Go on with the journal of a run that was cut off or stopped.

        A last line that was cut off is dropped. Raises InputError for a file that is no journal, is being
        written, is damaged before its end, is of a newer major version, or whose run was answered.
        """
        file = _open_locked(path, 0)
        try:
            journal = read_journal(path)
            records = journal.records
            if not records or not isinstance(records[0], Header):
                raise InputError(f"{path}: is no journal (its first line is no header); nothing to resume")
            if journal.damage:
                bad = journal.damage[0]
                raise InputError(
                    f"{path}:{bad.line}: {bad.reason}; a run can't go on from a damaged journal, "
                    "`clinseek-tui replay` still shows it"
                )
            if any(isinstance(record, End) and record.status == "answered" for record in records):
                raise InputError(f"{path}: this run was answered; start a new one with another file")
            file.truncate(journal.end)
            writer = cls(path, file, list(records))
            writer.append(Resumed, engine_version=__version__)
        except BaseException:
            file.close()
            raise
        return writer

    def append(self, kind: type[E], /, **fields: Any) -> E:
        """Write one event, whole, and return it as a reader of the file will get it.

        `seq` and `at` are filled in. Raises InputError where the file can't take it (a full disk): then
        nothing of the event is left in the file.
        """
        event = kind(seq=self._next_seq, at=datetime.now(UTC), **fields)
        line = _encode(event)
        try:
            _write_whole(self._file.fileno(), line + b"\n")
        except OSError as error:
            raise InputError(f"{self.path}: can't be written ({error.strerror})") from error
        written = msgspec.json.decode(line, type=kind)
        self._next_seq += 1
        self.events.append(written)
        return written

    def store_text(self, text: str) -> Body:
        """Keep a large text beside the journal, for the line to name by digest."""
        clean = _scrub(text)
        return Body(sha256=self._store(clean.encode()), characters=len(clean))

    def store_image(self, data: bytes, media_type: str, label: str = "") -> ImageRef:
        """Keep an image beside the journal, for a message to name by digest."""
        return ImageRef(media_type=media_type, sha256=self._store(data), bytes=len(data), label=label)

    def read_body(self, body: Body | ImageRef) -> bytes:
        """The bytes kept under a digest."""
        return read_body(self.path, body)

    def close(self) -> None:
        """Give up the lock; closing twice is fine."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _store(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        folder = bodies_folder(self.path)
        place = folder / digest
        # A body is in place before the line that names it: a reader never meets a digest without its bytes.
        part = folder / f"{digest}.{os.getpid()}.part"
        try:
            if not place.exists():
                folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
                fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE_MODE)
                try:
                    _write_whole(fd, data)
                finally:
                    os.close(fd)
                part.replace(place)
        except OSError as error:
            raise InputError(f"{place}: can't be written ({error.strerror})") from error
        return digest


def _open_locked(path: Path, flags: int) -> FileIO:
    try:
        if flags & os.O_CREAT:
            path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | flags, _FILE_MODE)
    except OSError as error:
        raise InputError(f"{path}: can't be opened for writing ({error.strerror})") from error
    file = FileIO(fd, "ab")
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise InputError(f"{path}: is not a regular file, and a journal must be one")
        _lock(fd, path)
    except BaseException:
        file.close()
        raise
    return file


def _lock(fd: int, path: Path) -> None:
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise InputError(
                    f"{path}: another process is writing this journal; "
                    "watch it with `clinseek-tui replay --follow`, or wait for its end"
                ) from error
            time.sleep(0.01)
        except OSError as error:
            raise InputError(
                f"{path}: can't be locked ({error.strerror}); put the journal on a local disk"
            ) from error


def _write_whole(fd: int, data: bytes) -> None:
    size = os.fstat(fd).st_size
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(fd, rest) :]
    except BaseException:
        # Half a line would spoil the next one.
        os.ftruncate(fd, size)
        raise


def _encode(event: Event) -> bytes:
    try:
        return msgspec.json.encode(event)
    except (UnicodeEncodeError, RecursionError, TypeError):
        return msgspec.json.encode(msgspec.convert(_storable(event), type(event)))


def _storable(value: Any, depth: int = 0) -> Any:
    """`value` as JSON can hold it: no lone surrogates, names as keys, bounded nesting."""
    if depth > _MAX_DEPTH:
        return "⟨nested too deeply to store⟩"
    match value:
        case str():
            return _scrub(value)
        case msgspec.Struct():
            return {name: _storable(getattr(value, name), depth + 1) for name in value.__struct_fields__}
        case dict():
            return {_scrub(str(key)): _storable(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [_storable(item, depth + 1) for item in value]
        case _:
            return value


def _scrub(text: str) -> str:
    """`text` with surrogate pairs joined and lone surrogates, which UTF-8 can't hold, as U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
