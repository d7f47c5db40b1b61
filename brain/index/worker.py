"""The child process that has Chroma open: `python -m brain.index.worker`, spoken to by child.py over its two pipes.

A damaged index may kill it; then it was only this process. It holds the lock for as long as it lives, ends when its
parent does (the pipe closes), writes no core dump and no file longer than it was allowed. Leaves out SQLite: what to
write comes through the pipe. Serves child.py alone.

A message is a length (4 bytes, little-endian), that many bytes of JSON, and `payload` bytes of float32 behind it.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

from brain.errors import Unavailable
from brain.faults import reach
from brain.index.files import locked

LENGTH = struct.Struct("<I")
SAME = 1e-5  # between two numbers of a vector of length 1: Chroma scales it once more


class Desk:
    """What the worker can be asked for. `header` is the JSON of the message, `payload` the bytes behind it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._room: Any = None

    def lock(self, header: Mapping[str, Any], _payload: bytes) -> bool:
        """Hold the lock file until the end of this process; False when another one kept it."""
        return self._stack.enter_context(locked(Path(header["path"]), seconds=header["seconds"]))

    def open(self, header: Mapping[str, Any], _payload: bytes) -> None:
        """Open a directory, with no file in it longer than `file_bytes` from now on."""
        from brain.index.chroma import ChromaDirectory

        limit("RLIMIT_FSIZE", header["file_bytes"])
        self._room = ChromaDirectory(Path(header["directory"]))

    def upsert(self, header: Mapping[str, Any], payload: bytes) -> None:
        """Set vectors."""
        import numpy as np

        ids = header["ids"]
        reach("index.before_upsert")
        self._room.upsert(
            header["kind"], ids, np.frombuffer(payload, np.float32).reshape(len(ids), -1)
        )

    def delete(self, header: Mapping[str, Any], _payload: bytes) -> None:
        """Forget chunks."""
        self._room.delete(header["kind"], header["ids"])

    def nearest(self, header: Mapping[str, Any], payload: bytes) -> list[tuple[str, float]]:
        """Search."""
        import numpy as np

        found: list[tuple[str, float]] = self._room.nearest(
            header["kind"], np.frombuffer(payload, np.float32), limit=header["limit"]
        )
        return found

    def agrees(self, header: Mapping[str, Any], payload: bytes) -> bool:
        """Compare what is stored."""
        import numpy as np

        ids = header["ids"]
        held = self._room.vectors(header["kind"], ids)
        wanted = np.frombuffer(payload, np.float32).reshape(len(ids), -1)
        return bool(held.shape == wanted.shape and np.allclose(held, wanted, rtol=0, atol=SAME))

    def ids(self, header: Mapping[str, Any], _payload: bytes) -> list[str]:
        """Everything in it."""
        return sorted(self._room.ids(header["kind"]))

    def count(self, header: Mapping[str, Any], _payload: bytes) -> int:
        """How many."""
        return int(self._room.count(header["kind"]))

    def close(self, _header: Mapping[str, Any], _payload: bytes) -> None:
        """Close the directory, cleanly if nothing went wrong in it."""
        room, self._room = self._room, None
        if room is not None:
            reach("index.before_close")
            room.close()


def limit(name: str, value: int) -> None:
    """Lower a resource limit of this process, where the system has such limits."""
    with suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        resource.setrlimit(getattr(resource, name), (value, value))


def main() -> None:
    """Answer messages until the pipe closes."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # the parent decides; the end of the pipe is the sign
    limit("RLIMIT_CORE", 0)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not fall between the messages
    desk = Desk(ExitStack())
    status = 1
    try:
        while (message := read(sys.stdin.buffer)) is not None:
            header, payload = message
            send(answers, _answer(getattr(desk, header["op"]), header, payload))
        status = 0
    except BrokenPipeError:
        status = 0
    finally:
        with suppress(Unavailable):
            desk.close({}, b"")
        os._exit(status)  # the lock goes with the process, not a moment before it


def _answer(
    call: Callable[[Mapping[str, Any], bytes], object], header: Mapping[str, Any], payload: bytes
) -> dict[str, object]:
    try:
        return {"value": call(header, payload)}
    except Unavailable as error:
        return {"error": error.message}
    except (OSError, ValueError, ImportError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def send(pipe: IO[bytes], header: Mapping[str, object], payload: bytes = b"") -> None:
    """Write one message."""
    text = json.dumps({**header, "payload": len(payload)}).encode()
    pipe.write(LENGTH.pack(len(text)) + text + payload)
    pipe.flush()


def read(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Read one message; None when the pipe is closed, also in the middle of one."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    text = pipe.read(LENGTH.unpack(head)[0])
    try:
        header: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    payload = pipe.read(header["payload"])
    return (header, payload) if len(payload) == header["payload"] else None


if __name__ == "__main__":
    main()
