"""PDF: pages as locators, what is dropped and joined, and what is said of pages that give nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ingest.errors import IngestError, UnreadableFile
from ingest.limits import Limits
from ingest.readers.pdf import read
from ingest.reading import Raw, Reading

SHARED = Path(__file__).parents[3] / "shared" / "eval" / "ingest" / "pdf"


def pdf(
    pages: list[list[str]], *, title: str = "", password: str | None = None
) -> bytes:
    """A PDF with one line of text per string."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    font = writer._add_object(
        DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
    )
    for lines in pages:
        page = writer.add_blank_page(300, 400)
        stream = DecodedStreamObject()
        shown = "".join(f"({line}) Tj T* " for line in lines)
        stream.set_data(
            f"BT /F1 12 Tf 14 TL 20 380 Td {shown}ET".encode("latin-1")
            if lines
            else b""
        )
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        page[NameObject("/Contents")] = writer._add_object(stream)
    writer.add_metadata({"/Title": title, "/CreationDate": "D:20260507120000Z"})
    if password is not None:
        writer.encrypt(password, "owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def reading(data: bytes, limits: Limits | None = None) -> Reading:
    return next(read(Raw(data, "scan.pdf", "application/pdf", limits or Limits())))


def test_pages_title_and_words_joined_over_line_ends() -> None:
    found = reading(
        pdf(
            [["Tea is brew-", "ed hot."], ["Page two", "Anna-", "Maria"]],
            title="On Tea",
        )
    )
    assert [(s.text, s.locator) for s in found.sections] == [
        ("Tea is brewed hot.\n", "p. 1"),
        ("Page two\nAnna-\nMaria\n", "p. 2"),
    ]
    assert (found.title, found.created) == ("On Tea", "2026-05-07")


@pytest.mark.parametrize(
    "title", ["Microsoft Word - x.doc", "untitled", "scan", "report.tex", "12", ""]
)
def test_titles_that_are_none(title: str) -> None:
    assert reading(pdf([["x"]], title=title)).title == ""


def test_running_heads_and_feet_go_but_not_a_page_that_is_nothing_else() -> None:
    leaves = ["green", "black", "white", "red", "yellow"]
    pages = [
        ["Journal of Tea", f"Of {leaf} leaves", f"- {at} -"]
        for at, leaf in enumerate(leaves, 1)
    ]
    found = reading(pdf([*pages, ["Journal of Tea"]]))
    assert [s.text for s in found.sections[:5]] == [
        f"Of {leaf} leaves\n" for leaf in leaves
    ]
    assert found.sections[5].text == "Journal of Tea\n"


def test_pages_without_text_are_named() -> None:
    found = reading(pdf([["text"], [], [], ["text"], []]))
    assert found.notices == ("p. 2-3, 5: no text layer",)


def test_an_owner_password_alone_is_no_obstacle_a_user_password_is() -> None:
    assert (
        reading(pdf([["open to all"]], password="")).sections[0].text == "open to all\n"
    )
    with pytest.raises(UnreadableFile, match="encrypted"):
        reading(pdf([["closed"]], password="secret"))


def test_page_and_text_caps_are_told() -> None:
    pages = [[f"line {at} of it"] for at in range(6)]
    assert "cut to the first 2" in reading(pdf(pages), Limits(pages=2)).notices[0]
    assert (
        "pages after p. 2 left out"
        in reading(pdf(pages), Limits(text_chars=20)).notices[0]
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7\n",
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 1 0 R>>\nendobj\ntrailer<</Root 1 0 R>>",
        b"not a pdf" * 99,
    ],
)
def test_broken_files_are_unreadable_and_nothing_else(data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        reading(data)


def test_truncations_never_escape_as_anything_but_ingest_errors() -> None:
    whole = pdf([["some text"]] * 3, title="T")
    outcomes = set()
    for end in range(0, len(whole), max(1, len(whole) // 40)):
        try:
            outcomes.add(type(reading(whole[:end])))
        except IngestError as error:
            outcomes.add(type(error))
    assert outcomes <= {Reading, UnreadableFile}


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/eval is not here")
def test_two_columns_are_read_one_after_the_other() -> None:
    path = SHARED / "pypdf" / "026-latex-multicolumn__multicolumn.pdf"
    text = reading(path.read_bytes()).sections[0].text
    assert "consectetuer adipiscing elit. Ut purus elit" in text.replace("\n", " ")
    assert "filled\nwith Lorem" in text  # the ligature spelled out
