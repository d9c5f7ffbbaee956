"""The tools an agent has: their specifications, and a toolbox that answers calls."""

from clinseek_core.tools.spec import Picture, Toolbox, ToolResult, ToolSpec, tools_info

__all__ = ["Picture", "ToolResult", "ToolSpec", "Toolbox", "tools_info"]
