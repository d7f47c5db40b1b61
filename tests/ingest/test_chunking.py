"""Chunks tile the text, keep to the budget, and carry truthful headings and lines."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking import Piece, chunk
from ingest.document import Section
from ingest.limits import USUAL
from ingest.tokens import count_tokens

CAP = USUAL.chunk_tokens * 9 // 7

WORDS = st.sampled_from(
    [
        "tea ",
        "kettle. ",
        "\n",
        "\n\n",
        "  ",
        "漢字。",
        "a" * 90,
        "x, ",
        "- item\n",
        "\t",
        "é",
        "🙂",
        "end.\n",
        "|",
    ]
)
TEXTS = st.lists(WORDS, max_size=400).map("".join)


@st.composite
def documents(draw: st.DrawFn) -> list[Section]:
    """Sections with lines counted from 1, under drawn headings, some atomic."""
    sections, line = [], 1
    for _ in range(draw(st.integers(1, 6))):
        text = draw(TEXTS) + "\n"
        heading = tuple(draw(st.lists(st.sampled_from("ABC"), max_size=3)))
        sections.append(
            Section(
                text,
                heading,
                f"L{line}-{line + text.count(chr(10))}",
                draw(st.booleans()),
            )
        )
        line += text.count("\n")
    return sections


def texts(sections: list[Section], pieces: list[Piece]) -> list[str]:
    text = "".join(section.text for section in sections)
    return [text[piece.start : piece.end] for piece in pieces]


@settings(max_examples=120, deadline=None)
@given(documents())
def test_chunks_tile_the_text_and_keep_the_cap(sections: list[Section]) -> None:
    text = "".join(section.text for section in sections)
    pieces = chunk(sections)
    assert "".join(texts(sections, pieces)) == (text if text.strip() else "")
    for _piece, body in zip(pieces, texts(sections, pieces), strict=True):
        assert body.strip(), "white space alone is no chunk"
        assert count_tokens(body.strip()) <= CAP
    assert all(one.end == other.start for one, other in itertools.pairwise(pieces))


@settings(max_examples=60, deadline=None)
@given(documents())
def test_the_locator_of_a_chunk_holds_its_own_lines(sections: list[Section]) -> None:
    lines = "".join(section.text for section in sections).split("\n")
    for piece, body in zip(
        chunk(sections), texts(sections, chunk(sections)), strict=True
    ):
        first, _, last = piece.locator[1:].partition("-")
        shown = "\n".join(lines[int(first) - 1 : int(last or first)])
        assert body.strip() in shown
        assert body.strip().count("\n") == shown.count("\n")


@settings(max_examples=60, deadline=None)
@given(documents())
def test_a_heading_is_never_one_that_does_not_cover_all_of_the_chunk(
    sections: list[Section],
) -> None:
    offset, owners = 0, []
    for section in sections:
        owners.append((offset, offset + len(section.text), section))
        offset += len(section.text)
    text = "".join(section.text for section in sections)
    for piece in chunk(sections):
        for start, end, section in owners:
            inside = text[max(start, piece.start) : min(end, piece.end)]
            if inside.strip():
                shared = piece.heading[: len(section.heading)]
                bare = inside.strip() == (section.heading or ("",))[-1]
                assert section.heading[: len(piece.heading)] == piece.heading or (
                    bare and shared == section.heading
                )


def prose(words: int, name: str = "word") -> str:
    return " ".join(f"{name}{at}" for at in range(words)) + ".\n\n"


def lined(*parts: tuple[tuple[str, ...], str]) -> list[Section]:
    sections, line = [], 1
    for heading, text in parts:
        sections.append(Section(text, heading, f"L{line}"))
        line += text.count("\n")
    return sections


def test_paragraphs_are_packed_whole_between_200_and_350_tokens() -> None:
    paragraphs = [prose(30) for _ in range(20)]
    pieces = chunk([Section("".join(paragraphs), (), "L1")])
    assert all(200 <= piece.tokens <= 350 for piece in pieces[:-1])
    ends = {sum(map(len, paragraphs[: at + 1])) for at in range(20)}
    assert all(piece.end in ends for piece in pieces)


def test_different_headings_are_not_glued() -> None:
    parts = lined(
        (("A", "One"), "## One\n\n" + prose(60)),
        (("A", "Two"), "## Two\n\n" + prose(60)),
    )
    assert [piece.heading for piece in chunk(parts)] == [("A", "One"), ("A", "Two")]


def test_a_bare_heading_goes_with_the_section_below_it() -> None:
    parts = lined((("A",), "# A\n\n"), (("A", "One"), "## One\n\n" + prose(100)))
    assert [piece.heading for piece in chunk(parts)] == [("A", "One")]


def test_a_small_note_is_one_chunk_under_the_heading_that_all_share() -> None:
    parts = lined(
        (("A",), "# A\n\n"),
        (("A", "b"), "## b\n\nshort\n\n"),
        (("A", "c"), "## c\n\nshort too\n"),
    )
    assert [(piece.heading, piece.locator) for piece in chunk(parts)] == [
        (("A",), "L1-9")
    ]


def test_stubs_are_packed_with_each_other_and_big_sections_stay_alone() -> None:
    stubs = [(("A", f"s{at}"), f"## s{at}\n\nonly a line\n\n") for at in range(4)]
    parts = lined(
        (("A", "big"), "## big\n\n" + prose(90)),
        *stubs,
        (("B",), "# B\n\n" + prose(90)),
    )
    assert [piece.heading for piece in chunk(parts)] == [("A", "big"), ("A",), ("B",)]


def test_an_atomic_section_stays_whole_up_to_the_cap_and_is_cut_at_its_outline() -> (
    None
):
    fits = "".join(f"    value_{at} = {at}\n\n" for at in range(45))
    assert 350 < count_tokens(fits) <= CAP
    assert len(chunk([Section(fits, (), "L1", atomic=True)])) == 1
    items = "".join(
        f"- item {at} with a few words\n\n  more of item {at}\n" for at in range(80)
    )
    pieces = chunk([Section(items, (), "L1", atomic=True)])
    assert len(pieces) > 2
    assert all(items[piece.start :].startswith("- item") for piece in pieces)


def test_a_long_paragraph_is_cut_at_sentence_ends_into_like_parts() -> None:
    text = " ".join(
        f"Sentence number {at} says a little more about tea." for at in range(60)
    )
    pieces = chunk([Section(text, (), "L1")])
    assert all(text[: piece.end].rstrip().endswith(".") for piece in pieces)
    assert max(piece.tokens for piece in pieces) < 1.5 * min(
        piece.tokens for piece in pieces
    )


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "漢字" * 60_000,
        "word " * 60_000,
        ". " * 60_000,
        "." * 200_000,
        "`[" * 60_000,
    ],
)
def test_one_enormous_line_is_cut_and_tiles(text: str) -> None:
    pieces = chunk([Section(text, (), "L1")])
    assert "".join(texts([Section(text)], pieces)) == text
    assert max(piece.tokens for piece in pieces) <= CAP
    assert {piece.locator for piece in pieces} == {"L1"}


def test_pages_separate_chunks_and_tiny_pages_join() -> None:
    pages = [
        Section(prose(60), (), "p. 1"),
        Section(prose(60), (), "p. 2"),
        Section("The end.\n", (), "p. 3"),
    ]
    assert [piece.locator for piece in chunk(pages)] == ["p. 1", "p. 2-3"]


def test_white_space_goes_with_what_precedes_it_and_alone_is_nothing() -> None:
    assert chunk([Section(" \n\n\t", (), "L1")]) == []
    sections = [
        Section("\n\n", (), "L1"),
        Section("text\n", ("A",), "L3"),
        Section("\n \n", ("B",), "L4"),
    ]
    assert [(piece.start, piece.end, piece.locator) for piece in chunk(sections)] == [
        (0, 10, "L3")
    ]
