"""The commands that take things in and give them back: `add`, `remember`, `sync`, `export`, `import`.

Leaves out the wording of the reports (`views.capture`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brain.doors import json_out
from brain.doors.cli import INTERRUPTED
from brain.doors.cli.app import EVERY_DAY, KEEPING, register
from brain.doors.cli.options import Json, argument, flag, option
from brain.doors.cli.outcome import KEPT
from brain.doors.cli.session import STDIN, Session, draft, session
from brain.doors.show import FAILED
from brain.doors.views import capture as view
from brain.errors import UsageError

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.types import AddReport

KINDS = ("episodes", "notes", "skills", "feedback", "documents")  # MEMORY.md, "Export and import"


@register(
    "add",
    EVERY_DAY,
    examples=(
        "brain add ~/notes ~/papers/attention.pdf",
        'brain add --note "Call Ana about the lease" --tag todo',
        "pbpaste | brain add -",
    ),
)
def add(
    context: typer.Context,
    paths: Annotated[list[Path] | None, argument("PATH")] = None,
    note: Annotated[str, option("--note", "TEXT", "Add this text as a note.")] = "",
    edit: Annotated[bool, flag("--edit", "Write a note in $EDITOR.")] = False,
    title: Annotated[str, option("--title", "TEXT", "The title of the note.")] = "",
    tag: Annotated[list[str] | None, option("--tag", "TAG", "Tag it (repeat for several).")] = None,
    dry_run: Annotated[bool, flag("--dry-run", "Say what would be done; write nothing.")] = False,
    strict: Annotated[bool, flag("--strict", "Exit 1 for every skipped file.")] = False,
    as_json: Json = False,
) -> None:
    """Take in files and folders, or a note. A folder stays registered: sync looks at it again."""
    run, tags = session(context), tuple(tag or ())
    files = paths or []
    if sum((bool(files), bool(note), edit)) != 1:
        raise UsageError(
            "add takes paths, or --note, or --edit",
            "one of the three; `brain add -` reads standard input",
        )
    if Path(STDIN) in files and len(files) > 1:
        raise UsageError(
            f"`{STDIN}` stands for standard input and cannot be mixed with paths",
            "add them one by one",
        )
    if (title or files == [Path(STDIN)] or note or edit) and dry_run:
        raise UsageError("--dry-run is for files and folders", "leave it out: a note is only added")
    if edit:
        with draft(run) as text:
            report = _with_brain(
                run, lambda brain: brain.note(text, title=title or None, tags=tags)
            )
    elif note or files == [Path(STDIN)]:
        text = run.text([note or STDIN], "text")
        report = _with_brain(run, lambda brain: brain.note(text, title=title or None, tags=tags))
    elif title:
        raise UsageError("--title is for notes", "a document's title is read from the document")
    else:
        report = _with_brain(run, lambda brain: brain.add(files, tags=tags, dry_run=dry_run))
    _show(run, report, as_json=as_json, strict=strict, dry_run=dry_run)


@register("sync", EVERY_DAY, examples=("brain sync",))
def sync(context: typer.Context, as_json: Json = False) -> None:
    """Look at the added folders again; finish waiting embeddings."""
    run = session(context)
    _show(run, _with_brain(run, lambda brain: brain.sync()), as_json=as_json)


@register(
    "remember",
    EVERY_DAY,
    examples=(
        'brain remember "We chose SQLite because one file is enough"',
        'brain remember "Ana agreed to 1,450 a month" --with Ana --at 2026-05-07',
    ),
)
def remember(
    context: typer.Context,
    words: Annotated[list[str], argument("TEXT")],
    at: Annotated[str, option("--at", "TIME", "When it happened, if not now.")] = "",
    people: Annotated[list[str] | None, option("--with", "NAME", "Who was there.")] = None,
    name: Annotated[str, option("--session", "NAME", "The meeting or thread it belongs to.")] = "",
    tag: Annotated[list[str] | None, option("--tag", "TAG", "Tag it (repeat for several).")] = None,
    as_json: Json = False,
) -> None:
    """Keep something that happened, word for word. `-` reads standard input."""
    run = session(context)
    text = run.text(words, "text")
    with run.brain() as brain:
        episode = brain.remember(
            text, at=at or None, session=name, people=tuple(people or ()), tags=tuple(tag or ())
        )
    run.show(episode, as_json=as_json)


@register(
    "export",
    EVERY_DAY,
    examples=("brain export ~/brain-export", "brain export ~/vault/brain --only episodes,notes"),
)
def export(
    context: typer.Context,
    directory: Annotated[Path, argument("DIR")],
    only: Annotated[str, option("--only", "KINDS", f"Some of {','.join(KINDS)}.")] = "",
    force: Annotated[
        bool, flag("--force", "Replace exported files that were changed by hand.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write everything as Markdown; twice gives the same bytes."""
    run = session(context)
    kinds = tuple(kind.strip() for kind in only.split(",")) if only else None
    if unknown := [kind for kind in kinds or () if kind not in KINDS]:
        raise UsageError(f"--only does not know {unknown[0]!r}", f"kinds: {', '.join(KINDS)}")
    with run.brain() as brain:
        report = brain.keep.export(directory, only=kinds, force=force)
    run.out.say(*report.notices)
    run.show(report, as_json=as_json)


@register("import", KEEPING, examples=("brain import ~/brain-export",))
def import_(
    context: typer.Context,
    directory: Annotated[Path, argument("DIR")],
    as_json: Json = False,
) -> None:
    """Take in what export wrote, ids, tags and dates included."""
    run = session(context)
    _show(run, _with_brain(run, lambda brain: brain.keep.import_from(directory)), as_json=as_json)


def _with_brain(run: Session, work: Callable[[Brain], AddReport]) -> AddReport:
    with run.brain() as brain:
        return work(brain)


def _show(
    run: Session, report: AddReport, *, as_json: bool, strict: bool = False, dry_run: bool = False
) -> None:
    """Print the report and leave with its code: 130 interrupted, 1 when a readable kind of file failed, else 0."""
    if as_json:
        run.out.json(json_out.added(report, dry_run=dry_run))
    else:
        run.out.print(view.added(report, dry_run=dry_run))
        run.out.say(*view.waiting(report, said=run.out.announced))
    if report.interrupted:
        if not as_json:
            run.out.say("brain: interrupted", f"  {KEPT}")
        raise typer.Exit(INTERRUPTED)
    failed = [item for item in report.skipped if item.kind == "unreadable" and item.new]
    counted = [item for item in report.skipped if item.kind != "ignored"] if strict else failed
    if counted:
        raise typer.Exit(FAILED)
