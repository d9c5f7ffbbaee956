"""Lines to a command: typed at a prompt with history and completion, or a script on standard input."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clinseek_core.errors import InputError
from clinseek_core.text import visible

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.history import History

__all__ = ["Complete", "Completions", "TypedLines", "matching", "user_state"]

_LONGEST = 1_000_000
_OFFERED = 400


class Completions(NamedTuple):
    """What can stand at the end of a line that is being typed."""

    begun: str
    """The end of the line that each word would replace."""
    words: Iterable[str]
    """Words that may stand there, whether or not they go on with what was begun."""


Complete = Callable[[str], Completions]
"""Takes a line up to where the next character would stand."""


class TypedLines:
    """The lines of one session, until their end.

    On a terminal they are typed with editing, a history under XDG_STATE_HOME, and completion by Tab; nothing
    appears by itself, so that a screen reader is not disturbed. From a pipe, and where TERM is `dumb`, they
    are read as they come.
    """

    def __init__(self, history: str, complete: Complete) -> None:
        """`history` names the file that keeps what was typed."""
        self.interactive = sys.stdin.isatty()
        """Whether a person types them."""
        self.number = 0
        """Of the line read last, from 1."""
        self._history = history
        self._complete = complete
        self._pasted: list[str] = []
        self._session: PromptSession[str] | None = None

    def read(self, prompt: str) -> str | None:
        """The next line; None at the end.

        Raises KeyboardInterrupt for Ctrl+C, and InputError for a line that is too long.
        """
        self.number += 1
        if self._pasted:
            return self._pasted.pop(0)
        if not (self.interactive and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"):
            return self._next_line(prompt)
        if self._session is None:
            self._session = _session(self._history, self._complete)
        try:
            first, *self._pasted = self._session.prompt(prompt).split("\n")
        except EOFError:
            return None
        return first

    def _next_line(self, prompt: str) -> str | None:
        if self.interactive:
            print(prompt, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline(_LONGEST + 1)
        if len(line) > _LONGEST and not line.endswith("\n"):
            while (rest := sys.stdin.readline(_LONGEST)) and not rest.endswith("\n"):
                pass
            raise InputError(f"a line of over {_LONGEST:,} characters; break it up")
        return line.rstrip("\r\n") if line else None


def user_state(environ: Mapping[str, str]) -> Path:
    """The folder of what this program remembers from one session to the next."""
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "clinseek-tui"


def _session(name: str, complete: Complete) -> PromptSession[str]:
    from prompt_toolkit import PromptSession  # noqa: PLC0415 -- 150 ms: only where lines are typed
    from prompt_toolkit.shortcuts import CompleteStyle  # noqa: PLC0415

    return PromptSession(
        history=_history(user_state(os.environ) / f"{name}_history"),
        completer=_completer(complete),
        complete_style=CompleteStyle.READLINE_LIKE,
        complete_while_typing=False,
        enable_history_search=True,
    )


def _history(path: Path) -> History:
    """What was typed before; only for this session where the file can't be written.

    Lines may name what is in a record, so that the file is for its owner alone.
    """
    from prompt_toolkit.history import FileHistory, InMemoryHistory  # noqa: PLC0415

    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        return FileHistory(str(path))
    return InMemoryHistory()


def _completer(complete: Complete) -> Completer:
    from prompt_toolkit.completion import Completer, Completion  # noqa: PLC0415

    class Words(Completer):
        def get_completions(self, document: Any, complete_event: Any) -> Iterator[Completion]:  # noqa: ARG002
            begun, words = complete(document.text_before_cursor)
            for word in matching(begun, words):
                yield Completion(word, start_position=-len(begun))

    return Words()


def matching(begun: str, words: Iterable[str]) -> Iterator[str]:
    """The words that go on with what was begun, whatever their case; none that can't be typed."""
    lowered, seen = begun.lower(), set[str]()
    for word in words:
        if word in seen or not word.lower().startswith(lowered) or word != visible(word) or "\n" in word:
            continue
        seen.add(word)
        yield word
        if len(seen) == _OFFERED:
            return
