"""Parts of a page that tell what analyses found: where the F1 went, the evidence of each item, findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from clinseek_replay.audit import RULES as AUDIT_RULES
from clinseek_replay.audit import AuditReport
from clinseek_replay.evidence.provenance import ANSWER_RULES, GOLD_RULES, ItemState
from clinseek_replay.evidence.report import Evidence
from clinseek_replay.evidence.waterfall import Bar, Waterfall
from clinseek_replay.export.markup import Content, Markup, element, joined, table
from clinseek_replay.export.veil import Veil
from clinseek_replay.finding import Finding, NotVerified, Place

__all__ = ["audit_part", "evidence_part", "findings_table", "not_verified_list"]

_WIDTH, _HEIGHT = 240, 14
"""Of a bar in the picture's own units."""
_TELLING = 0.005
"""A loss that shows in two decimals."""
_PLACES = 6
_FINDINGS = 500
_ITEMS = 300
_SEVERITY = {"critical": "bad", "high": "bad", "medium": "warn", "low": "soft", "info": "soft"}
_TIER = {"D": "from the record", "X": "with the data", "S": "a suggestion", "H": "said by a person"}
_AUDIT_SAYS = {each.code: each.says for each in AUDIT_RULES}
_MEANS: dict[str, str] = {rule.state: rule.means for rule in (*GOLD_RULES, *ANSWER_RULES)}
"""What rules and states say of any run; what they say of this one holds the patient's values."""
_SHOWN = ("CITED", "SUPPORTED")
_LOST = frozenset(("LEAKED", "FP_LEAKED", "FP_PARAMETRIC", "PARAMETRIC", "FP_OTHER_PATIENT"))


def evidence_part(found: Evidence, veil: Veil) -> Iterator[Content]:
    """The waterfall, and a state for each item of the gold and each that was answered beside it."""
    if found.waterfall is not None:
        yield element("h2", "Where the F1 went")
        yield _waterfall(found.waterfall, veil)
    states = (*found.gold, *found.extra)
    if states:
        yield element("h2", "Evidence of each item")
        rows = [_state(state, veil) for state in states[:_ITEMS]]
        yield table(("item", "state", "why", "where"), rows)
        if len(states) > _ITEMS:
            yield element("p", f"{len(states) - _ITEMS:,} more items are not on this page.", class_="notice")
    for caution in found.cautions:
        yield element("p", caution if veil.open else veil.label(caution), class_="soft")
    yield from not_verified_list(found.not_verified, veil)


def audit_part(found: AuditReport, veil: Veil) -> Iterator[Content]:
    """What the run saw that was not known at its cutoff."""
    yield element("h2", "Temporal audit")
    leaks = len(found.leaks)
    told = f"{leaks} leak{'' if leaks == 1 else 's'} found" if leaks else "No leak was found."
    if found.f1 is not None and found.f1_without_leaks is not None and found.leaked_items:
        told += (
            f"; F1 {found.f1:.2f}, without the items that rest on leaks alone {found.f1_without_leaks:.2f}"
        )
    yield element("p", element("strong", told, class_="bad" if leaks else None))
    yield from findings_table(found.findings, _AUDIT_SAYS, veil)
    yield from not_verified_list(found.not_verified, veil)


def findings_table(
    findings: Sequence[Finding], says: Mapping[str, str], veil: Veil, *, linked: bool = True
) -> Iterator[Content]:
    """A row for each finding: its rule, how grave, what it says and where.

    `says` are the rules' own words by code, for a page without the patient's text; `linked` says that the
    places are on the page too.
    """
    if not findings:
        return
    yield table(
        ("rule", "", "what", "where"), [_finding(each, says, veil, linked) for each in findings[:_FINDINGS]]
    )
    if len(findings) > _FINDINGS:
        yield element(
            "p", f"{len(findings) - _FINDINGS:,} more findings are not on this page.", class_="notice"
        )


