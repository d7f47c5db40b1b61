"""Hears every attempt of this process to reach another side, before anything can stop it, and all that is logged.

By the methods of Python's sockets, which the packages of the makers use as well; what a library in C does of itself is
seen from outside alone. Serves the canary run.
"""

from __future__ import annotations

import io
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from brain import tripwire

# Of each method the place of the address among its values, and how many it has then at least.
CONNECTING = ("connect", "connect_ex")
SENDING = {"sendto": 2, "sendmsg": 4}
# Those that send tell all they know; of others what is meant for more than their authors.
LOGS = {
    "": logging.INFO,
    "brain": logging.DEBUG,
    "anthropic": logging.DEBUG,
    "openai": logging.DEBUG,
    "httpx2": logging.DEBUG,
    "httpcore2": logging.DEBUG,
}


@dataclass(frozen=True)
class Call:
    """An attempt. `permitted`: somebody held the way open for exactly this address."""

    how: str
    host: object
    port: object
    permitted: bool


@dataclass
class Watch:
    """What was heard so far."""

    calls: list[Call] = field(default_factory=list)
    log: io.StringIO = field(default_factory=io.StringIO)

    def heard(self, how: str, address: Any) -> None:
        """An address is a pair at least; anything else leads to no other machine."""
        if isinstance(address, tuple):
            host, port = address[:2]
            permitted = tripwire._held.get() == (host, port)
            self.calls.append(Call(how, host, port, permitted))

    def connections(self, host: str) -> int:
        """Attempts to connect to an address with its port."""
        to = [one for one in self.calls if f"{one.host}:{one.port}" == host]
        return sum(one.how in CONNECTING for one in to)

    def strange(self, *hosts: str) -> list[Call]:
        """Attempts to reach anything else, and those for which nobody held the way open."""
        found = []
        for one in self.calls:
            if f"{one.host}:{one.port}" not in hosts or not one.permitted:
                found.append(one)
        return found


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """From here on, until the end of the block."""
    watch = Watch()
    handler = logging.StreamHandler(watch.log)
    levels = {name: logging.getLogger(name).level for name in LOGS}
    logging.getLogger().addHandler(handler)
    for name, level in LOGS.items():
        logging.getLogger(name).setLevel(level)
    try:
        with monkeypatch.context() as patched:
            for name in CONNECTING:
                patched.setattr(socket.socket, name, _method(watch, name, 1))
            for name, least in SENDING.items():
                patched.setattr(socket.socket, name, _method(watch, name, least))
            patched.setattr(socket, "getaddrinfo", _asking(watch))
            yield watch
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        logging.getLogger().removeHandler(handler)


def _method(watch: Watch, name: str, least: int) -> Callable[..., Any]:
    """The method, heard; its last value is the address, where it has that many."""
    as_ever = getattr(socket.socket, name)

    def method(self: socket.socket, *values: Any) -> Any:
        if len(values) >= least:
            watch.heard(name, values[-1])
        return as_ever(self, *values)

    return method


def _asking(watch: Watch) -> Callable[..., Any]:
    as_ever = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *values: Any, **named: Any) -> Any:
        watch.heard("getaddrinfo", (host, port))
        return as_ever(host, port, *values, **named)

    return getaddrinfo
