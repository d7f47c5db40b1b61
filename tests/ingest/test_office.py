"""Word, PowerPoint, Excel and OpenDocument files, made by the libraries that people make them with, or by hand where they cannot."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import Document, Limits, load
from ingest.chunking import chunk
from ingest.document import Section
from ingest.readers import zips
from ingest.readers.odf import read as read_odf
from ingest.reading import Raw

SHARED = Path(__file__).parents[3] / "shared" / "eval" / "ingest" / "docling"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def one(path: Path, data: bytes, **options: object) -> Document:
    path.write_bytes(data)
    (document,) = load(path, **options)  # type: ignore[arg-type]
    assert document.text == "".join(chunk.text for chunk in document.chunks)
    return document


def word(build: Callable[[object], None]) -> bytes:
    from docx import Document as New

    made, out = New(), io.BytesIO()
    build(made)
    made.save(out)
    return out.getvalue()


def edited(data: bytes, changes: dict[str, Callable[[bytes], bytes]]) -> bytes:
    """The archive with some entries changed, or made."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in [*old.namelist(), *(set(changes) - set(old.namelist()))]:
            content = old.read(name) if name in old.namelist() else b""
            new.writestr(name, changes.get(name, lambda same: same)(content))
    return out.getvalue()


def body(xml: str) -> Callable[[bytes], bytes]:
    """Puts XML at the head of a Word body."""
    return lambda old: old.replace(b"<w:body>", b"<w:body>" + xml.encode(), 1)


# -- Word -----------------------------------------------------------------------------------------------------------------


