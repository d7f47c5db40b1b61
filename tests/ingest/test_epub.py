"""EPUB books: chapters in their order, what they are called, and what a book may withhold."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from ingest import Document, UnreadableFile, load

SHARED = Path(__file__).parents[3] / "shared" / "eval" / "ingest" / "epub"
CONTAINER = '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'


def page(inside: str, title: str = "") -> str:
    return f'<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head><body>{inside}</body></html>'


def book(
    pages: dict[str, str], spine: list[str], extra: dict[str, str] | None = None
) -> bytes:
    items = "".join(
        f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in pages
    )
    refs = "".join(f'<itemref idref="{name}"/>' for name in spine)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>On Tea</dc:title>'
        "<dc:creator>Ana Lopez</dc:creator><dc:date>2026-05-07</dc:date><dc:language>en</dc:language></metadata>"
        f'<manifest>{items}<item id="nav" properties="nav" href="nav.xhtml" media-type="application/xhtml+xml"/></manifest>'
        f'<spine><itemref idref="nav"/>{refs}</spine></package>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OPS/book.opf": package,
            "OPS/nav.xhtml": page("contents"),
            **{f"OPS/{n}.xhtml": t for n, t in pages.items()},
            **(extra or {}),
        }.items():
            archive.writestr(name, text)
    return out.getvalue()


def one(path: Path, data: bytes) -> Document:
    path.write_bytes(data)
    (document,) = load(path)
    assert document.text == "".join(chunk.text for chunk in document.chunks)
    return document


def test_chapters_come_in_the_order_of_the_spine_under_their_headings(
    tmp_path: Path,
) -> None:
    black = (
        "<h1>Black tea</h1><p>"
        + "It wants water just off the boil. " * 20
        + "</p><h2>Milk</h2><p>"
        + "Some take milk with it. " * 30
        + "</p>"
    )
    pages = {
        "b": page(black),
        "a": page("<p>" + "A foreword of many words. " * 20 + "</p>", title="Foreword"),
    }
    document = one(tmp_path / "tea.epub", book(pages, ["a", "b"]))
    assert [(chunk.locator, chunk.heading) for chunk in document.chunks] == [
        ("ch. 1", ("Foreword",)),
        ("ch. 2", ("Black tea",)),
        ("ch. 2", ("Black tea", "Milk")),
    ]
    assert "contents" not in document.text
    assert (document.title, document.metadata["Author"], document.dated_at) == (
        "On Tea",
        "Ana Lopez",
        "2026-05-07",
    )


def test_text_of_drawn_pages_and_formulas_is_read_scripts_are_not(
    tmp_path: Path,
) -> None:
    inside = '<svg xmlns="http://www.w3.org/2000/svg"><style>.x{}</style><text>drawn words</text></svg><math><mi>E</mi></math><script>evil()</script>'
    text = one(tmp_path / "a.epub", book({"a": page(inside)}, ["a"])).text
    assert "drawn words" in text
    assert "evil" not in text
    assert ".x" not in text


def test_protected_chapters_are_told_and_a_protected_book_is_not_read(
    tmp_path: Path,
) -> None:
    def locked(*names: str) -> dict[str, str]:
        inside = "".join(
            f'<EncryptedData><EncryptionMethod Algorithm="aes256"/><CipherReference URI="OPS/{name}.xhtml"/></EncryptedData>'
            for name in names
        )
        return {"META-INF/encryption.xml": f"<encryption>{inside}</encryption>"}

    pages = {"a": page("<p>open</p>"), "b": page("<p>scrambled</p>")}
    document = one(tmp_path / "a.epub", book(pages, ["a", "b"], locked("b")))
    assert document.text == "open\n\n"
    assert document.notices == ("left out: ch. 2 (protected or missing)",)
    with pytest.raises(UnreadableFile, match="DRM"):
        one(tmp_path / "b.epub", book(pages, ["a", "b"], locked("a", "b")))


def test_a_zip_without_a_book_is_said(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "words")
    with pytest.raises(UnreadableFile, match="no book"):
        one(tmp_path / "a.epub", out.getvalue())


@pytest.mark.skipif(not SHARED.exists(), reason="no shared evaluation files here")
def test_a_real_book_is_found_whole() -> None:
    document = next(load(SHARED / "moby-dick.epub"))
    assert "Call me Ishmael" in document.text
    whale = next(chunk for chunk in document.chunks if "Call me Ishmael" in chunk.text)
    assert "Loomings" in " ".join(whale.heading)
    assert whale.locator.startswith("ch. ")


def nav(*entries: tuple[str, str, int]) -> dict[str, str]:
    """The contents of a book from (title, address, depth)."""
    inside = ""
    depth = -1
    for title, target, deep in entries:
        inside += "<ol>" * (deep - depth) + "</ol>" * (depth - deep)
        inside += f'<li><a href="{target}">{title}</a></li>'
        depth = deep
    inside += "</ol>" * (depth + 1)
    return {"OPS/nav.xhtml": page(f'<nav epub:type="toc">{inside}</nav>')}


WET = "<p>" + "The river rose to the third step of the stairs. " * 4 + "</p>"
DRY = "<p>" + "No rain fell on the valley in the whole of August. " * 4 + "</p>"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (  # places of every kind: a section, a paragraph, an anchor before one and in one
            f'{WET}<section id="s1">{DRY}</section>{WET}<p id="s2">Salt. {"More. " * 20}</p>',
            [("The Flood",), ("The Flood", "Drought"), ("The Flood", "Salt")],
        ),
        (
            f'{WET}<a id="s1"/>{DRY}<p><a name="s2"></a>Salt. {"More. " * 20}</p>',
            [("The Flood",), ("The Flood", "Drought"), ("The Flood", "Salt")],
        ),
        (  # a line that is the title in other type is the heading
            f'{WET}<p id="s1" class="head">DROUGHT</p>{DRY}<div id="s2"><p>Salt</p>{WET}</div>',
            [("The Flood",), ("The Flood", "DROUGHT"), ("The Flood", "Salt")],
        ),
        (  # what has a heading keeps it
            f'<h2>A flood</h2>{WET}<section id="s1"><h3>Dry days</h3>{DRY}</section><a id="s2"/>{WET}',
            [("A flood",), ("A flood", "Dry days"), ("A flood", "Salt")],
        ),
        (  # a table is not cut
            f'{WET}<table><tr><td id="s1">{DRY}</td><td id="s2">{WET}</td></tr></table>',
            [("The Flood",), ("The Flood", "Drought")],
        ),
    ],
)
def test_places_that_the_contents_point_to_have_titles(
    tmp_path: Path, inside: str, expected: list[tuple[str, ...]]
) -> None:
    contents = nav(
        ("The Flood", "a.xhtml", 0),
        ("Drought", "a.xhtml#s1", 1),
        ("Salt", "a.xhtml#s2", 1),
    )
    data = book({"a": page(inside)}, ["a"], contents)
    document = one(tmp_path / "a.epub", data)
    assert {chunk.heading for chunk in document.chunks} == set(expected)
    for words in ("The river rose", "No rain fell"):
        assert document.text.count(words) == inside.count(words)


def test_chapters_in_one_file_have_their_own_titles(tmp_path: Path) -> None:
    inside = f'<div id="c1">{WET}</div><div id="c2">{DRY}</div>'
    contents = nav(("One", "a.xhtml#c1", 0), ("Two", "a.xhtml#c2", 0))
    document = one(tmp_path / "a.epub", book({"a": page(inside)}, ["a"], contents))
    assert [chunk.heading for chunk in document.chunks] == [("One",), ("Two",)]


def test_a_place_that_is_not_there_names_the_chapter(tmp_path: Path) -> None:
    contents = nav(("The Flood", "a.xhtml#gone", 0))
    document = one(tmp_path / "a.epub", book({"a": page(WET)}, ["a"], contents))
    assert document.chunks[0].heading == ("The Flood",)
