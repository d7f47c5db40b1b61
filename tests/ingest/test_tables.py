"""Tables in every format: merged cells keep their columns, and each chunk of a long one has the names of its columns."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import Document, load
from ingest.readers.csv import header
from ingest.readers.outline import Block
from ingest.readers.tables import (
    Cell,
    Grid,
    header_of,
    names_columns,
    with_tables,
    words_of,
)
from tests.ingest.test_office import odf, word, workbook

NAMES = "berth | boat | rent in euros"
ROWS = [(f"A{at}", f"the old cutter number {at}", str(200 + at)) for at in range(90)]
LAST = ROWS[-1][1]


def one(path: Path, data: str | bytes) -> Document:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    (document,) = load(path)
    assert document.text == "".join(chunk.text for chunk in document.chunks)
    return document


# -- What all formats share --------------------------------------------------------------------------------------------


def test_cells_over_rows_and_columns_keep_the_columns_of_the_others() -> None:
    grid = Grid()
    assert grid.row([Cell("North", rows=2), Cell("A4"), Cell("310")]) == [
        "North",
        "A4",
        "310",
    ]
    assert grid.row([Cell("A6"), Cell("290")]) == ["North", "A6", "290"]
    assert grid.row([Cell("both", columns=2), Cell("200")]) == ["both", "", "200"]
    assert grid.row([Cell(), Cell("B1"), Cell("100")]) == ["", "B1", "100"]


def test_a_long_text_over_rows_is_begun_again_and_a_claim_of_many_columns_written_once() -> (
    None
):
    grid = Grid()
    long = "word " * 100
    grid.row([Cell(long, rows=3), Cell("a")])
    assert grid.row([Cell("b")]) == ["word " * 7 + "word …", "b"]
    assert len(Grid().row([Cell("x", columns=10**9)])) < 100
    hostile = Grid()
    for _row in range(300):
        words = hostile.row([Cell("a"), Cell("b", rows=10**6), Cell("c", columns=900)])
    assert len(words) < 200


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["Region", "Berth", "Rent"], True),
        (["", "Q1", "Q2"], True),
        (["#", "Title", "%"], True),
        (["Region", "2025", "2026"], True),
        (["Item", "2026-01-01", "2026-02-01"], True),
        (["A4", "Marigold", "310 EUR"], False),
        (["2026-03-01", "Rent", "-900"], False),
        (["Deposit", "1,250.00"], False),
        (["Berths"], False),
        (["1", "2", "3"], False),
    ],
)
def test_a_row_of_values_names_no_columns(cells: list[str], expected: bool) -> None:
    assert names_columns(cells) is expected


def test_two_rows_of_names_are_joined_by_column() -> None:
    rows = [["Region", "2025", "", "2026", ""], ["Region", "Q1", "Q2", "Q1", "Q2"]]
    assert header_of(rows, 2) == "Region | 2025 Q1 | 2025 Q2 | 2026 Q1 | 2026 Q2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Date,Payee,Amount\n2026-03-01,Rent,-900\n", "Date | Payee | Amount"),
        ('"Name, first";Town\n"Lopez, Ana";Lisbon\n', "Name, first | Town"),
        ("Account of Ana Lopez\n\nDay;Payee;Sum\n1;a;2\n3;b;4\n", "Day | Payee | Sum"),
        ("a\tb\nc\td\n", "a | b"),
        ("2026-03-01,Rent,-900\n2026-03-02,Food,-20\n", ""),
        ("one column\nand no more\n", ""),
        ("", ""),
        ('"never closed, ' + "x" * 200_000, ""),
    ],
)
def test_the_names_of_columns_in_text_files(text: str, expected: str) -> None:
    assert header(text) == expected


def test_what_stands_in_a_cell_is_one_line() -> None:
    inner = Block("A | B\n1 | 2", atomic=True)
    inside = [Block("Fees:"), Block("- mooring\n- water"), Block("- power"), inner]
    assert words_of(inside) == "Fees: mooring; water; power; A | B ; 1 | 2"


def test_rows_in_a_text_are_sections_of_their_own() -> None:
    text = f"Hello,\n\n{NAMES} |\nA4 | Petrel | 310 |\n\nBye | now\n\nAna\n"
    found = list(with_tables(text, ("Rents",), "2026-05-07 Ana"))
    assert "".join(section.text for section in found) == text
    assert [section.header for section in found] == ["", NAMES, ""]


# -- Each format -------------------------------------------------------------------------------------------------------


def markdown() -> str:
    rows = "".join(f"| {' | '.join(cells)} |\n" for cells in ROWS)
    return f"# Rents\n\n| **berth** | boat | rent in euros |\n|---|---|---|\n{rows}\n## Then\n\nEnd.\n"


def callout() -> str:
    text = markdown().partition("## Then")[0].replace("\n", "\n> ").strip("> \n")
    return f"> [!note] Rents\n> {text}\n> A last word.\n\n## Then\n\nEnd.\n"


def text_table() -> str:
    return "berth,boat,rent in euros\n" + "".join(f"{','.join(row)}\n" for row in ROWS)


def page() -> str:
    rows = "".join(
        f"<tr><td><p>{a}</p></td><td><p>{b}</p></td><td>{c}</td></tr>"
        for a, b, c in ROWS
    )
    names = "<tr><th>berth</th><th>boat</th><th>rent in euros</th></tr>"
    return f"<h1>Rents</h1><table>{names}{rows}</table><h2>Then</h2><p>End.</p>"


def mail() -> str:
    return f"From: Ana <a@b.c>\nSubject: Rents\nContent-Type: text/html\n\n{page()}"


def word_table() -> bytes:
    def build(made: object) -> None:
        made.add_heading("Rents", 1)  # type: ignore[attr-defined]
        table = made.add_table(0, 3)  # type: ignore[attr-defined]
        for words in (NAMES.split(" | "), *ROWS):
            for cell, text in zip(table.add_row().cells, words, strict=True):
                cell.text = text

    return word(build)


def open_document() -> bytes:
    def line(words: tuple[str, ...]) -> str:
        cells = (
            f"<table:table-cell><text:p>{text}</text:p></table:table-cell>"
            for text in words
        )
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    names = line(tuple(NAMES.split(" | ")))
    rows = "".join(map(line, ROWS))
    head = f"<table:table-header-rows>{names}</table:table-header-rows>"
    return odf("text", f"<table:table>{head}{rows}</table:table>")


def sheet() -> bytes:
    def build(made: object) -> None:
        made.active.append(["Rents of the harbour"])  # type: ignore[attr-defined]
        for words in (NAMES.split(" | "), *ROWS):
            made.active.append(list(words))  # type: ignore[attr-defined]

    return workbook(build)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("rents.md", markdown),
        ("callout.md", callout),
        ("rents.csv", text_table),
        ("rents.html", page),
        ("rents.eml", mail),
        ("rents.docx", word_table),
        ("rents.odt", open_document),
        ("rents.xlsx", sheet),
    ],
)
def test_each_chunk_of_a_long_table_has_the_names_of_its_columns(
    tmp_path: Path, name: str, make: Callable[[], str | bytes]
) -> None:
    document = one(tmp_path / name, make())
    holding = [chunk for chunk in document.chunks if "cutter" in chunk.text]
    assert len(holding) > 2
    for chunk in holding[1:]:
        assert chunk.heading[-1] == NAMES, chunk
    assert NAMES not in holding[0].heading
    assert LAST in holding[-1].text
    if holding[0].locator.startswith("L"):
        at = document.text[: holding[-1].start].count("\n") + 1
        assert holding[-1].locator.startswith(f"L{at}-")


def test_what_follows_a_table_does_not_take_its_last_rows_away_from_their_names(
    tmp_path: Path,
) -> None:
    """A tail too small to stand alone is joined only where the names of its columns stay known."""
    for count in range(30, 50):
        rows = "".join(f"| {' | '.join(cells)} |\n" for cells in ROWS[:count])
        text = f"| berth | boat | rent |\n|---|---|---|\n{rows}\nA last word.\n"
        for chunk in one(tmp_path / f"{count}.md", text).chunks:
            named = (
                "berth | boat" in chunk.text or "berth | boat | rent" in chunk.heading
            )
            assert named or "cutter" not in chunk.text


MERGED_HTML = (
    "<table><tr><th>Region<th>Berth<th>Boat<tr><td rowspan=2>North<td>A4<td>Heron"
    "<tr><td>A6<td>Tern<tr><td><td>B1<td>Wren</table>"
)
CELL = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>"
COVERED = "<table:covered-table-cell/>"


def open_rows(kind: str) -> bytes:
    rows = (
        "".join(CELL.format("", text) for text in ("Region", "Berth", "Boat")),
        CELL.format(' table:number-rows-spanned="2"', "North")
        + CELL.format("", "A4")
        + CELL.format("", "Heron"),
        COVERED + CELL.format("", "A6") + CELL.format("", "Tern"),
        "<table:table-cell/>" + CELL.format("", "B1") + CELL.format("", "Wren"),
    )
    inside = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    return odf(kind, f'<table:table table:name="B">{inside}</table:table>')


def merged_word() -> bytes:
    def build(made: object) -> None:
        table = made.add_table(4, 3)  # type: ignore[attr-defined]
        words = "Region Berth Boat North A4 Heron - A6 Tern - B1 Wren".split()
        for at, text in enumerate(words):
            table.cell(at // 3, at % 3).text = text.strip("-")
        table.cell(1, 0).merge(table.cell(2, 0))

    return word(build)


def merged_sheet() -> bytes:
    def build(made: object) -> None:
        active = made.active  # type: ignore[attr-defined]
        for words in (
            ["Region", "Berth", "Boat"],
            ["North", "A4", "Heron"],
            [None, "A6", "Tern"],
            [None, "B1", "Wren"],
        ):
            active.append(words)
        active.merge_cells("A2:A3")

    return workbook(build)


def merged_slide() -> bytes:
    from pptx import Presentation
    from pptx.util import Inches

    made, out = Presentation(), io.BytesIO()
    slide = made.slides.add_slide(made.slide_layouts[6])
    table = slide.shapes.add_table(4, 3, *[Inches(1)] * 4).table
    words = "Region Berth Boat North A4 Heron - A6 Tern - B1 Wren".split()
    for at, text in enumerate(words):
        table.cell(at // 3, at % 3).text = text.strip("-")
    table.cell(1, 0).merge(table.cell(2, 0))
    made.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.html", lambda: MERGED_HTML),
        ("a.docx", merged_word),
        ("a.odt", lambda: open_rows("text")),
        ("a.ods", lambda: open_rows("spreadsheet")),
        ("a.xlsx", merged_sheet),
        ("a.pptx", merged_slide),
    ],
)
def test_merged_and_blank_first_cells_shift_no_row(
    tmp_path: Path, name: str, data: Callable[[], str | bytes]
) -> None:
    lines = one(tmp_path / name, data()).text.strip().splitlines()
    assert [line.rstrip(" |") for line in lines] == [
        "Region | Berth | Boat",
        "North | A4 | Heron",
        "North | A6 | Tern",
        " | B1 | Wren",
    ]


def test_groups_of_columns_and_a_title_stand_in_the_headings_of_a_sheet(
    tmp_path: Path,
) -> None:
    def build(made: object) -> None:
        active = made.active  # type: ignore[attr-defined]
        active.append(["Berths by quarter"])
        active.append(["Region", "2025", None, "2026", None])
        active.append([None, "Q1", "Q2", "Q1", "Q2"])
        for at in range(80):
            active.append([f"quay {at}", at, at + 1, at + 2, at + 3])
        for cells in ("A1:E1", "A2:A3", "B2:C2", "D2:E2"):
            active.merge_cells(cells)

    late = one(tmp_path / "a.xlsx", workbook(build)).chunks[-1]
    names = "Region | 2025 Q1 | 2025 Q2 | 2026 Q1 | 2026 Q2"
    assert late.heading == ("Sheet", "Berths by quarter", names)


def test_rows_without_names_are_not_headed_by_the_first_of_them(tmp_path: Path) -> None:
    def build(made: object) -> None:
        for at in range(80):
            made.active.append([f"shop number {at}", at, -at])  # type: ignore[attr-defined]

    late = one(tmp_path / "a.xlsx", workbook(build)).chunks[-1]
    assert late.heading == ("Sheet",)
