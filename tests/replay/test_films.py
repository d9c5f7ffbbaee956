"""The films of a run, and what its image tools said of them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.case import CaseImage, Policy
from clinseek_core.imaging.boxes import Box, predictions
from clinseek_core.journal import ImageRef
from clinseek_replay.film_answers import answer_of
from clinseek_replay.films import film_of_call, films_of, prior_of
from clinseek_replay.trajectory import Call, Result, Trajectory

FIRST, SECOND, LATER = (
    CaseImage(path=f"cxr/s{day}/film-{day}.png", study_id=day, dicom_id=f"id-film-{day}", taken_at=at)
    for day, at in ((1, datetime(2150, 3, 1)), (2, datetime(2150, 3, 2)), (3, datetime(2150, 3, 3)))
)
KEPT = ImageRef(media_type="image/png", sha256="0" * 64, bytes=3, label=f"{FIRST.path}, study 1")


def run(*films: CaseImage, boundary: Any = "exclusive") -> Trajectory:
    return Trajectory(
        run_id="r",
        source="run.jsonl",
        format="x",
        films=films,
        pictures=(KEPT,),
        prediction_time=datetime(2150, 3, 3),
        policy=Policy(boundary=boundary),
    )


RUN = run(LATER, SECOND, FIRST)


def call(name: str, arguments: dict[str, Any], text: str = "", *images: ImageRef) -> Call:
    result = Result(status="ok", text=text, full_characters=len(text), images=images)
    return Call(anchor="s1.c1", id="1", name=name, arguments=arguments, result=result)


def told(output: dict[str, Any], **metadata: Any) -> str:
    return json.dumps({"output": output, "metadata": metadata})


def test_films_come_by_time_and_those_after_the_cutoff_are_marked() -> None:
    films = films_of(RUN)
    assert [film.study_id for film in films] == [1, 2, 3]
    assert [film.later for film in films] == [False, False, True]
    assert not any(film.later for film in films_of(run(LATER, boundary="inclusive")))
    assert [film.pictures for film in films] == [(KEPT,), (), ()]
    assert films_of(Trajectory(run_id="r", source="", format="")) == ()


@pytest.mark.parametrize(
    ("written", "study", "name"),
    [
        ("cxr/s2/film-2.png", 2, "cxr/s2/film-2.png"),
        ("/elsewhere/FILM-2.dcm", 2, "cxr/s2/film-2.dcm"),
        ("id-film-1", 1, "cxr/s1/film-1.png"),
        ("cxr/s1/film-1.dcm.shown.png", 1, "cxr/s1/film-1.dcm"),
        ("film-1.dcm.w40.5,80.png", 1, "cxr/s1/film-1.dcm"),
        ("/data/other.jpg", None, "/data/other.jpg"),
    ],
    ids=["path", "ending", "dicom-id", "view", "window", "unknown"],
)
def test_a_call_is_about_the_film_that_it_names(written: str, study: int | None, name: str) -> None:
    film = film_of_call(RUN, call("image.chest_xray_classifier", {"image_path": written}))
    assert film is not None
    assert (film.study_id, film.name) == (study, name)


def test_a_result_that_names_a_film_is_about_it() -> None:
    film = film_of_call(RUN, call("ehr.run_sql_query", {}, "dicom_id\nID-film-2\n"))
    assert film is not None
    assert film.study_id == 2
    assert film_of_call(RUN, call("ehr.run_sql_query", {}, "study 2")) is None, (
        "too short a name says nothing"
    )


def test_what_the_result_says_counts_before_what_was_asked() -> None:
    asked = call("image.image_visualizer", {"image_path": "1"}, told({}, image_path=SECOND.path), KEPT)
    film = film_of_call(RUN, asked, answer_of(asked))
    assert film is not None
    assert film.study_id == 2
    assert film.pictures == (KEPT,), "a picture of the film that it showed"


def test_the_film_before_is_the_last_of_another_study() -> None:
    first, second, later = films_of(RUN)
    assert prior_of((first, second, later), later) == second
    assert prior_of((first, second, later), first) is None
    lateral = CaseImage(path="cxr/s2/side.png", study_id=2, taken_at=datetime(2150, 3, 2, 0, 5))
    films = films_of(run(FIRST, SECOND, lateral))
    assert prior_of(films, films[2]) == films[0], "two views of one study are no change"


def test_boxes_are_read_as_our_tools_write_them_and_as_others_do() -> None:
    box = Box("effusion", 0.1, 0.2, 0.5, 0.6)
    ours = told({"predictions": predictions([box, box], 400, 200)}, original_size=[200, 400])
    answer = answer_of(call("image.xray_phrase_grounding", {}, ours))
    assert answer is not None
    assert answer.boxes == (box, box)
    pixels = {"phrase": "effusion", "bounding_boxes": {"image_coordinates": [20, 80, 100, 240]}}
    theirs = json.dumps([{"predictions": [pixels]}, {"original_size": [200, 400]}])
    answer = answer_of(call("image.xray_phrase_grounding", {}, theirs))
    assert answer is not None
    assert answer.boxes == (box,)


def test_scores_come_with_the_highest_first_and_only_those_that_are_scores() -> None:
    output = {"Edema": 0.2, "Mass": 0.7, "odd": 3, "text": "x", "flag": True, "none": None}
    answer = answer_of(call("image.chest_xray_classifier", {}, told(output, model="m")))
    assert answer is not None
    assert answer.scores == (("Mass", 0.7), ("Edema", 0.2))
    assert answer.model == "m"


def test_structures_lie_where_the_measures_say() -> None:
    heart = {"area_pixels": 50, "bbox": [100, 20, 300, 120], "centroid": [200, 60], "area_cm2": 12.5}
    text = told(
        {"metrics": {"Heart": heart, "Aorta": {"area_pixels": 0}}},
        original_size=[200, 400],
        cardiothoracic_ratio=0.5,
    )
    answer = answer_of(call("image.chest_xray_segmentation", {}, text, KEPT))
    assert answer is not None
    [one] = answer.structures
    assert one.box == Box("Heart", 0.1, 0.25, 0.6, 0.75)
    assert (one.x, one.y, one.area_cm2) == (0.3, 0.5, 12.5)
    assert (answer.ratio, answer.overlay) == (0.5, KEPT)


def test_a_report_an_error_and_what_is_neither() -> None:
    text = told({"findings": "Clear.", "impression": "Normal.", "report": "…"}, note="for research only")
    answer = answer_of(call("image.chest_xray_report_generator", {}, text))
    assert answer is not None
    assert (answer.findings, answer.impression, answer.note) == ("Clear.", "Normal.", "for research only")
    failed = answer_of(call("image.chest_xray_classifier", {}, told({"error": "no weights"})))
    assert failed is not None
    assert (failed.error, failed.scores) == ("no weights", ())
    assert answer_of(call("image.chest_xray_classifier", {}, "Error: gone")) is None
    assert answer_of(call("ehr.run_sql_query", {}, text)) is None
    assert answer_of(call("image.chest_xray_classifier", {}, "[" * 100_000)) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=5) | st.dictionaries(st.text(max_size=4), inside, max_size=4),
    max_leaves=12,
)
FIELDS = ("predictions", "metrics", "findings", "error")
OUTPUT = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON))
PLACES = st.fixed_dictionaries(
    {}, optional={"model_coordinates": JSON, "image_coordinates": st.lists(JSON, max_size=5)}
)
BOXES = st.lists(st.fixed_dictionaries({"bounding_boxes": PLACES}, optional={"phrase": JSON}), max_size=3)
MEASURES = st.dictionaries(
    st.text(max_size=4),
    st.fixed_dictionaries(
        {"bbox": st.lists(JSON, max_size=5)}, optional={"centroid": JSON, "area_pixels": JSON}
    ),
    max_size=3,
)


@settings(max_examples=50)
@given(
    OUTPUT | st.fixed_dictionaries({"predictions": BOXES, "metrics": MEASURES}),
    st.fixed_dictionaries({}, optional={"original_size": JSON | st.just([10, 10]), "image_path": JSON}),
    st.sampled_from(["chest_xray_segmentation", "xray_phrase_grounding", "chest_xray_classifier"]),
)
def test_any_json_is_an_answer_whose_places_lie_on_the_film(
    output: dict[str, Any], metadata: dict[str, Any], tool: str
) -> None:
    asked = call(f"image.{tool}", metadata, told(output, **metadata))
    answer = answer_of(asked)
    assert answer is not None
    for box in (*answer.boxes, *(each.box for each in answer.structures)):
        assert 0 <= box.x1 < box.x2 <= 1
        assert 0 <= box.y1 < box.y2 <= 1
    assert all(0 <= each.x <= 1 and 0 <= each.y <= 1 for each in answer.structures)
    film_of_call(RUN, asked, answer)
