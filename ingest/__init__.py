"""Files -> documents -> chunks. Pure: no storage, no network; imports nothing of ours but itself.

The whole public face: `load` one file, `load_text` for a note, `load_many` for many files with risky kinds in worker
processes, `walk` to find them. Importing it loads no library; each reader imports its own when first used.
"""

from __future__ import annotations

from ingest.document import Chunk, Document, Section, digest
from ingest.errors import IngestError, RefusedFile, UnreadableFile, UnsupportedFile
from ingest.limits import Limits
from ingest.loading import load, load_text
from ingest.media import media_type
from ingest.pool import load_many
from ingest.readers import READERS
from ingest.tokens import count_tokens
from ingest.walk import Found, Skip, walk

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
