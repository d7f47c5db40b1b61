"""HTML: content without furniture, everything when in doubt, nothing that is not text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.readers.html import read
from ingest.reading import Raw, Reading

SHARED = Path(__file__).parents[3] / "shared" / "eval" / "ingest" / "html"
BODY = " ".join(
    f"The kettle sang for the {at}th time that long afternoon in May."
    for at in range(12)
)
PAGE = f"""<!doctype html><html><head><title>A page on tea</title>
<meta property="article:published_time" content="2026-05-07T08:00:00Z"><style>p {{}}</style></head><body>
<nav><a href=/>Home</a> <a href=/about>Navigation words</a></nav>
<article><h1>Tea</h1><p>{BODY}</p><h2>Green tea</h2><p>{BODY}</p><ul><li>first leaf</li><li>second leaf</li></ul>
<table><tr><th>Tea</th><th>Degrees</th></tr><tr><td>black</td><td>95</td></tr></table>
<pre>brew(
    leaf)</pre></article>
<script>alert("scripted words")</script><p style="display: none">hidden words</p>
<footer>Footer words</footer></body></html>"""


def reading(page: str | bytes) -> Reading:
    return next(
        read(
            Raw(
                page if isinstance(page, bytes) else page.encode(),
                "p.html",
                "text/html",
            )
        )
    )


def text_of(found: Reading) -> str:
    return "".join(section.text for section in found.sections)


def test_content_is_kept_with_headings_and_furniture_left_out() -> None:
    found = reading(PAGE)
    assert (found.title, found.date) == ("A page on tea", "2026-05-07T08:00:00Z")
    assert [section.heading for section in found.sections] == [
        ("Tea",),
        ("Tea", "Green tea"),
    ]
    assert [section.locator for section in found.sections] == ["§1", "§2"]
    text = text_of(found)
    for kept in ("kettle sang for the 11th", "- first leaf", "black | 95", "    leaf)"):
        assert kept in text
    for gone in ("scripted", "hidden", "Footer words", "Navigation words"):
        assert gone not in text


@pytest.mark.parametrize(
    "page",
    [
        "<p>Short note: kettle at 95.</p>",
        "<nav><ul><li>kettle</li></ul></nav>",  # nothing but furniture: then it is the content
        "kettle, no tags at all",
        "<div>" * 5_000 + "kettle",
        "<table><tr><td>kettle<td>95</table>",
        "<html xmlns='http://www.w3.org/1999/xhtml'><body><p>kettle</p></body></html>",
    ],
)
def test_small_and_odd_pages_keep_all_of_their_text(page: str) -> None:
    assert "kettle" in text_of(reading(page))


@pytest.mark.parametrize(
    "page", ["", "   ", "<html></html>", "<!-- only -->", "<script>x</script>"]
)
def test_pages_without_text_give_no_sections(page: str) -> None:
    assert text_of(reading(page)).strip() == ""


def test_the_declared_charset_is_used() -> None:
    page = '<meta charset="iso-8859-2"><p>Žluťoučký kůň</p>'
    assert "Žluťoučký kůň" in text_of(reading(page.encode("iso-8859-2")))
    assert "Žluťoučký kůň" in text_of(
        reading(page.replace("iso-8859-2", "no-such-thing").encode())
    )


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/eval is not here")
def test_main_content_of_real_pages_is_found() -> None:
    """Of the 6-word spans of human-made truth, 95 % stand in what is read."""
    from lxml import html

    found = asked = 0
    for folder in sorted((SHARED / "readability").iterdir())[::3]:
        truth = " ".join(
            html.fromstring((folder / "expected.html").read_bytes().decode()).itertext()
        )
        words = re.findall(r"\w+", truth.lower())
        have = " ".join(
            re.findall(
                r"\w+", text_of(reading((folder / "source.html").read_bytes())).lower()
            )
        )
        spans = [" ".join(words[at : at + 6]) for at in range(0, len(words) - 5, 7)]
        found += sum(span in have for span in spans)
        asked += len(spans)
    assert found / asked >= 0.95
