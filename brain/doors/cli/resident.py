"""The server behind the command line: it does a command with models that are loaded, and prints into the socket.

It runs the very same command with a session of its own, so that nothing can be printed otherwise; what it was started
with has to be what the command was started with. Leaves the other side to `front`, the threads to `Pool`. Serves
`brain serve`.
"""

from __future__ import annotations

import base64
import io
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from brain import __version__
from brain.doors.cli import run, wire
from brain.doors.cli.consent import told
from brain.doors.cli.session import Session, edit_file, launch
from brain.doors.lines import line, seen_from
from brain.doors.render import Out
from brain.errors import BrainError

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.app.outside import Agree, Shown, Yes
    from brain.app.pool import Pool
    from brain.doors.cli.wire import Said
    from brain.types import Passages

BACKLOG = 64
Called = Callable[["Brain", "Said"], "Said"]
ANSWERS: dict[str, Yes] = {"once": "once", "hour": "hour"}


class Sent(io.TextIOBase):
    """A stream whose text goes to the other side. Raises `BrokenPipeError` where that is gone."""

    def __init__(
        self, connection: socket.socket, name: str, facts: Mapping[str, Any]
    ) -> None:
        self._connection = connection
        self._name = name
        self._tty = bool(facts["tty"])
        self._encoding = str(facts["encoding"])

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream it ends in."""
        return self._encoding

    def isatty(self) -> bool:
        """Whether that stream is a terminal."""
        return self._tty

    def write(self, text: str) -> int:
        """Send it at once, so that an answer is seen as it comes."""
        if text:
            try:
                wire.send(self._connection, {self._name: text})
            except OSError:
                raise BrokenPipeError from None
        return len(text)


class Resident:
    """Listens on the socket of a home and does what comes, each command in a worker of the pool. A context manager.

    `told` answers what a command asks of the server itself ("address"), `called` the call of an agent. `read_only`: the
    commands of terminals, which keep what they do, are left to themselves.
    Raises `BrainError` where another server has the home, or no socket can be made.
    """

    def __init__(
        self,
        pool: Pool,
        told: Callable[[str], str] = lambda _what: "",
        called: Called | None = None,
        *,
        read_only: bool = False,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._pool = pool
        self._told = told
        self._called = called
        self._read_only = read_only
        self._environment = wire.environment(environ)
        self._keys = wire.keys(environ)
        place = wire.address(pool.config.home, environ)
        if place is None:
            raise BrainError(
                f"the path of {pool.config.home} is too long for a socket in it",
                f"set {wire.RUNTIME} to a short folder of your own, or BRAIN_HOME to another",
            )
        self.place = place
        self._socket = _listening(place)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def __enter__(self) -> Resident:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more; what was begun is finished by the pool."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.place.unlink(missing_ok=True)
        self._thread.join()

    def _listen(self) -> None:
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return  # closed
            threading.Thread(
                target=self._serve, args=(connection,), daemon=True
            ).start()

    def _serve(self, connection: socket.socket) -> None:
        """One command. Whoever asked may be gone at any moment; that ends the command with the next thing it prints."""
        with connection, suppress(OSError):
            try:
                asked = wire.receive(connection) or {}
            except ValueError:  # garbage
                return
            if asked:
                wire.send(connection, self._reply(connection, asked))

    def _reply(self, connection: socket.socket, asked: Said) -> Said:
        """The last thing that is said to what is asked. Raises `OSError` where nobody waits for it any more."""
        if "tell" in asked:
            return {"told": self._told(str(asked["tell"]))}
        differs = self._differs(asked)
        if differs:
            return {"no": differs}
        try:
            return self._pool.run(lambda brain: self._answer(brain, connection, asked))
        except SystemExit:
            raise BrokenPipeError from None
        except BrainError as error:  # more work than may wait
            return {"no": error.message}

    def _answer(self, brain: Brain, connection: socket.socket, asked: Said) -> Said:
        """In a worker: the call of an agent, or a command. Raises `OSError` where whoever asked waits no more."""
        wire.send(connection, {"begun": True})
        if "call" not in asked:
            return {"code": _done(brain, connection, asked)}
        if self._called is None:
            return {"no": "this server answers no agents"}
        return {"reply": self._called(brain, asked["call"])}

    def _differs(self, asked: Said) -> str:
        """Why this server must not do it; "" when it may."""
        if self._read_only and "call" not in asked:
            return "this server keeps nothing"
        if asked.get("version") != __version__:
            return f"the server is version {__version__}"
        if asked.get("environment") != self._environment:
            return "the server was started with other settings in its environment"
        if asked.get("keys", self._keys) != self._keys:
            return "the server was started with other keys"
        return ""


def _listening(place: Path) -> socket.socket:
    """The socket, in place of one that a dead server left. Raises `BrainError`."""
    made = socket.socket(socket.AF_UNIX)
    try:
        made.connect(str(place))
    except OSError:
        made.close()
        with suppress(FileNotFoundError):
            place.unlink()
    else:
        made.close()
        raise BrainError(
            "a server of this home is running already", "`brain status` tells its port"
        )
    made = socket.socket(socket.AF_UNIX)
    try:
        made.bind(str(place))
        place.chmod(0o600)
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise BrainError(
            f"no socket can be made at {place}: {error.strerror}",
            "set BRAIN_HOME to a folder on a disk of this machine",
        ) from None
    return made


def _done(brain: Brain, connection: socket.socket, asked: Said) -> int:
    """Do the command as the process that asks would, and return its exit code."""
    out = Out(
        cast("TextIO", Sent(connection, "out", asked["out"])),
        cast("TextIO", Sent(connection, "err", asked["err"])),
        environ=asked["colours"],
        columns=int(asked["columns"]),
    )

    def consent(_out: Out) -> Agree | None:
        return _asking(connection, out) if asked["person"] else None

    session = Session(
        out, io.StringIO(), lambda told: brain.lent(told), edit_file, launch, consent
    )
    with seen_from(str(asked["folder"])):
        return run([str(word) for word in asked["words"]], session)


def _asking(connection: socket.socket, out: Out) -> Agree:
    """Asks the person at the other side; where that is gone nobody says yes."""

    def agree(shown: Shown, passages: Passages) -> Yes:
        out.say(*map(line, told(shown, passages)))
        body = base64.b64encode(shown.body).decode()
        try:
            wire.send(
                connection,
                {"agree": {"body": body, "for_an_hour": bool(shown.folders)}},
            )
            said = wire.receive(connection) or {}
        except (OSError, ValueError):
            return ""
        return ANSWERS.get(str(said.get("answer")), "")

    return agree
