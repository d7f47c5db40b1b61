"""The child process that has Chroma open, seen from both sides: `ChromaChild` asks, `answer` does it in there.

A damaged index may kill that process; then it was only this one. It holds its locks for as long as it lives, ends when
its parent does (the pipe closes), and writes no file longer than it was allowed. Leaves out SQLite: what to write comes
through the pipe. Serves the writing of snapshots (snapshot.py) and their search (chain.py).

Chroma writes into what it only reads, so a snapshot is never opened itself: the child opens a copy of its own, which
shares the large files by hard links, and removes it when it ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from brain import tripwire
from brain.child import LATE, Child, Lost, running
from brain.errors import Unavailable
from brain.faults import reach
from brain.index.chroma import DATABASE, ChromaDirectory
from brain.index.files import (
    LOCK,
    MANIFEST,
    locked,
    noted_files,
    private_directory,
    remove,
    sizes_agree,
    write_manifest,
)
from brain.store.vectors import KINDS

if TYPE_CHECKING:
    from brain.protocols import Vectors

ANSWER_SECONDS = (
    120.0  # for one batch or one opening; 1,000 vectors take 0.3-0.9 s here
)
COPY_LOCK_SECONDS = 1.0  # for which a sweep that looks may hold the lock of a new copy
THREADS = 2  # of Chroma's numeric libraries
COPY_BYTES = (
    2**26
)  # by which a file of a reader's copy may grow over the largest of the snapshot
LINKED_BYTES = 2**24  # a file from this size on is not copied for a reader
READING = "reading-"  # beginning of the name of a reader's copy
MAX_COSINE = 1.01  # one flipped bit in a stored vector can make it the nearest of half of all questions
SAME = 1e-5  # between two numbers of a vector of length 1: Chroma scales it once more
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)


class ChromaDied(Unavailable):
    """The process ended, did not answer, or answered what cannot be.

    `crashed`: in a way that tells of a damaged index.
    """

    def __init__(self, message: str, *, crashed: bool) -> None:
        super().__init__(message, "run `brain sync`")
        self.crashed = crashed


class ChromaChild:
    """One child process. Methods raise `Unavailable` for an error of Chroma's, `ChromaDied` when the child is gone."""

    def __init__(self, *, seconds: float = ANSWER_SECONDS) -> None:
        self._child = Child(running("brain.index.chroma_child:answer"), threads=THREADS)
        self._seconds = seconds
        # One question at a time goes through the pipe, from whatever thread
        self._asking = threading.Lock()
        self.pid = self._child.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lock(self, path: Path, *, seconds: float) -> bool:
        """Hold this lock until the child ends, also when we die before it; False when another process kept it."""
        wait = self._seconds + seconds
        held = self._ask(
            "lock",
            seconds=wait,
            path=str(path.absolute()),
            most=seconds,
        )
        return bool(held)

    def create(self, directory: Path, *, file_bytes: int) -> None:
        """Begin a new directory; none of its files may grow over `file_bytes`."""
        limits = {"file_bytes": file_bytes}
        self._ask("create", limits=limits, directory=str(directory.absolute()))

    def add(self, kind: str, ids: Sequence[str], vectors: Vectors) -> None:
        """Set vectors, float32 of shape (ids, dimensions), rows of length 1."""
        self._ask("add", _bytes(vectors), kind=kind, ids=list(ids))

    def finish(self) -> int:
        """Close what was created and note its files in a manifest; returns how many vectors it holds."""
        return int(self._ask("finish"))

    def open(self, directory: Path) -> None:
        """Open a copy of a finished directory, made beside it, in place of what was open before."""
        try:
            sizes = [path.stat().st_size for path in directory.rglob("*")]
        except OSError as error:  # it is being removed
            said = f"the Chroma index does not open: {error}"
            raise Unavailable(said, "run `brain sync`") from None
        limits = {"file_bytes": max(sizes, default=0) + COPY_BYTES}
        place = str(directory.absolute())
        self._ask(
            "open",
            limits=limits,
            seconds=ANSWER_SECONDS,
            directory=place,
        )

    def nearest(
        self, kind: str, vector: Vectors, *, limit: int
    ) -> list[tuple[str, float]]:
        """(chunk id, cosine), best first."""
        found = self._ask("nearest", _bytes(vector), kind=kind, limit=limit)
        pairs = []
        for chunk_id, score in found:
            # Not `> MAX_COSINE`: a score that is no number is not larger than anything.
            if not abs(score) <= MAX_COSINE:
                said = (
                    "the Chroma index is damaged: it found a vector closer than can be"
                )
                raise ChromaDied(said, crashed=True)
            pairs.append((chunk_id, score))
        return pairs

    def agrees(self, kind: str, ids: Sequence[str], vectors: Vectors) -> bool:
        """Whether it holds just these vectors for these chunks, shape (ids, dimensions), rows of length 1."""
        return bool(self._ask("agrees", _bytes(vectors), kind=kind, ids=list(ids)))

    def ids(self, kind: str) -> set[str]:
        """Every chunk in it."""
        return set(self._ask("ids", kind=kind))

    def count(self, kind: str) -> int:
        """How many chunks it says it has."""
        return int(self._ask("count", kind=kind))

    def close(self) -> None:
        """End it in good order; a second call does nothing."""
        self._child.close()

    def kill(self) -> None:
        """End it at once."""
        self._child.kill()

    def _ask(
        self,
        op: str,
        payload: bytes = b"",
        *,
        limits: Mapping[str, int] | None = None,
        seconds: float | None = None,
        **details: object,
    ) -> Any:
        """What the child says to a method of `_Work` with these details."""
        request = {"op": op, "details": details}
        wait = seconds or self._seconds
        try:
            with self._asking:
                (said,) = self._child.ask(request, payload, seconds=wait, limits=limits)
        except Lost as lost:
            raise _death(lost, wait, opening=op == "open") from None
        if "error" in said:
            raise Unavailable(said["error"], "run `brain sync`")
        return said["value"]


