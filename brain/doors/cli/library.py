"""The commands over what is stored: `get`, `multi-get`, `list`, `show`, `open`, `forget`, `undo`, `tag`, `context`.

Leaves out the wording (`views.library`). `forget` shows first and takes away only after a yes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brain.doors import json_out
from brain.doors.cli import keeping
from brain.doors.cli.app import LIBRARY, Json, Since, Source, Tags, Until, group, register
from brain.doors.cli.keeping import Identity
from brain.doors.cli.outcome import FAILED, NOTHING_FOUND
from brain.doors.cli.session import Session, scope, session
from brain.doors.views import keeping as for_keeps
from brain.doors.views import library as view
from brain.errors import UsageError

if TYPE_CHECKING:
    from brain.types import Excerpt, ForgetReport

LAST = "last"  # what `undo` brings back when nothing is named

Reference = Annotated[str, typer.Argument(metavar="ID|PATH", hidden=True)]


@register(
    "get",
    LIBRARY,
    examples=("brain get notes/lease.md:120:40", "brain get a1b2c3", "brain get episode:9f8e7d"),
)
def get(context: typer.Context, reference: Reference, as_json: Json = False) -> None:
    """Print stored text, whole or by lines.

    Name it as PATH, PATH:LINE, PATH:LINE:COUNT, or by the id of a document, a passage or an episode.
    """
    run = session(context)
    with run.brain() as brain:
        items = brain.library.get(reference)
    if len(items) > 1:
        _print_all(run, items, as_json=as_json)
    elif as_json:
        run.out.json(json_out.excerpt(items[0]))
    else:
        run.out.text(items[0].text)
        if run.out.interactive:
            run.out.say(view.where(items[0]))


@register("multi-get", LIBRARY, examples=("brain multi-get 'journal/2026-05*.md'",))
def multi_get(
    context: typer.Context,
    pattern: Annotated[str, typer.Argument(metavar="GLOB", hidden=True)],
    as_json: Json = False,
) -> None:
    """Print every document whose path matches."""
    run = session(context)
    with run.brain() as brain:
        items = brain.library.get(pattern)
    _print_all(run, items, as_json=as_json)


def _print_all(run: Session, items: Sequence[Excerpt], *, as_json: bool) -> None:
    if as_json:
        run.out.json(json_out.excerpts(items))
    else:
        run.out.print(view.excerpts(items))


@register(
    "list",
    LIBRARY,
    examples=(
        "brain list",
        "brain list --tag lease --since 2026",
        "brain list --json | jq '.documents[].source'",
    ),
)
def list_(
    context: typer.Context,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, metavar="N", help="How many at most.")
    ] = None,
    tag: Tags = [],  # noqa: B006  typer copies it
    source: Source = "",
    since: Since = "",
    until: Until = "",
    as_json: Json = False,
) -> None:
    """The documents: id, date, path, title and tags."""
    run = session(context)
    with run.brain() as brain:
        rows = brain.library.documents(scope=scope(tag, source, since, until), limit=limit)
    if as_json:
        run.out.json(json_out.documents(rows))
    else:
        run.out.print(view.documents(rows))
        if not rows:
            run.out.say(
                "brain: no documents",
                "  take some in with `brain add PATH`, or ask for fewer conditions",
            )
    if not rows:
        raise typer.Exit(NOTHING_FOUND)


@register("show", LIBRARY, examples=("brain show a1b2c3", "brain show notes/lease.md"))
def show(context: typer.Context, reference: Reference, as_json: Json = False) -> None:
    """One document: source, date, tags and first lines."""
    run = session(context)
    with run.brain() as brain:
        detail = brain.library.document(reference)
    if as_json:
        run.out.json(json_out.document(detail))
    else:
        run.out.print(view.document(detail))


@register("open", LIBRARY, examples=("brain open a1b2c3", "brain open notes/lease.md --print"))
def open_(
    context: typer.Context,
    reference: Reference,
    print_only: Annotated[
        bool, typer.Option("--print", help="Print the path or address instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Open the source in its own program, or in Obsidian."""
    run = session(context)
    with run.brain() as brain:
        address = brain.library.locate(reference)
    if as_json:
        run.out.json(json_out.located(reference, address))
    elif print_only:
        run.out.print([address])
    else:
        run.launch(address)
        run.out.say(f"opened {address}")


@register(
    "forget",
    LIBRARY,
    examples=(
        "brain forget notes/old.md",
        "brain forget a1b2c3 9f8e7d --yes",
        "brain forget notes/old.md --erase --backups",
    ),
)
def forget(
    context: typer.Context,
    references: Annotated[list[str], typer.Argument(metavar="ID|PATH", hidden=True)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go; nothing more.")
    ] = False,
    for_good: Annotated[
        bool,
        typer.Option(
            "--erase",
            help="Leave no byte of it in the home but in backups; answers that quote it go too. No undo.",
        ),
    ] = False,
    backups: Annotated[
        bool, typer.Option("--backups", help="With --erase: out of every backup as well.")
    ] = False,
    identity: Identity = None,
    as_json: Json = False,
) -> None:
    """Hide documents or episodes everywhere. Shows first, asks, and can be undone."""
    run = session(context)
    if for_good:
        _erase(
            run,
            references,
            yes=yes,
            dry_run=dry_run,
            backups=backups,
            identity=identity,
            as_json=as_json,
        )
        return
    if backups or identity:
        raise UsageError("--backups and --identity go with --erase", "try `brain forget --help`")
    with run.brain() as brain:
        report = brain.library.forget(references, dry_run=True)
        if not as_json:
            _show_forgotten(run, report)
        if not dry_run and (yes or (not as_json and run.yes("forget them?"))):
            report = brain.library.forget(references, dry_run=False)
            if not as_json:
                _show_forgotten(run, report)
    if as_json:
        run.out.json(json_out.forgotten(report))
    elif not report.done:
        run.out.say("nothing was forgotten; add --yes to do it")


