"""Reading a file past everything that is open: one named task in a limited child process, its answer as JSON.

For the first look into a database from elsewhere, which may be made to harm its reader (FAULTS.md §3, row 42), and for
reading our own database's bytes: a process that has it open and closes a second handle to it loses SQLite's locks
(sqlite.org/howtocorrupt.html §2.2). The child writes nothing, connects nowhere, starts nothing. Leaves out the tasks.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.errors import BrainError, StoreError

if TYPE_CHECKING:
    from brain.store.copies import Copy

ROOT = Path(__file__).parents[2]  # where the package lies; appended, so that it shadows nothing
COMMAND = f"import sys; sys.path.append({str(ROOT)!r}); from brain.app.cage import main; main()"
MEMORY_BYTES = 2**30  # FAULTS.md §3: address space
LEAST_SECONDS = 60  # of processor time, for a small file
BYTES_PER_SECOND = (
    4 * 2**20
)  # and for every byte of a larger one; a digest reads about ten times as fast here
WALL_FACTOR = 4  # times its processor time; then it is killed
WRITE_BYTES = 2**20  # RLIMIT_FSIZE: it has no file to write
OPEN_FILES = 64
FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "sqlite3.enable_load_extension",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.truncate",
    "os.link",
    "os.symlink",
    "os.mkdir",
    "os.chmod",
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def judge(path: Path, *, compare: bool = True) -> Copy:
    """`brain.store.copies.judge` of a file from elsewhere. Raises `StoreError`, also when the file kills its reader."""
    from brain.store.copies import Copy

    return Copy(**_apart("judge", [str(path), compare], path, _seconds(path.stat().st_size)))


def left_in(home: Path, pieces: Sequence[bytes], *, without: Iterable[Path]) -> list[str]:
    """`brain.keeping.erase.left_in`. Raises `BrainError` when it cannot be done."""
    size = sum(
        os.lstat(Path(folder, name)).st_size for folder, _, names in os.walk(home) for name in names
    )
    texts = [base64.b64encode(piece).decode() for piece in pieces]
    found: list[str] = _apart(
        "left_in", [str(home), texts, [str(path) for path in without]], home, _seconds(size)
    )
    return found


def freed(database: Path) -> int:
    """`brain.store.erasure.freed`: pages of the database that are free and not empty."""
    return int(_apart("freed", [str(database)], database, _seconds(database.stat().st_size)))


def _seconds(size: int) -> int:
    return LEAST_SECONDS + size // BYTES_PER_SECOND


def _apart(
    task: str, arguments: list[Any], path: Path, seconds: int, *, command: str = COMMAND
) -> Any:
    """What the task returned in a process of its own, which has so many seconds of processor time."""
    request = json.dumps({"task": task, "arguments": arguments, "seconds": seconds})
    process = subprocess.Popen(
        [sys.executable, "-P", "-B", "-W", "ignore", "-c", command],
        env=_environ(),
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            said, _ = process.communicate(request, timeout=seconds * WALL_FACTOR)
        except subprocess.TimeoutExpired:
            raise StoreError(
                f"{path} took too long to look into", "do not use it; nothing was changed"
            ) from None
        finally:
            process.kill()
    if process.returncode or not said:
        how = (
            f"signal {-process.returncode}"
            if process.returncode < 0
            else f"status {process.returncode}"
        )
        raise StoreError(
            f"{path} ends the process that looks into it ({how})",
            "do not use it; nothing was changed",
        )
    answer = json.loads(said)
    if "error" in answer:
        raise _error(answer["error"])
    return answer["value"]


def _environ() -> dict[str, str]:
    """One thread for numpy, which sqlite-utils loads: each would claim address space."""
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _error(facts: dict[str, Any]) -> BrainError | OSError:
    if "number" in facts:
        return OSError(facts["number"], facts["message"], facts["hint"])
    return (StoreError if facts["store"] else BrainError)(facts["message"], facts["hint"])


# -- the child ------------------------------------------------------------------------------------------------------------


def main() -> None:
    """One request from standard input, one answer to standard output."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.read())
    task = _tasks()[request["task"]]
    _limit(request["seconds"])
    sys.addaudithook(_forbid)
    json.dump(_answer(task, request["arguments"]), answers)
    answers.flush()


def _tasks() -> dict[str, Callable[..., object]]:
    """The tasks by name, with everything that they import, which opens files."""
    from brain.keeping import erase
    from brain.store import copies, erasure

    copies.know_schemas()
    return {
        "judge": lambda path, compare: asdict(copies.judge(Path(path), compare=compare)),
        "left_in": lambda home, pieces, without: erase.left_in(
            Path(home),
            [base64.b64decode(piece) for piece in pieces],
            without=[Path(path) for path in without],
        ),
        "freed": lambda path: erasure.freed(Path(path)),
    }


def _answer(task: Callable[..., object], arguments: list[Any]) -> dict[str, Any]:
    try:
        return {"value": task(*arguments)}
    except BrainError as error:
        return {
            "error": {
                "message": error.message,
                "hint": error.hint,
                "store": isinstance(error, StoreError),
            }
        }
    except OSError as error:
        said = error.strerror or str(error)
        return {
            "error": {
                "number": error.errno or 0,
                "message": said,
                "hint": str(error.filename or arguments[0]),
            }
        }
    except MemoryError:
        said = f"{arguments[0]} needs more than {MEMORY_BYTES / 2**20:,.0f} MB to be looked into"
        return {
            "error": {"message": said, "hint": "do not use it; nothing was changed", "store": True}
        }


def _limit(seconds: int) -> None:
    """Limits on this process, where the system has them; elsewhere the parent's deadline remains."""
    try:
        import resource
    except ImportError:
        return
    wanted = {
        "CPU": seconds,
        "AS": MEMORY_BYTES,
        "FSIZE": WRITE_BYTES,
        "NOFILE": OPEN_FILES,
        "CORE": 0,
    }
    for name, value in wanted.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, value))
        except (ValueError, OSError):  # macOS refuses some of them
            continue


def _forbid(event: str, arguments: tuple[Any, ...]) -> None:
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
    if writes or event.startswith(FORBIDDEN):
        raise PermissionError(f"{event} is not allowed while a file from elsewhere is read")
