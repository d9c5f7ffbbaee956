"""The worker process that takes pages apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from clinseek_core.web.extracting import document_of
from clinseek_core.worker import serve


def _read(
    _: Callable[[str], None], body: bytes, media_type: str, charset: str, url: str, source: bool
) -> Any:
    return msgspec.to_builtins(document_of(body, media_type, charset, url, source=source))


if __name__ == "__main__":
    serve({"read": _read})
