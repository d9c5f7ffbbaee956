"""The image tools: the films of the case as pictures and facts, and what a backend says of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from clinseek_core.imaging import FilmError, Window
from clinseek_core.imaging.backends import Backend, BackendError
from clinseek_core.imaging.films import FilmReader, ShownFilm
from clinseek_core.imaging.of_case import AskedFilm, CaseFilms, name_of_view
from clinseek_core.tools.arguments import CallError, number, text
from clinseek_core.tools.image_specs import IMAGE_TOOLS
from clinseek_core.tools.names import nearest, shown
from clinseek_core.tools.spec import Picture, ToolResult, ToolSpec

__all__ = ["ImageTools"]

_SPECS = {spec.name: spec for spec in IMAGE_TOOLS}
_NOT_CLINICAL = "for research only, not for clinical use"

Output = dict[str, Any]


class ImageTools:
    """A Toolbox of the image tools on the films of one case.

    `backends` says who answers each of the tools that need a model.
    """

    def __init__(self, films: CaseFilms, reader: FilmReader, backends: Mapping[str, Backend]) -> None:
        self._films = films
        self._reader = reader
        self._backends = backends

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The six tools."""
        return IMAGE_TOOLS

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Answer one call as JSON, errors too; any name and any arguments give a result."""
        metadata: Output = {}
        try:
            spec = _SPECS.get(name)
            if spec is None:
                raise CallError(
                    f"there is no tool {shown(name)}{nearest(name, _SPECS, 'see the list of tools')}"
                )
            given = _checked(spec, arguments)
            asked = self._films.find(text(given, _path_argument(spec)))
            metadata["image_path"] = asked.name
            if name in self._backends:
                metadata["backend"] = self._backends[name].name
            output, more, pictures = self._own.get(name, self._by_backend(name))(asked, given)
        except (CallError, FilmError, BackendError) as error:
            status = error.status if isinstance(error, CallError) else "error"
            failed = {"output": {"error": str(error)}, "metadata": metadata | {"analysis_status": "failed"}}
            return ToolResult(status=status, text=_json(failed))
        done = {"output": output, "metadata": metadata | more | {"analysis_status": "completed"}}
        return ToolResult(status="ok", text=_json(done), pictures=pictures)

    @property
    def _own(self) -> dict[str, Callable[[AskedFilm, Output], tuple[Output, Output, tuple[Picture, ...]]]]:
        return {"image.dicom_processor": self._process, "image.image_visualizer": self._visualize}

    def _process(self, asked: AskedFilm, given: Output) -> tuple[Output, Output, tuple[Picture, ...]]:
        window = _window(given) or asked.window
        film = self._show(asked, window)
        return {"image_path": name_of_view(asked, window)}, _facts(film), (_picture(film, asked),)

    def _visualize(self, asked: AskedFilm, given: Output) -> tuple[Output, Output, tuple[Picture, ...]]:
        film = self._show(asked, asked.window)
        told = {"title": bool(given.get("title")), "description": bool(given.get("description"))}
        return (
            {"image_path": name_of_view(asked, asked.window)},
            told | _facts(film),
            (_picture(film, asked),),
        )

    def _by_backend(
        self, name: str
    ) -> Callable[[AskedFilm, Output], tuple[Output, Output, tuple[Picture, ...]]]:
        def ask(asked: AskedFilm, given: Output) -> tuple[Output, Output, tuple[Picture, ...]]:
            backend = self._backends.get(name)
            if backend is None:
                raise BackendError(
                    "backend_unavailable",
                    f"no backend answers {name} here; docs/imaging.md says how to choose one",
                )
            answer = backend.answer(name, asked, given)
            metadata = answer.facts | {
                "model": answer.model,
                "digest": answer.digest,
                "note": "; ".join((*answer.notes, _NOT_CLINICAL)),
            }
            pictures = () if answer.picture is None else (Picture("image/png", answer.picture, asked.name),)
            return answer.output, metadata, pictures

        return ask

    def _show(self, asked: AskedFilm, window: tuple[float, float] | None) -> ShownFilm:
        return self._reader.show(asked.path, self._films.roots, window)


def _checked(spec: ToolSpec, arguments: Output) -> Output:
    """The arguments but for those that are null; CallError where one is missing or unknown."""
    allowed, required = spec.parameters["properties"], spec.parameters["required"]
    given = {key: value for key, value in arguments.items() if value is not None}
    unknown = [str(key) for key in given if key not in allowed]
    missing = [key for key in required if key not in given]
    if unknown:
        hint = nearest(unknown[0], allowed, f"it takes {', '.join(allowed)}")
        raise CallError(f"{spec.name}: unknown {', '.join(map(shown, unknown))}{hint}")
    if missing:
        raise CallError(f"{spec.name}: missing {', '.join(missing)}; it takes {', '.join(allowed)}")
    if not isinstance(given[_path_argument(spec)], str):
        raise CallError(f"{spec.name}: {_path_argument(spec)} is a text, the name of a film")
    return given


def _path_argument(spec: ToolSpec) -> str:
    return str(spec.parameters["required"][0])


def _window(given: Output) -> tuple[float, float] | None:
    """The window asked for; CallError where it is half a window or none."""
    told = [given[key] for key in ("window_center", "window_width") if key in given]
    if not told:
        return None
    try:
        center, width = (number(str(value)) for value in told)
    except ValueError:
        raise CallError("give window_center and window_width, or neither") from None
    if center is None or width is None or width < 1 or not abs(center) < 1e6 or not width < 1e6:
        raise CallError("window_center is a number, and window_width one of 1 or more")
    return float(center), float(width)


def _facts(film: ShownFilm) -> Output:
    facts: Output = msgspec.to_builtins(film.facts)
    window: Window = film.facts.window
    return facts | {"window": msgspec.to_builtins(window)}


def _picture(film: ShownFilm, asked: AskedFilm) -> Picture:
    return Picture("image/png", film.png, asked.name)


def _json(value: Output) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
