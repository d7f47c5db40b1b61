"""`brain serve`: one process that stays, with models loaded: it answers the commands of every terminal, a browser, and
programs, and takes in what changes in the added folders; `brain watch`: the last alone.

The commands that start other doors. Leaves the socket to `resident`, HTTP to `brain.doors.http`, folders to
`brain.doors.watch`, and the threads to `Pool`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from brain import __version__
from brain.doors.cli import front, wire
from brain.doors.cli.app import DOORS, register
from brain.doors.cli.options import LabelWord, choice, flag, option
from brain.doors.cli.session import Session, session
from brain.doors.http.settings import HOST, PORT
from brain.doors.lines import short_path
from brain.errors import BrainError, NotFound

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.app.loaded import LoadedModels
    from brain.app.pool import Pool
    from brain.config import Config
    from brain.doors.cli.wire import Said
    from brain.doors.http.access import Access
    from brain.doors.http.settings import Settings
    from brain.doors.log import Log
    from brain.doors.upkeep import Upkeep

Port = Annotated[int, option("--port", "NUMBER", "Where it listens.", min=1, max=65535)]
Host = Annotated[
    str, option("--host", "ADDRESS", "Of this machine, else with a certificate.")
]
Certificate = Annotated[str, option("--certificate", "FILE", "For https.")]
Key = Annotated[str, option("--key", "FILE", "The certificate's private key.")]
ReadOnly = Annotated[
    bool, flag("--read-only", "Nothing is kept and nothing is changed.")
]
NoWatch = Annotated[
    bool, flag("--no-watch", "Folders are not watched, only looked at with a question.")
]
AtMost = Annotated[
    LabelWord,
    choice("--at-most", "The most confidential that programs of others' make see."),
]
Writes = Annotated[bool, flag("--writes", "Agents may propose what to remember.")]
Address = Annotated[
    bool, flag("--address", "Print a new address of the running server and leave.")
]
Token = Annotated[
    bool,
    flag("--token", "Print the token for programs and leave: keep it to yourself."),
]

GuestToken = Annotated[
    bool,
    flag("--guest-token", "Print the token for chat programs and agents and leave."),
]


@register(
    "serve",
    DOORS,
    examples=(
        "brain serve",
        "brain serve --address",
        'curl -H "Authorization: Bearer $(brain serve --token)" "http://127.0.0.1:8420/api/v1/search?q=lease"',
    ),
)
def serve(
    context: typer.Context,
    port: Port = PORT,
    host: Host = HOST,
    certificate: Certificate = "",
    key: Key = "",
    read_only: ReadOnly = False,
    writes: Writes = False,
    no_watch: NoWatch = False,
    at_most: AtMost = LabelWord.INTERNAL,
    address: Address = False,
    token: Token = False,
    guest_token: GuestToken = False,
) -> None:
    """Stay, with the models loaded, and answer every terminal at once.

    Programs and a browser on this machine may ask as well, and what changes in the added folders is taken in. Ctrl-C
    ends it.
    """
    from brain.app.pool import Pool
    from brain.config import load, make_home
    from brain.doors.http.access import guest_token_of, token_of
    from brain.doors.http.app import check
    from brain.doors.http.settings import Settings
    from brain.doors.upkeep import check_service
    from brain.labels import Label

    run = session(context)
    config = load()
    if address:
        run.out.print([_new_address()])
        return
    make_home(config)
    if token:
        run.out.print([token_of(config.home)])
        return
    if guest_token:
        run.out.print([guest_token_of(config.home)])
        return
    settings = Settings(
        port,
        host,
        at_most=Label.of(at_most),
        read_only=read_only,
        writes=writes and not read_only,
        certificate=certificate,
        key=key,
    )
    check(settings)
    check_service(config.service)
    with Pool(load) as pool:
        _serve(run, pool, settings, watch=not (no_watch or read_only))


@register("watch", DOORS, examples=("brain watch",))
def watch(context: typer.Context) -> None:
    """Take in what changes in the added folders, as it changes.

    `brain serve` does it as well; this is without a server. Ctrl-C ends it.
    """
    from brain.app.pool import Pool
    from brain.config import load
    from brain.doors.watch import Watcher

    run = session(context)
    if front.told_by_the_server("address"):
        raise BrainError(
            "the server of this home watches already",
            "end it first, or start it with --no-watch",
        )
    with Pool(load, workers=1, open_brain=_for_a_watcher) as pool:
        places = pool.run(lambda brain: brain.folders.places())
        run.out.say(f"watching {_folders(len(places))}. Ctrl-C ends it")
        run.out.flush()
        with Watcher(pool, run.out.say) as watcher:
            watcher.wait()


def _for_a_watcher(config: Config, loaded: LoadedModels) -> Brain:
    """Nobody asks it, so that no index is kept open."""
    from brain.app import Brain

    return Brain(config, loaded=loaded)


def _folders(count: int) -> str:
    if not count:
        return "for folders that are added: none is yet"
    return f"{count:,} folder{'s' * (count != 1)}"


def _new_address() -> str:
    """An address that opens the page once. Raises `NotFound` where no server runs."""
    said = front.told_by_the_server("address")
    if not said:
        raise NotFound("no server of this home is running", "start one: brain serve")
    return said


class _Told:
    """What the server says of itself to the commands of its home."""

    def __init__(self, settings: Settings, access: Access) -> None:
        self._settings = settings
        self._access = access
        self.upkeep: Upkeep | None = None  # once it serves

    def __call__(self, what: str) -> str:
        if what == "address":
            return f"{self._settings.address}/?word={self._access.new_word()}"
        if what == "version":
            return f"{__version__} {json.dumps(wire.variables())}"
        if what == "health" and self.upkeep is not None:
            return json.dumps(asdict(self.upkeep.health()))
        return ""


def _serve(run: Session, pool: Pool, settings: Settings, *, watch: bool) -> None:
    """Open the socket and the port, say where, and answer until it is ended."""
    from brain.doors.agents.calls import answer_wire
    from brain.doors.agents.mounted import PATH, Mounted
    from brain.doors.agents.rights import Rights
    from brain.doors.cli.resident import Resident
    from brain.doors.http.access import access_of
    from brain.doors.http.app import application, listening
    from brain.doors.http.app import run as answer_http
    from brain.doors.log import Log

    access = access_of(pool.config.home)
    told = _Told(settings, access)

    def called(brain: Brain, said: Said) -> Said:
        look = not pool.watched()
        return answer_wire(brain, said, look=look, read_only=settings.read_only)

    with ExitStack() as opened:
        log = opened.enter_context(Log(pool.config.home))
        opened.enter_context(log.of_failures())
        listens = opened.enter_context(listening(settings))
        read_only = settings.read_only
        opened.enter_context(Resident(pool, told, called, read_only=read_only))
        index = pool.run(_warm)
        log.say(f"serving: version {__version__}, process {os.getpid()}")
        look = None
        if not settings.read_only:
            told.upkeep = opened.enter_context(_looked_after(pool, log, watch=watch))
            look = told.upkeep.health
        home = short_path(str(pool.config.home))
        run.out.say(f"serving {home}; its index is {index}. Ctrl-C ends it")
        run.out.print([told("address")])
        run.out.flush()
        rights = Rights(settings.at_most, writes=settings.writes)
        agents = Mounted(pool, rights, read_only=settings.read_only)
        app = application(pool, settings, access, look, {PATH: agents})
        answer_http(app, settings, listens)


@contextmanager
def _looked_after(pool: Pool, log: Log, *, watch: bool) -> Iterator[Upkeep]:
    """The server's upkeep, and its folders watched where that is wanted."""
    from brain.doors.service import restart_unit
    from brain.doors.upkeep import Upkeep
    from brain.doors.watch import Watcher

    service = pool.config.service
    restart = None
    if service.restart_ollama:
        restart = partial(restart_unit, service.restart_ollama)
    with ExitStack() as opened:
        watcher = None
        if watch:
            watcher = opened.enter_context(Watcher(pool, log.say))
            pool.watched = watcher.keeps_up
        upkeep = Upkeep(
            pool,
            log.say,
            nightly=service.nightly,
            restart=restart,
            watched=lambda: watcher.told() if watcher else (0, ()),
        )
        yield opened.enter_context(upkeep)


def _warm(brain: Brain) -> str:
    return brain.warm()
