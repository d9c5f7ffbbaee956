"""What a user has set: one TOML file under XDG_CONFIG_HOME; what it can't mean is told with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from clinseek_core.errors import InputError
from clinseek_tui.keymap import KeyMapError, config_name, with_keys
from clinseek_tui.keys import COMMANDS

__all__ = [
    "DEFAULTS",
    "SETTINGS",
    "THEME_NAMES",
    "Configuration",
    "Setting",
    "configuration_path",
    "example",
    "read_configuration",
]

_MOST_BYTES = 1_000_000
THEME_NAMES = ("dark", "light", "contrast", "colour-blind")
"""As they are written in the file; `auto` fits the terminal's ground."""


class Setting(NamedTuple):
    """One setting: its name, its default, what it may be, and what it is for."""

    name: str
    default: str
    says: str
    values: tuple[str, ...] = ()
    """What it may be; any text where there are none."""


SETTINGS = (
    Setting("theme", "auto", "auto fits the terminal's ground", ("auto", *THEME_NAMES)),
    Setting("characters", "auto", "auto follows the locale", ("auto", "unicode", "ascii")),
    Setting("films", "cells", "pixels: by the extra pixels, in Kitty and with Sixel", ("cells", "pixels")),
    Setting("clipboard", "terminal", "y asks the terminal to copy (OSC 52)", ("terminal", "off")),
    Setting("pager", "", "what o opens text in; else $PAGER, else less"),
    Setting("editor", "", "what O opens text in; else $VISUAL, $EDITOR, else vi"),
)


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, with its default where the file does not name it."""

    path: str = ""
    """The file that was read; empty where there is none."""
    theme: str = "auto"
    characters: str = "auto"
    films: str = "cells"
    clipboard: str = "terminal"
    pager: str = ""
    editor: str = ""
    keys: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """The keys of the commands that have others than by default, one string for each of their actions."""


DEFAULTS = Configuration()


def configuration_path(environ: Mapping[str, str]) -> Path:
    """Where the file lies, whether or not there is one."""
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "clinseek-tui" / "config.toml"


def read_configuration(environ: Mapping[str, str]) -> Configuration:
    """The user's configuration; the defaults where there is no file.

    Raises InputError with file, line, setting and remedy where the file can't mean anything.
    """
    path = configuration_path(environ)
    try:
        with path.open("rb") as file:
            held = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return DEFAULTS
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); make it readable, or move it") from error
    if len(held) > _MOST_BYTES:
        raise InputError(f"{path}: is larger than 1 MB; `clinseek-tui config --example` shows what it holds")
    return _configuration(path, held)


def _configuration(path: Path, held: bytes) -> Configuration:
    try:
        text = held.decode()
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no TOML: {error}; mend it there, or move the file") from error
    written = _Written(path, text)
    known = {setting.name: setting for setting in SETTINGS}
    values: dict[str, str] = {}
    for name, value in table.items():
        if name == "keys":
            continue
        if name not in known:
            raise written.error(name, f"is no setting; there are {', '.join(known)} and [keys]")
        values[name] = _value(written, known[name], value)
    return Configuration(path=str(path), keys=_keys(written, table.get("keys", {})), **values)


class _Written(NamedTuple):
    """The file's text, to find the line of a key."""

    path: Path
    text: str

    def error(self, name: str, says: str) -> InputError:
        """An error about a key, with the line that it is written in."""
        written = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*[=.\]]|\s*\[\s*["']?{re.escape(name)}\b""")
        lines = self.text.splitlines()
        line = next((number for number, line in enumerate(lines, 1) if written.match(line)), 1)
        return InputError(f"{self.path}:{line}: {name} {says}")


def _value(written: _Written, setting: Setting, value: Any) -> str:
    if not isinstance(value, str):
        raise written.error(
            setting.name, f'must be a text in quotes, as {setting.name} = "{setting.default}"'
        )
    if setting.values and value not in setting.values:
        raise written.error(setting.name, f"can't be {value!r}; it is one of {', '.join(setting.values)}")
    return value


def _keys(written: _Written, table: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, dict):
        raise written.error("keys", 'must be a table, as\n[keys]\nsearch = "/"')
    keys: dict[str, tuple[str, ...]] = {}
    for name, value in table.items():
        each = [value] if isinstance(value, str) else value
        if not isinstance(each, list) or not all(isinstance(key, str) for key in each):
            raise written.error(
                name, 'must be keys in quotes, as search = "/" or step = ["h,left", "l,right"]'
            )
        keys[name] = tuple(each)
    try:
        with_keys(keys)
    except KeyMapError as error:
        raise written.error(error.name, error.says) from error
    return keys


def example() -> str:
    """A whole file with the defaults, every line of it a comment but the names of tables."""
    lines = ["# clinseek-tui: take the # away before what you change.", ""]
    for setting in SETTINGS:
        of = f" ({', '.join(setting.values)})" if setting.values else ""
        lines += [f"# {setting.says}{of}", f'# {setting.name} = "{setting.default}"', ""]
    lines += [
        "# One text of keys for each of a command's actions, in the order in which help tells them;",
        "[keys]",
    ]
    lines += [
        f"# {config_name(command)} = {_listed(tuple(command.keys))}  # {command.help}"
        for command in COMMANDS
        if command.keys
    ]
    return "\n".join(lines) + "\n"


def _listed(keys: tuple[str, ...]) -> str:
    quoted = [msgspec.json.encode(key).decode() for key in keys]
    return quoted[0] if len(quoted) == 1 else f"[{', '.join(quoted)}]"
