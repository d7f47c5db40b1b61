"""Captions and transcripts (WebVTT, SubRip): what is said, located by the moment at which it begins, "00:14:05".

Captions are joined to paragraphs at speakers, pauses and a chunk's length; a line that repeats the one before, as rolling
captions do, is read once. webvtt-py reads the format; what it cannot, and a text without captions, is plain text. Leaves
out styles and positions. Serves `loading`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING

from ingest import locators
from ingest.document import Section
from ingest.readers.text import decode
from ingest.reading import Raw, Reading

if TYPE_CHECKING:
    from webvtt import WebVTT

PARAGRAPH_CHARS = 1_000  # about 300 tokens: one chunk
PAUSE_SECONDS = 4  # of silence that end a paragraph
PART_CHARS = 300  # a paragraph shorter than this goes on over a pause


@dataclass(slots=True)
class _Part:
    start: int  # seconds
    text: str


def read(raw: Raw) -> Iterator[Reading]:
    """One document."""
    text, notices = decode(raw.data)
    from webvtt import WebVTT
    from webvtt.errors import MalformedCaptionError, MalformedFileError

    kind = "vtt" if text.lstrip("\ufeff \n").startswith("WEBVTT") else "srt"
    try:
        captions = WebVTT.from_buffer(io.StringIO(text), format=kind)
    except (MalformedCaptionError, MalformedFileError, ValueError, IndexError) as error:
        section = Section(text, (), locators.of_lines(1, text.count("\n") + 1))
        yield Reading([section], notices=(*notices, f"read as plain text ({type(error).__name__})"))
        return
    parts = list(_parts(captions))
    made = [
        Section(part.text + "\n\n", (), clock(part.start)) for part in parts if part.text.strip()
    ]
    yield Reading(
        made, title=" ".join(captions.header_text.split()) if kind == "vtt" else "", notices=notices
    )


def clock(seconds: int) -> str:
    """ "01:02:03" of a number of seconds."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _parts(captions: WebVTT) -> Iterator[_Part]:
    """Paragraphs of the captions, each turn of a speaker on a line of its own."""
    part: _Part | None = None
    speaker, last, end = "", "", 0
    for caption in captions.captions:
        said = [unescape(line).strip() for line in caption.text.splitlines()]
        lines = [line for line in said if line and line != last]
        if not lines:
            continue
        last = lines[-1]
        turned = bool(caption.voice) and caption.voice != speaker
        speaker = caption.voice or speaker
        words = f"{speaker}: {' '.join(lines)}" if turned else " ".join(lines)
        pause = caption.start_in_seconds - end >= PAUSE_SECONDS
        if part and (len(part.text) >= PARAGRAPH_CHARS or (pause and len(part.text) >= PART_CHARS)):
            yield part
            part = None
            words = f"{speaker}: {' '.join(lines)}" if speaker else words
        if part is None:
            part = _Part(caption.start_in_seconds, words)
        else:
            part.text += ("\n" if turned else " ") + words
        end = caption.end_in_seconds
    if part:
        yield part
