"""The statements that a person has run, kept from one session to the next for the editor to recall."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

__all__ = ["QueryHistory"]

_MOST = 200
_MOST_CHARACTERS = 20_000
"""Longer statements are not kept: the engine takes none."""
_MOST_BYTES = 4_000_000


class QueryHistory:
    """Statements, the last one last. Where the file can't be read or written they last for this session.

    They may name what is in a record, so that the file is for its owner alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts = _read(path)

    @property
    def texts(self) -> tuple[str, ...]:
        """All that are kept."""
        return tuple(self._texts)

    def add(self, text: str) -> None:
        """Keep one more; one that was run before moves to the end."""
        if not text.strip() or len(text) > _MOST_CHARACTERS:
            return
        self._texts = [*(each for each in self._texts if each != text), text][-_MOST:]
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Whole and at once: another session may be reading it.
            new = self._path.with_suffix(f".{os.getpid()}")
            with open(new, "w", encoding="utf-8", opener=_for_its_owner) as file:
                file.writelines(f"{json.dumps(each)}\n" for each in self._texts)
            new.replace(self._path)


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            held = file.read(_MOST_BYTES)
    except OSError:
        return []
    texts = []
    for line in held.splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            text = json.loads(line)
            if isinstance(text, str) and len(text) <= _MOST_CHARACTERS:
                texts.append(text)
    return texts[-_MOST:]
