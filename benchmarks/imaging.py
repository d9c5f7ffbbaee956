"""How long a film takes to its pixels, and whether the app waits while a model works.

`python benchmarks/imaging.py [--rounds N]`. DICOM films of 2,000 × 2,000 pixels, made here in four encodings,
are read to grey values as the app reads them, and in the same rounds by bare pydicom and numpy doing the
same: parse, decode, apply the window, round to 8 bits. The same once more through the app's worker process,
which hands a film over as PNG, beside bare pydicom, numpy and that PNG. Then a heartbeat of 60 Hz beats in an
event loop, alone and then while worker processes read a film and outline lungs without a model, and where the
extra cxr is installed while one imports torch, builds the networks, segments and classifies. Lateness is how
much after its time a beat came.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import numpy as np
from measure import announce, print_table
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from clinseek_core.imaging import film_of
from clinseek_core.imaging.films import FilmReader
from clinseek_core.imaging.model import ModelWorker, misfits, missing_packages
from clinseek_core.imaging.structures import STRUCTURES
from clinseek_core.imaging.weights import import_weights, weights_path
from clinseek_fixtures.film.shipped import films_path, shipped_films

SIDE = 2000
WANTED_RATIO, WANTED_LATENESS_MS = 1.3, 25.0
BEAT_S = 1 / 60
ALONE_S = 5.0
CENTER, WIDTH = 2048.0, 4096.0
MAKE_WEIGHTS = """
import sys, torch
from clinseek_core.imaging import model_worker
torch.manual_seed(1)
torch.save(model_worker._pspnet().state_dict(), sys.argv[1] + "/pspnet.pth")
torch.save(model_worker.densenet().state_dict(), sys.argv[1] + "/densenet.pt")
"""


def film(syntax: str, photometric: str = "MONOCHROME2") -> bytes:
    """A film as DICOM: a phantom made large, 12 bits with the noise that real films have."""
    with Image.open(films_path() / shipped_films()[0].file) as picture:
        grey = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC)).astype(
            np.int32
        )
    noise = np.random.default_rng(1).normal(0, 12, (SIDE, SIDE))
    stored = np.clip(grey * 16 + noise, 0, 4095).astype(np.uint16)
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID, header.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.3"
    header.Modality, header.SamplesPerPixel, header.PhotometricInterpretation = "DX", 1, photometric
    header.Rows = header.Columns = SIDE
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 12, 11, 0
    header.WindowCenter, header.WindowWidth = CENTER, WIDTH
    header.PixelData = stored.tobytes()
    if syntax != ExplicitVRLittleEndian:
        header.compress(syntax)
    out = io.BytesIO()
    header.save_as(out, enforce_file_format=True)
    return out.getvalue()


def bare(data: bytes) -> np.ndarray:
    """The same pixels by pydicom and numpy alone, as one would write it (PS3.3 C.11.2.1.2.1)."""
    header = dcmread(io.BytesIO(data))
    values = header.pixel_array.astype(np.float32)
    center, width = float(header.WindowCenter), float(header.WindowWidth)
    shown = ((values - (center - 0.5)) / (width - 1) + 0.5) * 255
    grey = np.rint(np.clip(shown, 0, 255)).astype(np.uint8)
    return 255 - grey if header.PhotometricInterpretation == "MONOCHROME1" else grey


def bare_by_png(data: bytes) -> np.ndarray:
    """The same, written and read as PNG in the way of the app's worker."""
    out = io.BytesIO()
    Image.fromarray(bare(data)).save(out, "PNG", compress_level=1)
    return np.asarray(Image.open(out))


