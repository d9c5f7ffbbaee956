"""`run` on a case with films: who answers its image tools, what its journal says of them, how it goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clinseek_core.errors import InputError
from clinseek_core.journal import Header, Observation, read_journal
from clinseek_fixtures import bundled_cases, world_path, world_store_path
from clinseek_tui.cli import main
from clinseek_tui.running import Options, plan_new, plan_resumed

CASE = next(case for case in bundled_cases() if case.images)
FILM = CASE.images[0].path
STEM = Path(FILM).stem
REPORT = "image.chest_xray_report_generator"
GROUNDING = "image.xray_phrase_grounding"
CLASSIFIER = "image.chest_xray_classifier"
SEGMENTATION = "image.chest_xray_segmentation"
ASKED = (
    (REPORT, {"image_path": FILM}),
    (GROUNDING, {"image_path": STEM, "phrase": "Cardiomegaly"}),
    (SEGMENTATION, {"image_path": FILM, "organs": ["Heart"]}),
    (CLASSIFIER, {"image_path": FILM}),
)

Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def second(server: Any) -> Iterator[Any]:
    """Another endpoint, for films."""
    other = type(server)()
    yield other
    other.close()


@pytest.fixture
def run(server: Any, say: Any, tmp_path: Path) -> Run:
    """Runs the case with films by a model that makes the calls asked for; what each image tool answered."""

    def made(*arguments: str, calls: tuple[tuple[str, Any], ...] = ASKED) -> list[dict[str, Any]]:
        load = {"subject_id": CASE.subject_id, "timestamp": str(CASE.prediction_time)}
        server.script = [
            say.stream("", ("ehr.load_ehr", load), *calls),
            say.stream("", ("ehr.finish", {"response": ["nothing"]})),
        ]
        out = tmp_path / "traj.jsonl"
        model = ("--model", "m", "--base-url", server.url)
        assert main(["run", CASE.qid, "--headless", "--out", str(out), *model, *arguments]) == 0
        return [json.loads(one.text) for one in observations(out) if one.name.startswith("image.")]

    return made


def observations(journal: Path) -> list[Observation]:
    return [record for record in read_journal(journal).records if isinstance(record, Observation)]


def header(journal: Path) -> Header:
    found = read_journal(journal).records[0]
    assert isinstance(found, Header)
    return found


def test_without_a_word_recorded_results_answer_and_say_so(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, boxes, organs, scores = run()
    assert "cardiomegaly" in report["output"]["findings"]
    assert len(boxes["output"]["predictions"][0]["bounding_boxes"]["image_coordinates"][0]) == 4
    assert list(organs["output"]["metrics"]) == ["Heart"]
    for told in (report, boxes, organs):
        assert told["metadata"]["backend"] == "fixture"
        assert told["metadata"]["model"] == "phantom ground truth"
        assert len(told["metadata"]["digest"]) == 64
        assert "not for clinical use" in told["metadata"]["note"]
    assert scores["output"]["error"].startswith("not_recorded")
    assert "--image-record FILE" in scores["output"]["error"]
    assert scores["metadata"]["backend"] == "fixture"
    told = header(tmp_path / "traj.jsonl").images
    assert told is not None
    assert (told.backends, told.results, told.endpoint) == (("fixture",), "bundled", "")
    assert "films: fixture answers" in capsys.readouterr().err


def test_who_answered_is_shown_with_each_call(run: Run, tmp_path: Path, capsys) -> None:
    run()
    main(["replay", str(tmp_path / "traj.jsonl"), "--plain"])
    lines = [line for line in capsys.readouterr().out.splitlines() if "image." in line]
    assert [("by fixture" in line) for line in lines] == [True] * 4
    main(["replay", str(tmp_path / "traj.jsonl"), "--plain", "--step", "1"])
    assert f"{REPORT} ✓ ok · by fixture" in capsys.readouterr().out


def test_an_endpoint_writes_the_report_and_what_it_says_is_recorded(
    run: Run, second: Any, say: Any, tmp_path: Path
) -> None:
    second.script = [
        say.stream('{"findings": "The heart is large.", "impression": "Cardiomegaly."}'),
        say.stream('{"boxes": [{"label": "heart", "x1": 0.25, "y1": 0.5, "x2": 0.75, "y2": 1.0}]}'),
    ]
    results = tmp_path / "results.jsonl"
    by_endpoint = ("--image-backend", "endpoint", "--image-endpoint", second.url, "--image-model", "vision")
    report, boxes, organs, scores = run(*by_endpoint, "--image-record", str(results))
    assert report["output"]["impression"] == "Cardiomegaly."
    assert (report["metadata"]["backend"], report["metadata"]["model"]) == ("endpoint", "vision")
    where = boxes["output"]["predictions"][0]["bounding_boxes"]
    assert where["image_coordinates"] == [[128.0, 256.0, 384.0, 512.0]]
    for told in (organs, scores):
        assert told["output"]["error"].startswith("backend_unavailable")
    sent = second.requests[0]["messages"][-1]["content"]
    assert any(part.get("image_url", {}).get("url", "").startswith("data:image/png") for part in sent)
    assert "90000002" not in json.dumps([part for part in sent if "image_url" not in part])
    told = header(tmp_path / "traj.jsonl").images
    assert told is not None
    assert (told.backends, told.endpoint, told.model) == (("endpoint",), second.url, "vision")
    # The same calls, answered by what was recorded.
    (tmp_path / "traj.jsonl").unlink()
    again = run("--image-backend", "fixture", "--image-results", str(results), calls=ASKED[:2])
    assert [one["output"] for one in again] == [report["output"], boxes["output"]]
    assert [one["metadata"]["backend"] for one in again] == ["fixture", "fixture"]
    assert again[0]["metadata"]["recorded_from"] == "endpoint"


def test_an_mcp_server_answers_and_another_backend_what_it_is_not_asked(
    run: Run, mcp_server: Any, tmp_path: Path
) -> None:
    mcp_server.tools = {
        "chest_xray_classifier": lambda _: {
            "output": {"Cardiomegaly": 0.81, "Edema": 0.2},
            "metadata": {"model": "theirs", "analysis_status": "completed"},
        },
    }
    report, _, organs, scores = run(
        *("--image-backend", "fixture", "--image-backend", "mcp", "--image-mcp", mcp_server.url)
    )
    assert scores["output"] == {"Cardiomegaly": 0.81, "Edema": 0.2}
    assert (scores["metadata"]["backend"], scores["metadata"]["model"]) == ("mcp", "theirs")
    assert (report["metadata"]["backend"], organs["metadata"]["backend"]) == ("fixture", "fixture")
    assert mcp_server.calls == [
        ("chest_xray_classifier", {"image_path": str((world_path() / FILM).resolve())})
    ]
    told = header(tmp_path / "traj.jsonl").images
    assert told is not None
    assert told.backends == ("fixture", "mcp")
    assert told.mcp == mcp_server.url


def test_without_a_model_the_local_backend_outlines_lungs(run: Run, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    calls = ((SEGMENTATION, {"image_path": FILM, "organs": ["Left Lung", "Right Lung"]}), *ASKED[3:])
    organs, scores = run("--image-backend", "local", calls=calls)
    metrics = organs["output"]["metrics"]
    assert set(metrics) == {"Left Lung", "Right Lung"}
    assert all(0.05 < one["area_pixels"] / 512**2 < 0.3 for one in metrics.values())
    assert "no areas in cm²" in organs["metadata"]["note"]
    assert organs["metadata"]["backend"] == "local"
    assert scores["output"]["error"].startswith("backend_unavailable")
    assert "docs/imaging.md" in scores["output"]["error"]


OWN = {"subject": CASE.subject_id, "at": CASE.prediction_time, "question": "Why?", "ehr": world_store_path()}
FAR = "https://far.example/v1"
ENDPOINT = {"image_backend": ["endpoint"], "image_model": "v"}
KEY = {"OPENAI_API_KEY": "k"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (OWN | ENDPOINT | {"image_endpoint": FAR}, "--image-endpoint is not on this machine"),
        (OWN | {"image_backend": ["mcp"], "image_mcp": FAR}, "--image-mcp is not on this machine"),
        ({"image_backend": ["mcp"], "image_mcp": "x"}, "--image-mcp is no http(s) address"),
        ({"image_backend": ["mcp"]}, "--image-backend mcp needs --image-mcp"),
        (ENDPOINT, "--image-backend endpoint needs --image-endpoint"),
        ({"image_endpoint": FAR}, "--image-endpoint goes with --image-backend endpoint"),
        ({"image_record": Path("x")}, "--image-record goes with --image-backend local, endpoint or mcp"),
        (OWN | {"image_backend": ["fixture"]}, "there are no recorded results"),
        ({"image_results": Path("/nowhere.jsonl")}, "--image-results goes with --image-backend fixture"),
        (
            {"image_backend": ["fixture"], "image_results": Path("/nowhere.jsonl")},
            "/nowhere.jsonl: there are no recorded results",
        ),
    ],
    ids=range(10),
)
def test_options_that_do_not_go_together_are_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as raised:
        plan_new(Options(**options), KEY)
    assert told in str(raised.value)


@pytest.mark.parametrize("options", [OWN | {"allow_remote_model": True}, {}], ids=["allowed", "bundled"])
def test_films_may_go_elsewhere_where_that_is_allowed_or_they_are_nobodys(options: dict[str, Any]) -> None:
    plan = plan_new(Options(**options, **ENDPOINT, image_endpoint=FAR), KEY)
    assert plan.images is not None
    assert plan.images.endpoint is not None
    assert plan.images.endpoint.base_url == FAR


def cut_off(journal: Path, **images: Any) -> Path:
    """The journal cut off after its prompt, and its image plan replaced."""
    lines = journal.read_text().splitlines()
    told = json.loads(lines[0])
    told["images"] = images
    if not images:
        del told["images"]
    journal.write_text("\n".join([json.dumps(told), *lines[1:2]]) + "\n")
    return journal


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("once") / "traj.jsonl"
    main(["run", CASE.qid, "--headless", "--out", str(out), "--max-rounds", "1"])
    return out


@pytest.fixture
def journal(once: Path, tmp_path: Path) -> Path:
    shutil.copytree(f"{once}.bodies", tmp_path / "traj.jsonl.bodies")
    return shutil.copy(once, tmp_path / "traj.jsonl")


def test_films_outside_the_bundled_world_are_somebodys(journal: Path) -> None:
    """A journal of a stranger may say that its case is bundled, and name a film of yours."""
    cut_off(journal, backends=["endpoint"])
    journal.write_text(journal.read_text().replace(FILM, "/home/me/film.png"))
    with pytest.raises(InputError, match="is not on this machine"):
        plan_resumed(journal, Options(**ENDPOINT, image_endpoint=FAR), KEY)


def test_a_resumed_run_keeps_the_backends_that_send_nothing(journal: Path) -> None:
    plan = plan_resumed(cut_off(journal, backends=["fixture"], results="bundled"), Options(), {})
    assert plan.images == plan_new(Options(case=CASE.qid), {}).images
    local = plan_resumed(cut_off(journal, backends=["local"]), Options(), {})
    assert local.images is not None
    assert local.images.backends == ("local",)


def test_a_resumed_run_goes_on_with_the_results_file_it_names(journal: Path, tmp_path: Path) -> None:
    results = tmp_path / "mine.jsonl"
    cut_off(journal, backends=["fixture"], results=str(results))
    with pytest.raises(InputError, match=r"mine.jsonl: there are no recorded results"):
        plan_resumed(journal, Options(), {})
    results.write_text('{"format":"clinseek.image-results/1"}\n')
    plan = plan_resumed(journal, Options(), {})
    assert plan.images is not None
    assert plan.images.results == results
    assert main(["run", "--headless", "--resume", str(journal)]) == 3
    assert any(json.loads(line).get("type") == "end" for line in journal.read_text().splitlines())


@pytest.mark.parametrize(
    ("images", "told"),
    [
        (
            {"backends": ["endpoint"], "endpoint": FAR, "model": "v"},
            f"add --image-backend endpoint --image-endpoint {FAR} --image-model v",
        ),
        (
            {"backends": ["local", "mcp"], "mcp": "http://127.0.0.1:1/mcp"},
            "--image-mcp http://127.0.0.1:1/mcp",
        ),
    ],
    ids=["endpoint", "mcp"],
)
def test_where_films_are_sent_is_asked_again_when_a_run_goes_on(
    journal: Path, images: dict[str, Any], told: str
) -> None:
    cut_off(journal, **images)
    with pytest.raises(InputError, match="to go on so, add") as raised:
        plan_resumed(journal, Options(), KEY)
    assert told in str(raised.value)
    with pytest.raises(InputError, match="go on with that"):
        plan_resumed(journal, Options(image_backend=["fixture"]), KEY)


def test_a_run_that_goes_on_as_it_was_told_again_is_planned_so(journal: Path) -> None:
    cut_off(journal, backends=["endpoint"], endpoint=FAR, model="v")
    plan = plan_resumed(journal, Options(**ENDPOINT, image_endpoint=FAR), KEY)
    assert plan.images is not None
    assert plan.images.info == msgspec.convert(
        {"backends": ["endpoint"], "endpoint": FAR, "model": "v"}, type(plan.images.info)
    )


def test_a_journal_from_before_there_were_image_tools_goes_on_without(journal: Path) -> None:
    assert plan_resumed(cut_off(journal), Options(), {}).images is None
    with pytest.raises(InputError, match="was made without image tools"):
        plan_resumed(journal, Options(image_backend=["fixture"]), {})


def test_addresses_are_written_down_without_what_is_secret() -> None:
    secret = Options(
        image_backend=["mcp", "endpoint"],
        image_mcp="http://u:pass@localhost:1/mcp?token=pass",
        image_endpoint="http://u:pass@localhost:2/v1?key=pass",
        image_model="v",
    )
    plan = plan_new(secret, {})
    assert plan.images is not None
    assert "pass" not in repr(plan.images.info)
    assert (plan.images.info.mcp, plan.images.info.endpoint) == (
        "http://localhost:1/mcp",
        "http://localhost:2/v1",
    )
