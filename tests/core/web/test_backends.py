"""The live backend on a real server, and cassettes of it in VCR's four modes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import msgspec
import pytest

from clinseek_core.ehr.traces import Traces
from clinseek_core.errors import InputError
from clinseek_core.tools import PastCall
from clinseek_core.web.backends.live import LiveBackend
from clinseek_core.web.backends.recorded import RecordedBackend, RecordMode
from clinseek_core.web.cassette import Cassette
from clinseek_core.web.guard import Guard, Guarded
from clinseek_core.web.port import Backend, Document, Found, Hit, WebError
from clinseek_core.web.providers import PROVIDERS, Service, service_from
from clinseek_core.web.tools import BrowserTools

GUARD = Guard(Traces(identifiers=("90000001",), days=(), texts=()))
HITS = {"title": "A <strong>page</strong>", "url": "http://x.org/a", "link": "http://x.org/a"}
WORDS = {"content": "some\nwords", "snippet": "some\nwords", "description": "some\nwords"}


@pytest.fixture
def live(site, only_the_site) -> Iterator[LiveBackend]:
    address = f"http://127.0.0.1:{site.port}"

    def search(query: str, _: str):
        (asked,) = parse_qs(query)["q"]
        hits = [{"title": f"About {asked}", "url": f"{address}/page", "content": "x"}]
        return 200, {}, [json.dumps({"results": hits}).encode()]

    site.pages["/search"] = search
    site.put("/page", "<title>A page</title><p>First words.")
    backend = LiveBackend(Service(PROVIDERS[0], address), GUARD, reach=only_the_site)
    yield backend
    backend.close()


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_each_service_is_asked_in_its_own_way(site, only_the_site, provider) -> None:
    """Request and answer as the services' documentation gives them."""
    answer: object = [
        {**HITS, **WORDS},
        {"title": "no address"},
        "no row",
        {"url": "javascript:x", "title": 1},
    ]
    for name in reversed(provider.hits):
        answer = {name: answer}
    site.pages["/search"] = (200, {"Content-Type": "application/json"}, [json.dumps(answer).encode()])
    address = site.url.replace("site.test", "127.0.0.1") + ("/search" if provider.address else "")
    service = Service(provider, address, "" if provider.name == "searxng" else "key-123")
    backend = LiveBackend(service, GUARD, reach=only_the_site)
    found = backend.search("acute kidney injury", 5)
    backend.close()
    assert found == Found((Hit("A page", "http://x.org/a", "some words"),))
    (asked,) = site.log
    method, target, _ = asked.split("\n")[0].split(" ")
    body = asked.rstrip().split("\n")[-1]
    expected = {
        "searxng": ("GET", "/search?q=acute+kidney+injury&format=json", None),
        "serper": ("POST", "/search", {"q": "acute kidney injury", "num": 5}),
        "tavily": ("POST", "/search", {"query": "acute kidney injury", "max_results": 5}),
        "brave": ("GET", "/search?q=acute+kidney+injury&count=5", None),
    }[provider.name]
    assert (method, target) == expected[:2]
    if expected[2]:
        assert json.loads(body) == expected[2]
    header = {"serper": "X-API-KEY: key-123", "tavily": "Authorization: Bearer key-123"}
    assert (
        header.get(provider.name, {"brave": "X-Subscription-Token: key-123"}.get(provider.name, "")) in asked
    )
    assert "key-123" not in repr(service)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ((401, {}, [b"bad key"]), "searxng: 401 Unauthorized"),
        ((429, {}, [b""]), "searxng: 429 Too Many Requests"),
        ((200, {}, [b"<html>"]), "searxng: its answer can't be read"),
        ((200, {}, [b'{"results": {}}']), "searxng: its answer can't be read (it holds no list results)"),
        ((200, {}, [b"[" * 100_000]), "searxng: its answer can't be read"),
        ((302, {"Location": "http://other.test/"}, [b""]), "searxng: it answered with a redirect (302)"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_service_that_fails_is_named(live: LiveBackend, site, sent, told: str) -> None:
    site.pages["/search"] = sent
    with pytest.raises(WebError) as raised:
        live.search("x", 5)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("environ", "name", "address", "key"),
    [
        ({"SEARXNG_URL": "http://localhost:8888/"}, "searxng", "http://localhost:8888/", ""),
        ({"SERPER_API_KEY": " k "}, "serper", "https://google.serper.dev/search", "k"),
        ({"BRAVE_API_KEY": "b", "TAVILY_API_KEY": "t"}, "tavily", "https://api.tavily.com/search", "t"),
    ],
    ids=str,
)
def test_the_environment_names_the_service(
    environ: dict[str, str], name: str, address: str, key: str
) -> None:
    service = service_from(environ)
    assert (service.provider.name, service.address, service.key) == (name, address, key)


