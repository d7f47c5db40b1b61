"""`brain serve`: one process that stays, with models loaded, which answers the commands of every terminal.

The one command that starts other doors. Leaves the socket to `resident` and the threads to `Pool`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import typer

from brain.doors.cli.app import DOORS, register
from brain.doors.cli.session import session
from brain.doors.lines import short_path

if TYPE_CHECKING:
    from brain.app import Brain


@register("serve", DOORS, examples=("brain serve",))
def serve(context: typer.Context) -> None:
    """Stay, with the models loaded: search, ask and recall of every terminal are answered at once. Ctrl-C ends it."""
    from brain.app.pool import Pool
    from brain.config import load, make_home
    from brain.doors.cli.resident import Resident

    run = session(context)
    make_home(load())
    with Pool(load) as pool, Resident(pool):
        index = pool.run(_warm)
        home = short_path(str(pool.config.home))
        run.out.say(f"serving {home}; its index is {index}. Ctrl-C ends it")
        threading.Event().wait()


def _warm(brain: Brain) -> str:
    return brain.warm()
