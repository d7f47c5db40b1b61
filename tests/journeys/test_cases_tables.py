"""Tables and pages as people have them: cells with paragraphs, merged cells, formats, headers, headlines, answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.end_to_end import brain

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
