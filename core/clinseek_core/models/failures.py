"""What can go wrong with one request, and what that means: again, later, or stop with one line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from clinseek_core.text import one_line

__all__ = ["RequestError", "of_error_body", "of_status", "retry_after"]

_AGAIN = {408, 409, 425, 429}
_OVERFLOW_STATUSES = {400, 413, 422, 500}
_OVERFLOW = re.compile(
    r"context[_ ](length|window|size)|maximum context|n_ctx|(prompt|input) (is )?too long"
    r"|exceeds?.{0,40}(token|context) (limit|count|window)|reduce the length",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(r"insufficient_quota|insufficient (credit|balance|funds)", re.IGNORECASE)
_REMEDIES = {
    400: "the endpoint can't serve this request; try another model",
    401: "check the key in OPENAI_API_KEY",
    402: "the account behind the key has no credit",
    403: "the key in OPENAI_API_KEY may not use this model",
    404: "check --model and --base-url (most end in /v1)",
    405: "check --base-url (most end in /v1)",
}
_REDIRECT = "the endpoint redirects elsewhere; give the final address as --base-url"
_OVERFLOW_REMEDY = "the conversation is longer than the model can read; use one with a longer context"


class RequestError(Exception):
    """One request failed. `kind` is a ModelError's; `again` says whether trying again may help."""

    def __init__(
        self,
        reason: str,
        *,
        kind: str,
        again: bool,
        remedy: str = "",
        status: int | None = None,
        said: str = "",
        after: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.again = again
        self.remedy = remedy
        self.status = status
        """HTTP's, or the one an error inside a stream named."""
        self.said = said
        """The endpoint's own words, whole: untrusted."""
        self.after = after
        """Seconds the endpoint asked to wait."""

    @property
    def refused(self) -> bool:
        """Whether the endpoint understood the request and won't serve it as it is."""
        return self.status is not None and 400 <= self.status < 500 and self.status not in {401, *_AGAIN}


def of_status(status: int, said: str, after: float | None = None) -> RequestError:
    """The failure that an HTTP status and the endpoint's words mean."""
    reason = f"HTTP {status}{_quoted(said)}"
    if status in _OVERFLOW_STATUSES and _OVERFLOW.search(said):
        kind, again, remedy = "context_overflow", False, _OVERFLOW_REMEDY
    elif status == 429:
        credit = _NO_CREDIT.search(said)
        kind, again, remedy = "rate_limited", credit is None, _REMEDIES[402] if credit else "try again later"
    elif status in _AGAIN or status >= 500:
        kind, again, remedy = "endpoint_down", True, "is the model's server well? then --resume the run"
    else:
        remedy = _REDIRECT if status < 400 else _REMEDIES.get(status, _REMEDIES[400])
        kind, again = "refused", False
    return RequestError(reason, kind=kind, again=again, remedy=remedy, status=status, said=said, after=after)


def of_error_body(error: Any) -> RequestError:
    """The failure that an `error` object inside a 200 answer or stream means."""
    said = json.dumps(error, ensure_ascii=False)
    code = error.get("code", error.get("status")) if isinstance(error, dict) else None
    if str(code).isascii() and str(code).isdigit() and 400 <= int(str(code)[:4]) < 600:
        return of_status(int(str(code)), said)
    if _OVERFLOW.search(said):
        return of_status(400, said)
    reason = f"the endpoint reports an error{_quoted(said)}"
    return RequestError(reason, kind="endpoint_down", again=True, remedy="try again later", said=said)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a Retry-After header asks for, given as seconds or as an HTTP date; `now` is Unix time."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _quoted(said: str) -> str:
    """The endpoint's message as ` (…)`, on one line."""
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):
        value = said
    for key in ("error", "message", "detail"):
        value = value.get(key, value) if isinstance(value, dict) else value
    words = one_line(value if isinstance(value, str) else said, 240)
    return f" ({words})" if words else ""