def _death(lost: Lost, seconds: float, *, opening: bool) -> ChromaDied:
    if lost.reason == LATE:
        said = f"the vector index did not answer for {seconds:.0f} s"
        return ChromaDied(
            said, crashed=not opening
        )  # a slow disk takes long to copy a sound one
    if lost.status >= 0:
        return ChromaDied(
            f"the vector index ended with status {lost.status}", crashed=False
        )
    ended_by = signal.Signals(-lost.status)
    return ChromaDied(
        f"the vector index ended by {ended_by.name}", crashed=ended_by in CRASHES
    )


def _bytes(vectors: Vectors) -> bytes:
    import numpy as np

    return np.ascontiguousarray(vectors, dtype=np.float32).tobytes()


# -- within the child ---------------------------------------------------------------------------------------------


class _Work:
    """What the child can be asked for: one method for each `op`, called with the bytes and the details of a request."""

    def __init__(self) -> None:
        self.kept = ExitStack()
        self._place = Path()
        self._directory: ChromaDirectory

    def lock(self, _payload: bytes, path: str, most: float) -> bool:
        return self.kept.enter_context(locked(Path(path), seconds=most))

    def create(self, _payload: bytes, directory: str) -> None:
        self._place = private_directory(Path(directory))
        self._directory = ChromaDirectory(self._place)
        self._directory.create(KINDS)

    def add(self, payload: bytes, kind: str, ids: list[str]) -> None:
        reach("index.before_add")
        self._directory.add(kind, ids, _rows(payload, len(ids)))

    def finish(self, _payload: bytes) -> int:
        count = sum(self._directory.count(kind) for kind in KINDS)
        reach("index.before_close")
        self._directory.close()
        write_manifest(self._place)
        return count

    def open(self, _payload: bytes, directory: str) -> None:
        self.kept.close()
        written = Path(directory)
        copy = Path(tempfile.mkdtemp(prefix=READING, dir=written.parent))
        self.kept.callback(remove, copy)
        # Locked as long as it is read, so that a sweep can tell it from one that a dead process left.
        if not self.kept.enter_context(locked(copy / LOCK, seconds=COPY_LOCK_SECONDS)):
            raise Unavailable(
                "another process holds the copy of the Chroma index", "ask again"
            )
        _copy(written, copy)
        self._directory = ChromaDirectory(copy)

    def nearest(self, payload: bytes, kind: str, limit: int) -> object:
        (vector,) = _rows(payload, 1)
        return self._directory.nearest(kind, vector, limit=limit)

    def agrees(self, payload: bytes, kind: str, ids: list[str]) -> bool:
        import numpy as np

        held = self._directory.vectors(kind, ids)
        wanted = _rows(payload, len(ids))
        if held.shape != wanted.shape:
            return False
        return bool(np.allclose(held, wanted, rtol=0, atol=SAME))

    def ids(self, _payload: bytes, kind: str) -> list[str]:
        return sorted(self._directory.ids(kind))

    def count(self, _payload: bytes, kind: str) -> int:
        return self._directory.count(kind)


@lru_cache(maxsize=1)
def _work(kept: ExitStack) -> _Work:
    """The one of this process, which closes what it holds when the process ends."""
    work = _Work()
    kept.callback(work.kept.close)
    return work


def answer(
    request: dict[str, Any], payload: bytes, kept: ExitStack
) -> Iterator[dict[str, Any]]:
    """Do what `op` names."""
    tripwire.set_up()
    os.umask(0o077)  # Chroma creates 0755 and 0644 by itself
    do = getattr(_work(kept), request["op"])
    try:
        yield {"value": do(payload, **request["details"])}
    except Unavailable as error:
        yield {"error": error.message}
    except (OSError, ValueError, ImportError) as error:
        yield {"error": f"{type(error).__name__}: {error}"}


def _rows(payload: bytes, count: int) -> Vectors:
    import numpy as np

    return np.frombuffer(payload, np.float32).reshape(count, -1)


def _copy(written: Path, copy: Path) -> None:
    """Every file byte by byte, but large ones by hard links where the file system has them: those are only read, while
    Chroma writes into its SQLite file when it opens a directory, and into a few small ones when it is asked.
    Raises `Unavailable` or `OSError` when not all of them are there: another process may be removing the snapshot.
    """
    noted = noted_files(written)
    for path in sorted(written.rglob("*")):
        target = copy / path.relative_to(written)
        if path.is_dir():
            target.mkdir()
        elif path.name != MANIFEST:
            _copy_file(path, target)
    if not sizes_agree(copy, noted):
        raise Unavailable(
            "the Chroma index was removed while it was copied", "run `brain sync`"
        )


def _copy_file(path: Path, target: Path) -> None:
    if path.name != DATABASE and path.stat().st_size >= LINKED_BYTES:
        with suppress(OSError):
            os.link(path, target)
            return
    shutil.copyfile(path, target)