@pytest.mark.parametrize("environ", [{}, {"SEARXNG_URL": "localhost"}, {"BRAVE_API_KEY": "a\nb"}], ids=str)
def test_a_service_that_can_t_be_asked_is_told_before_the_run(environ: dict[str, str]) -> None:
    with pytest.raises(InputError):
        service_from(environ)


def test_a_live_page_is_read_and_its_links_can_be_followed(live: LiveBackend, site) -> None:
    site.put("/page", '<title>A page</title><p>See <a href="/next">the next</a>.')
    site.put("/next", "<title>Next</title><p>Words.")
    tools = BrowserTools(Guarded(live, GUARD))
    assert "live, searched by searxng" in tools.call("browser.search", {"query": "words"}).text
    assert "【0†the next】" in tools.call("browser.open", {"id": 0}).text
    assert tools.call("browser.open", {"id": 0}).text.startswith("[2] Next (")
    assert tools.call("browser.open", {"id": f"http://127.0.0.1:{site.port}/page"}).status == "ok"
    assert site.asked.count("/page") == 1, "what was read is not asked for again"
    assert "&lt;" not in tools.call("browser.open", {"view_source": True}).text


Recorded = Callable[[RecordMode], RecordedBackend]


@pytest.fixture
def recorded(live: LiveBackend, tmp_path: Path) -> Recorded:
    return lambda mode: RecordedBackend(Cassette(tmp_path / "web.cassette"), mode, live)


def read(backend: Backend, site) -> tuple[Found, Document]:
    return backend.search("words", 3), backend.fetch(f"http://127.0.0.1:{site.port}/page", source=False)


def test_what_was_recorded_is_played_without_a_network(recorded: Recorded, site, tmp_path: Path) -> None:
    first = read(recorded("once"), site)
    seen = len(site.log)
    played = RecordedBackend(Cassette(tmp_path / "web.cassette"), "none")
    assert read(played, site) == first
    assert len(site.log) == seen
    assert (tmp_path / "web.cassette").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", ["none", "once"])
def test_what_is_not_on_the_cassette_is_said_to_be_missing(
    recorded: Recorded, site, mode: RecordMode
) -> None:
    read(recorded("once"), site)
    seen = len(site.log)
    for ask in (lambda b: b.search("other", 3), lambda b: b.fetch("http://127.0.0.1/", source=False)):
        with pytest.raises(WebError) as raised:
            ask(recorded(mode))
        assert "not on the cassette web.cassette" in str(raised.value)
        assert "--record new_episodes" in str(raised.value)
    assert len(site.log) == seen


def test_new_episodes_are_added_and_old_ones_kept(recorded: Recorded, site) -> None:
    first = read(recorded("once"), site)
    site.put("/page", "<title>Changed</title><p>Other words.")
    again = recorded("new_episodes")
    assert read(again, site) == first
    assert again.search("other", 3).hits[0].title == "About other"
    assert recorded("none").search("other", 3).hits[0].title == "About other"


