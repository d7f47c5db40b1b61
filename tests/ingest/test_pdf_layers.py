"""What lies over the pages of a PDF: forms, comments, embedded files; and titles that are none."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from ingest.readers.pdf import read
from ingest.reading import Raw, Reading
from tests.ingest.test_pdf import pdf


def overlaid(
    *items: dict[str, Any],
    attach: dict[str, bytes] | None = None,
    lines: list[str] | None = None,
) -> bytes:
    """A page with annotations, and files embedded in the document."""
    writer = PdfWriter(
        clone_from=PdfReader(io.BytesIO(pdf([lines or ["Application for a berth"]])))
    )
    listed = ArrayObject()
    for item in items:
        made = DictionaryObject()
        made[NameObject("/Type")] = NameObject("/Annot")
        made[NameObject("/Rect")] = ArrayObject(map(NumberObject, (0, 0, 9, 9)))
        for key, value in item.items():
            is_name = isinstance(value, str) and value.startswith("/")
            kind = NameObject if is_name else TextStringObject
            made[NameObject(key)] = kind(value)
        listed.append(writer._add_object(made))
    writer.pages[0][NameObject("/Annots")] = listed
    for name, data in (attach or {}).items():
        writer.add_attachment(name, data)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def seen(data: bytes) -> Reading:
    return next(read(Raw(data, "berth.pdf", "application/pdf")))


def widget(name: str, value: str, kind: str = "/Tx", **more: Any) -> dict[str, Any]:
    return {"/Subtype": "/Widget", "/FT": kind, "/T": name, "/V": value, **more}


def test_values_typed_into_a_form_stand_on_their_page() -> None:
    reading = seen(
        overlaid(
            widget("insurance", "MQ-771-204"),
            widget("t1", "9.2 metres", **{"/TU": "Boat length"}),
            widget("agree", "/Yes", "/Btn"),
            widget("smoke", "/Off", "/Btn"),
            widget("empty", ""),
            widget("insurance", "MQ-771-204"),
        )
    )
    (section,) = reading.sections
    assert section.locator == "p. 1"
    assert section.text == (
        "Application for a berth\n\ninsurance: MQ-771-204\nBoat length: 9.2 metres\nagree: yes\n"
    )


def test_a_value_stands_behind_the_label_that_its_field_is_named_after() -> None:
    labels = ["Name:", "Boat length: ____", "Insurance number:", "Insurance agent:"]
    data = overlaid(
        widget("length", "9.2 metres"),
        widget("insuranceNumber", "MQ-771-204"),
        widget("insurance", "yes"),
        lines=labels,
    )
    assert seen(data).sections[0].text == (
        "Name:\nBoat length: 9.2 metres\nInsurance number: MQ-771-204\nInsurance agent:\n\ninsurance: yes\n"
    )


def test_comments_are_told_with_their_author_and_links_are_not() -> None:
    reading = seen(
        overlaid(
            {
                "/Subtype": "/Text",
                "/Contents": "Ask for the keel",
                "/T": "Ana",
                "/M": "D:20260304101010Z",
            },
            {"/Subtype": "/FreeText", "/Contents": "paid"},
            {"/Subtype": "/Link", "/Contents": "nothing"},
            {"/Subtype": "/Highlight"},
        )
    )
    text = reading.sections[0].text
    assert "Comment (Ana, 2026-03-04): Ask for the keel\nComment: paid" in text
    assert "nothing" not in text


def test_embedded_files_are_read_under_their_names() -> None:
    data = overlaid(
        attach={"prices.csv": b"berth,price\nB4,840\n", "photo.jpg": b"\xff\xd8"}
    )
    reading = seen(data)
    prices = reading.sections[-1]
    assert prices.heading == ("prices.csv",)
    assert prices.locator.startswith("prices.csv, L1")
    assert "B4,840" in prices.text
    assert reading.notices == ("1 attachment named, not read: photo.jpg",)


def test_a_pdf_inside_a_pdf_inside_a_pdf_ends() -> None:
    data = b"none"
    for level in range(6):
        data = overlaid(widget("level", str(level)), attach={"inner.pdf": data})
    reading = seen(data)
    assert "level: 5" in reading.sections[0].text
    assert any("too many in this file" in notice for notice in reading.notices)


@pytest.mark.parametrize(
    "odd",
    [
        {"/Subtype": "/Widget", "/V": "x", "/Parent": "/Loop"},
        {"/Subtype": "/FileAttachment", "/FS": "/None"},
        {"/Subtype": "/Text", "/Contents": "/Name"},
    ],
)
def test_damaged_layers_cost_no_page(odd: dict[str, Any]) -> None:
    assert "Application for a berth" in seen(overlaid(odd)).sections[0].text


@pytest.mark.parametrize(
    "title",
    [
        "(anonymous)",
        "Screenshot 2025-07-29 at 00.15.56.png",
        "Scan_20250101",
        "SKM_C25019010112",
        "IMG_1234",
        "CamScanner 03-04-2026 10.15",
        "Scanned Document",
    ],
)
def test_what_programs_and_scanners_state_is_no_title(title: str) -> None:
    assert seen(pdf([["Invoice 5501"]], title=title)).title == ""


@pytest.mark.parametrize(
    "title", ["Scanning electron microscopy", "Page layout in 2020", "Canon law"]
)
def test_a_title_that_sounds_alike_is_one(title: str) -> None:
    assert seen(pdf([["words"]], title=title)).title == title
