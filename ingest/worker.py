"""Reads one risky file inside a child process, and turns its documents to JSON and back.

`answers` is what the child does for each request; everything it knows of the file leaves as text. Leaves the process
itself, its limits and its deadline to whoever starts the child (`pool` asks it). Serves `pool`.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ingest.document import Chunk, Document
from ingest.errors import (
    IngestError,
    RefusedFile,
    UnreadableFile,
    UnsupportedFile,
    VanishedFile,
)
from ingest.limits import Limits

TUPLES = (
    "tags",
    "aliases",
    "links",
    "notices",
)  # of a document; JSON makes lists of them
_ERRORS: dict[str, type[IngestError]] = {
    error.kind: error
    for error in (UnsupportedFile, UnreadableFile, VanishedFile, RefusedFile)
}
_modules = 0  # loaded when the last file was read


def answers(
    request: dict[str, Any], _payload: bytes, _kept: object
) -> Iterator[dict[str, Any]]:
    """Each document of the file at `path`, or the error that reading it ended with."""
    from ingest.loading import load

    path = Path(request["path"])
    limits = Limits(**request["limits"])
    _spare_the_collector()
    try:
        for document in load(path, limits=limits):
            yield {"document": packed(document)}
    except IngestError as error:
        yield {"error": [error.kind, error.reason, error.hint, error.passing]}


def _spare_the_collector() -> None:
    """Take what imports left out of the garbage collector's rounds: a PDF makes so many objects that looking through
    all modules again and again is a fifth of its time.
    """
    global _modules
    # Counted, because most files bring no new module, and a round over everything costs as much as a small file.
    if len(sys.modules) > _modules:
        gc.collect()  # so that nothing of the last file stays for good
        gc.freeze()
    _modules = len(sys.modules)


def packed(document: Document) -> dict[str, Any]:
    """The document as JSON values; a chunk's text is left out, being a slice of the document's."""
    values = asdict(document)
    for chunk in values["chunks"]:
        del chunk["text"]
    return values


def unpacked(values: dict[str, Any]) -> Document:
    """The document again. Raises KeyError, TypeError or ValueError on anything else."""
    for name in TUPLES:
        values[name] = tuple(values[name])
    text = values["text"]
    chunks = []
    for chunk in values["chunks"]:
        chunk["heading"] = tuple(chunk["heading"])
        chunk["text"] = text[chunk["start"] : chunk["end"]]
        chunks.append(Chunk(**chunk))
    values["chunks"] = tuple(chunks)
    return Document(**values)


def unpacked_error(values: list[Any]) -> IngestError:
    """The error again, of the class that its kind names."""
    kind, reason, hint, *more = values
    passing = more == [True]
    return _ERRORS.get(kind, UnreadableFile)(reason, hint, passing=passing)
