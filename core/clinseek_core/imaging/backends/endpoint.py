"""A vision model behind an OpenAI-compatible endpoint: it writes reports, and boxes for phrases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from clinseek_core.errors import ModelError
from clinseek_core.imaging.at_hand import FilmsAtHand
from clinseek_core.imaging.backends.arguments import phrase_of
from clinseek_core.imaging.backends.checked import boxes_in, json_in, report_of
from clinseek_core.imaging.backends.port import Answer, BackendError, BackendName
from clinseek_core.imaging.boxes import MAX_BOXES, predictions
from clinseek_core.imaging.of_case import AskedFilm
from clinseek_core.imaging.overlay import draw_boxes
from clinseek_core.models import AssistantMessage, Conversation, Endpoint, Image, SystemMessage, UserMessage
from clinseek_core.models.openai_chat import OpenAIChat, Patience

__all__ = ["ENDPOINT_TOOLS", "EndpointBackend"]

_REPORT, _GROUNDING = "image.chest_xray_report_generator", "image.xray_phrase_grounding"
ENDPOINT_TOOLS = (_REPORT, _GROUNDING)
_EDGE = 1568
"""Pixels of the longer side of the film that is sent: what vision models read without shrinking it."""
_PATIENCE = Patience(tries=2, silence_s=90.0, answer_s=120.0)
_MAX_TOKENS = 2048
_KEPT_RAW = 2_000

_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_SYSTEM = (
    "You read chest radiographs. You say what is to be seen, and nothing else. You answer with JSON alone."
)
_ASK_REPORT = (
    "Write a radiology report of this chest radiograph as JSON: "
    '{"findings": "...", "impression": "..."}. Do not guess at the patient\'s history or at earlier films.'
)
_ASK_BOXES = (
    "Where on this chest radiograph is this to be seen: {phrase}\n"
    'Answer as JSON: {{"boxes": [{{"label": "...", "x1": 0.0, "y1": 0.0, "x2": 0.0, "y2": 0.0}}]}}, with '
    "coordinates as shares of the image's width and height, from its upper left corner; an empty list where "
    "it is not to be seen."
)
_AGAIN = "That can't be used: {why}. Answer again, with JSON alone, in the form that was asked for."


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_SCHEMAS = {
    _REPORT: _object(findings={"type": "string"}, impression={"type": "string"}),
    _GROUNDING: _object(
        boxes={
            "type": "array",
            "maxItems": MAX_BOXES,
            "items": _object(label={"type": "string"}, x1=_SHARE, y1=_SHARE, x2=_SHARE, y2=_SHARE),
        }
    ),
}

_T = TypeVar("_T")


class EndpointBackend:
    """Sends a film to the endpoint that the user named, and checks what comes back."""

    name: BackendName = "endpoint"

    def __init__(self, films: FilmsAtHand, endpoint: Endpoint, patience: Patience = _PATIENCE) -> None:
        self._films = films
        self._endpoint = endpoint
        self._patience = patience

    def answer(self, tool: str, film: AskedFilm, arguments: dict[str, Any]) -> Answer:
        """Answer one call (see Backend); an answer that can't be used is asked for once more."""
        if tool == _REPORT:
            return self._report(film)
        if tool == _GROUNDING:
            return self._boxes(film, phrase_of(arguments))
        raise BackendError("backend_unavailable", f"an endpoint does not answer {tool}")

    def _report(self, film: AskedFilm) -> Answer:
        shown = self._films.show(film, _EDGE)
        report, _ = self._asked(_REPORT, _ASK_REPORT, shown.png, report_of)
        return Answer(output=report, model=self._endpoint.model)

    def _boxes(self, film: AskedFilm, phrase: str) -> Answer:
        shown = self._films.show(film, _EDGE)
        ask = _ASK_BOXES.format(phrase=phrase)
        boxes, raw = self._asked(_GROUNDING, ask, shown.png, lambda value: boxes_in(value, phrase))
        facts = shown.facts
        return Answer(
            output={
                "predictions": predictions(boxes, facts.rows, facts.columns),
                "visualization_path": None,
                "raw_decoded": raw[:_KEPT_RAW],
            },
            model=self._endpoint.model,
            facts={"original_size": [facts.columns, facts.rows]},
            notes=() if boxes else ("nothing was found for the phrase",),
            picture=draw_boxes(shown.png, boxes) if boxes else None,
        )

    def _asked(self, tool: str, ask: str, png: bytes, read: Callable[[Any], _T]) -> tuple[_T, str]:
        """What the model says, read, and its own words."""
        conversation: Conversation = (
            SystemMessage(_SYSTEM),
            UserMessage(ask, (Image("image/png", png, "film"),)),
        )
        chat = self._chat(tool)
        said = self._reply(chat, conversation)
        try:
            return read(json_in(said)), said
        except BackendError as error:
            again = UserMessage(_AGAIN.format(why=str(error).partition(": ")[2]))
        said = self._reply(chat, (*conversation, AssistantMessage(said), again))
        return read(json_in(said)), said

    def _chat(self, tool: str) -> OpenAIChat:
        schema = {"name": tool.rpartition(".")[2], "strict": True, "schema": _SCHEMAS[tool]}
        return OpenAIChat(
            self._endpoint,
            temperature=0.0,
            max_output_tokens=_MAX_TOKENS,
            patience=self._patience,
            response_format={"type": "json_schema", "json_schema": schema},
            needs_images=True,
        )

    def _reply(self, chat: OpenAIChat, conversation: Conversation) -> str:
        try:
            return chat.reply(conversation, (), on_progress=lambda _: None, cancelled=_Never()).text
        except ModelError as error:
            raise BackendError("backend_unavailable", str(error)) from error


class _Never:
    """A StopSignal that does not come: a tool call is finished, within its patience."""

    stopped = False

    def wait(self, seconds: float) -> bool:
        """Wait, and say that no stop came."""
        time.sleep(seconds)
        return False

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:  # noqa: ARG002 - it never is
        """Inside the context, nothing happens."""
        yield
