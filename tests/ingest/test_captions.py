"""Captions: what is said and at which moment; rolling repeats once; what is none is plain text."""

from __future__ import annotations

from ingest.document import Section
from ingest.readers.captions import clock, read
from ingest.reading import Raw, Reading


def reading(text: str, kind: str = "text/vtt") -> Reading:
    return next(read(Raw(text.encode(), "talk.vtt", kind)))


def test_captions_become_paragraphs_with_speakers_and_moments() -> None:
    said = "x" * 290
    found = reading(
        "WEBVTT\n\nNOTE not said\n\n00:14:05.000 --> 00:14:07.000\n<v Ana>The boiler &amp; the <i>landlord</i>\n\n"
        f"00:14:07.500 --> 00:14:09.000\n<v Bob>He promised. {said}\n\n01:02:03.000 --> 01:02:04.000\n<v Bob>Later.\n"
    )
    assert found.sections == [
        Section(
            f"Ana: The boiler & the landlord\nBob: He promised. {said}\n\n",
            (),
            "00:14:05",
        ),
        Section("Bob: Later.\n\n", (), "01:02:03"),
    ]


def test_rolling_captions_are_read_once() -> None:
    found = reading(
        "1\n00:00:01,000 --> 00:00:02,000\none\n\n2\n00:00:02,000 --> 00:00:03,000\none\ntwo\n\n3\n00:00:03,000 --> 00:00:04,000\ntwo\nthree\n",
        "application/x-subrip",
    )
    assert [section.text for section in found.sections] == ["one two three\n\n"]


def test_what_is_no_caption_file_is_plain_text() -> None:
    found = reading("no captions here\nbut words\n")
    assert found.sections[0].text == "no captions here\nbut words\n"
    assert found.sections[0].locator == "L1-3"
    assert "plain text" in found.notices[0]


def test_the_clock() -> None:
    assert (clock(0), clock(845), clock(36_610)) == ("00:00:00", "00:14:05", "10:10:10")
