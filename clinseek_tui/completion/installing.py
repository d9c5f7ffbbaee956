"""Where a shell looks for completion, and writing it there if a person agrees."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from clinseek_core.errors import InputError
from clinseek_tui.completion.described import described
from clinseek_tui.completion.scripts import SHELLS

__all__ = ["install_completion", "place_of"]

_ANSWER = 80


class _Place(NamedTuple):
    path: Path
    then: str
    """What is to be done for the shell to look there."""


def place_of(shell: str, environ: Mapping[str, str]) -> _Place:
    """The file that a shell reads, below the user's own folders."""
    home = Path.home()
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    if shell == "bash":
        folder = Path(environ.get("BASH_COMPLETION_USER_DIR") or data / "bash-completion")
        path = folder / "completions" / "clinseek-tui"
        return _Place(path, f"a new shell has it; without bash-completion, add to ~/.bashrc: source {path}")
    if shell == "zsh":
        folder = data / "zsh" / "site-functions"
        then = f"in ~/.zshrc, before compinit, write fpath=({folder} $fpath); then a new shell has it"
        return _Place(folder / "_clinseek-tui", then)
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return _Place(config / "fish" / "completions" / "clinseek-tui.fish", "a new shell has it")


def install_completion(shell: str, commands: Iterable[tuple[str, str, str]]) -> int:
    """Print a shell's script, or on a terminal write it where the shell looks, if the person agrees."""
    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise InputError(f"--install-completion: name the shell: {', '.join(SHELLS)}")
    script = "".join(f"{line}\n" for line in SHELLS[name](described(iter(commands))))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stdout.write(script)
        return 0
    place = place_of(name, os.environ)
    print(f"write the completion of {name} to {place.path}? [y/N] ", end="", flush=True)
    if sys.stdin.readline(_ANSWER).strip().lower() not in ("y", "yes"):
        print(f"nothing was written; to have it elsewhere: clinseek-tui --install-completion {name} > FILE")
        return 0
    try:
        place.path.parent.mkdir(parents=True, exist_ok=True)
        place.path.write_text(script, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{place.path}: can't be written ({error.strerror})") from error
    print(f"written; {place.then}")
    return 0
