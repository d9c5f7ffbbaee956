"""What a page may do to the program that reads it: little, and it is told."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest

from clinseek_core.web.fetching import Fetcher
from clinseek_core.web.port import WebError
from clinseek_core.web.reach import PUBLIC, resolve

Make = Callable[..., Fetcher]
ACCEPT = "text/html"


def refused(fetch: Callable[[], object]) -> WebError:
    with pytest.raises(WebError) as raised:
        fetch()
    return raised.value


def test_a_page_is_had_with_its_type_and_address(site, fetcher: Make) -> None:
    url = site.put("/page", "<p>Lactate</p>")
    answer = fetcher().page(f"{url}#part", ACCEPT)
    assert (answer.url, answer.media_type, answer.charset) == (url, "text/html", "utf-8")
    assert answer.body == b"<p>Lactate</p>"
    assert "user-agent: clinseek-tui/" in site.log[-1].lower()
    assert "cookie" not in site.log[-1].lower()


def test_redirects_are_followed_and_counted(site, fetcher: Make) -> None:
    site.put("/end", "there")
    for number in range(5):
        site.redirect(f"/{number}", f"/{number + 1}" if number < 4 else "/end")
    assert fetcher().page(f"{site.url}/0", ACCEPT).url == f"{site.url}/end"
    site.redirect("/start", "/0")
    assert "redirected more than 5 times" in str(refused(lambda: fetcher().page(f"{site.url}/start", ACCEPT)))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_in_a_circle_are_seen(site, fetcher: Make, status: int) -> None:
    site.redirect("/a", "/b", status)
    site.redirect("/b", f"{site.url}/a", status)
    error = refused(lambda: fetcher().page(f"{site.url}/a", ACCEPT))
    assert "go round in a circle" in str(error)
    assert site.asked == ["/a", "/b"]
    site.redirect("/self", "/self", status)
    assert "go round in a circle" in str(refused(lambda: fetcher().page(f"{site.url}/self", ACCEPT)))


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("http://10.0.0.1/", "10.0.0.1 is no public address"),
        ("http://inside.test/", "10.0.0.5 is no public address"),
        ("http://metadata.test/latest/meta-data/", "169.254.169.254 is no public address"),
        ("http://[::1]:80/", "::1 is no public address"),
        ("http://six.test/", "::1 is no public address"),
        ("http://mapped.test/", "is no public address"),
        ("http://2130706433/", "127.0.0.1 is no public address"),
        ("http://0/", "0.0.0.0 is no public address"),
        ("http://127.1/", "127.0.0.1 is no public address"),
        ("http://site.test:22/", "port 22 is none that pages are served from"),
        ("file:///etc/passwd", "no http or https address"),
        ("gopher://site.test/", "no http or https address"),
        ("http://user:secret@site.test/", "user and password, which are never sent"),
        ("http://nobody.test/", "no address that can be found"),
        ("http://[::1", "no address"),
    ],
    ids=str,
)
def test_nothing_inside_is_reached_by_address_or_redirect(
    site, fetcher: Make, target: str, told: str
) -> None:
    assert told in str(refused(lambda: fetcher().page(target, ACCEPT)))
    site.redirect("/out", target)
    assert told in str(refused(lambda: fetcher().page(f"{site.url}/out", ACCEPT)))
    assert site.asked == ["/out"]


def test_a_name_with_one_address_inside_is_not_connected_to(site, fetcher: Make) -> None:
    error = refused(lambda: fetcher().page(f"http://mixed.test:{site.port}/", ACCEPT))
    assert error.status == "refused"
    assert site.log == []


def test_a_name_that_moves_inside_between_two_connections_is_caught(site, fetcher: Make) -> None:
    """The address that is checked is the one that is connected to: nobody looks the name up again."""
    asked: list[str] = []

    def moving(host: str, port: int, seconds: float) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.1",) if len(asked) == 1 else ("10.0.0.1",)

    site.put("/page", "x")
    site.pages["/robots.txt"] = (404, {"Connection": "close"}, [b"no"])
    error = refused(lambda: fetcher(resolver=moving).page(f"{site.url}/page", ACCEPT))
    assert error.status == "refused"
    assert len(asked) == 2
    assert site.asked == []


def test_without_the_tests_own_rule_loopback_is_not_reached(site) -> None:
    fetcher = Fetcher(reach=PUBLIC, resolve=lambda *_: ("127.0.0.1",))
    error = refused(lambda: fetcher.page(f"http://site.test:{site.port}/", ACCEPT))
    assert error.status == "refused"
    assert site.log == []


def test_an_address_that_is_not_permitted_is_never_sent(site, fetcher: Make) -> None:
    site.redirect("/start", "/?q=90000001")

    def permit(url: str) -> None:
        if "90000001" in url:
            raise WebError("no", "refused")

    assert refused(lambda: fetcher(permit).page(f"{site.url}/start", ACCEPT)).status == "refused"
    assert not any("90000001" in entry for entry in site.log)


def endless(sent: list[int]) -> Iterator[bytes]:
    """Ten gigabytes, made as they are sent."""
    block = b"x" * 65_536
    for _ in range(10 * 1024**3 // len(block)):
        sent[0] += len(block)
        yield block


def test_ten_gigabytes_are_not_read(site, fetcher: Make) -> None:
    sent = [0]
    site.pages["/large"] = (200, {"Content-Type": "text/html"}, endless(sent))
    began = time.monotonic()
    tracemalloc.start()
    assert "too large" in str(refused(lambda: fetcher().page(f"{site.url}/large", ACCEPT)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.monotonic() - began < 8
    assert peak < 80 * 2**20
    assert site.broken_pipes.wait(5), "the connection was given up"
    assert sent[0] < 64 * 2**20


def test_a_body_that_says_it_is_large_is_not_begun(site, fetcher: Make) -> None:
    site.pages["/large"] = (200, {"Content-Length": str(10 * 1024**3)}, iter([b"x"]))
    assert "too large" in str(refused(lambda: fetcher().page(f"{site.url}/large", ACCEPT)))


def bomb(megabytes: int, layers: int = 1) -> bytes:
    data = b"\x00" * (megabytes * 2**20)
    for _ in range(layers):
        data = gzip.compress(data, 9)
    return data


def test_a_gzip_bomb_is_not_unpacked(site, fetcher: Make) -> None:
    packed = bomb(300)
    assert len(packed) < 2**20
    url = site.put("/bomb", packed, Content_Encoding="gzip")
    tracemalloc.start()
    assert "too large" in str(refused(lambda: fetcher().page(url, ACCEPT)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20


def test_packed_pages_are_unpacked_once(site, fetcher: Make) -> None:
    packed = gzip.compress(b"text")
    for path, name, body, read in (
        ("/a", "gzip", packed, b"text"),
        ("/b", "deflate", zlib.compress(b"text"), b"text"),
        ("/c", "gzip", gzip.compress(packed), packed),
        ("/d", "identity", b"text", b"text"),
    ):
        assert fetcher().page(site.put(path, body, Content_Encoding=name), ACCEPT).body == read


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("br", "packed as 'br', which was not asked for"),
        ("gzip, gzip", "which was not asked for"),
        ("gzip", "not packed as gzip"),
    ],
)
def test_a_packing_that_can_t_be_undone_is_told(site, fetcher: Make, encoding: str, told: str) -> None:
    url = site.put("/d", b"not packed", Content_Encoding=encoding)
    assert told in str(refused(lambda: fetcher().page(url, ACCEPT)))


def test_a_body_that_drips_ends_at_the_deadline(site, fetcher: Make) -> None:
    stop = threading.Event()

    def drip() -> Iterator[bytes]:
        while not stop.wait(0.1):
            yield b"x"

    site.pages["/slow"] = (200, {"Content-Type": "text/html"}, drip())
    began = time.monotonic()
    error = refused(lambda: fetcher(seconds=1.0, silence=0.5).page(f"{site.url}/slow", ACCEPT))
    stop.set()
    assert "stopped after 1 s" in str(error)
    assert time.monotonic() - began < 3
    assert not error.lasting


def test_silence_ends_sooner(site, fetcher: Make) -> None:
    stop = threading.Event()

    def nothing() -> Iterator[bytes]:
        stop.wait(5)
        yield b""

    site.pages["/silent"] = (200, {}, nothing())
    began = time.monotonic()
    error = refused(lambda: fetcher(seconds=8.0, silence=0.3).page(f"{site.url}/silent", ACCEPT))
    stop.set()
    assert "no answer came in time" in str(error)
    assert time.monotonic() - began < 3


def test_heads_that_drip_end_at_the_deadline(fetcher: Make) -> None:
    """A server that sends its head a byte at a time, each in time."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    port = listener.getsockname()[1]
    bounded = fetcher(port=port, seconds=1.0, silence=0.5)
    began = time.monotonic()
    assert "stopped after 1 s" in str(refused(lambda: bounded.page(f"http://site.test:{port}/", ACCEPT)))
    assert time.monotonic() - began < 3
    stop.set()
    thread.join()
    listener.close()


