"""The loop: look at what the journal holds, do the next thing, write it down, until the run ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clinseek_core.agent.approval import AskedCall, Decision, changed, decided, refusal
from clinseek_core.agent.calls import answer_call
from clinseek_core.agent.control import Control, StoppedError
from clinseek_core.agent.conversation import advance, fold, past_calls
from clinseek_core.agent.images import load_images
from clinseek_core.agent.progress import Asking, CallState, Progress
from clinseek_core.agent.prompt import NUDGE, opening
from clinseek_core.agent.results import stored
from clinseek_core.agent.text_answer import text_answer
from clinseek_core.errors import InputError, ModelError
from clinseek_core.journal import (
    CallRequest,
    End,
    Event,
    Header,
    JournalWriter,
    Nudge,
    Observation,
    Prompt,
    Retry,
    Turn,
)
from clinseek_core.models import ChatModel, ModelProgress, Retrying
from clinseek_core.tools import Remembering, Toolbox, ToolResult

__all__ = ["MAX_NUDGES", "run"]

MAX_NUDGES = 2
"""In a row: a model that makes no call after as many won't."""


def run(
    journal: JournalWriter,
    model: ChatModel,
    toolbox: Toolbox,
    control: Control,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    case_folder: Path = Path(),
    curated: str = "",
) -> End:
    """Carry the run of `journal` on to its end, from wherever it stands, and return that end.

    `case_folder` is where relative paths of the case's images start; `curated` is what a run without tools is
    given of the record. A run that ended by an error of its
    endpoint or by a stop lost nothing: `JournalWriter.resume` and this go on with it. An interrupt
    (KeyboardInterrupt) counts as a stop. Raises InputError where the case's images or the journal's own
    files can't be read, and where a toolbox can't be brought back to where it was.
    """
    going = _Run(
        journal, model, toolbox, control, on_progress=on_progress, case_folder=case_folder, curated=curated
    )
    return going.to_end()


class _Run:
    def __init__(
        self,
        journal: JournalWriter,
        model: ChatModel,
        toolbox: Toolbox,
        control: Control,
        *,
        on_progress: Callable[[Progress], None],
        case_folder: Path,
        curated: str,
    ) -> None:
        header = journal.events[0] if journal.events else None
        if not isinstance(header, Header):
            raise InputError("the journal has no header; make it with JournalWriter.create")
        self._header = header
        self._journal = journal
        self._model = model
        self._toolbox = toolbox
        self._control = control
        self._on_progress = on_progress
        self._case_folder = case_folder
        self._curated = curated
        self._state = fold(journal.events, journal.read_body)
        if isinstance(toolbox, Remembering):
            toolbox.restore(past_calls(journal.events, journal.read_body))

    def to_end(self) -> End:
        try:
            while self._state.end is None:
                self._do_next()
        except (StoppedError, KeyboardInterrupt):
            self._end("stopped", "stopped_by_user")
        except ModelError as error:
            if error.kind == "cancelled":
                self._end("stopped", "stopped_by_user")
            else:
                self._end("error", error.kind, message=str(error))
        assert self._state.end is not None  # noqa: S101 - every way out of the try sets it
        return self._state.end

    def _do_next(self) -> None:
        state = self._state
        if not state.messages:
            self._open()
        elif state.pending:
            self._answer_calls()
        elif state.answer is not None:
            self._end("answered", "finish", answer=state.answer)
        elif state.silent and state.nudges >= self._nudges:
            self._end_silent()
        elif state.step >= self._header.limits.max_rounds:
            self._end("no_answer", "max_rounds")
        elif state.silent:
            self._record(Nudge, step=state.step, text=NUDGE)
        else:
            self._ask()

    @property
    def _nudges(self) -> int:
        return 0 if self._header.text_answers == "at_once" else MAX_NUDGES

    def _end_silent(self) -> None:
        """The model calls nothing any more: its last words are the answer where a run takes them for one."""
        turn = self._state.turn
        taken = self._header.text_answers != "never" and turn is not None
        answer = text_answer(turn.text, turn.reasoning) if taken and turn is not None else None
        if answer is None:
            self._end("no_answer", "no_call")
        else:
            self._end("answered", "text_answer", answer=answer)

    def _open(self) -> None:
        case, limits = self._header.case, self._header.limits
        images = load_images(case, self._header.policy, self._case_folder, limits.max_image_edge)
        refs = tuple(self._journal.store_image(image.data, image.media_type, image.label) for image in images)
        self._record(Prompt, messages=opening(case, self._toolbox.specs, refs, self._curated))

    def _ask(self) -> None:
        self._control.checkpoint()
        step = self._state.step + 1
        self._on_progress(Asking(step))
        start = time.perf_counter()
        reply = self._model.reply(
            self._state.messages,
            self._toolbox.specs,
            on_progress=self._on_model_progress,
            cancelled=self._control,
        )
        self._record(
            Turn,
            step=step,
            text=reply.text,
            reasoning=reply.reasoning,
            calls=reply.calls,
            finish_reason=reply.finish_reason,
            usage=reply.usage,
            ms=_ms_since(start),
        )

    def _on_model_progress(self, progress: ModelProgress) -> None:
        if isinstance(progress, Retrying):
            self._record(Retry, step=self._state.step + 1, reason=progress.reason, wait_s=progress.wait_s)
        self._on_progress(progress)

    def _answer_calls(self) -> None:
        """Answer the pending calls of the last turn, one after another; a stop leaves the rest pending."""
        pending, step, turn = self._state.pending, self._state.step, self._state.turn
        first = self._state.observed + 1
        for number, call in enumerate(pending, first):
            self._on_progress(CallState(step, number, call.name, "queued"))
        for number, call in enumerate(pending, first):
            if self._control.stopped:
                raise StoppedError
            self._on_progress(CallState(step, number, call.name, "running"))
            start = time.perf_counter()
            cut_off = turn is not None and turn.finish_reason == "length"
            decision = self._control.approve(AskedCall(step, number, call))
            result = self._answered(call, decision, cut_off=cut_off)
            self._record(
                Observation,
                step=step,
                call=number,
                tool_call_id=call.id,
                name=call.name,
                ms=_ms_since(start),
                decided="" if decision.what == "run" else decision.what,
                arguments=decision.arguments if decision.what == "edit" else None,
                **stored(result, self._header.limits.max_result_characters, self._journal),
            )

    def _answered(self, call: CallRequest, decision: Decision, *, cut_off: bool) -> ToolResult:
        if decision.what == "refuse":
            return refusal(decision)
        result = answer_call(decided(call, decision), self._toolbox, cut_off=cut_off)
        return changed(result, decision) if decision.what == "edit" else result

    def _end(self, status: str, stop_reason: str, **fields: Any) -> None:
        self._record(End, status=status, stop_reason=stop_reason, **fields)

    def _record(self, kind: type[Event], **fields: Any) -> None:
        event = self._journal.append(kind, **fields)
        self._state = advance(self._state, event, self._journal.read_body)


def _ms_since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 1)
