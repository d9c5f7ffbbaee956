"""What `doctor` finds: real looks at real things, each broken here on purpose."""

from __future__ import annotations

import json
import re
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from clinseek_tui import cli
from clinseek_tui.doctor import CHECKS, Check, Finding, Here, data, model, program
from clinseek_tui.doctor.check import missing, well
from clinseek_tui.terminal import TRUE_COLOUR, Terminal

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
SCREEN = Terminal(True, True, 120, 40, "xterm-256color", TRUE_COLOUR)
KEY = "sk-do-not-show-me"


def look(name: str, terminal: Terminal = SCREEN, ask: bool = False, **environ: str) -> Finding:
    (check,) = (check for check in CHECKS if check.name == name)
    return check.finding(Here(environ, terminal, ask))


@pytest.fixture
def clinseek(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*argv: str) -> tuple[int, str, str]:
        return cli.main(["doctor", *argv]), *capsys.readouterr()

    return run


@pytest.fixture
def endpoint() -> Iterator[Any]:
    """A server that lists models, and keeps the keys that it was sent."""

    class Handler(BaseHTTPRequestHandler):
        answer: tuple[int, bytes] = (200, b'{"data": [{"id": "m\\u001b[31m1"}, {"id": "m2"}]}')
        asked: ClassVar[list[tuple[str, str]]] = []

        def do_GET(self) -> None:
            status, body = self.answer
            type(self).asked.append((self.path, self.headers["Authorization"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that has read enough hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    Handler.url = f"http://127.0.0.1:{server.server_port}/v1"  # type: ignore[attr-defined]
    yield Handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_everything_is_told_with_a_fix_where_it_is_not_there(clinseek: Callable[..., Any]) -> None:
    code, out, _ = clinseek()
    told = json.loads(clinseek("--json")[1])["findings"]
    assert code == 0, "the bundled world and all packages are here"
    assert [finding["name"] for finding in told] == [check.name for check in CHECKS]
    assert all(finding["says"] for finding in told)
    assert all(finding["fix"] for finding in told if finding["verdict"] != "ok")
    assert all(f"  {finding['name']} " in out for finding in told)
    assert out.count("to have it: ") == sum(finding["verdict"] != "ok" for finding in told)
    assert out.splitlines()[-1].startswith("all that is used by default is there")


def test_what_is_used_by_default_and_is_not_there_makes_it_1(
    clinseek: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "PACKAGES", (*program.PACKAGES, "no-such-package"))
    code, out, _ = clinseek()
    assert code == 1
    assert "  missing   packages        not installed: no-such-package" in out
    assert out.splitlines()[-1] == "missing, and used by default: packages"


def test_the_packages_are_those_of_the_project() -> None:
    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[<>=\[; ]", requirement)[0].lower() for requirement in requirements}

    assert set(program.PACKAGES) == names(PROJECT["dependencies"])
    extras = PROJECT["optional-dependencies"]
    known = {extra.name: set(extra.packages) for extra in program.EXTRAS}
    assert {name: names(extras[name]) for name in known} == known
    assert set(extras) == set(known)
    (wanted,) = re.findall(r"^>=(\d+)\.(\d+),<(\d+)\.(\d+)$", PROJECT["requires-python"])
    assert ((int(wanted[0]), int(wanted[1])), (int(wanted[2]), int(wanted[3]))) == program._PYTHONS


def test_the_bundled_world_is_asked_and_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look("bundled world").verdict == "ok"
    for where in ("world_path", "world_store_path"):
        monkeypatch.setattr(data, where, lambda: tmp_path)
    assert look("bundled world").verdict == "missing"
    assert look("bundled films").verdict == "missing"


def test_a_film_that_can_t_be_decoded_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look("bundled films").says.startswith("a DICOM film of 512 x 512")
    (tmp_path / "cxr").mkdir()
    (tmp_path / "cxr" / "film.dcm").write_bytes(b"no film")
    monkeypatch.setattr(data, "world_path", lambda: tmp_path)
    assert "not_a_film" in look("bundled films").says


def test_a_worker_s_memory_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look("memory limits").verdict == "ok"
    monkeypatch.setattr(program, "_OVER_THE_LIMIT", "print('not bounded')")
    assert look("memory limits").verdict == "optional"
    monkeypatch.setattr(program, "_TRY_S", 0.1)
    monkeypatch.setattr(program, "_OVER_THE_LIMIT", "import time; time.sleep(5)")
    assert "TimeoutExpired" in look("memory limits").says


@pytest.mark.parametrize(
    ("name", "changed", "environ", "told"),
    [
        ("size", {"columns": 60}, {}, "60 x 40"),
        ("encoding", {"utf8": False}, {}, "drawn in ASCII"),
        ("colours", {"colours": 256}, {}, "256"),
        ("terminal", {"is_terminal": False}, {}, "print text"),
        ("films", {}, {}, "half-blocks"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_terminal_that_can_do_less_is_told_what_to_set(
    name: str, changed: dict[str, Any], environ: dict[str, str], told: str
) -> None:
    finding = look(name, SCREEN._replace(**changed), **environ)
    assert (finding.verdict, bool(finding.fix)) == ("optional", True)
    assert told in finding.says


def test_a_terminal_that_can_do_all_is_fine() -> None:
    able = SCREEN._replace(images="kitty", cell=(10, 20))
    assert [look(name, able).verdict for name in ("terminal", "size", "encoding", "colours", "films")] == [
        "ok"
    ] * 5
    assert look("colours", SCREEN._replace(colours=0), NO_COLOR="1").verdict == "ok"
    in_tmux = look("colours", SCREEN._replace(colours=256, inside="tmux"))
    assert "terminal-features" in in_tmux.fix


def test_folders_that_can_t_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, variable in (("cache", "CACHE"), ("data", "DATA"), ("state", "STATE")):
        within = {f"XDG_{variable}_HOME": str(tmp_path / "new" / "folder")}
        assert look(name, **within).verdict == "ok"
        blocked = {f"XDG_{variable}_HOME": str(tmp_path / "file" / "folder")}
        assert look(name, **blocked).verdict == "optional"
        assert look(name, **blocked).fix == f"set XDG_{variable}_HOME to a folder of yours"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"], "nothing is made to see it"


def test_the_demo_must_be_a_tree(tmp_path: Path) -> None:
    assert "is not set" in look("MIMIC-IV demo").says
    assert look("MIMIC-IV demo", CLINSEEK_MIMIC_DEMO=str(tmp_path)).verdict == "optional"
    world = str(data.world_path())
    assert look("MIMIC-IV demo", CLINSEEK_MIMIC_DEMO=world) == Finding(
        group="data", name="MIMIC-IV demo", verdict="ok", says=world, fix=""
    )


def test_the_endpoint_is_asked_only_if_that_is_said(endpoint: Any) -> None:
    named = {"OPENAI_BASE_URL": endpoint.url, "OPENAI_API_KEY": KEY}
    assert look("endpoint").says.startswith("none is named")
    assert "not asked" in look("endpoint", **named).says
    assert endpoint.asked == []
    finding = look("endpoint", ask=True, **named)
    assert finding.verdict == "ok"
    assert finding.says.endswith("answers, with m␛[31m1, m2")
    assert endpoint.asked == [("/v1/models", f"Bearer {KEY}")]
    assert KEY not in str(finding)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": 3}', b'{"data": [{}]}', b"[" * 100_000], ids=len)
def test_an_answer_that_lists_nothing_is_an_answer(endpoint: Any, body: bytes) -> None:
    endpoint.answer = (200, body)
    assert look("endpoint", ask=True, OPENAI_BASE_URL=endpoint.url).says.endswith("answers")


def test_an_endpoint_that_refuses_or_is_not_there_is_told(endpoint: Any) -> None:
    endpoint.answer = (401, KEY.encode())
    named = {"OPENAI_BASE_URL": endpoint.url, "OPENAI_API_KEY": KEY}
    refused = look("endpoint", ask=True, **named)
    assert refused.says.endswith("answers 401")
    gone = look("endpoint", ask=True, OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    assert (gone.verdict, "no answer" in gone.says) == ("optional", True)
    wrong = look("endpoint", ask=True, OPENAI_BASE_URL="nonsense")
    assert "is no http(s) address" in wrong.says
    for finding in (refused, gone, wrong):
        assert KEY not in str(finding)


def test_a_long_answer_is_read_no_further(endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_MOST_BYTES", 1000)
    endpoint.answer = (200, b'{"data": [{"id": "m"}]' + b" " * 5_000_000 + b"}")
    assert look("endpoint", ask=True, OPENAI_BASE_URL=endpoint.url).says.endswith("answers")


def test_a_search_service_is_named_by_its_key() -> None:
    assert look("web search").verdict == "optional"
    finding = look("web search", BRAVE_API_KEY=KEY)
    assert finding.verdict == "ok"
    assert KEY not in str(finding)


def test_a_check_says_missing_only_of_what_is_used_by_default() -> None:
    here = Here({}, SCREEN)
    for by_default, verdict in ((True, "missing"), (False, "optional")):
        check = Check("g", "n", by_default, lambda _: missing("gone", "get it"))
        assert check.finding(here).verdict == verdict
    assert Check("g", "n", True, lambda _: well("here")).finding(here).verdict == "ok"


def test_settings_that_can_t_be_used_are_missing_with_their_line(tmp_path: Path) -> None:
    assert "the defaults" in look("settings", XDG_CONFIG_HOME=str(tmp_path)).says
    file = tmp_path / "clinseek-tui" / "config.toml"
    file.parent.mkdir()
    file.write_text('theme = "light"')
    assert look("settings", XDG_CONFIG_HOME=str(tmp_path)).says == str(file)
    file.write_text('\ntheme = "pink"')
    finding = look("settings", XDG_CONFIG_HOME=str(tmp_path))
    assert finding.verdict == "missing"
    assert f"{file}:2: theme" in finding.says