def test_a_name_that_is_looked_up_for_ever_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()

    def never(*_: object, **__: object) -> list[object]:
        stop.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", never)
    with pytest.raises(TimeoutError):
        resolve("slow.test", 80, 0.2)
    stop.set()


@pytest.mark.parametrize(
    ("status", "lasting"), [(403, True), (404, True), (410, True), (429, False), (500, False), (503, False)]
)
def test_what_is_no_page_is_told_by_its_status(site, fetcher: Make, status: int, lasting: bool) -> None:
    site.pages["/x"] = (status, {}, [b""])
    error = refused(lambda: fetcher().page(f"{site.url}/x", ACCEPT))
    assert str(error).startswith(str(status))
    assert error.lasting is lasting


def test_robots_txt_is_heeded_and_read_once(site, fetcher: Make) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /private\n", "text/plain")
    site.put("/open", "a")
    site.put("/private/x", "b")
    reading = fetcher()
    reading.page(f"{site.url}/open", ACCEPT)
    error = refused(lambda: reading.page(f"{site.url}/private/x", ACCEPT))
    assert (error.status, "robots.txt" in str(error)) == ("refused", True)
    assert [entry.split(" ")[1] for entry in site.log] == ["/robots.txt", "/open"]


def test_robots_txt_holds_where_a_redirect_leads(site, fetcher: Make) -> None:
    site.put("/robots.txt", "User-agent: clinseek-tui\nDisallow: /private\n", "text/plain")
    site.redirect("/open", "/private/x")
    assert "robots.txt" in str(refused(lambda: fetcher().page(f"{site.url}/open", ACCEPT)))
    assert site.asked == ["/open"]


def test_a_site_whose_robots_txt_is_down_is_not_read(site, fetcher: Make) -> None:
    site.pages["/robots.txt"] = (503, {}, [b""])
    site.put("/open", "a")
    assert "its robots.txt can't be had (503" in str(
        refused(lambda: fetcher().page(f"{site.url}/open", ACCEPT))
    )
    assert site.asked == []


def test_a_service_s_key_is_not_carried_by_a_redirect(site, fetcher: Make) -> None:
    site.redirect("/search", f"http://other.test:{site.port}/steal")
    error = refused(lambda: fetcher().ask(f"{site.url}/search", headers={"X-API-KEY": "secret"}))
    assert "answered with a redirect" in str(error)
    assert site.asked == ["/search"]


def test_no_proxy_of_the_environment_is_used(site, fetcher: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://10.9.9.9:3128")
    assert fetcher().page(site.put("/page", "x"), ACCEPT).body == b"x"


def test_a_server_that_is_not_there_is_told(fetcher: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    told = refused(lambda: fetcher(port=port).page(f"http://site.test:{port}/", ACCEPT))
    assert "the connection failed" in str(told)
