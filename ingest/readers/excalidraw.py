"""Excalidraw's drawings (.excalidraw): the words in them, "text 3".

Leaves out shapes and pictures. Serves `loading`, above a megabyte in a worker.
"""

from __future__ import annotations

import json

from ingest.document import Section
from ingest.errors import UnreadableFile
from ingest.readers.text import decode
from ingest.reading import Raw, Reading, Readings


def read(raw: Raw) -> Readings:
    """One document. Raises UnreadableFile when it is no drawing."""
    text, notices = decode(raw.data)
    try:
        elements = json.loads(text)["elements"]
        texts = [
            element.get("originalText") or element["text"]
            for element in elements
            if element.get("type") == "text" and not element.get("isDeleted")
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableFile("no drawing in it", "open it in Excalidraw") from error
    sections = []
    for number, said in enumerate(texts, 1):
        sections.append(Section(f"{str(said).strip()}\n\n", (), f"text {number}"))
    yield Reading(sections, notices=notices)