def _erase(
    run: Session,
    references: list[str],
    *,
    yes: bool,
    dry_run: bool,
    backups: bool,
    identity: Path | None,
    as_json: bool,
) -> None:
    """The same for good. A step that could not be done yet is a failure that says how to do it."""
    options: dict[str, Any] = {
        "backups": backups,
        "identity": identity,
        "passphrase": os.environ.get(keeping.PASSPHRASE, ""),
    }
    with run.brain() as brain:
        report = brain.keep.erase(references, dry_run=True, **options)
        if not as_json:
            run.out.print(for_keeps.erased(report))
        if not dry_run and (yes or (not as_json and run.yes("erase them for good?"))):
            report = brain.keep.erase(references, dry_run=False, **options)
            if not as_json:
                run.out.print(for_keeps.erased(report))
    if as_json:
        run.out.json(json_out.erased(report))
    elif not report.done:
        run.out.say("nothing was erased; add --yes to do it")
    if report.pending:
        raise typer.Exit(FAILED)


def _show_forgotten(run: Session, report: ForgetReport) -> None:
    run.out.print(view.forgotten(report))
    run.out.say(*report.notices)


@register("undo", LIBRARY, examples=("brain undo", "brain undo a1b2c3", "brain undo --list"))
def undo(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="ID", hidden=True)] = LAST,
    listing: Annotated[bool, typer.Option("--list", help="Show what can be brought back.")] = False,
    as_json: Json = False,
) -> None:
    """Bring back what was forgotten last, or the entry named."""
    run = session(context)
    with run.brain() as brain:
        items = brain.library.forgotten()
        if not listing:
            restored = brain.library.undo(reference)
            left = {item.id for item in brain.library.forgotten()}
            items = [item for item in items if item.id not in left] or [restored]
    if as_json:
        run.out.json(json_out.restored(items))
    elif items:
        run.out.say("can be brought back:" if listing else "brought back:")
        run.out.print(view.items(items))
    else:
        run.out.say("nothing was forgotten, so there is nothing to bring back")
    if not items:
        raise typer.Exit(NOTHING_FOUND)


@register(
    "tag",
    LIBRARY,
    examples=("brain tag a1b2c3 +lease -draft", "brain tag notes/lease.md"),
    ignore_unknown_options=True,
)
def tag(
    context: typer.Context,
    reference: Reference,
    changes: Annotated[list[str] | None, typer.Argument(metavar="+TAG|-TAG", hidden=True)] = None,
    as_json: Json = False,
) -> None:
    """Add tags with +, take them off with -. Without any, show them."""
    run = session(context)
    add, remove = split_tags(changes or [])
    with run.brain() as brain:
        names = brain.library.tag(reference, add=add, remove=remove)
    if as_json:
        run.out.json(json_out.tags(reference, names))
    else:
        run.out.print(view.tags(names))


def split_tags(changes: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`["+x", "-y", "#z"]` to the tags to add and the tags to take off. Raises `UsageError` for an empty name."""
    add: list[str] = []
    remove: list[str] = []
    for change in changes:
        name = change.lstrip("+-").lstrip("#").strip()
        if not name:
            raise UsageError(f"{change!r} names no tag", "write +name to add, -name to take off")
        (remove if change.startswith("-") else add).append(name)
    return tuple(add), tuple(remove)


folders = group(
    "context",
    LIBRARY,
    "Say what a folder is. The description comes with everything found under it.",
)


@register(
    "add",
    group=folders,
    examples=('brain context add ~/notes/work "contracts and minutes of the bakery"',),
)
def context_add(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", hidden=True)],
    words: Annotated[list[str], typer.Argument(metavar="TEXT", hidden=True)],
    as_json: Json = False,
) -> None:
    """Describe a folder, or describe it anew."""
    run = session(context)
    description = run.text(words, "description").strip()
    with run.brain() as brain:
        brain.library.describe(str(path), description)
        pairs = brain.library.descriptions()
    if as_json:
        run.out.json(json_out.contexts(pairs))
    else:
        run.out.print(view.contexts(pairs))


@register("list", group=folders, examples=("brain context list",))
def context_list(context: typer.Context, as_json: Json = False) -> None:
    """The folders that have a description."""
    run = session(context)
    with run.brain() as brain:
        pairs = brain.library.descriptions()
    if as_json:
        run.out.json(json_out.contexts(pairs))
    else:
        run.out.print(view.contexts(pairs))
        if not pairs:
            run.out.say(
                "brain: no folder has a description",
                '  give one with `brain context add PATH "what it is"`',
            )
    if not pairs:
        raise typer.Exit(NOTHING_FOUND)


@register("remove", group=folders, examples=("brain context remove ~/notes/work",))
def context_remove(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", hidden=True)],
    as_json: Json = False,
) -> None:
    """Take the description of a folder away."""
    run = session(context)
    with run.brain() as brain:
        brain.library.undescribe(str(path))
        pairs = brain.library.descriptions()
    if as_json:
        run.out.json(json_out.contexts(pairs))
    else:
        run.out.print([f"removed the description of {path}"])
