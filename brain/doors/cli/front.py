"""A command that the server of this home answers, where one runs: its models are loaded, so that nothing is here.

Same words, same output, same exit code. What differs makes the command work by itself, silently: no server, one of
another version, other settings in the environment. Leaves out the commands; serves `main`.
"""

from __future__ import annotations

import base64
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from brain import __version__
from brain.doors.cli import wire
from brain.errors import Unavailable

if TYPE_CHECKING:
    from socket import socket

    from brain.doors.cli.wire import Said

# Those that need the models or the index; the others are as quick without it.
ANSWERED = ("search", "ask", "recall")
# What may write by a model of a cloud, and so needs its key
NEED_KEYS = ("ask",)
# What only this process can do: read its standard input, shut itself off, print typer's own help.
OWN = ("-", "--offline", "--help")
# Variables that say how a terminal shows colours.
COLOURS = ("NO_COLOR", "TERM", "COLORTERM", "FORCE_COLOR", "TTY_COMPATIBLE")
CONNECT_SECONDS = 1.0
TOLD_SECONDS = 5.0  # for what a server knows without looking
ANEW = "brain service install, or Ctrl-C in its terminal and brain serve"
# A server that has not begun by then is stuck, or has more to do: the command is as quick by itself.
BEGUN_SECONDS = 2.0
# The server stopped while it answered: as for any other part that does not answer.
STOPPED = 6


def answered(words: Sequence[str]) -> int | None:
    """The exit code of the command, answered by the server; None where this process has to do it."""
    if not words or words[0] not in ANSWERED or any(word in OWN for word in words):
        return None
    connection = _connected()
    if connection is None:
        return None
    with connection:
        try:
            wire.send(connection, _request(words))
            if not _begun(connection):
                return None
            return _shown(connection)
        except (OSError, ValueError):
            return None
        except KeyboardInterrupt:
            return _interrupted(words)


def told_by_the_server(what: str, *, seconds: float | None = None) -> str | None:
    """What the server of this home says of itself; None where none runs.

    Raises `Unavailable` where it says nothing within `seconds`.
    """
    connection = _connected()
    if connection is None:
        return None
    with connection:
        connection.settimeout(seconds)
        try:
            wire.send(connection, {"tell": what})
            said = wire.receive(connection) or {}
        except TimeoutError:
            raise _stuck(seconds or 0.0) from None
        except (OSError, ValueError):
            return None
    return str(said.get("told", ""))


def difference() -> str:
    """Why the server of this home answers no command of this one, and the cure; "" where it does, or none runs."""
    try:
        said = told_by_the_server("version", seconds=TOLD_SECONDS)
    except Unavailable as error:
        return f"{error.message}; {error.hint}"
    if said is None:
        return ""
    version, _space, variables = said.partition(" ")
    if version != __version__:
        other = f"version {version}" if version else "another version"
        return (
            f"the server of this home is {other} and this command {__version__}, so that commands work by themselves; "
            f"start it anew: {ANEW}"
        )
    return _of_variables(wire.differing(variables))


def _of_variables(names: Sequence[str]) -> str:
    """What to tell of variables of the environment that the server has otherwise."""
    settings = [name for name in names if name not in wire.KEYS]
    if settings:
        return (
            f"the server of this home was started with other settings in its environment ({', '.join(settings)}), so "
            f"that commands work by themselves; start it anew: {ANEW}"
        )
    if names:
        return (
            f"the server of this home has not the same {', '.join(names)}, so that `brain ask` works by itself; let "
            "`brain cloud enable` keep the key in the keyring and unset the variable"
        )
    return ""


def _stuck(seconds: float) -> Unavailable:
    return Unavailable(
        f"the server of this home does not answer within {seconds:.0f} s",
        f"start it anew: {ANEW}",
    )


