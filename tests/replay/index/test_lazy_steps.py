import threading

import pytest

from clinseek_core.errors import InputError
from clinseek_replay.index import LazySteps, SourceFile
from clinseek_replay.trajectory import Step


@pytest.fixture
def asked():
    return []


@pytest.fixture
def steps(asked):
    """Ten steps of 10 bytes each, of which 30 bytes are kept."""

    def read(place):
        asked.append(place)
        return Step(number=place + 1)

    return LazySteps(read, [10] * 10, [0] * 10, kept_bytes=30)


def test_they_are_a_sequence_like_any_other(steps):
    assert len(steps) == 10
    assert steps[0].number == 1
    assert steps[-1].number == 10
    assert [step.number for step in steps[2:8:3]] == [3, 6]
    assert [step.number for step in reversed(steps)] == list(range(10, 0, -1))
    assert steps == tuple(Step(number=n) for n in range(1, 11))
    assert tuple(Step(number=n) for n in range(1, 11)) == steps
    assert steps != tuple(Step(number=n) for n in range(10))
    assert steps != ()
    for place in (10, -11):
        with pytest.raises(IndexError):
            steps[place]


def test_nothing_is_read_before_it_is_looked_at(steps, asked):
    assert asked == []
    assert steps[4].number == 5
    assert asked == [4]


def test_what_was_looked_at_last_is_kept_and_no_more(steps, asked):
    list(steps)
    asked.clear()
    assert [steps[place].number for place in (8, 9, 7)] == [9, 10, 8]
    assert asked == []
    assert steps[0].number == 1
    assert steps[7].number == 8
    assert asked == [0]
    assert steps[8].number == 9
    assert asked == [0, 8]


def test_one_step_larger_than_what_is_kept_is_kept_alone(asked):
    steps = LazySteps(
        lambda place: asked.append(place) or Step(number=place), [1, 99, 1], [0] * 3, kept_bytes=10
    )
    for place in (0, 1, 1, 0, 2):
        assert steps[place].number == place
    assert asked == [0, 1, 0, 2]


def test_several_threads_may_read(steps):
    def run():
        for _ in range(50):
            assert [step.number for step in steps] == list(range(1, 11))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert steps[3].number == 4


def test_a_file_that_became_another_or_shorter_is_told(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    source = SourceFile(path)
    assert source.read(2, 3) == b"234"
    path.write_bytes(b"012")
    with pytest.raises(InputError, match="is shorter than it was"):
        source.read(2, 3)
    (tmp_path / "other").write_bytes(b"0123456789")
    (tmp_path / "other").replace(path)
    with pytest.raises(InputError, match="is another file now"):
        source.read(2, 3)
    path.unlink()
    with pytest.raises(InputError, match="No such file"):
        source.read(2, 3)
