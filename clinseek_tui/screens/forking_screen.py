"""Forking from the debugger: the run goes on from the step one looks at, in a screen of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work

from clinseek_core.errors import ClinseekError, InputError
from clinseek_core.journal.forking import ForkPlace
from clinseek_tui.screens.outside_screen import OutsideScreen

if TYPE_CHECKING:
    from clinseek_tui.running import Work
    from clinseek_tui.running.forking import Wish

__all__ = ["ForkingScreen", "wish_of"]


def wish_of(written: str, ehr: Path | None) -> Wish:
    """What `leak`, `result TEXT`, `prompt TEXT`, `model NAME [URL]` or nothing asks for."""
    from clinseek_tui.running import Options  # noqa: PLC0415 - brings what runs need
    from clinseek_tui.running.forking import Wish  # noqa: PLC0415 - as above

    word, _, rest = written.strip().partition(" ")
    options = Options(ehr=ehr)
    if word in {"", "leak"}:
        return Wish(without_leaks=word == "leak", options=options)
    if word == "result" and rest:
        return Wish(options=options, result=rest)
    if word == "prompt" and rest:
        return Wish(options=options, prompt=rest)
    name, _, url = rest.partition(" ")
    if word == "model" and name:
        return Wish(options=Options(ehr=ehr, model=name, base_url=url or None))
    raise InputError(f"{written!r}: write leak, result TEXT, prompt TEXT, model NAME [URL], or nothing")


class ForkingScreen(OutsideScreen):
    """Makes forks and lets them run."""

    @work(group="fork", exclusive=True)
    async def action_fork(self, written: str) -> None:
        """Fork at the step or call one looks at, and open the new run, which goes on."""
        from clinseek_tui.running import Work, plan_resumed  # noqa: PLC0415 - brings what runs need
        from clinseek_tui.running.forking import fork  # noqa: PLC0415 - as above

        anchor = self.looking.anchor.partition(".r")[0]
        try:
            place = ForkPlace.read(anchor if anchor.startswith("s") else "s0")
            wish = wish_of(written, self.ehr)
        except ClinseekError as error:
            self.tell(error)
            return
        journal = Path(self.run.source)

        def begun(_: object) -> tuple[Path, Work]:
            made = fork(journal, place, wish, os.environ)
            plan = plan_resumed(made.journal, wish.options, os.environ)
            return made.journal, Work(plan, lambda _: None, watched=True)

        found = await self.waited_for("forking; esc ends it", begun)
        if found is not None:
            self._watch(*found)

    def _watch(self, journal: Path, begun: Work) -> None:
        from clinseek_replay.source import FollowSource  # noqa: PLC0415 - only here
        from clinseek_tui.screens.opened_run import OpenedRun  # noqa: PLC0415 - it is a debugger itself

        self.notify(str(journal), title="the fork's journal", markup=False)
        begun.__enter__()
        screen = OpenedRun(
            FollowSource(journal, mode="live"), begun.live, ehr=self.ehr, commands=self.commands
        )
        self.app.push_screen(screen, lambda _: begun.__exit__(None, None, None))
