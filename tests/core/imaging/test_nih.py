"""Real open films, where they are: wrapped as DICOM, odd in their encodings, with scores recorded of them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from clinseek_core.case import Case, CaseImage, Policy
from clinseek_core.imaging.at_hand import FilmsAtHand
from clinseek_core.imaging.backends.fixture import FixtureBackend
from clinseek_core.imaging.films import FilmReader
from clinseek_core.imaging.of_case import CaseFilms
from clinseek_core.imaging.refusal import FilmError
from clinseek_core.imaging.results_file import FORMAT, Recorded, ResultsFile
from clinseek_core.tools.image import ImageTools
from clinseek_fixtures import bundled_cases

CLASSIFIER = "image.chest_xray_classifier"
TO_LABEL = {"Infiltrate": "Infiltration"}


def folder(variable: str, holds: str) -> Path:
    named = os.environ.get(variable, "")
    if not named:
        pytest.skip(f"{variable} is not set: the folder with {holds}")
    return Path(named)


@pytest.fixture(scope="module")
def nih() -> Path:
    return folder("CLINSEEK_NIH_CXR", "the NIH's images/ and labels.csv")


@pytest.fixture(scope="module")
def reader() -> Iterator[FilmReader]:
    reading = FilmReader()
    yield reading
    reading.close()


def as_dicom(pixels: np.ndarray[Any, Any], *, bits: int, inverted: bool, syntax: str) -> bytes:
    """A film's grey values as DICOM: more bits, the other photometric interpretation, another encoding."""
    from pydicom.dataset import Dataset

    stored = pixels.astype(np.uint16) << (bits - 8) if bits > 8 else pixels
    if inverted:
        stored = (2**bits - 1 - stored).astype(stored.dtype)
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.SOPClassUID, film.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.3"
    film.Modality, film.SamplesPerPixel = "DX", 1
    film.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    film.Rows, film.Columns = pixels.shape
    film.BitsAllocated = 16 if bits > 8 else 8
    film.BitsStored, film.HighBit, film.PixelRepresentation = bits, bits - 1, 0
    film.WindowCenter, film.WindowWidth = 2 ** (bits - 1), 2**bits
    film.PixelData = stored.tobytes()
    if syntax != ExplicitVRLittleEndian:
        film.compress(syntax, encoding_plugin="pylibjpeg" if syntax == JPEG2000Lossless else "")
    out = io.BytesIO()
    film.save_as(out, enforce_file_format=True)
    return out.getvalue()


FORMS = [
    (8, False, ExplicitVRLittleEndian),
    (8, True, RLELossless),
    (12, False, JPEGLSLossless),
    (12, True, ExplicitVRLittleEndian),
    (16, True, RLELossless),
]


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_the_nihs_films_wrapped_as_dicom_give_their_pixels_again(
    nih: Path, reader: FilmReader, tmp_path: Path, form: int
) -> None:
    """The window is the whole range, so that each grey value comes back within one level."""
    bits, inverted, syntax = FORMS[form]
    for path in sorted((nih / "images").glob("*.png"))[form :: len(FORMS)]:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("L"))
        film = tmp_path / f"{path.stem}.dcm"
        try:
            film.write_bytes(as_dicom(pixels, bits=bits, inverted=inverted, syntax=syntax))
        except (NotImplementedError, RuntimeError) as error:
            pytest.skip(f"pydicom can't write this encoding here: {error}")
        shown = reader.show(film, [tmp_path])
        back = np.asarray(Image.open(io.BytesIO(shown.png)))
        assert np.abs(back.astype(int) - pixels.astype(int)).max() <= 1


REFUSED = {
    "no_meta.dcm": "not_a_film",
    "SC_rgb_jpeg.dcm": "not_grayscale",
}
"""All other edge cases but one are no radiographs."""


