"""Checks of data: what is bundled, what the user has, and the folders that are written to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.errors import ClinseekError
from clinseek_core.imaging.films import FilmReader
from clinseek_core.web.corpus_cache import user_cache
from clinseek_fixtures import bundled_cases, corpus_path, world_path, world_store_path
from clinseek_tui.configuration import configuration_path, read_configuration
from clinseek_tui.doctor.check import Check, Here, Outcome, missing, well
from clinseek_tui.typed_lines import user_state

__all__ = ["DATA"]

_AGAIN = "install clinseek-tui again: pip install ."
_DEMO = "CLINSEEK_MIMIC_DEMO"


def _world(_: Here) -> Outcome:
    """Whether the bundled record opens and answers, by asking it."""
    try:
        case = bundled_cases()[0]
        with EhrSession(world_store_path(), case.subject_id, case.prediction_time, Policy()) as session:
            answer = session.call("ehr.run_sql_query", {"sql_query": "SELECT count(*) FROM labevents"})
    except (ClinseekError, IndexError, OSError) as error:
        return missing(f"the bundled record can't be asked: {error}", _AGAIN)
    if answer.status != "ok":
        return missing(f"the bundled record does not answer: {answer.text}", _AGAIN)
    return well(f"{len(bundled_cases())} cases; a record opens in its worker and answers")


def _film(_: Here) -> Outcome:
    """Whether a bundled film is decoded, by decoding it."""
    reader = FilmReader()
    try:
        path = next((world_path() / "cxr").rglob("*.dcm"))
        film = reader.show(path, (path.parent,), max_edge=64)
    except (ClinseekError, StopIteration, OSError) as error:
        return missing(f"no bundled film can be read: {error}", _AGAIN)
    finally:
        reader.close()
    return well(f"a DICOM film of {film.facts.columns} x {film.facts.rows} is decoded in its worker")


def _pages(_: Here) -> Outcome:
    if (corpus_path() / "corpus.toml").is_file():
        return well("reference pages that runs read offline")
    return missing("no reference pages are bundled: runs have no web", "name others by run --corpus FOLDER")


def _demo(here: Here) -> Outcome:
    from clinseek_core.ehr.source import find_source  # noqa: PLC0415 -- brings what reads every source

    named = here.environ.get(_DEMO, "")
    fix = f"https://physionet.org/content/mimic-iv-demo/ is open; unpack it and set {_DEMO} to its folder"
    if not named:
        return missing(f"{_DEMO} is not set: its tests are skipped", fix)
    try:
        find_source(Path(named))
    except ClinseekError as error:
        return missing(str(error), fix)
    return well(named)


def _weights(here: Here) -> Outcome:
    from clinseek_core.imaging.weights import imported, user_weights  # noqa: PLC0415 -- needed here alone

    folder = user_weights(here.environ)
    try:
        there = imported(folder)
    except ClinseekError as error:
        return missing(str(error), "clinseek-tui weights import FILE")
    if not there:
        return missing(
            "no weights of models that look at films", "clinseek-tui weights import FILE (docs/imaging.md)"
        )
    return well(", ".join(weights.model for weights in there))


def _settings(here: Here) -> Outcome:
    path = configuration_path(here.environ)
    try:
        configuration = read_configuration(here.environ)
    except ClinseekError as error:
        return missing(str(error), "mend that line; clinseek-tui config --example shows what may stand there")
    return well(f"{path}" if configuration.path else f"the defaults: there is no {path}")


def _folder(of: Callable[[Mapping[str, str]], Path], use: str, fix: str) -> Callable[[Here], Outcome]:
    def look(here: Here) -> Outcome:
        folder = of(here.environ)
        if _can_be_written(folder):
            return well(f"{folder}: {use}")
        return missing(f"{folder} can't be written: {use}", fix)

    return look


def _can_be_written(folder: Path) -> bool:
    """Whether files can be made there, or the folder itself can; nothing is made to see it."""
    try:
        nearest = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
        return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    except (OSError, StopIteration):
        return False


def _data_folder(environ: Mapping[str, str]) -> Path:
    from clinseek_core.imaging.weights import user_weights  # noqa: PLC0415 -- needed here alone

    return user_weights(environ).parent


DATA = (
    Check("data", "bundled world", True, _world),
    Check("data", "bundled films", True, _film),
    Check("data", "bundled pages", False, _pages),
    Check("data", "MIMIC-IV demo", False, _demo),
    Check("data", "weights", False, _weights),
    # A file that can't be used keeps the app from opening.
    Check("folders", "settings", True, _settings),
    Check(
        "folders",
        "cache",
        False,
        _folder(user_cache, "indexes of large recordings", "set XDG_CACHE_HOME to a folder of yours"),
    ),
    Check(
        "folders", "data", False, _folder(_data_folder, "weights", "set XDG_DATA_HOME to a folder of yours")
    ),
    Check(
        "folders",
        "state",
        False,
        _folder(user_state, "what was typed before", "set XDG_STATE_HOME to a folder of yours"),
    ),
    Check(
        "folders",
        "journals",
        False,
        _folder(
            lambda _: Path("runs"),
            "where runs write without --out",
            "run --out FILE",
        ),
    ),
)
