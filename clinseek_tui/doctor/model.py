"""Checks of what a run may ask beyond this machine: a model's endpoint, a search service."""

from __future__ import annotations

import json
from typing import Any

from clinseek_core.errors import InputError
from clinseek_core.models import Endpoint, endpoint_from, is_local
from clinseek_core.text import one_line
from clinseek_core.web.providers import service_from
from clinseek_tui.doctor.check import Check, Here, Outcome, missing, well

__all__ = ["MODEL"]

_SEEKER = "runs are answered by the built-in seeker, without a model"
_NAMED = ("OPENAI_BASE_URL", "OPENAI_API_KEY")
_WAIT_S = 10.0
_MOST_BYTES = 1_000_000
_MODELS_TOLD = 5


def _endpoint(here: Here) -> Outcome:
    """Whether the environment names an endpoint, and, if it may be asked, whether it answers."""
    set_ = [name for name in _NAMED if here.environ.get(name)]
    if not set_:
        return missing(
            f"none is named: {_SEEKER}", "set OPENAI_BASE_URL, and OPENAI_API_KEY where it needs one"
        )
    try:
        endpoint = endpoint_from("", None, here.environ)
    except InputError as error:
        return missing(str(error), f"set {' and '.join(_NAMED)}")
    where = f"{endpoint.shown}, by {' and '.join(set_)}"
    if not here.ask_endpoint:
        return well(f"{where}; not asked, --endpoint asks it")
    return _asked(endpoint, where)


def _asked(endpoint: Endpoint, where: str) -> Outcome:
    import httpx2  # noqa: PLC0415 -- only where the network is asked for

    fix = "see that the server runs, and that address and key are right"
    url = f"{endpoint.base_url.rstrip('/')}/models"
    try:
        with (
            httpx2.Client(timeout=_WAIT_S, trust_env=not is_local(endpoint.base_url)) as client,
            client.stream("GET", url, headers={"Authorization": f"Bearer {endpoint.api_key}"}) as response,
        ):
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    break
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        return missing(f"{where}: no answer ({endpoint.redact(str(error)) or type(error).__name__})", fix)
    if response.status_code != httpx2.codes.OK:
        return missing(f"{where}: answers {response.status_code}", fix)
    return well(f"{where}: answers{_models(body)}")


def _models(body: bytes) -> str:
    """The models that an answer lists; nothing where it is no such list."""
    try:
        listed: Any = json.loads(body)["data"]
        names = [one_line(str(each["id"]), 60) for each in listed]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    more = f" and {len(names) - _MODELS_TOLD} more" if len(names) > _MODELS_TOLD else ""
    return f", with {', '.join(names[:_MODELS_TOLD])}{more}" if names else ", with no model"


def _search(here: Here) -> Outcome:
    try:
        return well(f"{service_from(here.environ).provider.name}, for run --web live")
    except InputError as error:
        return missing(str(error), "see docs/web.md")


MODEL = (
    Check("model", "endpoint", False, _endpoint),
    Check("model", "web search", False, _search),
)
