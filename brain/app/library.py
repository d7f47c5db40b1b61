"""`.library`: what is stored, as a person sees it. Read, list, open, describe, tag, forget, bring back.

Joins documents, episodes and what was forgotten, which are tables of their own. Leaves their SQL to `brain.store`, and
erasing for good to `brain.app.erase`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from brain.app import last_list
from brain.app.file_facts import NOTE
from brain.app.last_answer import around, cited, is_number
from brain.app.last_list import Entry
from brain.app.resources import Noun, clean
from brain.app.times import resolved
from brain.app.unmet import check
from brain.errors import NotFound, UsageError
from brain.reports import (
    DocumentDetail,
    DocumentRow,
    Excerpt,
    ForgetReport,
    Forgotten,
    NotRead,
)
from brain.types import AddReport, Episode, Scope, Texts

if TYPE_CHECKING:
    from brain.app.originals import Part, PdfPage

EPISODE = "episode:"
UNDO_DAYS = 30  # as long as the store keeps what was forgotten
OBSIDIAN = ".obsidian"  # the folder by which Obsidian knows its own
LAST = "last"  # what `undo` brings back when nothing is named
TITLE_CHARS = 80  # of an episode, which has no title of its own
EVERYTHING = Scope()


class Library(Noun):
    """What is stored. A reference is an id or the start of one, a path or the end of one, a title, or a file's name."""

    # -- reading --------------------------------------------------------------------------------------

    def get(self, reference: str) -> list[Excerpt]:
        """Stored text: a document, lines of it (`PATH:120:40`), a chunk, an episode; each document that a glob fits; or
        what stands around a source of the last answer or list, by its number.

        One excerpt for a plain reference. Raises `NotFound` or, when it is ambiguous, `UsageError`.
        """
        # The plain reference first: the name of a file may hold the signs of a glob
        try:
            return [self._store.library.excerpt(reference)]
        except NotFound as nothing:
            found = self._matching(reference) or self._episode(reference)
            if found:
                return found
            if not is_number(reference):
                raise nothing from None
        identity, place = self._numbered(reference)
        if identity.startswith(EPISODE):
            return self._episode(identity.removeprefix(EPISODE))
        return [self._store.library.excerpt(around(identity, place))]

    def meaning(self, reference: str) -> str:
        """`2 of the last search`: what a number is of; "" for every other reference."""
        if not is_number(reference) or self._is_called(reference):
            return ""
        shown = last_list.last_shown(self._resources)
        whole = shown[0] if shown else "the last answer"
        return f"{reference} of {whole}"

    def _numbered(self, reference: str) -> Entry:
        """What stands under a number of what was shown last: a list, or an answer. Raises `NotFound`."""
        shown = last_list.last_shown(self._resources)
        if shown is None:
            return cited(self._store, reference)
        return last_list.entry(*shown, reference)

    def _named(self, reference: str) -> str:
        """The id of the document under a number; every other reference as it is. Raises `NotFound`."""
        if not is_number(reference) or self._is_called(reference):
            return reference
        identity, _place = self._numbered(reference)
        if not identity.startswith(EPISODE):
            return identity
        row = self._store.library.by_uri(identity)
        if row is None:
            raise NotFound(
                f"{reference} is no document but an answer",
                f"read it with: brain get {reference}",
            )
        return row.id

    def _is_called(self, reference: str) -> bool:
        """Whether a document is called so: a name goes before a number."""
        try:
            self._store.library.resolve(reference)
        except NotFound:
            return False
        except UsageError:
            return True
        return True

    def _matching(self, pattern: str) -> list[Excerpt]:
        """Every whole document that the glob fits; none for what is no glob."""
        if not is_glob(pattern):
            return []
        library = self._store.library
        found = [
            library.excerpt(document_id) for document_id in library.matching(pattern)
        ]
        if not found:
            raise NotFound(
                f"no document fits {pattern!r}",
                "`brain list` shows what is stored; quote the pattern",
            )
        return found

    def _episode(self, reference: str) -> list[Excerpt]:
        try:
            episode = self._store.episodes.get(reference)
        except NotFound:
            return []
        excerpt = Excerpt(
            episode.id,
            document_id="",
            source=f"{EPISODE}{episode.id}",
            title=episode.session or episode.kind,
            locator="",
            text=f"{episode.text}\n",
            date=episode.at,
            label=episode.label,
        )
        return [excerpt]

    def documents(
        self,
        *,
        scope: Scope = EVERYTHING,
        limit: int | None = None,
        sort: str = "",
    ) -> list[DocumentRow]:
        """What is stored, newest first, or by a property. Raises `NotFound` for a condition that no document meets,
        `UsageError` for what is no condition.
        """
        scope = resolved(self._resources, scope)
        check(self._resources, scope, sort)
        return self._store.library.rows(scope, limit=limit, sort=sort)

    def document(self, reference: str) -> DocumentDetail:
        """One document whole. Raises `NotFound`, `UsageError`."""
        library = self._store.library
        return library.detail(library.resolve(self._named(reference)))

    def parts(self, reference: str) -> list[Part]:
        """The lines of a document, or the pages, slides or other places of one without lines. Raises as `document`."""
        from brain.app.originals import Part

        identity = self._store.library.resolve(self._named(reference))
        return [Part(*part) for part in self._store.parts.parts(identity)]

    def original(self, reference: str) -> tuple[str, bytes]:
        """(name, bytes) of the file that it was read from. Raises `NotFound` for what is no file, or is gone."""
        from brain.app.originals import original

        return original(self.locate(reference, desktop=False))

    def page(self, reference: str, number: int, quote: str = "") -> PdfPage:
        """How a page of a PDF looks, and where a quote stands on it. Raises `NotFound` where there is no such page."""
        from brain.app.originals import page

        return page(self.locate(reference, desktop=False), number, quote)

    def picture(self, reference: str, number: int) -> bytes:
        """A page of a PDF as a PNG. Raises as `page` does."""
        from brain.app.originals import picture

        return picture(self.locate(reference, desktop=False), number)

    def episodes(self, *, kind: str = "", limit: int = 1_000_000) -> list[Episode]:
        """What happened, newest first."""
        return self._store.episodes.recent(limit, kind=kind)

    def locate(self, reference: str, *, desktop: bool = True) -> str:
        """What a person's desktop opens: a path, or an `obsidian:` address for a note in a folder of Obsidian's.

        `desktop` False gives the path always. Raises `NotFound` for what is no file, or a file that is gone.
        """
        from brain.store.moves import path_of

        detail = self.document(reference.rpartition(":L")[0] or reference)
        source = detail.row.source
        short = detail.row.id[:8]
        if not detail.uri.startswith("file:"):
            raise NotFound(f"{source} is no file", f"read it with: brain get {short}")
        path = Path(path_of(detail.uri.partition("#")[0]))
        if not path.exists():
            raise NotFound(
                f"{source} is no longer there", f"its text is: brain get {short}"
            )
        in_obsidian = any((up / OBSIDIAN).is_dir() for up in path.parents)
        if desktop and in_obsidian and path.suffix.lower() == ".md":
            return f"obsidian://open?path={quote(os.fsencode(path))}"
        return str(path)

    def left_out(self) -> list[NotRead]:
        """What is not in, or not whole, and why: what could not be read, and what the rules leave out."""
        from brain.app.not_read import left_out

        return left_out(self._resources)

    # -- notes ----------------------------------------------------------------------------------------

    def editable(self, reference: str) -> DocumentDetail:
        """The note that is meant. Raises `NotFound`, and `UsageError` for what is no note."""
        from brain.app.notes import editable

        return editable(self._resources, self._named(reference))

    def edit(self, reference: str, text: str) -> AddReport:
        """Another text for a note, which keeps its id, date and tags. Raises `NotFound`, `UsageError`."""
        from brain.app.notes import edit

        return edit(self._resources, self._named(reference), clean(text))

    def today(self, text: str, tags: Sequence[str] = ()) -> AddReport:
        """Add to the note of this day. Raises `UsageError` for an empty text."""
        from brain.app.notes import today

        return today(self._resources, clean(text), [clean(tag) for tag in tags])

    def of_today(self) -> Excerpt:
        """The note of this day. Raises `NotFound` when there is none yet."""
        from brain.app.notes import of_today

        return self._store.library.excerpt(of_today(self._resources))

    # -- tags and descriptions ------------------------------------------------------------------------

    def tag(
        self, reference: str, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> Texts:
        """Change a document's tags; returns those that it has now."""
        library = self._store.library
        document_id = library.resolve(self._named(reference))
        return library.tag(document_id, map(clean, add), map(clean, remove))

    def describe(self, path: str, description: str) -> None:
        """Say what lies under a path; it is returned with what is found there."""
        self._store.library.set_context(stored_path(path), clean(description))

    def undescribe(self, path: str) -> None:
        """Take that description away."""
        self._store.library.set_context(stored_path(path), None)

    def descriptions(self) -> list[tuple[str, str]]:
        """(path, description) of all."""
        described = self._store.library.contexts()
        return list(described.items())

    # -- forgetting -----------------------------------------------------------------------------------

    def forget(self, references: Sequence[str], *, dry_run: bool) -> ForgetReport:
        """Hide documents by id, path or folder, and episodes by id; `undo` brings them back for 30 days.

        Raises `NotFound` when a reference fits nothing.
        """
        planned = self.named(references)
        if dry_run:
            return ForgetReport(planned)
        resources = self._resources
        now = resources.now()
        documents = [item.id for item in planned if item.kind == "document"]
        episodes = [item.id for item in planned if item.kind == "episode"]
        with resources.store.write():
            resources.store.trash.forget(documents, now=now)
            resources.store.trash.forget_episodes(episodes, now=now)
            for reference in references:
                resources.store.library.drop_root(stored_path(reference))
        try:
            until = (resources.moment() + timedelta(days=UNDO_DAYS)).date().isoformat()
        except OverflowError:  # a clock at the end of time
            until = ""
        return ForgetReport(planned, done=True, undo_until=until)

    def named(self, references: Sequence[str]) -> tuple[Forgotten, ...]:
        """The documents and episodes that references name, each once. Raises `NotFound`."""
        found: dict[str, Forgotten] = {}
        for reference in references:
            for item in self._meant(reference):
                found[item.id] = item
        return tuple(found.values())

    def _meant(self, reference: str) -> list[Forgotten]:
        """What one reference names; remembered words go with their episode, and it with them."""
        library = self._store.library
        below = library.below(stored_path(reference))
        if below:
            return [_as_document(row) for row in below]
        try:
            row = library.detail(library.resolve(reference)).row
        except NotFound as nothing:
            fitting = []
            if is_glob(reference):
                fitting = library.matching(reference)
            if fitting:
                return [_as_document(library.detail(one).row) for one in fitting]
            return self._meant_episode(reference, nothing)
        found = [_as_document(row)]
        if row.source.startswith(NOTE):
            rounds = self._store.episodes.of_source(row.source)
            found += [_as_episode(one.id, row.title) for one in rounds]
        if row.source.startswith(EPISODE):
            found.append(_as_episode(row.source.removeprefix(EPISODE), row.title))
        return found

    def _meant_episode(self, reference: str, nothing: NotFound) -> list[Forgotten]:
        """The episode of that id with its document, where it has one. Raises `nothing` when there is none."""
        try:
            episode = self._store.episodes.get(reference)
        except NotFound:
            raise nothing from None
        found = [
            _as_episode(episode.id, (episode.question or episode.answer)[:TITLE_CHARS])
        ]
        row = self._store.library.by_uri(f"{EPISODE}{episode.id}")
        if row:
            found.append(_as_document(row))
        return found

    def undo(self, reference: str = LAST) -> Forgotten:
        """Bring back what was forgotten: one by the start of its id, or all that the last `forget` took.

        Raises `NotFound`, and `UsageError` when the start of an id fits several.
        """
        from brain.app.tally import Tally
        from brain.app.vectors import finish

        resources = self._resources
        listing = self.forgotten()
        wanted = self._to_bring_back(reference, [item.id for item in listing])
        now = resources.now()
        with resources.store.write():
            for item_id in wanted:
                resources.store.trash.restore(item_id, now=now)
        finish(resources, Tally())
        return next(item for item in listing if item.id == wanted[0])

    def _to_bring_back(self, reference: str, forgotten: list[str]) -> list[str]:
        """The ids that a reference of `undo` means."""
        if reference == LAST:
            wanted = self._store.trash.last_batch()
        else:
            start = reference.removeprefix("#")
            wanted = [item_id for item_id in forgotten if item_id.startswith(start)]
            if len(set(wanted)) > 1:
                raise UsageError(
                    f"{reference!r} names {len(wanted)} things", "write more of the id"
                )
        if wanted:
            return wanted
        if forgotten:
            raise NotFound(
                f"nothing forgotten has the id {reference}",
                "`brain undo --list` shows what can be undone",
            )
        raise NotFound(
            "there is nothing to undo",
            "`brain undo --list` shows what was forgotten in the last 30 days",
        )

    def forgotten(self) -> list[Forgotten]:
        """What can be brought back, newest first."""
        return [Forgotten(**row) for row in self._store.trash.listing()]


def is_glob(reference: str) -> bool:
    """Whether a reference has a sign by which one pattern means many."""
    return any(sign in reference for sign in "*?[")


def _as_document(row: DocumentRow) -> Forgotten:
    return Forgotten(row.id, "document", row.source, row.title, row.chunks)


def _as_episode(episode_id: str, title: str) -> Forgotten:
    return Forgotten(episode_id, "episode", f"{EPISODE}{episode_id}", title, 1)


def stored_path(path: str) -> str:
    """A path as sources are written: absolute, without a slash at its end."""
    from brain.store.library import as_stored

    absolute = os.path.abspath(os.path.expanduser(path.replace("\x00", "")))
    return as_stored(absolute).rstrip("/") or "/"
