"""Three questions that a person would ask of each kind of file in the README's table, answered from a small file of it.

The files are made here. An answer is right when what it cites is the file, and its words are in the answer's quotes.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end import ROOT, brain
from tests.ingest.test_pdf import pdf

Questions = tuple[tuple[str, str], ...]  # a question, and words that its answer holds

BOILER = (
    "The pressure of the boiler must be 1.5 bar.",
    "The plumber who services it is called Duarte Reis.",
    "The filter is changed every six months.",
)
ABOUT_BOILER: Questions = (
    ("What pressure must the boiler have?", "1.5 bar"),
    ("Who is the plumber that services the boiler?", "Duarte Reis"),
    ("How often is the filter changed?", "six months"),
)
TEXT = "\n\n".join(BOILER)


def made_docx() -> bytes:
    from docx import Document

    made, out = Document(), io.BytesIO()
    made.add_heading("Boiler", 1)
    for line in BOILER:
        made.add_paragraph(line)
    made.save(out)
    return out.getvalue()


def made_pptx() -> bytes:
    from pptx import Presentation

    made, out = Presentation(), io.BytesIO()
    for line in BOILER:
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = "Boiler"
        slide.placeholders[1].text = line
    made.save(out)
    return out.getvalue()


def made_xlsx() -> bytes:
    from openpyxl import Workbook

    made, out = Workbook(), io.BytesIO()
    for row in BERTHS:
        made.active.append(row)
    made.save(out)
    return out.getvalue()


BERTHS = (
    ("Berth", "Tenant", "Monthly rent in euro"),
    ("A1", "Mara Quintero", "840"),
    ("A2", "Odalys Brandt", "910"),
    ("B7", "Ivo Petrov", "655"),
)
ABOUT_BERTHS: Questions = (
    ("Who is the tenant of berth A2?", "Odalys Brandt"),
    ("What is the monthly rent of Mara Quintero?", "840"),
    ("Which berth has Ivo Petrov?", "B7"),
)


def zipped(entries: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def made_odt() -> bytes:
    lines = "".join(f"<text:p>{line}</text:p>" for line in BOILER)
    return zipped(
        {
            "content.xml": '<office:document-content xmlns:office="o" xmlns:text="t"><office:body><office:text>'
            f"{lines}</office:text></office:body></office:document-content>"
        }
    )


def made_epub() -> bytes:
    chapter = "".join(f"<p>{line}</p>" for line in BOILER)
    return zipped(
        {
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>',
            "b.opf": '<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="a"/></spine></package>',
            "a.xhtml": f"<html><body><h1>Boiler</h1>{chapter}</body></html>",
        }
    )


def letter(
    subject: str, body: str, sender: str = "Ana Lopez <ana@example.org>"
) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "bob@example.org", subject
    made["Date"] = "Tue, 3 Mar 2026 10:00:00 +0100"
    made["Message-ID"] = f"<{subject.replace(' ', '')}@example.org>"
    made.set_content(body)
    return made


def made_eml() -> bytes:
    made = letter("Boiler", f"{BOILER[0]} The rest is attached.")
    inner = letter("Service", BOILER[1], "Plumber <p@example.org>")
    made.add_attachment(inner)
    made.add_attachment(
        pdf([[BOILER[2]]]), maintype="application", subtype="pdf", filename="filter.pdf"
    )
    return bytes(made)


def made_mbox() -> bytes:
    letters = (letter(f"Boiler part {at}", line) for at, line in enumerate(BOILER))
    return b"".join(
        b"From ana@example.org Tue Mar  3 10:00:00 2026\n" + bytes(one) + b"\n"
        for one in letters
    )


def made_emlx() -> bytes:
    mail = bytes(letter("Boiler", TEXT))
    return str(len(mail)).encode() + b"\n" + mail


def made_notebook() -> bytes:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "source": ["# Boiler\n", BOILER[0]]},
        {
            "cell_type": "code",
            "source": "print(plumber)",
            "outputs": [{"text": [BOILER[1]]}],
        },
        {"cell_type": "markdown", "source": [BOILER[2]]},
    ]
    return json.dumps({"cells": cells, "nbformat": 4}).encode()


def made_canvas() -> bytes:
    nodes = [
        {"id": str(at), "type": "text", "text": line} for at, line in enumerate(BOILER)
    ]
    return json.dumps({"nodes": nodes, "edges": []}).encode()


def made_excalidraw() -> bytes:
    elements = [{"type": "text", "text": line} for line in BOILER]
    return json.dumps({"type": "excalidraw", "elements": elements}).encode()


def made_chat() -> bytes:
    said = [{"role": "user", "content": "Tell me about the boiler."}]
    said += [{"role": "assistant", "content": line} for line in BOILER]
    return json.dumps({"messages": said}).encode()


def made_enex() -> bytes:
    content = "".join(f"<div>{line}</div>" for line in BOILER)
    return (
        f"<en-export><note><title>Boiler</title><content><![CDATA[<en-note>{content}</en-note>]]></content></note>"
        "</en-export>"
    ).encode()


def made_mhtml() -> bytes:
    page = EmailMessage()
    page["Subject"] = "Boiler"
    page.make_related()
    page.add_related("".join(f"<p>{line}</p>" for line in BOILER), subtype="html")
    return bytes(page)


CODE = '''"""Heating."""


def boil(kettle):
    """Heat the water to 96 degrees for black tea."""
    return kettle.heat(96)


def rinse(pot):
    """Rinse the pot twice before the tea goes in."""
    return [pot.fill(), pot.fill()]


def steep(leaves, minutes=4):
    """Steep green leaves no longer than two minutes."""
    return leaves.wait(minutes)
'''
ABOUT_CODE: Questions = (
    ("which function heats the water for black tea", "96 degrees"),
    ("how often is the pot rinsed before the tea", "twice"),
    ("how long do green leaves steep", "two minutes"),
)
CALENDAR = """BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART;TZID=Europe/Oslo:20260504T180000
SUMMARY:Dinner with the Hansens
LOCATION:Pier 4
END:VEVENT
BEGIN:VEVENT
DTSTART:20260611T090000Z
SUMMARY:Dentist appointment
LOCATION:Rua Augusta 12
DESCRIPTION:Bring the x-ray of the left molar.
END:VEVENT
END:VCALENDAR
"""
CARDS = """BEGIN:VCARD
FN:Ana Lopez
TEL;TYPE=CELL:+34 600 111 222
EMAIL:ana@example.org
END:VCARD
BEGIN:VCARD
FN:Ivo Petrov
ORG:Harbour Office
BDAY:1980-05-04
END:VCARD
"""
CAPTIONS = "WEBVTT\n\n" + "".join(
    f"00:0{at}:00.000 --> 00:0{at}:09.000\n{line}\n\n" for at, line in enumerate(BOILER)
)
OPML = (
    "<opml><body>"
    + "".join(f"<outline text='{line}'/>" for line in BOILER)
    + "</body></opml>"
)

# Every file type of the table: its file's name, its content, what is asked of it.
KINDS: dict[str, tuple[str, str | bytes | Callable[[], bytes], Questions]] = {
    "Markdown": ("boiler.md", f"# Boiler\n\n{TEXT}\n", ABOUT_BOILER),
    "text": ("boiler.txt", TEXT, ABOUT_BOILER),
    "PDF": ("boiler.pdf", lambda: pdf([list(BOILER)]), ABOUT_BOILER),
    "HTML": (
        "boiler.html",
        "<h1>Boiler</h1>" + "".join(f"<p>{line}</p>" for line in BOILER),
        ABOUT_BOILER,
    ),
    "source code": ("tea.py", CODE, ABOUT_CODE),
    "#!": ("tea", "#!/usr/bin/env python3\n" + CODE, ABOUT_CODE),
    "Word": ("boiler.docx", made_docx, ABOUT_BOILER),
    "PowerPoint": ("boiler.pptx", made_pptx, ABOUT_BOILER),
    "Excel": ("berths.xlsx", made_xlsx, ABOUT_BERTHS),
    "OpenDocument": ("boiler.odt", made_odt, ABOUT_BOILER),
    "EPUB": ("boiler.epub", made_epub, ABOUT_BOILER),
    ".eml": ("boiler.eml", made_eml, ABOUT_BOILER),
    ".emlx": ("1.emlx", made_emlx, ABOUT_BOILER),
    ".mbox": ("boiler.mbox", made_mbox, ABOUT_BOILER),
    "Thunderbird": ("Inbox", made_mbox, ABOUT_BOILER),
    "Maildir": (
        "cur/1772530000.M1P2.host:2,S",
        lambda: bytes(letter("Boiler", TEXT)),
        ABOUT_BOILER,
    ),
    "captions": ("boiler.vtt", CAPTIONS, ABOUT_BOILER),
    "tables": ("berths.csv", "\n".join(map(",".join, BERTHS)), ABOUT_BERTHS),
    "Org": ("boiler.org", f"#+TITLE: Boiler\n* Service\n{TEXT}\n", ABOUT_BOILER),
    "reStructuredText": ("boiler.rst", f"Boiler\n======\n\n{TEXT}\n", ABOUT_BOILER),
    "AsciiDoc": ("boiler.adoc", f"= Boiler\n\n== Service\n\n{TEXT}\n", ABOUT_BOILER),
    "manual pages": (
        "boiler.1",
        ".TH BOILER 1\n.SH SERVICE\n" + "\n.PP\n".join(BOILER),
        ABOUT_BOILER,
    ),
    "JSON": (
        "boiler.json",
        json.dumps(
            {"pressure": BOILER[0], "service": BOILER[1], "filter": BOILER[2]}, indent=1
        ),
        ABOUT_BOILER,
    ),
    "JSON Lines": (
        "boiler.jsonl",
        "\n".join(json.dumps({"note": line}) for line in BOILER),
        ABOUT_BOILER,
    ),
    "exported chats": ("chat.json", made_chat, ABOUT_BOILER),
    "notebooks": ("boiler.ipynb", made_notebook, ABOUT_BOILER),
    "canvas": ("boiler.canvas", made_canvas, ABOUT_BOILER),
    "Excalidraw": ("boiler.excalidraw", made_excalidraw, ABOUT_BOILER),
    "calendars": (
        "home.ics",
        CALENDAR,
        (
            ("When is the dinner with the Hansens?", "4 May 2026"),
            ("Where is the dentist appointment?", "Rua Augusta 12"),
            ("What must I bring to the dentist?", "x-ray"),
        ),
    ),
    "contacts": (
        "people.vcf",
        CARDS,
        (
            ("What is the phone number of Ana Lopez?", "600 111 222"),
            ("What is the email of Ana Lopez?", "ana@example.org"),
            ("When is the birthday of Ivo Petrov?", "1980-05-04"),
        ),
    ),
    ".opml": ("boiler.opml", OPML, ABOUT_BOILER),
    ".rtf": ("boiler.rtf", r"{\rtf1\ansi " + r"\par ".join(BOILER) + "}", ABOUT_BOILER),
    ".mhtml": ("boiler.mhtml", made_mhtml, ABOUT_BOILER),
    ".enex": ("boiler.enex", made_enex, ABOUT_BOILER),
}


@pytest.mark.parametrize("kind", KINDS)
def test_three_questions_are_answered_from_a_file_of_each_kind(
    kind: str, tmp_path: Path
) -> None:
    name, content, questions = KINDS[kind]
    path = tmp_path / "things" / name
    path.parent.mkdir(parents=True)
    data = content if isinstance(content, (str, bytes)) else content()
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    added = brain("add", tmp_path / "things", "--json")
    assert added.code == 0, added.stderr
    for question, words in questions:
        answer = brain("ask", question, "--json", "--no-record").json
        sources = [citation["source"] for citation in answer["citations"]]
        assert words in answer["answer"], (question, answer["answer"])
        assert all(str(path) in source for source in sources)
        assert sources


# The rows of the table with the kinds that are asked of for them.
ROWS = {
    "Markdown, text": "Markdown, text",
    "PDF": "PDF",
    "HTML": "HTML",
    "source code": "source code, #!",
    "Word, PowerPoint, Excel, OpenDocument, EPUB": "Word, PowerPoint, Excel, OpenDocument, EPUB",
    "mail: `.eml`, `.emlx`, `.msg`, mailboxes (`.mbox`, Thunderbird's and Apple's folders), Maildir": (
        ".eml, .emlx, .mbox, Thunderbird, Maildir"
    ),
    "captions, tables": "captions, tables",
    "Org, reStructuredText, AsciiDoc, manual pages": "Org, reStructuredText, AsciiDoc, manual pages",
    "JSON, JSON Lines, exported chats": "JSON, JSON Lines, exported chats",
    "notebooks, Obsidian canvas, Excalidraw": "notebooks, canvas, Excalidraw",
    "calendars, contacts, outlines (`.ics`, `.vcf`, `.opml`)": "calendars, contacts, .opml",
    "rich text, saved pages, Evernote (`.rtf`, `.mhtml`, `.enex`)": ".rtf, .mhtml, .enex",
}


def test_every_row_of_the_table_is_asked() -> None:
    """A row that is added to the README brings its questions."""
    page = (ROOT / "README.md").read_text()
    table = page.partition("## What is read")[2].partition("\n\nRisky")[0]
    rows = [
        row.split("|")[1].strip() for row in table.splitlines() if row.startswith("| ")
    ]
    assert rows[1:] == list(ROWS)
    asked = [kind for kinds in ROWS.values() for kind in kinds.split(", ")]
    assert sorted(asked) == sorted(KINDS)
