"""Calls that a model wrote as text, in the dialects that training sets and fallback parsers know.

| dialect | looks like |
|---|---|
| XML | `<tool_call><function=NAME><parameter=KEY>VALUE</parameter></function></tool_call>` |
| naked XML | the same without `tool_call` |
| JSON | `<tool_call>{"name": NAME, "arguments": {...}}</tool_call>`, also without the opening tag |
| inline | `<function=NAME({...})` |
| bracket | `[Tool Call: NAME({...})]` |

A text is walked once from left to right. Values are taken up to the tag that ends them, so they may hold `<`,
quotes and brackets; JSON is read by a JSON reader. What breaks off is read as far as it goes and flagged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from clinseek_core.lenient_json import LENIENT

__all__ = ["Asked", "CallFlag", "calls_in", "has_marks", "responses_in", "split_thinking"]

_NAME = re.compile(r"[\w.:/-]{1,200}")
_BLANK = re.compile(r"\s*")
_TOOL, _TOOL_END = "<tool_call>", "</tool_call>"
_FUNCTION, _FUNCTION_END = "<function=", "</function>"
_PARAMETER, _PARAMETER_END = "<parameter=", "</parameter>"
_BRACKET = "[Tool Call:"
_THINK, _THINK_END = "<think>", "</think>"
_RESPONSE, _RESPONSE_END = "<tool_response>", "</tool_response>"
_MARKS = (_TOOL, _TOOL_END, _FUNCTION, _BRACKET)

_MAX_ORPHAN = 20_000
"""Characters before a closing tag without an opening one that are looked through for its JSON object."""

_MAX_FAILURES = 100
"""JSON that can't be read costs time in proportion to the text: after so much of it no more is tried."""


CallFlag = Literal[
    "synthetic",
    "duplicate_id",
    "id_mismatch",
    "from_text",
    "unclosed",
    "bad_arguments",
]
"""What is odd about a call: `synthetic` was made by the harness, `duplicate_id` shares its id with another of
the run, `id_mismatch` got its result by position against the ids, `from_text` was parsed from the model's
text, `unclosed` was parsed from text that breaks off, `bad_arguments` are no JSON object."""


class Asked(msgspec.Struct, frozen=True):
    """One call as the model asked for it."""

    name: str
    arguments: Any = None
    """An object, or a text that may be JSON, or whatever the recording holds."""
    id: str = ""
    flags: tuple[CallFlag, ...] = ()


def has_marks(text: str) -> bool:
    """Whether a text may hold calls."""
    return any(mark in text for mark in _MARKS)


def split_thinking(text: str) -> tuple[str, str]:
    """(reasoning, the rest) of a text that begins with `<think>`, or whose template has written that tag."""
    start = text.lstrip()
    if not start.startswith(_THINK):
        thought, end, rest = text.partition(_THINK_END)
        return (thought.strip(), rest.strip()) if end and _THINK not in thought else ("", text)
    thought, _, rest = start.removeprefix(_THINK).partition(_THINK_END)
    return thought.strip(), rest.strip()


def responses_in(text: str) -> tuple[list[str], str] | None:
    """The results in a user's turn that begins with `<tool_response>`, and its rest; None for others."""
    if not text.lstrip().startswith(_RESPONSE):
        return None
    first, *parts = text.split(_RESPONSE)
    found: list[str] = []
    rest = [first]
    for part in parts:
        inside, _, after = part.partition(_RESPONSE_END)
        found.append(inside.removeprefix("\n").removesuffix("\n"))
        rest.append(after)
    return found, "".join(rest).strip()


def calls_in(text: str) -> tuple[str, list[Asked]]:
    """What the model said beside its calls, and the calls; the text unchanged where it holds none."""
    if not has_marks(text):
        return text, []
    walk = _Walk(text)
    while walk.step():
        pass
    if not walk.calls:
        return text, []
    return "".join([*walk.said, text[walk.at :]]).strip(), walk.calls


