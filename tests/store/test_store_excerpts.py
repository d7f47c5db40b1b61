"""`get PATH:NUMBER`: the part of a document that the number means, by what its kind counts, under the place it really has."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.app import Brain, corrections
from brain.config import Config, Models
from brain.errors import NotFound
from brain.reports import Excerpt
from brain.store.excerpts import narrowed
from brain.text.places import line_locator
from ingest.chunking import chunk
from ingest.document import Section
from ingest.readers.outline import Block, sections
from tests.index_support import FakeEmbedder
from tests.ingest.test_epub import book, page
from tests.ingest.test_office import slides, word, workbook
from tests.ingest.test_pdf import pdf

WHOLE = Excerpt("ref", "id", "/n/x", "X", "", "all of it")
LONG = (
    "many words that fill the part of the file and make it long enough to stand alone. "
    * 30
)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each kind."""
    place = tmp_path_factory.mktemp("shelf")

    def talk(made: object) -> None:
        for number in range(1, 10):
            slide = made.slides.add_slide(made.slide_layouts[5])  # type: ignore[attr-defined]
            slide.shapes.title.text = f"Slide words {number} {LONG}"

    def letter(made: object) -> None:
        for number in range(1, 8):
            made.add_paragraph(f"Paragraph {number} says something.")  # type: ignore[attr-defined]

    def costs(made: object) -> None:
        for row in range(1, 200):
            made.active[f"B{row}"], made.active[f"C{row}"] = f"bill {row}", row  # type: ignore[attr-defined]

    pages = {
        name: page(f"<h1>{name}</h1><p>{LONG}</p>") for name in ("one", "two", "three")
    }
    contents = {
        "talk.pptx": slides(talk),
        "letter.docx": word(letter),
        "costs.xlsx": workbook(costs),
        "tea.epub": book(pages, ["one", "two", "three"]),
        "paper.pdf": pdf(
            [
                [f"{name} page of words", *[f"more words of the {name} page"] * 20]
                for name in ("first", "second", "third", "fourth")
            ]
        ),
        "page.html": b"<html><body>"
        + b"".join(
            b"<h2>Part %d</h2><p>%b</p>" % (n, LONG.encode()) for n in range(1, 4)
        )
        + b"</body></html>",
        "talk.vtt": b"WEBVTT\n\n"
        + b"".join(
            b"0%d:00:00.000 --> 0%d:00:50.000\n<v Ana>part %d %b\n\n"
            % (n, n, n, LONG.encode())
            for n in range(3)
        ),
        "line.md": b"One line about tea.\n",
        "gap.md": b"\n\n\nfirst words\n\nand others\n",
    }
    for name, data in contents.items():
        (place / name).write_bytes(data)
    return place


@pytest.fixture(scope="module")
def opened(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Brain:
    brain = Brain(
        Config(
            home=tmp_path_factory.mktemp("home") / "home",
            models=Models("wordllama", "builtin"),
        ),
        embedder=FakeEmbedder(),
    )
    assert brain.add([shelf]).added == 9
    return brain


@pytest.mark.parametrize(
    ("reference", "locator", "begins", "holds", "lacks"),
    [
        ("talk.pptx:7", "slide 7", "Slide words 7", "Slide words 7", "Slide words 8"),
        (
            "talk.pptx:2:3",
            "slide 2-4",
            "Slide words 2",
            "Slide words 4",
            "Slide words 5",
        ),
        ("tea.epub:2", "ch. 2", "two", "many words", "three"),
        ("paper.pdf:3", "p. 3", "third page", "more words of the third page", "fourth"),
        ("page.html:2", "§2", "Part 2", "Part 2", "Part 3"),
        ("letter.docx:5", "¶5", "Paragraph 5", "Paragraph 5", "Paragraph 6"),
        ("letter.docx:5:2", "¶5-6", "Paragraph 5", "Paragraph 6", "Paragraph 7"),
        ("line.md:1", "L1-1", "One line", "tea", "\n\n"),
        ("gap.md:4", "L4-6", "first words", "and others", "\n\n\n"),
        ("gap.md:6:1", "L6-6", "and others", "and", "first"),
    ],
)
def test_a_number_means_what_the_kind_of_file_counts(
    opened: Brain,
    shelf: Path,
    reference: str,
    locator: str,
    begins: str,
    holds: str,
    lacks: str,
) -> None:
    found = opened.library.get(f"{shelf}/{reference}")[0]
    assert found.locator == locator
    assert found.text.startswith(begins)
    assert holds in found.text
    assert lacks not in found.text
    assert (
        found.text
        in opened.library.get(f"{shelf}/{reference.partition(':')[0]}")[0].text + "\n"
    )


def test_a_row_of_a_sheet_comes_with_the_range_it_stands_in(
    opened: Brain, shelf: Path
) -> None:
    found = opened.library.get(f"{shelf}/costs.xlsx:150")[0]
    assert "bill 150 | 150" in found.text
    first, last = found.locator.removeprefix("Sheet!").split(":")
    assert (first[0], last[0]) == ("B", "C")
    assert int(first[1:]) <= 150 <= int(last[1:])


def test_what_has_no_numbers_is_counted_as_it_follows(
    opened: Brain, shelf: Path
) -> None:
    second = opened.library.get(f"{shelf}/talk.vtt:2")[0]
    assert second.locator == "01:00:00"
    assert opened.library.get(f"{shelf}/talk.vtt:1")[0].locator == "00:00:00"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("talk.pptx:10", "has no slide 10, it ends at 9"),
        ("tea.epub:4", "has no chapter 4, it ends at 3"),
        ("paper.pdf:9", "has no page 9, it ends at 4"),
        ("costs.xlsx:900", "has no row 900, it ends at 199"),
        ("letter.docx:8", "ends at paragraph 7"),
        ("line.md:2", "ends at line 1"),
    ],
)
def test_a_part_that_is_not_there_is_said_by_its_name(
    opened: Brain, shelf: Path, reference: str, said: str
) -> None:
    with pytest.raises(NotFound, match=said) as caught:
        opened.library.get(f"{shelf}/{reference}")[0]
    assert caught.value.hint


