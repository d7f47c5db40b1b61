"""The commands that take things in and give them back: `add`, `remember`, `sync`, `export`, `import`.

Leaves the wording of the reports, and the codes that follow from them, to `views.capture`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brain.doors.cli import completion
from brain.doors.cli.app import EVERY_DAY, KEEPING, LIBRARY, register, shown
from brain.doors.cli.options import (
    Json,
    LabelWord,
    NewLabel,
    NewTags,
    Text,
    Verbose,
    Yes,
    argument,
    flag,
    option,
)
from brain.doors.cli.session import STDIN, Session, draft, session
from brain.doors.views.capture import Added
from brain.errors import UsageError

if TYPE_CHECKING:
    from brain.reports import ImportReport
    from brain.types import AddReport, Skipped, Texts

# What `export` can be restricted to: the folders that it writes.
KINDS = ("episodes", "notes", "skills", "feedback", "documents")


@shown(
    "add",
    EVERY_DAY,
    examples=(
        "brain add ~/notes ~/papers/attention.pdf",
        'brain add --note "Call Ana about the lease" --tag todo',
        "pbpaste | brain add -",
    ),
)
def add(
    run: Session,
    paths: Annotated[list[Path] | None, argument("PATH")] = None,
    note: Annotated[str, option("--note", "TEXT", "Add this text as a note.")] = "",
    edit: Annotated[bool, flag("--edit", "Write a note in $EDITOR.")] = False,
    title: Annotated[str, option("--title", "TEXT", "The title of the note.")] = "",
    tag: NewTags = [],  # noqa: B006  typer copies it
    label: NewLabel = None,
    dry_run: Annotated[
        bool, flag("--dry-run", "Say what would be done; write nothing.")
    ] = False,
    strict: Annotated[bool, flag("--strict", "Exit 1 for every skipped file.")] = False,
    yes: Annotated[
        bool, flag("--yes", "Also what you erased before, without asking.", "-y")
    ] = False,
    verbose: Verbose = False,
) -> object:
    """Take in files and folders, or a note. A folder stays registered: sync looks at it again."""
    files = paths or []
    from_stdin = files == [Path(STDIN)]
    is_note = bool(note) or edit or from_stdin
    if sum((bool(files), bool(note), edit)) != 1:
        raise UsageError(
            "add takes paths, or --note, or --edit",
            "one of the three; `brain add -` reads standard input",
        )
    if Path(STDIN) in files and not from_stdin:
        raise UsageError(
            f"`{STDIN}` stands for standard input and cannot be mixed with paths",
            "add them one by one",
        )
    _check(title=title, dry_run=dry_run, is_note=is_note)
    chosen = _chosen(label)
    if yes:
        chosen["again"] = True
    if is_note:
        # The draft stays in its file until the note is stored.
        with _text_of_note(run, note, edit=edit) as text, run.brain() as brain:
            report = brain.note(text, title=title, tags=tag, **chosen)
            if report.unchanged and run.yes("the same note is in; add it again?"):
                chosen["again"] = True
                report = brain.note(text, title=title, tags=tag, **chosen)
    else:
        with run.brain() as brain:
            report = brain.add(files, tags=tag, dry_run=dry_run, **chosen)
            gone = [item for item in report.skipped if _erased(item)]
            if gone and not dry_run and run.yes(_question(gone)):
                paths = [Path(item.source) for item in gone]
                chosen["again"] = True
                report = _both(report, brain.add(paths, tags=tag, **chosen))
    return Added(report, dry_run, strict, run.out.announced, verbose=verbose)


def _check(*, title: str, dry_run: bool, is_note: bool) -> None:
    """Raise `UsageError` for an option that is for files with a note, or the other way round."""
    if dry_run and (title or is_note):
        raise UsageError(
            "--dry-run is for files and folders", "leave it out: a note is only added"
        )
    if title and not is_note:
        raise UsageError(
            "--title is for notes", "a document's title is read from the document"
        )


def _chosen(label: LabelWord | None) -> dict[str, Any]:
    """The label as the verbs take it; nothing where none was typed."""
    if label is None:
        return {}
    return {"label": str(label)}


def _erased(item: Skipped) -> bool:
    return item.kind == "erased" and item.new


def _question(gone: Sequence[Skipped]) -> str:
    names = gone[0].source
    if len(gone) > 1:
        names += f" and {len(gone) - 1:,} more"
    return f"you erased {names} for good; take it in again?"


def _both(first: AddReport, second: AddReport) -> AddReport:
    """What was done before and after the question, as one."""
    counted = ("added", "updated", "renamed", "removed", "chunks")
    sums = {name: getattr(first, name) + getattr(second, name) for name in counted}
    kept = tuple(item for item in first.skipped if not _erased(item))
    return replace(
        second,
        **sums,
        unchanged=first.unchanged,
        skipped=(*kept, *second.skipped),
        notices=(*first.notices, *second.notices),
        of_files=(*first.of_files, *second.of_files),
        documents=(*first.documents, *second.documents),
    )


@contextmanager
def _text_of_note(run: Session, note: str, *, edit: bool) -> Iterator[str]:
    if edit:
        with draft(run) as text:
            yield text
    else:
        yield run.text([note or STDIN], "text")


@shown(
    "today",
    LIBRARY,
    examples=('brain today "Ana called: the lease is signed"', "brain today"),
)
def today(
    run: Session,
    words: Annotated[list[str] | None, argument("TEXT")] = None,
    tag: NewTags = [],  # noqa: B006  typer copies it
) -> object:
    """Add to the note of this day; without a text, show it. `-` reads standard input."""
    if not words:
        with run.brain() as brain:
            return brain.library.of_today()
    text = run.text(words, "text")
    with run.brain() as brain:
        return Added(brain.library.today(text, tags=tag), said=run.out.announced)


@shown(
    "edit",
    LIBRARY,
    examples=("brain edit a1b2c3", 'brain edit a1b2c3 "The new text"'),
)
def edit(
    run: Session,
    reference: Annotated[str, argument("ID|PATH", completion.references)],
    words: Annotated[list[str] | None, argument("TEXT")] = None,
) -> object:
    """Write a note anew, in $EDITOR or with the text given. `-` reads standard input. A file is edited in its place."""
    with run.brain() as brain:
        if words:
            text = run.text(words, "text")
            return Added(brain.library.edit(reference, text), said=run.out.announced)
        found = brain.library.document(reference)
        if found.uri.startswith("file:"):
            place = Path(brain.library.locate(reference, desktop=False))
            run.edit(place)
            return Added(brain.add([place]), said=run.out.announced)
        note = brain.library.editable(reference)
        with draft(run, note.text) as text:
            report = brain.library.edit(note.row.id, text)
    return Added(report, said=run.out.announced)


@shown("sync", EVERY_DAY, examples=("brain sync",))
def sync(run: Session, verbose: Verbose = False) -> object:
    """Look at the added folders again; finish what waits to be found by meaning."""
    with run.brain() as brain:
        report = brain.sync()
    return Added(report, said=run.out.announced, again=True, verbose=verbose)


@shown(
    "remember",
    EVERY_DAY,
    examples=(
        'brain remember "We chose SQLite because one file is enough"',
        'brain remember "Ana agreed to 1,450 a month" --with Ana --at 2026-05-07',
    ),
)
def remember(
    run: Session,
    words: Text,
    at: Annotated[str, option("--at", "TIME", "When it happened, if not now.")] = "",
    people: Annotated[
        list[str],
        option("--with", "NAME", "Who was there.", autocompletion=completion.people),
    ] = [],  # noqa: B006  typer copies it
    name: Annotated[
        str, option("--session", "NAME", "The meeting or thread it belongs to.")
    ] = "",
    tag: NewTags = [],  # noqa: B006  typer copies it
    label: NewLabel = None,
) -> object:
    """Keep something that happened, word for word. `-` reads standard input."""
    text = run.text(words, "text")
    with run.brain() as brain:
        return brain.remember(
            text, at=at, session=name, people=people, tags=tag, **_chosen(label)
        )


@shown(
    "export",
    EVERY_DAY,
    examples=(
        "brain export ~/brain-export",
        "brain export ~/vault/brain --only episodes,notes",
    ),
)
def export(
    run: Session,
    directory: Annotated[Path, argument("DIR")],
    only: Annotated[str, option("--only", "KINDS", f"Some of {','.join(KINDS)}.")] = "",
    force: Annotated[
        bool, flag("--force", "Replace exported files that were changed by hand.")
    ] = False,
) -> object:
    """Write everything as a vault of Markdown files; twice gives the same bytes."""
    kinds = tuple(kind.strip() for kind in only.split(",")) if only else None
    if unknown := [kind for kind in kinds or () if kind not in KINDS]:
        raise UsageError(
            f"--only does not know {unknown[0]!r}", f"kinds: {', '.join(KINDS)}"
        )
    with run.brain() as brain:
        report = brain.keep.export(directory, only=kinds, force=force)
    run.out.say(*report.notices)
    return report


@register(
    "import",
    KEEPING,
    examples=("brain import ~/brain-export", "brain import ~/brain-export --dry-run"),
)
def import_(
    context: typer.Context,
    directory: Annotated[Path, argument("DIR")],
    roots: Annotated[
        bool, flag("--roots", "Look at the folders that it names from now on, too.")
    ] = False,
    yes: Yes = False,
    dry_run: Annotated[
        bool, flag("--dry-run", "Say what would happen; no more.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take in what export wrote, once you have seen what it brings. What is newer here stays."""
    run = session(context)
    with run.brain() as brain:
        named: Texts = ()

        def take_in(*, dry_run: bool) -> ImportReport:
            nonlocal named
            look = roots
            if named and not (dry_run or roots or yes):
                look = run.yes("look at these folders from now on?")
            report = brain.keep.import_from(directory, roots=look, dry_run=dry_run)
            named = report.roots
            return report

        run.confirmed(
            take_in,
            "take it in?",
            "nothing was taken in",
            yes=yes,
            dry_run=dry_run,
            as_json=as_json,
        )
