"""A recording's file as it was when it was opened: reads of its parts that notice when it is another file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from clinseek_core.errors import InputError

__all__ = ["SourceFile"]

T = TypeVar("T")


class SourceFile:
    """One file, opened anew for each read, so that nothing is held open.

    It may grow meanwhile, as a file that a driver appends to does; what lay in it stays where it was.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode: int | None = None

    def size(self) -> int:
        """Its size now.

        Raises InputError where it can't be read.
        """
        return self.using(lambda descriptor: os.fstat(descriptor).st_size)

    def read(self, offset: int, length: int) -> bytes:
        """So many bytes from `offset` on.

        Raises InputError where it can't be read, holds less, or is not the file that was read before.
        """
        return self.using(lambda descriptor: self._read(descriptor, offset, length))

    def _read(self, descriptor: int, offset: int, length: int) -> bytes:
        data = os.pread(descriptor, length, offset)
        while len(data) < length:  # a signal, or more than the kernel gives at once
            more = os.pread(descriptor, length - len(data), offset + len(data))
            if not more:
                raise InputError(f"{self.path}: is shorter than it was when it was indexed; open it again")
            data += more
        return data

    def using(self, work: Callable[[int], T]) -> T:
        """What `work` makes of the open file's descriptor, which is closed after it.

        Raises InputError where it can't be read, or is not the file that was read before.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                inode = os.fstat(descriptor).st_ino
                if self._inode not in (None, inode):
                    raise InputError(f"{self.path}: is another file now; open it again")
                self._inode = inode
                return work(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise InputError(f"{self.path}: can't be read ({error.strerror})") from error
