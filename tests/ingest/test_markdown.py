"""Markdown as people write it, and as attackers do: structure, what is left out, line numbers, speed of our patterns."""

from __future__ import annotations

import pytest

from ingest.chunking import chunk
from ingest.limits import Limits
from ingest.readers.markdown import read
from ingest.reading import Raw, Reading

NOTE = """---
title: The lease
tags: [home, money/rent]
aliases: [Rental contract]
date: 2026-05-07
nested: {who: Ana, no: "0x1F"}
description: What we promised the landlord
---
# Lease of the flat

Intro with [[Ana Silva|Ana]] and ![[plan.png]] #urgent but not `#code` or #12. %%secret
over two lines%% Tail.

## Rent *and* [costs](https://x.example)

| month | euros |
|---|---|
| May | 1200 |

Status:: open
- [ ] pay [due:: 2026-06-01]

```python
# not a heading  [[not a link]] #nottag
%% kept %%
```

> [!note] Callout
> Body.

<!-- hidden --> Shown.
"""


HEAD_LINES = 8


def reading(
    text: str, *, name: str = "n.md", vault: bool = False, **limits: int
) -> Reading:
    caps = Limits(**limits)  # type: ignore[arg-type]
    return next(read(Raw(text.encode(), name, "text/markdown", caps, vault)))


def text_of(found: Reading) -> str:
    return "".join(section.text for section in found.sections)


def test_what_a_note_says_of_itself() -> None:
    found = reading(NOTE)
    assert found.title == "The lease"
    assert found.tags == ("home", "money/rent", "urgent")
    assert found.aliases == ("Rental contract",)
    assert found.links == ("Ana Silva", "plan.png")
    assert (found.date, found.date_by) == ("2026-05-07", "front matter")
    assert found.metadata["nested.no"] == "0x1F"
    assert found.metadata["Status"] == "open"
    assert found.metadata["due"] == "2026-06-01"
    assert found.notices == ()


def test_comments_and_front_matter_are_left_out_but_not_what_a_person_would_search_for() -> (
    None
):
    found = reading(NOTE, vault=True)
    text = text_of(found)
    assert found.notices == ("2 comments of Obsidian left out (lines 11, 31)",)
    for gone in ("secret", "hidden", "aliases:", "two lines"):
        assert gone not in text
    for kept in (
        "description: What we promised",
        "%% kept %%",
        "[[not a link]]",
        "Tail.",
        "Shown.",
        "> Body.",
    ):
        assert kept in text


def test_outside_a_vault_marks_of_comments_are_text() -> None:
    text = "Margins: 20%% in May and 30%% in June. <!-- keep me -->\n"
    assert text_of(reading(text)) == text
    assert text_of(reading(text, vault=True)) == "Margins: 20 in June. \n"


def test_a_file_that_names_a_plugin_of_obsidian_is_read_as_of_a_vault() -> None:
    text = "---\nkanban-plugin: basic\n---\nShown. %% hidden %%\n"
    assert text_of(reading(text)).endswith("\nShown. \n")


def test_a_text_that_is_no_file_is_kept_whole() -> None:
    text = "---\ntags: [a]\nstatus: open\n---\n\nBody %% of it %%.\n"
    found = reading(text, name="")
    assert text_of(found) == text
    assert (found.title, found.tags) == ("Body %% of it %%.", ("a",))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n%%\n```sh\nTOKEN\n```\nx\n%%\nb\n", "a\n\n\n\n\n\n\nb\n"),
        ("a\n<!--\n~~~\nTOKEN\n~~~\n-->\nb\n", "a\n\n\n\n\n\nb\n"),
        ("%%\n```\nTOKEN\n%%\nb\n```\nc\n```\n", "\n\n\n\nb\n```\nc\n```\n"),
        ("```\n%% kept %%\n```\n", "```\n%% kept %%\n```\n"),
        (
            "- item\n  ```\n  %% kept %%\n  ```\n",
            "- item\n  ```\n  %% kept %%\n  ```\n",
        ),
        ("a\n\n    %% kept %%\n", "a\n\n    %% kept %%\n"),
        ("`%%` and %% gone %%.", "`%%` and ."),
        ("50%% without an end", "50%% without an end"),
        ("<!-- a %% b --> c %% d", " c %% d"),
        ("```inline``` %% gone %% b", "```inline```  b"),
    ],
)
def test_comments_hold_fences_and_fences_hold_marks(text: str, shown: str) -> None:
    assert text_of(reading(text, vault=True)) == shown


