"""One damaged picture, chapter, sheet or slide loses itself only, and a book's chapters are called as its contents say."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from ingest import Document, UnreadableFile, load
from tests.ingest.test_epub import book, page

WORDS = "The weir holds until 2040, as the survey of the harbour says. "
PICTURE = bytes(range(256)) * 40


def flipped(data: bytes, name: str, *, share: float = 0.5) -> bytes:
    """The archive with some bytes of one entry changed on the disk."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = archive.getinfo(name)
    lengths = data[entry.header_offset + 26 : entry.header_offset + 30]
    start = entry.header_offset + 30 + sum(struct.unpack("<HH", lengths))
    at = start + int(entry.compress_size * share)
    return data[:at] + bytes(byte ^ 0x55 for byte in data[at : at + 8]) + data[at + 8 :]


def replaced(data: bytes, name: str, content: bytes) -> bytes:
    """The archive with another content in one entry."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for known in old.namelist():
            new.writestr(known, content if known == name else old.read(known))
    return out.getvalue()


def one(path: Path, data: bytes) -> Document:
    path.write_bytes(data)
    (document,) = load(path)
    assert document.text == "".join(chunk.text for chunk in document.chunks)
    return document


def word() -> bytes:
    from docx import Document as New

    made, out = New(), io.BytesIO()
    made.add_heading("Report", 1)
    for number in range(40):
        made.add_paragraph(f"{WORDS} Number {number}.")
    made.save(out)
    data = io.BytesIO(out.getvalue())
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/image1.png", PICTURE)
    return data.getvalue()


def workbook() -> bytes:
    from openpyxl import Workbook

    made, out = Workbook(), io.BytesIO()
    for name in ("One", "Two", "Three"):
        sheet = made.create_sheet(name)
        for number in range(200):
            sheet.append([f"{name} berth {number}", number * 7])
    del made["Sheet"]
    made.save(out)
    return out.getvalue()


def slides() -> bytes:
    from pptx import Presentation

    made, out = Presentation(), io.BytesIO()
    for number in range(1, 4):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = f"Slide {number}"
        slide.placeholders[1].text = f"Words of number {number}. {WORDS * 8}"
    made.save(out)
    return out.getvalue()


def test_a_damaged_picture_costs_no_word(tmp_path: Path) -> None:
    document = one(tmp_path / "report.docx", flipped(word(), "word/media/image1.png"))
    assert "Number 39." in document.text
    assert "damaged, and no text: image1.png" in document.notices


def test_what_is_left_of_a_damaged_text_is_read_and_told(tmp_path: Path) -> None:
    data = flipped(word(), "word/document.xml", share=0.9)
    document = one(tmp_path / "report.docx", data)
    assert WORDS.strip() in document.text
    assert "document.xml is damaged: read as far as it goes" in document.notices


def test_a_damaged_part_beside_the_text_costs_no_word(tmp_path: Path) -> None:
    for name in ("word/settings.xml", "docProps/core.xml", "word/numbering.xml"):
        document = one(tmp_path / "report.docx", flipped(word(), name, share=0.1))
        assert "Number 39." in document.text


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_a_damaged_sheet_loses_itself_only(tmp_path: Path, share: float) -> None:
    data = flipped(workbook(), "xl/worksheets/sheet2.xml", share=share)
    document = one(tmp_path / "berths.xlsx", data)
    assert "One berth 199" in document.text
    assert "Three berth 199" in document.text
    assert any("damaged" in notice for notice in document.notices)


def test_a_sheet_of_broken_xml_loses_itself_only(tmp_path: Path) -> None:
    data = replaced(
        workbook(), "xl/worksheets/sheet2.xml", b"<worksheet><sheetData><row>"
    )
    document = one(tmp_path / "berths.xlsx", data)
    assert "One berth 199" in document.text
    assert "Three berth 199" in document.text
    assert "sheet2.xml is damaged: read as far as it goes" in document.notices


@pytest.mark.parametrize("share", [0.02, 0.6])
def test_a_damaged_slide_loses_itself_only(tmp_path: Path, share: float) -> None:
    data = flipped(slides(), "ppt/slides/slide2.xml", share=share)
    document = one(tmp_path / "talk.pptx", data)
    assert "Words of number 1." in document.text
    assert "Words of number 3." in document.text
    assert "slide2.xml is damaged: read as far as it goes" in document.notices


def test_a_damaged_chapter_loses_itself_only(tmp_path: Path) -> None:
    pages = {name: page(f"<p>Chapter {name}. {WORDS * 20}</p>") for name in "abc"}
    data = flipped(book(pages, ["a", "b", "c"]), "OPS/b.xhtml", share=0.3)
    document = one(tmp_path / "lock.epub", data)
    assert "Chapter a." in document.text
    assert "Chapter c." in document.text
    assert any("ch. 2" in notice for notice in document.notices)


def test_a_damaged_picture_of_a_writer_text_costs_no_word(tmp_path: Path) -> None:
    content = (
        '<office:document-content xmlns:office="o" xmlns:text="t"><office:body><office:text>'
        f"<text:p>{WORDS}</text:p></office:text></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.xml", content)
        archive.writestr("Pictures/1.png", PICTURE)
    document = one(tmp_path / "a.odt", flipped(out.getvalue(), "Pictures/1.png"))
    assert WORDS.strip() in document.text
    assert "damaged, and no text: 1.png" in document.notices


def test_an_archive_without_its_directory_is_still_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(word()[:-200])
    with pytest.raises(UnreadableFile):
        list(load(path))


NCX = (
    '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>The Gate</text></navLabel>'
    '<content src="a.xhtml"/><navPoint><navLabel><text>Inside</text></navLabel><content src="a.xhtml#x"/></navPoint>'
    '</navPoint><navPoint><navLabel><text>The Flood</text></navLabel><content src="b.xhtml#top"/></navPoint></navMap></ncx>'
)
NAV = page(
    '<nav epub:type="toc" xmlns:epub="e"><ol><li><a href="a.xhtml">The Gate</a></li>'
    '<li><a href="b.xhtml">The <i>Flood</i></a></li></ol></nav>'
    '<nav epub:type="page-list" xmlns:epub="e"><a href="c.xhtml">17</a></nav>'
)


@pytest.mark.parametrize("kind", ["ncx", "nav"])
def test_chapters_without_a_heading_are_called_as_the_contents_say(
    kind: str, tmp_path: Path
) -> None:
    pages = {
        "a": page(f"<p>{WORDS * 8}</p>", title="The Lock Keeper"),
        "b": page(f"<p>The Flood</p><p>{WORDS * 8}</p>", title="The Lock Keeper"),
        "c": page(f"<h1>Its own</h1><p>{WORDS * 8}</p>"),
    }
    made = book(pages, ["a", "b", "c"], {"OPS/toc.ncx": NCX} if kind == "ncx" else {})
    if kind == "nav":
        made = replaced(made, "OPS/nav.xhtml", NAV.encode())
    else:
        item = '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/></manifest>'
        with zipfile.ZipFile(io.BytesIO(made)) as archive:
            package = archive.read("OPS/book.opf").decode()
        package = package.replace("</manifest>", item)
        made = replaced(made, "OPS/book.opf", package.encode())
    document = one(tmp_path / "lock.epub", made)
    assert [chunk.heading for chunk in document.chunks] == [
        ("The Gate",),
        ("The Flood",),
        ("Its own",),
    ]
    assert document.text.count("The Flood") == 1
