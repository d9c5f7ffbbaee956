"""The bytes of a film's file: only a regular file, of bounded size, within the folders that are allowed."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from clinseek_core.imaging.refusal import FilmError

__all__ = ["MAX_FILE_BYTES", "read_file"]

MAX_FILE_BYTES = 256 * 1024 * 1024


def read_file(path: Path, roots: Sequence[Path]) -> bytes:
    """The bytes of `path`, which must lie in one of `roots` when every link on the way is followed.

    Raises FilmError. What is checked is what is read: the file is opened once.
    """
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise FilmError("unreadable", _reason(error)) from error
    if not any(real.is_relative_to(root.resolve()) for root in roots):
        raise FilmError("outside", "the file lies outside the case's own folders")
    if path.is_symlink():
        raise FilmError("not_a_regular_file", "it is a link")
    try:
        # Not waiting on a pipe that nobody writes to.
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FilmError("unreadable", _reason(error)) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FilmError("not_a_regular_file", "it is no regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise FilmError("file_too_large", f"it has {status.st_size:,} bytes")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise FilmError("unreadable", _reason(error)) from error
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__
