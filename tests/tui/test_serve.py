"""The app in a browser: who is let in, and a run stepped through in headless Chromium."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clinseek_tui import cli

pytest.importorskip("textual_serve", reason="the extra serve is not installed")

GOLDEN = Path(__file__).parents[1] / "golden" / "journal-1.jsonl"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WAIT_S = 15
SECRET = "a-secret-of-the-tests-0123"
RECEIVED = """
const Real = WebSocket; window.received = "";
const decoder = new TextDecoder();
window.WebSocket = function (...given) {
  const socket = new Real(...given);
  socket.addEventListener("message", async (event) => {
    if (event.data instanceof Blob) window.received += decoder.decode(await event.data.arrayBuffer());
    else if (event.data instanceof ArrayBuffer) window.received += decoder.decode(event.data);
  });
  return socket;
};
Object.assign(window.WebSocket, {CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3});
window.WebSocket.prototype = Real.prototype;
"""


@pytest.fixture
def served() -> Iterator[Callable[..., str]]:
    """Starts the server on a free port and gives its address; ends it."""
    started: list[subprocess.Popen[str]] = []

    def serve(*more: str) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = ["serve", str(GOLDEN), "--json", "--http", f"127.0.0.1:{port}", *more]
        process = subprocess.Popen(
            [sys.executable, "-m", "clinseek_tui", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"CLINSEEK_SERVE_TOKEN": SECRET, "XDG_CONFIG_HOME": "/nonexistent"},
        )
        started.append(process)
        assert process.stdout
        url: str = json.loads(process.stdout.readline())["url"]
        return url

    yield serve
    for process in started:
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 0, "an interrupt ends it"
        assert process.stdout
        assert SECRET not in process.stdout.read(), "the address is told once, and no request is logged"
        process.stdout.close()


def test_only_who_knows_the_address_is_let_in_and_no_page_of_another_site(served: Any) -> None:
    url = served()
    assert url.endswith(f"/{SECRET}/")
    _, _, where, *_ = url.split("/")

    def asked(path: str, **headers: str) -> tuple[int, str, Any]:
        connection = http.client.HTTPConnection(where, timeout=WAIT_S)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, body, response.headers

    status, body, headers = asked(f"/{SECRET}/")
    assert status == 200
    assert f"ws://{where}/{SECRET}/ws" in body
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "googleapis" not in policy, "the font of another site that the page names is not asked for"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert [asked(path)[0] for path in ("/", "/ws", f"/{SECRET[:-1]}/", "/static/js/textual.js")] == [404] * 4
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    assert asked(f"/{SECRET}/ws", Origin="http://evil.example", **upgrade)[0] == 403
    assert asked(f"/{SECRET}/", Host="evil.example")[0] == 403, "a name that was turned to this machine"


@pytest.mark.parametrize(
    ("words", "token", "said"),
    [
        (["--http", "8000"], None, "write it like 127.0.0.1:8000"),
        (["--http", "127.0.0.1:99999"], None, "write it like"),
        (["--http", "0.0.0.0:8000"], None, "say by --url"),
        (["--url", "javascript:1"], None, "write it like https"),
        (["--url", "https://x/y"], None, "without a path"),
        ([], "short", "must be 16 or more"),
        (["--run", "no-such-run"], None, "no-such-run"),
    ],
    ids=["no-host", "port", "any", "scheme", "path", "token", "run"],
)
def test_what_can_t_be_served_is_told_before_it_listens(
    words: list[str],
    token: str | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("CLINSEEK_SERVE_TOKEN", raising=False)
    if token:
        monkeypatch.setenv("CLINSEEK_SERVE_TOKEN", token)
    assert cli.main(["serve", str(GOLDEN), *words]) == 2
    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = ["serve", str(GOLDEN), "--http", f"127.0.0.1:{taken.getsockname()[1]}"]
        done = subprocess.run(
            [sys.executable, "-m", "clinseek_tui", *words], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert "can't listen" in done.stderr
    assert done.stderr.count("\n") <= 2


class Page:
    """One page of a browser, by the DevTools protocol."""

    def __init__(self, socket_: Any) -> None:
        self._socket = socket_
        self._number = 0
        self._session: dict[str, str] = {}

    async def open(self, url: str) -> None:
        target = (await self.do("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.do("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        await self.do("Page.enable")
        await self.do("Page.addScriptToEvaluateOnNewDocument", source=RECEIVED)
        await self.do("Page.navigate", url=url)

    async def do(self, method: str, **params: Any) -> Any:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params} | self._session)
        async for message in self._socket:
            answer = json.loads(message.data)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
        raise AssertionError("the browser left")

    async def press(self, key: str) -> None:
        await self.do("Runtime.evaluate", expression="window.received = ''")
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if kind == "keyDown" else {}
            await self.do("Input.dispatchKeyEvent", type=kind, key=key, **text)

    async def shows(self, text: str) -> str:
        """Wait until the page has been sent a text; what the page has got since the last key."""
        received = ""
        for _ in range(WAIT_S * 10):
            value = await self.do("Runtime.evaluate", expression="window.received || ''")
            received = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", value["result"]["value"])
            if text in received:
                return received
            await asyncio.sleep(0.1)
        raise AssertionError(f"{text!r} did not come: {received[-2000:]!r}")

    async def painted(self) -> str:
        picture: str = (await self.do("Page.captureScreenshot"))["data"]
        return picture


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_run_is_stepped_through_in_a_browser(served: Any, tmp_path: Path) -> None:
    from aiohttp import ClientSession

    url = served()
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0")
    browser = subprocess.Popen(
        [CHROMIUM or "", *options, f"--user-data-dir={tmp_path}", "--window-size=1200,800"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert browser.stderr
    told = next(line for line in browser.stderr if "DevTools listening on" in line)

    async def story() -> None:
        async with ClientSession() as session, session.ws_connect(told.split()[-1], max_msg_size=0) as opened:
            page = Page(opened)
            await page.open(url)
            await page.shows("ehr.load_ehr")
            await page.do("Page.bringToFront")
            await page.do(
                "Runtime.evaluate", expression="document.querySelector('.xterm-helper-textarea').focus()"
            )
            first = await page.painted()
            await page.press("l")
            await page.shows("s2.c1 ehr.run_sql_query")
            second = await page.painted()
            assert second != first, "what is sent is also painted"
            await page.press("$")
            await page.shows("hit")
            await page.press("?")
            await page.shows("the call before, the call after")
            await page.do("Browser.close")

    try:
        asyncio.run(asyncio.wait_for(story(), 4 * WAIT_S))
    finally:
        browser.kill()
        browser.wait()
        browser.stderr.close()
