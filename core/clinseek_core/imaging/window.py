"""From stored values to grey: rescaling, the window (DICOM PS3.3 C.7.6.3.1.5 and C.11.2), inversion.

Everything is worked out once for each value that can be stored, and pixels are looked up in that table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clinseek_core.imaging.film import Window, WindowKind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from pydicom import Dataset

    Floats = npt.NDArray[np.float64]
    Stored = npt.NDArray[Any]

__all__ = ["number", "shown", "span_of"]

_LOW, _HIGH = 0.005, 0.995
"""Shares of the pixels between which grey values spread where no window is told."""
_LUT_WORDS = 65_536


def number(header: Dataset, keyword: str) -> float | None:
    """A finite number of the header, the first of several; None where there is none."""
    try:
        value = header.get(keyword)
        if value is not None and not isinstance(value, str | bytes) and hasattr(value, "__iter__"):
            value = next(iter(value), None)
        found = math.nan if value is None or value == "" else float(value)
    except (TypeError, ValueError, OverflowError, NotImplementedError):
        return None
    return found if math.isfinite(found) else None


def shown(
    stored: Stored, header: Dataset, asked: tuple[float, float] | None
) -> tuple[npt.NDArray[np.uint8], Window, list[str]]:
    """The grey values of `stored` (8 or 16-bit integers), how they were made, and warnings.

    `asked` is a centre and a width in rescaled values. Without it the first VOI LUT holds, then the first
    window, then the middle 99 % of the pixels.
    """
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first film

    warnings: list[str] = []
    unsigned = stored.view(f"u{stored.dtype.itemsize}")
    values = np.arange(2 ** (8 * stored.dtype.itemsize), dtype=unsigned.dtype).view(stored.dtype)
    rescaled = _rescaled(values.astype(np.float64), header, warnings)
    table, window = _windowed(rescaled, unsigned, header, asked, warnings)
    if str(header.get("PhotometricInterpretation", "")).strip() == "MONOCHROME1":
        table = 1 - table
    grey = np.round(np.clip(table, 0, 1) * 255).astype(np.uint8)
    return np.take(grey, unsigned), window, warnings


def span_of(stored: Stored, header: Dataset) -> tuple[float, float]:
    """The least and the highest of the rescaled values."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first film

    ends = np.array([stored.min(), stored.max()], dtype=np.float64)
    low, high = sorted(_rescaled(ends, header, []).tolist())
    return low, high


def _rescaled(values: Floats, header: Dataset, warnings: list[str]) -> Floats:
    if "ModalityLUTSequence" in header:
        looked_up = _looked_up(values, header, "ModalityLUTSequence", warnings)
        if looked_up is not None:
            return looked_up[0]
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    if slope == 0:
        warnings.append("a rescale slope of 0 was ignored")
    return values * (slope or 1.0) + (intercept or 0.0)


def _windowed(
    values: Floats,
    unsigned: Stored,
    header: Dataset,
    asked: tuple[float, float] | None,
    warnings: list[str],
) -> tuple[Floats, Window]:
    """Per storable value its grey in 0 to 1, clipped or not, and by what rule."""
    if asked is not None:
        center, width = asked
        return _linear(values, center, width), Window(kind="asked", center=center, width=width)
    if "VOILUTSequence" in header:
        looked_up = _looked_up(values, header, "VOILUTSequence", warnings)
        if looked_up is not None:
            outputs, highest = looked_up
            return outputs / highest, Window(kind="voi_lut")
    center_, width_ = number(header, "WindowCenter"), number(header, "WindowWidth")
    if center_ is not None and width_ is not None:
        kind = str(header.get("VOILUTFunction", "LINEAR")).strip().lower() or "linear"
        if kind not in _FUNCTIONS:
            warnings.append("a window function that DICOM does not know was taken for LINEAR")
            kind = "linear"
        function, name, least = _FUNCTIONS[kind]
        if width_ >= least and width_ > 0:
            return function(values, center_, width_), Window(kind=name, center=center_, width=width_)
        warnings.append(f"a window of width {width_:g} was ignored")
    return _between_percentiles(values, unsigned, warnings)


def _linear(values: Floats, center: float, width: float) -> Floats:
    """C.11.2.1.2.1; a width of 1 is a threshold."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first film

    if width <= 1:
        return np.where(values > center - 0.5, 1.0, 0.0)
    return (values - (center - 0.5)) / (width - 1) + 0.5


def _linear_exact(values: Floats, center: float, width: float) -> Floats:
    """C.11.2.1.3.2."""
    return (values - center) / width + 0.5


def _sigmoid(values: Floats, center: float, width: float) -> Floats:
    """C.11.2.1.3.1."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first film

    grown: Floats = 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -60, 60)))
    return grown


_FUNCTIONS: dict[str, tuple[Callable[[Floats, float, float], Floats], WindowKind, float]] = {
    "linear": (_linear, "linear", 1.0),
    "linear_exact": (_linear_exact, "linear_exact", 0.0),
    "sigmoid": (_sigmoid, "sigmoid", 0.0),
}
"""VOI LUT Function: what it does, its name here, and the least width that has a meaning."""


def _between_percentiles(values: Floats, unsigned: Stored, warnings: list[str]) -> tuple[Floats, Window]:
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first film

    order = np.argsort(values, kind="stable")
    counts = np.cumsum(np.bincount(unsigned.ravel(), minlength=len(values))[order])
    low, high = (
        float(values[order[int(np.searchsorted(counts, share * counts[-1]))]]) for share in (_LOW, _HIGH)
    )
    if high <= low:
        warnings.append("nearly all pixels have one value")
        high = low + 1
    return _linear_exact(values, (low + high) / 2, high - low), Window(
        kind="percentile", center=(low + high) / 2, width=high - low
    )


def _looked_up(
    values: Floats, header: Dataset, keyword: str, warnings: list[str]
) -> tuple[Floats, float] | None:
    """The values through a sequence's first look-up table, and the highest it can give (C.11.1, C.11.2)."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first film

    try:
        item = header[keyword].value[0]
        entries, first, bits = (int(word) for word in item.LUTDescriptor)
        entries = entries or _LUT_WORDS
        first = first - _LUT_WORDS if first >= _LUT_WORDS // 2 and values.min() < 0 else first
        data = item.LUTData
        kind = "<u2" if len(data) >= 2 * entries else "u1"
        table = np.frombuffer(data, kind) if isinstance(data, bytes) else np.asarray(data, np.float64)
        if len(table) < entries or not 0 < bits <= 16:
            raise ValueError("it is shorter than it says")
    except Exception as error:  # noqa: BLE001 - whatever a damaged header makes pydicom raise
        warnings.append(f"{keyword} was ignored ({type(error).__name__})")
        return None
    places = np.clip(np.round(values) - first, 0, entries - 1).astype(np.int64)
    return table[places].astype(np.float64), float(2**bits - 1)
