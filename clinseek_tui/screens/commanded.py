"""What is written on the command line, or asked for by a key: places, breakpoints, marks, filters, files."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, work

from clinseek_core.errors import ClinseekError, InputError
from clinseek_replay.raw_bytes import recording_file
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.background import made
from clinseek_tui.keys import Command, Need, words
from clinseek_tui.screens.analysed import AnalysedScreen
from clinseek_tui.screens.binding import asking_keys, bound
from clinseek_tui.view.filtering import shown_rows
from clinseek_tui.view.finding import Finding, find
from clinseek_tui.view.rows import Row, rows_of
from clinseek_tui.view.telling import breakpoints_page, file_name, marks_page

if TYPE_CHECKING:
    from clinseek_replay.cursor import BreakHit, Breakpoint
    from clinseek_replay.filtering import Filter
    from clinseek_replay.source import RunSource
    from clinseek_tui.view.command_line import Around, Choice
    from clinseek_tui.widgets.prompt import Prompt

__all__ = ["CommandedScreen"]

_DIGITS = 10


class CommandedScreen(AnalysedScreen):
    """Asks for lines and does what they say."""

    def __init__(self, source: RunSource, step: int | None = None, ehr: Path | None = None) -> None:
        super().__init__(source, step, ehr)
        self.commands: tuple[Command, ...] = ()
        """The commands with the keys that are in force."""
        self._asking: dict[str, str] = {}
        self.prompt: Prompt | None = None
        """The line that is asked for, where one is."""
        self.breakpoints: tuple[Breakpoint, ...] = ()
        """Where `go_on` stops."""
        self._running_on = asyncio.Lock()
        self._asked_for = ""
        self._history: dict[str, list[str]] = {}

    def use_keys(self, commands: tuple[Command, ...]) -> None:
        """Bind the keys of the commands; those that ask are kept with what they ask for."""
        self.commands = commands
        self.set_reactive(CommandedScreen.looking, self.looking._replace(commands=commands))
        self._bindings = bound(commands, self._bindings)
        for key, action in asking_keys(commands):
            self._asking[key] = action.removeprefix("ask('").removesuffix("')")

    def has(self) -> set[Need]:
        """What there is now for commands to work on."""
        raise NotImplementedError

    def _may_ask(self, word: str) -> bool:
        """Whether what a word does can be done now; without a word any command can be written."""
        asking = (command for command in self.commands if any(each.word == word for each in command.words))
        command = next(asking, None)
        return command is None or command.enabled(self.has())

    async def on_key(self, event: events.Key) -> None:
        """Let a line that is asked for begin with the key that asks, however fast the next ones come.

        A key's binding is looked for only after it has passed the screen, and by then more keys may wait.
        """
        if self.prompt is not None:
            # The field takes what is typed into it: what comes here was typed before it had the focus.
            if event.is_printable and event.character:
                self.prompt.field.insert_text_at_cursor(event.character)
                event.stop()
        elif event.key in self._asking and self._may_ask(self._asking[event.key]):
            event.stop()
            await self.action_ask(self._asking[event.key])

    async def action_ask(self, word: str) -> None:
        """Ask for what a word takes; for a whole command where there is no word."""
        # Input, and what may be typed, load only when they are needed.
        from clinseek_tui.view.command_line import choices  # noqa: PLC0415
        from clinseek_tui.widgets.prompt import Prompt  # noqa: PLC0415

        if self.prompt is not None:
            return
        around = self._around()
        head = f"{word} " if word else ""

        def offered(typed: str) -> Sequence[Choice]:
            lines = choices(head + typed, around)
            return [choice._replace(line=choice.line.removeprefix(head)) for choice in lines]

        self._asked_for = word
        hint = words()[word][0].hint if word else "a command"
        self.prompt = Prompt(hint, offered, self._history.get(word, ()), self.begun_line(word))
        # At once and not by messages: what is typed next belongs to it already.
        await self.mount(self.prompt)
        self.set_focus(self.prompt.field)

    def begun_line(self, word: str) -> str:  # noqa: ARG002 -- of the word that asks
        """What stands already in a line that is asked for."""
        return ""

    async def on_prompt_asked(self, message: Prompt.Asked) -> None:
        """Do what was asked."""
        self.close_prompt()
        asked = self._history.setdefault(self._asked_for, [])
        if message.text.strip() and message.text not in asked[-1:]:
            asked.append(message.text)
        await self.do(f"{self._asked_for} {message.text}")

    def give_up_waiting(self) -> None:
        """End what is waited for."""
        for group in ("search", "filter", "stop", "why"):
            self.workers.cancel_group(self, group)

    def close_prompt(self) -> None:
        """End asking."""
        if self.prompt is not None:
            self.prompt.remove()
            self.prompt = None
            self.set_focus(None)

    async def do(self, line: str) -> None:
        """Do what a line of the command line says."""
        from clinseek_tui.view.command_line import read_line  # noqa: PLC0415 -- see action_ask

        try:
            spoken = read_line(line)
            if spoken is None:
                return
            word, argument = spoken
            if not words()[word.word][1].enabled(self.has()):
                raise InputError(f"{word.word}: there is nothing for it to do here")
            if word.takes:
                getattr(self, f"action_{word.action}")(argument)
            else:
                await self.run_action(word.action)
        except ClinseekError as error:
            self.tell(error)

    def _around(self) -> Around:
        from clinseek_tui.view.command_line import Around  # noqa: PLC0415 -- see action_ask

        return Around(
            has=self.has(),
            commands=self.commands,
            marks=self._marks,
            breakpoints=lambda: [each.text for each in self.breakpoints],
            tools=lambda: self.run.tools,
            runs=lambda: self.source.labels,
        )

    def action_find(self, needle: str) -> None:
        """Search the run."""
        self.looking = self.looking.searching(needle)
        if needle:
            self._search(needle)

    @work(group="search", exclusive=True)
    async def _search(self, needle: str) -> None:
        row = self.looking.row
        try:
            self._found(await made(lambda run: find(run, needle, row), self.run))
        except ClinseekError as error:
            self.tell(error)

    def _found(self, finding: Finding) -> None:
        """Go to what was found, unless the search was closed in the meantime."""
        if self.looking.finding == Finding(finding.needle, under_way=True):
            self.looking = self.looking.found(finding)
            self._reveal()

    def action_hit(self, by: int) -> None:
        """The next hit or the one before."""
        self.looking = self.looking.hit(by)
        self._reveal()

    def _reveal(self) -> None:
        if self.looking.finding.hits:
            self.call_after_refresh(self.frame.call.reveal, self.looking.finding)

    def action_go_to(self, anchor: str) -> None:
        """A place by its anchor."""
        from clinseek_replay.cursor import read_anchor  # noqa: PLC0415 -- see _stop_of

        if anchor:
            self.go_to(read_anchor(anchor))

    def action_filter(self, text: str) -> None:
        """Show only some rows of the timeline; all of them where nothing is written."""
        from clinseek_replay.filtering import read_filter  # noqa: PLC0415 -- see action_ask

        if text:
            self._filter(read_filter(text))
        else:
            self.looking = self.looking.filtered(None, rows_of(self.run))

    @work(group="filter", exclusive=True)
    async def _filter(self, wanted: Filter) -> None:
        signs = self.looking.signs
        rows = await self.waited_for("filtering; esc ends it", lambda run: shown_rows(run, wanted, signs))
        if rows is not None:
            self.looking = self.looking.filtered(wanted, rows)

    def action_set_break(self, text: str) -> None:
        """Set a breakpoint; take it away where it is set; tell which there are where none is written."""
        from clinseek_replay.cursor import read_breakpoint, undecided  # noqa: PLC0415 -- see _stop_of

        if not text:
            self.action_breaks()
            return
        wanted = read_breakpoint(text)
        if wanted in self.breakpoints:
            self.breakpoints = tuple(each for each in self.breakpoints if each != wanted)
            self.notify(f"{wanted.text}: taken away", markup=False)
        else:
            self.breakpoints = (*self.breakpoints, wanted)
            missing = "".join(f"; {each.reason}" for each in undecided(self.run, (wanted,)))
            self.notify(f"{wanted.text}: c runs on to it, C back{missing}", markup=False)
        self.show_standing()

    def action_breaks(self) -> None:
        """The breakpoints that are set, and those there are."""
        from clinseek_replay.cursor import KINDS  # noqa: PLC0415 -- see _stop_of

        page = breakpoints_page([each.text for each in self.breakpoints], [(k.form, k.says) for k in KINDS])
        self.looking = self.looking.telling("breakpoints", page)
        self.frame.read(self.frame.call.body)

    def action_go_on(self, direction: int) -> None:
        """Run on to the next stop, or back to the one before."""
        if self.breakpoints:
            self._run_on(direction)

    @work(group="stop")
    async def _run_on(self, direction: int) -> None:
        # One after the other: the next stop is looked for from where the one before led.
        async with self._running_on:
            row, breakpoints = self.looking.row, self.breakpoints
            hit = await self.waited_for(
                "running on; esc ends it", lambda run: (_stop_of(run, row, breakpoints, direction),)
            )
            if hit is not None:
                self._stop_at(hit[0], direction)

    def _stop_at(self, hit: BreakHit | None, direction: int) -> None:
        if hit is None:
            self.notify(f"no stop {'after' if direction > 0 else 'before'} this place", markup=False)
            return
        why = "; ".join(f"{reason.breakpoint}: {reason.why}" for reason in hit.reasons)
        self.looking = self.looking.stopped(hit.cursor.step, hit.cursor.call, why)
        self.call_after_refresh(self.frame.call.go_to, hit.reasons[0].place)

    def action_mark(self, name: str) -> None:
        """Name the place one is at."""
        from clinseek_replay.cursor.marks import mark  # noqa: PLC0415 -- see _stop_of

        if not self.looking.anchor:
            raise InputError("a call or a turn can be marked; here is none")
        made_ = mark(recording_file(self.run), self.run, name, self.looking.anchor, author=_author())
        self.notify(f"{made_.name} is {made_.anchor}; ' goes there", markup=False)

    def action_unmark(self, name: str) -> None:
        """Take a mark away."""
        from clinseek_replay.cursor.marks import unmark  # noqa: PLC0415 -- see _stop_of

        unmark(recording_file(self.run), self.run, name, author=_author())
        self.notify(f"{name}: taken away", markup=False)

    def action_go_to_mark(self, name: str) -> None:
        """Go to a place that was named; tell which there are where no name is written."""
        from clinseek_replay.cursor import read_anchor  # noqa: PLC0415 -- see _stop_of

        marks = dict(self._marks())
        if not name:
            self.looking = self.looking.telling("marks", marks_page(self._marks()))
            self.frame.read(self.frame.call.body)
        elif name in marks:
            self.go_to(read_anchor(marks[name]))
        else:
            raise InputError(f"there is no mark {name!r}; there are {', '.join(marks) or 'none'}")

    def _marks(self) -> Sequence[tuple[str, str]]:
        from clinseek_replay.cursor.marks import marks_of, read_marks  # noqa: PLC0415 -- see _stop_of

        try:
            marks = marks_of(self.run, read_marks(recording_file(self.run)))
        except InputError:
            return ()
        return [(each.name, each.anchor) for each in marks]

    def action_go_run(self, wanted: str) -> None:
        """Look at the run of that qid, or of that number."""
        labels = self.source.labels
        named = [index for index, label in enumerate(labels) if label.split(" ")[0] == wanted]
        number = int(wanted) - 1 if wanted.isdecimal() and len(wanted) < _DIGITS else -1
        index = named[0] if named else number
        if not 0 <= index < len(labels):
            raise InputError(f"{wanted!r} is no run; there are {len(labels)}, numbered from 1")
        self.open_run(index)

    def open_run(self, index: int) -> None:
        """Look at another run."""
        raise NotImplementedError

    def show_standing(self) -> None:
        """Show again which keys do something now."""
        raise NotImplementedError

    def action_export(self, argument: str) -> None:
        """Write the screen to a file: `svg` or `text`, and its name."""
        what, _, name = argument.partition(" ")
        if what not in _EXPORTS:
            raise InputError(f"export {argument}: write export svg or export text, and a file's name")
        suffix, make = _EXPORTS[what]
        path = Path(name.strip() or file_name(self.run, self.looking.anchor, suffix)).expanduser()
        try:
            # A file that is there is somebody's: it is never written over.
            with path.open("x", encoding="utf-8", errors="surrogateescape") as file:
                file.write(make(self))
        except OSError as error:
            raise InputError(f"{path}: can't be written ({error.strerror}); name another file") from error
        self.notify(f"written to {path}", markup=False)


def _picture(screen: CommandedScreen) -> str:
    return screen.app.export_screenshot()


def _text(screen: CommandedScreen) -> str:
    lines = screen._compositor.render_strips()
    return "".join(f"{strip.text.rstrip()}\n" for strip in lines)


_EXPORTS: dict[str, tuple[str, Callable[[CommandedScreen], str]]] = {
    "svg": ("svg", _picture),
    "text": ("txt", _text),
}


def _author() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"


def _stop_of(run: Trajectory, row: Row, breakpoints: Sequence[Breakpoint], direction: int) -> BreakHit | None:
    """The next stop after a row of the timeline, or the last one before it."""
    # Breakpoints bring the readers of tables and the search for gold: they load where one first runs on.
    from clinseek_replay.cursor import Cursor, hits, run_backward, run_forward  # noqa: PLC0415

    if row.kind == "case":
        return next(hits(run, breakpoints), None) if direction > 0 else None
    if row.kind == "end":
        end = Cursor(step=len(run.steps))
        return run_backward(run, end, breakpoints) if direction < 0 else None
    call = row.call if row.kind == "call" else None
    if direction > 0:
        return run_forward(run, Cursor(step=row.step, call=call), breakpoints)
    # A turn and its first call are one row: back from there is before the turn.
    return run_backward(run, Cursor(step=row.step, call=call or None), breakpoints)
