"""The parent's side of the process that has Chroma open: start it, ask it, wait no longer than a deadline, end it.

Leaves out what is asked. Serves whoever fills, proves or searches a Chroma directory: a crash in there arrives here as
`WorkerDied`, an exception as `Unavailable`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from brain.errors import Unavailable
from brain.index.owner import start_of
from brain.index.worker import LENGTH, send

if TYPE_CHECKING:
    from brain.protocols import Vectors

ROOT = Path(__file__).parents[2]  # where the package lies; appended, so that it shadows nothing
COMMAND = f"import sys; sys.path.append({str(ROOT)!r}); from brain.index.worker import main; main()"
FOREIGN = (
    "CHROMA_",
    "OTEL_",
    "ANONYMIZED_TELEMETRY",
    "PERSIST_DIRECTORY",
    "IS_PERSISTENT",
)  # Chroma would obey them
ANSWER_SECONDS = 120.0  # for one batch or one opening; 1,000 vectors take 0.3-0.9 s here
END_SECONDS = 30.0  # for a clean end; then it is killed
MOST_COSINE = (
    1.01  # one flipped bit in one stored vector can make it the nearest of half of all questions
)
READ_BYTES = 1 << 16
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)


class WorkerDied(Unavailable):
    """The process ended, did not answer, or answered what cannot be. `crashed`: in a way that tells of a damaged index."""

    def __init__(self, message: str, *, crashed: bool) -> None:
        super().__init__(message, "run `brain sync`")
        self.crashed = crashed


class Worker:
    """One child process. Use it in a `with`; at the end it closes what it opened, or is killed."""

    def __init__(
        self, *, environ: Mapping[str, str] | None = None, seconds: float = ANSWER_SECONDS
    ) -> None:
        source = os.environ if environ is None else environ
        clean = {
            name: value for name, value in source.items() if not name.upper().startswith(FOREIGN)
        }
        self._seconds = seconds
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(sys.executable).anchor,  # not where a stray .env could configure Chroma
            env={**clean, "OMP_NUM_THREADS": clean.get("OMP_NUM_THREADS", "2")},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self.pid = self._process.pid
        self.start = start_of(self.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def lock(self, path: Path, *, seconds: float) -> bool:
        """Hold this lock until the worker ends; False when another process kept it."""
        return bool(
            self._ask(
                {"op": "lock", "path": str(path.absolute()), "seconds": seconds}, extra=seconds
            )
        )

    def open(self, directory: Path, *, file_bytes: int) -> None:
        """Open a directory; no file of the worker may then grow over `file_bytes`."""
        self._ask({"op": "open", "directory": str(directory.absolute()), "file_bytes": file_bytes})

    def upsert(self, kind: str, ids: Sequence[str], vectors: Vectors) -> None:
        """Set vectors, float32 of shape (ids, dimensions)."""
        self._ask({"op": "upsert", "kind": kind, "ids": list(ids)}, _bytes(vectors))

    def delete(self, kind: str, ids: Sequence[str]) -> None:
        """Forget chunks."""
        self._ask({"op": "delete", "kind": kind, "ids": list(ids)})

    def nearest(self, kind: str, vector: Vectors, *, limit: int) -> list[tuple[str, float]]:
        """(chunk id, cosine), best first."""
        found = self._ask({"op": "nearest", "kind": kind, "limit": limit}, _bytes(vector))
        if not all(abs(score) <= MOST_COSINE for _, score in found):  # also where one is no number
            raise WorkerDied(
                "the Chroma index is damaged: it found a vector closer than can be", crashed=True
            )
        return [(str(i), float(score)) for i, score in found]

    def agrees(self, kind: str, ids: Sequence[str], vectors: Vectors) -> bool:
        """Whether it holds just these vectors for these chunks, shape (ids, dimensions), rows of length 1."""
        return bool(self._ask({"op": "agrees", "kind": kind, "ids": list(ids)}, _bytes(vectors)))

    def ids(self, kind: str) -> set[str]:
        """Every chunk in it."""
        return set(self._ask({"op": "ids", "kind": kind}))

    def count(self, kind: str) -> int:
        """How many chunks it says it has."""
        return int(self._ask({"op": "count", "kind": kind}))

    def close(self) -> None:
        """Close the directory and keep the lock. Raises when it did not close cleanly."""
        self._ask({"op": "close"})

    def end(self, *, seconds: float = END_SECONDS) -> None:
        """Let it finish what it does, then end it; a second call does nothing."""
        with suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._stdout.close()

    def kill(self) -> None:
        """End it at once, with what it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def _ask(
        self, header: Mapping[str, object], payload: bytes = b"", *, extra: float = 0.0
    ) -> Any:
        try:
            send(self._stdin, header, payload)
            answer = self._read(time.monotonic() + self._seconds + extra)
        except (BrokenPipeError, EOFError, ValueError):
            raise self._dead() from None
        if "error" in answer:
            raise Unavailable(str(answer["error"]), "run `brain sync`")
        return answer["value"]

    def _read(self, deadline: float) -> dict[str, Any]:
        length = LENGTH.unpack(self._take(LENGTH.size, deadline))[0]
        answer: dict[str, Any] = json.loads(self._take(length, deadline))
        return answer

    def _take(self, count: int, deadline: float) -> bytes:
        """Exactly `count` bytes of the answer. Raises `EOFError` when the process is gone, `WorkerDied` when late."""
        pipe, data = self._stdout.fileno(), bytearray()
        while len(data) < count:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                self.kill()
                raise WorkerDied(
                    f"the vector index did not answer for {self._seconds:.0f} s", crashed=True
                )
            piece = os.read(pipe, min(READ_BYTES, count - len(data)))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def _dead(self) -> WorkerDied:
        """Why the pipe broke, once the process is gone."""
        try:
            status = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            status = -signal.SIGKILL
        if status < 0:
            name = signal.Signals(-status).name
            return WorkerDied(f"the vector index ended by {name}", crashed=-status in CRASHES)
        return WorkerDied(f"the vector index ended with status {status}", crashed=False)


def _bytes(vectors: Vectors) -> bytes:
    import numpy as np

    return np.ascontiguousarray(vectors, dtype=np.float32).tobytes()
