import io

import pytest

from clinseek_tui.commands import progress as module
from clinseek_tui.commands.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setenv("TERM", "xterm")
    return now


def test_one_line_is_rewritten_and_gone_at_the_end(clock):
    stream = Terminal()
    with ProgressLine("audit", stream=stream) as progress:
        clock[0] += 10
        progress(100, 500)
        clock[0] += 10
        progress(400, 500)
    assert stream.getvalue() == (
        "\r\x1b[Kaudit: 100 of 500 runs, about 40 s more"
        "\r\x1b[Kaudit: 400 of 500 runs, about 5 s more"
        "\r\x1b[K"
    )


def test_what_is_soon_done_shows_nothing_and_nothing_shows_too_often(clock):
    stream = Terminal()
    with ProgressLine("audit", stream=stream) as progress:
        progress(1, 9)
        assert stream.getvalue() == ""
        clock[0] += 1
        progress(2, 9)
        progress(3, 9)
    assert "2 of 9" in stream.getvalue()
    assert "3 of 9" not in stream.getvalue()


def test_a_pipe_gets_nothing(clock):
    stream = io.StringIO()
    with ProgressLine("audit", stream=stream) as progress:
        clock[0] += 10
        progress(1, 2)
    assert stream.getvalue() == ""


def test_the_line_makes_room_for_what_is_printed(clock):
    stream = Terminal()
    with ProgressLine("audit", stream=stream) as progress:
        clock[0] += 10
        progress(1, 2)
        progress.clear()
        assert stream.getvalue().endswith("\r\x1b[K")
        before = stream.getvalue()
        progress.clear()
        assert stream.getvalue() == before


def test_the_line_is_gone_after_an_interruption(clock):
    stream = Terminal()

    def interrupted() -> None:
        with ProgressLine("audit", stream=stream) as progress:
            clock[0] += 10
            progress(1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stream.getvalue().endswith("\r\x1b[K")
