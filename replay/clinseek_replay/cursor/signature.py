"""What makes two calls the same: the tool, its canonical arguments, and the digest of what it gave."""

from __future__ import annotations

import json
from hashlib import blake2b

from clinseek_replay.trajectory import Call

__all__ = ["asked_digest", "call_digest", "digest"]

_BYTES = 16


def digest(*texts: str) -> bytes:
    """16 bytes that stand for some texts in their order."""
    hashed = blake2b(digest_size=_BYTES)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        hashed.update(len(data).to_bytes(8, "little"))
        hashed.update(data)
    return hashed.digest()


def asked_digest(call: Call) -> bytes:
    """What was asked: the tool and its arguments, in whatever order they were written."""
    if call.arguments is None:
        return digest(call.name, call.raw_arguments)
    try:
        arguments = json.dumps(call.arguments, sort_keys=True, separators=(",", ":"), default=str)
    except RecursionError:
        arguments = call.id  # nested too deeply to be told from others
    return digest(call.name, "json", arguments)


def call_digest(call: Call) -> bytes:
    """What was asked and what came of it, as the model got it."""
    result = call.result
    gave = (result.status, result.text) if result is not None else ("pending", "")
    return digest(asked_digest(call).hex(), *gave)
