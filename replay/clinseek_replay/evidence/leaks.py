"""Items whose support leaked: of all that shows them, nothing was known before the cutoff."""

from __future__ import annotations

from collections.abc import Mapping

from clinseek_replay.finding import NotVerified, Place
from clinseek_replay.trajectory import Trajectory

__all__ = ["leaked_support"]


def leaked_support(trajectory: Trajectory) -> tuple[Mapping[str, tuple[Place, ...]], tuple[NotVerified, ...]]:
    """By item the places of its support, where all of it fails the temporal audit; and what could not be told."""
    return {}, (NotVerified(code="T", name="leaks", reason="the temporal audit was not run"),)
