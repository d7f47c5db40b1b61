"""The commands over what is stored: `get`, `list`, `show`, `open`, `forget`, `undo`, `tag`, `context`.

Leaves the wording to `views.library`. `forget` shows first and takes away only after a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brain.doors import json_out
from brain.doors.cli import completion
from brain.doors.cli.app import LIBRARY, group, register, shown
from brain.doors.cli.keeping import Identity, known_secret
from brain.doors.cli.options import (
    Json,
    Since,
    Sort,
    Source,
    Tags,
    Text,
    Until,
    Where,
    Yes,
    argument,
    flag,
    option,
)
from brain.doors.cli.session import Session, scope, session
from brain.doors.views import library as view
from brain.errors import UsageError
from brain.types import Texts

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.reports import Excerpt

# What `undo` brings back when nothing is named.
LAST = "last"

Reference = Annotated[str, argument("ID|PATH", completion.references)]


@register(
    "get",
    LIBRARY,
    examples=(
        "brain get notes/lease.md:120:40",
        "brain get 'journal/2026-05*.md'",
        "brain get 2",
    ),
)
def get(context: typer.Context, reference: Reference, as_json: Json = False) -> None:
    """Print stored text, whole or by lines.

    Name it as PATH, PATH:LINE, PATH:LINE:COUNT, or by the id of a document, a passage or an episode. A quoted
    pattern such as 'journal/*.md' prints every document whose path matches. A number is that entry of what was shown
    last: a search, a list, a recall, or an answer, of whose source it prints what stands around.
    """
    run = session(context)
    with run.brain() as brain:
        items = brain.library.get(reference)
        meaning = ""
        if reference.isdecimal():
            meaning = brain.library.meaning(reference)
    if _is_pattern(reference, items):
        run.show(items, "excerpts", as_json=as_json)
        return
    run.show(items[0], as_json=as_json)
    if run.out.interactive and not as_json:
        run.out.say(view.where(items[0], meaning))


def _is_pattern(reference: str, items: Sequence[Excerpt]) -> bool:
    """Was it a pattern? A path that holds one of its signs names one document, and its excerpt says so."""
    if len(items) > 1:
        return True
    has_signs = any(sign in reference for sign in "*?[")
    return has_signs and items[0].reference != reference


@register(
    "list",
    LIBRARY,
    examples=(
        "brain list",
        "brain list --tag lease --where 'rating>=4' --sort -rating",
        "brain list --json | jq '.documents[].source'",
    ),
)
def list_(
    context: typer.Context,
    limit: Annotated[
        int | None, option("--limit", "N", "How many at most.", "-n", min=1)
    ] = None,
    tag: Tags = [],  # noqa: B006  typer copies it
    source: Source = "",
    since: Since = "",
    until: Until = "",
    where: Where = [],  # noqa: B006  typer copies it
    sort: Sort = "",
    as_json: Json = False,
) -> None:
    """The documents: number, id, date, path, title and tags."""
    run = session(context)
    chosen = scope(tag, source, since, until, where)
    with run.brain() as brain:
        rows = brain.library.documents(
            scope=chosen,
            limit=limit,
            sort=sort,
        )
        if not as_json:
            brain.listed("list", [(row.id, "") for row in rows])
    run.show(rows, "documents", as_json=as_json)


@shown(
    "show",
    LIBRARY,
    explains=True,
    examples=("brain show a1b2c3", "brain show notes/lease.md"),
)
def show(brain: Brain, reference: Reference) -> object:
    """One document: source, date, tags and first lines."""
    return brain.library.document(reference)


@register(
    "open",
    LIBRARY,
    examples=("brain open a1b2c3", "brain open notes/lease.md --print", "brain open 2"),
)
def open_(
    context: typer.Context,
    reference: Reference,
    print_only: Annotated[
        bool, flag("--print", "Print the path or address instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Open the source in its own program, or in Obsidian. A number is that entry of what was shown last, as in get."""
    run = session(context)
    with run.brain() as brain:
        address = brain.library.locate(reference)
        meaning = ""
        if reference.isdecimal():
            meaning = brain.library.meaning(reference)
    if as_json or print_only:
        run.show(view.Located(reference, address), as_json=as_json)
    else:
        run.launch(address)
        of = f" ({meaning})" if meaning else ""
        run.out.say(f"opened {address}{of}")


