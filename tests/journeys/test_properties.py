"""Properties that hold for any input, of parts whose own test files have none: the NDJSON reader, front matter as it is read,
mails and their threads, archives, captions, paragraph numbers.

Elsewhere: the chunker (test_ingest_chunking), the sanitiser (test_render), the FTS5 query builder (test_query), front matter
as it is written and export names (test_export_text), memory's dates (test_memory_when).
"""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from brain.errors import Unavailable
from brain.models.limits import Limits as Deadlines
from brain.models.locality import Address
from brain.models.ollama_wire import OllamaHttp, _split_lines
from ingest import IngestError, Limits, load_text
from ingest.chunking import chunk
from ingest.document import Section
from ingest.loading import clean, readings
from ingest.media import DOCX, media_type
from ingest.readers import mail, reader_for, threads
from ingest.readers.front_matter import BadFrontMatter
from ingest.readers.outline import Block, sections
from ingest.readers.properties import read_head
from ingest.reading import Raw
from tests.hostile_files import docx
from tests.ingest.test_epub import book, page

ADDRESS = Address("127.0.0.1", 11434, ("127.0.0.1",))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=8,
)
records = st.dictionaries(st.text(max_size=8), values, max_size=4)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def outcome(attempt: Callable[[], Any]) -> Any:
    """What it gives, or the one of our own errors that it raises; any other error fails the test."""
    try:
        return attempt()
    except (IngestError, Unavailable, BadFrontMatter) as error:
        return error


# -- NDJSON ---------------------------------------------------------------------------------------------------------------


@given(
    st.lists(records, max_size=5),
    st.lists(st.integers(0, 500), max_size=8),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
    st.booleans(),
)
def test_any_split_of_a_stream_gives_the_same_objects(
    objects: list[dict[str, object]], cuts: list[int], end: str, closed: bool
) -> None:
    data = end.join(json.dumps(one) for one in objects).encode() + (
        end.encode() if closed else b""
    )
    assert [
        json.loads(line)
        for line in _split_lines(iter(pieces(data, cuts)), 100_000, ADDRESS)
    ] == objects


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_garbage_is_lines_or_one_error(parts: list[bytes]) -> None:
    lines = list(_split_lines(iter(parts), 1_000, ADDRESS))
    assert all(line.strip() == line != b"" and b"\n" not in line for line in lines)
    assert b"".join(b"".join(parts).split()) == b"".join(b"".join(lines).split())
    reader = OllamaHttp(ADDRESS, Deadlines())
    for line in lines:
        parsed = outcome(lambda line=line: reader._parsed(line, "m"))
        assert isinstance(parsed, dict) or (parsed.message and parsed.hint)


@given(st.integers(1, 50), st.lists(st.integers(0, 500), max_size=4))
def test_a_line_over_the_limit_ends_the_stream(limit: int, cuts: list[int]) -> None:
    with pytest.raises(Unavailable, match="over"):
        list(
            _split_lines(iter(pieces(b"x" * (limit + 1) + b"\n", cuts)), limit, ADDRESS)
        )


# -- front matter ----------------------------------------------------------------------------------------------------------

keys = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
letters = st.text(
    st.characters(exclude_categories=["C"]) | st.sampled_from("\n\r\t"), max_size=120
)
plain = st.text(
    st.characters(exclude_categories=["C"], exclude_characters="\x85\u2028\u2029"),
    min_size=1,
    max_size=30,
)


@given(
    st.dictionaries(keys, plain | st.lists(plain, min_size=1, max_size=3), max_size=5)
)
def test_what_yaml_wrote_is_read_as_it_stands(
    fields: dict[str, str | list[str]],
) -> None:
    block = (
        yaml.safe_dump(fields, allow_unicode=True, sort_keys=False, width=10_000)
        if fields
        else ""
    )
    head = read_head(f"---\n{block}---\n", Limits())
    found: dict[str, list[str]] = {}
    for stated in head.properties:
        found.setdefault(stated.key, []).append(stated.value)
    assert head.notices == ()
    assert found == {
        key: [value] if isinstance(value, str) else value
        for key, value in fields.items()
    }


