"""HTML: content without furniture, everything when in doubt, nothing that is not text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.readers.html import read, whole_page
from ingest.readers.mail import read as read_mail
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


def words_of(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def test_content_is_kept_with_headings_and_furniture_left_out() -> None:
    found = reading(PAGE)
    assert (found.title, found.date) == ("A page on tea", "2026-05-07T08:00:00Z")
    # The table is a section of its own, under the heading above it.
    assert [section.heading for section in found.sections] == [
        ("Tea",),
        *[("Tea", "Green tea")] * 3,
    ]
    assert [section.locator for section in found.sections] == ["§1", *["§2"] * 3]
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


def test_content_in_places_that_are_often_furniture_stays_and_the_rest_is_counted() -> (
    None
):
    found = reading(
        f"""<body><header><nav><a href=/>Home</a> <a href=/a>About us all</a></nav></header>
        <header class="entry"><h1><a href=/x>Weir voted</a></h1><p>By <a href=/ana>Ana Lopez</a></p></header>
        <p>{BODY}</p><aside><p>Box: tides turn at six.</p><h3>More of this</h3><ul><li><a href=x>A link</a></ul></aside>
        <figure><img><figcaption>The old pier in 1920</figcaption></figure>
        <h3><button>What does it cost?</button></h3><p>Nothing.</p><button>Buy now</button>
        <p>It cost <del>50</del> <ins>60</ins> euro.</p>
        <footer><p>Correction: the pier was built in 1921.</p><p>© 2026 The paper of the harbour</p></footer>
        <p hidden>never seen</p></body>"""
    )
    text = text_of(found)
    for kept in (
        "Weir voted",
        "By Ana Lopez",
        "tides turn at six",
        "The old pier in 1920",
        "What does it cost?",
        "cost ~~50~~ 60 euro",
        "built in 1921",
    ):
        assert kept in text
    for gone in ("About us", "More of this", "A link", "Buy now", "©", "never seen"):
        assert gone not in text
    # 4 words of the menu, 5 of the margin's heading and link, 7 of the imprint.
    assert found.notices == (
        "20 words left out: menus, page heads and feet (16), hidden text (2), controls (2)",
    )


def test_a_headline_of_any_level_in_the_head_of_a_page_stays() -> None:
    page = f"<header><h4>Weir voted</h4></header><p>{BODY}</p>"
    assert text_of(reading(page)).startswith("Weir voted")


def test_a_page_of_which_nothing_is_left_out_says_nothing() -> None:
    assert reading(f"<h1>Tea</h1><p>{BODY}</p>").notices == ()


def test_hidden_words_of_a_mail_are_counted() -> None:
    page = f"<p style='display:none'>peek at this</p><p>{BODY}</p>"
    data = f"From: a@b.c\nContent-Type: text/html\n\n{page}".encode()
    found = next(read_mail(Raw(data, "a.eml", "message/rfc822")))
    assert "peek" not in text_of(found)
    assert found.notices == ("3 words left out: hidden text (3)",)


def test_an_article_in_one_large_form_is_no_form() -> None:
    page = f"<form><input><h1>Tea</h1><p>{BODY}</p><p>Too short</p></form>"
    assert "Too short" in text_of(reading(page))


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (
            "<math><semantics><mi>E</mi><annotation encoding='application/x-tex'>E=mc^2</annotation></semantics></math>",
            "E=mc^2",
        ),
        (
            "<math><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac></math>",
            "(a+b)/2",
        ),
        (
            "<span style='display:none'><math alttext='x^2'><mi>x</mi></math></span><img class='mwe-math' alt='x^2'>",
            "x^2",
        ),
        ("<img src='/tex/1.png' alt='\\alpha_1'>", "\\alpha_1"),
        ("<script type='math/tex'>\\beta</script>", "\\beta"),
        (
            "<span class=katex><span><math><mi>a</mi></math></span><span aria-hidden=true>drawn</span></span>",
            "a",
        ),
        ("10<sup>6</sup> m<sup>2</sup> of H<sub>2</sub>O", "10^6 m² of H₂O"),
        ("the rent<sup>1</sup> of the 1<sup>st</sup>", "the rent^1 of the 1st"),
    ],
)
def test_formulas_are_text(page: str, expected: str) -> None:
    assert text_of(reading(f"<p>{page}</p>")).strip() == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("<td><p>A4</p><td><div>310</div><div>EUR</div>", "A4 | 310; EUR |"),
        ("<td>A4<td><ul><li>one<li>two</ul>", "A4 | one; two |"),
        ("<td>A4<td>310<br>EUR", "A4 | 310 EUR |"),
        ("<td><h3>A4</h3><td><a href=x>Petrel</a>", "A4 | Petrel |"),
        ("<td><td>Petrel", " | Petrel |"),
    ],
)
def test_a_row_is_one_line_whatever_stands_in_its_cells(
    cells: str, expected: str
) -> None:
    page = f"<table><tr><th>Berth<th>Boat<tr>{cells}</table>"
    text = text_of(reading(page))
    assert text.removesuffix("\n").split("\n") == ["Berth | Boat |", expected]
    assert whole_page(page.encode()).text == text.removesuffix("\n")


def test_tables_that_lay_out_a_page_flow() -> None:
    inner = "<table><tr><td>Booking<td>AB12</table>"
    prose = f"<td><h1>Tea</h1><p>{BODY}</p><p>second</p>"
    page = f"<table><tr>{prose}<td>margin</tr><tr><td>{inner}</table>"
    found = reading(page)
    assert found.sections[0].heading == ("Tea",)
    assert "\n\nsecond\n\n" in text_of(found)
    assert "Booking | AB12 |" in text_of(found).splitlines()


def test_words_beside_the_cells_of_a_table_are_not_lost() -> None:
    page = "<table>before<tr><td>a<td>b</td></tr><caption>named</caption></table>"
    assert all(
        words in text_of(reading(page)) for words in ("before", "a | b", "named")
    )


def test_terms_stand_on_the_lines_of_their_definitions() -> None:
    page = """<dl><dt>Deposit</dt> <dd>50 euro</dd><dt>Rent:</dt><dd><p>900</p><p>a month</p></dd>
    <dt>Empty</dt><dd></dd><dt>Keys</dt><dd><ul><li>front<li>back</ul></dd></dl><p>End</p>"""
    assert text_of(reading(page)).strip().split("\n\n") == [
        "Deposit: 50 euro",
        "Rent: 900",
        "a month",
        "Empty",
        "Keys:\n- front\n- back",
        "End",
    ]


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/eval is not here")
def test_main_content_of_real_pages_is_found() -> None:
    """Of the 6-word spans of human-made truth within a line, 99.5 % stand in what is read."""
    from lxml import html

    found = asked = 0
    for folder in sorted((SHARED / "readability").iterdir())[::3]:
        truth = html.fromstring((folder / "expected.html").read_bytes().decode())
        have = words_of(text_of(reading((folder / "source.html").read_bytes())))
        for line in truth.iter("p", "li", "h1", "h2", "h3", "td", "figcaption", "pre"):
            words = words_of(" ".join(map(str, line.itertext()))).split()
            for at in range(0, len(words) - 5, 7):
                asked += 1
                found += " ".join(words[at : at + 6]) in have
    assert asked > 500
    assert found / asked >= 0.995


def test_headings_and_titles_have_no_signs_that_nobody_sees() -> None:
    found = reading(
        "<title>Haft&shy;pflicht</title><h1>Ver&shy;sicherung&nbsp;A</h1><p>Eine Haft&shy;pflicht.</p>"
    )
    assert found.title == "Haftpflicht"
    assert found.sections[0].heading == ("Versicherung A",)
    assert "Haftpflicht" in found.sections[0].text
