"""Calendars, contacts, rich text, outlines, saved pages and Evernote's exports: words, places and dates of each."""

from __future__ import annotations

import base64
from email.message import EmailMessage
from pathlib import Path

import pytest

from ingest import Document, IngestError, RefusedFile, load
from ingest.readers import compressed_rtf, rtf
from tests.ingest.reading_support import read, text_of

CALENDAR = """BEGIN:VCALENDAR
X-WR-CALNAME:Home
BEGIN:VEVENT
DTSTART;TZID=Europe/Oslo:20260504T180000
DTEND;TZID=Europe/Oslo:20260504T200000
SUMMARY:Dinner with the Hansens
LOCATION:Pier 4\\, Oslo
RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;UNTIL=20261231T000000Z
ATTENDEE;CN="Ana Lopez":mailto:ana@example.org
CATEGORIES:family,food
DESCRIPTION:Bring wine\\nand
  bread
BEGIN:VALARM
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260601
DTEND;VALUE=DATE:20260604
SUMMARY:Holiday
END:VEVENT
BEGIN:VTODO
SUMMARY:Pay the rent
DUE:20260601
STATUS:NEEDS-ACTION
END:VTODO
END:VCALENDAR
"""
CARDS = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:L=C3=B3pez;Ana
TEL;HOME;VOICE:+34 600 111 222
item1.EMAIL;type=INTERNET;type=WORK:ana@example.org
item1.ADR;type=HOME:;;Main St 4;Oslo;;0150;Norway
BDAY:19800504
NOTE:likes\\nboats
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZ
  dfgfdgdf
