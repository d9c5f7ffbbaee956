"""Recorded results of image tools: a file of JSON lines, and a folder of pictures beside it.

docs/formats/image-results.md describes it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.errors import InputError

__all__ = ["FORMAT", "Recorded", "ResultsFile", "key_of"]

FORMAT = "clinseek.image-results/1"
_MAX_BYTES = 256 * 1024 * 1024
_MAX_PICTURE = 32 * 1024 * 1024


class _Head(msgspec.Struct, frozen=True):
    format: str


class Recorded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One result: what was asked of which film, and what a backend said."""

    film: str
    """SHA-256 of the film's file."""
    tool: str
    arguments: dict[str, Any]
    """As `canonical_arguments` gives them."""
    backend: str
    """Who said it."""
    model: str
    digest: str = ""
    output: dict[str, Any]
    facts: dict[str, Any] = {}
    notes: tuple[str, ...] = ()
    picture: str = ""
    """SHA-256 of a PNG in the folder beside the file, under that name."""

    @property
    def fixture_id(self) -> str:
        """SHA-256 of the result as it is written."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


def key_of(film: str, tool: str, arguments: dict[str, Any]) -> bytes:
    """What a result is found by."""
    return msgspec.json.encode((film, tool, arguments), order="sorted")


class ResultsFile:
    """The results in a file; of two for the same call the later one counts."""

    def __init__(self, path: Path) -> None:
        """Read the file where there is one; InputError names the line that is no result."""
        self.path = path
        self._known: dict[bytes, Recorded] = {}
        if path.exists():
            self._read()

    def __len__(self) -> int:
        return len(self._known)

    @property
    def tools(self) -> frozenset[str]:
        """The tools that have results here."""
        return frozenset(recorded.tool for recorded in self._known.values())

    def find(self, film: str, tool: str, arguments: dict[str, Any]) -> Recorded | None:
        """The result of a call, if it is there."""
        return self._known.get(key_of(film, tool, arguments))

    def picture(self, recorded: Recorded) -> bytes | None:
        """The picture of a result; None where it has none, or another than it says lies there."""
        if not recorded.picture:
            return None
        try:
            path = self._pictures / f"{recorded.picture}.png"
            data = path.read_bytes() if path.stat().st_size <= _MAX_PICTURE else b""
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == recorded.picture else None

    def add(self, recorded: Recorded, picture: bytes | None) -> None:
        """Write one result at the end of the file, and its picture; InputError where that can't be done."""
        try:
            if picture is not None:
                digest = hashlib.sha256(picture).hexdigest()
                recorded = msgspec.structs.replace(recorded, picture=digest)
                self._pictures.mkdir(parents=True, exist_ok=True)
                (self._pictures / f"{digest}.png").write_bytes(picture)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                if file.tell() == 0:
                    file.write(msgspec.json.encode(_Head(FORMAT)) + b"\n")
                file.write(msgspec.json.encode(recorded, order="deterministic") + b"\n")
        except OSError as error:
            raise InputError(f"{self.path}: the result can't be recorded there ({error})") from error
        self._known[key_of(recorded.film, recorded.tool, recorded.arguments)] = recorded

    @property
    def _pictures(self) -> Path:
        return self.path.with_name(f"{self.path.name}.pictures")

    def _read(self) -> None:
        try:
            if self.path.stat().st_size > _MAX_BYTES:
                raise InputError(f"{self.path}: has more than {_MAX_BYTES // 2**20} MiB; split it")
            lines = self.path.read_bytes().splitlines()
        except OSError as error:
            raise InputError(f"{self.path}: can't be read ({error})") from error
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                if number == 1:
                    self._check_head(line)
                else:
                    recorded = msgspec.json.decode(line, type=Recorded)
                    self._known[key_of(recorded.film, recorded.tool, recorded.arguments)] = recorded
            except (msgspec.DecodeError, RecursionError) as error:
                raise InputError(f"{self.path}:{number}: is no recorded result ({error})") from error

    def _check_head(self, line: bytes) -> None:
        head = msgspec.json.decode(line, type=_Head)
        if head.format != FORMAT:
            raise InputError(f"{self.path}: is written as {head.format[:80]}; this program reads {FORMAT}")
