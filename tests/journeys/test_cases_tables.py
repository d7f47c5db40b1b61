"""Tables and pages as people have them: cells with paragraphs, merged cells, formats, headers, headlines, answers."""

from __future__ import annotations

import io
import shutil
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from tests.end_to_end import Folder, brain

CASES = Path(__file__).parents[1] / "cases"


def case(name: str, place: Path) -> Path:
    """A copy of the inputs of a case, taken in."""
    folder = place / name
    shutil.copytree(CASES / name, folder)
    assert brain("add", folder).code == 0
    return folder


def test_a_row_is_one_line_whatever_stands_in_its_cells(tmp_path: Path) -> None:
    case("cell-paragraphs", tmp_path)
    lines = brain("get", "berths.html").stdout.splitlines()
    assert "A4 | Marigold | 310 EUR |" in lines
    answer = brain("ask", "which berth has the Marigold", "--json").json
    assert answer["citations"][0]["quote"] == "A4 | Marigold | 310 EUR |"


def test_rows_far_down_carry_the_names_of_their_columns(tmp_path: Path) -> None:
    case("table-header", tmp_path)
    found = brain("search", "default of param_110", "--json").json["passages"][0]
    assert "| param_110 |" in found["text"]
    assert found["heading"][-1] == "parameter | type | default | description"
    first, last = map(int, found["locator"].removeprefix("L").split("-"))
    lines = (CASES / "table-header" / "params.md").read_text().splitlines()
    assert found["text"].splitlines() == lines[first - 1 : last]


def test_numbers_are_shown_as_the_sheet_shows_them(tmp_path: Path) -> None:
    case("xlsx-formats", tmp_path)
    text = brain("get", "rates.xlsx").stdout
    for line in ("Winter storage | 47.5%", "Yard time | 30:15", "Part | 00007"):
        assert line in text


def due_list(suffix: str) -> bytes:
    """A sheet with dates as it shows them."""
    if suffix == "ods":
        return ods_of_dates()
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.append(["Bill", "Due", "Euros"])
    sheet.append(["Insurance of the dinghy", datetime(2026, 3, 6), 410])
    sheet.append(["Yard in spring", datetime(2026, 4, 17), 520])
    for row in (2, 3):
        sheet[f"B{row}"].number_format = "dd/mm/yy"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ods_of_dates() -> bytes:
    names = 'office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'

    def cell(words: str, value: str = "") -> str:
        kind = f' office:value-type="date" office:date-value="{value}"' if value else ""
        return f"<table:table-cell{kind}><text:p>{words}</text:p></table:table-cell>"

    rows = [
        cell("Bill") + cell("Due") + cell("Euros"),
        cell("Insurance of the dinghy") + cell("06/03/26", "2026-03-06") + cell("410"),
        cell("Yard in spring") + cell("17/04/26", "2026-04-17T00:00:00") + cell("520"),
    ]
    inside = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    content = (
        f"<office:document-content xmlns:{names}><office:body><office:spreadsheet>"
        f'<table:table table:name="Bills">{inside}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    return out.getvalue()


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_a_date_is_shown_as_the_sheet_shows_it_and_found_in_any_form(
    folder: Folder, suffix: str
) -> None:
    brain("add", folder({f"bills.{suffix}": due_list(suffix)}))
    line = "Insurance of the dinghy | 06/03/26 (2026-03-06) | 410"
    assert line in brain("get", f"bills.{suffix}").stdout
    for question in ("what is due on 6 March 2026", "what is due on 2026-03-06"):
        cited = brain("ask", question, "--json").json["citations"][0]
        assert cited["quote"].startswith(line)
        assert cited["columns"] == "Bill | Due | Euros"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "sales.html",
            "<h1>Sales</h1><table><tr><th></th><th>First</th><th>Second</th></tr>"
            "<tr><th>Ana</th><td>410</td><td>520</td></tr>"
            "<tr><th>Ben</th><td></td><td>720</td></tr></table>",
        ),
        (
            "sales.md",
            "# Sales\n\n|  | First | Second |\n|---|---|---|\n| Ana | 410 | 520 |\n| Ben |  | 720 |\n",
        ),
    ],
)
def test_an_empty_first_name_moves_no_column(
    folder: Folder, name: str, text: str
) -> None:
    brain("add", folder({name: text}))
    cited = brain("ask", "second of Ana sales", "--json").json["citations"][0]
    assert cited["columns"] == "– | First | Second"


def test_a_merged_cell_stands_in_each_of_its_rows(tmp_path: Path) -> None:
    case("xlsx-merged", tmp_path)
    assert "\nNorth | A6 |" in brain("get", "berths.xlsx").stdout
    answer = brain("ask", "which region is berth A6 in", "--json").json
    cited = answer["citations"][0]
    assert cited["quote"].startswith("North | A6 |")
    assert cited["columns"] == "Region | Berth | Boat | Deposit | Rent"
    printed = brain("ask", "which region is berth A6 in").stdout
    assert printed.count("North | A6") == 1


@pytest.mark.parametrize("words", ["seven to two", "hot air gun"])
def test_the_lead_and_the_answer_of_a_page_are_content(
    tmp_path: Path, words: str
) -> None:
    case("html-lead", tmp_path)
    found = brain("search", "--lexical", words, "--json").json["passages"]
    assert words in found[0]["text"]