def test_all_asks_anew_and_the_new_takes_the_old_one_s_place(recorded: Recorded, site) -> None:
    first = read(recorded("once"), site)
    site.put("/page", "<title>Changed</title><p>Other words.")
    again = recorded("all")
    second = read(again, site)
    assert second[1].title == "Changed"
    seen = len(site.log)
    assert read(again, site) == second
    assert len(site.log) == seen, "within a run, what was asked for is had"
    assert read(recorded("none"), site) == second != first


def test_a_page_that_is_gone_is_recorded_and_a_server_that_is_down_is_not(recorded: Recorded, site) -> None:
    url = f"http://127.0.0.1:{site.port}"
    for path, status in (("/gone", 404), ("/down", 503)):
        site.pages[path] = (status, {}, [b""])
        with pytest.raises(WebError):
            recorded("new_episodes").fetch(url + path, source=False)
    with pytest.raises(WebError, match="404 Not Found"):
        recorded("none").fetch(f"{url}/gone", source=False)
    with pytest.raises(WebError, match="not on the cassette"):
        recorded("none").fetch(f"{url}/down", source=False)


def test_a_live_run_goes_on_from_its_cassette_without_asking_again(
    recorded: Recorded, live, site, tmp_path
) -> None:
    def tools() -> BrowserTools:
        tape = Cassette(tmp_path / "web.cassette")
        backend = RecordedBackend(tape, "new_episodes", live, name=live.name, badge=live.badge)
        memory = RecordedBackend(tape, "none", name=live.name, badge=live.badge)
        return BrowserTools(Guarded(backend, GUARD), memory=memory)

    run, past = tools(), []
    for number, (name, arguments) in enumerate(
        [
            ("browser.search", {"query": "words"}),
            ("browser.open", {"id": 0}),
            ("browser.find", {"pattern": "first"}),
        ],
        1,
    ):
        result = run.call(name, arguments)
        past.append(
            PastCall(
                place=f"s{number}.c1", name=name, arguments=arguments, status=result.status, text=result.text
            )
        )
    site.put("/page", "<title>Changed</title>")
    seen = len(site.log)
    again = tools()
    again.restore(past)
    assert len(site.log) == seen
    assert again.call("browser.open", {"id": 0}) == run.call("browser.open", {"id": 0})
    assert "About other" in again.call("browser.search", {"query": "other"}).text
    assert len(site.log) == seen + 1


def test_a_cassette_s_cut_off_line_is_left_out_and_overwritten(
    recorded: Recorded, site, tmp_path: Path
) -> None:
    read(recorded("once"), site)
    path = tmp_path / "web.cassette"
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert len(Cassette(path)) == 1
    read(recorded("new_episodes"), site)
    assert path.read_bytes() == whole
    head, *lines = path.read_text().splitlines()
    assert json.loads(head) == {"type": "cassette", "format": "clinseek.cassette/1"}
    assert [json.loads(line)["type"] for line in lines] == ["search", "open"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}\n", ":1: is no cassette"),
        ("not json\n", ":1: is no cassette"),
        ('{"type":"cassette","format":"clinseek.cassette/9"}\n', "is of format 'clinseek.cassette/9'"),
        ('{"type":"cassette","format":"clinseek.cassette/1"}\n{"type":"x"}\n', ":2: is damaged"),
        ('{"type":"search","query":"q","count":1,"found":{"hits":[]}}\n', ":1: is no cassette: its head"),
        ("\xff\n", ":1: is no cassette"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_cassette_is_not_played(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "x.cassette"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError) as raised:
        Cassette(path)
    assert told in str(raised.value)


def test_a_cassette_that_can_t_be_written_ends_in_a_word(
    recorded: Recorded, live, site, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    backend = RecordedBackend(Cassette(tmp_path / "none"), "once", live)
    backend._cassette.path = tmp_path / "file" / "web.cassette"
    with pytest.raises(InputError, match="can't be written"):
        backend.search("x", 1)


def test_a_document_keeps_its_form_on_a_cassette() -> None:
    for document in (Document("u", "t", "x", "plain"), Document("u", "t", "x")):
        assert msgspec.json.decode(msgspec.json.encode(document), type=Document) == document
