"""`clinseek-tui mcp`: the tools of a case for a foreign agent, over the Model Context Protocol."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import msgspec

from clinseek_core.case import Basis, Boundary
from clinseek_core.errors import InputError
from clinseek_core.text import one_line
from clinseek_tui.mcp_server.connections import Connections
from clinseek_tui.running import Options, Plan, plan_new

__all__ = ["add_arguments", "main"]

_TOKEN = "CLINSEEK_MCP_TOKEN"  # noqa: S105 - the name of a variable
_MIN_TOKEN = 16
_MAX_SESSIONS = 32
_IDLE_S = 30 * 60.0
_EXAMPLES = """\
examples:
  clinseek-tui mcp bundled_pyxis_90000001
  clinseek-tui mcp cases.jsonl --ehr mimic.store --http 127.0.0.1:5003
  CLINSEEK_MCP_TOKEN=$(openssl rand -hex 16) clinseek-tui mcp cases.jsonl --ehr my.store --http 0.0.0.0:5003

Without --http it speaks on standard input and output, as clients start a server. With --http a client names
its case where there are several: http://127.0.0.1:5003/mcp?case=QID. Patient and time are pinned here. Each
connection is a run with a journal of its own, which `replay`, `audit` and `score` take as any other.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("case", nargs="?", metavar="CASE", help="a bundled case, or a cases file")
    parser.add_argument("--qid", metavar="ID", help="which case of a cases file; else clients name theirs")
    parser.add_argument(
        "--ehr", type=Path, metavar="PATH", help="the store or MIMIC-IV tree with the patients"
    )
    parser.add_argument("--http", metavar="HOST:PORT", help="serve streamable HTTP there")
    parser.add_argument(
        "--token",
        metavar="TOKEN",
        help=f"what HTTP clients must send; else ${_TOKEN}, needed beyond loopback",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs"), metavar="FOLDER", help="for journals; runs/"
    )
    basis, boundary = Basis.__args__, Boundary.__args__  # type: ignore[attr-defined]
    parser.add_argument("--basis", choices=basis, default="available", help="by which clock rows are known")
    parser.add_argument("--boundary", choices=boundary, default="exclusive", help="known before, or at, t")
    parser.add_argument("--web", choices=("off", "offline"), help="the browser tools; offline by default")


def main(args: argparse.Namespace) -> int:
    """Serve until the client leaves, or until interrupted; 0."""
    if find_spec("mcp") is None or find_spec("uvicorn") is None:
        raise InputError("the MCP server needs a package: pip install 'clinseek-tui[mcp]'")
    connections = Connections(_planner(args), at_most=_MAX_SESSIONS, idle_s=_IDLE_S)
    try:
        if args.http is None:
            _serve_stdio(connections, args)
        else:
            _serve_http(connections, args)
    except KeyboardInterrupt:
        pass
    finally:
        connections.close()
    return 0


def _planner(args: argparse.Namespace) -> Callable[[str | None], Plan]:
    """What plans a connection's run; what can't be planned at all is told at once."""
    options = Options(
        case=args.case,
        qid=args.qid,
        ehr=args.ehr,
        basis=args.basis,
        boundary=args.boundary,
        web=args.web,
    )
    one_case = args.qid is not None or args.case is None or not Path(args.case).exists()

    def plan(case: str | None) -> Plan:
        if one_case and case is not None:
            raise InputError("this server has one case; connect without naming one")
        if not one_case and case is None:
            raise InputError("this server has several cases; name one as in /mcp?case=QID")
        chosen = options if case is None else msgspec.structs.replace(options, qid=case)
        planned = plan_new(chosen, os.environ)
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", planned.case.qid)[:80]
        moment = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.urandom(3).hex()}"
        return msgspec.structs.replace(planned, out=args.out / f"{stem}-{moment}.jsonl")

    if one_case:
        plan(None)
    return plan


def _serve_stdio(connections: Connections, args: argparse.Namespace) -> None:
    from mcp.server.stdio import stdio_server  # noqa: PLC0415 - an extra

    from clinseek_tui.mcp_server.server import make_server  # noqa: PLC0415 - loads the extra

    if args.token is not None:
        raise InputError("--token goes with --http HOST:PORT")

    async def serve() -> None:
        server = make_server(connections)
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    asyncio.run(serve())


def _serve_http(connections: Connections, args: argparse.Namespace) -> None:
    from clinseek_tui.mcp_server.http import HttpLimits, serve_http  # noqa: PLC0415 - loads the extra

    host, _, port = args.http.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise InputError(f"--http {one_line(args.http, 60)}: write it like 127.0.0.1:5003")
    token = args.token or os.environ.get(_TOKEN, "")
    if not token and not _is_loopback(host):
        raise InputError(
            f"--http {host}: others can reach that address; set ${_TOKEN} or --token to what they must send"
        )
    if token and (len(token) < _MIN_TOKEN or not token.isascii()):
        raise InputError(f"the token is to be {_MIN_TOKEN} characters of ASCII or more")
    limits = HttpLimits(token=token, sessions=_MAX_SESSIONS, idle_s=_IDLE_S)
    serve_http(connections, host, int(port), limits, lambda at: print(f"serving at {at}", file=sys.stderr))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
