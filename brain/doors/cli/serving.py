"""`brain serve`: one process that stays, with models loaded: it answers the commands of every terminal, a browser, and
programs.

The one command that starts other doors. Leaves the socket to `resident`, HTTP to `brain.doors.http`, and the threads to
`Pool`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brain.doors.cli import front
from brain.doors.cli.app import DOORS, register
from brain.doors.cli.options import flag, option
from brain.doors.cli.session import Session, session
from brain.doors.lines import short_path
from brain.errors import NotFound

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.app.pool import Pool
    from brain.doors.http.settings import Settings

PORT = 8420
HOST = "127.0.0.1"

Port = Annotated[int, option("--port", "NUMBER", "Where it listens.", min=1, max=65535)]
Host = Annotated[
    str, option("--host", "ADDRESS", "Of this machine, else with a certificate.")
]
Certificate = Annotated[str, option("--certificate", "FILE", "For https.")]
Key = Annotated[str, option("--key", "FILE", "The certificate's private key.")]
ReadOnly = Annotated[
    bool, flag("--read-only", "Nothing is kept and nothing is changed.")
]
Address = Annotated[
    bool, flag("--address", "Print a new address of the running server and leave.")
]
Token = Annotated[
    bool,
    flag("--token", "Print the token for programs and leave: keep it to yourself."),
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
    address: Address = False,
    token: Token = False,
) -> None:
    """Stay, with the models loaded: search, ask and recall of every terminal are answered at once, and programs and a
    browser on this machine may ask. Ctrl-C ends it.
    """
    from brain.app.pool import Pool
    from brain.config import load, make_home
    from brain.doors.http.access import token_of
    from brain.doors.http.app import check
    from brain.doors.http.settings import Settings

    run = session(context)
    config = load()
    if address:
        run.out.print([_new_address()])
        return
    make_home(config)
    if token:
        run.out.print([token_of(config.home)])
        return
    settings = Settings(
        port, host, read_only=read_only, certificate=certificate, key=key
    )
    check(settings)
    with Pool(load) as pool:
        _serve(run, pool, settings)


def _new_address() -> str:
    """An address that opens the page once. Raises `NotFound` where no server runs."""
    said = front.told_by_the_server("address")
    if not said:
        raise NotFound("no server of this home is running", "start one: brain serve")
    return said


def _serve(run: Session, pool: Pool, settings: Settings) -> None:
    """Open the socket and the port, say where, and answer until it is ended."""
    from brain.doors.cli.resident import Resident
    from brain.doors.http.access import Access, token_of
    from brain.doors.http.app import application, listening
    from brain.doors.http.app import run as answer_http

    access = Access(token_of(pool.config.home))

    def told(what: str) -> str:
        if what != "address":
            return ""
        return f"{settings.address}/?word={access.new_word()}"

    with listening(settings) as listens, Resident(pool, told):
        index = pool.run(_warm)
        home = short_path(str(pool.config.home))
        run.out.say(f"serving {home}; its index is {index}. Ctrl-C ends it")
        run.out.print([told("address")])
        run.out.flush()
        answer_http(application(pool, settings, access), settings, listens)


def _warm(brain: Brain) -> str:
    return brain.warm()