@dataclass
class _Walk:
    text: str
    at: int = 0
    """Where the text that is not yet told apart begins."""
    look: int = 0
    said: list[str] = field(default_factory=list)
    calls: list[Asked] = field(default_factory=list)
    nexts: dict[str, int] = field(default_factory=dict)
    failures: int = 0

    def next(self, mark: str, at: int) -> int:
        """Where `mark` comes next, -1 if nowhere; each stretch of the text is searched once for it."""
        known = self.nexts.get(mark, -2)
        if known == -2 or -1 < known < at:
            known = self.nexts[mark] = self.text.find(mark, at)
        return known

    def first(self, marks: tuple[str, ...], at: int) -> tuple[int, str]:
        """Which of `marks` comes first, and where; the end of the text and nothing where none does."""
        places = [(place, mark) for mark in marks if (place := self.next(mark, at)) >= 0]
        return min(places, default=(len(self.text), ""))

    def json(self, at: int) -> tuple[Any, int | None]:
        """The JSON value that begins there and its end; no end where there is none."""
        if self.failures == _MAX_FAILURES:
            return None, None
        try:
            return LENIENT.raw_decode(self.text, at)
        except (ValueError, RecursionError):
            self.failures += 1
            return None, None

    def step(self) -> bool:
        """Take the next call, or pass over a mark that begins none; False at the end."""
        start, mark = self.first(_MARKS, self.look)
        if not mark:
            return False
        found = _DIALECTS[mark](self, start)
        if found is None:
            self.look = start + len(mark)
            return True
        begin, end, calls = found
        self.said.append(self.text[self.at : begin])
        self.calls += calls
        self.at = self.look = max(end, start + len(mark))
        return True


_Found = tuple[int, int, list[Asked]]
"""Where the calls begin and end in the text, and the calls."""


def _in_tool_call(walk: _Walk, start: int) -> _Found | None:
    """`<tool_call>` with either JSON or functions in it."""
    inside = _after_blanks(walk.text, start + len(_TOOL))
    if walk.text.startswith("{", inside):
        return _json_call(walk, start, inside)
    calls: list[Asked] = []
    at = inside
    while walk.text.startswith(_FUNCTION, at):
        found = _function(walk, at)
        if found is None:
            break
        _, at, some = found
        calls += some
        at = _after_blanks(walk.text, at)
    if not calls:
        return None
    if walk.text.startswith(_TOOL_END, at):
        return start, at + len(_TOOL_END), calls
    return start, at, [*calls[:-1], _unclosed(calls[-1])]


def _json_call(walk: _Walk, start: int, inside: int) -> _Found:
    value, end = walk.json(inside)
    if end is not None:
        after = _after_blanks(walk.text, end)
        closed = walk.text.startswith(_TOOL_END, after)
        call = _from_object(value)
        return start, after + len(_TOOL_END) if closed else end, [call if closed else _unclosed(call)]
    end, mark = walk.first((_TOOL_END, _TOOL), inside)
    raw = walk.text[inside:end]
    name = re.match(r'\{\s*"name"\s*:\s*"([^"\\]{1,200})"', raw)
    call = Asked(name[1] if name else "", _arguments_part(raw), "", ("from_text",))
    closed = mark == _TOOL_END
    return start, end + len(mark) if closed else end, [call if closed else _unclosed(call)]


def _arguments_part(raw: str) -> str:
    """Of a call's object that is no JSON, the text from its arguments on."""
    found = re.search(r'"(?:arguments|parameters)"\s{0,50}:\s{0,50}', raw)
    return raw[found.end() :].strip() if found else raw.strip()


def _from_object(value: Any) -> Asked:
    value = value if isinstance(value, dict) else {}
    inner = value.get("function")
    value = inner if isinstance(inner, dict) else value
    name = value.get("name", value.get("tool", inner if isinstance(inner, str) else ""))
    arguments = value.get("arguments", value.get("parameters"))
    return Asked(name if isinstance(name, str) else "", arguments, "", ("from_text",))


