"""What is to be run: options, a cases file or an interrupted journal become one Plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from clinseek_core.case import Basis, Boundary, Case, Policy
from clinseek_core.case_files import load_cases
from clinseek_core.errors import InputError
from clinseek_core.journal import Header, Limits, TextAnswers, read_journal
from clinseek_core.models import ChatModel, endpoint_from, is_local
from clinseek_core.models.openai_chat import OpenAIChat
from clinseek_core.seeker.model import Seeker
from clinseek_fixtures import bench_cases_path, bundled_cases, world_path, world_store_path
from clinseek_tui.running.foreign import McpPlan, plan_mcp, plan_mcp_again
from clinseek_tui.running.images import ImageOptions, ImagePlan, plan_images, plan_images_again
from clinseek_tui.running.web import WebPlan, plan_web, plan_web_again

__all__ = ["BUNDLED", "Options", "Plan", "plan_case", "plan_new", "plan_resumed", "with_whole_paths"]

BUNDLED = "bundled"
"""The name of the bundled world as a data source."""
_SEEKER = "seeker"
_RUNS_FOLDER = Path("runs")


class Options(ImageOptions, frozen=True, kw_only=True):
    """The options of `run`, as they were given; None where they were not."""

    case: str | None = None
    qid: str | None = None
    subject: int | None = None
    at: datetime | None = None
    question: str | None = None
    ehr: Path | None = None
    out: Path | None = None
    model: str | None = None
    base_url: str | None = None
    allow_remote_model: bool = False
    basis: Basis = "available"
    boundary: Boundary = "exclusive"
    max_rounds: int = Limits().max_rounds
    text_answers: TextAnswers = "never"
    mcp: str | None = None
    mcp_tool: Sequence[str] | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run: everything it needs, checked."""

    case: Case
    case_folder: Path
    """Where relative paths of the case's images start."""
    policy: Policy
    limits: Limits
    model: ChatModel
    source: str
    """`bundled`, or the path that `--ehr` named."""
    out: Path
    web: WebPlan
    images: ImagePlan | None
    """None where the run has no image tools."""
    mcp: McpPlan | None = None
    """None where the run has no foreign server's tools."""
    text_answers: TextAnswers = "never"
    resumes: Header | None = None
    store: Path | None = None
    """A store made of the source for many runs; it is read instead."""
    curated: str = ""
    """What the run is given of the record instead of tools; empty where it has tools."""

    @property
    def ehr_root(self) -> Path:
        """The tree or store to read."""
        return self.store or (world_store_path() if self.source == BUNDLED else Path(self.source))


def plan_new(options: Options, environ: Mapping[str, str]) -> Plan:
    """The plan for a new run; raises InputError for options that do not go together."""
    case, folder, bundled = _case(options)
    return plan_case(case, folder, options, environ, bundled=bundled)


def plan_case(
    case: Case, folder: Path, options: Options, environ: Mapping[str, str], *, bundled: bool
) -> Plan:
    """The plan for a new run on `case`, whose images' paths start at `folder`; errors as `plan_new`."""
    if options.ehr is None and not bundled:
        raise InputError(
            "this case is not bundled: name the store or MIMIC-IV tree with its patient by --ehr PATH"
        )
    source = BUNDLED if options.ehr is None else str(options.ehr.resolve())
    out = options.out or _RUNS_FOLDER / _file_name(case.qid)
    return Plan(
        case=case,
        case_folder=folder,
        policy=Policy(basis=options.basis, boundary=options.boundary),
        limits=Limits(max_rounds=options.max_rounds),
        model=_model(options.model, options.base_url, source, options.allow_remote_model, environ),
        source=source,
        out=out,
        web=plan_web(options, out, environ),
        images=plan_images(
            options,
            bundled=_are_bundled(case, folder, source),
            allow_remote=options.allow_remote_model,
            environ=environ,
        ),
        mcp=_mcp(options, source),
        text_answers=options.text_answers,
    )


