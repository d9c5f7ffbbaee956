"""The user's key map: the commands with other keys than by default, and why a map can't be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from clinseek_tui.keys import COMMANDS, Command

__all__ = ["KeyMapError", "config_name", "with_keys"]

_PLAIN_NAMES = (
    "up,down,left,right,home,end,pageup,pagedown,tab,enter,escape,space,backspace,delete,insert,comma"
)
_NAMED_KEYS = {*_PLAIN_NAMES.split(","), *(f"f{number}" for number in range(1, 13))}
_SHOWN = {"escape": "esc", "left": "←", "right": "→", "up": "↑", "down": "↓", "comma": ","}
_CONTROLS = ("ctrl+c", "ctrl+m", "ctrl+h", "ctrl+i", "ctrl+enter")
"""Those that end the program or that terminals send as another key."""


class KeyMapError(ValueError):
    """A key map that can't be used: the command as it is named there, and why."""

    def __init__(self, name: str, says: str) -> None:
        super().__init__(f"{name} {says}")
        self.name = name
        self.says = says


def config_name(command: Command) -> str:
    """The command's name in a key map: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", command.name.lower())


def with_keys(keys: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
    """The commands with other keys; footer, help and command line follow from what they are given.

    `keys` has for a command's name one text of keys for each of its actions, in their order, as `("h,left",
    "l,right")`. Raises KeyMapError for a name, a key or a number of keys that there is not, and for a key
    that another command has.
    """
    by_name = {config_name(command): command for command in COMMANDS if command.keys}
    changed: dict[str, Command] = {}
    for name, given in keys.items():
        if name not in by_name:
            raise KeyMapError(name, f"is no command; there are {', '.join(by_name)}")
        changed[name] = _changed(name, by_name[name], given)
    commands = tuple(changed.get(config_name(command), command) for command in COMMANDS)
    for name, command in changed.items():
        _refuse_shared(name, command, commands)
    return commands


def _changed(name: str, command: Command, given: tuple[str, ...]) -> Command:
    actions = tuple(command.keys.values())
    if len(given) != len(actions):
        raise KeyMapError(name, f"has {len(actions)} actions ({command.help}) and is given {len(given)} keys")
    each = [key for keys in given for key in keys.split(",")]
    for key in each:
        bare = re.sub(r"^(ctrl\+|alt\+|shift\+)+", "", key)
        if key in _CONTROLS or not (bare in _NAMED_KEYS or (len(bare) == 1 and bare.isprintable())):
            raise KeyMapError(
                name, f"can't be {key!r}: write one character, a name as pageup or f5, or ctrl+ and a letter"
            )
    if len(set(each)) < len(each):
        raise KeyMapError(name, "has the same key twice")
    shown = " ".join(_as_read(keys.split(",")[0]) for keys in given)
    return command._replace(keys=dict(zip(given, actions, strict=True)), shown=shown)


def _as_read(key: str) -> str:
    return _SHOWN.get(key, key.upper() if re.fullmatch(r"f\d+", key) else key)


def _refuse_shared(name: str, command: Command, commands: Iterable[Command]) -> None:
    """Refuse a key that another command has, unless both have it by default, at different times."""
    by_default = {each.name: _single(each) for each in COMMANDS}
    for other in commands:
        if other.name == command.name:
            continue
        shared = (_single(command) & _single(other)) - (by_default[command.name] & by_default[other.name])
        if shared:
            key = min(shared)
            raise KeyMapError(
                name, f"can't be {key!r}: {config_name(other)} has it; give {config_name(other)} another"
            )


def _single(command: Command) -> set[str]:
    return {key for keys in command.keys for key in keys.split(",")}
