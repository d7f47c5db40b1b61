"""The commands that keep a store for years: `backup`, `restore`, `rebuild`.

Leaves out the wording (`views.keeping`). A passphrase comes from BRAIN_BACKUP_PASSPHRASE or is typed unseen, never from
the command line, where every process can read it.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Annotated

import typer

from brain.doors import json_out
from brain.doors.cli.app import UPKEEP, Json, register
from brain.doors.cli.session import Session, session
from brain.doors.views import keeping as view
from brain.errors import UsageError

PASSPHRASE = "BRAIN_BACKUP_PASSPHRASE"
SEALED = ".age"  # the end of an encrypted backup's name

Identity = Annotated[
    Path | None,
    typer.Option(
        "--identity", metavar="FILE", help="The file with the secret key of an encrypted backup."
    ),
]


@register(
    "backup",
    UPKEEP,
    examples=("brain backup", "brain backup /mnt/disk --keep 7d,4w,12m", "brain backup --encrypt"),
)
def backup(
    context: typer.Context,
    directory: Annotated[Path | None, typer.Argument(metavar="DIR", hidden=True)] = None,
    keep: Annotated[
        str,
        typer.Option(
            "--keep",
            metavar="RULE",
            help="Then remove older ones but, as 7d,4w,12m, one a day, week, month.",
        ),
    ] = "",
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help=f"With a passphrase: asked for, or {PASSPHRASE}.")
    ] = False,
    recipient: Annotated[
        list[str],
        typer.Option(
            "--recipient", metavar="KEY", help="For the owner of this age key (repeat for several)."
        ),
    ] = [],  # noqa: B006  typer copies it
    as_json: Json = False,
) -> None:
    """Copy the store into one file, proven to hold the same. Into DIR, or backups/ in the home."""
    run = session(context)
    secret = passphrase(run, twice=True) if encrypt and not recipient else ""
    with run.brain() as brain:
        report = brain.keep.backup(
            directory, keep=keep, passphrase=secret, recipients=tuple(recipient)
        )
    if as_json:
        run.out.json(json_out.backed_up(report))
    else:
        run.out.print(view.backed_up(report))


@register(
    "restore",
    UPKEEP,
    examples=(
        "brain restore backups/brain-20260507T091200Z.db",
        "brain restore FILE --to ~/old-notes",
        "brain restore FILE --dry-run",
    ),
)
def restore(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", hidden=True)],
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="HOME", help="Into this home instead of the present one."),
    ] = None,
    identity: Identity = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the backup; nothing more.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take a backup back, once it is proven sound. What is there now is kept beside it."""
    run = session(context)
    secret = passphrase(run, twice=False) if path.suffix == SEALED and identity is None else ""
    with run.brain() as brain:
        report = brain.keep.restore(path, to=to, passphrase=secret, identity=identity, dry_run=True)
        if not as_json:
            run.out.print(view.restored(report))
        if not dry_run and (yes or (not as_json and run.yes("make it the store?"))):
            report = brain.keep.restore(
                path, to=to, passphrase=secret, identity=identity, dry_run=False
            )
            if not as_json:
                run.out.print(view.restored(report))
    if as_json:
        run.out.json(json_out.taken_back(report))
    elif not report.done:
        run.out.say("nothing was changed; add --yes to do it")


@register("rebuild", UPKEEP, examples=("brain rebuild",))
def rebuild(context: typer.Context, as_json: Json = False) -> None:
    """Make everything derived anew: full text, vectors, index."""
    run = session(context)
    with run.brain() as brain:
        report = brain.keep.rebuild()
    if as_json:
        run.out.json(json_out.rebuilt(report))
    else:
        run.out.print(view.rebuilt(report))


def passphrase(run: Session, *, twice: bool) -> str:
    """From the environment, else typed on the terminal; `twice` where a slip would lock a person out."""
    given = os.environ.get(PASSPHRASE, "")
    if given:
        return given
    if not (run.stdin.isatty() and run.out.interactive):
        raise UsageError(
            "no passphrase was given", f"set {PASSPHRASE}, or run it on a terminal to type one"
        )
    typed = getpass.getpass("passphrase: ")
    if not typed or (twice and getpass.getpass("again: ") != typed):
        raise UsageError("the passphrases are empty or differ", "nothing was done; try again")
    return typed
