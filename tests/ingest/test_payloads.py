"""Pictures, keys and packed code are no text: they are left out and told, and every line keeps its number."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest

from ingest import UnsupportedFile, load_text
from ingest.readers.payloads import without_payloads
from tests.ingest.reading_support import loaded, read

PICTURE = base64.b64encode(random.Random(1).randbytes(3_000)).decode()
WRAPPED = "\n".join(PICTURE[at : at + 76] for at in range(0, len(PICTURE), 76))


@pytest.mark.parametrize(
    "payload",
    [
        f"![photo](data:image/png;base64,{PICTURE})",
        f"[image1]: <data:image/png;base64,{PICTURE}>",
        f"![photo](data:image/png;base64,{WRAPPED}\n)",
        f"-----BEGIN CERTIFICATE-----\n{WRAPPED}\n-----END CERTIFICATE-----",
        f"```compressed-json\n{WRAPPED}\n```",
        f"raw {PICTURE} raw",
        f"<svg viewBox='0 0 9 9'>\n<path d='{PICTURE}'/></svg>",
    ],
)
def test_a_payload_is_left_out_and_told_and_lines_stay(payload: str) -> None:
    text, (notice,) = without_payloads(f"before\n{payload}\nafter\n")
    assert PICTURE[:40] not in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert text.count("\n") == f"before\n{payload}\nafter\n".count("\n")
    assert "KB of pictures or packed data" in notice


@pytest.mark.parametrize(
    "words",
    [
        "a" * 600,
        "ACGT" * 300,
        "-" * 600 + "\n",
        "https://example.org/a/b?c=" + "d" * 90,
        "\n".join(["0123456789abcdef" * 4] * 10),
        "data:text/plain;charset=utf-8,hello",
        "<svg><circle r='4'/></svg>" + " an example" * 60,
        "<svg " * 2_000,
    ],
)
def test_long_words_rules_genes_and_hashes_are_kept(words: str) -> None:
    assert without_payloads(words) == (words, ())


def test_a_note_that_is_no_file_keeps_its_only_copy() -> None:
    note = f"![photo](data:image/png;base64,{PICTURE})"
    assert load_text(note, uri="note:a").text == note


def test_a_picture_in_a_note_costs_no_chunks(tmp_path: Path) -> None:
    note = f"# Boiler\n\nIt must be 1.5 bar.\n\n![p](data:image/png;base64,{PICTURE})\n\nBleed it.\n"
    document = loaded(tmp_path / "boiler.md", note)
    (chunk,) = document.chunks
    assert "1.5 bar" in chunk.text
    assert "Bleed it." in chunk.text


@pytest.mark.parametrize("name", ["app.min.js", "site.min.css", "bundle.js"])
def test_packed_code_is_listed_by_its_name_only(name: str) -> None:
    with pytest.raises(UnsupportedFile, match="minified"):
        read(name, "var a=function(b){return b};" * 100)


def test_code_that_a_person_wrote_is_read() -> None:
    assert read("app.js", "function heat() { return 96; }\n" * 50).sections


def test_a_file_of_nothing_else_is_listed_by_its_name_only() -> None:
    with pytest.raises(UnsupportedFile, match="nothing but"):
        read("photo.txt", PICTURE + "\n")


def test_a_drawing_in_svg_has_no_reader() -> None:
    with pytest.raises(UnsupportedFile, match="no reader"):
        read("logo.svg", "<svg/>")
