"""Reads many files: ordinary ones here, risky ones (PDF, office, books, mail, large HTML) in child processes.

The caller hands in how a child is started, since limits on processes are no business of reading files (`brain.child`
has them, and `brain.app.intake` hands it over). Children start when the first risky file comes and are killed with
whatever ends the iteration. One that dies or passes its deadline costs its one file and is replaced. Ordinary files
keep coming while those are read; what waits is bounded, so memory stays flat. Leaves out order (results come when
ready) and progress. Serves `add` and `sync`.
"""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ingest.document import Document
from ingest.errors import IngestError, UnreadableFile
from ingest.folders import Found
from ingest.limits import USUAL, Limits
from ingest.loading import OPEN_IT, load
from ingest.media import HOLD_FILES
from ingest.readers import isolated
from ingest.worker import unpacked, unpacked_error

Result = tuple[Path, Document | IngestError]
CHILDREN = 2  # at once: on two cores a third would only wait
LOOK_AHEAD = (
    1_000  # risky files (paths only) that may wait while ordinary ones are read
)
WRITE_BYTES = 1 << 20  # a child has no file to write
OPEN_FILES = 64  # of a child
# What is said of a file whose child gave no answer, by the child's own word for it.
REASONS = {
    "late": "took too long to read",
    "too long": "too much text in it",
    "ended": "its reader crashed",
    "nonsense": "its reader gave no sensible answer",
}


class Child(Protocol):
    """A process that answers requests by `ingest.worker.answers`, as `brain.child.Child` does."""

    busy: bool
    deadline: float

    def fileno(self) -> int: ...
    def send(
        self, request: object, *, seconds: float, limits: Mapping[str, int]
    ) -> None: ...
    def receive(self) -> list[dict[str, Any]]: ...
    def kill(self) -> None: ...


def load_many(
    found: Iterable[Found],
    *,
    start: Callable[[], Child],
    limits: Limits = USUAL,
    children: int = CHILDREN,
) -> Iterator[Result]:
    """(path, document or error) of every file; a file of many documents comes as many. Close it to end the children."""
    crew = _Crew(start, children, limits)
    try:
        for item in found:
            if isolated(item.media_type, item.size):
                crew.queue.append(item)
                while len(crew.queue) > LOOK_AHEAD:
                    yield from crew.turn(wait=True)
            else:
                yield from _here(item, limits)
            yield from crew.turn(wait=False)
        while crew.busy:
            yield from crew.turn(wait=True)
    finally:
        crew.close()


def _here(item: Found, limits: Limits) -> Iterator[Result]:
    try:
        for document in load(item.path, limits=limits):
            yield item.path, document
    except IngestError as error:
        yield item.path, error


@dataclass(slots=True)
class _Crew:
    """The children, the files that wait for them, and the file that each is at."""

    start: Callable[[], Child]
    size: int
    limits: Limits
    queue: deque[Found] = field(default_factory=deque)
    reading: dict[Child, Found] = field(default_factory=dict)
    alone: set[Path] = field(default_factory=set)  # read again without what they hold
    idle: list[Child] = field(default_factory=list)

    @property
    def busy(self) -> bool:
        """Whether a file waits or is being read."""
        return bool(self.queue or self.reading)

    def turn(self, *, wait: bool) -> Iterator[Result]:
        """Hands out files, then yields what has come; with `wait` blocks until something comes or a deadline passes."""
        if not self.busy:
            return
        self._hand_out()
        if wait:
            self._wait()
        for child, item in list(self.reading.items()):
            yield from self._received(child, item)
        self._hand_out()

    def close(self) -> None:
        """Kills every child."""
        for child in [*self.reading, *self.idle]:
            child.kill()

    def _hand_out(self) -> None:
        while self.queue and len(self.reading) < self.size:
            item = self.queue.popleft()
            child = self.idle.pop() if self.idle else self.start()
            self.reading[child] = item
            self._give(child, item)

    def _give(self, child: Child, item: Found) -> None:
        seconds = self.limits.cpu(item.size)
        file_limits = self.limits
        if item.path in self.alone:
            file_limits = replace(self.limits, attachment_depth=0)
        request = {
            "path": str(item.path.absolute()),
            "limits": asdict(file_limits),
        }
        limits = {
            "cpu_seconds": seconds,
            "memory_bytes": self.limits.memory_bytes,
            "file_bytes": WRITE_BYTES,
            "open_files": OPEN_FILES,
        }
        child.send(request, seconds=self.limits.wall(item.size), limits=limits)

    def _wait(self) -> None:
        nearest = min(child.deadline for child in self.reading)
        with selectors.PollSelector() as selector:
            for child in self.reading:
                selector.register(child, selectors.EVENT_READ)
            selector.select(max(0.0, nearest - time.monotonic()))

    def _received(self, child: Child, item: Found) -> Iterator[Result]:
        """What has come of one file. Its child is free, or gone, when that was all."""
        path = item.path
        sound = True
        for answer in child.receive():
            if "lost" in answer and self._again_alone(item):
                sound = False
                child.kill()
                break
            try:
                made = _made(answer)
            except (ValueError, KeyError, TypeError):
                sound = False
                made = UnreadableFile(REASONS["nonsense"], OPEN_IT, passing=True)
            if made is not None:
                yield path, made
            if not sound or "lost" in answer:
                sound = False
                child.kill()
                break
        # A file of many documents comes in several turns; a child that is gone is replaced at the next file.
        if not child.busy:
            del self.reading[child]
            if sound:
                self.idle.append(child)

    def _again_alone(self, item: Found) -> bool:
        """Whether a file that cost its child is read again without the files in it: one may be to blame."""
        if item.media_type not in HOLD_FILES or item.path in self.alone:
            return False
        self.alone.add(item.path)
        self.queue.appendleft(item)
        return True


def _made(answer: Mapping[str, Any]) -> Document | IngestError | None:
    """What an answer brings; None at the end of a file. Raises KeyError, TypeError or ValueError for nonsense."""
    if "end" in answer:
        return None
    if "document" in answer:
        return unpacked(answer["document"])
    if "error" in answer:
        return unpacked_error(answer["error"])
    reason = REASONS[answer["lost"]]
    if answer["status"] < 0:
        reason += f" (signal {-answer['status']})"
    # A busy machine, or one short of memory: only what the file itself holds too much of stays so
    passing = answer["lost"] != "too long"
    return UnreadableFile(reason, OPEN_IT, passing=passing)
