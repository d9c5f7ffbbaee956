"""How commands print: lines for any terminal, and JSON that can't act on one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import msgspec

from clinseek_replay.glyphs import in_ascii

__all__ = ["json_line", "say"]


def json_line(value: Any) -> str:
    """One line of JSON in ASCII: what models and pages wrote can't act on a terminal."""
    return json.dumps(msgspec.to_builtins(value))


def say(lines: Iterable[str]) -> None:
    """Print lines on stdout, with our signs in their other form where it is not UTF-8."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    for line in lines:
        print(line if utf8 else in_ascii(line))
