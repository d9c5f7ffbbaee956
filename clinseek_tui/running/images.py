"""The films of a run: who answers its image tools, as the options or its journal say."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from clinseek_core.case import Case, Policy
from clinseek_core.errors import InputError
from clinseek_core.imaging.at_hand import FilmsAtHand
from clinseek_core.imaging.backends import Backend, BackendName
from clinseek_core.imaging.backends.endpoint import ENDPOINT_TOOLS, EndpointBackend
from clinseek_core.imaging.backends.fixture import FixtureBackend, Recording
from clinseek_core.imaging.backends.local import LOCAL_TOOLS, LocalBackend
from clinseek_core.imaging.backends.mcp import MCP_TOOLS, McpBackend
from clinseek_core.imaging.films import FilmReader
from clinseek_core.imaging.model import ModelWorker
from clinseek_core.imaging.of_case import CaseFilms
from clinseek_core.imaging.results_file import ResultsFile
from clinseek_core.imaging.weights import user_weights
from clinseek_core.journal import ImagesInfo
from clinseek_core.models import Endpoint, endpoint_from, is_local
from clinseek_core.models.endpoint import is_address, shown_address
from clinseek_core.tools.image import ImageTools
from clinseek_fixtures import world_path
from clinseek_tui.running.web import WebOptions

__all__ = ["ImageOptions", "ImagePlan", "OpenImages", "open_images", "plan_images", "plan_images_again"]

_BUNDLED_RESULTS = Path("cxr/image-results.jsonl")
"""In the bundled world."""
_BUNDLED = "bundled"
_KEY = "CLINSEEK_IMAGE_API_KEY"

_TOOLS_OF: dict[BackendName, tuple[str, ...]] = {
    "local": LOCAL_TOOLS,
    "endpoint": ENDPOINT_TOOLS,
    "mcp": MCP_TOOLS,
}
"""Which of the tools that need a model each backend answers; recorded results may be of any."""


class ImageOptions(WebOptions, frozen=True, kw_only=True):
    """The options on films, as they were given, after those on the web; None where they were not."""

    image_backend: Sequence[BackendName] | None = None
    image_endpoint: str | None = None
    image_model: str | None = None
    image_mcp: str | None = None
    image_results: Path | None = None
    image_record: Path | None = None


_OPTIONS = tuple(name for name in ImageOptions.__struct_fields__ if name not in WebOptions.__struct_fields__)


class ImagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers the image tools of a run, checked."""

    backends: tuple[BackendName, ...] = ()
    """The first that answers a tool gets it."""
    endpoint: Endpoint | None = None
    mcp: str = ""
    results: Path | None = None
    record: Path | None = None

    @property
    def info(self) -> ImagesInfo:
        """What a journal says of it."""
        bundled = self.results == world_path() / _BUNDLED_RESULTS
        return ImagesInfo(
            backends=self.backends,
            endpoint=self.endpoint.shown if self.endpoint else "",
            model=self.endpoint.model if self.endpoint else "",
            mcp=shown_address(self.mcp) if self.mcp else "",
            results=_BUNDLED if bundled else str(self.results.resolve()) if self.results else "",
        )


class OpenImages:
    """The image tools of a run, and the processes behind them."""

    def __init__(
        self, tools: ImageTools, info: ImagesInfo, says: str, reader: FilmReader, worker: ModelWorker
    ) -> None:
        self.tools = tools
        self.info = info
        self.says = says
        """Who answers what, for a person."""
        self._reader = reader
        self._worker = worker

    def close(self) -> None:
        """End the processes."""
        self._reader.close()
        self._worker.close()


def plan_images(
    options: ImageOptions, *, bundled: bool, allow_remote: bool, environ: Mapping[str, str]
) -> ImagePlan:
    """The plan that the options ask for; InputError where they do not go together.

    Without any, the films of the bundled world have their recorded results, and others no backend.
    """
    results = options.image_results or (world_path() / _BUNDLED_RESULTS if bundled else None)
    kept = results is not None and results.exists()
    asked = options.image_backend
    backends: tuple[BackendName, ...] = tuple(dict.fromkeys(asked or (("fixture",) if kept else ())))
    _check_together(options, backends)
    if "fixture" in backends and not kept:
        raise InputError(
            f"{results or '--image-backend fixture'}: there are no recorded results; record some with "
            "another backend and --image-record FILE, and name them by --image-results FILE"
        )
    endpoint = _endpoint(options, environ) if "endpoint" in backends else None
    for address, option in (
        (endpoint.base_url if endpoint else None, "--image-endpoint"),
        (options.image_mcp, "--image-mcp"),
    ):
        if address is not None and not (bundled or allow_remote or is_local(address)):
            raise InputError(
                f"{option} is not on this machine, and the patient's films would be sent there; "
                "if you may do that, add --allow-remote-model"
            )
    return ImagePlan(
        backends=backends,
        endpoint=endpoint,
        mcp=options.image_mcp or "",
        results=results if "fixture" in backends else None,
        record=options.image_record,
    )


