"""The user's file of settings and keys: what it changes, and how a mistake in it is told."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.errors import InputError
from clinseek_tui import cli
from clinseek_tui.app import DebuggerApp
from clinseek_tui.configuration import (
    DEFAULTS,
    SETTINGS,
    THEME_NAMES,
    Configuration,
    configuration_path,
    example,
    read_configuration,
)
from clinseek_tui.keymap import config_name, with_keys
from clinseek_tui.keys import COMMANDS
from clinseek_tui.themes import THEMES


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str | bytes], dict[str, str]]:
    """Writes the file, and gives the environment in which it is the user's."""

    def write(text: str | bytes) -> dict[str, str]:
        path = configuration_path({"XDG_CONFIG_HOME": str(tmp_path)})
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return {"XDG_CONFIG_HOME": str(tmp_path)}

    return write


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_configuration({"XDG_CONFIG_HOME": str(tmp_path)}) == DEFAULTS


def test_a_file_is_read(written: Any) -> None:
    read = read_configuration(
        written('theme = "light"\npager = "less -S"\n[keys]\nstep = ["z,left", "u"]\nanswer = "f2"\n')
    )
    assert (read.theme, read.pager, read.characters) == ("light", "less -S", "auto")
    assert read.keys == {"step": ("z,left", "u"), "answer": ("f2",)}
    assert read.path


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('theme = "dark"\nthemes = "dark"\n', 2, "themes is no setting; there are theme"),
        ('\ntheme = "pink"', 2, "it is one of auto, dark"),
        ("pager = 3", 1, "must be a text in quotes"),
        ("keys = 3", 1, "must be a table"),
        ('[keys]\n"steps" = "x"', 2, "is no command; there are step"),
        ('[keys]\nstep = "x"', 2, "has 2 actions"),
        ("[keys]\nsearch = 1", 2, "must be keys in quotes"),
        ("[keys]\nsearch = [1]", 2, "must be keys in quotes"),
        ('[keys]\nsearch = "g"', 2, "go-to has it"),
        ('[keys]\nstep = ["x", "x"]', 2, "the same key twice"),
        ('[keys]\nsearch = "f99"', 2, "can't be 'f99'"),
        ('[keys]\nsearch = ""', 2, "can't be ''"),
        ('[keys]\nsearch = "ctrl+c"', 2, "can't be 'ctrl+c'"),
        ("[[theme]]\nx = 1", 1, "must be a text in quotes"),
    ],
    ids=range(14),
)
def test_a_mistake_is_told_with_file_line_and_remedy(written: Any, text: str, line: int, said: str) -> None:
    environ = written(text)
    with pytest.raises(InputError) as told:
        read_configuration(environ)
    assert str(told.value).startswith(f"{configuration_path(environ)}:{line}: ")
    assert said in str(told.value)


@pytest.mark.parametrize(
    "held", [b"theme = ", b"\xff", b"a = 1\na = 2", b"[" * 5000], ids=["cut", "bytes", "twice", "deep"]
)
def test_what_is_no_toml_names_the_file(written: Any, held: bytes) -> None:
    with pytest.raises(InputError, match=r"config\.toml: is no TOML"):
        read_configuration(written(held))


def test_a_huge_file_and_a_folder_are_refused(written: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="larger than 1 MB"):
        read_configuration(written(b"#" * 1_000_001))
    configuration_path({"XDG_CONFIG_HOME": str(tmp_path / "b")}).mkdir(parents=True)
    with pytest.raises(InputError, match="can't be read"):
        read_configuration({"XDG_CONFIG_HOME": str(tmp_path / "b")})


def test_the_example_changes_nothing_until_a_line_is_uncommented(written: Any) -> None:
    read = read_configuration(written(example()))
    assert (read.theme, read.keys) == (DEFAULTS.theme, {})
    lines = [line.removeprefix("# ") for line in example().splitlines()]
    settings = [line for line in lines if " = " in line or line == "[keys]"]
    whole = tomllib.loads("\n".join(settings))
    assert list(whole) == [*(setting.name for setting in SETTINGS), "keys"]
    again = read_configuration(written("\n".join(settings)))
    assert with_keys(again.keys) == tuple(
        command._replace(shown=changed.shown)
        for command, changed in zip(COMMANDS, with_keys(again.keys), strict=True)
    ), "each command's own keys are a key map that is accepted and changes no key"


def test_names_in_the_file_are_of_one_command_and_of_real_themes() -> None:
    names = [config_name(command) for command in COMMANDS]
    assert len(set(names)) == len(names)
    assert [f"clinseek-{name}" for name in THEME_NAMES] == [theme.name for theme in THEMES]
    assert {setting.name for setting in SETTINGS} < set(Configuration.__struct_fields__)


def test_a_key_map_changes_keys_footer_help_and_command_line(
    build: Any, source_of: Any, drive: Any, shows: Any
) -> None:
    keys = {"step": ("Z,left", "D,right"), "search": ("ctrl+f",), "answer": ("f2",)}
    app = DebuggerApp(
        source_of(build.story()), ascii_only=False, configuration=Configuration(keys=keys, theme="light")
    )

    async def story(pilot: Any) -> None:
        async def at(*pressed: str) -> str:
            await pilot.press(*pressed)
            return shows(pilot.app)

        assert pilot.app.theme == "clinseek-light"
        assert "Z D step" in shows(pilot.app)
        assert "F2 answer" in shows(pilot.app)
        assert "s2.c1" in await at("D")
        assert "s2.c1" in await at("l"), "the key it had does nothing"
        assert "s1.c1" in await at("Z")
        assert "s2.c1" in await at("right")
        assert "answer against gold" in await at("f2")
        help_ = await at("escape", "?")
        assert "Z D" in help_
        assert "h l" not in help_
        assert "search tools" in await at("escape", "ctrl+f")
        assert "Z D" in await at("escape", ":", "n", "e", "x")

    drive(app, story)


def test_config_tells_what_is_in_force(
    written: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert cli.main(["config"]) == 0
    assert "there is none" in capsys.readouterr().out
    written('theme = "contrast"\n[keys]\nsearch = "ctrl+f"\n')
    assert cli.main(["config"]) == 0
    out = capsys.readouterr().out
    assert "theme         contrast" in out
    assert "keys.search  ctrl+f" in out
    assert cli.main(["config", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["settings"]["theme"] == "contrast"
    assert told["keys"]["search"] == ["ctrl+f"]
    assert told["keys"]["step"] == ["h,left", "l,right"]
    assert cli.main(["config", "--example"]) == 0
    assert capsys.readouterr().out == example()
    written('theme = "\x1b[31m"')
    assert cli.main(["config"]) == 2
    written('theme = "\\u001b[31m"')
    assert cli.main(["config"]) == 2
    assert "\x1b" not in capsys.readouterr().err
