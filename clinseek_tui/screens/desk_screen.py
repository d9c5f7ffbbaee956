"""Calls made again and statements of one's own, on the snapshot that the run read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work

from clinseek_replay.sql import laid_out
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.screens.commanded import CommandedScreen
from clinseek_tui.view.lens import LensPage
from clinseek_tui.view.looking import Again
from clinseek_tui.view.rows import place

if TYPE_CHECKING:
    from clinseek_replay.source import RunSource
    from clinseek_replay.trajectory import Call
    from clinseek_tui.query_history import QueryHistory
    from clinseek_tui.running.desk import Desk, Made
    from clinseek_tui.widgets.editor import Editor

__all__ = ["DeskScreen"]

_SQL = "ehr.run_sql_query"


class DeskScreen(CommandedScreen):
    """Asks the record itself."""

    def __init__(self, source: RunSource, step: int | None = None, ehr: Path | None = None) -> None:
        super().__init__(source, step, ehr)
        self.editor: Editor | None = None
        """The statement that is being written, where one is."""
        self._desk: Desk | None = None

    @property
    def call(self) -> Call | None:
        """The call selected."""
        return place(self.run, self.looking.row)[1]

    @property
    def can_ask_again(self) -> bool:
        """Whether the selected call asked the record."""
        call = self.call
        return call is not None and call.arguments is not None and call.name.startswith("ehr.")

    def action_again(self) -> None:
        """Make the selected call again."""
        call = self.call
        if call is not None and call.arguments is not None and self.can_ask_again:
            self._ask(call.anchor, call.name, call.arguments)

    async def action_edit(self) -> None:
        """Write a statement, beginning with the one of the call, or with the one that was made last."""
        from clinseek_tui.widgets.editor import Editor  # noqa: PLC0415 -- TextArea loads only when it is needed

        if self.editor is not None or self.prompt is not None:
            return
        sql = self.looking.sql
        self.editor = Editor(laid_out(sql) if sql else "SELECT ", self._queries.texts)
        await self.mount(self.editor)
        self.set_focus(self.editor.area)

    def on_editor_written(self, message: Editor.Written) -> None:
        """Run what was written."""
        self.close_editor()
        self._queries.add(message.text)
        call = self.call
        given = call.arguments if call is not None and call.sql is not None and call.arguments else {}
        arguments = {"subject_id": str(self.run.subject_id), **given, "sql_query": message.text}
        self._ask(self.looking.anchor or "case", _SQL, arguments)

    def on_editor_left(self) -> None:
        """Nothing is to be run."""
        self.close_editor()

    def close_editor(self) -> None:
        """End writing."""
        if self.editor is not None:
            self.editor.remove()
            self.editor = None
            self.set_focus(None)

    def action_plan(self) -> None:
        """How the query that is looked at is answered, or back."""
        sql = self.looking.sql
        if self.looking.page == "plan":
            self.looking = self.looking.closed()
        elif sql is not None:
            self._plan(self.looking.anchor or "case", sql)

    @work(group="desk", exclusive=True)
    async def _plan(self, anchor: str, sql: str) -> None:
        from clinseek_tui.view.query_plan import PlanPage  # noqa: PLC0415 -- loads with the page

        plan = await self.waited_for(
            "asking how it is answered",
            lambda run: self._opened_desk().plan(run, sql, self._tell_progress),
        )
        if plan is not None:
            self.looking = self.looking.with_plan(PlanPage(anchor, sql, plan))
            self.frame.read(self.frame.call.body)

    @cached_property
    def _queries(self) -> QueryHistory:
        from clinseek_tui.query_history import QueryHistory  # noqa: PLC0415 -- read where one first writes
        from clinseek_tui.typed_lines import user_state  # noqa: PLC0415

        return QueryHistory(user_state(os.environ) / "queries.jsonl")

    def action_made(self, by: int) -> None:
        """The call that was made before or after."""
        self.looking = self.looking.at_made(by)

    @work(group="desk", exclusive=True)
    async def _ask(self, anchor: str, name: str, arguments: dict[str, Any]) -> None:
        call = self.call
        made = await self.waited_for(
            "asking the record", lambda run: self._made(run, anchor, name, arguments)
        )
        if made is not None:
            self.looking = self.looking.with_made(Again(made, call))
            self.frame.read(self.frame.call.body)

    def _made(self, run: Trajectory, anchor: str, name: str, arguments: dict[str, Any]) -> Made:
        """Called in a thread."""
        return self._opened_desk().call(run, anchor, name, arguments, self._tell_progress)

    def times_of(self, run: Trajectory) -> Iterator[LensPage]:
        """As the recording tells them, then with the record where that was named, or is bundled."""
        page: LensPage | None = None
        for page in super().times_of(run):
            yield page
        if page is not None and (self.ehr is not None or (run.data and run.data.source == "bundled")):
            from clinseek_replay.lens import with_record  # noqa: PLC0415 -- loads with the page

            yield page._replace(lens=with_record(page.lens, self._opened_desk().density(run)))

    def _opened_desk(self) -> Desk:
        # It brings the engine's side of a run: it loads when the record is first asked.
        from clinseek_tui.running.desk import Desk  # noqa: PLC0415

        if self._desk is None:
            self._desk = Desk(self.ehr)
        return self._desk

    def _tell_progress(self, text: str) -> None:
        self.call_later(self._show_progress, text)

    def _show_progress(self, text: str) -> None:
        if self.looking.waiting:
            self.looking = self.looking._replace(waiting=text)

    def give_up_waiting(self) -> None:
        """End what is waited for, the process that answers too."""
        super().give_up_waiting()
        self.workers.cancel_group(self, "desk")
        if self._desk is not None:
            self._desk.close()

    def on_unmount(self) -> None:
        """End the process that holds the snapshot."""
        if self._desk is not None:
            self._desk.close()
