"""The time lens as a page: a run's times, and how far back one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    # It brings the readers of tables, which load when the page is first opened.
    from clinseek_replay.lens import Lens

__all__ = ["LensPage"]


class LensPage(NamedTuple):
    """What the pane shows."""

    lens: Lens
    span: int
    """Index in SPANS."""

    @property
    def minutes(self) -> int | None:
        """How far back; None for all."""
        from clinseek_replay.lens_lines import SPANS  # noqa: PLC0415 -- see above

        return SPANS[self.span][1]

    @property
    def words(self) -> str:
        """The same in words."""
        from clinseek_replay.lens_lines import SPANS  # noqa: PLC0415 -- see above

        name, minutes = SPANS[self.span]
        return "all times" if minutes is None else f"{name} before the cutoff"
