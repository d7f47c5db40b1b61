"""The commands that look after a store for years: `status`, `doctor`, `backup`, `restore`, `rebuild`.

Leaves the wording to `views.keeping`. A passphrase comes from BRAIN_BACKUP_PASSPHRASE or is typed unseen, never
from the command line, where every process can read it.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brain.doors.cli import front
from brain.doors.cli.app import EVERY_DAY, KEEPING, register, shown
from brain.doors.cli.options import Explain, Json, Yes, argument, flag, option
from brain.doors.cli.session import Session, session
from brain.errors import BrainError, UsageError

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.config.secret import Secret

PASSPHRASE = "BRAIN_BACKUP_PASSPHRASE"
# The end of an encrypted backup's name.
ENCRYPTED_SUFFIX = ".age"

Identity = Annotated[
    Path | None,
    option(
        "--identity", "FILE", "The file with the secret key of an encrypted backup."
    ),
]


@register(
    "status",
    EVERY_DAY,
    examples=(
        "brain status",
        "brain status --skipped",
        "brain status --json | jq .waiting",
    ),
)
def status(
    context: typer.Context,
    skipped: Annotated[
        bool, flag("--skipped", "List every file that is not in, or not whole.")
    ] = False,
    explain: Explain = False,
    as_json: Json = False,
) -> None:
    """What is in, what serves and why, and what waits."""
    run = session(context)
    with run.brain() as brain:
        if not skipped:
            found = brain.status()
            differs = front.difference()
            if differs:
                found = replace(found, notices=(*found.notices, differs))
            run.show(found, as_json=as_json, explain=explain)
            return
        items = brain.library.left_out()
    run.show(items, "left_out", as_json=as_json)


@shown(
    "doctor",
    KEEPING,
    kind="checks",
    explains=True,
    examples=(
        "brain doctor --deep --json",
        "brain doctor --repair",
        "brain doctor --identity key.txt",
    ),
)
def doctor(
    brain: Brain,
    deep: Annotated[bool, flag("--deep", "Verify every stored hash as well.")] = False,
    repair: Annotated[
        bool, flag("--repair", "Rebuild derived things; never touches your texts.")
    ] = False,
    identity: Identity = None,
) -> object:
    """Check the database, the indexes, the models and the newest backup. Exit 1 when errors were found.

    An encrypted backup is proven with --identity, or with the passphrase in BRAIN_BACKUP_PASSPHRASE.
    """
    return brain.keep.doctor(
        deep=deep,
        repair=repair,
        secret=known_secret(identity),
    )


@shown(
    "backup",
    KEEPING,
    examples=(
        "brain backup",
        "brain backup /mnt/disk --keep 7d,4w,12m",
        "brain backup --rewrite",
    ),
)
def backup(
    run: Session,
    directory: Annotated[Path | None, argument("DIR")] = None,
    keep: Annotated[
        str,
        option(
            "--keep",
            "RULE",
            "Then remove older ones but, as 7d,4w,12m, one a day, week, month.",
        ),
    ] = "",
    encrypt: Annotated[
        bool, flag("--encrypt", f"With a passphrase: asked for, or {PASSPHRASE}.")
    ] = False,
    recipient: Annotated[
        list[str],
        option(
            "--recipient", "KEY", "For the owner of this age key (repeat for several)."
        ),
    ] = [],  # noqa: B006  typer copies it
    rewrite: Annotated[
        bool,
        flag("--rewrite", "Make none: take what was erased out of those there are."),
    ] = False,
    identity: Identity = None,
) -> object:
    """Copy the store into one file, proven to hold the same. Into DIR, or backups/ in the home."""
    from brain.config.secret import Secret

    if rewrite:
        if directory or keep or encrypt or recipient:
            raise UsageError(
                "--rewrite makes no backup", "give it --identity or --json alone"
            )
        with run.brain() as brain:
            return brain.keep.rewrite_backups(secret=known_secret(identity))
    if identity:
        raise UsageError("--identity goes with --rewrite", "try `brain backup --help`")
    words = ""
    if encrypt and not recipient:
        words = passphrase(run, twice=True)
    secret = Secret(words, tuple(recipient))
    with run.brain() as brain:
        return brain.keep.backup(directory, keep=keep, secret=secret)


@register(
    "restore",
    KEEPING,
    examples=(
        "brain restore backups/brain-20260507T091200Z.db",
        "brain restore FILE --to ~/old-notes",
        "brain restore FILE --dry-run",
    ),
)
def restore(
    context: typer.Context,
    path: Annotated[Path, argument("FILE")],
    to: Annotated[
        Path | None,
        option("--to", "HOME", "Into this home instead of the present one."),
    ] = None,
    identity: Identity = None,
    yes: Yes = False,
    dry_run: Annotated[
        bool, flag("--dry-run", "Check the backup; nothing more.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take a backup back, once it is proven sound. What is there now is kept beside it."""
    from brain.config.secret import Secret

    run = session(context)
    if (
        not (dry_run or to)
        and front.told_by_the_server("version", seconds=5.0) is not None
    ):
        raise BrainError(
            "the server of this home has the store open",
            "end it first, by Ctrl-C in its terminal or systemctl --user stop brain; then restore again",
        )
    words = ""
    if path.suffix == ENCRYPTED_SUFFIX and identity is None:
        words = passphrase(run, twice=False)
    secret = Secret(words, identity=identity)
    with run.brain() as brain:
        run.confirmed(
            partial(brain.keep.restore, path, to=to, secret=secret),
            "make it the store?",
            "nothing was changed",
            yes=yes,
            dry_run=dry_run,
            as_json=as_json,
        )


@shown("rebuild", KEEPING, explains=True, examples=("brain rebuild",))
def rebuild(brain: Brain) -> object:
    """Make everything derived anew: full text, vectors, index."""
    return brain.keep.rebuild()


def known_secret(identity: Path | None) -> Secret:
    """What opens a backup without asking: the passphrase in the environment, the file of secret keys."""
    from brain.config.secret import Secret

    return Secret(os.environ.get(PASSPHRASE, ""), identity=identity)


def passphrase(run: Session, *, twice: bool) -> str:
    """From the environment, else typed on the terminal; `twice` where a slip would lock a person out."""
    given = os.environ.get(PASSPHRASE, "")
    if given:
        return given
    if not run.attended:
        raise UsageError(
            "no passphrase was given",
            f"set {PASSPHRASE}, or run it on a terminal to type one",
        )
    typed = getpass.getpass("passphrase: ")
    if not typed or (twice and getpass.getpass("again: ") != typed):
        raise UsageError(
            "the passphrases are empty or differ", "nothing was done; try again"
        )
    return typed
