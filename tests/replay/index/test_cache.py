import os
import sys
from array import array

import pytest

from clinseek_core.errors import InputError
from clinseek_replay.index import SourceFile, cached


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 30_000)
    return path


class Finding:
    """Finds numbers, and counts how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self):
        self.times += 1
        return {"offsets": array("Q", [0, 1 << 40]), "none": array("Q")}


def _twice(path) -> int:
    """How often the numbers of a file are found when they are asked for twice."""
    find = Finding()
    for _ in range(2):
        numbers = cached(SourceFile(path), "lines", find)
        assert {name: list(values) for name, values in numbers.items()} == {
            "offsets": [0, 1 << 40],
            "none": [],
        }
    return find.times


def _kept(cache_folder):
    return list(cache_folder.glob("*")) if cache_folder.exists() else []


def test_what_was_found_is_found_again_in_a_place_of_the_users_own(path, cache_folder):
    before = sorted(path.parent.iterdir())
    assert _twice(path) == 1
    [kept] = _kept(cache_folder)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert cache_folder.stat().st_mode & 0o777 == 0o700
    assert sorted(path.parent.iterdir()) == sorted([*before, path.parent / "cache"])


def test_nothing_of_the_recording_is_kept(path, cache_folder):
    path.write_bytes(b'{"qid": "secret-name"}\n' * 9)
    _twice(path)
    [kept] = _kept(cache_folder)
    assert b"secret-name" not in kept.read_bytes()


def test_parts_of_a_file_are_kept_apart(path):
    one, other = Finding(), Finding()
    cached(SourceFile(path), "lines", one)
    cached(SourceFile(path), "chat 0", other)
    assert (one.times, other.times) == (1, 1)


def _appended(path):
    with path.open("ab") as file:
        file.write(b"{}\n")


def _touched(path):
    os.utime(path, ns=(1, 1))


def _another_inode(path):
    data, status = path.read_bytes(), path.stat()
    other = path.with_suffix(".new")
    other.write_bytes(data)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def _head_changed(path):
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"[")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _tail_changed(path):
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(-2, 2)
        file.write(b"]")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [_appended, _touched, _another_inode, _head_changed, _tail_changed])
def test_a_file_that_changed_is_indexed_anew(path, change):
    find = Finding()
    cached(SourceFile(path), "lines", find)
    change(path)
    cached(SourceFile(path), "lines", find)
    assert find.times == 2


def _flipped(kept):
    """In one of the numbers: all else is as it should be."""
    data = bytearray(kept.read_bytes())
    data[data.index((1 << 40).to_bytes(8, sys.byteorder))] ^= 1
    kept.write_bytes(data)


def _cut(kept):
    kept.write_bytes(kept.read_bytes()[:-5])


def _garbage(kept):
    kept.write_bytes(os.urandom(500))


def _emptied(kept):
    kept.write_bytes(b"")


def _open_to_all(kept):
    kept.chmod(0o644)


def _a_link(kept):
    """To another file that is whole, as somebody may have planted it."""
    elsewhere = kept.with_name("elsewhere")
    kept.rename(elsewhere)
    kept.symlink_to(elsewhere)


def _a_folder(kept):
    kept.unlink()
    kept.mkdir()


def _a_pipe(kept):
    kept.unlink()
    os.mkfifo(kept, 0o600)


@pytest.mark.parametrize(
    "change", [_flipped, _cut, _garbage, _emptied, _open_to_all, _a_link, _a_folder, _a_pipe]
)
def test_what_is_not_whole_or_not_our_own_is_ignored(path, cache_folder, change):
    find = Finding()
    cached(SourceFile(path), "lines", find)
    [kept] = _kept(cache_folder)
    change(kept)
    cached(SourceFile(path), "lines", find)
    assert find.times == 2


def test_a_planted_link_is_replaced_and_what_it_points_to_left_alone(path, cache_folder, tmp_path):
    cached(SourceFile(path), "lines", Finding())
    [kept] = _kept(cache_folder)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    kept.unlink()
    kept.symlink_to(victim)
    assert _twice(path) == 1
    assert victim.read_text() == "mine"
    assert not kept.is_symlink()


def test_what_another_user_wrote_is_not_used(path, monkeypatch):
    find = Finding()
    cached(SourceFile(path), "lines", find)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    cached(SourceFile(path), "lines", find)
    assert find.times == 2


def test_where_nothing_can_be_kept_nothing_is_kept(path, cache_folder, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert _twice(path) == 2
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache_folder.mkdir(parents=True)
    cache_folder.chmod(0o777)
    assert _twice(path) == 2
    assert _kept(cache_folder) == []


def test_a_file_that_changes_while_it_is_indexed_is_not_kept(path, cache_folder):
    cached(SourceFile(path), "lines", lambda: _appended(path) or {"offsets": array("Q")})
    assert _kept(cache_folder) == []


def test_only_so_many_files_are_kept(path, cache_folder, monkeypatch):
    from clinseek_replay.index import cache

    monkeypatch.setattr(cache, "_MAX_FILES", 3)
    for part in range(6):
        cached(SourceFile(path), str(part), Finding())
    assert len(_kept(cache_folder)) == 3
    find = Finding()
    cached(SourceFile(path), "5", find)
    assert find.times == 0


def test_an_old_form_of_the_cache_is_ignored(path, monkeypatch):
    from clinseek_replay.index import cache

    find = Finding()
    cached(SourceFile(path), "lines", find)
    monkeypatch.setattr(cache, "_VERSION", "clinseek-index/2")
    cached(SourceFile(path), "lines", find)
    assert find.times == 2


def test_a_file_that_is_gone_says_so(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        cached(SourceFile(tmp_path / "none"), "lines", Finding())