def test_word_headings_lists_tables_and_paragraph_numbers(tmp_path: Path) -> None:
    def build(made: object) -> None:
        made.add_heading("Lease", 1)  # type: ignore[attr-defined]
        made.add_paragraph("The landlord pays for the boiler. " * 40)  # type: ignore[attr-defined]
        made.add_heading("Keys", 2)  # type: ignore[attr-defined]
        made.add_paragraph("two front door keys", style="List Bullet")  # type: ignore[attr-defined]
        table = made.add_table(2, 2)  # type: ignore[attr-defined]
        for at, words in enumerate(["room", "rent", "attic", "300"]):
            table.cell(at // 2, at % 2).text = words
        made.core_properties.title = "Lease of 2026"  # type: ignore[attr-defined]
        made.core_properties.author = "Ana Lopez"  # type: ignore[attr-defined]

    document = one(tmp_path / "a.docx", word(build))
    assert "- two front door keys" in document.text
    assert "room | rent\nattic | 300" in document.text
    assert (document.title, document.metadata["Author"]) == (
        "Lease of 2026",
        "Ana Lopez",
    )
    assert document.dated_at is None, (
        "the date inside python-docx's empty file is nobody's"
    )
    assert document.chunks[0].locator == "¶1-2"
    assert document.chunks[-1].heading == ("Lease", "Keys")
    assert document.chunks[-1].locator == "¶3-5"


def test_word_comments_and_footnotes_stand_beside_their_words(tmp_path: Path) -> None:
    def build(made: object) -> None:
        run = made.add_paragraph("The rent is 900.").runs[0]  # type: ignore[attr-defined]
        made.add_comment([run], "since when?", author="Bob")  # type: ignore[attr-defined]
        made.add_paragraph("Last line.")  # type: ignore[attr-defined]

    text = one(tmp_path / "a.docx", word(build)).text
    assert (
        text.index("The rent is 900.")
        < text.index("since when?")
        < text.index("Last line.")
    )
    assert "Comment (Bob" in text
    notes = f'<w:footnotes {W}><w:footnote w:id="7"><w:p><w:r><w:t>See page 9.</w:t></w:r></w:p></w:footnote></w:footnotes>'
    relation = b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes" Target="footnotes.xml"/></Relationships>'
    kind = b'<Override PartName="/word/footnotes.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"/></Types>'
    data = edited(
        word(build),
        {
            "word/footnotes.xml": lambda _old: notes.encode(),
            "word/_rels/document.xml.rels": lambda old: old.replace(
                b"</Relationships>", relation
            ),
            "[Content_Types].xml": lambda old: old.replace(b"</Types>", kind),
            "word/document.xml": body(
                '<w:p><w:r><w:t>Noted</w:t><w:footnoteReference w:id="7"/></w:r></w:p>'
            ),
        },
    )
    text = one(tmp_path / "b.docx", data).text
    assert text.startswith("Noted\n\nNote 7: See page 9.")


def test_word_tracked_changes_read_as_accepted_and_boxes_are_read_once(
    tmp_path: Path,
) -> None:
    xml = (
        "<w:p><w:r><w:t xml:space='preserve'>The rent is </w:t></w:r><w:del w:id='1'><w:r><w:delText>900</w:delText></w:r></w:del>"
        "<w:ins w:id='2'><w:r><w:t>950</w:t></w:r></w:ins><w:r><w:t xml:space='preserve'> a month.</w:t></w:r></w:p>"
        '<w:p><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        "<mc:Choice Requires='wps'><w:r><w:t>before</w:t></w:r><w:txbxContent><w:p><w:r><w:t>in a box</w:t></w:r></w:p></w:txbxContent></mc:Choice>"
        "<mc:Fallback><w:txbxContent><w:p><w:r><w:t>in a box</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:p>"
    )
    text = one(
        tmp_path / "a.docx",
        edited(word(lambda made: None), {"word/document.xml": body(xml)}),
    ).text
    assert text.startswith("The rent is 950 a month.\n\nbefore\n\nin a box\n\n")
    assert text.count("in a box") == 1


def test_word_in_the_strict_dialect(tmp_path: Path) -> None:
    def strict(old: bytes) -> bytes:
        old = old.replace(
            b"http://schemas.openxmlformats.org/wordprocessingml/2006/",
            b"http://purl.oclc.org/ooxml/wordprocessingml/",
        )
        return old.replace(
            b"http://schemas.openxmlformats.org/officeDocument/2006/",
            b"http://purl.oclc.org/ooxml/officeDocument/",
        )

    plain = word(lambda made: made.add_paragraph("strictly speaking"))  # type: ignore[attr-defined]
    names = (
        "_rels/.rels",
        "word/_rels/document.xml.rels",
        "word/document.xml",
        "word/styles.xml",
    )
    data = edited(plain, dict.fromkeys(names, strict))
    _archive, known = zips.office_package(data, Limits())
    assert known != data  # taken for strict
    assert one(tmp_path / "a.docx", data).text.startswith("strictly speaking")


def test_word_equations_and_raised_figures_keep_their_meaning(tmp_path: Path) -> None:
    math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    letter = "<m:r><m:t>{}</m:t></m:r>"
    power = f"<m:sSup><m:e>{letter.format('b')}</m:e><m:sup>{letter.format('2')}</m:sup></m:sSup>"
    root = f"<m:rad><m:deg/><m:e>{power}{letter.format('-4c')}</m:e></m:rad>"
    over = f"<m:f><m:num>{letter.format('-b±')}{root}</m:num><m:den>{letter.format('2a')}</m:den></m:f>"
    raised = "<w:r><w:rPr><w:vertAlign w:val='superscript'/></w:rPr><w:t>{}</w:t></w:r>"
    xml = (
        f"<w:p {math}><m:oMath>{letter.format('x=')}{over}</m:oMath><w:r><w:t>, 10</w:t></w:r>{raised.format(6)}"
        f"<w:r><w:t> m</w:t></w:r>{raised.format(2)}<w:r><w:t> on the 1</w:t></w:r>{raised.format('st')}</w:p>"
    )
    data = edited(word(lambda made: None), {"word/document.xml": body(xml)})
    text = one(tmp_path / "a.docx", data).text
    assert text.strip() == "x=(-b±√(b^2-4c))/2a, 10^6 m² on the 1st"


def test_word_headers_and_footers_once(tmp_path: Path) -> None:
    def build(made: object) -> None:
        made.add_paragraph("body")  # type: ignore[attr-defined]
        made.sections[0].header.paragraphs[0].text = "Confidential draft"  # type: ignore[attr-defined]
        made.sections[0].footer.paragraphs[0].text = "7"  # type: ignore[attr-defined]

    assert (
        one(tmp_path / "a.docx", word(build)).text
        == "body\n\n(header) Confidential draft\n\n"
    )


# -- PowerPoint -----------------------------------------------------------------------------------------------------------


def slides(build: Callable[[object], None]) -> bytes:
    from pptx import Presentation

    made, out = Presentation(), io.BytesIO()
    build(made)
    made.save(out)
    return out.getvalue()


def test_slides_tables_groups_charts_and_notes(tmp_path: Path) -> None:
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    size = [Inches(1)] * 4

    def build(made: object) -> None:
        slide = made.slides.add_slide(made.slide_layouts[5])  # type: ignore[attr-defined]
        slide.shapes.title.text = "Boilers compared"
        slide.shapes.add_group_shape().shapes.add_textbox(
            *size
        ).text_frame.text = "in a group"
        table = slide.shapes.add_table(1, 2, *size).table
        table.cell(0, 0).text, table.cell(0, 1).text = "gas", "heat pump"
        data = CategoryChartData()
        data.categories = ["2024", "2025"]
        data.add_series("kWh used", (5, 7))
        slide.shapes.add_chart(XL_CHART_TYPE.PIE, *size, data)
        slide.notes_slide.notes_text_frame.text = "say that it is quiet"
        second = made.slides.add_slide(made.slide_layouts[5])  # type: ignore[attr-defined]
        second.shapes.title.text = "Costs " + "and more costs of all kinds " * 40
        second._element.set("show", "0")

    document = one(tmp_path / "a.pptx", slides(build))
    for words in (
        "in a group",
        "gas | heat pump",
        "kWh used",
        "Notes: say that it is quiet",
    ):
        assert words in document.chunks[0].text
    assert document.chunks[0].heading == ("Boilers compared",)
    assert [chunk.locator for chunk in document.chunks] == ["slide 1", "slide 2"]
    assert (document.title, document.notices) == (
        "Boilers compared",
        ("hidden: slide 2",),
    )


# -- Excel ----------------------------------------------------------------------------------------------------------------


def workbook(build: Callable[[object], None]) -> bytes:
    from openpyxl import Workbook

    made, out = Workbook(), io.BytesIO()
    build(made)
    made.save(out)
    return out.getvalue()


def test_sheets_rows_dates_comments_and_cell_addresses(tmp_path: Path) -> None:
    from datetime import datetime

    from openpyxl.comments import Comment

    def build(made: object) -> None:
        sheet = made.active  # type: ignore[attr-defined]
        sheet.title = "Costs 2026"
        sheet["B2"], sheet["C2"], sheet["D2"] = "day", "what", "euros"
        for row in range(3, 123):
            sheet[f"B{row}"], sheet[f"C{row}"], sheet[f"D{row}"] = (
                datetime(2026, 5, 7),
                f"bill number {row}",
                row + 0.5,
            )
        sheet["C3"].comment = Comment("paid twice", "Ana")
        sheet["F200"] = "far away"
        made.create_sheet("Lists")["A1"] = "a name that begins like a line number"  # type: ignore[attr-defined]

    document = one(tmp_path / "a.xlsx", workbook(build))
    first = document.chunks[0]
    assert first.text.startswith(
        "day | what | euros\n2026-05-07 | bill number 3 | 3.5\n"
    )
    assert first.locator.startswith("'Costs 2026'!B2:D")
    late = next(chunk for chunk in document.chunks if "bill number 100" in chunk.text)
    assert late.heading == ("Costs 2026", "day | what | euros"), (
        "its columns are known far down"
    )
    assert document.chunks[0].text.splitlines()[2] == "Comment (C3): paid twice", (
        "right below its row"
    )
    assert document.chunks[-1].locator == "'Costs 2026'!F200; Lists!A1"


def test_a_formula_that_was_never_computed_is_shown(tmp_path: Path) -> None:
    def build(made: object) -> None:
        made.active["A1"], made.active["A2"] = 4, "=A1*2"  # type: ignore[attr-defined]

    assert one(tmp_path / "a.xlsx", workbook(build)).text == "4\n=A1*2\n\n"


def test_neighbouring_parts_join_their_places() -> None:
    def places(*locators: str) -> str:
        pieces = chunk(
            [Section("few words\n\n", ("same",), place) for place in locators]
        )
        return pieces[0].locator

    assert places("Sheet!B2:D9", "Sheet!A10:C20") == "Sheet!A2:D20"
    assert places("slide 7", "slide 8") == "slide 7-8"
    assert places("p. 3", "p. 4") == "p. 3-4"
    assert places("00:14:05", "00:15:10") == "00:14:05-00:15:10"
    assert places("¶1-2", "¶3") == "¶1-3"
    assert places("One!A1", "Two!A1") == "One!A1; Two!A1"
    assert (
        places("2026-05-07 Ana", "2026-05-07 Ana (quoted)")
        == "2026-05-07 Ana-2026-05-07 Ana (quoted)"
    )


# -- OpenDocument -----------------------------------------------------------------------------------------------------------

ODF = (
    " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "text", "table", "presentation", "meta")
    )
    + ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def odf(kind: str, inside: str, meta: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr(
            "content.xml",
            f"<office:document-content {ODF}><office:body><office:{kind}>{inside}</office:{kind}></office:body></office:document-content>",
        )
        archive.writestr(
            "meta.xml",
            f"<office:document-meta {ODF}><office:meta>{meta}</office:meta></office:document-meta>",
        )
    return out.getvalue()


def test_a_text_with_headings_notes_comments_and_tracked_changes(
    tmp_path: Path,
) -> None:
    inside = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>gone words</text:p></text:deletion></text:changed-region></text:tracked-changes>"
        '<text:h text:outline-level="1">Lease</text:h>'
        '<text:p>Rent<text:s text:c="2"/>900<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>per month</text:p></text:note-body></text:note> due.'
        "<office:annotation><dc:creator>Ana</dc:creator><dc:date>2026-05-07T10:00</dc:date><text:p>since when?</text:p></office:annotation></text:p>"
        "<text:list><text:list-item><text:p>keys</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>attic</text:p></table:table-cell><table:table-cell><text:p>300</text:p></table:table-cell></table:table-row></table:table>"
    )
    meta = "<dc:title>The lease</dc:title><meta:initial-creator>Bob</meta:initial-creator><meta:creation-date>2026-05-01T09:00:00</meta:creation-date>"
    by_another = inside.replace("Ana", "Tom T.")
    assert (
        "Comment (Tom T., 2026-05-07): since"
        in one(tmp_path / "b.odt", odf("text", by_another, meta)).text
    )
    document = one(tmp_path / "a.odt", odf("text", inside, meta))
    assert (
        document.text
        == "Lease\n\nRent  900 due.\n\nNote 1: per month\n\nComment (Ana, 2026-05-07): since when?\n\n- keys\n\nattic | 300\n\n"
    )
    assert (document.title, document.metadata["Author"]) == ("The lease", "Bob")
    assert (document.dated_at, document.dated_by) == ("2026-05-01", "metadata")
    assert (document.chunks[0].locator, document.chunks[0].heading) == (
        "¶1-6",
        ("Lease",),
    )


def test_a_sheet_that_claims_a_million_rows_is_read_once(tmp_path: Path) -> None:
    cell = "<table:table-cell><text:p>value</text:p></table:table-cell>"
    empty = '<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    inside = f'<table:table table:name="Costs"><table:table-row table:number-rows-repeated="2">{cell}</table:table-row>{empty}<table:table-row>{cell}</table:table-row></table:table>'
    document = one(tmp_path / "a.ods", odf("spreadsheet", inside))
    assert document.text == "value\nvalue\n\nvalue\n\n"
    assert document.chunks[0].locator == "Costs!A1:A1048573"


def test_slides_of_a_presentation(tmp_path: Path) -> None:
    inside = (
        '<draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>Boilers</text:p></draw:text-box></draw:frame>'
        "<draw:frame><draw:text-box><text:p>quiet ones</text:p></draw:text-box></draw:frame>"
        "<presentation:notes><draw:frame><draw:text-box><text:p>speak slowly</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>"
    )
    document = one(tmp_path / "a.odp", odf("presentation", inside))
    assert document.text == "Boilers\n\nquiet ones\n\nNotes: speak slowly\n\n"
    assert (document.title, document.chunks[0].locator) == ("Boilers", "slide 1")


def test_text_cut_at_the_cap_is_told(tmp_path: Path) -> None:
    def build(made: object) -> None:
        for row in range(400):
            made.active.append([f"row {row}", "x" * 50])  # type: ignore[attr-defined]

    document = one(
        tmp_path / "a.xlsx", workbook(build), limits=Limits(text_chars=5_000)
    )
    assert len(document.text) == 5_000
    assert any("left out" in notice or "cut" in notice for notice in document.notices)


@pytest.mark.skipif(not SHARED.exists(), reason="no shared evaluation files here")
@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx", "odf"])
def test_files_that_others_made_are_read(kind: str) -> None:
    files = [
        path for path in sorted((SHARED / kind).iterdir()) if path.suffix != ".pdf"
    ]
    assert len(files) >= 4
    for path in files:
        (document,) = load(path)
        assert document.chunks, path.name
        assert all(chunk.locator for chunk in document.chunks), path.name


def test_the_registry_names_odf_by_kind() -> None:
    data = odf("spreadsheet", "<table:table table:name='A'/>")
    (reading,) = read_odf(
        Raw(data, "a.ods", "application/vnd.oasis.opendocument.spreadsheet")
    )
    assert reading.sections == []
