"""One child process with limits: risky work is done in it, and whatever happens there happens to it alone.

A request goes in as a line of JSON, with bytes behind it where vectors are sent; its answers come out as lines of JSON.
The child has a deadline, may be given limits of memory, processor, file size and open files, leaves no core dump, and
is killed with its process group. It can be kept from the network, from starting programs and from changing files, so
that a parser taken over by a hostile file can hand its parent nothing but text.

Serves the reading of files (ingest's pool is handed it), the look into a database from elsewhere, and Chroma, whose
crash would otherwise be ours. Leaves out the work itself: the function that answers is named when the child starts.

Two libraries were weighed. pebble kills single tasks, but is under the LGPL; loky cannot kill one task of many. Neither
sets limits of memory or file size, or closes the network.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
Task = Callable[[Any, bytes, ExitStack], Iterable[Answer]]
"""Answers one request (its JSON, its bytes). What it puts on the stack is closed when the child ends."""

ROOT = Path(__file__).parents[
    1
]  # where the package lies; appended, so that it shadows nothing
START = "import sys; sys.path.append(sys.argv[1]); from brain.child import serve; serve(*sys.argv[2:])"
# Settings of Chroma, OpenTelemetry and SQLAlchemy-like tools that would change what a child does or whom it calls.
FOREIGN = (
    "CHROMA_",
    "OTEL_",
    "ANONYMIZED_TELEMETRY",
    "PERSIST_DIRECTORY",
    "IS_PERSISTENT",
)
READ_BYTES = 1 << 18  # per read from the pipe
ANSWER_BYTES = 128_000_000  # of one answer: a file's 2 M characters escaped, with room for its chunks
# A process that died on its own has its exit status within this time, also on a busy machine.
LAST_SECONDS = 5.0
END_SECONDS = 30.0  # for an orderly end; then it is killed

# Why there is no answer, as `Lost.reason` and in the last answer of a child that is lost.
LATE = "late"
TOO_LONG = "too long"
NONSENSE = "nonsense"
ENDED = "ended"

RLIMITS = {
    "cpu_seconds": "RLIMIT_CPU",
    "memory_bytes": "RLIMIT_AS",
    "file_bytes": "RLIMIT_FSIZE",
    "open_files": "RLIMIT_NOFILE",
}
# What can be closed to a child: beginnings of the names of Python's audit events (docs.python.org, "Audit events").
CLOSED = {
    "network": (
        "socket.",
    ),  # all of it: the look-up of a name carries text out as well
    "programs": (
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.fork",
        "sqlite3.enable_load_extension",
    ),
    "files": (
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.truncate",
        "os.link",
        "os.symlink",
        "os.mkdir",
        "os.chmod",
    ),
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Lost(Exception):
    """The child gave no answer. `reason` is one of the four above; a negative `status` is the signal that ended it."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def running(task: str, *closed: str) -> list[str]:
    """The command of a child that answers by `module:function` (a `Task`), with these keys of `CLOSED` closed to it.

    -P: modules are not looked for in the current folder. -B: none of their compiled forms is written.
    """
    return [
        sys.executable,
        "-P",
        "-B",
        "-W",
        "ignore",
        "-c",
        START,
        str(ROOT),
        task,
        *closed,
    ]


