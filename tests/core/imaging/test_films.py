"""Films read in a worker: whatever a file does, the worker or its successor reads the next one."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_films import BROKEN, made, stored
from PIL import Image

from clinseek_core.imaging import FilmError, film_of
from clinseek_core.imaging.films import FilmReader


@pytest.fixture(scope="module")
def reader() -> Iterator[FilmReader]:
    opened = FilmReader()
    yield opened
    opened.close()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.dcm"
    path.write_bytes(made())
    return path


def code_of(reader: FilmReader, path: Path, root: Path) -> str:
    with pytest.raises(FilmError) as refused:
        reader.show(path, [root])
    return refused.value.code


def test_a_film_comes_back_as_the_picture_of_its_pixels(reader: FilmReader, film: Path) -> None:
    shown = reader.show(film, [film.parent])
    pixels = np.asarray(Image.open(io.BytesIO(shown.png)))
    assert (pixels == film_of(made()).pixels).all()
    assert shown.facts == film_of(made()).facts


def test_a_picture_is_made_no_larger_than_asked(reader: FilmReader, film: Path) -> None:
    shown = reader.show(film, [film.parent], max_edge=32)
    assert max(Image.open(io.BytesIO(shown.png)).size) == 32
    assert shown.facts.rows == stored().shape[0]


def test_one_worker_reads_every_broken_file_in_time_and_memory(
    reader: FilmReader, film: Path, tmp_path: Path
) -> None:
    """None ends it, takes more than 15 s or 2 GB, or keeps it from reading the next film."""
    reader.show(film, [film.parent])
    assert reader._worker is not None
    process = reader._worker._process.pid
    hostile = tmp_path / "hostile.dcm"
    for name, (expected, make) in BROKEN.items():
        hostile.write_bytes(make())
        begin = time.monotonic()
        try:
            reader.show(hostile, [tmp_path])
            ended = "ok"
        except FilmError as error:
            ended = error.code
        assert ended in expected, name
        assert time.monotonic() - begin < 15, name
        assert reader._worker is not None, name
    assert reader._worker._process.pid == process
    assert reader.show(film, [film.parent]).facts.modality == "DX"
    status = Path(f"/proc/{process}/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        assert int(peak.split()[1]) * 1024 < 2 * 10**9


def test_after_its_worker_was_killed_another_reads(reader: FilmReader, film: Path) -> None:
    reader.show(film, [film.parent])
    assert reader._worker is not None
    reader._worker._process.kill()
    with pytest.raises(FilmError):
        reader.show(film, [film.parent])
    assert reader.show(film, [film.parent]).facts.modality == "DX"


def test_a_film_outside_the_allowed_folders_is_refused(
    reader: FilmReader, film: Path, tmp_path: Path
) -> None:
    inside = tmp_path / "case"
    inside.mkdir()
    (inside / "link.dcm").symlink_to(film)
    assert code_of(reader, film, inside) == "outside"
    assert code_of(reader, inside / ".." / "film.dcm", inside) == "outside"
    assert code_of(reader, inside / "link.dcm", inside) == "outside"


def test_a_link_within_them_is_refused_too(reader: FilmReader, film: Path) -> None:
    link = film.with_name("link.dcm")
    link.symlink_to(film)
    assert code_of(reader, link, film.parent) == "not_a_regular_file"


def test_a_pipe_is_refused_and_nobody_waits(reader: FilmReader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dcm")
    assert code_of(reader, tmp_path / "pipe.dcm", tmp_path) == "not_a_regular_file"


@pytest.mark.parametrize("path", ["nowhere.dcm", ".", "film.dcm/below", "a\0b", "x" * 5000])
def test_what_is_no_file_is_unreadable(reader: FilmReader, film: Path, path: str) -> None:
    assert code_of(reader, film.parent / path, film.parent) in {"unreadable", "not_a_regular_file"}


def test_a_file_too_large_is_not_read(reader: FilmReader, tmp_path: Path) -> None:
    with (tmp_path / "large.dcm").open("wb") as file:
        file.truncate(2**30)
    assert code_of(reader, tmp_path / "large.dcm", tmp_path) == "file_too_large"
