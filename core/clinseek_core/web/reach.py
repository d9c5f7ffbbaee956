"""Which addresses may be connected to: public ones, on the ports that pages are served from."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import msgspec

__all__ = ["PUBLIC", "Reach", "Resolver", "resolve"]

Resolver = Callable[[str, int, float], Sequence[str]]
"""The addresses of (host, port), found within so many seconds; OSError where there are none."""

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """The rule a connection is held against, on the address it is about to be made to."""

    ports: frozenset[int] | None = frozenset((80, 443, 8080, 8443))
    """None for any port."""
    inside: bool = False
    """Whether this machine and its own network count too: for a search service the user names."""

    def refuses(self, address: str, port: int) -> str | None:
        """Why no connection may be made, None where it may."""
        if self.ports is not None and port not in self.ports:
            return f"port {port} is none that pages are served from"
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return f"{address} is no address"
        if self.inside or _is_public(found):
            return None
        return f"{found} is no public address"


PUBLIC = Reach()


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
        if address in _NAT64:
            return _is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        tunnelled = address.sixtofour is not None or address.teredo is not None
        # A tunnel may end at an IPv4 address inside; nobody serves pages from one.
        if tunnelled or address not in _GLOBAL_UNICAST:
            return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    )


def resolve(host: str, port: int, seconds: float) -> Sequence[str]:
    """What the system's resolver says, waited for so long at most."""
    found: list[str] = []
    failure: list[OSError] = []

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(info[4][0]) for info in infos))
        except (OSError, UnicodeError) as error:
            failure.append(error if isinstance(error, OSError) else OSError(str(error)))

    # The system's resolver can't be told how long to try.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(max(seconds, 0))
    if failure:
        raise failure[0]
    if not found:
        raise TimeoutError(f"no address of {host} was found in time")
    return tuple(found)
