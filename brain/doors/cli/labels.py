"""The commands over labels: `label show`, `label set`, `label folders`.

Leaves the wording to `views.labels`, and the word that a person types to `person`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brain.doors.cli import completion
from brain.doors.cli.app import KEEPING, group, register, shown
from brain.doors.cli.options import Json, LabelWord, argument
from brain.doors.cli.person import only_a_person, typed_word
from brain.doors.cli.session import Session, session
from brain.errors import Refused

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.labels import FolderTable, LabelChange

LOWER = "lower"
WALKED = "walked"

labels = group("label", KEEPING, "How confidential things are, and who said so.")


@shown(
    "show",
    group=labels,
    examples=(
        "brain label show",
        "brain label show notes/lease.md",
        "brain label show rent of the flat",
    ),
)
def show(
    run: Session,
    words: Annotated[
        list[str] | None, argument("DOC|QUERY", completion.references)
    ] = None,
) -> object:
    """How much there is of each label; of one document, or of what is found for a question, why it has its own."""
    with run.brain() as brain:
        if not words:
            return brain.labels.summary()
        return brain.labels.show(run.text(words, "document"))


@register(
    "set",
    group=labels,
    examples=(
        "brain label set confidential notes/lease.md",
        "brain label set confidential ~/grants",
        "brain label set public a1b2c3",
    ),
)
def set_(
    context: typer.Context,
    label: Annotated[LabelWord, argument("LABEL")],
    references: Annotated[list[str], argument("DOC|FOLDER", completion.references)],
    as_json: Json = False,
) -> None:
    """Give documents, or a folder and what comes into it, a label: public, internal or confidential.

    Texts that are the same get the same. To lower a label a person types a word at the terminal.
    """
    run = session(context)
    with run.brain() as brain:
        plan = brain.labels.plan(str(label), references)
        if plan.lowered:
            brain.labels.may_lower(plan)
            names = ", ".join(text.source for text in plan.texts[:3])
            typed_word(
                LOWER,
                f"{plan.lowered:,} less confidential than now, as {label}: {names}",
            )
        change = brain.labels.set(str(label), references)
    run.show(change, as_json=as_json)


@register(
    "folders",
    group=labels,
    examples=("brain label folders", "brain label folders --json"),
)
def folders(context: typer.Context, as_json: Json = False) -> None:
    """Say of each folder whether it is confidential: once, since until then everything without a label counts so.

    With --json the table is shown and nobody is asked.
    """
    run = session(context)
    with run.brain() as brain:
        table = brain.labels.folders()
        if as_json:
            run.show(table, as_json=True)
            return
        change = walked(run, brain, table)
    run.show(change, as_json=False)


def walked(run: Session, brain: Brain, table: FolderTable) -> LabelChange:
    """Show the table, ask for each folder, and note that it was done. Raises `Refused` where no person is there."""
    if not run.attended:
        raise Refused(
            "only a person can say which folders are confidential",
            "run it in a terminal; `brain label folders --json` shows the table",
        )
    only_a_person()
    run.show(table, as_json=False)
    confidential = _asked(run, table)
    if not table.walked:
        typed_word(
            WALKED, "from now on what has no label counts as internal, and no more"
        )
    return brain.labels.walk(confidential)


def _asked(run: Session, table: FolderTable) -> list[str]:
    """The folders of which a person says so; below one of those nothing more is asked."""
    from brain.labels import FolderLabel

    chosen: list[str] = []
    for row in table.rows:
        above = any(FolderLabel(one, "").covers(row.source) for one in chosen)
        if above or row.label == LabelWord.CONFIDENTIAL:
            continue
        seems = f" ({row.matter}: {', '.join(row.words)})" if row.words else ""
        if run.yes(f"{row.source}{seems} confidential?"):
            chosen.append(row.source)
    return chosen