def plan_resumed(journal: Path, options: Options, environ: Mapping[str, str]) -> Plan:
    """The plan that goes on with a journal, as its header says; `--ehr` may say that the data has moved."""
    records = read_journal(journal).records
    header = records[0] if records else None
    if not isinstance(header, Header):
        raise InputError(f"{journal}: is no journal (its first line is no header); nothing to resume")
    if header.model.kind == "mcp":
        raise InputError(f"{journal}: was made by a foreign agent over MCP; only that agent could go on")
    source = header.data.source if options.ehr is None else str(options.ehr.resolve())
    name = options.model or (header.model.name if header.model.kind == "chat" else None)
    base_url = options.base_url or _recorded_address(header, environ)
    folder = world_path() if source == BUNDLED else Path()
    return Plan(
        case=header.case,
        case_folder=folder,
        policy=header.policy,
        limits=header.limits,
        model=_model(name, base_url, source, options.allow_remote_model, environ),
        source=source,
        out=journal,
        web=plan_web_again(options, journal, header.web, environ),
        images=plan_images_again(
            options,
            journal,
            header.images,
            bundled=_are_bundled(header.case, folder, source),
            allow_remote=options.allow_remote_model,
            environ=environ,
        ),
        mcp=plan_mcp_again(_mcp(options, source), journal, header.mcp),
        resumes=header,
    )


def _recorded_address(header: Header, environ: Mapping[str, str]) -> str | None:
    """The journal's endpoint, if it is on this machine or the environment names it too.

    A file must not say where a record and a key are sent.
    """
    recorded = header.model.base_url
    if header.model.kind == "chat" and not is_local(recorded):
        usual = endpoint_from(header.model.name, None, environ).shown
        if recorded != usual:
            raise InputError(
                f"this run was answered by {recorded}; if it is to go on there, say --base-url {recorded}"
            )
    return recorded or None


def _case(options: Options) -> tuple[Case, Path, bool]:
    """The case, the folder of its images, and whether its patient is bundled."""
    if options.subject is not None or options.at is not None or options.question is not None:
        return _own_case(options), Path(), False
    if options.case is None or not Path(options.case).exists():
        cases = {case.qid: case for case in bundled_cases()}
        wanted = options.case or options.qid or next(iter(cases))
        if wanted not in cases:
            # Hundreds, with their curated inputs: read only when one of them is asked for.
            more = {case.qid: case for case in load_cases(bench_cases_path())}
            if wanted not in more:
                raise InputError(
                    f"{wanted}: no bundled case and no file of that name; bundled are {', '.join(cases)}, "
                    f"and the {len(more)} that `clinseek-tui cases list` names"
                )
            return more[wanted], world_path(), True
        return cases[wanted], world_path(), True
    path = Path(options.case)
    found = [case for case in load_cases(path) if options.qid in {None, case.qid}]
    if not found:
        raise InputError(f"{path}: holds no case with qid {options.qid}")
    folder = path.resolve().parent
    return with_whole_paths(found[0], folder), folder, False


def with_whole_paths(case: Case, folder: Path) -> Case:
    """The case with its films' paths not relative to the folder of its file any more."""
    images = tuple(msgspec.structs.replace(i, path=str(folder / i.path)) for i in case.images)
    return msgspec.structs.replace(case, images=images)


def _own_case(options: Options) -> Case:
    given = {"--subject": options.subject, "--at": options.at, "--question": options.question}
    missing = [name for name, value in given.items() if value is None]
    if missing or options.subject is None or options.at is None or options.question is None:
        raise InputError(f"a question of your own needs {', '.join(given)}: {', '.join(missing)} is missing")
    if options.case is not None:
        raise InputError("name a CASE, or --subject, --at and --question, not both")
    return Case(
        qid=f"own_{options.subject}_{options.at:%Y%m%d%H%M}",
        subject_id=options.subject,
        prediction_time=options.at,
        question=options.question,
    )


def _mcp(options: Options, source: str) -> McpPlan | None:
    return plan_mcp(
        options.mcp,
        tuple(options.mcp_tool or ()),
        bundled=source == BUNDLED,
        allow_remote=options.allow_remote_model,
    )


def _model(
    name: str | None, base_url: str | None, source: str, allow_remote: bool, environ: Mapping[str, str]
) -> ChatModel:
    if name in {None, _SEEKER}:
        if base_url is not None:
            raise InputError(f"--base-url {base_url} needs the model's name: --model NAME")
        return Seeker()
    assert name is not None  # noqa: S101 - None is the seeker
    endpoint = endpoint_from(name, base_url, environ)
    if source != BUNDLED and not allow_remote and not is_local(endpoint.base_url):
        raise InputError(
            f"{endpoint.shown} is not on this machine, and the patient's record would be sent there; "
            "if you may do that, add --allow-remote-model"
        )
    return OpenAIChat(endpoint)


def _are_bundled(case: Case, folder: Path, source: str) -> bool:
    """Whether a case's films are of the bundled world, so that they are nobody's."""
    return source == BUNDLED and all(
        (folder / image.path).resolve().is_relative_to(world_path().resolve()) for image in case.images
    )


def _file_name(qid: str) -> str:
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', qid)[:80]}-{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"