def in_turns(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[str, ...]:
    """The two medians in ms, taken in the same rounds, and their ratio."""
    times: dict[Callable[[], object], list[float]] = {ours: [], theirs: []}
    for turn in range(rounds):
        for call in (ours, theirs)[:: 1 if turn % 2 else -1]:
            begin = time.perf_counter()
            call()
            times[call].append(1000 * (time.perf_counter() - begin))
    our, their = (statistics.median(times[call]) for call in (ours, theirs))
    return f"{our:.1f}", f"{their:.1f}", f"{our / their:.2f}x", f"{WANTED_RATIO}x"


def beside(rounds: int, folder: Path) -> list[tuple[str, ...]]:
    """For each encoding how long it takes beside bare pydicom, in this process and by the app's worker."""
    rows = []
    reader, path = FilmReader(), folder / "beside.dcm"

    def through_worker() -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(reader.show(path, [folder]).png)))

    for name, data in (
        ("uncompressed", film(ExplicitVRLittleEndian)),
        ("uncompressed, MONOCHROME1", film(ExplicitVRLittleEndian, "MONOCHROME1")),
        ("RLE", film(RLELossless)),
        ("JPEG-LS", film(JPEGLSLossless)),
    ):
        assert np.abs(film_of(data).pixels.astype(int) - bare(data)).max() <= 1
        path.write_bytes(data)
        assert np.abs(through_worker().astype(int) - bare(data)).max() <= 1
        alone = in_turns(lambda: film_of(path.read_bytes()), lambda: bare(path.read_bytes()), rounds)
        whole = in_turns(through_worker, lambda: bare_by_png(path.read_bytes()), rounds)
        rows += [(name, *alone), (f"{name}, by the worker and PNG", *whole)]
    reader.close()
    return rows


async def late_beats(work: Callable[[], Awaitable[object]]) -> tuple[list[float], float]:
    """How late each beat came while `work` went on, in ms, and how long that was, in s."""
    late: list[float] = []
    begin = time.perf_counter()
    going = asyncio.ensure_future(work())
    due = begin
    while not going.done():
        due += BEAT_S
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        now = time.perf_counter()
        late.append(1000 * (now - due))
        # A beat that was missed is not made up for.
        due = max(due, now)
    await going
    return late, time.perf_counter() - begin


def heartbeats(folder: Path) -> list[tuple[str, ...]]:
    """The worst lateness of the heartbeat, for each kind of work beside it."""
    png = (films_path() / shipped_films()[0].file).read_bytes()
    large = folder / "film.dcm"
    large.write_bytes(film(RLELossless))
    worker, fresh, reader = ModelWorker(), ModelWorker(), FilmReader()
    organs = ["Left Lung", "Right Lung"]
    works: dict[str, Callable[[], Awaitable[object]]] = {
        "nothing": lambda: asyncio.sleep(ALONE_S),
        "a DICOM film read, 2,000 x 2,000": lambda: asyncio.to_thread(
            reader.show, large, [folder], None, 1568
        ),
        "lungs without a model, worker started": lambda: asyncio.to_thread(
            worker.call, "lungs", png, organs, deadline_s=60
        ),
    }
    if not missing_packages():
        subprocess.run([sys.executable, "-c", MAKE_WEIGHTS, str(folder)], check=True)
        segment, classify = (
            (call, *what, made.model, str(weights_path(folder, made.model)), made.sha256)
            for call, what, file in (
                ("segment", (png, list(STRUCTURES)), "pspnet.pth"),
                ("classify", (png,), "densenet.pt"),
            )
            for made in [import_weights(folder / file, folder, misfits)]
        )
        for name, call in (
            ("torch imported, network built, segmented", segment),
            ("segmented again", segment),
            ("network built, classified", classify),
            ("classified again", classify),
        ):
            works[name] = partial(asyncio.to_thread, fresh.call, *call, deadline_s=300)
    rows = []
    for name, work in works.items():
        late, seconds = asyncio.run(late_beats(work))
        p99 = sorted(late)[int(0.99 * (len(late) - 1))]
        rows.append(
            (
                name,
                f"{seconds:.2f}",
                str(len(late)),
                f"{p99:.1f}",
                f"{max(late):.1f}",
                f"{WANTED_LATENESS_MS:.0f}",
            )
        )
    for opened in (worker, fresh, reader):
        opened.close()
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    announce("imaging")
    with tempfile.TemporaryDirectory() as folder:
        pixels = beside(rounds, Path(folder))
        rows = heartbeats(Path(folder))
    print_table(("DICOM to grey values", "ours ms", "bare ms", "ratio", "wanted"), pixels)
    print()
    print_table(("beside a heartbeat of 60 Hz", "s", "beats", "p99 late ms", "worst late ms", "wanted"), rows)
    if missing_packages():
        print(f"without {', '.join(missing_packages())}: no model was run (extra cxr)")


if __name__ == "__main__":
    main()
