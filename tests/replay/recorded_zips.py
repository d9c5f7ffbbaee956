"""Zip archives as Inspect writes them: members compressed with Zstandard, which `zipfile` can't write."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ZSTANDARD, DEFLATED, STORED = 93, 8, 0


def eval_archive(path: Path, members: Mapping[str, Any], method: int = ZSTANDARD, frames: int = 3) -> Path:
    """An archive of JSON values, each compressed in so many frames."""
    data = {name: json.dumps(value).encode() for name, value in members.items()}
    return archive(
        path, {name: (text, compressed(text, method, frames)) for name, text in data.items()}, method
    )


def compressed(data: bytes, method: int = ZSTANDARD, frames: int = 1) -> bytes:
    if method == STORED:
        return data
    if method == DEFLATED:
        deflate = zlib.compressobj(wbits=-15)
        return deflate.compress(data) + deflate.flush()
    import zstandard

    size = len(data) // frames + 1
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(zstandard.ZstdCompressor().compress(part) for part in parts)


def archive(path: Path, members: Mapping[str, tuple[bytes, bytes]], method: int = ZSTANDARD) -> Path:
    """An archive of (data, compressed data) by name."""
    out, directory = b"", b""
    for name, (data, packed) in members.items():
        encoded = name.encode()
        head = (20, 0, method, 0, 0, zlib.crc32(data), len(packed), len(data), len(encoded), 0)
        directory += struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, *head, 0, 0, 0, 0, len(out)) + encoded
        out += struct.pack("<4s5H3L2H", b"PK\x03\x04", *head) + encoded + packed
    end = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), len(out), 0
    )
    path.write_bytes(out + directory + end)
    return path
