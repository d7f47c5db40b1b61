"""Saved web pages (.mhtml, .mht): the page itself, read as any page is. Leaves out its pictures, styles and frames.

Serves `loading`, in a worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.message import Message

from ingest.errors import UnreadableFile
from ingest.readers import html, mail
from ingest.reading import Raw, Readings


def read(raw: Raw) -> Readings:
    """One document. Raises UnreadableFile when there is no page in it."""
    message = message_from_bytes(raw.data)
    page = next(_pages(message), None)
    if page is None:
        raise UnreadableFile("no page in it", "save it again from the browser")
    data = mail.words(page).encode("utf-8", "surrogateescape")
    saved = mail.date_of(message)
    address = message.get("Snapshot-Content-Location", "") or page.get(
        "Content-Location", ""
    )
    for reading in html.read(
        replace(raw, data=b"\xef\xbb\xbf" + data, media_type="text/html")
    ):
        stated = {"Address": str(address)} if address else {}
        yield replace(
            reading,
            title=reading.title or mail.header(message, "Subject"),
            metadata={**reading.metadata, **stated},
            created=reading.created or saved[:10],
        )


def _pages(message: Message) -> Iterator[Message]:
    """The parts that are pages, the first of them the one that was saved."""
    for part in message.walk():
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            yield part
