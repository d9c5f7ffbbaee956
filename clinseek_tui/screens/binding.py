"""Commands as Textual binds them, and those of their keys that ask for a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.binding import Binding, BindingsMap
from textual.keys import _character_to_key

from clinseek_tui.keys import Command

__all__ = ["asking_keys", "bound"]


def bound(commands: Iterable[Command], others: BindingsMap) -> BindingsMap:
    """The keys of the commands before those of `others`: tab, which every Textual screen has, is ours."""
    ours = [
        Binding(keys, action, command.name, show=False)
        for command in commands
        for keys, action in command.keys.items()
    ]
    return BindingsMap.merge([BindingsMap(ours), others])


def asking_keys(commands: Iterable[Command]) -> Iterator[tuple[str, str]]:
    """(a key as Textual names it, its action) for each key that asks for a line."""
    for command in commands:
        for keys, action in command.keys.items():
            if action.partition("(")[0] == "ask":
                yield from ((_named(key), action) for key in keys.split(","))


def _named(key: str) -> str:
    return _character_to_key(key) if len(key) == 1 else key
