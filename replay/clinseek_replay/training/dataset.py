"""The data set of many runs: examples in two splits, what was left out and why, and a card of it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.export.files import new_file, new_folder
from clinseek_replay.export.plain_json import json_text
from clinseek_replay.many import map_runs
from clinseek_replay.recordings import Recordings
from clinseek_replay.training.card import Card, card_markdown, card_of
from clinseek_replay.training.example import Example, Wish, example_of
from clinseek_replay.training.parquet import write_parquet
from clinseek_replay.training.splitting import Split, split_of
from clinseek_replay.training.tokens import TokenCount

__all__ = ["TrainingExport", "export_training"]

_SPLITS: tuple[Split, ...] = ("train", "validation")


class TrainingExport(msgspec.Struct, frozen=True, kw_only=True):
    """What was written."""

    card: Card
    files: tuple[Path, ...]


def export_training(
    recordings: Recordings,
    positions: Sequence[int],
    out: Path,
    wish: Wish,
    *,
    tokens: TokenCount,
    seed: int,
    validation_share: float,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> TrainingExport:
    """Write the data set of some runs to a new folder; InputError where there is something in it already."""
    new_folder(out)
    if any(out.iterdir()):
        raise InputError(f"{out}: is not empty; name another --out")
    made = [
        outcome if isinstance(outcome, Example) else _unreadable(recordings, position)
        for position, outcome in map_runs(recordings, positions, _Making(wish), on_progress)
    ]
    judged = _chosen(made, wish, tokens)
    card = card_of(judged, wish, tokens.says, seed, validation_share)
    taken = [(example, count) for example, count in judged if example.reason is None]
    files: list[Path] = []
    for split in _SPLITS:
        of_split = [
            _row(example, count, wish)
            for example, count in taken
            if split_of(example.subject_id or 0, seed, validation_share) == split
        ]
        files += _write_split(out, split, of_split)
    return TrainingExport(card=card, files=(*files, *_write_account(out, judged, card)))


class _Making:
    """`example_of` with its wish, for other processes."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish

    def __call__(self, trajectory: Any) -> Example:
        return example_of(trajectory, self._wish)


def _unreadable(recordings: Recordings, position: int) -> Example:
    entry = recordings.entries[position]
    return Example(
        source=str(entry.path),
        qid=entry.qid,
        task="",
        model="",
        format="",
        subject_id=None,
        reason="unreadable",
    )


def _chosen(made: Iterable[Example], wish: Wish, tokens: TokenCount) -> list[tuple[Example, int]]:
    """Each example with its tokens; the too long, those there already and too many of a task are left out."""
    counted = []
    for example in made:
        count = tokens.of(example.text) if example.reason is None else 0
        long = example.reason is None and count > wish.selection.max_tokens
        kept = msgspec.structs.replace(example, text="") if wish.form == "messages" else example
        counted.append((_without(kept, "too_long") if long else kept, count))
    order = sorted(
        (place for place, (example, _) in enumerate(counted) if example.reason is None),
        key=lambda place: (-(counted[place][0].f1 or 0.0), counted[place][0].digest),
    )
    of_task: Counter[str] = Counter()
    seen: set[str] = set()
    for place in order:
        example, count = counted[place]
        cap = wish.selection.cap_per_task
        if example.digest in seen:
            counted[place] = (_without(example, "twice"), count)
        elif cap is not None and of_task[example.task] >= cap:
            counted[place] = (_without(example, "over_cap"), count)
        else:
            seen.add(example.digest)
            of_task[example.task] += 1
    return counted


def _without(example: Example, reason: str) -> Example:
    return msgspec.structs.replace(example, reason=reason)


def _write_split(out: Path, split: Split, rows: Sequence[dict[str, Any]]) -> list[Path]:
    files = [out / f"{split}.jsonl"]
    with new_file(files[0]) as file:
        file.writelines(json_text(row).encode() + b"\n" for row in rows)
    if rows:
        files.append(out / f"{split}.parquet")
        write_parquet(rows, files[1])
    return files


def _write_account(out: Path, judged: Sequence[tuple[Example, int]], card: Card) -> list[Path]:
    """What was left out or marked, run by run, and the card."""
    files = [out / "left_out.jsonl", out / "card.json", out / "card.md"]
    accounts = (_account(*one) for one in judged if one[0].reason is not None or one[0].marks)
    texts = (
        "".join(f"{json_text(account)}\n" for account in accounts),
        json_text(card, indent=1) + "\n",
        card_markdown(card),
    )
    for path, text in zip(files, texts, strict=True):
        with new_file(path) as file:
            file.write(text.encode())
    return files


def _row(example: Example, count: int, wish: Wish) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": example.digest[:16],
        "qid": example.qid,
        "task": example.task,
        "f1": example.f1,
        "tokens": count,
        "messages": example.messages,
        "tools": example.tools,
    }
    return row if wish.form == "messages" else row | {"text": example.text}


def _account(example: Example, count: int) -> dict[str, Any]:
    """Of a run that was left out, or of one with marked calls: what, and why."""
    return {
        "source": example.source,
        "qid": example.qid,
        "left_out": example.reason,
        "f1": example.f1,
        "tokens": count or None,
        "marked_calls": example.marks,
    }
