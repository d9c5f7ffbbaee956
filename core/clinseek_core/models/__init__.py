"""Who answers: the port every model implements, and OpenAI-compatible chat endpoints."""

from clinseek_core.models.endpoint import Endpoint, endpoint_from, is_local
from clinseek_core.models.openai_chat import OpenAIChat, Patience
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
    "OpenAIChat",
    "Patience",
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