def test_a_real_cr_film_without_a_file_header_has_its_pixels(reader: FilmReader) -> None:
    """MONOCHROME1, 10 bits; the window by PS3.3 C.11.2.1.2.1 from the bytes at the file's end."""
    path = folder("CLINSEEK_DICOM_CXR", "a CR film and edge-cases/") / "CR-MONO1-10-chest_nometa.dcm"
    shown = reader.show(path, [path.parent])
    header = dcmread(path, force=True)
    values = np.frombuffer(header.PixelData, "<u2")[: 440 * 440].reshape(440, 440).astype(float)
    center, width = float(header.WindowCenter), float(header.WindowWidth)
    grey = 255 - np.clip(((values - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)
    assert np.abs(np.asarray(Image.open(io.BytesIO(shown.png))) - grey).max() <= 1
    assert np.asarray(Image.open(io.BytesIO(shown.png))).std() > 20


def test_odd_dicom_files_are_refused_for_what_they_are(reader: FilmReader) -> None:
    root = folder("CLINSEEK_DICOM_CXR", "a CR film and edge-cases/")
    paths = sorted((root / "edge-cases").glob("*.dcm"))
    assert len(paths) >= 10
    for path in paths:
        if path.name == "image_dfl.dcm":
            header = dcmread(path)
            shown = reader.show(path, [root])
            assert np.asarray(Image.open(io.BytesIO(shown.png))).shape == (header.Rows, header.Columns)
            continue
        with pytest.raises(FilmError) as refused:
            reader.show(path, [root])
        assert refused.value.code == REFUSED.get(path.name, "wrong_modality"), path.name
    # The worker is alive, and reads the next film.
    assert reader.show(root / "CR-MONO1-10-chest_nometa.dcm", [root]).facts.rows == 440


def auc(scores: list[float], present: list[bool]) -> float:
    pairs = [
        (a, b)
        for a, there in zip(scores, present, strict=True)
        if there
        for b, other in zip(scores, present, strict=True)
        if not other
    ]
    return sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs)


def test_recorded_scores_are_served_and_agree_with_the_radiologists_boxes(nih: Path, tmp_path: Path) -> None:
    with (nih / "labels.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["prob_Cardiomegaly"]]
    results = ResultsFile(tmp_path / "results.jsonl")
    for row in rows:
        film = (nih / "images" / row["Image Index"]).read_bytes()
        output = {name[5:]: float(value) for name, value in row.items() if name.startswith("prob_")}
        recorded = Recorded(
            film=hashlib.sha256(film).hexdigest(), tool=CLASSIFIER, arguments={}, backend="local",
            model="a DenseNet-121 of others", output=output,
        )  # fmt: skip
        results.add(recorded, None)
    assert json.loads((tmp_path / "results.jsonl").read_text().splitlines()[0])["format"] == FORMAT
    case = bundled_cases()[0]
    images = tuple(CaseImage(path=str(nih / "images" / row["Image Index"])) for row in rows)
    films = CaseFilms(
        Case(qid="nih", subject_id=1, prediction_time=case.prediction_time, question="?", images=images),
        Policy(),
        Path(),
    )
    reading = FilmReader()
    backend = FixtureBackend(FilmsAtHand(films, reading), ResultsFile(tmp_path / "results.jsonl"))
    tools = ImageTools(films, reading, {CLASSIFIER: backend})
    said = {}
    for image in images:
        told = json.loads(tools.call(CLASSIFIER, {"image_path": image.path}).text)
        assert told["metadata"]["backend"] == "fixture"
        said[Path(image.path).name] = told["output"]
    reading.close()
    with (nih / "bboxes.csv").open() as file:
        boxed = [
            (row["Image Index"], TO_LABEL.get(row["Finding Label"], row["Finding Label"]))
            for row in csv.DictReader(file)
        ]
    areas = {}
    for label in sorted({label for _, label in boxed}):
        present = [(name, label) in boxed for name in said]
        areas[label] = auc([scores[label] for scores in said.values()], present)
    assert areas["Cardiomegaly"] > 0.95
    assert np.mean(list(areas.values())) > 0.7, areas
