"""HTML made of elements that we name and texts that others wrote: no element ever comes from a text.

A page is one file. It fetches nothing and runs nothing: its policy forbids both, and its one style sheet is
allowed by its digest.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence

from clinseek_core.text import visible

__all__ = ["Content", "Markup", "element", "joined", "page", "table"]


class Markup(str):
    """Text that is HTML already, made by `element` alone."""

    __slots__ = ()


Content = str | Markup

_VOID = frozenset(("meta", "br", "hr"))


def element(name: str, /, *content: Content, **attributes: str | int | float | bool | None) -> Markup:
    """An element; strings in it are made visible and escaped.

    An attribute that is None or False is left out, of one that is True the name alone stands. `class_` and
    `for_` are written without the line at their end, other lines become hyphens.
    """
    told = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{told}>")
    return Markup(f"<{name}{told}>{joined(content)}</{name}>")


def joined(content: Iterable[Content]) -> Markup:
    """Several pieces as one."""
    return Markup("".join(part if isinstance(part, Markup) else _escaped(part) for part in content))


def table(names: Sequence[str], rows: Sequence[Markup]) -> Markup:
    """A table of rows made already, which scrolls by itself where it is too wide."""
    head = (element("thead", element("tr", *(element("th", name) for name in names))),) if names else ()
    return element("div", element("table", *head, element("tbody", *rows)), class_="scroll")


def _attribute(key: str, value: str | int | float | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{_escaped(str(value))}"'


def _escaped(text: str) -> str:
    return html.escape(visible(text), quote=True)


def page(title: str, *body: Content) -> bytes:
    """A whole page, as UTF-8."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'none'; script-src 'none'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="generator", content="clinseek-tui"),
        element("title", title),
        # The sheet is ours and holds no sign that would have to be escaped.
        Markup(f"<style>{_STYLE}</style>"),
    )
    document = element("html", head, element("body", element("main", *body)), lang="en")
    return f"<!doctype html>\n{document}\n".encode("utf-8", "replace")


_STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5b6675; --line: #d9dee5; --back: #fbfbf9;
  --card: #ffffff; --good: #1d7a4c; --bad: #b3261e; --warn: #8a5a00; --link: #1c5fa8; --bar: #4f8fce; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e7ec; --soft: #98a3b1; --line: #333c48;
  --back: #14181e; --card: #1b2129; --good: #6cc596; --bad: #f2938c; --warn: #e0b35a; --link: #8bbcf0;
  --bar: #5d93c8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.4rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 .6rem; }
h3 { font-size: .95rem; margin: 0; }
p { margin: .4rem 0; }
a { color: var(--link); }
.soft { color: var(--soft); }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.notice { border: 1px solid var(--line); border-left: 4px solid var(--warn); background: var(--card);
  padding: .6rem .9rem; margin: 1rem 0; border-radius: 4px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; background: var(--card); }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
tbody th { width: 1%; }
th.good { color: var(--good); } th.bad { color: var(--bad); } th.warn { color: var(--warn); }
td.name { white-space: nowrap; } td:last-child { min-width: 5.5rem; }
td.picture { width: 1%; }
td.number { width: 1%; white-space: nowrap; text-align: right; font-variant-numeric: tabular-nums; }
code, pre { font: 13px/1.45 ui-monospace, Consolas, monospace; }
pre { margin: .3rem 0; padding: .6rem; background: var(--back); border: 1px solid var(--line);
  border-radius: 4px; overflow-x: auto; white-space: pre; max-height: 30rem; }
pre.prose { white-space: pre-wrap; }
section.step { border: 1px solid var(--line); border-radius: 6px; background: var(--card);
  padding: .7rem .9rem; margin: .7rem 0; }
section.step > header { display: flex; gap: .8rem; align-items: baseline; flex-wrap: wrap; }
details { margin: .35rem 0; border-top: 1px solid var(--line); padding-top: .35rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .6rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.veiled { color: var(--soft); font-style: italic; }
.call { font-weight: 600; }
svg.bars { display: block; margin: .25rem 0; }
svg.bars rect.bar { fill: var(--bar); } svg.bars rect.rest { fill: var(--line); }
nav { columns: 14rem; font-size: .9rem; }
@media print { pre { max-height: none; } }
"""
