"""The tools an agent has: their specifications, and a toolbox that answers calls."""

from clinseek_core.tools.no_tools import NoTools
from clinseek_core.tools.spec import (
    PastCall,
    Picture,
    Remembering,
    Toolbox,
    ToolResult,
    ToolSpec,
    tools_info,
)
from clinseek_core.tools.together import Together

__all__ = [
    "NoTools",
    "PastCall",
    "Picture",
    "Remembering",
    "Together",
    "ToolResult",
    "ToolSpec",
    "Toolbox",
    "tools_info",
]
