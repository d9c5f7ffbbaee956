"""A corpus and its index, kept in the user's cache, so that a search needn't wait for either to be made.

The file holds what the corpus's folder says and nothing else: no query is written down.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from clinseek_core.web.corpus import Corpus, load_corpus
from clinseek_core.web.corpus_index import CorpusIndex, Entry, make_index

__all__ = ["open_corpus", "user_cache"]

_VERSION = "2"
"""Goes up with every change of what is kept."""
_ABOUT = "CREATE TABLE about(state TEXT, corpus BLOB, entries BLOB)"


def user_cache(environ: Mapping[str, str]) -> Path:
    """The folder of this program in the user's cache."""
    home = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return Path(environ.get("XDG_CACHE_HOME") or home) / "clinseek-tui"


def open_corpus(folder: Path, cache: Path | None) -> tuple[Corpus, CorpusIndex]:
    """The corpus in `folder` with its index; from `cache` where the folder is as it was, and kept there.

    Raises InputError for a folder that is no corpus. A cache that can't be read or written is not missed.
    """
    if cache is None:
        corpus = load_corpus(folder)
        return corpus, make_index(corpus)
    state = _state(folder)
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    path = cache / f"corpus-{name}.sqlite"
    kept = _kept(path, state)
    if kept is not None:
        return kept
    corpus = load_corpus(folder)
    index = make_index(corpus)
    with contextlib.suppress(OSError, sqlite3.Error):
        _keep(path, state, corpus, index)
    return corpus, index


def _state(folder: Path) -> str:
    """What tells whether a folder has changed: the names, sizes and times of its files."""
    found = hashlib.sha256(_VERSION.encode())
    for path in sorted((folder / "corpus.toml", *folder.glob("*/*.md"))):
        with contextlib.suppress(OSError):
            stat = path.stat()
            found.update(f"{path.parent.name}/{path.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _kept(path: Path, state: str) -> tuple[Corpus, CorpusIndex] | None:
    if not path.exists():
        return None
    try:
        database = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        (kept_of, corpus, entries), *_ = database.execute("SELECT state, corpus, entries FROM about")
        if kept_of == state:
            read = msgspec.msgpack.decode(entries, type=tuple[Entry, ...])
            return msgspec.msgpack.decode(corpus, type=Corpus), CorpusIndex(read, database)
        database.close()
    except (OSError, ValueError, TypeError, sqlite3.Error):
        # Written by another version, or cut off: it is made again.
        pass
    return None


def _keep(path: Path, state: str, corpus: Corpus, index: CorpusIndex) -> None:
    """Write the file whole or not at all, whoever else writes it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.stem}-", suffix=".part")
    os.close(handle)
    written = Path(name)
    try:
        with contextlib.closing(sqlite3.connect(written)) as database:
            index.database.backup(database)
            with database:
                database.execute(_ABOUT)
                packed = map(msgspec.msgpack.encode, (corpus, index.entries))
                database.execute("INSERT INTO about VALUES (?, ?, ?)", (state, *packed))
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
