"""What the text panes show: the case, what a call asked and got, a turn, the end of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from clinseek_core.errors import InputError
from clinseek_core.journal.events import Table
from clinseek_replay.amounts import duration
from clinseek_replay.index import LazySteps
from clinseek_replay.raw_bytes import Piece, pieces_of
from clinseek_replay.search import argument_texts
from clinseek_replay.sql import laid_out
from clinseek_replay.trajectory import Call, Note, Result, Step, Trajectory
from clinseek_tui.view.answer import answer_blocks
from clinseek_tui.view.blocks import Block, Document, heading, labelled
from clinseek_tui.view.sql import marks
from clinseek_tui.view.words import cutoff, of_characters, patient, policy

__all__ = ["about_case", "about_end", "asked", "broken", "given_back", "in_source", "raw", "record", "turn"]

_SPACE = Block("")
_FAILED = {"error", "refused"}
_NO_STEP = (_SPACE, Block("∅ no step: the model has not answered", "dim"))


def about_case(trajectory: Trajectory) -> Document:
    """Who and what a run was asked about, by whom it is answered, and from where it was read."""
    facts = labelled(
        (
            ("qid", trajectory.qid),
            ("task", trajectory.task),
            ("patient", patient(trajectory)),
            ("cutoff", cutoff(trajectory)),
            ("policy", policy(trajectory)),
            ("model", trajectory.model or "unknown"),
            ("recording", f"{trajectory.source} · {trajectory.format}"),
        )
    )
    question = (_SPACE, heading("question"), Block(trajectory.question or "unknown"))
    return (
        *facts,
        *question,
        *_films(trajectory),
        *_candidates(trajectory),
        *_damage(trajectory),
        *_notes(trajectory.notes),
        *(() if trajectory.steps else _NO_STEP),
        *_prompt(trajectory),
    )


def broken(error: Exception) -> Document:
    """Stands in place of what could not be made ready to be shown, whatever the recording holds."""
    return (
        Block(f"this can't be shown ({type(error).__name__}: {error})", "error"),
        Block("the other panes and steps go on; 7 shows its bytes where they are there", "dim"),
    )


def asked(call: Call) -> Document:
    """The SQL of a call, laid out, with its other arguments under it; or its arguments alone."""
    if call.arguments is None:
        return (
            Block("the arguments are not a JSON object:", "error"),
            Block(call.raw_arguments, field="argument"),
        )
    rest = labelled((pair for pair in argument_texts(call) if pair[1] != call.sql), field="argument")
    if call.sql is None:
        return rest
    neat = laid_out(call.sql)
    return (Block(neat, marks=marks(neat), field="argument"), *rest)


def given_back(call: Call) -> Document:
    """The text of a call's result, or why there is none."""
    result = call.result
    if result is None:
        return (Block("no result yet: none is in the journal", "dim"),)
    if not result.text:
        return (Block("∅ the result is an empty text", "dim"),)
    style = "error" if result.status in _FAILED else "plain"
    return (Block(result.text, style, field="result"), *_cut(result))


def turn(step: Step) -> Document:
    """What the model thought and said in a turn, and what happened beside it."""
    parts = [
        *_headed("reasoning", step.reasoning, "reasoning"),
        *_headed("text", step.text, "text"),
        *_notes(step.notes),
    ]
    return tuple(parts[1:]) or (Block("∅ a turn without reasoning and text", "dim"),)


def raw(step: Step, call: Call | None) -> Document:
    """A call with its arguments and result as they were given; a turn's texts where there is no call."""
    if call is None:
        return (*labelled((("step", step.anchor),)), *_headed("text", step.text or "∅", "text"))
    facts = labelled(
        (
            ("call", call.anchor),
            ("tool", call.name),
            ("as written", call.wire_name),
            ("id", call.id),
            ("status", call.status),
        ),
        field="tool",
    )
    given = call.raw_arguments or json.dumps(call.arguments, ensure_ascii=False, indent=2, default=str)
    result = () if call.result is None else _headed("result", call.result.text or "∅", "result")
    cut = () if call.result is None else _cut(call.result)
    return (*facts, *_headed("arguments", given, "argument"), *result, *cut)


