"""Writing what is exported: whole or not at all, over no other file unasked, for its owner's eyes alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from clinseek_core.errors import InputError

__all__ = ["new_file", "new_folder"]


@contextmanager
def new_file(path: Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """A file to write, which is at `path` once the block ends without an error; mode 0600.

    Raises InputError where a file is there already and `force` does not say to replace it, and where the
    folder can't be written.
    """
    _check_free(path, force)
    draft = path.with_name(f".{path.name[:80]}.{os.getpid()}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
            _put(draft, path, force=force)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror})") from error


def new_folder(path: Path) -> None:
    """Make a folder for several files, for its owner alone; one that is there is used.

    Raises InputError where that can't be.
    """
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"{path}: is a file; several runs need a folder, so name another --out") from error
    except OSError as error:
        raise InputError(f"{path}: the folder can't be made ({error.strerror})") from error


def _check_free(path: Path, force: bool) -> None:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a folder; name a file")
    if not force:
        raise _is_there(path)


def _put(draft: Path, path: Path, *, force: bool) -> None:
    if force:
        draft.replace(path)
        return
    try:
        # A link is made only where nothing is: a file that came meanwhile stays.
        os.link(draft, path)
    except FileExistsError as error:
        raise _is_there(path) from error


def _is_there(path: Path) -> InputError:
    return InputError(f"{path}: is there already; name another --out, or replace it with --force")
