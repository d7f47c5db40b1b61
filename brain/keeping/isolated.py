"""Looking into files past everything that is open: one read-only task in a limited child process (`brain.child`).

For the first look into a database from elsewhere, which may be made to harm its reader, and for reading our own
database's bytes: a process that has it open and closes a second handle to it loses SQLite's locks
(sqlite.org/howtocorrupt.html §2.2). The child writes nothing, connects nowhere, starts nothing. Leaves out the work of
the tasks (`brain.store`, `brain.keeping.files`). Serves restore, the doctor and erasure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.child import LATE, Child, Lost, running
from brain.errors import BrainError, StoreError

if TYPE_CHECKING:
    from brain.store.copies import CopyContents

MEMORY_BYTES = 2**30  # of address space: a hostile file is not to fill the machine
LEAST_SECONDS = 60  # of processor time, for a small file
BYTES_PER_SECOND = (
    4 * 2**20
)  # and for every byte of a larger one; a digest reads ten times as fast
WALL_FACTOR = 4  # times its processor time; then it is killed
WRITE_BYTES = 2**20  # it has no file to write
OPEN_FILES = 64
UNCHANGED = "do not use it; nothing was changed"
COMMAND = running("brain.keeping.isolated:answer", "network", "programs", "files")


def judge(
    path: Path, *, compare: bool = True, called: Path | None = None
) -> CopyContents:
    """`brain.store.copies.judge` of a file from elsewhere. `called`: what a person named, if it is a copy of that.

    Raises `StoreError`, also when the file kills its reader.
    """
    from brain.store.copies import CopyContents

    size = path.stat().st_size
    try:
        return CopyContents(**_apart("judge", path, _seconds(size), compare))
    except BrainError as error:
        said = error.message.replace(str(path), str(called or path))
        raise type(error)(said, error.hint) from None


def left_in(
    home: Path,
    pieces: Sequence[bytes],
    words: Sequence[bytes] = (),
    *,
    without: Iterable[Path],
) -> list[str]:
    """`brain.keeping.files.left_in`. Raises `BrainError` when it cannot be done."""
    size = 0
    for file in home.rglob("*"):
        with suppress(FileNotFoundError):
            size += file.lstat().st_size
    # Each byte as one character, since lines of JSON hold text.
    texts = [[piece.decode("latin-1") for piece in group] for group in (pieces, words)]
    known = [str(path) for path in without]
    found: list[str] = _apart("left_in", home, _seconds(size), *texts, known)
    return found


def freed(database: Path) -> int:
    """`brain.store.freed.freed`: pages of the database that are free and not empty."""
    seconds = _seconds(database.stat().st_size)
    return int(_apart("freed", database, seconds))


def _seconds(size: int) -> int:
    return LEAST_SECONDS + size // BYTES_PER_SECOND


def _apart(
    task: str, path: Path, seconds: int, *more: Any, command: Sequence[str] = COMMAND
) -> Any:
    """What the task returned for a path and more arguments, in a process that has so many seconds of processor time."""
    limits = {
        "cpu_seconds": seconds,
        "memory_bytes": MEMORY_BYTES,
        "file_bytes": WRITE_BYTES,
        "open_files": OPEN_FILES,
    }
    child = Child(command)
    try:
        request = {"task": task, "arguments": [str(path.absolute()), *more]}
        (said,) = child.ask(request, seconds=seconds * WALL_FACTOR, limits=limits)
    except Lost as lost:
        raise StoreError(f"{path} {_how(lost)}", UNCHANGED) from None
    finally:
        child.kill()
    if "error" in said:
        raise _error(said["error"])
    return said["value"]


def _how(lost: Lost) -> str:
    if lost.reason == LATE:
        return "took too long to look into"
    status = f"status {lost.status}"
    if lost.status < 0:
        status = f"signal {-lost.status}"
    return f"ends the process that looks into it ({status})"


def _error(facts: dict[str, Any]) -> BrainError | OSError:
    if "number" in facts:
        return OSError(facts["number"], facts["message"], facts["hint"])
    kind = StoreError if facts["store"] else BrainError
    return kind(facts["message"], facts["hint"])


# -- within the child -------------------------------------------------------------------------------------------------


def answer(
    request: dict[str, Any], _payload: bytes, _kept: object
) -> Iterator[dict[str, Any]]:
    """Do one task: its value, or the error that it ended with."""
    path, *_ = arguments = request["arguments"]
    try:
        yield {"value": _tasks()[request["task"]](*arguments)}
    except BrainError as error:
        yield _failure(error)
    except OSError as error:
        said = error.strerror or str(error)
        place = str(error.filename or path)
        yield {"error": {"number": error.errno or 0, "message": said, "hint": place}}
    except MemoryError:
        needs = (
            f"{path} needs more than {MEMORY_BYTES / 2**20:,.0f} MB to be looked into"
        )
        yield _failure(StoreError(needs, UNCHANGED))


def _failure(error: BrainError) -> dict[str, Any]:
    store = isinstance(error, StoreError)
    return {"error": {"message": error.message, "hint": error.hint, "store": store}}


def _tasks() -> dict[str, Callable[..., object]]:
    """The tasks by name."""
    from brain.keeping import files
    from brain.store import copies, freed

    def judged(path: str, compare: bool) -> object:
        return asdict(copies.judge(Path(path), compare=compare))

    def left(
        home: str, pieces: list[str], words: list[str], without: list[str]
    ) -> object:
        groups = (
            [piece.encode("latin-1") for piece in group] for group in (pieces, words)
        )
        return files.left_in(Path(home), *groups, without=map(Path, without))

    return {
        "judge": judged,
        "left_in": left,
        "freed": lambda path: freed.freed(Path(path)),
    }