def plan_images_again(
    options: ImageOptions,
    journal: Path,
    info: ImagesInfo | None,
    *,
    bundled: bool,
    allow_remote: bool,
    environ: Mapping[str, str],
) -> ImagePlan | None:
    """The plan of a run that is resumed: as its journal says, None where it had no image tools.

    A file must not say where a film is sent or where results are written: these are asked for again.
    """
    if info is None:
        if any(getattr(options, name) is not None for name in _OPTIONS):
            raise InputError(f"{journal}: was made without image tools; go on with it without --image-…")
        return None
    was = " ".join(f"--image-backend {name}" for name in info.backends)
    if options.image_backend is not None and tuple(dict.fromkeys(options.image_backend)) != info.backends:
        raise InputError(f"{journal}: was made with {was or 'no --image-backend'}; go on with that")
    if options.image_backend is None and {"endpoint", "mcp"} & set(info.backends):
        raise InputError(f"{journal}: was made with {was}; to go on so, add {was}{_named_again(info)}")
    results = options.image_results
    if results is None and info.results not in {"", _BUNDLED}:
        results = Path(info.results)
    again = msgspec.structs.replace(options, image_backend=info.backends, image_results=results)
    if not info.backends:
        return ImagePlan()
    return plan_images(again, bundled=bundled, allow_remote=allow_remote, environ=environ)


def _named_again(info: ImagesInfo) -> str:
    told = (("--image-endpoint", info.endpoint), ("--image-model", info.model), ("--image-mcp", info.mcp))
    return "".join(f" {option} {value}" for option, value in told if value)


def _check_together(options: ImageOptions, backends: tuple[BackendName, ...]) -> None:
    for name, value, backend in (
        ("--image-endpoint", options.image_endpoint, "endpoint"),
        ("--image-model", options.image_model, "endpoint"),
        ("--image-mcp", options.image_mcp, "mcp"),
        ("--image-results", options.image_results, "fixture"),
    ):
        if value is not None and backend not in backends:
            raise InputError(f"{name} goes with --image-backend {backend}")
        if value is None and backend in backends and backend != "fixture":
            raise InputError(f"--image-backend {backend} needs {name}")
    if options.image_record is not None and not set(backends) - {"fixture"}:
        raise InputError("--image-record goes with --image-backend local, endpoint or mcp")
    if options.image_mcp is not None and not is_address(options.image_mcp):
        raise InputError("--image-mcp is no http(s) address; write it like http://127.0.0.1:5203/mcp")


def _endpoint(options: ImageOptions, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint for films; its key may be another than that of the run's model."""
    assert options.image_model is not None  # noqa: S101 - looked at above
    key = environ.get(_KEY) or environ.get("OPENAI_API_KEY", "")
    return endpoint_from(options.image_model, options.image_endpoint, {"OPENAI_API_KEY": key})


def open_images(plan: ImagePlan, case: Case, policy: Policy, folder: Path) -> OpenImages | None:
    """The image tools of a case; None where it has no film by its time.

    Raises InputError for recorded results that can't be read.
    """
    films = CaseFilms(case, policy, folder)
    if not films.names:
        return None
    reader, worker = FilmReader(), ModelWorker()
    answering = _answering(plan, FilmsAtHand(films, reader), worker)
    return OpenImages(ImageTools(films, reader, answering), plan.info, _said(answering), reader, worker)


def _answering(plan: ImagePlan, films: FilmsAtHand, worker: ModelWorker) -> dict[str, Backend]:
    """Who answers each tool: the first backend that can, and recorded results only where there are any."""
    record = ResultsFile(plan.record) if plan.record is not None else None
    answering: dict[str, Backend] = {}
    for name in plan.backends:
        if name == "fixture":
            assert plan.results is not None  # noqa: S101 - plan_images gives it
            results = ResultsFile(plan.results)
            backend: Backend = FixtureBackend(films, results)
            # Alone, it also says how to record what is not there.
            tools = results.tools if len(plan.backends) > 1 else frozenset(MCP_TOOLS)
        else:
            backend, tools = _backend(name, plan, films, worker), frozenset(_TOOLS_OF[name])
            backend = backend if record is None else Recording(backend, films, record)
        answering = {tool: backend for tool in MCP_TOOLS if tool in tools} | answering
    return answering


def _backend(name: BackendName, plan: ImagePlan, films: FilmsAtHand, worker: ModelWorker) -> Backend:
    if name == "local":
        return LocalBackend(films, user_weights(os.environ), worker)
    if name == "endpoint":
        assert plan.endpoint is not None  # noqa: S101 - plan_images gives it
        return EndpointBackend(films, plan.endpoint)
    return McpBackend(films, plan.mcp)


def _said(answering: Mapping[str, Backend]) -> str:
    by_backend: dict[str, list[str]] = {}
    for tool, backend in answering.items():
        by_backend.setdefault(backend.name, []).append(tool.removeprefix("image."))
    told = "; ".join(f"{name} answers {', '.join(sorted(tools))}" for name, tools in by_backend.items())
    return f"films: {told or 'no backend answers the tools that need a model; --image-backend chooses one'}"
