from __future__ import annotations

import io

import msgspec
import numpy as np
import PIL.Image
import pytest

from clinseek_core.agent import opening, run
from clinseek_core.case import AnswerSchema, CaseImage
from clinseek_core.errors import InputError
from clinseek_core.journal import ImageRef, Prompt
from clinseek_core.models import UserMessage


def test_the_opening_says_what_is_asked_of_whom_and_when(case, toolbox):
    system, user = opening(case, toolbox.specs, ())
    assert "ehr.finish" in system.content
    assert "`ehr.*`" in system.content
    assert "`browser.*`" in system.content
    assert "`image.*`" not in system.content, "there are no such tools here"
    assert "Which drug comes next?" in user.content
    assert "Current Time: 2150-03-03 06:00:00" in user.content
    assert "Patient Subject ID: 90000001" in user.content
    assert '["Piperacillin-Tazobactam", "Furosemide"]' in user.content
    assert "secret" not in system.content + user.content


def test_a_case_without_candidates_shows_no_list(case, toolbox):
    free = msgspec.structs.replace(case, candidates=(), answer=AnswerSchema(kind="one"))
    _, user = opening(free, toolbox.specs, ())
    assert "candidate" not in user.content
    assert "exactly one item" in user.content


def test_attached_images_are_named_in_order(case, toolbox):
    refs = tuple(ImageRef(media_type="image/png", sha256="0" * 64, bytes=1, label=label) for label in "ab")
    _, user = opening(case, toolbox.specs, refs)
    assert "1. a\n2. b" in user.content
    assert user.images == refs


def film(folder, name, mode="L", size=(40, 30), **saved):
    """A gradient with the brightest pixel at the bottom right."""
    ramp = np.linspace(0, 1, size[0] * size[1]).reshape(size[1], size[0])
    if mode == "I;16":
        picture = PIL.Image.fromarray((ramp * 4095).astype(np.uint16))
    else:
        picture = PIL.Image.fromarray((ramp * 255).astype(np.uint8)).convert(mode)
    picture.save(folder / name, **saved)
    return CaseImage(path=name, study_id=95000001)


@pytest.fixture
def sent(case, new_journal, toolbox, scripted, call, control, tmp_path):
    """What a model gets of a case's images."""

    def send(*images, **limits):
        journal = new_journal(case=msgspec.structs.replace(case, images=images), **limits)
        model = scripted(call(("ehr.finish", {"response": []})))
        run(journal, model, toolbox, control, case_folder=tmp_path)
        user = model.conversations[0][1]
        assert isinstance(user, UserMessage)
        refs = next(event for event in journal.events if isinstance(event, Prompt)).messages[1].images
        assert [journal.read_body(ref) for ref in refs] == [image.data for image in user.images]
        return user.images

    return send


@pytest.mark.parametrize(
    ("name", "mode", "media_type"),
    [
        ("film.png", "L", "image/png"),
        ("film.png", "I;16", "image/png"),
        ("film.png", "1", "image/png"),
        ("film.png", "LA", "image/png"),
        ("film.png", "RGBA", "image/png"),
        ("film.png", "P", "image/png"),
        ("film.jpg", "L", "image/jpeg"),
        ("film.jpg", "CMYK", "image/jpeg"),
    ],
)
def test_a_film_goes_out_in_eight_bits_and_upright(sent, tmp_path, name, mode, media_type):
    (image,) = sent(film(tmp_path, name, mode))
    assert image.media_type == media_type
    assert image.label == f"{name}, study 95000001"
    picture = PIL.Image.open(io.BytesIO(image.data))
    assert (picture.size, picture.mode in {"L", "RGB"}) == ((40, 30), True)
    grey = np.asarray(picture.convert("L"))
    if mode != "CMYK":
        assert grey[-1, -1] > 200
        assert grey[0, 0] < 60


@pytest.mark.parametrize("size", [(400, 300), (300, 400), (400, 3)])
def test_the_longest_edge_is_bounded(sent, tmp_path, size):
    (image,) = sent(film(tmp_path, "film.png", size=size), max_image_edge=100)
    picture = PIL.Image.open(io.BytesIO(image.data))
    assert max(picture.size) == 100
    assert picture.size[0] / picture.size[1] == pytest.approx(size[0] / size[1], rel=0.35)


def test_a_file_s_metadata_stays_at_home(sent, tmp_path):
    exif = PIL.Image.Exif()
    exif[0x010E], exif[0x0112] = "Name^Of^Patient", 6
    (image,) = sent(film(tmp_path, "film.jpg", exif=exif.tobytes(), comment=b"Patient"))
    picture = PIL.Image.open(io.BytesIO(image.data))
    assert picture.size == (30, 40), "turned as its orientation says"
    assert b"Patient" not in image.data


def broken(folder, name):
    return {
        "missing.png": lambda path: None,
        "folder.png": lambda path: path.mkdir(),
        "text.png": lambda path: path.write_text("not a film"),
        "short.png": lambda path: path.write_bytes(short_png(folder)),
        "other.png": lambda path: PIL.Image.new("L", (4, 4)).save(path, "GIF"),
        "vast.png": lambda path: PIL.Image.new("1", (9000, 9000)).save(path),
    }[name](folder / name)


def short_png(folder):
    film(folder, "whole.png", size=(200, 200))
    return (folder / "whole.png").read_bytes()[:300]


@pytest.mark.parametrize(
    "name", ["missing.png", "folder.png", "text.png", "short.png", "other.png", "vast.png"]
)
def test_a_film_that_cannot_be_read_is_said_before_a_model_is_asked(sent, tmp_path, name):
    broken(tmp_path, name)
    with pytest.raises(InputError, match=name):
        sent(CaseImage(path=name))


def test_a_film_from_after_the_cutoff_is_refused(sent, tmp_path, case):
    image = msgspec.structs.replace(film(tmp_path, "film.png"), taken_at=case.prediction_time)
    with pytest.raises(InputError, match="after the case's prediction time"):
        sent(image)
