"""A page of the web as a person reads it: title and address, then the lines, their numbers at the side."""

from __future__ import annotations

import re

from clinseek_replay.trajectory import Call
from clinseek_tui.view.blocks import Block, Document
from clinseek_tui.view.sql import Mark

__all__ = ["is_page", "page"]

_HEAD = re.compile(r"\[(\d{1,6})\] (.{0,2000}?) \((\S{1,2000})\)")
_LINE = re.compile(r"L(\d{1,7}): ?(.*)")
_LINK = re.compile("【[^【】]{1,2500}】")


def is_page(call: Call | None) -> bool:
    """Whether a call came back with a page in the form that browser tools write."""
    if call is None or not call.name.startswith("browser.") or call.result is None:
        return False
    first = call.result.text[:5_000].partition("\n")[0]
    return call.result.status == "ok" and _HEAD.fullmatch(first) is not None


def page(call: Call) -> Document:
    """The page that a call came back with: see `is_page`."""
    text = call.result.text if call.result else ""
    first, _, rest = text.partition("\n")
    head = _HEAD.fullmatch(first)
    if head is None:
        return (Block(text, field="result"),)
    blocks = [Block(head[2], "strong", field="result"), Block(head[3], "accent", field="result")]
    for line in rest.split("\n"):
        numbered = _LINE.fullmatch(line)
        if numbered is None:
            blocks.append(Block(line.replace("**", ""), "dim", field="result"))
        elif numbered[2] or len(blocks) > len(("title", "address", "which lines", "")):
            blocks.append(_line(numbered[1], numbered[2]))
    return tuple(blocks)


def _line(number: str, text: str) -> Block:
    marks = tuple(Mark(found.start(), found.end(), "accent") for found in _LINK.finditer(text))
    style = "heading" if text.startswith("#") else "plain"
    return Block(text, style, label=f"L{number}", marks=marks, field="result")
