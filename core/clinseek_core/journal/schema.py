"""The JSON Schema of a journal's lines, made from the events: `python -m clinseek_core.journal.schema`."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from clinseek_core.journal.events import FORMAT, Event

__all__ = ["schema_text"]


def schema_text() -> str:
    """The text of `docs/formats/journal.schema.json`: what one line written by this version looks like.

    A reader must take more than this: unknown fields, and lines of other types.
    """
    about: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"One line of a {FORMAT} file",
    }
    return json.dumps(about | msgspec.json.schema(Event), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
