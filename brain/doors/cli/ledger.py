"""The commands over what left and what was spent: `ledger show`, `verify`, `body`, `export`, and `spend`.

Leaves the wording to `views.governance`.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from brain.doors.cli.app import LEAVING, group, shown
from brain.doors.cli.options import Json, Limit, argument, choice, option
from brain.doors.cli.session import session

if TYPE_CHECKING:
    from brain.app import Brain

ledger = group(
    "ledger",
    LEAVING,
    "What left this machine, and why. A chain of rows that shows any change.",
)

NEWEST = 20  # rows that are shown where no number is given


@ledger.callback(invoke_without_command=True)
def newest(context: typer.Context, as_json: Json = False) -> None:
    """What left this machine, and why. A chain of rows that shows any change."""
    if context.invoked_subcommand is None:
        run = session(context)
        with run.brain() as brain:
            rows = brain.ledger.rows(NEWEST)
        run.show(rows, as_json=as_json)


Row = Annotated[int, argument("ID")]


class By(enum.StrEnum):
    """What sums are told by."""

    day = "day"
    task = "task"
    model = "model"


@shown(
    "show",
    group=ledger,
    explains=True,
    examples=("brain ledger show", "brain ledger show -n 100 --kind intent"),
)
def show(
    brain: Brain,
    limit: Limit = NEWEST,
    kind: Annotated[
        str, option("--kind", "KIND", "Only these: intent, settle, deny, ask, label …")
    ] = "",
) -> object:
    """The newest rows, newest first: what was decided, by which rule, and what left for where."""
    return brain.ledger.rows(limit, kind=kind)


@shown("verify", group=ledger, examples=("brain ledger verify",))
def verify(brain: Brain) -> object:
    """Walk the whole chain: a changed byte is named by its row, a missing row is noticed. Exit 1 when it does not hold.

    The head is compared with `ledger.head` in the home, and what is kept of what left with its checksum.
    """
    return brain.ledger.verify()


@shown("body", group=ledger, examples=("brain ledger body 17",))
def body(brain: Brain, row: Row) -> object:
    """Exactly what left with a row. It is kept for 90 days, on this machine alone."""
    return brain.ledger.body(row)


@shown(
    "export",
    group=ledger,
    kind="ledger_rows",
    examples=("brain ledger export > ledger.jsonl",),
)
def export(brain: Brain) -> object:
    """Every row as it is chained, one JSON object a line: hash = SHA-256 of the hash before and the record."""
    return list(brain.ledger.every())


@shown(
    "spend",
    LEAVING,
    examples=("brain spend", "brain spend --by model", "brain spend --json"),
)
def spend(
    brain: Brain,
    by: Annotated[By, choice("--by", "What the sums are told by.")] = By.day,
) -> object:
    """What was spent, and what is left.

    By day, task or model; of today, this month and this hour; and what local answers would have cost.
    """
    return brain.ledger.spending(by.value)
