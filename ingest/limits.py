"""The caps that reading obeys, each with its unit and source. Leaves out enforcement. Serves every module of
`ingest`."""

from __future__ import annotations

import re
from dataclasses import dataclass

MEGABYTE = 1_000_000  # bytes
# How a notice of `loading` or of a reader says that the document is not whole
_PARTLY = re.compile(
    r"cut to the first|characters reached|damaged, left out|the rest left out"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps per file; a cut is always told in a notice, but for chunks, into which every text is cut."""

    file_bytes: int = 50 * MEGABYTE  # larger files are refused unread
    text_chars: int = 2_000_000  # text beyond is cut off
    chunks: int = 20_000  # chunks beyond are cut off, with their text
    pages: int = 10_000  # pages of a PDF read
    parts: int = 20_000  # messages of a mailbox read
    attachment_depth: int = 3  # files in files in a file that are read; 0: none
    attachments: int = 200  # of these, in one mail, note or PDF
    expanded_bytes: int = (
        200 * MEGABYTE
    )  # what an archive (docx, epub …) may inflate to, in all
    expansion_ratio: int = 100  # inflated over stored bytes; real files stay below 45
    archive_entries: int = 10_000  # files in an archive
    # Of a chunk: paragraphs packed to 200-350 ranked better than 35 other ways of chunking over six domains.
    chunk_tokens: int = 350
    front_matter_bytes: int = 16_384
    front_matter_depth: int = 5  # nested levels
    parse_chars: int = 262_144  # longer Markdown is outlined by lines instead of parsed
    # For one file in a worker: twice the processor seconds, as two cores are shared.
    wall_seconds: float = 60.0
    wall_seconds_per_mb: float = (
        2.0  # added per megabyte: pypdf reads about 1 MB/s on a slow core
    )
    cpu_seconds: int = 30  # RLIMIT_CPU of a worker, per file
    # Added per megabyte: a mailbox of 50 MB holds some 20,000 mails.
    cpu_seconds_per_mb: float = 1.0
    memory_bytes: int = 1 << 30  # RLIMIT_AS of a worker

    def cpu(self, size: int) -> int:
        """Processor seconds that a worker may use for a file of `size` bytes."""
        return int(self.cpu_seconds + self.cpu_seconds_per_mb * size / MEGABYTE)

    def wall(self, size: int) -> float:
        """Seconds that a worker may take for a file of `size` bytes."""
        return self.wall_seconds + self.wall_seconds_per_mb * size / MEGABYTE


def partly(notice: str) -> bool:
    """Whether a notice tells of something missing that higher limits or better readers may bring."""
    return _PARTLY.search(notice) is not None


USUAL = Limits()