@given(st.text(max_size=200))
@example("a: &a [*a]")
@example("? {a: b}\n: c")
@example("a: 1\n\tb: 2")
def test_any_block_is_read_or_told(block: str) -> None:
    head = read_head(f"---\n{block}\n---\n", Limits())
    assert all(isinstance(stated.value, str) for stated in head.properties)
    assert bool(head.notices) or not head.unread


@given(letters, letters)
def test_no_line_of_a_note_is_lost_with_its_front_matter(front: str, body: str) -> None:
    text = f"---\n{front}\n---\n\nfirst line\n{body}"
    document = load_text(text, uri="note:x")
    kept = clean(re.sub("\r\n?", "\n", body))
    if (
        "%%" not in text and "<!--" not in text and "-->" not in text
    ):  # comments are left out on purpose
        assert kept.strip() in document.text


# -- mails ---------------------------------------------------------------------------------------------------------------------

quoting = st.sampled_from(
    [
        "> quoted words",
        ">> older words",
        "On Thu, 7 May 2026 at 10:00, Ana <a@example.org> wrote:",
        "Am 07.05.2026 um 10:00 schrieb Ana:",
        "-----Original Message-----",
        "From: Ana",
        "Sent: Monday",
        "To: Bob",
        "Subject: tea",
        "",
        "  indented",
        "my own words",
        "-- ",
        "Best regards",
        "________________________________",
        "Sent from my phone",
        ">",
        "> > deep",
        "yes",
        "Le 7 mai 2026, Ana a écrit :",
    ]
)


@given(st.lists(st.one_of(quoting, st.text(max_size=30)), max_size=14))
@settings(max_examples=200)
def test_parting_a_thread_loses_and_doubles_no_word(lines: list[str]) -> None:
    body = "\n".join(lines)
    found = threads.parts(body)
    words = Counter(re.findall(r"\w+", body))
    kept = Counter(
        word
        for part in found
        for word in re.findall(
            r"\w+",
            f"{part.intro} {part.text}" if part.intro != threads.QUOTED else part.text,
        )
    )
    assert kept == words


@given(st.binary(max_size=400))
@example(b"Content-Type: multipart/mixed; boundary=\n\n--\n--\n")
@example(b"Subject: =?utf-8?b?////?=\nFrom: =?x?q?\n\n")
def test_any_bytes_are_a_mail(data: bytes) -> None:
    letter = mail.parsed(data)
    raw = Raw(data, "a.eml", "message/rfc822")
    reading = mail.reading(letter, threads.parts(letter.body), raw)
    assert all(section.locator for section in reading.sections)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_are_a_mailbox_or_are_refused(parts: list[bytes]) -> None:
    box = b"From x Thu May  7 10:00:00 2026\nSubject: a\n".join([b"", *parts])
    made = outcome(lambda: list(readings(Raw(box, "a.mbox", "application/mbox"))))
    if isinstance(made, IngestError):
        assert made.reason
        return
    names = [reading.part for reading in made]
    assert names[0] == ""
    assert len(set(names)) == len(names)


BEGINNINGS = {
    "a.ics": b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n",
    "a.vcf": b"BEGIN:VCARD\n",
    "a.rtf": b"{\\rtf1 ",
    "a.opml": b"<opml><body>",
    "a.enex": b"<en-export><note>",
    "a.mhtml": b"Content-Type: text/html\n\n",
    "a.emlx": b"99\nSubject: a\n\n",
    "a.json": b'[{"author": "a", "text": "',
    "a.ipynb": b'{"cells": [',
    "a.canvas": b'{"nodes": [',
    "a.excalidraw": b'{"elements": [',
    "a.org": b"* a\n",
    "a.rst": b"a\n=\n",
    "a.adoc": b"= a\n",
    "a.man": b".TH a\n",
}


