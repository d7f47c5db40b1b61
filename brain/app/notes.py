"""Notes: a text that a person types and that is no file. Written, written anew, and one for each day.

With `[ingest] notes_dir` a note is a file of its own there. Leaves files to `brain.app.capture`. The same note is not
kept twice unless that is wanted; what a note said before it was edited stays in `recall`, as corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from brain.app.capture import add, document_of
from brain.app.file_facts import NOTE
from brain.app.resources import Resources
from brain.app.tally import Tally
from brain.app.vectors import finish
from brain.errors import NotFound, UsageError
from brain.faults import reach
from brain.labels import UNLABELLED
from brain.reports import DocumentDetail
from brain.store.documents import Origin
from brain.types import AddReport, Episode, Texts
from ingest.document import digest, new_id, rebind


def note(
    resources: Resources,
    text: str,
    title: str,
    tags: Sequence[str],
    *,
    again: bool = False,
    label: str = UNLABELLED,
) -> AddReport:
    """A note that is no file; with `notes_dir` set it becomes one. `again`: also when the same one is there."""
    if not text.strip():
        raise UsageError("the note is empty", "nothing was added")
    folder = resources.config.ingest.notes_dir
    body = _body(text, title) if folder else text
    known = None if again else _same(resources, body, title)
    if known is not None:
        return known
    if folder:
        place = Path(folder).expanduser()
        day = resources.now()[:10]
        path = _note_file(place, text, title, day)
        return add(resources, [path], tags, dry_run=False, label=label)
    uri = f"{NOTE}{new_id()}"
    return _keep(resources, uri, text, title, said=text, tags=tuple(tags), label=label)


def edit(resources: Resources, reference: str, text: str) -> AddReport:
    """Another text for a note, which keeps its id, its date and its tags. Raises `NotFound`, `UsageError`."""
    before = editable(resources, reference)
    if not text.strip():
        raise UsageError("the note is empty", f"brain forget {before.row.id[:8]}")
    said = resources.store.episodes.of_source(before.uri)
    supersedes = said[-1].id if said else None
    title = before.row.title
    untitled = document_of(resources, before.uri, before.text, "")
    if untitled.title == title:
        title = ""  # it was the first line, and follows it
    return _keep(
        resources, before.uri, text, title, said=text, before=before, of=supersedes
    )


def editable(resources: Resources, reference: str) -> DocumentDetail:
    """The note that is meant. Raises `NotFound`, and `UsageError` for what is no note."""
    library = resources.store.library
    found = library.detail(library.resolve(reference))
    if not found.uri.startswith(NOTE):
        raise UsageError(
            f"{found.row.source} is no note",
            "what happened stays as it was said: remember the correction",
        )
    return found


def today(resources: Resources, text: str, tags: Sequence[str]) -> AddReport:
    """Add to the note of this day, which is made when it is not there. Raises `UsageError` for an empty text."""
    if not text.strip():
        raise UsageError("there is nothing to add", 'brain today "what happened"')
    day = resources.now()[:10]
    folder = resources.config.ingest.notes_dir
    if folder:
        path = Path(folder).expanduser() / f"{day}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+", encoding="utf-8") as file:
            if file.tell() == 0:
                file.write(f"# {day}\n")
            file.write(f"\n{text}\n")
        return add(resources, [path], tags, dry_run=False)
    uri = f"{NOTE}{day}"
    row = resources.store.library.by_uri(uri)
    if row is None:
        return _keep(resources, uri, text, day, said=text, tags=tuple(tags))
    before = resources.store.library.detail(row.id)
    earlier = before.text.rstrip()
    return _keep(
        resources,
        uri,
        f"{earlier}\n\n{text}",
        before.row.title,
        text,
        before=before,
        tags=tuple(tags),
    )


def of_today(resources: Resources) -> str:
    """What names the note of this day. Raises `NotFound` when there is none."""
    day = resources.now()[:10]
    folder = resources.config.ingest.notes_dir
    if folder:
        return str(Path(folder).expanduser() / f"{day}.md")
    if resources.store.library.by_uri(f"{NOTE}{day}") is None:
        raise NotFound("nothing was noted today", 'brain today "what happened"')
    return f"{NOTE}{day}"


def _keep(
    resources: Resources,
    uri: str,
    text: str,
    title: str,
    said: str,
    *,
    before: DocumentDetail | None = None,
    of: str | None = None,
    tags: Texts = (),
    label: str = UNLABELLED,
) -> AddReport:
    """The document and what was said of it, in one transaction. `of`: the round that this one corrects."""
    at = before.row.date or "" if before else ""
    document = document_of(resources, uri, text, title, at)
    own_id = uri.removeprefix(NOTE)
    if before:
        document = rebind(document, before.row.id)
    elif len(own_id) == len(document.id):
        document = rebind(document, own_id)
    tally = Tally()
    with resources.store.write():
        document_id = tally.save(
            resources, document, Origin(uri, label=label, tags=tags)
        )
        reach("note.between")
        episode = Episode(
            new_id(),
            resources.seconds(),
            "note",
            "",
            said,
            source=uri,
            tags=tags,
            supersedes=of,
            label=resources.store.labels.one(document_id),
        )
        resources.store.episodes.record(episode)
    return finish(resources, tally)


def _same(resources: Resources, body: str, title: str) -> AddReport | None:
    """What is said when a note of that text and title is there, None when there is none."""
    for row in resources.store.library.with_content(digest(body)):
        if not title or row.title == title:
            tally = Tally()
            tally.counts["unchanged"] += 1
            tally.documents.append(row.id)
            day = (row.added_at or "")[:10]
            there = f"the same note is in since {day}: {row.source}"
            tally.notices.append(f"{there}; --yes adds it again")
            return finish(resources, tally)
    return None


def _body(text: str, title: str) -> str:
    """A note as the file that it becomes."""
    if not title:
        return f"{text}\n"
    return f"# {title}\n\n{text}\n"


def _note_file(folder: Path, text: str, title: str, day: str) -> Path:
    """Write a note as a Markdown file of its own; never over another."""
    folder.mkdir(parents=True, exist_ok=True)
    first_line = text.strip().splitlines()[0]
    named = title or first_line.lstrip("# ")
    letters = []
    for letter in named[:60]:
        letters.append(letter if letter.isalnum() else "-")
    stem = "".join(letters).strip("-") or "note"
    body = _body(text, title)
    for number in range(1, 1_000):
        count = ""
        if number != 1:
            count = f" {number}"
        path = folder / f"{day} {stem}{count}.md"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(body)
            return path
        except FileExistsError:
            continue
    raise UsageError(f"{folder} holds 1,000 notes of that name", "give it a title")
