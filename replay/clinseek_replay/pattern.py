"""Regular expressions that can't hang: found in time that grows with the text and no faster.

Python's `re` tries one way through a text after the other, and some expressions have exponentially many. Here
all ways are followed at once, as automata do (K. Thompson, "Regular expression search algorithm", 1968), so
what a user writes can be let loose on what a model or a page wrote. The price is that an expression can't
refer to what it matched before or look ahead, and that of several matches at a place the shortest is taken.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec

from clinseek_core.errors import InputError

__all__ = ["Pattern"]

_MAX_SOURCE = 1_000
_MAX_DEPTH = 40
_MAX_PARTS = 500
"""Parts of an expression once its counted repeats are written out; each costs time at each character."""
_MAX_KEPT = 20_000
"""Transitions that are remembered; then the memory is emptied and filled anew."""

_CONTROLS = "ntrfv"
_CLASSES = "dDwWsS"
_HEX_DIGITS = {"x": 2, "u": 4}
_MAX_REPEAT = 1_000

_Side = Literal["edge", "line", "word", "other"]
"""What a character is to an anchor; `edge` where there is none, at both ends of a text."""
_Anchor = Literal["^", "$", "b", "B", "A", "Z"]

_HOLDS: dict[_Anchor, Callable[[_Side, _Side], bool]] = {
    "^": lambda before, _: before in ("edge", "line"),
    "$": lambda _, after: after in ("edge", "line"),
    "b": lambda before, after: (before == "word") != (after == "word"),
    "B": lambda before, after: (before == "word") == (after == "word"),
    "A": lambda before, _: before == "edge",
    "Z": lambda _, after: after == "edge",
}
"""Whether an anchor holds between two characters."""


class _Part(msgspec.Struct):
    """One part of the automaton: it takes a character, holds at an anchor, or only leads on."""

    takes: str = ""
    """The expression of one character that it takes."""
    anchor: _Anchor | None = None
    leads: tuple[int, ...] = ()
    """The parts after it; none for the last, where a match ends."""


class Pattern:
    """An expression ready to be searched for; letters match in either case.

    Holds what Python's `re` holds without lookaround, references and flags: `^` and `$` stand at lines, `.`
    is any character but a line feed. Raises InputError saying what is wrong with it and where.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._parts = _Reading(source).parts()
        self._start = len(self._parts) - 1
        self._takes = [_taker(part.takes) if part.takes else None for part in self._parts]
        first, nothing = self._reached([self._start], None)
        if nothing:
            raise _wrong(source, "it matches nothing at all, and so everywhere", "make a part of it required")
        self._first = _compiled("|".join(sorted({self._parts[index].takes for index in first})))
        self._kept: dict[tuple[frozenset[int], _Side, bool], _State] = {}
        self._transitions = 0

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of each match, in order: the first to end from there on, as long as it can be."""
        position = 0
        while (span := self._next(text, position)) is not None:
            yield span
            position = span[1]

    def starts(self, text: str) -> Iterator[int]:
        """Where matches start."""
        return (start for start, _ in self.spans(text))

    def first(self, text: str) -> str | None:
        """The text of the first match, or None."""
        span = self._next(text, 0)
        return None if span is None else text[span[0] : span[1]]

    def _next(self, text: str, position: int) -> tuple[int, int] | None:
        while found := self._first.search(text, position):
            begin = found.start()
            state = self._state(frozenset((self._start,)), _side(text[begin - 1] if begin else ""), False)
            for index in range(begin, len(text)):
                state = state[text[index]]
                if state.matched:
                    return self._started(text, begin, index), index
                if state.idle:
                    position = index + 1
                    break
            else:
                matched = self._reached(state.parts, (state.before, "edge"))[1]
                return (self._started(text, begin, len(text)), len(text)) if matched else None
        return None

    def _started(self, text: str, begin: int, end: int) -> int:
        """Where the longest match that ends at `end` starts, from `begin` on."""
        starts: dict[int, int] = {}
        for index in range(begin, end + 1):
            before = _side(text[index - 1] if index else "")
            after = _side(text[index] if index < len(text) else "")
            if index < end:
                starts[self._start] = min(starts.get(self._start, index), index)
            following: dict[int, int] = {}
            seen: set[int] = set()
            for part in sorted(starts, key=starts.__getitem__):
                takers, matched = self._reached([part], (before, after), seen)
                if matched and index == end:
                    return starts[part]
                if index < end:
                    for leads in self._after(takers, text[index]):
                        following.setdefault(leads, starts[part])
            starts = following
        return begin

    def _reached(
        self, parts: Iterable[int], sides: tuple[_Side, _Side] | None, seen: set[int] | None = None
    ) -> tuple[list[int], bool]:
        """The parts that take a character, reached without one; and whether the end is.

        Without `sides` every anchor holds; parts in `seen` are passed over, and it grows.
        """
        seen = set() if seen is None else seen
        waiting = [part for part in parts if part not in seen]
        takers: list[int] = []
        matched = False
        while waiting:
            index = waiting.pop()
            if index in seen:
                continue
            seen.add(index)
            part = self._parts[index]
            if part.takes:
                takers.append(index)
            elif not part.leads:
                matched = True
            elif part.anchor is None or sides is None or _HOLDS[part.anchor](*sides):
                waiting.extend(part.leads)
        return takers, matched

    def _after(self, takers: Iterable[int], character: str) -> Iterator[int]:
        for index in takers:
            takes = self._takes[index]
            if takes is not None and takes(character):
                yield from self._parts[index].leads

    def _state(self, parts: frozenset[int], before: _Side, matched: bool) -> _State:
        key = (parts, before, matched)
        state = self._kept.get(key)
        if state is None:
            state = self._kept[key] = _State(self, parts, before, matched, parts == {self._start})
        return state

    def _step(self, state: _State, character: str) -> _State:
        if self._transitions >= _MAX_KEPT:
            self._kept.clear()
            self._transitions = 0
        self._transitions += 1
        side = _side(character)
        takers, matched = self._reached(state.parts, (state.before, side))
        return self._state(frozenset((self._start, *self._after(takers, character))), side, matched)


class _State(dict[str, "_State"]):
    """Where a search stands: the parts that wait for a character. As a dict: where each character leads."""

    def __init__(
        self, pattern: Pattern, parts: frozenset[int], before: _Side, matched: bool, idle: bool
    ) -> None:
        self.pattern, self.parts, self.before = pattern, parts, before
        self.matched = matched
        """Whether a match ended before the last character."""
        self.idle = idle
        """Whether no match is under way."""

    def __missing__(self, character: str) -> _State:
        state = self[character] = self.pattern._step(self, character)
        return state


class _Reading:
    """An expression read from left to right, then built from its end: a part knows what comes after it."""

    def __init__(self, source: str) -> None:
        if len(source) > _MAX_SOURCE:
            raise _wrong(source[:40] + "…", f"it is longer than {_MAX_SOURCE} characters", "shorten it")
        self._source = source
        self._at = 0
        self._parts: list[_Part] = [_Part()]

    def parts(self) -> list[_Part]:
        """The whole automaton; it begins at its last part."""
        tree = self._choice(0)
        if self._at < len(self._source):
            raise self._error("this `)` closes nothing", "write `\\)` for the sign itself")
        begin = self._built(tree, 0)
        self._add(_Part(leads=(begin,)))
        return self._parts

    def _choice(self, depth: int) -> _Node:
        if depth > _MAX_DEPTH:
            raise self._error(f"groups lie more than {_MAX_DEPTH} deep", "take some away")
        branches = [self._sequence(depth)]
        while self._took("|"):
            branches.append(self._sequence(depth))
        return branches[0] if len(branches) == 1 else _Node("choice", items=tuple(branches))

    def _sequence(self, depth: int) -> _Node:
        items = []
        while self._at < len(self._source) and self._source[self._at] not in "|)":
            items.append(self._repeated(self._atom(depth)))
        return _Node("sequence", items=tuple(items))

    def _atom(self, depth: int) -> _Node:
        character = self._source[self._at]
        if character in "*+?":
            raise self._error(
                f"`{character}` has nothing to repeat", f"write `\\{character}` for the sign itself"
            )
        self._at += 1
        if character == "(":
            return self._group(depth)
        if character == "[":
            return self._set()
        if character in ("^", "$"):
            return _Node("anchor", anchor="^" if character == "^" else "$")
        if character == "\\":
            return self._escaped()
        return _Node("take", takes="." if character == "." else re.escape(character))

    def _group(self, depth: int) -> _Node:
        named = re.compile(r"\?(?::|P<\w+>)").match(self._source, self._at)
        if named:
            self._at = named.end()
        elif self._source.startswith("?", self._at):
            raise self._error(
                "lookaround, references and flags are not to be had", "a group is written `(…)` or `(?:…)`"
            )
        inside = self._choice(depth + 1)
        if not self._took(")"):
            raise self._error("a `(` is not closed", "write `\\(` for the sign itself")
        return inside

    def _set(self) -> _Node:
        begin = self._at - 1
        self._took("^")
        self._took("]")
        while self._at < len(self._source) and self._source[self._at] != "]":
            self._at += 2 if self._source[self._at] == "\\" else 1
        if not self._took("]"):
            raise self._error("a `[` is not closed", "write `\\[` for the sign itself")
        takes = self._source[begin : self._at]
        try:
            _compiled(takes)
        except (re.error, OverflowError) as error:
            raise self._error(f"`{takes}` is no set of characters ({error})", "mend it") from error
        return _Node("take", takes=takes)

    def _escaped(self) -> _Node:
        character = self._source[self._at : self._at + 1]
        self._at += 1
        if character in ("b", "B", "A", "Z"):
            return _Node("anchor", anchor=character)  # type: ignore[arg-type]
        if character and (character in _CLASSES or character in _CONTROLS):
            return _Node("take", takes=f"\\{character}")
        if digits := _HEX_DIGITS.get(character):
            code = self._source[self._at : self._at + digits]
            if len(code) == digits and all(digit in "0123456789abcdefABCDEF" for digit in code):
                self._at += digits
                return _Node("take", takes=re.escape(chr(int(code, 16))))
        if not character or character.isalnum():
            raise self._error(f"`\\{character}` means nothing here", "write `\\\\` for the sign itself")
        return _Node("take", takes=re.escape(character))

    def _repeated(self, atom: _Node) -> _Node:
        bounds = self._bounds()
        if bounds is None:
            return atom
        self._took("?")  # which of the matches is meant: it changes nothing here
        if self._bounds() is not None:
            raise self._error("two repeats follow one another", "put a group around the first: `(?:a+)+`")
        least, most = bounds
        if not least <= (least if most is None else most) <= _MAX_REPEAT:
            raise self._error("a repeat's counts don't fit", f"write {{least,most}}, at most {_MAX_REPEAT}")
        return _Node("repeat", items=(atom,), least=least, most=most)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._took(sign):
                return bounds
        counted = re.compile(r"\{(\d{1,6})(?:(,)(\d{1,6})?)?\}|\{,(\d{1,6})\}").match(self._source, self._at)
        if counted is None:
            return None
        self._at = counted.end()
        if counted[4]:
            return 0, int(counted[4])
        least = int(counted[1])
        return least, (int(counted[3]) if counted[3] else None if counted[2] else least)

    def _took(self, sign: str) -> bool:
        found = self._source.startswith(sign, self._at)
        self._at += found
        return found

    def _built(self, node: _Node, after: int) -> int:
        """Add the parts of a node that goes on at part `after`; the index of its first."""
        if node.kind == "take":
            return self._add(_Part(takes=node.takes, leads=(after,)))
        if node.kind == "anchor":
            return self._add(_Part(anchor=node.anchor, leads=(after,)))
        if node.kind == "choice":
            return self._add(_Part(leads=tuple(self._built(item, after) for item in node.items)))
        if node.kind == "sequence":
            for item in reversed(node.items):
                after = self._built(item, after)
            return after
        return self._built_repeat(node, after)

    def _built_repeat(self, node: _Node, after: int) -> int:
        item = node.items[0]
        if node.most is None:
            loop = self._add(_Part(leads=(after,)))
            self._parts[loop].leads = (self._built(item, loop), after)
            after = loop
        for _ in range((node.most or node.least) - node.least):
            after = self._add(_Part(leads=(self._built(item, after), after)))
        for _ in range(node.least):
            after = self._built(item, after)
        return after

    def _add(self, part: _Part) -> int:
        if len(self._parts) > _MAX_PARTS:
            raise self._error("it has too many parts once its repeats are written out", "repeat less often")
        self._parts.append(part)
        return len(self._parts) - 1

    def _error(self, reason: str, remedy: str) -> InputError:
        return _wrong(self._source, f"at character {self._at + 1}: {reason}", remedy)


class _Node(msgspec.Struct, frozen=True):
    """An expression as it was read."""

    kind: Literal["take", "anchor", "choice", "sequence", "repeat"]
    takes: str = ""
    anchor: _Anchor | None = None
    items: tuple[_Node, ...] = ()
    least: int = 0
    most: int | None = None


def _wrong(source: str, reason: str, remedy: str) -> InputError:
    return InputError(f"/{source}/ is no expression that can be searched for: {reason}; {remedy}")


def _side(character: str) -> _Side:
    if not character:
        return "edge"
    if character == "\n":
        return "line"
    return "word" if character.isalnum() or character == "_" else "other"


def _taker(source: str) -> Callable[[str], re.Match[str] | None]:
    return _compiled(source).fullmatch


def _compiled(source: str) -> re.Pattern[str]:
    """A choice of single characters: nothing in it repeats, so nothing in it can take long."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of signs that may one day mean more within `[…]`
        return re.compile(source, re.IGNORECASE)
