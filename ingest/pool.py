"""Reads many files: ordinary ones here, risky ones (PDF, office, books, mail, large HTML) in worker processes, as they come.

Workers start when the first risky file comes and are killed with whatever ends the iteration. One that dies or passes
its deadline costs its one file and is replaced. Ordinary files keep coming while those are read; what waits is bounded,
so memory stays flat. Leaves out order (results come when ready) and progress. Serves `add` and `sync`.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from ingest.chunking import CHUNK_TOKENS
from ingest.document import Document
from ingest.errors import IngestError, UnreadableFile
from ingest.folders import Found
from ingest.limits import Limits
from ingest.loading import OPEN_IT, load
from ingest.readers import isolated
from ingest.worker import unpacked, unpacked_error

Result = tuple[Path, Document | IngestError]
WORKERS = 2  # RETRIEVAL.md §4: two caged workers
LOOK_AHEAD = 1_000  # risky files (paths only) that may wait while ordinary ones are read
PIPE_BYTES = 1 << 18  # per read from a worker
ANSWER_BYTES = (
    128_000_000  # of one file's answer: 2 M characters escaped, with room for many chunks
)
_CHILD = "import sys; sys.path.append(sys.argv[1]); from ingest.worker import start; start()"


def worker_command() -> list[str]:
    """How a worker is started: this interpreter, not looking for modules in the current folder (-P)."""
    return [
        sys.executable,
        "-P",
        "-B",
        "-W",
        "ignore",
        "-c",
        _CHILD,
        str(Path(__file__).parents[1]),
    ]


def load_many(
    found: Iterable[Found],
    *,
    limits: Limits | None = None,
    chunk_tokens: int = CHUNK_TOKENS,
    workers: int = WORKERS,
    command: Callable[[], list[str]] = worker_command,
) -> Iterator[Result]:
    """(path, document or error) of every file; a file of many documents comes as many. Close it to end the workers."""
    limits = limits or Limits()
    crew = _Crew(workers, limits, chunk_tokens, command)
    try:
        for item in found:
            if isolated(item.media_type, item.size):
                crew.queue.append(item)
                while len(crew.queue) > LOOK_AHEAD:
                    yield from crew.turn(wait=True)
            else:
                yield from _inline(item, limits, chunk_tokens)
            yield from crew.turn(wait=False)
        while crew.busy:
            yield from crew.turn(wait=True)
    finally:
        crew.close()


def _inline(item: Found, limits: Limits, chunk_tokens: int) -> Iterator[Result]:
    try:
        for document in load(item.path, chunk_tokens=chunk_tokens, limits=limits):
            yield item.path, document
    except IngestError as error:
        yield item.path, error


class _Worker:
    """One child process and the file it is at."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.item: Found | None = None
        self.deadline = 0.0
        self.buffer = bytearray()

    def give(self, item: Found, limits: Limits, chunk_tokens: int) -> None:
        self.item, self.deadline = item, time.monotonic() + limits.wall(item.size)
        own = asdict(limits) | {"cpu_seconds": limits.cpu(item.size)}
        request = {"path": str(item.path), "chunk_tokens": chunk_tokens, "limits": own}
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self.process.stdin.flush()
        except OSError:  # it is dead already: the end of its output will say so
            return

    def end(self) -> int:
        """Kills it and gives its exit status (negative: the signal that it died of on its own)."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if self.item is None:  # idle: nothing to lose by a kill, nothing to learn from its status
            self.process.kill()
        try:
            self.process.stdin.close()
        except OSError:  # what was still to be written goes nowhere
            self.process.kill()
        try:
            status = self.process.wait(0.2)  # one that died has its own status within this time
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        return status


class _Crew:
    """The workers, the files that wait for them, and the reading of their answers."""

    def __init__(
        self, size: int, limits: Limits, chunk_tokens: int, command: Callable[[], list[str]]
    ) -> None:
        self.queue: deque[Found] = deque()
        self._size, self._limits, self._chunk_tokens, self._command = (
            max(1, size),
            limits,
            chunk_tokens,
            command,
        )
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()

    @property
    def busy(self) -> bool:
        """Whether a file waits or is being read."""
        return bool(self.queue) or any(worker.item for worker in self._workers)

    def turn(self, *, wait: bool) -> Iterator[Result]:
        """Hands out files, then yields what has come; with `wait` blocks until something comes or a deadline passes."""
        if not self.busy:
            return
        self._hand_out()
        now = time.monotonic()
        nearest = min(worker.deadline for worker in self._workers if worker.item)
        for key, _event in self._selector.select(max(0.0, nearest - now) if wait else 0):
            yield from self._read(key.data)
        for worker in [
            worker
            for worker in self._workers
            if worker.item and worker.deadline <= time.monotonic()
        ]:
            yield from self._lost(worker, "took too long to read", kill=True)
        self._hand_out()

    def close(self) -> None:
        """Kills every worker."""
        for worker in self._workers:
            worker.process.kill()
            worker.end()
        self._workers = []
        self._selector.close()

    def _hand_out(self) -> None:
        while self.queue:
            worker = next((worker for worker in self._workers if not worker.item), None)
            if worker is None and len(self._workers) < self._size:
                worker = _Worker(self._command())
                self._workers.append(worker)
                assert worker.process.stdout is not None
                self._selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
            if worker is None:
                return
            worker.give(self.queue.popleft(), self._limits, self._chunk_tokens)

    def _read(self, worker: _Worker) -> Iterator[Result]:
        assert worker.process.stdout is not None
        part = os.read(worker.process.stdout.fileno(), PIPE_BYTES)
        worker.buffer += part
        if not part:
            yield from self._lost(worker, "its reader crashed", kill=False)
        elif len(worker.buffer) > ANSWER_BYTES:
            yield from self._lost(worker, "too much text in it", kill=True)
        elif part.endswith(b"\n"):
            yield from self._answers(worker)

    def _answers(self, worker: _Worker) -> Iterator[Result]:
        """The answers in the buffer, which ends with a whole line."""
        lines, item = bytes(worker.buffer).splitlines(), worker.item
        worker.buffer.clear()
        for line in lines:
            try:
                answer = json.loads(line)
                if "end" in answer:
                    worker.item = None
                elif item:
                    made = (
                        unpacked(answer["document"])
                        if "document" in answer
                        else unpacked_error(answer["error"])
                    )
                    yield item.path, made
            except (ValueError, KeyError, TypeError, RecursionError):
                yield from self._lost(worker, "its reader gave no sensible answer", kill=True)
                return

    def _lost(self, worker: _Worker, reason: str, *, kill: bool) -> Iterator[Result]:
        assert worker.process.stdout is not None
        self._selector.unregister(worker.process.stdout)
        self._workers.remove(worker)
        if kill:
            worker.process.kill()
        item, status = worker.item, worker.end()
        if status < 0 and not kill:
            reason = f"{reason} (signal {-status})"
        if item:
            yield item.path, UnreadableFile(reason, OPEN_IT)
