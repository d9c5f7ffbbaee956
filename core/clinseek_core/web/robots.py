"""What a site's robots.txt lets a program read: RFC 9309."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

__all__ = ["AGENT", "Robots"]

AGENT = "clinseek-tui"
"""The name that rules are looked up by, and that requests carry."""

_MAX_RULES = 5_000
_LINE = re.compile(r"\s*([A-Za-z-]+)\s*:\s*([^#]*)")
_PRODUCT = re.compile(r"[A-Za-z_-]+")


class _Rule(NamedTuple):
    allow: bool
    path: str


class Robots:
    """The rules of one site for this program: those that name it, else those for everybody."""

    def __init__(self, text: str) -> None:
        groups = _groups(text)
        self._rules = groups.get(AGENT, groups.get("*", []))[:_MAX_RULES]

    def allows(self, url: str) -> bool:
        """Whether an address of the site may be read: the longest rule that fits says; Allow wins a tie."""
        parts = urlsplit(url)
        path = _plain(parts.path or "/") + (f"?{_plain(parts.query)}" if parts.query else "")
        if path == "/robots.txt":
            return True
        fitting = [rule for rule in self._rules if _fits(rule.path, path)]
        return max(fitting, key=lambda rule: (len(rule.path), rule.allow)).allow if fitting else True


def _groups(text: str) -> dict[str, list[_Rule]]:
    """Rules by the agent's name in small letters; groups of one name are one."""
    groups: dict[str, list[_Rule]] = {}
    named: list[str] = []
    open_head = False
    for line in text.lstrip("\ufeff").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        key, value = found[1].lower(), found[2].strip()
        if key == "user-agent":
            product = _PRODUCT.match(value)
            name = "*" if value == "*" else product[0].lower() if product else ""
            named = [*named, name] if open_head else [name]
            open_head = True
            groups.setdefault(name, [])
        elif key in {"allow", "disallow"}:
            open_head = False
            # An empty rule says nothing.
            for name in named if value else ():
                groups[name].append(_Rule(key == "allow", _plain(value)))
    return groups


def _plain(path: str) -> str:
    """One spelling of a path's percent signs."""
    return quote(unquote(path), safe="/*$?&=:@!~'()+,;-._")


def _fits(pattern: str, path: str) -> bool:
    """Whether `pattern` fits the beginning of `path`; `*` is any text, `$` at its end is the path's end."""
    whole = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if whole and rest and rest[-1]:
        # The last part must end the path; the others are looked for before it.
        last = len(path) - len(rest[-1])
        if last < at or not path.endswith(rest[-1]):
            return False
        path, rest = path[:last], rest[:-1]
        whole = False
    for part in rest:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return not whole or at == len(path) or bool(rest)