def test_parts_that_were_joined_are_named_as_they_are() -> None:
    assert (
        narrowed(WHOLE, [("p. 1-2", "one two "), ("p. 3", "three")], 2, 0).locator
        == "p. 1-2"
    )
    assert (
        narrowed(WHOLE, [("p. 1-2", "one two "), ("p. 3", "three")], 2, 2).locator
        == "p. 1-3"
    )
    cells = [("'a b'!B2:C9; Lists!A1", "x"), ("Lists!A2:A9", "y")]
    assert narrowed(WHOLE, cells, 9, 0).locator == "'a b'!B2:C9; Lists!A1; Lists!A2:A9"
    assert (
        narrowed(
            WHOLE,
            [("2026-05-07 Ana", "hello"), ("2026-05-07 Ana (quoted)", "before")],
            2,
            0,
        ).text
        == "before"
    )
    assert narrowed(WHOLE, [("slide 1", "x")], 0, 0) == WHOLE


words = st.text("ab \n", min_size=1, max_size=12).filter(str.strip)


@given(
    st.lists(st.tuples(words, st.integers(0, 2)), min_size=1, max_size=12),
    st.integers(4, 40),
)
def test_every_paragraph_is_found_under_its_own_number_and_a_citation_names_it(
    blocks: list[tuple[str, int]], tokens: int
) -> None:
    made = list(
        sections(
            Block(f"w{i} {text}", level) for i, (text, level) in enumerate(blocks, 1)
        )
    )
    text = "".join(section.text for section in made)
    pieces = chunk(made, chunk_tokens=tokens)
    parts = [(piece.locator, text[piece.start : piece.end]) for piece in pieces]
    for number in range(1, len(blocks) + 1):
        assert narrowed(WHOLE, parts, number, 0).text.startswith(f"w{number} ")
        assert narrowed(WHOLE, parts, number, 0).locator == f"¶{number}"
        for locator, part in parts:
            at = part.find(f"w{number} ")
            if at >= 0:
                assert line_locator(locator, part, at) == f"¶{number}"


def test_a_citation_counts_from_the_first_word_of_its_passage() -> None:
    (piece,) = chunk([Section("\n\n\nfirst words\n\nand others\n", (), "L1-6")])
    text = "\n\n\nfirst words\n\nand others\n"
    assert piece.locator == "L4-6"
    assert line_locator(piece.locator, text, text.index("first")) == "L4"
    assert line_locator(piece.locator, text, text.index("others")) == "L6"
    assert line_locator("¶4-9", "one\ntwo\n\nthree\n\nfour", 9) == "¶5"
    assert line_locator("¶7", "alone", 2) == "¶7"
    for other in ("p. 3", "slide 7", "Lease!B2:F9", "L", "¶", "Lisbon"):
        assert line_locator(other, "a\n\nb", 3) == other


def test_a_correction_that_points_into_one_line_is_found_again() -> None:
    assert corrections._covers("L12", "L12-12")
    assert corrections._covers("L12-14", "L13-13")
    assert not corrections._covers("L12", "L13-13")
