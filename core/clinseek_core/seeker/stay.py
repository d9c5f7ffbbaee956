"""The present stay: where the patient is, and since when, from admissions, ED stays and transfers."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from clinseek_core.seeker.reading import Row, moment, number

__all__ = ["Stay", "read_stay"]

_WITHOUT_STAY = timedelta(days=30)
_LEADS_TO_ADMISSION = timedelta(hours=12)
"""An ED stay that ended at most so long before an admission belongs to it."""


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """The stay the question is about."""

    start: datetime
    """What happened since is of this stay; without one, of the last 30 days."""
    kind: str
    """`admission`, `emergency stay` or `` where the patient is in neither."""
    admitted: datetime | None
    place: str
    intensive_care: bool
    transport: str
    age: float | None
    gender: str
    earlier_days: tuple[float, ...]
    """How long each earlier admission lasted, newest first."""
    last_discharge: datetime | None

    def days(self, now: datetime) -> float:
        """Days since the admission, or since the stay began."""
        return max((now - (self.admitted or self.start)).total_seconds(), 0.0) / 86_400


def read_stay(
    now: datetime,
    *,
    admissions: tuple[Row, ...],
    edstays: tuple[Row, ...],
    transfers: tuple[Row, ...],
    icustays: tuple[Row, ...],
    patients: tuple[Row, ...],
) -> Stay:
    """The stay at `now`; rows come newest first, with empty cells for what is not known yet."""
    admission = next((row for row in admissions if _is_open(row, "dischtime", now)), None)
    arrival = next((row for row in edstays if _is_open(row, "outtime", now)), None)
    admitted = moment(admission.get("admittime")) if admission else None
    starts: list[datetime | None] = [admitted]
    if admission and admitted:
        hadm = admission.get("hadm_id")
        starts += [moment(row.get("intime")) for row in edstays if _leads_to(row, hadm, admitted)]
    elif arrival:
        starts = [moment(arrival.get("intime"))]
    known = [start for start in starts if start is not None and start <= now]
    patient = patients[0] if patients else {}
    place = next((row.get("careunit", "") for row in transfers if _is_open(row, "outtime", now)), "")
    return Stay(
        start=min(known, default=now - min(_WITHOUT_STAY, now - datetime.min)),
        kind="admission" if admission else "emergency stay" if arrival else "",
        admitted=admitted,
        place=place[:80],
        intensive_care=any(_is_open(row, "outtime", now) for row in icustays),
        transport=(edstays[0].get("arrival_transport", "")[:40] if edstays and known else ""),
        age=number(patient.get("age")),
        gender=patient.get("gender", "")[:10],
        earlier_days=tuple(_lengths(admissions, now)),
        last_discharge=max(_ends(admissions, now), default=None),
    )


def _is_open(row: Row, end: str, now: datetime) -> bool:
    ended = moment(row.get(end))
    return ended is None or ended > now


def _leads_to(row: Row, hadm: str | None, admitted: datetime) -> bool:
    if row.get("hadm_id"):
        return row.get("hadm_id") == hadm
    left = moment(row.get("outtime"))
    return left is not None and abs(admitted - left) <= _LEADS_TO_ADMISSION


def _lengths(admissions: tuple[Row, ...], now: datetime) -> list[float]:
    spans = [(moment(row.get("admittime")), moment(row.get("dischtime"))) for row in admissions]
    return [(end - start).total_seconds() / 86_400 for start, end in spans if start and end and end <= now]


def _ends(admissions: tuple[Row, ...], now: datetime) -> list[datetime]:
    ends = [moment(row.get("dischtime")) for row in admissions]
    return [end for end in ends if end is not None and end <= now]