def test_every_line_of_a_section_is_where_the_locator_says() -> None:
    lines = NOTE.split("\n")
    seen = 0
    for section in reading(NOTE).sections:
        first = int(section.locator[1:].partition("-")[0])
        for offset, line in enumerate(section.text.split("\n")[:-1]):
            original = lines[first - 1 + offset]
            # What is left out of the head is a blank line.
            told = line or first + offset > HEAD_LINES
            if told and not any(
                mark in original for mark in ("%%", "<!--", "over two lines")
            ):
                assert line == original
                seen += 1
    assert seen >= 20


def test_headings_and_atomic_blocks() -> None:
    sections = reading(NOTE).sections
    assert {section.heading for section in sections if section.heading} == {
        ("Lease of the flat",),
        ("Lease of the flat", "Rent and costs"),
    }
    atomic = [section.text.lstrip()[:9] for section in sections if section.atomic]
    assert atomic == ["| month |", "- [ ] pay", "```python"]


def test_setext_headings_and_crlf() -> None:
    found = reading("Title\r\n=====\r\n\r\nText\r\n\r\nSub\r\n---\r\nMore\r\n")
    assert [(s.heading, s.locator) for s in found.sections] == [
        (("Title",), "L1-5"),
        (("Title", "Sub"), "L6-8"),
    ]


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: !!python/object:os.system x", "tags"),
        ("a: {b", "not valid YAML"),
        ("- just\n- a list", "no keys"),
        ("a: {b: {c: {d: {e: {f: g}}}}}", "nested"),
        ("a: " + "[" * 3000, "nested"),
        ("a: " + "x" * 20_000, "over 16 KB"),
        ("? [complex]\n: key", "key"),
    ],
)
def test_front_matter_that_is_not_taken_stays_as_text(block: str, why: str) -> None:
    found = reading(f"---\n{block}\n---\n# Body\n")
    assert why in found.notices[0]
    assert block[:50] in text_of(found)
    assert found.sections[-1].heading == ("Body",)
    assert found.sections[-1].locator == f"L{block.count(chr(10)) + 4}"


@pytest.mark.parametrize(
    "text",
    [
        "---\nno end",
        "--- \n",
        "---",
        "",
        "\n\n",
        "%%",
        "<!--",
        "```",
        "#",
        "[[",
        "---\n---\n",
        "---\na: b\n---",
    ],
)
def test_fragments_are_read(text: str) -> None:
    assert isinstance(reading(text), Reading)


def test_a_long_text_is_outlined_instead_of_parsed() -> None:
    text = "# One\n\npara\n\n```\n# no heading\n```\n\n## Two\n" + "line\n" * 100
    long = reading(text, parse_chars=100)
    assert [s.heading for s in long.sections] == [
        ("One",),
        ("One",),
        ("One",),
        ("One", "Two"),
    ]
    assert text_of(long) == text
    assert "outlined" in long.notices[0]


def hostile() -> list[str]:
    whole = [
        ">" * 20_000,
        "\n".join("  " * at + "- x" for at in range(300)),
        "[" * 50_000,
        "<!A" * 20_000,
        "* " * 50_000,
    ]
    ladders = [
        " ".join("`" * at for at in range(1, 300)),
        "|" * 30_000 + "\n" + "|-" * 15_000,
        "[[a" * 30_000,
    ]
    fields = [
        "a:: " * 25_000,
        "(a:: " * 20_000,
        "#a/" * 30_000,
        "# " + "![" * 40_000,
        "%%" * 40_001,
        "<!--" * 25_000,
    ]
    runs = [
        mark * 100_000 for mark in ("a", "[", " ", "\n", "`", "#", ":", "%", "-", "=")
    ]
    return [
        *whole,
        *ladders,
        *fields,
        *runs,
        "---\n" + "a: b\n" * 20_000,
        "---\n" * 20_000,
        "<!--" * 20_000 + "-->",
    ]


@pytest.mark.parametrize("text", hostile(), ids=lambda text: repr(text[:6]))
def test_hostile_markdown_is_read_whole(text: str) -> None:
    """Quadratic work would show as minutes here; each takes under half a second."""
    found = reading(text, vault=True)
    kept = text_of(found).replace("\n", "")
    assert (
        len(kept) >= len(text.replace("\n", "")) // 2
        or "%%" in text
        or "-->" in text
        or "a: b" in text
    )
    assert chunk(found.sections) or not kept.strip()


def test_letters_by_name_are_letters_in_headings_titles_and_names_of_columns() -> None:
    text = "# Haft&shy;pflicht &amp; Haus&nbsp;rat\n\n| Ge&shy;sellschaft | Jahr |\n|---|---|\n| A | 2 |\n"
    found = reading(text)
    assert found.title == "Haftpflicht & Haus rat"
    assert found.sections[0].heading == ("Haftpflicht & Haus rat",)
    assert found.sections[1].header == "Gesellschaft | Jahr"
    assert text_of(found) == text
    assert reading("---\ntitle: Haft&shy;pflicht\n---\n").title == "Haft\u00adpflicht"
