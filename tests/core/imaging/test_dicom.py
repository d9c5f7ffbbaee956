"""Films from DICOM files: the right pixels, or one typed error."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_films import BROKEN, COLUMNS, LOSSLESS, ROWS, baseline_jpeg, in_syntax, lut, made, stored
from pydicom.pixels import apply_voi_lut
from pydicom.sequence import Sequence

from clinseek_core.imaging import FilmError, film_of
from clinseek_core.imaging.refusal import REMEDIES


def linear(values: np.ndarray[Any, Any], center: float, width: float) -> np.ndarray[Any, Any]:
    """PS3.3 C.11.2.1.2.1, written out for each pixel by its three cases."""
    out = np.empty(values.shape)
    for place, x in np.ndenumerate(values.astype(float)):
        if x <= center - 0.5 - (width - 1) / 2:
            out[place] = 0
        elif x > center - 0.5 + (width - 1) / 2:
            out[place] = 255
        else:
            out[place] = ((x - (center - 0.5)) / (width - 1) + 0.5) * 255
    return np.round(out)


def same(pixels: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> bool:
    return bool(np.abs(pixels.astype(float) - expected).max() <= 1)


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_every_lossless_encoding_gives_the_same_pixels(syntax: str) -> None:
    film = film_of(in_syntax(LOSSLESS[syntax]))
    assert same(film.pixels, linear(stored(), 2048, 4096))
    assert film.facts.window.kind == "linear"


def test_baseline_jpeg_gives_its_decoders_pixels() -> None:
    data, decoded = baseline_jpeg()
    assert same(film_of(data).pixels, linear(decoded, 128, 256))


@pytest.mark.parametrize(("center", "width"), [(2048.0, 4096.0), (1000.0, 500.0), (3000.0, 1.0), (-5.0, 2.0)])
def test_an_asked_window_goes_before_the_files_own(center: float, width: float) -> None:
    film = film_of(made(), center, width)
    assert film.facts.window.kind == "asked"
    if width > 1:
        assert same(film.pixels, linear(stored(), center, width))
    assert set(np.unique(film.pixels[stored() < center - 0.5 - width / 2])) <= {0}


def test_the_first_of_several_windows_holds() -> None:
    several = made(WindowCenter=["1000", "100"], WindowWidth=["500", "50"])
    assert (film_of(several).pixels == film_of(made(), 1000, 500).pixels).all()


def test_monochrome1_is_inverted_after_its_window() -> None:
    plain, inverted = (
        made(WindowCenter="900"),
        made(WindowCenter="900", PhotometricInterpretation="MONOCHROME1"),
    )
    assert (film_of(inverted).pixels == 255 - film_of(plain).pixels.astype(int)).all()


def test_rescaling_comes_before_the_window() -> None:
    rescaled = made(RescaleSlope="2", RescaleIntercept="-100", WindowCenter="3996", WindowWidth="8192")
    assert same(film_of(rescaled).pixels, linear(stored() * 2.0 - 100, 3996, 8192))


def test_signed_values_keep_their_sign() -> None:
    signed = stored().astype(np.int16) - 2048
    film = film_of(
        made(PixelData=signed.tobytes(), PixelRepresentation=1, WindowCenter="0", WindowWidth="1000")
    )
    assert same(film.pixels, linear(signed, 0, 1000))


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_window_functions_agree_with_pydicom(function: str) -> None:
    from pydicom import dcmread

    data = made(VOILUTFunction=function, WindowCenter="1500", WindowWidth="900")
    theirs = apply_voi_lut(stored().astype(float), dcmread(io.BytesIO(data)))
    low, high = theirs.min(), theirs.max()
    ours = film_of(data)
    assert ours.facts.window.kind == function.lower()
    assert same(ours.pixels, (theirs - 0) / 4095 * 255 if function != "SIGMOID" else theirs / 4095 * 255)
    assert high > low


@pytest.mark.parametrize("first", [0, 300])
def test_a_look_up_table_goes_before_a_window_and_agrees_with_pydicom(first: int) -> None:
    from pydicom import dcmread

    data = made(VOILUTSequence=Sequence([lut(first=first)]))
    theirs = apply_voi_lut(stored(), dcmread(io.BytesIO(data)), prefer_lut=True)
    film = film_of(data)
    assert film.facts.window.kind == "voi_lut"
    assert same(film.pixels, theirs / 4095 * 255)


def test_without_a_window_the_middle_of_the_pixels_is_spread() -> None:
    film = film_of(made(WindowCenter=None, WindowWidth=None))
    low, high = np.percentile(stored(), [0.5, 99.5])
    expected = np.clip((stored() - low) / (high - low), 0, 1) * 255
    assert film.facts.window.kind == "percentile"
    assert np.abs(film.pixels - expected).mean() < 1


SPACINGS = {
    "PixelSpacing": {"ImagerPixelSpacing": ["0.1", "0.1"]},
    "ImagerPixelSpacing": {"PixelSpacing": None, "ImagerPixelSpacing": ["0.1", "0.12"]},
    "NominalScannedPixelSpacing": {"PixelSpacing": ["0", "9"], "NominalScannedPixelSpacing": ["0.3", "0.3"]},
    "": {"PixelSpacing": None},
}


@pytest.mark.parametrize("source", SPACINGS)
def test_spacing_is_told_with_where_it_comes_from(source: str) -> None:
    facts = film_of(made(**SPACINGS[source])).facts
    assert facts.spacing_source == source
    assert (facts.spacing_mm is None) == (source == "")


encoded = cache(in_syntax)


def ending(data: bytes) -> str:
    """`ok` where the bytes are a film of its own size, else the code of its one typed error."""
    try:
        film = film_of(data)
    except FilmError as error:
        return error.code if str(error).endswith(REMEDIES[error.code]) else str(error)
    whole = film.pixels.dtype == np.uint8 and film.pixels.shape == (film.facts.rows, film.facts.columns)
    return "ok" if whole else "not as it says"


UNHARMED = (
    "no bits stored",
    "no pixel representation",
    "no samples per pixel",
    "no modality",
    "no SOP class",
    "representation that does not exist, of another value",
    "pixels of 4 GiB by their length",
    "bytes after the pixels",
    "window function unknown",
    "several windows",
    "slope 0",
    "slope of words",
    "look-up table without data",
    "look-up sequence empty",
    "spacing of words",
    "spacing 0",
    "names with escapes",
)
WITHOUT_WINDOW = ("window width 0", "window width negative", "window of words", "look-up table short")
VALUES: dict[str, np.ndarray[Any, Any]] = dict.fromkeys(UNHARMED + WITHOUT_WINDOW, stored()) | {
    "rows and columns exchanged": stored().reshape(COLUMNS, ROWS),
    "fewer rows than pixels": stored()[:-1],
    # Above the bits that are stored, there is no pixel.
    "bits stored too few": stored() & 1023,
    "constant": np.zeros((ROWS, COLUMNS), int),
}
"""What the stored values of a broken file are, where it still is a film."""
DAMAGED = ("RLE damaged", "JPEG 2000 damaged", "JPEG-LS damaged", "JPEG cut")
"""Nobody can tell which values these had: a decoder says."""


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_a_film_or_one_typed_error(name: str) -> None:
    expected, make = BROKEN[name]
    ended = ending(make())
    assert ended in expected
    assert ended != "ok" or name in {*VALUES, *DAMAGED}


def test_eighty_files_are_broken() -> None:
    assert len(BROKEN) >= 80


@pytest.mark.parametrize("name", VALUES)
def test_what_is_still_a_film_has_its_own_pixels(name: str) -> None:
    film = film_of(BROKEN[name][1]())
    if film.facts.window.kind == "linear":
        assert same(film.pixels, linear(VALUES[name], 2048, 4096))
        return
    assert name in {*WITHOUT_WINDOW, "constant"}
    low, high = np.percentile(VALUES[name], [0.5, 99.5])
    expected = np.clip((VALUES[name] - low) / max(high - low, 1), 0, 1) * 255
    assert np.abs(film.pixels - expected).mean() < 1


def test_nothing_that_names_the_patient_is_told() -> None:
    told = json.dumps(msgspec.to_builtins(film_of(BROKEN["names with escapes"][1]()).facts))
    for secret in (
        "EVIL",
        "markup",
        "Elsewhere",
        "effusion",
        "private",
        "90000009",
        "2150",
        "\\u001b",
        "1.2.3.4",
    ):
        assert secret not in told


def test_burned_in_text_is_warned_of() -> None:
    facts = film_of(made(BurnedInAnnotation="YES")).facts
    assert facts.burned_in_annotation == "YES"
    assert any("burned" in warning for warning in facts.warnings)


@pytest.mark.parametrize(("center", "width"), [(None, 5.0), (5.0, None), (5.0, 0.5), (float("nan"), 5.0)])
def test_half_a_window_is_an_error(center: float | None, width: float | None) -> None:
    with pytest.raises(ValueError, match="window"):
        film_of(made(), center, width)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(132, 1200), change=st.binary(min_size=1, max_size=12))
def test_any_change_of_the_header_is_a_film_or_one_typed_error(at: int, change: bytes) -> None:
    data = bytearray(made())
    data[at : at + len(change)] = change
    assert ending(bytes(data)) in {"ok", *REMEDIES}


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None)
@given(
    syntax=st.sampled_from(sorted(LOSSLESS.values())),
    changes=st.lists(st.tuples(st.integers(100, 1400), st.binary(min_size=1, max_size=6)), max_size=4),
)
def test_any_changes_of_any_encoding_are_a_film_or_one_typed_error(
    syntax: str, changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(encoded(syntax))
    for at, change in changes:
        data[at : at + len(change)] = change
    assert ending(bytes(data)) in {"ok", *REMEDIES}


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_film_or_one_typed_error(data: bytes) -> None:
    for head in (b"", bytes(128) + b"DICM", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"):
        assert ending(head + data) in {"ok", *REMEDIES}


def test_a_films_rows_and_columns_are_its_own() -> None:
    assert film_of(made()).pixels.shape == (ROWS, COLUMNS)
