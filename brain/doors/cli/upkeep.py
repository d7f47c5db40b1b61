"""The commands that look after the house: `status`, `doctor`.

Leaves out the wording (`views.upkeep`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from brain.doors import json_out
from brain.doors.cli.app import EVERY_DAY, UPKEEP, Json, register
from brain.doors.cli.outcome import FAILED
from brain.doors.cli.session import session
from brain.doors.views import upkeep as view


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


@register("doctor", UPKEEP, examples=("brain doctor", "brain doctor --deep --json", "brain doctor --repair"))
def doctor(
    context: typer.Context,
    deep: Annotated[bool, typer.Option("--deep", help="Verify every stored hash as well.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild derived things; never touches your texts.")] = False,
    as_json: Json = False,
) -> None:
    """Check the database, the indexes and the models. Exit 1 when errors were found."""
    run = session(context)
    with run.brain() as brain:
        found = brain.doctor(deep=deep, repair=repair)
    if as_json:
        run.out.json(json_out.checks(found))
    else:
        run.out.print(view.checks(found))
    if any(item.level == "error" for item in found):
        raise typer.Exit(FAILED)
