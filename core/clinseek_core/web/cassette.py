"""A cassette: what was asked of the web and what came back, one JSON object a line.

`docs/formats/cassette.md` is its reference.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.journal.events import Status
from clinseek_core.web.port import Document, Found

__all__ = ["FORMAT", "Cassette", "Opened", "Refusal", "Searched"]

FORMAT = "clinseek.cassette/1"
_MODE = 0o600


class Refusal(msgspec.Struct, frozen=True):
    """What came instead of a page, where it would come again."""

    message: str
    status: Status = "error"


class _Head(msgspec.Struct, frozen=True, tag_field="type", tag="cassette"):
    """The first line."""

    format: str


class Searched(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="search"):
    """A search and what it found."""

    query: str
    count: int
    found: Found

    @property
    def asked(self) -> tuple[str, ...]:
        """What tells it from other episodes."""
        return ("search", self.query, str(self.count))


class Opened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="open"):
    """A page that was asked for, and it or why there is none."""

    url: str
    source: bool = False
    document: Document | None = None
    refusal: Refusal | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """What tells it from other episodes."""
        return ("open", self.url, "source" if self.source else "")


Episode = Searched | Opened
_Line = _Head | Searched | Opened
_Kind = Literal["search", "open"]


class Cassette:
    """The episodes of a file, the last of those that ask the same; written to as they are added.

    Raises InputError for a file that is none, is damaged before its end, or can't be read. A last line that
    was cut off is left out.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._episodes: dict[tuple[str, ...], Episode] = {}
        self._whole = 0
        for episode in self._read():
            self._episodes[episode.asked] = episode

    def __len__(self) -> int:
        return len(self._episodes)

    def get(self, asked: tuple[str, ...]) -> Episode | None:
        """The episode that was asked so; None where there is none."""
        return self._episodes.get(asked)

    def add(self, episode: Episode) -> None:
        """Keep an episode, on disk before it is used. Raises InputError where it can't be written."""
        self._episodes[episode.asked] = episode
        line = msgspec.json.encode(episode) + b"\n"
        if not self._whole:
            line = msgspec.json.encode(_Head(FORMAT)) + b"\n" + line
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "r+b", opener=_created) as file:
                file.truncate(self._whole)
                file.seek(self._whole)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self.path}: can't be written ({error}); name another cassette") from error
        self._whole += len(line)

    def _read(self) -> list[Episode]:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"{self.path}: can't be read ({error})") from error
        lines = data.split(b"\n")[:-1]
        episodes: list[Episode] = []
        for number, line in enumerate(lines, 1):
            try:
                read = msgspec.json.decode(line, type=_Line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                what = "is no cassette" if number == 1 else "is damaged"
                raise InputError(
                    f"{self.path}:{number}: {what} ({error}); see docs/formats/cassette.md"
                ) from error
            if isinstance(read, _Head) != (number == 1):
                raise InputError(f"{self.path}:{number}: is no cassette: its head is not its first line")
            if isinstance(read, _Head):
                if read.format != FORMAT:
                    raise InputError(
                        f"{self.path}: is of format {read.format!r}; this version reads {FORMAT}"
                    )
            else:
                episodes.append(read)
            self._whole += len(line) + 1
        return episodes


def _created(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, _MODE)