class Child:
    """One child process, which answers one request after the other. In a `with` it is ended in good order."""

    def __init__(self, command: Sequence[str], *, threads: int = 1) -> None:
        """`threads` are those of numeric libraries: each claims address space, and waits for the others in a loop."""
        environment = {
            n: v for n, v in os.environ.items() if not n.upper().startswith(FOREIGN)
        }
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": str(threads)}
        self._process = _started(command, environment)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin
        self._answers = self._process.stdout
        os.set_blocking(self._requests.fileno(), False)
        self._buffer = bytearray()
        self.pid = self._process.pid
        self.busy = False
        self.deadline = math.inf

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Where answers come out, for a selector."""
        return self._answers.fileno()

    def send(
        self,
        request: object,
        payload: bytes = b"",
        *,
        seconds: float,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        """Hand in a request. `limits` has keys of `RLIMITS`; processor seconds count from now, the others stay."""
        self.busy, self.deadline = True, time.monotonic() + seconds
        message = {
            "request": request,
            "limits": dict(limits or {}),
            "bytes": len(payload),
        }
        left = memoryview(json.dumps(message).encode("ascii") + b"\n" + payload)
        while left and _ready(self._requests, selectors.EVENT_WRITE, self.deadline):
            try:
                left = left[os.write(self._requests.fileno(), left) :]
            except BlockingIOError:
                continue  # less room than one write wants
            except BrokenPipeError:
                return  # it is dead already: the end of its answers will say so

    def receive(self) -> list[Answer]:
        """What has come, without waiting. The last is {"end": true}, or {"lost": reason, "status": …}."""
        answers = []
        if _ready(self._answers, selectors.EVENT_READ, 0):
            answers = self._taken()
        if self.busy and time.monotonic() >= self.deadline:
            answers.append(self._lost(LATE))
        return answers

    def ask(
        self,
        request: object,
        payload: bytes = b"",
        *,
        seconds: float,
        limits: Mapping[str, int] | None = None,
    ) -> list[Answer]:
        """The answers to a request, waited for. Raises `Lost`; the child is gone then."""
        self.send(request, payload, seconds=seconds, limits=limits)
        answers: list[Answer] = []
        while self.busy:
            _ready(self._answers, selectors.EVENT_READ, self.deadline)
            answers += self.receive()
        last = answers.pop()
        if "lost" in last:
            raise Lost(last["lost"], last["status"])
        return answers

    def close(self, seconds: float = END_SECONDS) -> None:
        """Let it finish what it does and close what it opened, or kill it. A second call does nothing."""
        with suppress(OSError):
            self._requests.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """End it at once, with what it started."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        self.busy = False
        for pipe in (self._requests, self._answers):
            with suppress(OSError):
                pipe.close()

    def _taken(self) -> list[Answer]:
        """The answers that are whole after one read. A child writes whole lines, so a piece mostly ends with one."""
        piece = os.read(self.fileno(), READ_BYTES)
        self._buffer += piece
        if not piece:
            return [self._lost(ENDED)]
        if len(self._buffer) > ANSWER_BYTES:
            return [self._lost(TOO_LONG)]
        if not piece.endswith(b"\n"):
            return []
        lines = bytes(self._buffer).splitlines()
        self._buffer.clear()
        try:
            answers = [json.loads(line) for line in lines]
        except (ValueError, RecursionError):
            return [self._lost(NONSENSE)]
        if not all(isinstance(answer, dict) for answer in answers):
            return [self._lost(NONSENSE)]
        self.busy = not any("end" in answer for answer in answers)
        return answers

    def _lost(self, reason: str) -> Answer:
        if reason == ENDED:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(LAST_SECONDS)
        status = self._process.poll() or 0
        self.kill()
        return {"lost": reason, "status": status}


def _started(
    command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(sys.executable).anchor,  # not where a stray .env configures a library
        env=environment,
        start_new_session=True,
    )


def _ready(pipe: Any, event: int, deadline: float) -> bool:
    """Wait until the pipe can be read or written, at most until the deadline; 0 does not wait."""
    with selectors.PollSelector() as selector:
        selector.register(pipe, event)
        return bool(selector.select(max(0.0, deadline - time.monotonic())))


# -- within the child ---------------------------------------------------------------------------------------------


def serve(task: str, *closed: str) -> None:
    """Answer requests until there are no more: the whole life of the child."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for the parent, which ends us
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not fall between the answers
    _limit({})
    module, _, name = task.partition(":")
    answer: Task = getattr(importlib.import_module(module), name)
    _close(closed)
    status = 1
    try:
        with ExitStack() as kept:
            for line in sys.stdin.buffer:
                message = json.loads(line)
                payload = sys.stdin.buffer.read(message["bytes"])
                _limit(message["limits"])
                for part in answer(message["request"], payload, kept):
                    answers.write(json.dumps(part).encode("ascii") + b"\n")
                answers.write(b'{"end": true}\n')
                answers.flush()
        status = 0
    finally:
        os._exit(status)  # threads of a library do not keep it alive


def _limit(limits: Mapping[str, int]) -> None:
    """Set limits on this process where the system has them; elsewhere the parent's deadline remains."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    wanted = {RLIMITS[name]: value for name, value in limits.items()} | {
        "RLIMIT_CORE": 0
    }
    for name, soft in wanted.items():
        if name == "RLIMIT_CPU":
            soft += int(used.ru_utime + used.ru_stime) + 1
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        # The processor's hard limit stays, since the next request needs more than this one.
        with suppress(ValueError, OSError):  # macOS refuses some of them
            resource.setrlimit(kind, (soft, hard if name == "RLIMIT_CPU" else soft))


def _close(names: Sequence[str]) -> None:
    """Refuse these doings from now on. An audit hook cannot be taken away again."""
    forbidden = tuple(event for name in names for event in CLOSED[name])

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        writes = (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        )
        if event.startswith(forbidden) or (writes and "files" in names):
            raise PermissionError(f"{event} is not allowed in this process")

    if forbidden:
        sys.addaudithook(refuse)
