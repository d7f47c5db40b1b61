"""The commands that make `brain serve` a service of the person's own: `service install`, `status`, `uninstall`.

Leaves the files and the words to the service manager to `brain.doors.service`, how the server is to its own
`brain.doors.upkeep`, and the wording to `views.service`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from brain import __version__
from brain.doors.cli import front
from brain.doors.cli.app import DOORS, group, shown
from brain.doors.cli.options import LabelWord, choice, flag, option
from brain.doors.cli.session import Session
from brain.doors.views.service import Installation, ServiceState
from brain.errors import BrainError, Unavailable, UsageError
from brain.health import ChoreResult, Health

service = group("service", DOORS, "Keep `brain serve` running, and see how it is.")
# A real search is made in it, behind whatever the server is doing.
ANSWER_SECONDS = 60.0
# Options of `brain serve` that a service may have, each with a value
VALUED = ("--port", "--at-most")


@shown(
    "install",
    group=service,
    examples=(
        "brain service install",
        "brain service install --print",
        "brain service install --pm2 > ecosystem.config.js",
    ),
)
def install(
    run: Session,
    port: Annotated[
        int | None,
        option("--port", "NUMBER", "Where it listens, if not 8420.", min=1, max=65535),
    ] = None,
    at_most: Annotated[
        LabelWord | None,
        choice("--at-most", "The most confidential that programs of others' make see."),
    ] = None,
    writes: Annotated[
        bool, flag("--writes", "Agents may propose what to remember.")
    ] = False,
    only_print: Annotated[
        bool, flag("--print", "Print the file and install nothing.")
    ] = False,
    pm2: Annotated[bool, flag("--pm2", "Print a file for PM2 instead.")] = False,
) -> object:
    """Let systemd or launchd start `brain serve` with your session, and again whenever it ends.

    What you name of its options stays with the next install, until you name another or uninstall it.
    """
    from brain.config import load, make_home
    from brain.doors import service as manager

    config = load()
    given = _given(port, at_most, writes=writes)
    settings = _settings(config.home)
    if pm2:
        words = manager.command(_options(given, ()))
        return Installation(
            manager.text_for(manager.PM2, manager.NAME, words, settings)
        )
    where = manager.place(config.home, os.environ)
    words = manager.command(_options(given, manager.options_of(where)))
    text = manager.text_for(where.manager, where.name, words, settings)
    if only_print:
        return Installation(text)
    if front.told_by_the_server("version") is not None and not where.path.exists():
        raise UsageError(
            "a server of this home is running in a terminal",
            "end it first: the service would find its home taken",
        )
    make_home(config)
    done = manager.install(where, text)
    return Installation("", done.path, done.started, done.said)


@shown("uninstall", group=service, examples=("brain service uninstall",))
def uninstall(run: Session) -> object:
    """End the service and remove its file. Your notes and everything else stay."""
    from brain.config import load
    from brain.doors import service as manager

    where = manager.place(load().home, os.environ)
    done = manager.uninstall(where)
    return Installation("", done.path, started=False, said=done.said, removed=True)


@shown(
    "status",
    group=service,
    examples=("brain service status", "brain service status --json | jq .health.ok"),
)
def status(run: Session) -> object:
    """Whether the server runs and how it is: a real search, Ollama, memory, disk, last night's chores."""
    from brain.config import load

    config = load()
    installed, state = _manager(config.home)
    if config.database.exists():
        with run.brain() as brain:
            beat, chores = brain.service.last_beat(), brain.service.results()
    else:
        beat, chores = None, ()
    notices = []
    health = None
    running = True
    try:
        said = front.told_by_the_server("health", seconds=ANSWER_SECONDS)
        running = said is not None
        health = _health(said)
    except Unavailable as error:
        notices.append(f"{error.message}; {error.hint}")
    differs = front.difference() if running else ""
    if differs:
        notices.append(differs)
    return ServiceState(
        installed=installed,
        manager=state,
        running=running,
        version=__version__,
        health=health,
        last_beat=beat,
        chores=health.chores if health else chores,
        notices=tuple(notices),
    )


def _given(
    port: int | None, at_most: LabelWord | None, *, writes: bool
) -> dict[str, str]:
    """The options of `brain serve` that were named: name -> value, "" for one that has none."""
    given = {}
    if port:
        given["--port"] = str(port)
    if at_most:
        given["--at-most"] = str(at_most)
    if writes:
        given["--writes"] = ""
    return given


def _options(given: dict[str, str], before: Sequence[str]) -> list[str]:
    """Those that were named, and of those the service had `before` the others."""
    kept = {name: value for name, value in pairwise(before) if name in VALUED}
    if "--writes" in before:
        kept["--writes"] = ""
    words = []
    for name, value in {**kept, **given}.items():
        words += [name, value] if value else [name]
    return words


def _manager(home: Path) -> tuple[str, str]:
    """(the file of the service, "" where none is installed; what its manager says)."""
    from brain.doors import service as manager

    try:
        where = manager.place(home, os.environ)
    except BrainError:
        return "", ""
    state = manager.state(where)
    return (str(where.path), state) if state else ("", "")


def _settings(home: Path) -> dict[str, str]:
    """The settings of the environment that the service gets; secrets are left out, since the file lies in the open."""
    from brain.doors.cli import wire

    return {**wire.settings(os.environ), "BRAIN_HOME": str(home)}


def _health(said: str | None) -> Health | None:
    """How the server says that it is, None where it does not say or is of another version."""
    if not said:
        return None
    try:
        found = json.loads(said)
        chores = tuple(ChoreResult(**row) for row in found.pop("chores"))
        troubles = tuple(found.pop("troubles"))
        return Health(**found, chores=chores, troubles=troubles)
    except (ValueError, TypeError, KeyError):
        return None
