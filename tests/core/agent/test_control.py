from __future__ import annotations

import queue
import threading

import pytest

from clinseek_core.agent import Control, StoppedError


class Walker:
    """A loop that passes checkpoints in a thread and says so each time."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.passed: queue.Queue[int | str] = queue.Queue()
        self.thread = threading.Thread(target=self._walk)
        self.thread.start()

    def _walk(self) -> None:
        try:
            for number in range(1, 1000):
                self.control.checkpoint()
                self.passed.put(number)
                if number == 3:
                    self.control.pause()
        except StoppedError:
            self.passed.put("stopped")

    def next(self) -> int | str:
        return self.passed.get(timeout=5)


@pytest.fixture
def control():
    return Control(paused=True)


@pytest.fixture
def walker(control):
    walker = Walker(control)
    yield walker
    control.stop()
    walker.thread.join(5)
    assert not walker.thread.is_alive()


def test_steps_one_at_a_time_then_runs_then_pauses_then_stops(control, walker):
    assert walker.passed.empty()
    control.step()
    assert walker.next() == 1
    assert control.paused
    control.step()
    assert walker.next() == 2
    control.resume()
    assert walker.next() == 3, "where it pauses itself"
    control.step()
    assert walker.next() == 4
    assert walker.passed.empty()
    control.stop()
    assert walker.next() == "stopped"


def test_two_steps_asked_for_at_once_are_two_steps(control, walker):
    control.step()
    control.step()
    assert (walker.next(), walker.next()) == (1, 2)
    control.pause()
    assert walker.passed.empty()


def test_step_while_running_pauses_at_the_next_checkpoint():
    control = Control()
    control.checkpoint()
    control.step()
    assert control.paused


def test_a_stop_holds_for_all_that_follows():
    control = Control()
    control.stop()
    control.stop()
    assert control.stopped
    assert control.wait(600)
    with pytest.raises(StoppedError):
        control.checkpoint()


def test_a_wait_without_a_stop_ends_by_itself():
    assert Control().wait(0.001) is False


def test_a_stop_calls_back_once_and_only_inside():
    control = Control()
    called = []
    with control.calling(lambda: called.append("left before")):
        pass
    with control.calling(lambda: called.append("inside")):
        control.stop()
        control.stop()
    with control.calling(lambda: called.append("too late, so at once")):
        pass
    assert called == ["inside", "too late, so at once"]
