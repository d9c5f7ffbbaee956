"""Who answers: the port that every model implements, and where an endpoint is.

`clinseek_core.models.openai_chat` asks OpenAI-compatible endpoints; it brings asyncio and so is imported by
its own name, where it is used.
"""

from clinseek_core.models.endpoint import Endpoint, endpoint_from, is_local
from clinseek_core.models.port import (
    AssistantMessage,
    CallDelta,
    ChatMessage,
    ChatModel,
    Conversation,
    Image,
    ModelProgress,
    ReasoningDelta,
    Reply,
    Retrying,
    StopSignal,
    SystemMessage,
    TextDelta,
    ToolMessage,
    UserMessage,
)

__all__ = [
    "AssistantMessage",
    "CallDelta",
    "ChatMessage",
    "ChatModel",
    "Conversation",
    "Endpoint",
    "Image",
    "ModelProgress",
    "ReasoningDelta",
    "Reply",
    "Retrying",
    "StopSignal",
    "SystemMessage",
    "TextDelta",
    "ToolMessage",
    "UserMessage",
    "endpoint_from",
    "is_local",
]
