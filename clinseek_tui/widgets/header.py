"""The header: always patient, cutoff and policy, mode, position and F1."""

from __future__ import annotations

from textual.reactive import reactive

from clinseek_replay.trajectory import Trajectory
from clinseek_tui.view.answer import f1
from clinseek_tui.view.standing import Standing
from clinseek_tui.view.words import Words, cutoff, label, patient, policy
from clinseek_tui.widgets.line import Line, cells_of, cut

__all__ = ["Header"]

_GAP = 3
_SHORTEST = 8


class Header(Line):
    """One line, or two where the terminal is narrow."""

    DEFAULT_CSS = """
    Header {
        padding: 0 1;
        &.-upstream {
            background: $error;
            color: $background;
            .line--dim, .line--strong, .line--accent { color: $background; }
        }
    }
    """

    trajectory: reactive[Trajectory | None] = reactive(None)
    """The run it tells of."""
    standing: reactive[Standing] = reactive(Standing())
    """Where one is in it."""

    def watch_trajectory(self) -> None:
        """Turn red where the cutoff is the upstream one, which lets later facts through."""
        run = self.trajectory
        self.set_class(bool(run and run.policy and run.policy.basis == "upstream"), "-upstream")

    def words(self, y: int, width: int) -> Words:
        """All on one line where there are two lines of room, else half of it on each."""
        run = self.trajectory
        if run is None:
            return ()
        name: Words = ((label(run), "accent"),)
        who: Words = (("  patient ", "dim"), (patient(run), "strong"))
        when: Words = (("cutoff ", "dim"), (cutoff(run), "strong"), (f" ({_policy(run)})", "dim"))
        where: Words = ((self.standing.mode, "strong"), ("  ", "dim"), (self.standing.position, "strong"))
        if self.standing.run:
            where = ((self.standing.run, "dim"), ("  ", "dim"), *where)
        score: Words = ((_damage(run), "error"), (f1(run), "strong"))
        if self.size.height == 1:
            return _apart(name, (*who, ("  ", "dim"), *when), (*where, ("   ", "dim"), *score), width)
        when = (*when, ("  ", "dim"), *self.standing.budget) if self.standing.budget else when
        return _apart(name, who, where, width) if y == 0 else _apart((), when, score, width)


def _apart(name: Words, left: Words, right: Words, width: int) -> Words:
    """The words at both sides; the name gives way, then what is at the left."""
    room = max(width - cells_of(right) - _GAP, 0)
    left = cut((*cut(name, max(room - cells_of(left), _SHORTEST)), *left), room)
    return (*left, (" " * (width - cells_of(left) - cells_of(right)), "dim"), *right)


def _policy(run: Trajectory) -> str:
    return policy(run) if run.policy else "policy unknown"


def _damage(run: Trajectory) -> str:
    count = len(run.damage)
    return f"✗ {count} damaged line{'' if count == 1 else 's'}   " if count else ""
