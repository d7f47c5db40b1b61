"""Files -> documents -> chunks. Pure: no storage, no network; imports nothing of the project but itself.

What others call: `load` one file, `load_text` for a note, `load_many` for many files with risky kinds in worker
processes, `walk` to find them. Names are looked up when first used, so that who needs a value of `ingest.document`
alone pays for nothing else; each reader imports its own library. Leaves out keeping what was read. Serves `brain`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.document import Chunk, Document, Section, digest
    from ingest.errors import IngestError, RefusedFile, UnreadableFile, UnsupportedFile
    from ingest.folders import Found, Skip, walk
    from ingest.limits import Limits
    from ingest.loading import load, load_text
    from ingest.media import media_type
    from ingest.pool import load_many
    from ingest.readers import READERS
    from ingest.tokens import count_tokens

__all__ = [
    "READERS",
    "Chunk",
    "Document",
    "Found",
    "IngestError",
    "Limits",
    "RefusedFile",
    "Section",
    "Skip",
    "UnreadableFile",
    "UnsupportedFile",
    "count_tokens",
    "digest",
    "load",
    "load_many",
    "load_text",
    "media_type",
    "walk",
]
_HOMES = {
    "document": "Chunk Document Section digest",
    "errors": "IngestError RefusedFile UnreadableFile UnsupportedFile",
    "folders": "Found Skip walk",
    "limits": "Limits",
    "loading": "load load_text",
    "media": "media_type",
    "pool": "load_many",
    "readers": "READERS",
    "tokens": "count_tokens",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """The public name from the module that it lives in, kept for the next time (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