def _function(walk: _Walk, start: int) -> _Found | None:
    """`<function=NAME>` with parameters, or `<function=NAME(` with its arguments."""
    name = _NAME.match(walk.text, start + len(_FUNCTION))
    if name is None:
        return None
    at = name.end()
    if walk.text.startswith("(", at):
        return _inline(walk, start, name[0], at + 1)
    if not walk.text.startswith(">", at):
        return None
    arguments: dict[str, Any] = {}
    at = _after_blanks(walk.text, at + 1)
    whole = True
    while walk.text.startswith(_PARAMETER, at):
        at, closed = _parameter(walk, at, arguments)
        whole &= closed
    ended = walk.text.startswith(_FUNCTION_END, at)
    call = Asked(name[0], arguments, "", ("from_text",))
    return start, at + len(_FUNCTION_END) if ended else at, [call if ended and whole else _unclosed(call)]


def _parameter(walk: _Walk, start: int, arguments: dict[str, Any]) -> tuple[int, bool]:
    """Read a parameter into `arguments`: where it ends, with the blanks after it, and if it is closed."""
    text = walk.text
    name = _NAME.match(text, start + len(_PARAMETER))
    begin = start + len(_PARAMETER)
    key = ""
    if name is not None:
        key, begin = name[0], name.end() + text.startswith(">", name.end())
    end, mark = walk.first((_PARAMETER_END, _PARAMETER, _FUNCTION_END, _TOOL_END), begin)
    value = text[begin:end].removeprefix("\n").removesuffix("\n")
    arguments[key] = value
    after = end + len(mark) if mark == _PARAMETER_END else end
    return _after_blanks(text, after), mark == _PARAMETER_END


def _inline(walk: _Walk, start: int, name: str, at: int) -> _Found:
    arguments, end, closed = _in_parentheses(walk, at, (_FUNCTION, _TOOL_END, "\n"))
    end += walk.text.startswith(">", end)
    after = _after_blanks(walk.text, end)
    if walk.text.startswith(_FUNCTION_END, after):
        end = after + len(_FUNCTION_END)
    call = Asked(name, arguments, "", ("from_text",))
    return start, end, [call if closed else _unclosed(call)]


def _bracket(walk: _Walk, start: int) -> _Found | None:
    """`[Tool Call: NAME({...})]`."""
    at = _after_blanks(walk.text, start + len(_BRACKET))
    name = _NAME.match(walk.text, at)
    if name is None or not walk.text.startswith("(", name.end()):
        return None
    arguments, end, closed = _in_parentheses(walk, name.end() + 1, (_BRACKET,))
    after = _after_blanks(walk.text, end)
    if walk.text.startswith("]", after):
        end = after + 1
    else:
        closed = False
    call = Asked(name[0], arguments, "", ("from_text",))
    return start, end, [call if closed else _unclosed(call)]


def _in_parentheses(walk: _Walk, at: int, stops: tuple[str, ...]) -> tuple[Any, int, bool]:
    """The arguments between parentheses, where they end, and whether the parenthesis was closed."""
    text = walk.text
    inside = _after_blanks(text, at)
    if text.startswith(")", inside):
        return None, inside + 1, True
    if text.startswith(("{", "["), inside):
        value, end = walk.json(inside)
        if end is not None:
            after = _after_blanks(text, end)
            closed = text.startswith(")", after)
            return value, after + 1 if closed else end, closed
    stop = walk.first(stops, inside)[0]
    end = text.rfind(")", inside, stop)
    if end < 0:
        return text[inside:stop].strip(), stop, False
    return text[inside:end].strip(), end + 1, True


def _orphan(walk: _Walk, end: int) -> _Found | None:
    """A JSON object before `</tool_call>` whose opening tag the template had written, or the model forgot."""
    begin = max(walk.at, end - _MAX_ORPHAN)
    start = walk.text.find('{"name"', begin, end)
    if start < 0:
        return None
    value, stop = walk.json(start)
    if stop is None or walk.text[stop:end].strip():
        return None
    return start, end + len(_TOOL_END), [_from_object(value)]


def _after_blanks(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return at if match is None else match.end()


def _unclosed(call: Asked) -> Asked:
    return Asked(call.name, call.arguments, call.id, (*call.flags, "unclosed"))


_DIALECTS = {_TOOL: _in_tool_call, _TOOL_END: _orphan, _FUNCTION: _function, _BRACKET: _bracket}
