"""What the screens over many runs have in common: pages of text, a line that asks, keys that work now."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import events
from textual.screen import Screen

from clinseek_core.errors import ClinseekError, InputError
from clinseek_replay.many import map_runs
from clinseek_replay.recordings import Recordings
from clinseek_replay.source import RecordedSource
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.app import ScreenApp
from clinseek_tui.background import streamed
from clinseek_tui.keys import COMMANDS, Command, Need
from clinseek_tui.list_keys import listed_command
from clinseek_tui.screens.binding import asking_keys, bound
from clinseek_tui.view.blocks import Block, Document
from clinseek_tui.view.help import help_page
from clinseek_tui.widgets.footer import Footer
from clinseek_tui.widgets.reader import Reader

if TYPE_CHECKING:
    from clinseek_tui.widgets.prompt import Prompt

__all__ = ["REST", "ListedScreen", "lines_page"]

REST = 10
"""How many times as long as a look or a painting took there is rest before the next."""
_NO_RUN = Trajectory(run_id="", source="", format="")

T = TypeVar("T")


def lines_page(lines: Iterable[str]) -> Document:
    """Lines of plain text as a page."""
    return tuple(Block(line) for line in lines)


class ListedScreen(Screen[None]):
    """Runs of recordings; `COMMANDS_HERE` are its commands."""

    COMMANDS_HERE: ClassVar[tuple[Command, ...]] = ()

    DEFAULT_CSS = """
    ListedScreen {
        background: $background;
        layers: base over;
        .page { display: none; }
        &.-page .page { display: block; }
        &.-page .content { display: none; }
    }
    """

    def __init__(self, recordings: Recordings, ehr: Path | None = None) -> None:
        super().__init__()
        self.recordings = recordings
        """The runs."""
        self.ehr = ehr
        """Where the record lies, if not where a recording says."""
        self.page = Reader(classes="page")
        """A page over what the screen shows else."""
        self.footer = Footer()
        self.prompt: Prompt | None = None
        """The line that is asked for, where one is."""
        self.page_open = False
        """Whether the page is shown."""
        self._bindings = bound(self.COMMANDS_HERE, self._bindings)
        self._asking = dict(asking_keys(self.COMMANDS_HERE))

    def has(self) -> set[Need]:
        """What there is now for commands to work on."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Whether a key does anything now: what its command needs must be there."""
        command = listed_command(action, self.COMMANDS_HERE)
        return command is None or command.enabled(self.has())

    async def on_key(self, event: events.Key) -> None:
        """Let a line that is asked for begin with the key that asks: what is typed after it is no command.

        A key's binding is looked for only after it has passed the screen, and by then more keys may wait.
        """
        if self.prompt is not None:
            if event.is_printable and event.character:
                self.prompt.field.insert_text_at_cursor(event.character)
                event.stop()
            return
        action = self._asking.get(event.key)
        if action is not None and self.check_action(action.partition("(")[0], ()):
            event.stop()
            await self.run_action(action)

    async def looked_into(
        self, positions: Sequence[int], look: Callable[[Trajectory], T]
    ) -> AsyncGenerator[list[tuple[int, T | InputError]], None]:
        """What is told of runs, some at a time and beside the keys; the caller closes it.

        An error of ours is told, and ends it.
        """
        recordings, given_up = self.recordings, threading.Event()

        def outcomes(_: Trajectory) -> Iterator[tuple[int, T | InputError]]:
            with contextlib.closing(map_runs(recordings, positions, look)) as found:  # type: ignore[type-var]
                for outcome in found:
                    if given_up.is_set():
                        return
                    yield outcome

        try:
            async with contextlib.aclosing(streamed(outcomes, _NO_RUN)) as found:
                async for some in found:
                    begun = time.monotonic()
                    yield some
                    await asyncio.sleep(REST * (time.monotonic() - begun))
        except ClinseekError as error:
            self.tell(error)
        finally:
            given_up.set()

    def show_keys(self) -> None:
        """Name the keys that do something now."""
        has = self.has()
        self.footer.commands = tuple(c for c in self.COMMANDS_HERE if c.footer and c.enabled(has))

    def tell(self, error: ClinseekError) -> None:
        """Tell what went wrong; all else stays as it was."""
        self.notify(str(error), severity="error", markup=False)

    def open_page(self, document: Document) -> None:
        """Show a page over the screen."""
        self.page_open = True
        self.set_class(True, "-page")
        self.page.show(document)
        self.show_keys()

    def close_page(self) -> None:
        """Show the screen again."""
        self.page_open = False
        self.set_class(False, "-page")
        self.show_keys()

    async def ask(self, hint: str) -> None:
        """Ask for a line; `Prompt.Asked` brings it."""
        from clinseek_tui.widgets.prompt import Prompt  # noqa: PLC0415 -- Input loads when it is needed

        if self.prompt is None:
            self.prompt = Prompt(hint)
            await self.mount(self.prompt)
            self.set_focus(self.prompt.field)
            self.show_keys()

    def close_prompt(self) -> None:
        """End asking."""
        if self.prompt is not None:
            self.prompt.remove()
            self.prompt = None
            self.set_focus(None)
            self.show_keys()

    def open_run(self, index: int) -> None:
        """Look into a run; leaving it comes back here."""
        # These load with the first run that is opened.
        from clinseek_tui.keymap import with_keys  # noqa: PLC0415
        from clinseek_tui.screens.opened_run import OpenedRun  # noqa: PLC0415

        keys = self.app.configuration.keys if isinstance(self.app, ScreenApp) else {}
        commands = with_keys(keys) if keys else COMMANDS
        try:
            opened = OpenedRun(RecordedSource(self.recordings, index), ehr=self.ehr, commands=commands)
            self.app.push_screen(opened)
        except ClinseekError as error:
            self.tell(error)

    def action_help(self) -> None:
        """The keys, or back."""
        if self.page_open:
            self.close_page()
        else:
            self.open_page(help_page(self.COMMANDS_HERE))
