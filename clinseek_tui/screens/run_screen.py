"""What every part of the debugger's screen stands on: the run looked at, and going to places of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from textual.reactive import var
from textual.screen import Screen

from clinseek_core.errors import ClinseekError, InputError
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.background import made
from clinseek_tui.view.looking import Looking, Page, look
from clinseek_tui.widgets.frame import Frame

if TYPE_CHECKING:
    from clinseek_replay.finding import Place
    from clinseek_replay.source import RunSource

__all__ = ["RunScreen"]

T = TypeVar("T")
_NOWHERE = look(Trajectory(run_id="", source="", format=""))


class RunScreen(Screen[None]):
    """One run of a source at a time; `looking` says where in it one is."""

    looking: var[Looking] = var(_NOWHERE, init=False)
    """Where one looks; what the screen shows follows from it."""

    def __init__(self, source: RunSource, step: int | None = None, ehr: Path | None = None) -> None:
        super().__init__()
        self.ehr = ehr
        """Where the record lies, if not where the recording says."""
        self.source = source
        """Where runs come from."""
        run = source.select(source.position)
        self.set_reactive(RunScreen.looking, look(run, source.mode != "replay", step))
        self.frame = Frame()
        """The panes."""

    @property
    def run(self) -> Trajectory:
        """The run looked at."""
        return self.looking.trajectory

    def tell(self, error: ClinseekError) -> None:
        """Tell what went wrong; all else stays as it was."""
        self.notify(str(error), severity="error", markup=False)

    async def waited_for(self, what: str, analysis: Callable[[Trajectory], T]) -> T | None:
        """What an analysis makes of the run, told by `what` meanwhile; None, and why, where it can't."""
        self.looking = self.looking._replace(waiting=what)
        try:
            return await made(analysis, self.run)
        except ClinseekError as error:
            self.tell(error)
            return None
        finally:
            self.looking = self.looking._replace(waiting="")

    def open_page(self, page: Page) -> None:
        """Open a page over the call, or close it where it is open, and read it."""
        self.looking = self.looking.opened(page)
        if self.looking.page:
            self.frame.read(self.frame.call.body)

    def go_to(self, place: Place) -> None:
        """Go to a place of the run and bring it into view."""
        from clinseek_replay.cursor import at_place  # noqa: PLC0415 -- loads where one first goes to a place

        try:
            cursor = at_place(self.run, place)
        except InputError as error:
            self.tell(error)
            return
        self.looking = self.looking.at_place(place, cursor.step)
        self.frame.read(self.frame.call.body)
        self.call_after_refresh(self.frame.call.go_to, place)
