"""The triage inbox: the next run without labels, what the rules suggest of it, one key to say what holds."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult

from clinseek_core.errors import InputError
from clinseek_replay.recordings import Recordings
from clinseek_replay.triage import Label, RunTriage, append_labels, read_labels, run_key
from clinseek_replay.triage.inbox import (
    InboxRun,
    Suggestion,
    agreed,
    inbox_run,
    left_of,
    reviewed,
    said,
    taken_back,
    written_code,
)
from clinseek_tui.keys import Command, Need
from clinseek_tui.list_keys import INBOX
from clinseek_tui.screens.listed import ListedScreen
from clinseek_tui.view.inbox import counts_words, run_page, title_words
from clinseek_tui.widgets.line import Said
from clinseek_tui.widgets.reader import Reader

if TYPE_CHECKING:
    from clinseek_tui.widgets.prompt import Prompt

__all__ = ["InboxScreen"]

_ASKS = {"note": "a note, kept with the next label", "code": "a code, and a place: A2, or A2 s12.c1"}

Outcome = InboxRun | InputError


class InboxScreen(ListedScreen):
    """The runs of `recordings` one by one, for `author` to label; labels are kept beside each recording."""

    COMMANDS_HERE: ClassVar[tuple[Command, ...]] = INBOX

    def __init__(self, recordings: Recordings, author: str, ehr: Path | None = None) -> None:
        super().__init__(recordings, ehr)
        self._author = author
        self._runs: dict[int, Outcome] = {}
        self._labels: dict[Path, tuple[Label, ...]] = {}
        self._done: set[tuple[Path, str]] = set()
        self._where: dict[tuple[Path, str], int] = {}
        self._last: tuple[int, Label] | None = None
        self._at = 0
        self._chosen = False
        self._note = ""
        self._asked = ""
        self._title = Said()
        self._body = Reader(classes="content")
        self._counts = Said()

    def compose(self) -> ComposeResult:
        """Title, the run, counts, keys."""
        yield self._title
        yield self._body
        yield self.page
        yield self._counts
        yield self.footer

    def on_mount(self) -> None:
        """Show the first run, and read on."""
        self._show()
        self.call_after_refresh(self._read_on)

    def has(self) -> set[Need]:
        """What there is now for commands to work on."""
        run = self._run if not self.page_open else None
        there: dict[Need, bool] = {
            "run": run is not None,
            "suggestion": run is not None and bool(self._left(run.made)),
            "said": not self.page_open and self._last is not None,
            "open": self.page_open or self.prompt is not None,
        }
        return {need for need, is_there in there.items() if is_there}

    @property
    def _run(self) -> InboxRun | None:
        outcome = self._runs.get(self._at)
        return outcome if isinstance(outcome, InboxRun) else None

    def _of(self, at: int) -> tuple[Label, ...]:
        """The labels beside the recording of that run."""
        path = self.recordings.entries[at].path
        if path not in self._labels:
            self._read_labels(path)
        return self._labels[path]

    def _read_labels(self, path: Path) -> None:
        try:
            labels = read_labels(path).labels
        except InputError as error:
            labels = ()
            self.tell(error)
        self._labels[path] = labels
        own = {each.run for each in labels if each.verdict == "reviewed" and each.author == self._author}
        self._done = {each for each in self._done if each[0] != path} | {(path, run) for run in own}

    def _key(self, at: int, made: RunTriage) -> tuple[Path, str]:
        return self.recordings.entries[at].path, run_key(made)

    def _left(self, made: RunTriage) -> list[Suggestion]:
        return left_of(made, self._of(self._at), self._author)

    def _is_open(self, at: int) -> bool:
        """Whether the run is still to be labelled, as far as that is known."""
        outcome = self._runs.get(at)
        if isinstance(outcome, InboxRun):
            return self._key(at, outcome.made) not in self._done
        return outcome is None

    def _last_said(self) -> tuple[int, Label] | None:
        """What this person said last of any run that was read, and of which."""
        own = (
            (path, label)
            for path, labels in self._labels.items()
            for label in labels
            if label.author == self._author and (path, label.run) in self._where
        )
        path, last = max(own, key=lambda pair: pair[1].at, default=(None, None))
        return None if path is None or last is None else (self._where[path, last.run], last)

    @work(group="read", exclusive=True)
    async def _read_on(self) -> None:
        """Triage every run beside the keys."""
        positions = range(len(self.recordings.entries))
        async with contextlib.aclosing(self.looked_into(positions, inbox_run)) as found:
            async for some in found:
                self._take(some)
                if not self._chosen and not self._is_open(self._at):
                    self._turn(1)
                self._show()

    def _take(self, some: Sequence[tuple[int, Outcome]]) -> None:
        for at, outcome in some:
            self._runs[at] = outcome
            self._of(at)
            if isinstance(outcome, InboxRun):
                self._where.setdefault(self._key(at, outcome.made), at)

    def _turn(self, by: int) -> None:
        """To the next run that is still to be labelled, or the one before; around the ends."""
        total = len(self.recordings.entries)
        others = ((self._at + by * far) % total for far in range(1, total + 1))
        self._at = next(filter(self._is_open, others), self._at)

    def _show(self) -> None:
        """Show the run, what is left to say of it, and the counts."""
        total, outcome = len(self.recordings.entries), self._runs.get(self._at)
        entry = self.recordings.entries[self._at]
        self._title.say(title_words(self._at + 1, total, entry.qid or entry.place, outcome))
        labels = self._of(self._at)
        if isinstance(outcome, InboxRun):
            own = [each for each in labels if each.run == run_key(outcome.made)]
            done = not self._is_open(self._at)
            page = run_page(outcome, own, self._left(outcome.made), self._note, done=done)
        else:
            page = run_page(outcome, (), (), self._note, done=False)
        self._body.show(page)
        self._last = self._last_said()
        self._say_counts()
        self.show_keys()

    def _say_counts(self) -> None:
        read = {at: each for at, each in self._runs.items() if isinstance(each, InboxRun)}
        own = [each for labels in self._labels.values() for each in labels if each.author == self._author]
        judged = {each.run for each in own}
        labelled = [each.made for each in read.values() if run_key(each.made) in judged]
        can_be = len(self.recordings.entries) - (len(self._runs) - len(read))
        done = sum(not self._is_open(at) for at in read)
        kappa = agreed(labelled, own).overall
        self._counts.say(counts_words(done, can_be, len(read), kappa, self._author))

    def _keep(self, given: Sequence[Label], *, done: bool) -> None:
        """Keep labels beside the recording, and go on where the run is done."""
        path = self.recordings.entries[self._at].path
        try:
            append_labels(path, given)
        except InputError as error:
            self.tell(error)
            return
        self._read_labels(path)
        self._note = ""
        if done:
            self._chosen = False
            self._turn(1)
        self._show()

    def _blank(self, made: RunTriage) -> Label:
        return reviewed(made, author=self._author, at=datetime.now(UTC), text=self._note)

    def action_accept(self) -> None:
        """What is suggested first holds; where nothing is left, the run is done."""
        run = self._run
        if run is not None:
            blank = self._blank(run.made)
            self._keep(
                [*(said(blank, "accept", each) for each in self._left(run.made)[:1]), blank], done=True
            )

    def action_instead(self, number: int) -> None:
        """The finding of that number holds, and not what is suggested first."""
        run = self._run
        if run is None:
            return
        left = self._left(run.made)
        if number > len(left):
            self.notify(f"there is no finding {number}; o writes a code", markup=False)
            return
        blank = self._blank(run.made)
        refused = [said(blank, "reject", left[0])] if number > 1 else []
        self._keep([*refused, said(blank, "accept", left[number - 1]), blank], done=True)

    def action_split(self) -> None:
        """What is suggested first holds, and something else too."""
        run = self._run
        left = self._left(run.made) if run is not None else []
        if run is not None and left:
            self._keep([said(self._blank(run.made), "accept", left[0])], done=False)

    def action_reject(self) -> None:
        """Nothing that is left holds."""
        run = self._run
        if run is not None:
            blank = self._blank(run.made)
            self._keep([*(said(blank, "reject", each) for each in self._left(run.made)), blank], done=True)

    def _say_code(self, typed: str) -> None:
        """A code that is written holds: instead of what is suggested, or at the place that is written."""
        run = self._run
        if run is None or not typed.strip():
            return
        left, blank = self._left(run.made), self._blank(run.made)
        first = left[0] if left else None
        try:
            written = written_code(typed, first.anchor if first else "s0", run.steps)
        except InputError as error:
            self.tell(error)
            return
        if first is not None and first.anchor == written.anchor and first.code != written.code:
            given = [said(blank, "override", first, written.code)]
        else:
            other = first is not None and (first.anchor, first.code) != (written.anchor, written.code)
            refused = [said(blank, "reject", first)] if first is not None and other else []
            given = [*refused, said(blank, "accept", written)]
        self._keep([*given, blank], done=True)

    def action_undo(self) -> None:
        """Take back what was said last, and go to that run."""
        last = self._last_said()
        if last is not None:
            self._at, label = last
            self._chosen = True
            self._keep([taken_back(label, datetime.now(UTC))], done=False)

    async def action_ask(self, what: str) -> None:
        """Ask for a note or a code."""
        self._asked = what
        await self.ask(_ASKS[what])

    def on_prompt_asked(self, message: Prompt.Asked) -> None:
        """Take the note, or say the code."""
        self.close_prompt()
        if self._asked == "note":
            self._note = message.text.strip()
            self._show()
        else:
            self._say_code(message.text)

    def action_skip(self, by: int) -> None:
        """The next run that is still to be labelled, or the one before."""
        self._chosen = True
        self._turn(by)
        self._note = ""
        self._show()

    def action_open(self) -> None:
        """Look into the run."""
        self.open_run(self._at)

    def action_go(self, by: int) -> None:
        """Scroll a line."""
        (self.page if self.page_open else self._body).go(by)

    def action_page(self, by: int) -> None:
        """Scroll a page."""
        (self.page if self.page_open else self._body).go_pages(by)

    def action_end(self, direction: int) -> None:
        """Scroll to the end or the beginning."""
        (self.page if self.page_open else self._body).go_end(direction)

    def action_close(self) -> None:
        """Close what was opened last."""
        if self.prompt is not None:
            self.close_prompt()
        elif self.page_open:
            self.close_page()

    def action_quit(self) -> None:
        """Close the page that is open; else leave."""
        if self.page_open:
            self.close_page()
        else:
            self.app.exit()
