"""The web of a run: what `--web` asks for, and the browser tools that answer so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from clinseek_core.case import Case
from clinseek_core.ehr.session import EhrSession
from clinseek_core.ehr.traces import Traces
from clinseek_core.errors import InputError
from clinseek_core.journal import WebInfo
from clinseek_core.web.backends.live import LiveBackend
from clinseek_core.web.backends.offline import OfflineBackend
from clinseek_core.web.backends.recorded import RecordedBackend, RecordMode
from clinseek_core.web.cassette import Cassette
from clinseek_core.web.corpus_cache import user_cache
from clinseek_core.web.guard import Guard, Guarded
from clinseek_core.web.providers import Service, service_from
from clinseek_core.web.tools import BrowserTools
from clinseek_fixtures import corpus_path

__all__ = ["OpenWeb", "WebMode", "WebOptions", "WebPlan", "open_web", "plan_web", "plan_web_again"]

WebMode = Literal["off", "offline", "live", "recorded"]


class WebOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options on the web, as they were given; None where they were not."""

    web: WebMode | None = None
    corpus: Path | None = None
    cassette: Path | None = None
    record: RecordMode | None = None


class WebPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Where the pages of a run come from, checked."""

    mode: WebMode
    corpus: Path | None = None
    """None where there is none to read."""
    cassette: Path | None = None
    record: RecordMode = "none"
    service: Service | None = None
    """Who is asked, where the network may be."""
    resumes: WebInfo | None = None


class OpenWeb(msgspec.Struct, frozen=True):
    """The browser tools of a run, and what its journal says of them."""

    tools: BrowserTools
    info: WebInfo


def plan_web(options: WebOptions, journal: Path, environ: Mapping[str, str]) -> WebPlan:
    """The plan that the options ask for; InputError where they do not go together.

    Without any, a run reads the bundled corpus if there is one, and never the network.
    """
    corpus = options.corpus or (corpus_path() if (corpus_path() / "corpus.toml").exists() else None)
    mode = options.web or ("offline" if corpus else "off")
    _check_together(options, mode)
    if mode == "offline" and corpus is None:
        raise InputError("--web offline needs a corpus, and none is bundled: name one by --corpus FOLDER")
    if mode == "live":
        return WebPlan(
            mode=mode,
            corpus=corpus,
            cassette=options.cassette or journal.with_name(f"{journal.name}.cassette"),
            record=options.record or "new_episodes",
            service=service_from(environ),
        )
    record = options.record or "none"
    asks = mode == "recorded" and record != "none"
    return WebPlan(
        mode=mode,
        corpus=corpus,
        cassette=options.cassette,
        record=record,
        service=service_from(environ) if asks else None,
    )


def plan_web_again(
    options: WebOptions, journal: Path, info: WebInfo | None, environ: Mapping[str, str]
) -> WebPlan:
    """The plan for a run that is resumed: as its journal says, and the network only if it is asked for again.

    A file must not say that something is sent.
    """
    was: WebMode = info.mode if info else "off"
    if options.web not in {None, was}:
        raise InputError(f"{journal}: was made with --web {was}; go on with that")
    if was in {"live", "recorded"} and options.web is None:
        cassette = f" --cassette {info.source}" if info and was == "recorded" else ""
        raise InputError(f"{journal}: was made with --web {was}; to go on so, add --web {was}{cassette}")
    plan = plan_web(msgspec.structs.replace(options, web=was), journal, environ)
    return msgspec.structs.replace(plan, resumes=info)


def _check_together(options: WebOptions, mode: WebMode) -> None:
    for name, value, fits in (
        ("--corpus", options.corpus, {"offline"}),
        ("--cassette", options.cassette, {"live", "recorded"}),
        ("--record", options.record, {"recorded"}),
    ):
        if value is not None and mode not in fits:
            raise InputError(f"{name} goes with --web {' or '.join(sorted(fits))}, not with --web {mode}")
    if mode == "recorded" and options.cassette is None:
        raise InputError("--web recorded needs the file that it plays: --cassette FILE")
    if mode == "recorded" and options.record in {None, "none"}:
        assert options.cassette is not None  # noqa: S101 - looked at above
        if not options.cassette.exists():
            raise InputError(
                f"{options.cassette}: there is no such cassette; to record one, add --record once"
            )


def open_web(plan: WebPlan, case: Case, session: EhrSession) -> OpenWeb | None:
    """The browser tools of a plan; None where it has none. InputError where what they read can't be read."""
    if plan.mode == "off":
        return None
    pages = OfflineBackend(plan.corpus, user_cache(os.environ)) if plan.corpus else None
    if plan.mode == "offline":
        assert pages is not None  # noqa: S101 - a plan without a corpus is not offline
        info = WebInfo(
            mode="offline", source=f"{pages.corpus.name}, {pages.corpus.dated}", digest=pages.digest
        )
        if plan.resumes is not None and plan.resumes.digest != info.digest:
            raise InputError(
                f"the run was made with the corpus {plan.resumes.source}, and {plan.corpus} says something "
                "else now; name that corpus by --corpus FOLDER"
            )
        return OpenWeb(BrowserTools(pages), info)
    guard = _guard(case, session.traces(), pages)
    return _open_recording(plan, guard)


def _open_recording(plan: WebPlan, guard: Guard) -> OpenWeb:
    """A cassette that is played and written; a live run keeps what it read too, or it could not go on."""
    assert plan.cassette is not None  # noqa: S101 - plan_web gives one
    assert plan.mode in {"live", "recorded"}  # noqa: S101 - the others are opened above
    cassette = Cassette(plan.cassette)
    live = LiveBackend(plan.service, guard) if plan.service is not None else None
    name, badge = (live.name, live.badge) if live is not None and plan.mode == "live" else ("recorded", "")
    source = plan.service.provider.name if plan.mode == "live" and plan.service else str(plan.cassette)
    return OpenWeb(
        BrowserTools(
            Guarded(RecordedBackend(cassette, plan.record, live, name=name, badge=badge), guard),
            memory=RecordedBackend(cassette, "none", name=name, badge=badge),
        ),
        WebInfo(mode="live" if plan.mode == "live" else "recorded", source=source),
    )


def _guard(case: Case, traces: Traces, pages: OfflineBackend | None) -> Guard:
    """The guard of a case: what its record and its films are told by, and words that are anybody's."""
    films = (str(name) for image in case.images for name in (image.study_id, image.dicom_id) if name)
    own = msgspec.structs.replace(traces, identifiers=(*traces.identifiers, *films))
    texts = [page.text for page in pages.corpus.pages.values()] if pages is not None else []
    return Guard(own, case.question, (*case.candidates, *texts))
