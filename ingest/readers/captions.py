"""Captions and transcripts (WebVTT, SubRip): what is said, located by the moment at which it begins, "00:14:05".

Captions are joined to paragraphs at speakers, pauses and a chunk's length; a line that repeats the one before, as
rolling captions do, is read once. webvtt-py reads the format; what it cannot, and a text without captions, is plain
text. Leaves out styles and positions. Serves `loading`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING

from ingest.document import Section
from ingest.readers.outline import one_line
from ingest.readers.text import decode, whole
from ingest.reading import Raw, Reading, Readings

if TYPE_CHECKING:
    from webvtt import WebVTT

PARAGRAPH_CHARS = 1_000  # about 300 tokens: one chunk
PAUSE_SECONDS = 4  # of silence that end a paragraph
PART_CHARS = 300  # a paragraph shorter than this goes on over a pause


@dataclass(slots=True)
class _Paragraph:
    start: int  # seconds
    text: str


def read(raw: Raw) -> Readings:
    """One document."""
    text, notices = decode(raw.data)
    from webvtt import WebVTT
    from webvtt.errors import MalformedCaptionError, MalformedFileError

    kind = "srt"
    if text.lstrip("\ufeff \n").startswith("WEBVTT"):
        kind = "vtt"
    try:
        captions = WebVTT.from_buffer(io.StringIO(text), format=kind)
    except (MalformedCaptionError, MalformedFileError, ValueError, IndexError) as error:
        told = f"read as plain text ({type(error).__name__})"
        yield Reading([whole(text)], notices=(*notices, told))
        return
    title = ""
    if kind == "vtt":
        title = one_line(captions.header_text)
    made = []
    for paragraph in _paragraphs(captions):
        made.append(Section(paragraph.text + "\n\n", (), clock(paragraph.start)))
    yield Reading(made, title=title, notices=notices)


def clock(seconds: int) -> str:
    """ "01:02:03" of a number of seconds."""
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}"


def _paragraphs(captions: WebVTT) -> Iterator[_Paragraph]:
    """Paragraphs of the captions, each turn of a speaker on a line of its own."""
    paragraph: _Paragraph | None = None
    speaker = last = ""
    end = 0
    for caption in captions.captions:
        stripped = (unescape(line).strip() for line in caption.text.splitlines())
        lines = [line for line in stripped if line and line != last]
        if not lines:
            continue
        last = lines[-1]
        words = " ".join(lines)
        turned = bool(caption.voice) and caption.voice != speaker
        speaker = caption.voice or speaker
        spoken = words
        if speaker:
            spoken = f"{speaker}: {words}"
        start = caption.start_in_seconds
        if paragraph and _is_complete(paragraph, pause=start - end):
            yield paragraph
            paragraph = _Paragraph(start, spoken)
        elif paragraph is None:
            paragraph = _Paragraph(start, spoken if turned else words)
        elif turned:
            paragraph.text += f"\n{spoken}"
        else:
            paragraph.text += f" {words}"
        end = caption.end_in_seconds
    if paragraph:
        yield paragraph


def _is_complete(paragraph: _Paragraph, pause: int) -> bool:
    """Whether what is said after a pause, in seconds, begins another paragraph."""
    length = len(paragraph.text)
    return length >= PARAGRAPH_CHARS or (
        pause >= PAUSE_SECONDS and length >= PART_CHARS
    )
