"""What the tests of readers share: a file made in a folder of the test, and what is read of it."""

from __future__ import annotations

from pathlib import Path

from ingest import Document, Limits, load
from ingest.loading import readings
from ingest.media import media_type
from ingest.reading import Raw, Reading


def loaded(path: Path, content: str | bytes) -> Document:
    """The one document of a file with this content; its chunks are its text."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (document,) = load(path)
    assert document.text == "".join(chunk.text for chunk in document.chunks)
    return document


def read(name: str, content: str | bytes, limits: Limits | None = None) -> Reading:
    """What the reader of a file of that name sees first."""
    data = content.encode() if isinstance(content, str) else content
    return next(readings(Raw(data, name, media_type(name), limits or Limits())))


def text_of(reading: Reading) -> str:
    """The text of all sections."""
    return "".join(section.text for section in reading.sections)
