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
