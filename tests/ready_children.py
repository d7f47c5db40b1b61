"""Starts the limited children of the tests (`brain.child`) quickly: a process that has their libraries loaded forks.

    ready = ReadyChildren()
    process = ready.start(running("ingest.worker:answers"), environment)  # in place of `brain.child._started`
    ready.close()

To load Chroma takes a second of processor time and a reader up to half of one, and the tests start hundreds of children.
One nursery (tests/nursery.py) for each task has loaded what it uses. Any other command is started as ever: so
are the children of tests/app/test_child.py, and those of every command that a test runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from select import select
from typing import Any

from brain.child import _started as as_ever
from brain.faults import VARIABLE

POSSIBLE = hasattr(os, "pidfd_open")  # on Linux
NURSERY = Path(__file__).with_name("nursery.py")
ANSWER_BYTES = 32  # a number
# What a child of each task has loaded when it has answered; of the readers, those of files that tests often make.
LOADED = {
    "brain.index.chroma_child:answer": "chromadb brain.index.chroma_child",
    "brain.keeping.isolated:answer": (
        "brain.keeping.isolated brain.keeping.files brain.store.copies brain.store.freed"
    ),
    "ingest.worker:answers": (
        "ingest.worker ingest.loading ingest.tokens:encoding dateparser docx lxml.html openpyxl oxmsg pptx pypdf "
        "ingest.readers.docx ingest.readers.mail ingest.readers.pdf ingest.readers.pptx ingest.readers.xlsx"
    ),
}


class ReadyChildren:
    """The nurseries of this process, each started when it is first needed."""

    def __init__(self) -> None:
        self._nurseries: dict[str, Nursery] = {}

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> Any:
        """The child that runs the command: a `subprocess.Popen`, or what can be asked the same."""
        tasks = LOADED.keys() & set(command)
        # A fault point is read when `brain.faults` is loaded, which is before the fork.
        if not tasks or not POSSIBLE or VARIABLE in environment:
            return as_ever(command, environment)
        (task,) = tasks
        if task not in self._nurseries:
            self._nurseries[task] = Nursery(command, environment, LOADED[task])
        return Forked(self._nurseries[task], command, environment)

    def close(self) -> None:
        """End them, and what they started."""
        for nursery in self._nurseries.values():
            nursery.close()


class Nursery:
    """A process that forks, started with the Python and the options of the command."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], modules: str
    ) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        python = command[: command.index("-c")]
        with theirs:
            self._process = subprocess.Popen(
                [*python, str(NURSERY), str(theirs.fileno()), *modules.split()],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=Path(sys.executable).anchor,
                env=environment,
                start_new_session=True,
            )

    def ask(self, request: Mapping[str, Any], files: Iterable[int] = ()) -> int:
        """One request there, one number back."""
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(request).encode()], list(files))
            return int(self._socket.recv(ANSWER_BYTES))

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


class Forked:
    """A child of a nursery, with as much of `subprocess.Popen` as `brain.child` uses."""

    def __init__(
        self, nursery: Nursery, command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.returncode: int | None = None
        self._nursery, self._command = nursery, command
        _flag, code, *words = command[command.index("-c") :]
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        request = {"code": code, "words": words, "environ": dict(environment)}
        self.pid = nursery.ask(request, (theirs_in, theirs_out))
        os.close(theirs_in)
        os.close(theirs_out)
        self._end = os.pidfd_open(self.pid)
        self.stdin, self.stdout = open(ours_in, "wb"), open(ours_out, "rb")  # noqa: SIM115 - `Child` closes them

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self._command, timeout or 0)
            self.returncode = self._nursery.ask({"reap": self.pid})
            os.close(self._end)
        return self.returncode

    def __del__(self) -> None:
        if self.returncode is None:
            warnings.warn(f"child {self.pid} still runs", ResourceWarning, stacklevel=2)
