"""Which addresses are public, and which ports pages come from."""

from __future__ import annotations

import pytest

from clinseek_core.web.reach import PUBLIC, Reach
from clinseek_core.web.robots import Robots

INSIDE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "no address",
    "",
]
OUTSIDE = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize("address", INSIDE, ids=str)
def test_what_lies_inside_is_refused(address: str) -> None:
    assert PUBLIC.refuses(address, 443)


@pytest.mark.parametrize("address", OUTSIDE, ids=str)
def test_what_is_public_is_reached(address: str) -> None:
    assert PUBLIC.refuses(address, 443) is None


@pytest.mark.parametrize("port", [0, 22, 25, 3306, 6379, 11211])
def test_ports_that_serve_no_pages_are_refused(port: int) -> None:
    assert "port" in (PUBLIC.refuses("8.8.8.8", port) or "")


def test_a_service_that_the_user_names_may_lie_inside() -> None:
    assert Reach(ports=None, inside=True).refuses("127.0.0.1", 8888) is None


ROBOTS = """\
# comment
Sitemap: https://x.org/map
User-agent: otherbot
Disallow: /

User-Agent: *
Disallow: /private   # not for programs
Allow: /private/open
Disallow: /*.php$
Disallow: /a*b*c$
Disallow: /caf%C3%A9
Disallow:
Crawl-delay: 10
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("", True),
        ("/private", False),
        ("/privateer", False),
        ("/private/x?y=1", False),
        ("/private/open/1", True),
        ("/%70rivate", False),
        ("/x.php", False),
        ("/x.php?a=1", True),
        ("/axbxc", False),
        ("/abc", False),
        ("/abcx", True),
        ("/ac", True),
        ("/café", False),
        ("/robots.txt", True),
    ],
    ids=str,
)
def test_the_longest_rule_decides(path: str, allowed: bool) -> None:
    assert Robots(ROBOTS).allows(f"https://x.org{path}") is allowed


def test_rules_that_name_us_take_the_place_of_those_for_everybody() -> None:
    named = "User-agent: *\nDisallow: /\n\nUser-agent: a\nUser-agent: ClinSeek-TUI/1.0\nDisallow: /b\n"
    assert Robots(named).allows("https://x.org/a")
    assert not Robots(named).allows("https://x.org/b")
    two_groups = "User-agent: *\nDisallow: /a\nUser-agent: *\nDisallow: /b"
    assert not any(Robots(two_groups).allows(f"https://x.org/{path}") for path in "ab")


@pytest.mark.parametrize("text", ["", "<html>no rules</html>", "Disallow: /", "\x00\xff", "User-agent:\n"])
def test_what_holds_no_rules_allows_all(text: str) -> None:
    assert Robots(text).allows("https://x.org/a")


def test_a_pattern_of_stars_is_no_trap() -> None:
    rules = "User-agent: *\nDisallow: /" + "a*" * 200 + "b$\n"
    assert Robots(rules).allows("https://x.org/" + "a" * 2000)
