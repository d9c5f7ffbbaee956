"""The context pane: what the model had before it when it wrote the turn, one row a message."""

from __future__ import annotations

from clinseek_core.journal.events import Table
from clinseek_replay.context import Context, SeenMessage, context_at
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.view.blocks import Block, Document
from clinseek_tui.view.documents import given_back, turn

__all__ = ["context_head", "context_table", "message_page", "seen_before"]

_TOKEN = 4
"""Characters of a token, roughly: where an endpoint has not counted them."""


def context_head(trajectory: Trajectory, context: Context, step: int) -> Document:
    """How much it was, how surely that is known, and what was cut or had left it."""
    count = len(context.messages)
    usage = trajectory.steps[step].usage if step < len(trajectory.steps) else None
    tokens = (
        f"{usage.input_tokens:,} tokens as the endpoint counted them"
        if usage
        else f"some {context.characters // _TOKEN:,} tokens"
    )
    blocks = [
        Block(f"{count} messages, {context.characters:,} characters, {tokens}", "strong"),
        Block(context.why, "plain" if context.exact else "accent"),
    ]
    cut = sum(1 for message in context.messages if message.cut)
    if cut:
        blocks.append(
            Block(f"✂ of {cut} results it got only the head: {context.cut:,} characters less", "accent")
        )
    if context.gone:
        blocks.append(Block(f"− {len(context.gone)} results had left the context by then", "accent"))
    if trajectory.tools:
        blocks.append(Block(f"and {len(trajectory.tools)} tools were offered", "dim"))
    return tuple(blocks)


def _rows_of_context(context: Context) -> tuple[SeenMessage, ...]:
    """The messages in the order of their rows: those that had left the context stand where they were."""
    return tuple(sorted((*context.messages, *context.gone), key=_order))


def seen_before(
    trajectory: Trajectory, messages: tuple[SeenMessage, ...], step: int
) -> tuple[SeenMessage, ...]:
    """The messages that a row of the context pane stands for."""
    return _rows_of_context(context_at(trajectory, messages, step))


def context_table(context: Context) -> Table:
    """A row for each message."""
    gone = {_order(message) for message in context.gone}
    rows = tuple(
        (
            "−" if _order(message) in gone else "✂" if message.cut else "",
            message.role,
            message.anchor,
            message.characters,
            message.cut or "",
            message.head,
        )
        for message in _rows_of_context(context)
    )
    columns = ("", "role", "from", "characters", "cut", "begins")
    return Table(columns=columns, rows=rows, total=len(rows))


def message_page(trajectory: Trajectory, message: SeenMessage) -> Document:
    """One message in full."""
    if message.step < 0:
        return (Block(trajectory.prompt[message.index][1], field="case"),)
    step = trajectory.steps[message.step]
    if message.index >= 0:
        return given_back(step.calls[message.index])
    if message.role != "assistant":
        return tuple(Block(note.text) for note in step.notes if note.kind == "nudge")
    calls = (
        Block(f"{call.name} {call.raw_arguments or call.arguments}", label=call.anchor) for call in step.calls
    )
    return (*turn(step), *calls)


def _order(message: SeenMessage) -> tuple[int, int, str]:
    return message.step, message.index, message.role