def in_source(trajectory: Trajectory, step: Step) -> Document:
    """The step's bytes as they lie in the recording's file."""
    if not step.raw:
        return (_SPACE, Block("where it lies in the recording's file is not known", "dim"))
    try:
        return tuple(block for piece in pieces_of(trajectory, step) for block in _lying(piece))
    except InputError as error:
        return (_SPACE, Block(str(error), "error"))


def _lying(piece: Piece) -> Document:
    where = heading(f"in the file: {piece.length:,} bytes from byte {piece.offset:,}")
    cut = (Block(f"✂ {piece.cut:,} more bytes", "accent"),) if piece.cut else ()
    return (_SPACE, where, Block(piece.text), *cut)


def record(table: Table, row: int) -> Document:
    """One row of a table, a line for each column, nothing cut."""
    values = zip(table.columns, table.rows[row], strict=False)
    return tuple(
        Block(str(value), label=name, field="row") if value is not None else Block("null", "dim", label=name)
        for name, value in values
    )


def about_end(trajectory: Trajectory) -> Document:
    """The answer against gold, how the run ended, and what of its recording could not be read."""
    return (*answer_blocks(trajectory), *_ending(trajectory), *_damage(trajectory))


def _damage(trajectory: Trajectory) -> Document:
    lines = (Block(entry.reason, "error", label=f"line {entry.line}") for entry in trajectory.damage)
    return (_SPACE, heading("damaged lines"), *lines) if trajectory.damage else ()


def _ending(trajectory: Trajectory) -> Iterator[Block]:
    yield from (_SPACE, heading("end"))
    if not trajectory.ended:
        yield Block("the journal holds no end of this run", "dim")
        return
    style = "error" if trajectory.status == "error" else "plain"
    yield Block(trajectory.status, style, label="status")
    source = trajectory.answer_source if trajectory.answer_source != trajectory.stop_reason else ""
    yield from labelled((("reason", trajectory.stop_reason), ("answer by", source)))
    yield from labelled((("message", trajectory.message),), style)
    if isinstance(trajectory.steps, LazySteps):
        # Every step of a large file would be read for these.
        yield Block("not counted: the recording is large", "dim", label="tokens")
        return
    usage = [step.usage for step in trajectory.steps if step.usage]
    if usage:
        tokens = sum(u.input_tokens for u in usage), sum(u.output_tokens for u in usage)
        yield Block(f"{tokens[0]:,} in, {tokens[1]:,} out", label="tokens")
    waited = sum(step.ms or 0 for step in trajectory.steps)
    if waited:
        yield Block(duration(waited), label="model time")


def _candidates(trajectory: Trajectory) -> Document:
    names = trajectory.candidates
    return (_SPACE, heading(f"candidates ({len(names)})"), *map(Block, names)) if names else ()


def _films(trajectory: Trajectory) -> Document:
    films = sorted(trajectory.films, key=lambda film: film.taken_at or datetime.min)
    lines = (
        Block(film.path, label=f"{film.taken_at:%Y-%m-%d %H:%M}" if film.taken_at else "") for film in films
    )
    return (_SPACE, heading(f"films ({len(films)}), shown by 3"), *lines) if films else ()


def _prompt(trajectory: Trajectory) -> Iterator[Block]:
    for role, text in trajectory.prompt:
        if text != trajectory.question:
            yield from _headed(f"{role} message", text, "case")


def _notes(notes: tuple[Note, ...]) -> Document:
    blocks = (Block(note.text, "plain", label=note.kind, field="note") for note in notes)
    return (_SPACE, heading("notes"), *blocks) if notes else ()


def _headed(title: str, text: str, field: str) -> Document:
    return (_SPACE, heading(title), Block(text, field=field)) if text else ()


def _cut(result: Result) -> Document:
    if result.full_characters <= len(result.text):
        return ()
    return (_SPACE, Block(f"✂ the model got {of_characters(result)}", "accent"))
