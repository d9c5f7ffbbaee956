"""Regions of a mask: its connected parts, their hulls, and thin parts taken off, on numpy and Pillow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]

__all__ = ["columns_of", "hull", "opened", "parts"]


def columns_of(mask: Mask) -> npt.NDArray[np.intp]:
    """The columns in which a mask has a pixel, from left to right."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured

    return np.flatnonzero(mask.any(axis=0))


def parts(mask: Mask, least: int) -> list[Mask]:
    """The connected parts (by sides) of at least so many pixels, the largest first."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured

    rows, begins, ends = _runs(mask)
    parents = list(range(len(rows)))
    for one, other in _touching(rows, begins, ends):
        low, high = sorted((_root(parents, one), _root(parents, other)))
        parents[high] = low
    roots = np.array([_root(parents, run) for run in range(len(rows))], dtype=np.intp)
    areas = np.bincount(roots, weights=ends - begins, minlength=1)
    found = []
    for root in sorted(np.flatnonzero(areas >= max(least, 1)), key=lambda root: -areas[root]):
        part = np.zeros_like(mask)
        for run in np.flatnonzero(roots == root):
            part[rows[run], begins[run] : ends[run]] = True
        found.append(part)
    return found


def hull(mask: Mask) -> Mask:
    """The smallest convex region that holds a mask which is not empty."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured
    from PIL import Image, ImageDraw  # noqa: PLC0415 - as above

    rows, begins, ends = _runs(mask)
    edges = zip([*begins.tolist(), *(ends - 1).tolist()], [*rows.tolist()] * 2, strict=True)
    points = sorted(set(edges))
    corners = _chain(points)[:-1] + _chain(points[::-1])[:-1] or points
    drawn = Image.new("1", (mask.shape[1], mask.shape[0]))
    ImageDraw.Draw(drawn).polygon(corners, fill=1, outline=1)
    return np.asarray(drawn, dtype=bool) | mask


def opened(mask: Mask, radius: int) -> Mask:
    """The mask without what a disk of a radius does not fit into."""
    return _grown(~_grown(~mask, radius, outside=True), radius, outside=False)


def _grown(mask: Mask, radius: int, *, outside: bool) -> Mask:
    """Each pixel with a disk around it; `outside` says what lies beyond the borders."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured

    height, width = mask.shape
    padded = np.pad(mask, radius, constant_values=outside)
    grown = np.zeros_like(mask)
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            if down * down + right * right <= radius * radius:
                top, left = radius + down, radius + right
                grown |= padded[top : top + height, left : left + width]
    return grown


def _runs(mask: Mask) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Each run of pixels in a row: its row, where it begins, and where it has ended; from top to bottom."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured

    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, begins = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    return rows, begins, ends


def _touching(
    rows: npt.NDArray[Any], begins: npt.NDArray[Any], ends: npt.NDArray[Any]
) -> list[tuple[int, int]]:
    """Pairs of runs in rows below each other that share a column."""
    of_row: dict[int, list[int]] = {}
    for run, row in enumerate(rows.tolist()):
        of_row.setdefault(row, []).append(run)
    return [
        (above, below)
        for row, belows in of_row.items()
        for below in belows
        for above in of_row.get(row - 1, ())
        if begins[above] < ends[below] and begins[below] < ends[above]
    ]


def _root(parents: list[int], run: int) -> int:
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return run


def _chain(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """One side of the convex hull of sorted points (Andrew's monotone chain)."""
    chain: list[tuple[int, int]] = []
    for point in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
