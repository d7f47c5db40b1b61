"""One document of an export, held against what is here: is it new, the same, newer, older, or not what it says?

Decides and writes nothing. An address says where a document is, so the source that a person reads follows from it; a
file of this disk is recognised by its bytes, and gets its facts (size, times) with them, so that the next look finds
it as stored. Leaves the walk over an export and all saving to `brain.app.importing`.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import ingest
from brain.app.file_facts import shown, uri_of
from brain.app.resources import Resources
from brain.plain import open_plain
from brain.store.documents import Origin
from brain.store.moves import path_of
from brain.store.row_hash import Row
from ingest.document import Document, digest, new_id, rebind
from ingest.edition import reader_edition

if TYPE_CHECKING:
    from brain.keeping.export.rows import StoredDocument

IMPORTED = "imported"  # `documents.trust` of what another hand may have written
NEW = "new"
SAME = "same"
NEWER = "newer"
OLDER = "older"
HERE = "here"  # its file is on this disk and decides
ELSEWHERE = (
    "elsewhere"  # its file is on this disk, never taken in, and says something else
)
# A clock of another machine may be ahead by so much; a later time is none.
CLOCKS_DIFFER = timedelta(days=1)
_OWN = re.compile(r"(?:note|episode):[0-9A-Za-z_.-]{1,64}")

Stat = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """What is to become of a document. `item` has the address and the id that it gets here, `here` is the stored row
    that it meets.
    """

    verdict: str
    item: StoredDocument
    origin: Origin
    here: Row | None = None

    @property
    def source(self) -> str:
        """Its place as it is shown."""
        return self.origin.source


@dataclass(frozen=True, slots=True)
class _File:
    """What lies at the place of a document. `same`: the bytes are those that it was read from."""

    there: bool = False
    same: bool = False
    stat: Stat | None = None


class Incoming:
    """Judges the documents of one import, one after the other."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._documents = resources.store.documents
        self._latest = resources.moment() + CLOCKS_DIFFER
        self._containers: dict[str, _File] = {}  # mailboxes that were met, by address
        self._met: dict[str, str] = {}  # addresses of this import -> id in the export

    def judge(self, item: StoredDocument) -> Found:
        """What is to become of it. Raises `ValueError` for an address that brain does not give or that came before."""
        item = replace(item, uri=address(item.uri))
        if self._met.setdefault(item.uri, item.id) != item.id:
            raise ValueError("another file of the export has its address")
        file = self._file(item)
        here = self._documents.at(item.uri)
        origin = _origin(item, file)
        if here is not None:
            return Found(self._against(item, here, file), item, origin, here)
        if file.there and not file.same:
            return Found(ELSEWHERE, item, origin)
        other = self._documents.under(item.id)
        if other is None:
            return Found(NEW, item, origin)
        known = (other["text_sha"], other["title"])
        if known == (digest(item.text), item.title):
            return Found(SAME, item, origin, other)  # it was moved since
        return Found(NEW, replace(item, id=new_id()), origin)

    def document(self, item: StoredDocument) -> Document:
        """As it is saved: as it was, or read anew when a person edited it. Raises `IngestError`."""
        if not item.edited:
            return item.document
        settings = self._resources.config.ingest
        read = ingest.load_text(
            item.text,
            uri=item.uri,
            title=item.title,
            dated_at=item.dated_at or None,
            limits=ingest.Limits(chunk_tokens=settings.chunk_tokens),
        )
        return rebind(read, item.id)

    def _against(self, item: StoredDocument, here: Row, file: _File) -> str:
        """How it stands to the document that has its address here."""
        said = (digest(item.text), item.title, item.entry)
        if said == (here["text_sha"], here["title"], here["entry"]):
            return SAME
        if here["size"] is not None and file.there:
            return HERE
        if item.uri.startswith("episode:"):
            return OLDER  # what happened does not change
        if item.edited:
            # The person changed what is here; unless that was changed as well.
            known = (here["content_hash"], here["updated_at"])
            if known == (item.content_hash, item.updated_at):
                return NEWER
            return OLDER
        theirs = moment(item.updated_at)
        ours = moment(here["updated_at"])
        newer = theirs and ours and ours < theirs <= self._latest
        return NEWER if newer else OLDER

    def _file(self, item: StoredDocument) -> _File:
        """What lies at its place; a message is as true as the mailbox that it came from."""
        whole, part, _message = item.uri.partition("#")
        if not whole.startswith("file:"):
            return _File()
        if part:
            known = self._containers.get(whole)
            return known or _looked_at(path_of(whole), "")
        found = _looked_at(path_of(whole), item.content_hash)
        if item.edited:
            found = replace(found, same=False, stat=None)
        if item.entry == "name":
            # Its words are the name of the file; it has no facts, so that the next look tries to read it.
            found = replace(found, same=True, stat=None)
        self._containers[whole] = found
        return found


def address(uri: str) -> str:
    """The address in the one form that brain gives it. Raises `ValueError` for another."""
    if _OWN.fullmatch(uri):
        return uri
    whole, part, message = uri.partition("#")
    if whole.startswith("file:///") and "?" not in whole:
        path = path_of(whole)
        if os.path.normpath(path) == path and "\0" not in path:
            return f"{uri_of(Path(path))}{part}{message}"
    raise ValueError("its address is none that brain gives")


def source_of(uri: str) -> str:
    """How the place of an address is shown."""
    whole, part, message = uri.partition("#")
    if not whole.startswith("file:"):
        return uri
    return f"{shown(Path(path_of(whole)))}{part}{message}"


def moment(text: str) -> datetime | None:
    """The moment that a text names with its offset, None when it names none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _origin(item: StoredDocument, file: _File) -> Origin:
    return Origin(
        source_of(item.uri),
        file.stat,
        time.time_ns() if file.stat else None,
        entry=item.entry,
        # What was exported is what the file's reader made of it, as far as anybody knows
        reader=reader_edition(item.media_type) if file.stat else "",
        label=item.label,
        compartment=item.compartment,
        trust=IMPORTED,
        tags=tuple(tag for tag, by in item.tags if by != "document"),
        added_at=item.added_at if moment(item.added_at) else None,
        updated_at=None
        if item.edited or not moment(item.updated_at)
        else item.updated_at,
    )


def _looked_at(path: str, content_hash: str) -> _File:
    """The file of a path. One that cannot be read is there, and not the same."""
    try:
        with open_plain(path) as file:
            status = os.fstat(file.fileno())
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return _File(os.path.lexists(path))
    if found != content_hash:
        return _File(there=True)
    facts = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    return _File(
        there=True,
        same=True,
        stat=facts,
    )