@pytest.mark.parametrize("name", BEGINNINGS)
@given(data=st.binary(max_size=200), begun=st.booleans())
def test_any_bytes_are_read_or_refused_with_a_reason(
    name: str, data: bytes, begun: bool
) -> None:
    whole = BEGINNINGS[name] + data if begun else data
    raw = Raw(whole, name, media_type(name))
    # The reader itself, as the other steps turn any error into one of ours.
    made = outcome(lambda: list(reader_for(raw.media_type)(raw)))
    if isinstance(made, IngestError):
        assert made.reason
        return
    assert all(section.locator for one in made for section in one.sections)


# -- archives --------------------------------------------------------------------------------------------------------------------

WHOLE = {DOCX: docx(), "application/epub+zip": book({"a": page("<p>words</p>")}, ["a"])}


@pytest.mark.parametrize("kind", WHOLE, ids=["docx", "epub"])
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 5_000), st.integers(0, 255)), min_size=1, max_size=6
    ),
    cut=st.integers(0, 5_000),
)
def test_a_damaged_archive_is_read_or_refused(
    kind: str, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(WHOLE[kind])
    for at, byte in changes:
        data[at % len(data)] = byte
    for hurt in (bytes(data), bytes(data[: cut % len(data)])):
        made = outcome(lambda hurt=hurt: list(readings(Raw(hurt, "a", kind))))
        assert (
            (made.reason and made.hint)
            if isinstance(made, IngestError)
            else len(made) == 1
        )


@given(st.dictionaries(st.text(max_size=20), st.binary(max_size=60), max_size=4))
def test_any_archive_is_read_or_refused(entries: dict[str, bytes]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, (name, content) in enumerate(entries.items()):
            archive.writestr(zipfile.ZipInfo(f"{number}{clean(name)}"), content)
    for kind in (*WHOLE, "application/vnd.oasis.opendocument.text"):
        with pytest.raises(IngestError):
            list(readings(Raw(out.getvalue(), "a", kind)))


@given(
    st.text(st.characters(exclude_categories=["C"]) | st.just("\n"), max_size=200),
    st.sampled_from(["text/vtt", "application/x-subrip"]),
    st.booleans(),
)
def test_any_text_is_captions_or_plain(text: str, kind: str, headed: bool) -> None:
    body = f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}" if headed else text
    (reading,) = readings(Raw(clean(body).encode(), "a.vtt", kind))
    assert all(section.locator for section in reading.sections)


# -- paragraph numbers -----------------------------------------------------------------------------------------------------------

blocks = st.lists(
    st.builds(
        Block,
        st.text("ab \n", min_size=1, max_size=60),
        st.sampled_from([0, 0, 0, 1, 2]),
        st.booleans(),
    ),
    max_size=20,
)


@given(blocks)
def test_a_paragraph_number_is_the_place_among_the_paragraphs(
    given_blocks: list[Block],
) -> None:
    made = list(sections(given_blocks))
    text = "".join(section.text for section in made)
    paragraphs = [part for part in text.split("\n\n") if part]
    assert len(paragraphs) == sum(bool(block.text.strip()) for block in given_blocks)
    for piece in chunk(made, chunk_tokens=16):
        first, _mark, last = piece.locator.removeprefix("¶").partition("-")
        inside = text[piece.start : piece.end].strip()
        span = "\n\n".join(paragraphs[int(first) - 1 : int(last or first)])
        assert inside in span


@given(
    st.lists(
        st.from_regex(
            r"(Sheet|'My Sheet')![A-Z]{1,2}[1-9]\d?(:[A-Z]{1,2}[1-9]\d?)?",
            fullmatch=True,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_joined_cells_name_a_range_around_all(places: list[str]) -> None:
    (piece,) = chunk([Section("w\n\n", ("same",), place) for place in places])
    assert [part.partition("!")[0] for part in piece.locator.split("; ")] == list(
        dict.fromkeys(place.partition("!")[0] for place in places)
    )
    for sheet in piece.locator.split("; "):
        rows = [int(row) for row in re.findall(r"\d+", sheet.rpartition("!")[2])]
        own = [
            int(row)
            for place in places
            if place.startswith(sheet.partition("!")[0] + "!")
            for row in re.findall(r"\d+", place.rpartition("!")[2])
        ]
        assert (rows[0], rows[-1]) == (min(own), max(own))
