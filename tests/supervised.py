"""A small supervisor that does what the unit of `brain service install` says: start it, wait, start it again.

It reads command, environment and pause from the text of the unit, so that what is tried is what systemd is told. For
machines without systemd, as those that run the tests are.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from brain.doors import notify


class Supervisor:
    """Keeps the command of a unit running until it is closed. A context manager.

    `ready`: when each start said that it serves, in seconds of `time.monotonic`.
    """

    def __init__(self, unit: str, folder: Path) -> None:
        self.settings = list(_settings(unit))
        facts = dict(self.settings)
        assert facts["Restart"] == "always"
        self._pause = float(facts["RestartSec"])
        self._command = _words(facts["ExecStart"].replace("$$", "$"))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        pairs = [
            _words(value)[0] for name, value in self.settings if name == "Environment"
        ]
        own = dict(pair.split("=", 1) for pair in pairs)
        self._environ = {**os.environ, **own, notify.SOCKET: str(folder / "notify")}
        self.ready: list[float] = []
        self._over = False
        self._process: subprocess.Popen[bytes] | None = None
        self._runs = threading.Thread(target=self._run)
        self._hears = threading.Thread(target=self._hear)

    def __enter__(self) -> Self:
        self._runs.start()
        self._hears.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self.signal(signal.SIGTERM)
        self._runs.join()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._hears.join()
        self._socket.close()

    def signal(self, number: int) -> None:
        """To the process that runs now, if one does."""
        process = self._process
        if process is not None:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    def _run(self) -> None:
        while not self._over:
            silent = subprocess.DEVNULL
            self._process = subprocess.Popen(
                self._command, env=self._environ, stdout=silent, stderr=silent
            )
            self._process.wait()
            if not self._over:
                time.sleep(self._pause)

    def _hear(self) -> None:
        while not self._over:
            with suppress(OSError):
                if self._socket.recv(100).decode() == notify.READY:
                    self.ready.append(time.monotonic())


def _settings(unit: str) -> Iterator[tuple[str, str]]:
    for row in unit.splitlines():
        name, sign, value = row.partition("=")
        if sign and not row.startswith("#"):
            yield name, value


def _words(value: str) -> list[str]:
    """The words of a value as systemd reads them: quotes and backslashes as in a shell, `%%` for a percent sign."""
    return [word.replace("%%", "%") for word in shlex.split(value)]
