"""Stops a connection out of this machine, or a question for a foreign name, that nobody meant to make.

Python tells an audit hook of every socket that connects or sends. The hook lets loopback pass, and one address while a
caller holds it: the gate for what a rule has allowed, the client of Ollama for a host that the person trusts. It proves
that there are no accidents. It is no sandbox: a library in C that opens a socket of its own is not seen, nor a name
that is handed to `connect` itself, and a hostile program could go around it. Imports nothing that is not loaded anyway.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from brain.errors import Refused

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

# Which of an event's values names the other side (docs.python.org, "Audit events table").
SENDING = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1}
ASKING = {
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
    "socket.getnameinfo": 0,
}
WATCHED = SENDING | ASKING
# Of this machine, as they are written most of the time; "" and the addresses of zeros mean it as well.
HERE = ("127.0.0.1", "::1", "localhost", "", "0.0.0.0", "::")
HINT = "only the gate may leave this machine: `brain ledger` shows what did"

_held: ContextVar[tuple[str, int] | None] = ContextVar("held", default=None)
_set = False


@contextmanager
def permitted(host: str, port: int) -> Iterator[None]:
    """While this is held, by this thread alone, that host may be looked up, and its port called."""
    token = _held.set((host, port))
    try:
        yield
    finally:
        _held.reset(token)


def set_up() -> None:
    """Watch from now on; once for a process, and for good."""
    global _set
    if not _set:
        _set = True
        sys.addaudithook(_watch)


def _watch(event: str, values: tuple[Any, ...]) -> None:
    """Called for every event of the process, thousands of times: one look into a table for all but a few."""
    place = WATCHED.get(event)
    if place is None:
        return
    host, port = _other_side(values[place], asking=event in ASKING)
    if host in HERE or _loopback(host):
        return
    held = _held.get()
    if held and (host == held[0] if event in ASKING else _called(host, port, held)):
        return
    raise Refused(f"a way out of this machine was stopped: {host}", HINT)


def _other_side(address: Any, *, asking: bool) -> tuple[str, int]:
    """Host and port; ("", 0) for what leads to no other machine: a socket file, or one that is connected already."""
    if isinstance(address, tuple):
        host, port = address[0], address[1]
    elif asking:
        host, port = address, 0
    else:
        return "", 0
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("utf-8", "replace")
    return (host, port) if isinstance(host, str) else ("", 0)


def _called(host: str, port: int, held: tuple[str, int]) -> bool:
    """The port that is held, at that address, or at any where a name is held, whose address nobody knows before."""
    if port != held[1]:
        return False
    return host == held[0] or not _literal(held[0])


def _loopback(host: str) -> bool:
    address = _literal(host.partition("%")[0])
    return address is not None and address.is_loopback


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that is written as numbers, None for a name."""
    from ipaddress import ip_address

    try:
        return ip_address(host)
    except ValueError:
        return None
