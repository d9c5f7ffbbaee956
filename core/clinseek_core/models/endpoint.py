"""Where a model is reached: address and key, from options and environment."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit, urlunsplit

import msgspec

from clinseek_core.errors import InputError

__all__ = ["DEFAULT_BASE_URL", "Endpoint", "endpoint_from", "is_address", "is_local", "shown_address"]

DEFAULT_BASE_URL = "https://api.openai.com/v1"
# A server on this machine asks for no key, but the client sends the header anyway.
_NO_KEY = "none"


class Endpoint(msgspec.Struct, frozen=True):
    """A model at an address. The key never shows in a repr."""

    model: str
    base_url: str
    api_key: str

    def __repr__(self) -> str:
        return f"Endpoint({self.model!r}, {self.shown!r})"

    @property
    def shown(self) -> str:
        """The address without user, password and query, for journals and messages."""
        return shown_address(self.base_url)

    def redact(self, text: str) -> str:
        """`text` without the key, should a server have echoed it."""
        return text.replace(self.api_key, "***") if self.api_key != _NO_KEY else text


def endpoint_from(model: str, base_url: str | None, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint that `--model`, `--base-url`, OPENAI_BASE_URL and OPENAI_API_KEY name together.

    Raises InputError for an address that is none, and where a remote endpoint has no key.
    """
    url = (base_url or environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL).strip()
    parts = _parts(url)
    if parts is None:
        raise InputError(f"base URL {url!r} is no http(s) address; write it like http://localhost:8000/v1")
    key = environ.get("OPENAI_API_KEY", "").strip()
    if not key and not is_local(url):
        raise InputError(
            f"OPENAI_API_KEY is not set and {parts.hostname} needs a key; set it, or name a server on this "
            "machine with --base-url"
        )
    if not (key.isascii() and key.isprintable()):
        raise InputError("OPENAI_API_KEY holds characters that no HTTP header can carry; copy the key anew")
    return Endpoint(model, url, key or _NO_KEY)


def is_local(base_url: str) -> bool:
    """Whether the address is this machine's loopback, so that nothing leaves it."""
    parts = _parts(base_url)
    if parts is None:
        return False
    host = (parts.hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def shown_address(url: str) -> str:
    """An address without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_address(url: str) -> bool:
    """Whether a text is an http(s) address with a host."""
    return _parts(url) is not None


def _parts(url: str) -> SplitResult | None:
    """The address split; None where it is no http(s) address with a host and a usable port."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None
