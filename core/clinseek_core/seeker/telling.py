"""What the overview found, as the sentences that open the next turn's thought."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinseek_core.seeker.reading import Row, shown
from clinseek_core.seeker.signs import Lab, Signs
from clinseek_core.seeker.stay import Stay
from clinseek_core.seeker.words import counted, listed, quoted, sentences, span

__all__ = ["condition", "drugs", "results", "whereabouts"]


def whereabouts(stay: Stay, now: datetime) -> str:
    """Where the patient is and since when."""
    elapsed = span((now - stay.start).total_seconds() / 86_400)
    who = f"The patient is {stay.age:.0f} years old." if stay.age is not None else ""
    if not stay.kind:
        return sentences([who, "No stay is open now, so I go by the last 30 days."])
    place = f" ({stay.place})" if stay.place else ""
    here = f"An {stay.kind} is open{place}; it began {elapsed} ago, at {shown(stay.start)}."
    earlier = len(stay.earlier_days)
    past = f"Earlier admissions: {earlier or 'none known'}."
    return sentences([who, here, past])


def condition(triage: Row, signs: Signs) -> str:
    """The complaint and what is abnormal in vital signs."""
    complaint, acuity = triage.get("chiefcomplaint", ""), triage.get("acuity", "")
    said = f"The complaint was {quoted(complaint)}." if complaint else ""
    urgent = f"Triage acuity was {acuity} of 5 (1 is the most urgent)." if acuity else ""
    vital = f"Abnormal: {listed(signs.values())}." if signs else "No vital sign is beyond its limit."
    return sentences([said, urgent, vital])


def results(labs: tuple[Lab, ...], cultures: tuple[Row, ...]) -> str:
    """How much of the laboratory is abnormal, and what was cultured."""
    if not labs:
        measured = "No laboratory result of this stay is known."
    else:
        worst_first = sorted(labs, key=lambda lab: (-lab.beyond, lab.label))
        abnormal = [lab.shown for lab in worst_first if lab.abnormal]
        measured = f"Abnormal results: {len(abnormal)} of {counted(len(labs), 'measurement')}"
        measured += f": {listed(abnormal)}." if abnormal else "."
    specimens = dict.fromkeys(row["spec_type_desc"].lower() for row in cultures)
    grown = dict.fromkeys(row["org_name"].lower() for row in cultures if row["org_name"])
    sent = f"Cultures: {listed(specimens, 4)}." if specimens else ""
    grew = f"They grew {listed(grown, 3)}." if grown else ""
    return sentences([measured, sent, grew])


def drugs(found: tuple[Row, ...], waiting: tuple[Row, ...]) -> str:
    """What was given in this stay, and what is ordered without a dose."""
    given = _names(found, ("given", "dispensed"))
    ordered = _names(found, ("ordered",))
    lines = [f"Given or dispensed so far: {listed(given)}." if given else "No dose is recorded so far."]
    if waiting:
        names = dict.fromkeys(row["medication"] for row in waiting)
        lines.append(f"Ordered without a dose yet: {listed(names)}.")
    elif ordered:
        lines.append(f"Ordered: {listed(ordered)}.")
    return sentences(lines)


def _names(found: Iterable[Row], roles: tuple[str, ...]) -> dict[str, None]:
    return dict.fromkeys(row["drug"] for row in found if row["source"].partition(":")[0] in roles)
