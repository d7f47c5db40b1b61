"""What children are made to do in tests: `running("tests.child_tasks:NAME")`."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

Answers = Iterator[dict[str, Any]]


def _state(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except PermissionError:
        return "closed"
    return "open"


# What carries words out: a connection, and every look-up of a name or an address.
OUTWARD: tuple[Callable[[], object], ...] = (
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: socket.gethostbyname("localhost"),
    lambda: socket.gethostbyname_ex("localhost"),
    lambda: socket.gethostbyaddr("127.0.0.1"),
    lambda: socket.getnameinfo(("127.0.0.1", 9), 0),
    lambda: socket.getaddrinfo("localhost", 9),
)


def limits_and_doors(_request: object, _payload: bytes, _kept: ExitStack) -> Answers:
    """As the error of a file that is read: limits of memory and core dumps, whether network and programs are closed."""
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_CORE)
    said: list[object] = [resource.getrlimit(kind)[0] for kind in kinds]
    said.append("open" if "open" in map(_state, OUTWARD) else "closed")
    said.append(_state(lambda: subprocess.run(["true"], check=False)))
    yield {"error": ["unreadable", json.dumps(said), ""]}


def echo(request: Any, payload: bytes, _kept: ExitStack) -> Answers:
    """The request, then how many bytes came with it."""
    yield {"value": request}
    yield {"value": len(payload)}


def _start_thread() -> int:
    threading.Thread(target=time.sleep, args=(600,)).start()
    return 1


def misbehave(request: str, _payload: bytes, _kept: ExitStack) -> Answers:
    """Do what the request names."""
    deeds: dict[str, Callable[[], object]] = {
        "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
        "exit": lambda: os._exit(3),
        "hang": lambda: time.sleep(600),
        "compute": lambda: [None for _ in iter(int, 1)],
        "allocate": lambda: [bytes(2**27) for _ in range(16)],
        "fail": lambda: 1 // 0,
        "fail beside a thread": lambda: _start_thread() // 0,
    }
    deeds[request]()
    yield {"value": "done"}


def write(request: str, _payload: bytes, _kept: ExitStack) -> Answers:
    """Write two megabytes to the file that the request names."""
    try:
        Path(request).write_bytes(bytes(2**21))
    except OSError as error:
        yield {"value": type(error).__name__}
    yield {"value": os.path.getsize(request)}


def environment(_request: object, _payload: bytes, _kept: ExitStack) -> Answers:
    """What it was started with, and whether it prints among its answers."""
    print("a library says something")
    sys.stdout.flush()
    yield {"value": [os.getcwd(), *sorted(os.environ)]}


def keeps(request: str, _payload: bytes, kept: ExitStack) -> Answers:
    """Touch the file that the request names when the child ends in good order."""
    kept.callback(Path(request).touch)
    yield {"value": "kept"}
