"""The reference implementation's `trajectory.md`: a run's calls as markdown, cut for reading.

Arguments are cut at 800 characters and results at 1,200, with a mark that says how much is missing.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from clinseek_core.errors import InputError
from clinseek_replay.readers.json_records import run_from
from clinseek_replay.readers.messages import Asked, Message, joined
from clinseek_replay.readers.reader import MAX_LINE_BYTES, Entry, Index, Reader, Sample
from clinseek_replay.trajectory import Damage, Note, Span, Trajectory

__all__ = ["TRAJECTORY_MD"]

_TITLE = re.compile(r"^# [^\n]{0,40}trajectory", re.IGNORECASE | re.MULTILINE)
_CALL = re.compile(r"^### Call #(\d{1,6})[^\n`]{0,20}`([^`\n]{1,200})`[^\n]*$", re.MULTILINE)
_MESSAGE = re.compile(r"\(msg (\d{1,7})\)\s*$")
_QID = re.compile(r"qid `([^`\n]{1,500})`")
_GOLD = re.compile(
    r"^[-*] \W{0,4}gold label\W{0,4}?:\W{0,3}?\s*([^\n]{1,20000})$", re.IGNORECASE | re.MULTILINE
)
_ANSWER = "## Final answer"
_ARGUMENTS, _RESULT = "**args:**", "**tool result:**"
_FENCE = "```"
_CUT = re.compile(r"\s*…?\s*\[truncated (\d{1,12}) chars\]\s*\Z")


def recognise(sample: Sample) -> str | None:
    """Markdown with a title that says trajectory, and calls."""
    if sample.value is not None or sample.place != "its beginning":
        return None
    text = sample.data.decode("utf-8", "replace")
    if _TITLE.search(text[:2_000]) and _CALL.search(text):
        return "markdown of a trajectory (`### Call #`)"
    return None


def _text_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_LINE_BYTES:
            raise InputError(f"{path}: is over {MAX_LINE_BYTES >> 20} MiB, too much for one run")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from error


def index(path: Path) -> Index:
    """The file's one run."""
    data = _text_of(path)
    text = data[:10_000].decode("utf-8", "replace")
    qid = _QID.search(text)
    if not _CALL.search(data.decode("utf-8", "replace")):
        return Index(())
    return Index((Entry(path=path, line=1, offset=0, length=0, qid=qid[1] if qid else ""),))


def read(entry: Entry) -> Trajectory:
    """The run, as far as the page shows it."""
    data = _text_of(entry.path)
    text = data.decode("utf-8", "replace")
    whole = "\ufffd" not in text
    messages: list[Message] = []
    damage: list[Damage] = []
    before, line, offset, at = None, 1, 0, 0
    heads = list(_CALL.finditer(text))
    ends = [*(head.start() for head in heads), len(text)][1:]
    for head, end in zip(heads, ends, strict=True):
        line += text.count("\n", at, head.start())
        offset += len(text[at : head.start()].encode())
        at = head.start()
        span = Span(offset, len(text[at:end].encode())) if whole else None
        asked, result, cut = _call(head[2], text[head.end() : end], span)
        if cut:
            damage.append(Damage(line, f"call #{head[1]}: {cut}"))
        found = _MESSAGE.search(head[0])
        number = found[1] if found else None
        goes_on = number is not None and number == before
        messages.append(Message(role="assistant", calls=(asked,), span=span, goes_on=goes_on))
        if result is not None:
            messages.append(result)
        before = number
    qid, gold = _QID.search(text), _GOLD.search(text)
    facts = {"qid": qid[1] if qid else "", "label": _listed(gold[1]) if gold else None}
    return run_from(entry, "trajectory.md", joined(messages), damage, facts, notes=_notes(text))


def _call(name: str, block: str, span: Span | None) -> tuple[Asked, Message | None, str]:
    """A call, its result, and what of them the page has cut."""
    head, has_result, tail = block.partition(_RESULT)
    arguments, cut_arguments = _uncut(_fenced(head.partition(_ARGUMENTS)[2]))
    asked = Asked(name, arguments)
    if not has_result:
        return asked, None, cut_arguments and f"its arguments lack {cut_arguments} characters"
    text, cut = _uncut(_fenced(tail))
    full = len(text) + int(cut) if cut else None
    told = [
        f"its {what} lacks {n} characters"
        for what, n in (("text of arguments", cut_arguments), ("result", cut))
        if n
    ]
    return asked, Message(role="tool", text=text, full_characters=full, span=span), "; ".join(told)


def _fenced(text: str) -> str:
    """What stands between the first fence and the last."""
    _, opened, inside = text.partition(_FENCE)
    if not opened:
        return text.strip()
    inside = inside.partition("\n")[2]
    body, closed, _ = inside.rpartition(_FENCE)
    return (body if closed else inside).removesuffix("\n")


def _uncut(text: str) -> tuple[str, str]:
    """The text without the mark that it was cut, and how many characters that says are missing."""
    mark = _CUT.search(text[-200:])
    if mark is None:
        return text, ""
    return text[: len(text) - len(mark[0])], mark[1]


def _listed(text: str) -> Any:
    """A gold label: a list as JSON or Python writes it, or one name."""
    text = text.strip().strip("`")
    try:
        return ast.literal_eval(text) if text.startswith("[") else text
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _notes(text: str) -> tuple[Note, ...]:
    answer = text.partition(_ANSWER)[2].partition("\n## ")[0].strip()
    return (Note("final answer", answer),) if answer else ()


TRAJECTORY_MD = Reader(
    name="trajectory-md",
    title="a `trajectory.md` of the reference implementation",
    recognise=recognise,
    index=index,
    read=read,
)
