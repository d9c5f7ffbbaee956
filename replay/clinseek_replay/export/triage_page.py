"""The triage of many runs as a page of HTML: primary causes counted, a row a run, and each run's findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from clinseek_replay.export.analyses import findings_table, not_verified_list
from clinseek_replay.export.markup import Content, Markup, element, page, table
from clinseek_replay.export.run_page import notice
from clinseek_replay.export.veil import Veil
from clinseek_replay.triage import RULES, RunTriage, counts

__all__ = ["triage_page"]

_RUNS = 5_000
"""Runs that one page holds."""
_SAYS = {each.code: each.says for each in RULES}
_KINDS = {
    "nothing_lost": "nothing was lost",
    "unexplained": "lost, and no rule says why",
    "not_verified": "not verified: no gold",
}


def triage_page(runs: Sequence[RunTriage], *, with_patient_text: bool = False) -> bytes:
    """The page; without `with_patient_text` what findings say is replaced by its size."""
    veil = Veil(with_patient_text=with_patient_text)
    shown = runs[:_RUNS]
    title = f"Triage of {len(runs):,} run{'' if len(runs) == 1 else 's'}"
    versions = sorted({run.rule_version for run in runs})
    return page(
        title,
        element("h1", title),
        element("p", f"rules, version {', '.join(versions)}" if versions else "no run", class_="soft"),
        notice(veil),
        element("h2", "Primary causes"),
        _causes(runs),
        element("h2", "Runs"),
        table(
            ("", "run", "task", "model", "F1", "cause", "codes"),
            [_row(n, r, veil) for n, r in _numbered(shown)],
        ),
        *_left_out(len(runs)),
        element("h2", "Findings by run"),
        *(_run(number, run, veil) for number, run in _numbered(shown)),
    )


def _numbered(runs: Sequence[RunTriage]) -> Iterator[tuple[int, RunTriage]]:
    return enumerate(runs, 1)


def _causes(runs: Sequence[RunTriage]) -> Markup:
    """How many runs have each cause; those that nothing decides are counted with the others."""
    found = Counter(_cause(run) for run in runs)
    rows = [
        element("tr", element("td", cause), element("td", f"{count:,}", class_="number"))
        for cause, count in found.most_common()
    ]
    return table(("cause", "runs"), rows)


def _cause(run: RunTriage) -> str:
    cause = run.cause
    return f"{cause.code} {cause.name}" if cause.kind == "found" else _KINDS[cause.kind]


def _row(number: int, run: RunTriage, veil: Veil) -> Markup:
    codes = sorted({finding.code for finding in run.findings if counts(finding)})
    f1 = "" if run.f1 is None else f"{run.f1:.2f}"
    cells: tuple[Content, ...] = (
        f"{number}",
        element("a", veil.label(run.qid) or "no qid", href=f"#r{number}"),
        veil.label(run.task),
        veil.label(run.model),
        f1,
        _cause(run),
        " ".join(codes),
    )
    return element("tr", *(element("td", cell) for cell in cells))


def _left_out(runs: int) -> Iterator[Content]:
    if runs > _RUNS:
        yield element("p", f"{runs - _RUNS:,} more runs are counted above and not listed.", class_="notice")


def _run(number: int, run: RunTriage, veil: Veil) -> Markup:
    lost = f", {run.cause.lost_f1:.2f} of the F1" if run.cause.lost_f1 else ""
    summary = element(
        "summary",
        f"{number} ",
        element("strong", veil.label(run.qid) or "no qid"),
        f" · {_cause(run)}{lost} · {len(run.findings)} finding{'' if len(run.findings) == 1 else 's'}",
    )
    where = element("p", veil.line(run.source), class_="soft")
    body = (
        *findings_table(run.findings, _SAYS, veil, linked=False),
        *not_verified_list(run.not_verified, veil),
    )
    return element("details", summary, where, *body, id=f"r{number}")
