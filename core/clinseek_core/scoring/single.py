"""One answer against one gold value, by rule: yes or no, a time, an id, a number with its unit, else a label.

Which rule holds hangs on the gold alone. Two values are the same as a person takes them to be: `True` is yes,
`3 March 2150` is 2150-03-03, `92 mmHg` is 92, and a number is right to the last place that the gold gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import msgspec

from clinseek_core.scoring.names import folded

__all__ = ["SINGLE_RULES", "SingleAnswer", "SingleRule", "single_answer"]

SingleRule = Literal["yes_no", "time", "id", "number", "label"]

_YES = frozenset({"yes", "y", "true", "t", "1", "present", "positive"})
_NO = frozenset({"no", "n", "false", "f", "0", "absent", "negative"})
_SAID = frozenset({"yes", "no", "true", "false"})
_TIMES = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d",
    "%Y/%m/%d", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%d %B %Y", "%B %d, %Y", "%b %d, %Y",
    "%H:%M:%S", "%H:%M",
)  # fmt: skip
_LONGEST = 200
"""Characters of a value that is read as more than a label."""
_ID = re.compile(r"\d{7,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4,12}){3,4}|[A-Za-z]{0,2}\d{7,}")
_NUMBER = re.compile(
    r"(?P<sign>[<>]=?)? ?(?P<number>[-+]?\d[\d,]*(?:\.\d+)?|[-+]?\.\d+) ?(?P<unit>[^\d\s].{0,30})?"
)


class _Number(msgspec.Struct, frozen=True):
    value: Decimal
    half: Decimal
    """Half of its last place: another number this near is written the same."""
    sign: str
    unit: str


class _Rule(msgspec.Struct, frozen=True):
    """A way to read a value; it holds for a gold that it can read."""

    name: SingleRule
    of_gold: Callable[[str], Any]
    """The gold read; None where the rule does not hold for it."""
    same: Callable[[Any, str], bool]
    """Whether an answer says what the gold, read, does."""


class SingleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer compared with the one gold value, by rule and, where one was asked, by a judge."""

    question: str
    gold: str
    answer: tuple[str, ...]
    rule: SingleRule
    by_rule: bool
    asked: bool = False
    """Whether a judge was asked."""
    by_judge: bool | None = None
    """None where no judge was asked, or no verdict could be had."""
    reason: str = ""
    """The judge's words; or why there is no verdict."""

    @property
    def right(self) -> bool:
        """The judge's verdict, else the rule's."""
        return self.by_rule if self.by_judge is None else self.by_judge

    @property
    def by(self) -> str:
        """Who said so: `judge`, or the rule's name."""
        return self.rule if self.by_judge is None else "judge"


def single_answer(question: str, answer: Sequence[str] | None, gold: str) -> SingleAnswer:
    """Compare by the first rule that holds for the gold. An answer of several values is right if each is."""
    said = tuple(item for item in answer or () if item.strip())
    rule, read = next(
        (rule, read) for rule in SINGLE_RULES if (read := rule.of_gold(_trimmed(gold))) is not None
    )
    return SingleAnswer(
        question=question,
        gold=gold,
        answer=said,
        rule=rule.name,
        by_rule=bool(said) and all(rule.same(read, _trimmed(item)) for item in said),
    )


def _trimmed(text: str) -> str:
    """Without the blanks and the full stop around it; what is too long to be a value stays a label."""
    return " ".join(text.split()).rstrip(".")


def _yes_no(gold: str) -> bool | None:
    return gold.lower() in _YES if gold.lower() in _SAID else None


def _same_yes_no(gold: bool, answer: str) -> bool:
    return answer.lower() in (_YES if gold else _NO)


def _time(text: str) -> tuple[datetime, bool, bool] | None:
    """(the time, whether it has a day, whether it has an hour); None where it is none."""
    if len(text) > _LONGEST:
        return None
    for form in _TIMES:
        try:
            return datetime.strptime(text, form), "%d" in form, "%H" in form
        except ValueError:
            continue
    return None


def _same_time(gold: tuple[datetime, bool, bool], answer: str) -> bool:
    """To the minute, and by what the gold tells: a day alone is right with any hour."""
    read = _time(answer)
    if read is None:
        return False
    (wanted, day, hour), (given, given_day, given_hour) = gold, read
    if (day and not given_day) or (hour and not given_hour):
        return False
    return (not day or wanted.date() == given.date()) and (
        not hour or (wanted.hour, wanted.minute) == (given.hour, given.minute)
    )


def _id(text: str) -> str | None:
    return text.lower() if len(text) <= _LONGEST and _ID.fullmatch(text) else None


def _same_id(gold: str, answer: str) -> bool:
    return answer.lower() == gold


def _number(text: str) -> _Number | None:
    found = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    written = found["number"].replace(",", "")
    try:
        value = Decimal(written)
    except InvalidOperation:
        return None
    places = len(written.partition(".")[2])
    return _Number(
        value,
        Decimal(5).scaleb(-places - 1),
        found["sign"] or "",
        folded(found["unit"] or "").replace(" ", ""),
    )


def _same_number(gold: _Number, answer: str) -> bool:
    """To the gold's last place; a whole number exactly. A unit counts where both name one."""
    read = _number(answer)
    if read is None:
        word = answer.lower()
        return gold.value in {0, 1} and word in (_YES if gold.value else _NO)
    near = gold.value == read.value or (
        gold.half < Decimal("0.5") and abs(gold.value - read.value) < gold.half
    )
    return near and gold.sign == read.sign and (not gold.unit or not read.unit or gold.unit == read.unit)


def _same_label(gold: str, answer: str) -> bool:
    return folded(answer) == gold


SINGLE_RULES: tuple[_Rule, ...] = (
    _Rule("yes_no", _yes_no, _same_yes_no),
    _Rule("time", _time, _same_time),
    _Rule("id", _id, _same_id),
    _Rule("number", _number, _same_number),
    _Rule("label", folded, _same_label),
)
"""In the order in which they are tried; the last holds for any gold."""
