"""Who answers for films from elsewhere: what an endpoint or an MCP server says is checked first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from clinseek_core.case import Policy
from clinseek_core.imaging.at_hand import FilmsAtHand
from clinseek_core.imaging.backends.endpoint import EndpointBackend
from clinseek_core.imaging.backends.mcp import McpBackend
from clinseek_core.imaging.backends.port import BackendError
from clinseek_core.imaging.films import FilmReader
from clinseek_core.imaging.of_case import CaseFilms
from clinseek_core.models import Endpoint
from clinseek_fixtures import bundled_cases, world_path

CASE = next(case for case in bundled_cases() if case.images)
REPORT, GROUNDING = "image.chest_xray_report_generator", "image.xray_phrase_grounding"
CLASSIFIER = "image.chest_xray_classifier"
GOOD = '{"findings": "Clear lungs.", "impression": "Normal."}'
BOX = {"label": "heart", "x1": 0.25, "y1": 0.5, "x2": 0.75, "y2": 0.9}


@pytest.fixture(scope="module")
def films() -> Iterator[FilmsAtHand]:
    reader = FilmReader()
    yield FilmsAtHand(CaseFilms(CASE, Policy(), world_path()), reader)
    reader.close()


@pytest.fixture
def film() -> Any:
    return CaseFilms(CASE, Policy(), world_path()).find(CASE.images[0].path)


@pytest.fixture
def endpoint(server: Any, films: FilmsAtHand) -> EndpointBackend:
    return EndpointBackend(films, Endpoint(base_url=server.url, api_key="k", model="vision"))


@pytest.mark.parametrize(
    "first",
    [
        "I am sorry, I can't help with medical images.",
        '{"findings": "", "impression": "Normal."}',
        '{"findings": ["a", "b"], "impression": 3}',
        "[" * 5000,
    ],
    ids=["refused", "empty", "no texts", "deep"],
)
def test_an_answer_that_can_not_be_used_is_asked_for_once_more(
    server: Any, say: Any, endpoint: EndpointBackend, film: Any, first: str
) -> None:
    server.script = [say.stream(first), say.stream(GOOD)]
    assert endpoint.answer(REPORT, film, {}).output["impression"] == "Normal."
    assert len(server.requests) == 2
    assert "can't be used" in json.dumps(server.requests[1]["messages"][-1])


def test_what_can_not_be_used_twice_is_an_error(
    server: Any, say: Any, endpoint: EndpointBackend, film: Any
) -> None:
    server.script = [say.stream("no"), say.stream("no")]
    with pytest.raises(BackendError, match="bad_backend_output"):
        endpoint.answer(REPORT, film, {})
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [128.0, 256.0, 384.0, 460.8]),
        ({"x1": -0.02, "x2": 1.04}, [0.0, 256.0, 512.0, 460.8]),
    ],
    ids=["as said", "clamped"],
)
def test_boxes_lie_on_the_film(
    server: Any, say: Any, endpoint: EndpointBackend, film: Any, changes: Any, expected: list[float]
) -> None:
    server.script = [say.stream(json.dumps({"boxes": [BOX | changes]}))]
    (said,) = endpoint.answer(GROUNDING, film, {"phrase": "heart"}).output["predictions"]
    assert said["bounding_boxes"]["image_coordinates"] == [pytest.approx(expected)]


@pytest.mark.parametrize(
    "boxes",
    [
        "none",
        [{"label": "x"}],
        [BOX | {"x1": "a"}],
        [BOX | {"x1": float("nan")}],
        [BOX] * 500,
        [BOX | {"x1": 300}],
        [BOX | {"x1": 0.8}],
    ],
    ids=["no list", "no numbers", "text", "nan", "many", "pixels", "turned round"],
)
def test_boxes_that_are_none_are_an_error(
    server: Any, say: Any, endpoint: EndpointBackend, film: Any, boxes: Any
) -> None:
    server.script = [say.stream(json.dumps({"boxes": boxes}))] * 2
    with pytest.raises(BackendError, match="bad_backend_output"):
        endpoint.answer(GROUNDING, film, {"phrase": "heart"})


def test_a_schema_goes_with_the_question_and_no_name_with_the_film(
    server: Any, say: Any, endpoint: EndpointBackend, film: Any
) -> None:
    server.script = [say.stream(GOOD)]
    endpoint.answer(REPORT, film, {})
    (request,) = server.requests
    schema = request["response_format"]["json_schema"]["schema"]
    assert set(schema["properties"]) == {"findings", "impression"}
    texts = [part for message in request["messages"] for part in message["content"] if part != "image_url"]
    said = json.dumps([part for part in texts if not (isinstance(part, dict) and "image_url" in part)])
    assert str(CASE.subject_id) not in said
    assert CASE.images[0].path not in said


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"output": {"Edema": 7.0}}, "not from 0 to 1"),
        ({"output": {"Edema": True}}, "no number"),
        ({"output": {}}, "labels and numbers"),
        ({"output": {"error": "no GPU"}, "metadata": {"analysis_status": "failed"}}, "no GPU"),
        ({"content": [{"type": "text", "text": "soon"}]}, "bad_backend_output"),
        ({"content": [], "isError": True}, "backend_unavailable|bad_backend_output"),
    ],
    ids=["range", "bool", "empty", "failed", "no JSON", "nothing"],
)
def test_what_an_mcp_server_says_is_scores_or_an_error(
    mcp_server: Any, films: FilmsAtHand, film: Any, said: Any, told: str
) -> None:
    mcp_server.tools = {"chest_xray_classifier": lambda _: said}
    with pytest.raises(BackendError, match=told):
        McpBackend(films, mcp_server.url).answer(CLASSIFIER, film, {})


def test_a_server_that_is_not_there_is_an_error(films: FilmsAtHand, film: Any) -> None:
    with pytest.raises(BackendError, match="backend_unavailable"):
        McpBackend(films, "http://127.0.0.1:9/mcp").answer(CLASSIFIER, film, {})