@register(
    "forget",
    LIBRARY,
    examples=(
        "brain forget notes/old.md",
        "brain forget a1b2c3 9f8e7d --yes",
        "brain forget notes/old.md --erase",
    ),
)
def forget(
    context: typer.Context,
    references: Annotated[list[str], argument("ID|PATH", completion.references)],
    yes: Yes = False,
    dry_run: Annotated[
        bool, flag("--dry-run", "Show what would go; nothing more.")
    ] = False,
    for_good: Annotated[
        bool,
        flag(
            "--erase",
            "Leave no byte of it in the home but in backups; answers that quote it go too. No undo.",
        ),
    ] = False,
    mentions: Annotated[
        bool,
        flag(
            "--mentions",
            "With --erase: also questions, feedback, remembered sentences with words of it.",
        ),
    ] = False,
    identity: Identity = None,
    as_json: Json = False,
) -> None:
    """Hide documents or episodes everywhere. Shows first, asks, and can be undone."""
    run = session(context)
    for given, name in ((identity, "--identity"), (mentions, "--mentions")):
        if given and not for_good:
            raise UsageError(f"{name} goes with --erase", "try `brain forget --help`")
    with run.brain() as brain:
        act: Callable[..., Any] = partial(brain.library.forget, references)
        question = "forget them?"
        nothing_done = "nothing was forgotten"
        if for_good:
            secret = known_secret(identity)
            act = partial(
                brain.keep.erase, references, secret=secret, mentions=mentions
            )
            question = "erase them for good?"
            nothing_done = "nothing was erased"
        run.confirmed(
            act, question, nothing_done, yes=yes, dry_run=dry_run, as_json=as_json
        )


@register(
    "undo", LIBRARY, examples=("brain undo", "brain undo a1b2c3", "brain undo --list")
)
def undo(
    context: typer.Context,
    reference: Annotated[str, argument("ID", completion.forgotten)] = LAST,
    listing: Annotated[bool, flag("--list", "Show what can be brought back.")] = False,
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
    if items and not as_json:
        run.out.say("can be brought back:" if listing else "brought back:")
    run.show(items, "items", as_json=as_json)


@shown(
    "tag",
    LIBRARY,
    examples=("brain tag a1b2c3 +lease -draft", "brain tag notes/lease.md"),
    ignore_unknown_options=True,
)
def tag(
    run: Session,
    reference: Reference,
    changes: Annotated[list[str], argument("+TAG|-TAG", completion.tags)] = [],  # noqa: B006  typer copies it
) -> object:
    """Add tags with +, take them off with -. Without any, show them."""
    add, remove = split_tags(changes)
    with run.brain() as brain:
        names = brain.library.tag(reference, add=add, remove=remove)
    return view.Tagged(reference, names)


def split_tags(changes: list[str]) -> tuple[Texts, Texts]:
    """`["+x", "-y", "#z"]` to the tags to add and the tags to take off. Raises `UsageError` for an empty name."""
    add: list[str] = []
    remove: list[str] = []
    for change in changes:
        name = change.lstrip("+-").lstrip("#").strip()
        if not name:
            raise UsageError(
                f"{change!r} names no tag", "write +name to add, -name to take off"
            )
        (remove if change.startswith("-") else add).append(name)
    return tuple(add), tuple(remove)


folders = group(
    "context",
    LIBRARY,
    "Say what a folder is. The description comes with everything found under it.",
)


@shown(
    "add",
    group=folders,
    kind="contexts",
    examples=('brain context add ~/notes/work "contracts and minutes of the bakery"',),
)
def context_add(
    run: Session,
    path: Annotated[Path, argument("PATH")],
    words: Text,
) -> object:
    """Describe a folder, or describe it anew."""
    description = run.text(words, "description").strip()
    with run.brain() as brain:
        brain.library.describe(str(path), description)
        return brain.library.descriptions()


@shown(
    "list",
    group=folders,
    kind="contexts",
    examples=("brain context list",),
)
def context_list(brain: Brain) -> object:
    """The folders that have a description."""
    return brain.library.descriptions()


@register("remove", group=folders, examples=("brain context remove ~/notes/work",))
def context_remove(
    context: typer.Context,
    path: Annotated[Path, argument("PATH", completion.described)],
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
