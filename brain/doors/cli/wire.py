"""What the command line and the server behind it say to one another over a socket in the home: lengths and JSON.

The socket is a file that only its owner can reach. Leaves asking to `front`, answering to `resident`. Imports little,
since a command that is answered by the server loads nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socket import socket

Said = dict[str, Any]

FILE = "serve.sock"
RUNTIME = (
    "XDG_RUNTIME_DIR"  # where this user's sockets lie, if the home has too long a path
)
# What fits into the address of a socket: 104 bytes on macOS and the BSDs, 108 on Linux, with a NUL at its end.
ADDRESS_BYTES = 103
LENGTH = struct.Struct(">I")
MOST_BYTES = (
    2**26
)  # of one message; an answer with everything in it has a few hundred thousand
# Variables that change what a command does, by name or by the beginning of it: with other values than the server's the
# command works by itself.
NAMES = ("HOME", "LANG", "LANGUAGE", "TZ", "TZDIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
BEGINNINGS = ("BRAIN_", "LC_", "OLLAMA_")
# How the name of a variable ends whose value is written into no file, so that a service has none of them
SECRETS = ("_API_KEY", "_PASSPHRASE", "_TOKEN", "_SECRET", "_PASSWORD")
# The keys that a command may need (those of `models.makers`), compared for no other command
KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")
# Of the home it is compared where it leads to. What else begins with XDG_ tells of a desktop, which a service has not.
LEFT_OUT = ("BRAIN_HOME",)


def address(home: Path, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where the socket of this home lies; None where no place for it is short enough."""
    place = home / FILE
    if len(os.fsencode(place)) <= ADDRESS_BYTES:
        return place
    folder = environ.get(RUNTIME)
    if not folder:
        return None
    named = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    place = Path(folder) / f"brain-{named}.sock"
    return place if len(os.fsencode(place)) <= ADDRESS_BYTES else None


def settings(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Every variable that changes what a command does, but secrets and where the home is."""
    return {name: value for name, value in environ.items() if _counts(name)}


def environment(environ: Mapping[str, str] = os.environ) -> str:
    """A digest of them."""
    return _digest(sorted(settings(environ).items()))


def keys(environ: Mapping[str, str] = os.environ) -> str:
    """A digest of the keys."""
    return _digest(sorted(_keys(environ).items()))


def variables(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """A digest of each setting and of each key, by its name."""
    chosen = {**settings(environ), **_keys(environ)}
    return {name: _digest(value) for name, value in chosen.items()}


def differing(told: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The names of what is not here as `variables` of another process told it in JSON."""
    here = variables(environ)
    try:
        there = dict(json.loads(told))
    except (ValueError, TypeError):
        there = {}
    names = {**here, **there}
    return sorted(name for name in names if here.get(name) != there.get(name))


def _counts(name: str) -> bool:
    if name in LEFT_OUT or name.endswith(SECRETS):
        return False
    return name in NAMES or name.startswith(BEGINNINGS)


def _keys(environ: Mapping[str, str]) -> dict[str, str]:
    """Those that hold something."""
    given = {name: environ.get(name, "").strip() for name in KEYS}
    return {name: value for name, value in given.items() if value}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def send(connection: socket, said: Said) -> None:
    """One message. Raises `OSError` where the other side is gone."""
    data = json.dumps(said).encode()
    connection.sendall(LENGTH.pack(len(data)) + data)


def receive(connection: socket) -> Said | None:
    """The next message, None at the end. Raises `OSError`, and `ValueError` for what is no message."""
    head = _exactly(connection, LENGTH.size)
    if head is None:
        return None
    (length,) = LENGTH.unpack(head)
    if length > MOST_BYTES:
        raise ValueError("a message is too long")
    body = _exactly(connection, length)
    if body is None:
        return None
    said = json.loads(body)
    if not isinstance(said, dict):
        raise ValueError("a message is no object")
    return said


def _exactly(connection: socket, length: int) -> bytes | None:
    """So many bytes; None when the other side ended before."""
    parts = []
    while length:
        part = connection.recv(min(length, 1 << 16))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
