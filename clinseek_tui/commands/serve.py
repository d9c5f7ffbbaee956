"""`clinseek-tui serve`: recordings in a browser, on this machine unless another address is named."""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import re
import secrets
import sys
from importlib.util import find_spec

from clinseek_core.errors import InputError
from clinseek_core.text import one_line
from clinseek_tui.commands.opening import add_recordings, open_named
from clinseek_tui.commands.printing import say

__all__ = ["add_arguments", "main"]

_SECRET = "CLINSEEK_SERVE_TOKEN"  # noqa: S105 -- the name of a variable
_EXAMPLES = """\
examples:
  clinseek-tui serve traj.jsonl
  clinseek-tui serve runs/ --http 127.0.0.1:8123
  clinseek-tui serve runs/ --http 0.0.0.0:8123 --url https://runs.example.org

It prints the address to open, and serves until ctrl+c. The address holds a secret, made anew each time unless
$CLINSEEK_SERVE_TOKEN gives one: who has it sees the recordings and can do what the app does. There is no
encryption here: beyond this machine put a server with TLS before it, or use ssh -L.
"""
_MOST_PORT = 65_535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    add_recordings(parser)
    parser.add_argument(
        "--http", metavar="HOST:PORT", default="127.0.0.1:8000", help="where to listen; 127.0.0.1:8000"
    )
    parser.add_argument("--url", metavar="URL", help="by what address browsers reach it, where that differs")
    parser.add_argument("--json", action="store_true", help="print the address as a line of JSON")


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted; 0."""
    if find_spec("textual_serve") is None:
        raise InputError("the app in a browser needs a package: pip install 'clinseek-tui[serve]'")
    host, port = _address(args.http)
    base = _base(args.url, host, port)
    secret = _secret()
    # What can't be opened is told now and not in the browser.
    recordings = open_named(args)
    if args.run:
        recordings.find(args.run)
    from clinseek_tui.serving import AppServer  # noqa: PLC0415 -- an extra

    def ready() -> None:
        address = f"{base}/{secret}/"
        say([json.dumps({"url": address}) if args.json else f"open {address}"])
        sys.stdout.flush()

    server = AppServer(_words(args), host, port, base=base, secret=secret, ready=ready)
    try:
        server.serve()
    except OSError as error:
        raise InputError(f"--http {host}:{port}: can't listen ({error.strerror}); name another") from error
    return 0


def _words(args: argparse.Namespace) -> list[str]:
    """The command that each page runs."""
    words = ["replay"]
    for option in ("format", "gold", "run"):
        value = getattr(args, option)
        words += [f"--{option}={value}"] if value else []
    return [*words, "--", *map(str, args.paths)]


def _address(written: str) -> tuple[str, int]:
    host, _, port = written.rpartition(":")
    host = host.strip("[]")
    if not host or not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= _MOST_PORT):
        raise InputError(f"--http {one_line(written, 60)}: write it like 127.0.0.1:8000")
    return host, int(port)


def _base(url: str | None, host: str, port: int) -> str:
    """The address without its path."""
    if url is not None:
        if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]{1,255}/?", url):
            raise InputError(
                f"--url {one_line(url, 80)}: write it like https://runs.example.org, without a path"
            )
        return url.rstrip("/")
    if _is_any(host):
        raise InputError(f"--http {host}: say by --url by what address browsers reach it")
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _secret() -> str:
    given = os.environ.get(_SECRET)
    if given is None:
        return secrets.token_urlsafe(24)
    if not re.fullmatch(r"[A-Za-z0-9_-]{16,200}", given):
        raise InputError(
            f"${_SECRET}: must be 16 or more letters, digits, - and _; unset it to have one made"
        )
    return given
