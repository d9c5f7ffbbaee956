"""The image tools on the films of a case."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from clinseek_core.case import Case, CaseImage, Policy
from clinseek_core.imaging.backends import Answer, BackendError
from clinseek_core.imaging.films import FilmReader
from clinseek_core.imaging.of_case import AskedFilm, CaseFilms
from clinseek_core.tools.image import ImageTools
from clinseek_core.tools.image_specs import IMAGE_TOOLS
from clinseek_fixtures import bundled_cases, world_path

STEM = "7ad3897c-3fe8e2e3-47d67976-946af635-cdf3709c"
FOLDER = "cxr/files/p90/p90000002/s95002816"
LATER = "cxr/files/p90/p90000002/s95002509/da8105a8-fd2afa83-eb50638d-55280cf4-c4c062ee.png"


class Told:
    """A backend that says what it was asked."""

    name = "local"

    def answer(self, tool: str, film: AskedFilm, arguments: dict[str, Any]) -> Answer:
        if arguments.get("phrase") == "nothing":
            raise BackendError("not_recorded", "record it")
        return Answer(output={"asked": [tool, film.name]}, model="told", digest="ab" * 32)


@pytest.fixture(scope="module")
def case() -> Case:
    film_case = next(case for case in bundled_cases() if case.images)
    later = CaseImage(path=LATER, taken_at=datetime(2150, 6, 15, 10, 41, 7))
    return msgspec.structs.replace(film_case, images=(*film_case.images, later))


@pytest.fixture(scope="module")
def tools(case: Case) -> Iterator[ImageTools]:
    reader = FilmReader()
    films = CaseFilms(case, Policy(), world_path())
    yield ImageTools(
        films, reader, {"image.chest_xray_classifier": Told(), "image.xray_phrase_grounding": Told()}
    )
    reader.close()


def answer(tools: ImageTools, tool: str, **arguments: Any) -> dict[str, Any]:
    return dict(json.loads(tools.call(f"image.{tool}", arguments).text))


def test_a_dicom_film_is_shown_with_its_facts(tools: ImageTools) -> None:
    result = tools.call("image.dicom_processor", {"dicom_path": f"{FOLDER}/{STEM}.dcm"})
    told = json.loads(result.text)
    assert told["output"] == {"image_path": f"{FOLDER}/{STEM}.dcm.shown.png"}
    assert told["metadata"]["view_position"] == "AP"
    assert told["metadata"]["spacing_source"] == "PixelSpacing"
    assert told["metadata"]["analysis_status"] == "completed"
    (picture,) = result.pictures
    assert Image.open(io.BytesIO(picture.data)).size == (512, 512)


def test_nothing_of_a_film_names_the_patient(tools: ImageTools) -> None:
    result = tools.call("image.dicom_processor", {"dicom_path": f"{FOLDER}/{STEM}.dcm"})
    metadata = json.loads(result.text)["metadata"]
    metadata.pop("image_path")
    told = json.dumps(metadata)
    assert [secret for secret in ("90000002", "SYNTHETIC", "2150", "1.2.826") if secret in told] == []


@pytest.mark.parametrize(
    "written",
    [f"{FOLDER}/{STEM}.dcm", f"{STEM}.dcm", STEM.upper(), f" {STEM} ", f"{world_path()}/{FOLDER}/{STEM}.dcm"],
)
def test_a_film_is_found_by_every_name_of_it(tools: ImageTools, written: str) -> None:
    assert answer(tools, "image_visualizer", image_path=written)["metadata"]["analysis_status"] == "completed"


def test_a_view_is_named_by_how_to_make_it_again(tools: ImageTools) -> None:
    first = tools.call(
        "image.dicom_processor", {"dicom_path": f"{STEM}.dcm", "window_center": 100, "window_width": "80"}
    )
    view = json.loads(first.text)["output"]["image_path"]
    assert view == f"{FOLDER}/{STEM}.dcm.w100,80.png"
    again = tools.call("image.image_visualizer", {"image_path": view})
    assert again.pictures[0].data == first.pictures[0].data


@pytest.mark.parametrize(
    "written",
    ["/etc/passwd", "../cases.jsonl", "", ".", LATER, Path(LATER).stem, "a\0b", "x.shown.png", "\ud800"],
)
def test_what_is_no_film_of_the_case_by_its_time_is_refused_with_those_that_are(
    tools: ImageTools, written: str
) -> None:
    result = tools.call("image.image_visualizer", {"image_path": written})
    told = json.loads(result.text)
    assert result.status == "error"
    assert told["metadata"]["analysis_status"] == "failed"
    assert STEM in told["output"]["error"]
    assert Path(LATER).stem not in told["output"]["error"].replace(written, "")


@pytest.mark.parametrize(
    "window",
    [{"window_center": 5}, {"window_width": 5}, {"window_center": "x", "window_width": 5}]
    + [{"window_center": 5, "window_width": width} for width in (0, -1, "nan", float("inf"), 10**400, [5])],
)
def test_half_a_window_or_none_is_told(tools: ImageTools, window: dict[str, Any]) -> None:
    assert "window" in answer(tools, "dicom_processor", dicom_path=STEM, **window)["output"]["error"]


def test_an_answer_says_who_gave_it_and_that_it_is_not_clinical(tools: ImageTools) -> None:
    told = answer(tools, "chest_xray_classifier", image_path=STEM)
    assert told["output"]["asked"][0] == "image.chest_xray_classifier"
    assert told["metadata"]["backend"] == "local"
    assert told["metadata"]["model"] == "told"
    assert "not for clinical use" in told["metadata"]["note"]


def test_without_a_backend_and_without_an_answer_the_model_is_told(tools: ImageTools) -> None:
    none = answer(tools, "chest_xray_segmentation", image_path=STEM)["output"]["error"]
    missed = answer(tools, "xray_phrase_grounding", image_path=STEM, phrase="nothing")["output"]["error"]
    assert none.startswith("backend_unavailable")
    assert missed.startswith("not_recorded")


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.lists(st.text(max_size=3))
)


@settings(max_examples=60, deadline=None)
@given(
    tool=st.sampled_from([spec.name for spec in IMAGE_TOOLS] + ["image.", "x"]),
    arguments=st.dictionaries(
        st.sampled_from(
            ["image_path", "dicom_path", "window_center", "window_width", "phrase", "organs", "?"]
        ),
        VALUES,
    ),
)
def test_any_arguments_give_a_result_and_the_same_twice(
    tools: ImageTools, tool: str, arguments: dict[str, Any]
) -> None:
    result = tools.call(tool, arguments)
    assert json.loads(result.text)["metadata"]["analysis_status"] in {"completed", "failed"}
    assert tools.call(tool, arguments) == result
