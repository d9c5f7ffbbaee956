"""Searching the record's words for terms: one SELECT counts where each is named, hinted at or denied."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from string import Template

import msgspec

from clinseek_core.seeker.desk import Desk
from clinseek_core.seeker.items import Term
from clinseek_core.seeker.reading import rows, whole
from clinseek_core.seeker.script import Ask
from clinseek_core.seeker.sources import Role, Schema, texts_sql, timestamp

__all__ = ["Hit", "Hits", "read_hits", "searches"]

_SEARCHES: tuple[tuple[Role, ...], ...] = (
    ("complaint", "report", "coded"),
    ("ordered", "requested", "given", "dispensed", "home"),
    ("measured", "culture", "charted", "done", "place"),
)
"""What is searched together: words about the patient, drugs and orders, results and places."""
_LOOKED_FOR = {"hint": {"complaint", "report"}, "drug": {"ordered", "given", "dispensed", "home", "charted"}}
_COLUMNS = ("term", "how", "source", "this_stay", "earlier", "denied", "latest", "example")
_MAX_WORDS_CHARACTERS = 12_000
"""In one statement: the tool takes 20 000 characters."""
_PREFIX = 8
"""Letters that name a long drug name: cabinets and labels cut names short."""

# The words are found by `contains`, which is fast, and only then held against their pattern.
_SEARCH = Template("""\
WITH words AS (
  SELECT term, how, unnest(string_split(words, '|')) AS word FROM (VALUES
    $words) AS v(term, how, words)),
texts AS (
  $texts),
said AS MATERIALIZED (
  SELECT source, text, count(*) AS times, count(*) FILTER (WHERE happened >= $start) AS now_times,
    max(happened) AS latest
  FROM texts WHERE text IS NOT NULL GROUP BY ALL),
near AS MATERIALIZED (
  SELECT said.*, words.*, '\\b' || regexp_escape(word)
    || CASE WHEN how = 'drug' AND length(word) > 4 THEN '' ELSE '(e?s)?\\b' END AS pattern
  FROM said JOIN words ON contains(text, word)),
hits AS (
  SELECT source, text, times, now_times, latest, term, how,
    bool_and(regexp_matches(text, '\\b(no|not|without|denies|negative for|free of|rule out|r/o|unlikely)\\b.*'
      || pattern)) AS denied
  FROM near WHERE regexp_matches(text, pattern) GROUP BY ALL)
SELECT term, how, source, coalesce(sum(now_times) FILTER (WHERE NOT denied), 0) AS this_stay,
  coalesce(sum(times - now_times) FILTER (WHERE NOT denied), 0) AS earlier,
  coalesce(sum(now_times) FILTER (WHERE denied), 0) AS denied,
  max(latest) AS latest,
  left(coalesce(min(text) FILTER (WHERE NOT denied AND now_times > 0), min(text)), 160) AS example
FROM hits GROUP BY term, how, source ORDER BY term, how, source""")


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A term in one source: how often in this stay and earlier, and how often this stay denies it."""

    role: str
    table: str
    how: str
    this_stay: int
    earlier: int
    denied: int
    latest: str
    example: str


Hits = dict[str, tuple[Hit, ...]]
"""By the label of the term."""


def searches(desk: Desk, schema: Schema, terms: tuple[Term, ...], start: datetime) -> tuple[Ask, ...]:
    """The queries that search for `terms`: three, or more where there are very many words."""
    asks = []
    for roles in _SEARCHES:
        texts = texts_sql(schema, roles)
        lines = [_line(term) for term in terms if _is_looked_for(term, roles)]
        if texts:
            asks += [desk.sql(_sql(batch, texts, start)) for batch in _batches(lines)]
    return tuple(asks)


def read_hits(answers: tuple[str, ...]) -> Hits:
    """The hits in the answers to `searches`."""
    hits = defaultdict(list)
    for answer in answers:
        for row in rows(
            answer, "term", "how", "source", "this_stay", "earlier", "denied", "latest", "example"
        ):
            role, _, table = row["source"].partition(": ")
            hit = Hit(
                role=role,
                table=table,
                how=row["how"],
                this_stay=whole(row["this_stay"]),
                earlier=whole(row["earlier"]),
                denied=whole(row["denied"]),
                latest=row["latest"],
                example=row["example"],
            )
            hits[row["term"]].append(hit)
    return {term: tuple(found) for term, found in hits.items()}


def _is_looked_for(term: Term, roles: tuple[Role, ...]) -> bool:
    return term.how not in _LOOKED_FOR or not _LOOKED_FOR[term.how].isdisjoint(roles)


def _line(term: Term) -> str:
    words = dict.fromkeys(_as_searched(word, term.how) for word in term.words)
    return f"({_text(term.label)}, '{term.how}', {_text('|'.join(words))})"


def _as_searched(word: str, how: str) -> str:
    return word[:_PREFIX] if how == "drug" and word.isalpha() else word


def _text(value: str) -> str:
    """The value as a SQL text."""
    return "'" + "".join(c for c in value if c.isprintable()).replace("'", "''") + "'"


def _batches(lines: list[str]) -> list[list[str]]:
    batches: list[list[str]] = []
    size = _MAX_WORDS_CHARACTERS
    for line in lines:
        if size + len(line) > _MAX_WORDS_CHARACTERS:
            batches.append([])
            size = 0
        batches[-1].append(line)
        size += len(line)
    return batches


def _sql(lines: list[str], texts: str, start: datetime) -> str:
    return _SEARCH.substitute(
        words=",\n    ".join(lines), texts=texts.replace("\n", "\n  "), start=timestamp(start)
    )
