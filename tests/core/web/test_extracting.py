"""What pages say, whatever bytes they come in."""

from __future__ import annotations

import importlib.util
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_core.web.charsets import as_text
from clinseek_core.web.extracting import document_of
from clinseek_core.web.fetching import Answer
from clinseek_core.web.html_text import html_markdown
from clinseek_core.web.port import WebError
from clinseek_core.web.reader import PageReader

URL = "https://x.org/a/page"


def needs(module: str) -> pytest.MarkDecorator:
    there = importlib.util.find_spec(module) is not None
    return pytest.mark.skipif(not there, reason="the extra `web` is not installed")


@pytest.mark.parametrize(
    ("body", "said", "text"),
    [
        ("Ödem".encode(), "utf-8", "Ödem"),
        ("Ödem".encode("cp1252"), "utf-8", "Ödem"),
        ("Ödem".encode("cp1252"), "iso-8859-1", "Ödem"),
        ("Ödem – “x”".encode("cp1252"), "latin1", "Ödem – “x”"),
        ("Ödem".encode("cp1252"), "", "Ödem"),
        ("Ödem".encode(), "no-such-charset", "Ödem"),
        ("Ödem".encode(), "us-ascii", "Ã–dem"),
        ("\ufeffÖdem".encode(), "iso-8859-1", "Ödem"),
        ("Ödem".encode("utf-16"), "", "Ödem"),
        ("浮腫".encode("shift_jis"), "shift_jis", "浮腫"),
        ('<meta charset="koi8-r">отёк'.encode("koi8-r"), "", '<meta charset="koi8-r">отёк'),
        (b"+ADw-script+AD4-", "utf-7", "+ADw-script+AD4-"),
        (b"\\x41", "unicode_escape", "\\x41"),
        (b"x\x9c+I\xad(\x01\x00", "zlib", None),
        ("é".encode() * 500 + b"\xff", "utf-8", "é" * 500 + "\ufffd"),
    ],
    ids=str,
)
def test_bytes_are_read_as_what_they_are(body: bytes, said: str, text: str | None) -> None:
    read = as_text(body, said)
    assert text is None or read == text


@given(st.binary(max_size=300), st.text(max_size=12))
def test_any_bytes_are_some_text(body: bytes, said: str) -> None:
    assert isinstance(as_text(body, said), str)


HTML = """<!doctype html><html><head><title> Lactate &amp; shock </title><style>p {color: red}</style>
<base href="/base/"></head><body><nav><a href="/home">Home</a></nav><h1>Lactate</h1>
<p>Rises in <a href="sepsis.html">sepsis</a> and <a href='https://y.org/x(1)'>shock</a>;
<a href="javascript:alert(1)">no link</a>, <a href="#part">nor this</a>.<br>Next line</p>
<script>document.write("<p>never shown</p>")</script><noscript>nor this one</noscript>
<ul><li>one<li>two</ul><table><tr><th>value<th>reading<tr><td>2<td>usual</table>
<p>unclosed <b>bold"""


def test_html_without_any_library_keeps_text_links_lists_and_tables() -> None:
    title, text = html_markdown(HTML, URL)
    assert title == "Lactate & shock"
    for line in (
        "# Lactate",
        "Rises in [sepsis](https://x.org/base/sepsis.html) and [shock](https://y.org/x%281%29);",
        "no link, nor this.",
        "Next line",
        "- one",
        "- two",
        "| value | reading",
        "| 2 | usual",
        "unclosed bold",
    ):
        assert line in text, line
    for hidden in ("color: red", "never shown", "nor this one", "javascript"):
        assert hidden not in text


@given(st.text(alphabet="<>/ab =\"'!-&;p\n", max_size=200))
def test_any_html_is_some_text(html: str) -> None:
    title, text = html_markdown(html, URL)
    assert isinstance(title, str)
    assert isinstance(text, str)


@pytest.mark.parametrize(
    ("body", "media_type", "told"),
    [
        (b"\x89PNG", "image/png", "it is image/png; pages, text and PDF can be read"),
        (b"<script>x()</script>", "text/html", "without running its scripts"),
        (b"", "text/html", "no text"),
        (b"a\x00b", "", "is no text"),
        (b"%PDF-1.7 broken", "text/html", "PDF"),
    ],
    ids=str,
)
def test_what_is_no_page_is_told(body: bytes, media_type: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        document_of(body, media_type, "", URL)


def test_text_and_json_are_shown_as_they_are() -> None:
    assert document_of(b"[a](b) <p>", "text/plain", "", URL).text == "[a](b) <p>"
    assert document_of(b"[a](b) <p>", "text/plain", "", URL).form == "plain"
    assert document_of(b'{"a":[1]}', "application/json", "", URL).text == '{\n "a": [\n  1\n ]\n}'
    assert document_of(b"<html><p>x</p>", "", "", URL).text == "x"
    assert document_of(HTML.encode(), "text/html", "", URL, source=True).text == HTML


@pytest.mark.skipif(
    importlib.util.find_spec("trafilatura") is None, reason="the extra `web` is not installed"
)
def test_with_the_extra_menus_are_left_out() -> None:
    body = "".join(
        f"<p>{'Lactate rises in shock and sepsis, and after seizures. ' * 4}{n}</p>" for n in range(6)
    )
    html = (
        f"<html><body><nav><ul><li><a href=/x>Menu item</a></ul></nav><article>{body}</article></body></html>"
    )
    text = document_of(html.encode(), "text/html", "", URL).text
    assert "Lactate rises" in text
    assert "Menu item" not in text


def pdf(text: str) -> bytes:
    """A whole PDF of one page, written by hand."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 6\n0000000000 65535 f \n%strailer\n<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return out + end % (table, len(out))


@needs("pypdf")
def test_with_the_extra_a_pdf_is_read() -> None:
    document = document_of(pdf("Lactate above 4"), "application/octet-stream", "", URL)
    assert "## Page 1 of 1\n\nLactate above 4" in document.text
    assert document.form == "plain"


def test_a_page_that_is_not_read_in_time_costs_a_worker_and_no_more() -> None:
    reader = PageReader(seconds=0.5)
    trap = b"<html>" + b"<div>" * 400_000
    began = time.monotonic()
    try:
        with pytest.raises(WebError, match="could not be read"):
            reader.read(Answer(url=URL, media_type="text/html", charset="", body=trap), source=False)
        assert time.monotonic() - began < 5
        patient = PageReader()
        plain = Answer(url=URL, media_type="text/plain", charset="", body=b"still here")
        assert patient.read(plain, source=False).text == "still here"
        patient.close()
    finally:
        reader.close()
