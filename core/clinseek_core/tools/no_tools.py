"""The toolbox of a run that has none: all it may know stands in its prompt."""

from __future__ import annotations

from typing import Any

from clinseek_core.tools.spec import ToolResult, ToolSpec

__all__ = ["NoTools"]


class NoTools:
    """A Toolbox that offers nothing."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """None."""
        return ()

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:  # noqa: ARG002 - a Toolbox's
        """Say that there are none."""
        return ToolResult(status="error", text="Error: there are no tools in this run; answer in words.")
