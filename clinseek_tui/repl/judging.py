"""The commands of `repl` that ask the analyses about the run; each is loaded when it is asked."""

from __future__ import annotations

from collections.abc import Iterator

from clinseek_core.errors import InputError
from clinseek_core.text import one_line
from clinseek_replay.glyphs import SIGNS
from clinseek_tui.repl.session import Session

__all__ = ["audit_run", "compare", "evidence_of", "triage_run", "why_item"]

_WIDTH = 300


def why_item(session: Session, argument: str) -> Iterator[str]:
    """From an item of the answer or the gold back to rows; alone, why this call is marked."""
    if not argument:
        yield from _why_marked(session)
        return
    from clinseek_replay.evidence.report import examined  # noqa: PLC0415 -- loads with the first question
    from clinseek_replay.evidence.why import why, why_lines  # noqa: PLC0415

    yield from why_lines(why(examined(session.run), argument))


def evidence_of(session: Session, _: str) -> Iterator[str]:
    """Every gold and answered item with its state, and where the F1 went."""
    from clinseek_replay.evidence.report import evidence, report_lines  # noqa: PLC0415

    return report_lines(evidence(session.run))


def audit_run(session: Session, _: str) -> Iterator[str]:
    """What the run saw before it was known."""
    from clinseek_replay.audit import audit, report_lines  # noqa: PLC0415

    return iter(report_lines(audit(session.run)))


def triage_run(session: Session, _: str) -> Iterator[str]:
    """What went wrong in the run, by code and place."""
    from clinseek_replay.triage import triage  # noqa: PLC0415
    from clinseek_replay.triage.plain import run_lines  # noqa: PLC0415

    return run_lines(triage(session.run))


def compare(session: Session, argument: str) -> Iterator[str]:
    """This run against another of that number or qid."""
    from clinseek_replay.diff import diff  # noqa: PLC0415
    from clinseek_replay.diff.telling import diff_lines  # noqa: PLC0415

    runs = session.recordings
    if not argument and len(runs.entries) == 2:
        other = 1 - session.cursor.run
    elif argument:
        other = runs.find(argument)
    else:
        raise InputError(f"diff needs another run: its number or qid; there are {len(runs.entries)}")
    this, that = session.run, runs.run(other)
    return iter(diff_lines(diff(this, that)))


def _why_marked(session: Session) -> Iterator[str]:
    from clinseek_replay.signs import signs_of  # noqa: PLC0415

    anchor, some = session.anchor, False
    for sign in signs_of(session.run):
        if sign.anchor == anchor:
            some = True
            yield f"{SIGNS[sign.kind].unicode} {sign.kind}: {one_line(sign.why, _WIDTH)}"
    if not some:
        yield f"nothing is marked at {anchor}; `why ITEM` asks about an item of the answer or the gold"
