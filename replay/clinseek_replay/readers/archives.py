"""Members of zip archives, also of Zstandard's (method 93), which `zipfile` knows only from Python 3.14 on.

No member is taken for as small as the archive says: reading stops at a limit, whatever it would unfold to.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from clinseek_core.errors import InputError

__all__ = ["MAX_MEMBER_BYTES", "Archive"]

MAX_MEMBER_BYTES = 512 << 20
"""The largest sample measured is 125 MB of messages; what unfolds to more than this is not read."""

_ZSTANDARD = 93
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_LARGEST_WINDOW = 128 << 20
_ENCRYPTED = 0x1


class Archive:
    """A zip archive that is open for reading.

    Raises InputError where it is none, or is damaged so that its list of members can't be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._told("can't be read as a zip archive"):
            self._zip = zipfile.ZipFile(path)
        self._members = {info.filename: info for info in self._zip.infolist()}
        """The last of several of one name, as the format wants it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The members, in the order of the archive."""
        return tuple(self._members)

    def read(self, name: str, limit: int | None = None) -> bytes:
        """A member's bytes.

        Raises InputError where there is none of the name, where it is damaged, or where it is over the limit.
        """
        limit = MAX_MEMBER_BYTES if limit is None else limit
        info = self._members.get(name)
        if info is None:
            raise InputError(f"{self.path}: has no member {name}; the file may have changed, open it again")
        if info.flag_bits & _ENCRYPTED:
            raise InputError(f"{self.path}: its member {name} is encrypted")
        with self._told(f"its member {name} can't be read"), self._opened(info) as member:
            data = _up_to(member, limit + 1)
        if len(data) > limit:
            raise InputError(
                f"{self.path}: its member {name} unfolds to over {limit >> 20} MiB; it is not read"
            )
        return data

    @contextmanager
    def _opened(self, info: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        if info.compress_type != _ZSTANDARD:
            with self._zip.open(info) as member:
                yield member
            return
        import zstandard  # noqa: PLC0415 -- only where an archive is compressed with it

        with self.path.open("rb") as file:
            file.seek(info.header_offset)
            header = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
            file.seek(header[-2] + header[-1], 1)
            compressed = _Part(file, info.compress_size)
            decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
            try:
                # A member may be several frames: writers begin a new one after 200 MiB.
                with decompressor.stream_reader(
                    cast("IO[bytes]", compressed), read_across_frames=True
                ) as reader:
                    yield reader
            except zstandard.ZstdError as error:
                raise zipfile.BadZipFile(str(error)) from error

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"{self.path}: {what} ({error.strerror or error})") from error
        except (
            zipfile.BadZipFile,
            zlib.error,
            struct.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            ValueError,
            MemoryError,
            IndexError,
            OverflowError,
        ) as error:
            raise InputError(f"{self.path}: {what} ({error})") from error


class _Part:
    """The next `length` bytes of a file, as a file."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file = file
        self._left = length

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


def _up_to(member: IO[bytes], limit: int) -> bytes:
    parts: list[bytes] = []
    left = limit
    while left and (part := member.read(min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