END:VCARD
begin:vcard
FN:Bob
tel:1
end:vcard
"""


def test_a_calendar_says_what_when_where_with_whom_and_how_often() -> None:
    reading = read("home.ics", CALENDAR)
    assert reading.title == "Home"
    assert reading.tags == ("family", "food")
    assert [s.locator for s in reading.sections] == ["event 1", "event 2", "task 3"]
    assert reading.sections[0].heading == ("Dinner with the Hansens",)
    text = text_of(reading)
    for words in (
        "Dinner with the Hansens: Monday 4 May 2026 (2026-05-04), 18:00 to 20:00 (Europe/Oslo), at Pier 4, Oslo",
        "Repeats: every 2 weeks on Monday until 2026-12-31",
        "With: Ana Lopez <ana@example.org>",
        "Bring wine\nand bread",
        "Holiday: Monday 1 June 2026 (2026-06-01), 3 days",
        "Due: Monday 1 June 2026 (2026-06-01)",
        "Status: to do",
    ):
        assert words in text
    assert "Reminder" not in text


def test_one_event_dates_its_document() -> None:
    event = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260504\nSUMMARY:Dinner\nEND:VEVENT\nEND:VCALENDAR"
    reading = read("dinner.ics", event)
    assert (reading.title, reading.date) == ("Dinner", "2026-05-04")


def test_contacts_are_told_in_words_and_without_pictures() -> None:
    reading = read("all.vcf", CARDS)
    assert [s.heading for s in reading.sections] == [("Ana López",), ("Bob",)]
    assert reading.sections[0].text == (
        "Ana López\nPhone (home): +34 600 111 222\nEmail (work): ana@example.org\n"
        "Address (home): Main St 4, Oslo, 0150, Norway\nBirthday: 1980-05-04\nNote: likes\nboats\n\n"
    )
    assert reading.sections[1].text == "Bob\nPhone: 1\n\n"


def test_rich_text_is_its_paragraphs_with_title_and_author() -> None:
    source = (
        rb"{\rtf1\ansi\ansicpg1252{\info{\title Boiler}{\author Ana L\'f3pez}{\creatim\yr2026\mo3\dy4}}"
        rb"Dear landlord,\par the boiler leaks: 1.5 b\u228?r.\par{\pict\pngblip 89504e47}}"
    )
    reading = read("letter.rtf", source)
    assert text_of(reading) == "Dear landlord,\n\nthe boiler leaks: 1.5 bär.\n\n"
    assert (reading.title, reading.created) == ("Boiler", "2026-03-04")
    assert reading.metadata["Author"] == "Ana López"


def test_an_outline_is_its_items_as_they_lie() -> None:
    opml = (
        "<opml version='2.0'><head><title>Plans</title></head><body><outline text='Boat'>"
        "<outline text='Keel' _note='before Easter'><outline text='Bolts'/></outline></outline>"
        "<outline text='Feed' xmlUrl='https://example.org/rss'/></body></opml>"
    )
    reading = read("plans.opml", opml)
    assert reading.title == "Plans"
    assert [s.heading for s in reading.sections] == [("Boat",), ("Feed",)]
    assert reading.sections[0].text == "Boat\n- Keel\n  before Easter\n  - Bolts\n\n"
    assert "https://example.org/rss" in text_of(reading)


def test_a_saved_page_is_read_as_the_page() -> None:
    page = EmailMessage()
    page["Subject"] = "Tides of Brest"
    page["Snapshot-Content-Location"] = "https://example.org/tides"
    page["Date"] = "Wed, 4 Mar 2026 10:00:00 +0000"
    page.make_related()
    page.add_related(
        "<h1>Tides</h1><p>The constant is 2.05 m für Brest.</p>", subtype="html"
    )
    page.add_related(b"\x89PNG", maintype="image", subtype="png")
    reading = read("tides.mhtml", bytes(page))
    assert "The constant is 2.05 m für Brest." in text_of(reading)
    assert reading.metadata == {"Address": "https://example.org/tides"}
    assert reading.created == "2026-03-04"


def test_each_note_of_evernote_is_a_document(tmp_path: Path) -> None:
    attached = base64.b64encode(b"The pump needs oil.\n").decode()
    export = (
        '<?xml version="1.0"?><!DOCTYPE en-export SYSTEM "http://xml.evernote.com/pub/evernote-export4.dtd">'
        "<en-export><note><title>Boiler</title><content><![CDATA[<en-note><div>It is 1.5 bar.</div></en-note>]]>"
        "</content><created>20260304T101010Z</created><tag>home</tag><note-attributes><author>Ana</author>"
        f"</note-attributes><resource><data encoding='base64'>{attached}</data><mime>text/plain</mime>"
        "<resource-attributes><file-name>pump.txt</file-name></resource-attributes></resource></note>"
        "<note><title>Roof</title><content>&lt;p&gt;New tiles.&lt;/p&gt;</content></note></en-export>"
    )
    path = tmp_path / "notes.enex"
    path.write_text(export)
    documents: list[Document] = list(load(path))
    about, boiler, roof = documents
    assert "2 notes" in about.text
    assert (boiler.title, boiler.tags, boiler.dated_at) == (
        "Boiler",
        ("home",),
        "2026-03-04T10:10:10+00:00",
    )
    assert "It is 1.5 bar." in boiler.text
    assert "The pump needs oil." in boiler.text
    assert "New tiles." in roof.text
    assert len({document.uri for document in documents}) == 3


def test_a_mail_of_apples_mail_is_what_its_length_says() -> None:
    mail = b"From: Ana <ana@example.org>\nSubject: Rigging\n\nNew shrouds.\n"
    reading = read(
        "1.emlx", str(len(mail)).encode() + b"  \n" + mail + b"<?xml?><plist/>"
    )
    assert "New shrouds." in text_of(reading)
    assert "plist" not in text_of(reading)


@pytest.mark.parametrize(
    "name", ["a.ics", "a.vcf", "a.rtf", "a.opml", "a.mhtml", "a.enex", "a.emlx"]
)
def test_what_is_not_of_its_kind_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(IngestError) as error:
        read(name, "only words\n")
    assert error.value.reason
    assert error.value.hint


@pytest.mark.parametrize("name", ["a.opml", "a.enex"])
def test_entities_are_refused(name: str) -> None:
    with pytest.raises(RefusedFile, match="entities"):
        read(
            name,
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><en-export><opml>&e;',
        )


def test_rich_text_that_outlook_packed_is_unpacked() -> None:
    """The example of [MS-OXRTFCP] 4.1.1, whole, cut off, and not packed at all."""
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c09002062770"
        "5b06c647d0a800fa0"
    )
    words = b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert compressed_rtf.unpacked(packed) == words
    assert words.startswith(compressed_rtf.unpacked(packed[:40]))
    assert rtf.plain(words.decode()).strip() == "hello world"
    plain = len(words).to_bytes(4, "little") * 2 + b"MELA" + bytes(4) + words
    assert compressed_rtf.unpacked(plain) == words
    assert compressed_rtf.unpacked(b"none") == b""
