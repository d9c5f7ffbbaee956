"""Lung fields without a model: on phantoms whose lungs are known, and on the NIH's films."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clinseek_core.imaging.lungs import LungFields, cardiothoracic_ratio, lung_fields
from clinseek_fixtures.film.shipped import ShippedFilm, films_path, shipped_films

FILMS = shipped_films()
OPAQUE = {"effusion", "consolidation", "atelectasis", "edema", "pneumothorax"}
"""Findings that change how dark a lung is: where they are, the outline is another."""


def grey(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


@cache
def fields_of(file: str) -> LungFields | None:
    return lung_fields(grey(films_path() / file))


def dice(
    one: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    other: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


@pytest.mark.parametrize("film", FILMS, ids=[film.name for film in FILMS])
def test_a_phantoms_lungs_are_outlined(film: ShippedFilm) -> None:
    fields = fields_of(film.file)
    assert fields is not None
    least = 0.5 if OPAQUE & {asked.kind for asked in film.request.findings} else 0.8
    for name, found in (("Left Lung", fields.left), ("Right Lung", fields.right)):
        assert dice(found, film.anatomy[name].mask()) > least


def test_a_wide_heart_gives_a_higher_ratio() -> None:
    ratios = {}
    for film in FILMS:
        fields = fields_of(film.file)
        ratios[film.name] = cardiothoracic_ratio(fields) if fields else None
    wide = [ratios[film.name] for film in FILMS if film.facts["cardiothoracic_ratio"] > 0.55]
    slim = [ratios[film.name] for film in FILMS if film.facts["cardiothoracic_ratio"] < 0.5]
    assert np.median([r for r in wide if r]) > np.median([r for r in slim if r])


def test_what_is_no_chest_has_no_lungs() -> None:
    rng = np.random.default_rng(3)
    for pixels in (np.zeros((300, 200)), np.full((64, 64), 255), rng.integers(0, 255, (400, 400))):
        assert lung_fields(pixels.astype(np.uint8)) is None


def nih() -> Path:
    folder = os.environ.get("CLINSEEK_NIH_CXR", "")
    if not folder:
        pytest.skip("CLINSEEK_NIH_CXR is not set: the folder with the NIH's images/ and labels.csv")
    return Path(folder)


def test_the_nihs_films_have_two_lungs_of_plausible_size() -> None:
    """On at least nine of ten: disease makes some lungs opaque, and then nothing is claimed."""
    paths = sorted((nih() / "images").glob("*.png"))
    good = 0
    for path in paths:
        fields = lung_fields(grey(path))
        if fields is None:
            continue
        left, right = (float(mask.mean()) for mask in (fields.left, fields.right))
        middles = [
            float(np.argwhere(mask)[:, 1].mean()) / mask.shape[1] for mask in (fields.right, fields.left)
        ]
        apart = not bool((fields.left & fields.right).any()) and middles[0] < 0.5 < middles[1]
        good += apart and all(0.04 < share < 0.3 for share in (left, right))
    assert good >= 0.9 * len(paths), f"{good} of {len(paths)}"
