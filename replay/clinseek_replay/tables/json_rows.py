"""Rows in JSON: lists of objects, `columns` with `rows`, single objects; with the places of their cells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from clinseek_replay.tables.table import Cell, ReadGrid, TextTable

__all__ = ["json_tables"]

_SIGN = re.compile(r'[ \t\r\n]*+("(?:[^"\\]++|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]++)', re.DOTALL)
_DEEPEST = 60
_COLUMNS = ("columns", "header", "headers", "fields")
_ROWS = ("rows", "data", "values", "records")


class _Node(NamedTuple):
    """A JSON value: where it stands and, for lists and objects, what is in it."""

    kind: str
    """`{`, `[`, or the scalar's first character."""
    start: int
    end: int
    items: tuple[tuple[str, _Node], ...] = ()
    """Children by key; by an empty one in a list."""


def json_tables(text: str, names: tuple[str, ...]) -> Iterator[TextTable]:
    """The tables of a text that is JSON, or a line of it each; nothing where it isn't."""
    at = 0
    while found := _SIGN.match(text, at):
        if found[1] not in {"{", "["}:
            return
        try:
            node, at = _value(text, at, 0)
        except ValueError:
            return
        yield from _tables(text, node, "", names)


def _tables(text: str, node: _Node, key: str, names: tuple[str, ...]) -> Iterator[TextTable]:
    """The tables in a value, outermost first."""
    split = _with_columns(text, node, key, names) if node.kind == "{" else None
    made = split or (_of_objects(text, node, key, names) if node.items else None)
    if made is not None:
        yield made
    if made is None or node.kind == "{":
        for inner_key, inner in node.items:
            if inner.items and not (split and inner_key in (*_COLUMNS, *_ROWS)):
                yield from _tables(text, inner, inner_key, names)


def _with_columns(text: str, node: _Node, key: str, names: tuple[str, ...]) -> TextTable | None:
    """`{"columns": [...], "rows": [[...], ...]}`."""
    by_key = dict(node.items)
    header = next((by_key[name] for name in _COLUMNS if name in by_key and by_key[name].kind == "["), None)
    body = next((by_key[name] for name in _ROWS if name in by_key and by_key[name].kind == "["), None)
    if header is None or body is None or not header.items:
        return None
    columns = tuple(_cell(text, inner).text for _, inner in header.items)
    rows = [
        [_cell(text, inner) for _, inner in row.items]
        for _, row in body.items
        if row.kind == "[" and len(row.items) == len(columns)
    ]
    return TextTable(
        "json", columns, ReadGrid(rows), names=names or _as_name(key), start=node.start, end=node.end
    )


def _of_objects(text: str, node: _Node, key: str, names: tuple[str, ...]) -> TextTable | None:
    """A list of objects, or one object with a value that is no list or object, as a row."""
    objects = [inner for _, inner in node.items] if node.kind == "[" else [node]
    if any(each.kind != "{" for each in objects):
        return None
    if node.kind == "{" and all(inner.items for _, inner in node.items):
        return None
    columns = tuple(dict.fromkeys(name for each in objects for name, inner in each.items))
    rows = []
    for each in objects:
        # What is in an inner list or object is a table of its own.
        cells = {name: _cell(text, inner) for name, inner in each.items if not inner.items}
        rows.append([cells.get(name, Cell("", None, None)) for name in columns])
    return TextTable(
        "json", columns, ReadGrid(rows), names=names or _as_name(key), start=node.start, end=node.end
    )


def _as_name(key: str) -> tuple[str, ...]:
    return (key.lower(),) if key and key not in _ROWS else ()


def _cell(text: str, node: _Node) -> Cell:
    raw = text[node.start : node.end]
    if node.kind == '"':
        return Cell(str(json.loads(raw, strict=False)), node.start + 1, node.end - 1)
    return Cell("", None, None) if raw == "null" else Cell(raw, node.start, node.end)


def _value(text: str, at: int, depth: int) -> tuple[_Node, int]:
    """The value at `at` and where it ends; ValueError where there is none."""
    found = _SIGN.match(text, at)
    if found is None or depth > _DEEPEST:
        raise ValueError("no JSON")
    sign, start, at = found[1], found.start(1), found.end()
    if sign not in {"{", "["}:
        if sign in {"}", "]", ",", ":"}:
            raise ValueError(f"{sign} where a value was expected")
        return _Node(sign[0], start, at), at
    close = "}" if sign == "{" else "]"
    items: list[tuple[str, _Node]] = []
    after, behind = _next(text, at)
    if after == close:
        return _Node(sign, start, behind), behind
    while True:
        key = ""
        if sign == "{":
            word, at = _next(text, at)
            if word[:1] != '"' or _next(text, at)[0] != ":":
                raise ValueError("no key")
            key, at = str(json.loads(word, strict=False)), _next(text, at)[1]
        node, at = _value(text, at, depth + 1)
        items.append((key, node))
        after, at = _next(text, at)
        if after == close:
            return _Node(sign, start, at, tuple(items)), at
        if after != ",":
            raise ValueError(f"{after!r} between two values")


def _next(text: str, at: int) -> tuple[str, int]:
    found = _SIGN.match(text, at)
    if found is None:
        raise ValueError("the JSON breaks off")
    return found[1], found.end()
