"""The agent loop: a case, a model and tools in, a journal out."""

from clinseek_core.agent.calls import answer_call
from clinseek_core.agent.control import Control, StoppedError
from clinseek_core.agent.conversation import State, advance, fold
from clinseek_core.agent.finish import FINISH, read_answer
from clinseek_core.agent.loop import MAX_NUDGES, run
from clinseek_core.agent.progress import Asking, CallState, Progress
from clinseek_core.agent.prompt import NUDGE, opening

__all__ = [
    "FINISH",
    "MAX_NUDGES",
    "NUDGE",
    "Asking",
    "CallState",
    "Control",
    "Progress",
    "State",
    "StoppedError",
    "advance",
    "answer_call",
    "fold",
    "opening",
    "read_answer",
    "run",
]
