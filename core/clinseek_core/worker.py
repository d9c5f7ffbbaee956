"""A worker: a fresh interpreter that does what can hang, crash or eat memory, and can be killed for it.

Parent and child speak length-prefixed MessagePack frames over two pipes. A call has a deadline; a worker
that overruns it, or ends on its own, is gone, and the caller decides what to build again.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

import msgspec

from clinseek_core.errors import ClinseekError, InputError, WorkerError

__all__ = ["DeadlineError", "Worker", "serve"]

_LENGTH = struct.Struct(">I")
_MAX_FRAME = 256 * 1024 * 1024
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
# One call is small work: more threads of a numerical library would only wait for each other.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_PARENT_CHECK_SECONDS = 1.0

Handler = Callable[..., Any]
Progress = Callable[[str], None]


class DeadlineError(WorkerError):
    """The call overran its deadline and its worker was killed."""


class _Reply(msgspec.Struct, frozen=True):
    """One frame from the child: progress text, a value, or an error (kind, message)."""

    progress: str | None = None
    value: Any = None
    error: tuple[str, str] | None = None


class Worker:
    """A child process running `python -m <module>`, whose module calls `serve`.

    `memory_bytes` bounds the child's address space where the platform can (Linux).
    """

    def __init__(self, module: str, *, memory_bytes: int) -> None:
        # A file and not a pipe: nobody has to drain it, and its tail tells why a child died.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(memory_bytes), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ} | _ONE_THREAD,
            start_new_session=True,
        )

    def call(
        self, method: str, *arguments: Any, deadline_s: float, on_progress: Progress | None = None
    ) -> Any:
        """Call the child's handler `method`; its value, as MessagePack can carry it.

        Raises DeadlineError, WorkerError if the child died, and InputError as the handler raised it.
        """
        until = time.monotonic() + deadline_s
        self._send((method, arguments))
        while True:
            reply = msgspec.msgpack.decode(self._receive(until, deadline_s), type=_Reply)
            if reply.error is not None:
                kind, message = reply.error
                raise InputError(message) if kind == "input" else WorkerError(message)
            if reply.progress is None:
                return reply.value
            if on_progress is not None:
                on_progress(reply.progress)

    def close(self) -> None:
        """End the child, at once and whatever it does; closing twice is fine."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()

    def _send(self, frame: Any) -> None:
        assert self._process.stdin is not None  # noqa: S101 - Popen was given a pipe
        try:
            _write(self._process.stdin, frame)
        except OSError as error:
            raise self._died() from error

    def _receive(self, until: float, deadline_s: float) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - Popen was given a pipe
        descriptor = self._process.stdout.fileno()
        (size,) = _LENGTH.unpack(self._read(descriptor, _LENGTH.size, until, deadline_s))
        return self._read(descriptor, size, until, deadline_s)

    def _read(self, descriptor: int, size: int, until: float, deadline_s: float) -> bytes:
        received = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while len(received) < size:
                if not selector.select(max(until - time.monotonic(), 0)):
                    self.close()
                    raise DeadlineError(f"stopped after {deadline_s:g} s")
                chunk = os.read(descriptor, min(size - len(received), 1 << 20))
                if not chunk:
                    raise self._died()
                received += chunk
        return bytes(received)

    def _died(self) -> WorkerError:
        code = self._process.wait()
        self._stderr.seek(0)
        tail = self._stderr.read()[-400:].decode(errors="replace").strip().splitlines()[-1:]
        self.close()
        return WorkerError(f"the worker process ended ({_ending(code)}){': ' + tail[0] if tail else ''}")


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def serve(handlers: Mapping[str, Handler]) -> None:
    """Answer calls until the parent closes the pipe: the body of a worker module's `__main__`.

    A handler gets `progress` (a function of one text) and the call's arguments.
    """
    _bound_memory(int(sys.argv[1]))
    threading.Thread(target=_die_with_parent, args=(int(sys.argv[2]),), daemon=True).start()
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # Nothing that a library prints may reach the protocol's pipe.
    os.dup2(2, 1)
    while (frame := _read_frame(requests)) is not None:
        method, arguments = msgspec.msgpack.decode(frame)
        _write(replies, _answer(handlers[method], arguments, replies))


def _answer(handler: Handler, arguments: list[Any], replies: IO[bytes]) -> _Reply:
    try:
        return _Reply(value=handler(lambda text: _write(replies, _Reply(progress=text)), *arguments))
    except InputError as error:
        return _Reply(error=("input", str(error)))
    except (ClinseekError, MemoryError) as error:
        return _Reply(error=("worker", str(error) or "out of memory"))


def _write(stream: IO[bytes], frame: Any) -> None:
    body = msgspec.msgpack.encode(frame)
    if len(body) > _MAX_FRAME:
        raise WorkerError(f"a message of {len(body):,} bytes is over the limit of {_MAX_FRAME:,}")
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def _read_frame(stream: IO[bytes]) -> bytes | None:
    head = stream.read(_LENGTH.size)
    return stream.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else None


def _bound_memory(limit: int) -> None:
    import resource  # noqa: PLC0415 - Unix only, and only a worker needs it

    # macOS refuses this limit; `doctor` says so, and the deadline still holds.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _die_with_parent(parent: int) -> None:
    """End this process when its parent is gone, even in the middle of a query that never returns."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(1)
