"""Signs: what vital signs and laboratory results of the present stay say, each by a short name.

A laboratory sign is `<label> +` or `<label> -`, with `[Urine]` after the label where the fluid is not blood;
the others are the names below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from clinseek_core.seeker.reading import Row, number, rows, whole

__all__ = ["Lab", "Signs", "lab_signs", "labs_of", "vital_signs"]

Signs = dict[str, str]
"""Each sign and the finding behind it in words."""


class _Limit(msgspec.Struct, frozen=True):
    """A vital sign is a sign beyond a limit."""

    column: str
    sign: str
    words: str
    unit: str
    above: float | None = None
    below: float | None = None


# Temperature and breathing: SIRS criteria (Bone, Chest 1992); low pressure: qSOFA (Singer, JAMA 2016).
_LIMITS = (
    _Limit("temperature", "fever", "temperature", " °F", above=100.4),
    _Limit("temperature", "hypothermia", "temperature", " °F", below=96.8),
    _Limit("heartrate", "tachycardia", "heart rate", "/min", above=100),
    _Limit("heartrate", "bradycardia", "heart rate", "/min", below=50),
    _Limit("resprate", "tachypnea", "breathing", "/min", above=20),
    _Limit("o2sat", "hypoxia", "oxygen saturation", " %", below=93),
    _Limit("sbp", "hypotension", "systolic pressure", " mmHg", below=100),
    _Limit("sbp", "hypertension", "systolic pressure", " mmHg", above=160),
    _Limit("pain", "pain", "pain", "/10", above=6),
)
_POSSIBLE = {
    "temperature": (85, 115),
    "heartrate": (10, 300),
    "resprate": (3, 80),
    "o2sat": (40, 100),
    "sbp": (30, 300),
    "pain": (0, 10),
}
_CHARTED = {
    "Heart Rate": "heartrate",
    "Respiratory Rate": "resprate",
    "O2 saturation pulseoxymetry": "o2sat",
    "Non Invasive Blood Pressure systolic": "sbp",
    "Arterial Blood Pressure systolic": "sbp",
    "Temperature Fahrenheit": "temperature",
}
_LAB_COLUMNS = (
    "label",
    "fluid",
    "results",
    "abnormal",
    "latest",
    "unit",
    "lowest",
    "highest",
    "lower",
    "upper",
    "before",
)
_LONGEST = 60
_RISE = 1.5
_LEAST_RISE = 0.3
"""Creatinine against its earlier level, and in mg/dL: KDIGO's first stage of acute kidney injury."""
_DROP = 2.0
"""Haemoglobin in g/dL: a fall that is called major bleeding (Schulman, J Thromb Haemost 2005)."""


class Lab(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement over the present stay."""

    label: str
    """With the fluid in brackets where it is not blood."""
    results: int
    abnormal: int
    latest: str
    unit: str
    lowest: float | None
    highest: float | None
    lower: float | None
    """Of the normal range."""
    upper: float | None
    before: float | None
    """Median of earlier stays."""

    @property
    def shown(self) -> str:
        """The latest result in words."""
        value = number(self.latest)
        return self._with(self.latest if value is None else f"{value:g}")

    @property
    def beyond(self) -> float:
        """How far the worst result is beyond the normal range, as a share of the range's end."""
        high = (self.highest or 0) / self.upper - 1 if self.upper else 0
        low = 1 - self.lowest / self.lower if self.lower and self.lowest is not None else 0
        return max(high, low, 0)

    def says(self, value: float, word: str) -> str:
        """A value with what is to be said of it."""
        return f"{self._with(f'{value:g}')} ({word})"

    def _with(self, value: str) -> str:
        return f"{self.label} {value} {self.unit}".strip()


def labs_of(answer: str) -> tuple[Lab, ...]:
    """The measurements in the answer to the overview's query of labs."""
    return tuple(map(_lab, rows(answer, *_LAB_COLUMNS)))


def _lab(row: Row) -> Lab:
    label = row["label"][:_LONGEST]
    return Lab(
        label=label if row["fluid"] == "Blood" else f"{label} [{row['fluid'][:_LONGEST]}]",
        results=whole(row["results"]),
        abnormal=whole(row["abnormal"]),
        latest=row["latest"][:_LONGEST],
        unit=row["unit"][:_LONGEST],
        lowest=number(row["lowest"]),
        highest=number(row["highest"]),
        lower=number(row["lower"]),
        upper=number(row["upper"]),
        before=number(row["before"]),
    )


def lab_signs(labs: Iterable[Lab]) -> Signs:
    """What is above or below its range, and creatinine and haemoglobin against their earlier level."""
    signs: Signs = {}
    for lab in labs:
        signs |= _directions(lab)
    return signs


def vital_signs(charted: Iterable[Row]) -> Signs:
    """What is beyond its limit in rows of triage and vital signs, or of charted items: the worst of each."""
    signs: Signs = {}
    values = [value for row in charted for value in _values(row)]
    for limit in _LIMITS:
        found = [value for column, value in values if column == limit.column]
        if limit.above is not None and found and max(found) > limit.above:
            signs[limit.sign] = f"{limit.words} {max(found):g}{limit.unit}"
        if limit.below is not None and found and min(found) < limit.below:
            signs[limit.sign] = f"{limit.words} {min(found):g}{limit.unit}"
    return signs


def _directions(lab: Lab) -> Signs:
    signs: Signs = {}
    high, low = lab.highest, lab.lowest
    if lab.abnormal and high is None:
        signs[f"{lab.label} +"] = lab.shown
    if high is None or low is None:
        return signs
    if lab.upper is not None and high > lab.upper:
        signs[f"{lab.label} +"] = lab.says(high, "high")
    if lab.lower is not None and low < lab.lower:
        signs[f"{lab.label} -"] = lab.says(low, "low")
    least, most = min(low, lab.before or low), max(high, lab.before or high)
    if lab.label == "Creatinine" and high >= _RISE * least and high - least >= _LEAST_RISE:
        signs["Creatinine rise"] = lab.says(high, f"up from {least:g}")
    if lab.label == "Hemoglobin" and most - low >= _DROP:
        signs["Hemoglobin drop"] = lab.says(low, f"down from {most:g}")
    return signs


def _values(row: Row) -> Iterator[tuple[str, float]]:
    cells = [(_CHARTED.get(row.get("label", ""), ""), row.get(extreme)) for extreme in ("lowest", "highest")]
    cells += [(column, row.get(column)) for column in _POSSIBLE]
    for column, cell in cells:
        value = number(cell)
        if column == "temperature" and value is not None and 30 <= value <= 45:
            value = round(value * 9 / 5 + 32, 1)  # charted in °C
        if column and value is not None and _POSSIBLE[column][0] <= value <= _POSSIBLE[column][1]:
            yield column, value
