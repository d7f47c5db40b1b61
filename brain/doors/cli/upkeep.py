"""The commands that look after the house: `status`, `doctor`.

Leaves out the wording (`views.keeping`).
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from brain.doors import json_out
from brain.doors.cli.app import EVERY_DAY, UPKEEP, Json, register
from brain.doors.cli.keeping import PASSPHRASE, Identity
from brain.doors.cli.outcome import FAILED
from brain.doors.cli.session import session
from brain.doors.views import keeping as view


@register("status", EVERY_DAY, examples=("brain status", "brain status --json | jq .waiting"))
def status(context: typer.Context, as_json: Json = False) -> None:
    """What is in, what serves and why, and what waits."""
    run = session(context)
    with run.brain() as brain:
        facts = brain.status()
    if as_json:
        run.out.json(json_out.status(facts))
    else:
        run.out.print(view.status(facts))


@register(
    "doctor",
    UPKEEP,
    examples=(
        "brain doctor --deep --json",
        "brain doctor --repair",
        "brain doctor --identity key.txt",
    ),
)
def doctor(
    context: typer.Context,
    deep: Annotated[bool, typer.Option("--deep", help="Verify every stored hash as well.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild derived things; never touches your texts.")
    ] = False,
    identity: Identity = None,
    as_json: Json = False,
) -> None:
    """Check the database, the indexes, the models and the newest backup. Exit 1 when errors were found.

    An encrypted backup is proven with --identity, or with the passphrase in BRAIN_BACKUP_PASSPHRASE.
    """
    run = session(context)
    with run.brain() as brain:
        found = brain.keep.doctor(
            deep=deep, repair=repair, passphrase=os.environ.get(PASSPHRASE, ""), identity=identity
        )
    if as_json:
        run.out.json(json_out.checks(found))
    else:
        run.out.print(view.checks(found))
    if any(item.level == "error" for item in found):
        raise typer.Exit(FAILED)
