"""Several toolboxes as one: the record, the web and the films of a case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clinseek_core.tools.spec import PastCall, Remembering, Toolbox, ToolResult, ToolSpec

__all__ = ["Together"]


class Together:
    """A Toolbox that hands each call to the one of `toolboxes` that offers its tool.

    No two may offer the same name: that is a mistake of the program, and raises ValueError.
    """

    def __init__(self, *toolboxes: Toolbox) -> None:
        self._toolboxes = toolboxes
        self._of = {spec.name: toolbox for toolbox in toolboxes for spec in toolbox.specs}
        if len(self._of) != len(self.specs):
            raise ValueError("two toolboxes offer a tool of the same name")

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """All tools, box after box."""
        return tuple(spec for toolbox in self._toolboxes for spec in toolbox.specs)

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Answer one call by the toolbox that offers `name`, or by the one of its namespace."""
        return self._toolbox(name).call(name, arguments)

    def restore(self, calls: Iterable[PastCall]) -> None:
        """Give each toolbox that remembers its own earlier calls."""
        past = tuple(calls)
        for toolbox in self._toolboxes:
            if isinstance(toolbox, Remembering):
                toolbox.restore(call for call in past if self._of.get(call.name) is toolbox)

    def _toolbox(self, name: str) -> Toolbox:
        family = name.partition(".")[0]
        near = (self._of[spec.name] for spec in self.specs if spec.name.startswith(f"{family}."))
        # A name that nobody knows is told by a toolbox what it offers.
        return self._of.get(name) or next(near, self._toolboxes[0])