def not_verified_list(missing: Iterable[NotVerified], veil: Veil) -> Iterator[Content]:
    """What could not be decided, folded."""
    rows = [
        element("tr", element("td", f"{each.code} {each.name}"), element("td", veil.label(each.reason)))
        for each in missing
    ]
    if rows:
        summary = element("summary", f"{len(rows)} rules could not be decided")
        yield element("details", summary, table(("rule", "why"), rows))


def _finding(finding: Finding, says: Mapping[str, str], veil: Veil, linked: bool) -> Markup:
    used = {True: "supports the answer", False: "visible only", None: ""}[finding.used]
    told = (finding.severity, _TIER[finding.tier], used, "made good later" if finding.recovered else "")
    return element(
        "tr",
        element("td", f"{finding.code} {finding.name}", class_="name"),
        element("td", ", ".join(filter(None, told)), class_=_SEVERITY[finding.severity]),
        element("td", veil.line(finding.message) if veil.open else says.get(finding.code, "")),
        element("td", _places(finding.places, veil, linked)),
    )


def _state(state: ItemState, veil: Veil) -> Markup:
    by = f", by {state.matched_by}" if state.matched_by else ""
    style = "name bad" if state.state in _LOST else "name good" if state.state in _SHOWN else "name"
    return element(
        "tr",
        element("td", veil.name(state.item)),
        element("td", f"{state.state}{by}", class_=style),
        element("td", veil.line(state.because) if veil.open else _MEANS.get(state.state, "")),
        element("td", _places(state.places, veil)),
    )


def _places(places: Sequence[Place], veil: Veil, linked: bool = True) -> Markup:
    shown: list[Content] = []
    for place in places[:_PLACES]:
        column = veil.column(place.column) if place.column else ""
        target = f"#s{place.step}" + (f".c{place.call}" if place.call is not None else "")
        anchor = place.anchor if place.step else place.field if place.field != "result" else "the run"
        named = element("a", anchor, href=target) if place.step and linked else element("span", anchor)
        shown += [element("div", named, " " if column else "", column)]
    if len(places) > _PLACES:
        shown.append(element("div", f"and {len(places) - _PLACES} more", class_="soft"))
    return joined(shown)


def _waterfall(fall: Waterfall, veil: Veil) -> Markup:
    first = element(
        "tr",
        element("th", "all of the gold"),
        element("td", _bar(1.0, 1.0), class_="picture"),
        _amount(1.0),
        element("td"),
    )
    rows = [first, *(_loss(bar, fall, veil) for bar in fall.bars)]
    parts = [table((), rows)]
    if fall.indicative:
        told = f"Indicative: only {fall.coverage:.0%} of the gold is linked to data."
        parts.append(element("p", told, class_="warn"))
    return joined(parts)


def _loss(bar: Bar, fall: Waterfall, veil: Veil) -> Markup:
    unsure = "" if bar.loss != "data" or fall.data_verified else " (not verified)"
    names = [element("div", veil.name(item)) for item in bar.items[:_PLACES]]
    more = len(bar.items) - len(names)
    if bar.lost >= _TELLING:
        names.insert(0, element("div", f"−{bar.lost:.2f}: {bar.means}", class_="soft"))
    if more > 0:
        names.append(element("div", f"and {more} more", class_="soft"))
    return element(
        "tr",
        element("th", bar.loss.replace("_", " ") + unsure),
        element("td", _bar(bar.after, bar.before), class_="picture"),
        _amount(bar.after),
        element("td", *names),
    )


def _amount(f1: float) -> Markup:
    return element("td", f"{f1:.2f}", class_="number")


def _bar(after: float, before: float) -> Markup:
    rest = element("rect", class_="rest", x=0, y=0, width=round(before * _WIDTH, 1), height=_HEIGHT)
    kept = element("rect", class_="bar", x=0, y=0, width=round(after * _WIDTH, 1), height=_HEIGHT)
    return element(
        "svg", rest, kept, class_="bars", viewBox=f"0 0 {_WIDTH} {_HEIGHT}", width=_WIDTH, height=_HEIGHT
    )