def called(said: Said) -> Said | None:
    """What the server of this home answers to a call of an agent; None where this process has to."""
    connection = _connected()
    if connection is None:
        return None
    asked = {
        "version": __version__,
        "environment": wire.environment(),
        "call": said,
        **_keys(said.get("name")),
    }
    with connection:
        try:
            wire.send(connection, asked)
            if not _begun(connection):
                return None
            answer = wire.receive(connection) or {}
        except (OSError, ValueError):
            return None
    return answer.get("reply")


def _begun(connection: socket) -> bool:
    """Whether the server does it, which it says when a worker takes it up. Raises `OSError`."""
    connection.settimeout(BEGUN_SECONDS)
    said = wire.receive(connection) or {}
    connection.settimeout(None)
    return "begun" in said


def _interrupted(words: Sequence[str]) -> int:
    """Say it as a command does that works by itself. The server stops with the next thing that it prints."""
    from brain.doors.cli.outcome import exit_code
    from brain.doors.render import Out

    def stop() -> None:
        raise KeyboardInterrupt

    return exit_code(stop, Out(sys.stdout, sys.stderr), words)


def _connected() -> socket | None:
    """The way to the server of the home, None where there is none."""
    import socket

    from brain.config import default_home

    if not hasattr(socket, "AF_UNIX"):
        return None
    place = wire.address(default_home(os.environ))
    if place is None or not place.exists():
        return None
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(CONNECT_SECONDS)
    try:
        connection.connect(str(place))
    except OSError:
        connection.close()  # left by a server that was killed
        return None
    connection.settimeout(None)
    return connection


def _request(words: Sequence[str]) -> Said:
    """The command, and what the server has to know of this process to print what it would."""
    return {
        "version": __version__,
        "environment": wire.environment(),
        **_keys(words[0]),
        "words": list(words),
        "folder": os.getcwd(),
        "columns": shutil.get_terminal_size().columns,
        "colours": _given(os.environ, COLOURS),
        "person": _is_a_person(),
        "out": _stream(sys.stdout),
        "err": _stream(sys.stderr),
    }


def _keys(work: object) -> Said:
    """The keys of this process, as a digest, where the work may need one."""
    return {"keys": wire.keys()} if work in NEED_KEYS else {}


def _given(environ: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: environ[name] for name in names if name in environ}


def _is_a_person() -> bool:
    """Whether somebody waits at this terminal who can be asked, as `consent` has it."""
    from brain.doors.cli.person import AGENTS

    return sys.stderr.isatty() and not any(map(os.environ.get, AGENTS))


def _stream(stream: TextIO) -> Said:
    return {"tty": stream.isatty(), "encoding": stream.encoding or "utf-8"}


def _shown(connection: socket) -> int | None:
    """Print what the server says as it comes. None where it does not answer this command."""
    streams = {"out": sys.stdout, "err": sys.stderr}
    printed = False
    while (said := _next(connection)) is not None:
        if "code" in said:
            return int(said["code"])
        if "agree" in said:
            wire.send(connection, {"answer": _agreed(said["agree"])})
            continue
        for name, stream in streams.items():
            if name in said:
                printed = True
                _write(stream, said[name])
    if not printed:
        return None
    sys.stderr.write("brain: the server stopped while it answered\n")
    sys.stderr.write("  run the command again: it works without a server as well\n")
    return STOPPED


def _next(connection: socket) -> Said | None:
    """The next message, None at the end: what was printed is not printed once more, however the server ended."""
    try:
        return wire.receive(connection)
    except OSError:
        return None


def _write(stream: TextIO, text: str) -> None:
    """A reader that went away ends the command quietly, as it does without a server."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        raise SystemExit(0) from None


def _agreed(shown: Said) -> str:
    """What the person at this terminal says to what would leave."""
    from brain.doors.cli.consent import answer
    from brain.doors.render import Out

    out = Out(sys.stdout, sys.stderr)
    body = base64.b64decode(shown["body"])
    return answer(out, body, for_an_hour=shown["for_an_hour"])
