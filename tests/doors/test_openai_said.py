"""The text of an answer as a chat program gets it: in pieces that are never taken back, whoever answers in the end."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from brain.doors.http.openai_said import Said, harmless
from brain.labels import NOT_WALKED
from brain.types import Answer, Citation, Elsewhere, Passage, State

PAGES = "http://127.0.0.1:8420"


def cited(number: int, quote: str = "a quote") -> Citation:
    return Citation(number, f"p{number}", "notes/a.md", f"L{number}", quote, True)


def passage(number: int) -> Passage:
    return Passage(
        f"p{number}", f"d{number}", "notes/a.md", "L1", "A", (), "", None, 0, 0, 0
    )


ANSWER = Answer(
    "what?",
    "supported",
    "“One.” [1]\n“Two.” [2]",
    citations=(cited(1), cited(2)),
    quotes=(cited(1), cited(2)),
    passages=(passage(1), passage(2)),
    provider="builtin",
    model="extractive",
    sure="answered",
)
BELOW = f"""

answered · quoted, not written by a model

[1]: {PAGES}/doc/d1?at=L1&quote=a+quote#L1 "notes/a.md:1"
[2]: {PAGES}/doc/d2?at=L2&quote=a+quote#L2 "notes/a.md:2\""""


def heard(said: Said, *events: tuple[str, str], answer: Answer = ANSWER) -> str:
    """All the pieces, joined."""
    pieces = [said.hear(kind, text) for kind, text in events]
    return "".join([*pieces, said.end(answer)])


def numbers(said: Said, answer: Answer) -> list[str]:
    """Where each number of the text leads, in their order."""
    found = [one["url_citation"] for one in said.annotations(answer)]
    for one in found:
        text = said.text[one["start_index"] : one["end_index"]]
        assert text.strip("[]").isdecimal()
    return [one["url"] for one in found]


def test_quotes_that_stand_are_said_once_the_first_of_them_at_once() -> None:
    said = Said(PAGES)
    assert said.hear("quote", "“One.” [1]") == "“One.”"
    assert said.hear("quote", "“Two.” [2]") == ""
    assert said.end(ANSWER) == f" [1]\n“Two.” [2]{BELOW}"
    assert numbers(said, ANSWER) == [
        f"{PAGES}/doc/d1?at=L1&quote=a+quote#L1",
        f"{PAGES}/doc/d2?at=L2&quote=a+quote#L2",
    ]


def test_an_answer_of_which_nothing_was_said_is_said_whole() -> None:
    assert heard(Said(PAGES)) == f"{ANSWER.text}{BELOW}"


def test_a_model_writes_below_the_quote_with_its_place() -> None:
    said = Said(PAGES)
    written = replace(
        ANSWER, text="So it is [1]. And so [2].", provider="ollama", model="m"
    )
    text = heard(
        said,
        ("quote", "“One.” notes/a.md:1"),
        ("sentence", "So it is [1]."),
        ("sentence", "And so [2]."),
        answer=written,
    )
    assert text.startswith("“One.” notes/a.md:1\n\nSo it is [1]. And so [2].\n\n")
    assert "written by m" in text
    assert len(numbers(said, written)) == 2


def test_a_better_second_answer_stands_below_what_was_said_first() -> None:
    """The number of the first quote would lead to the wrong place, so that it has none."""
    said = Said(PAGES)
    text = heard(said, ("quote", "“Weak.” [1]"), ("notice", "a second look found more"))
    assert text == f"“Weak.”\n\n{ANSWER.text}{BELOW}"
    assert len(numbers(said, ANSWER)) == 2
    assert said.notices == ["a second look found more"]


def test_sentences_that_do_not_stand_are_followed_by_what_does() -> None:
    said = Said(PAGES)
    text = heard(said, ("quote", "“One.” [1]"), ("sentence", "It is nothing [9]."))
    assert text == f"“One.”\n\nIt is nothing [9].\n\n{ANSWER.text}{BELOW}"
    assert len(numbers(said, ANSWER)) == 2


def test_the_end_of_an_answer_that_broke_off_is_said() -> None:
    broken = replace(ANSWER, text="So it [1] … [broken off]", state="incomplete")
    text = heard(Said(PAGES), ("sentence", "So it [1]"), answer=broken)
    assert text.startswith("So it [1] … [broken off]\n\n")
    assert "incomplete" in text


def test_a_number_that_no_citation_has_leads_nowhere() -> None:
    odd = replace(ANSWER, text="“One.” [1] [7]", passages=(passage(1),))
    said = Said(PAGES)
    text = heard(said, answer=odd)
    assert numbers(said, odd) == [f"{PAGES}/doc/d1?at=L1&quote=a+quote#L1"]
    assert "[2]:" not in text
    assert said.beside(odd)["citations"][1]["url"] is None


@pytest.mark.parametrize("state", ["supported", "not_found"])
def test_what_is_left_out_is_counted_with_the_step_that_grants_it(state: State) -> None:
    fewer = replace(ANSWER, state=state, withheld=3)
    assert "\n\n3 passages left out: more confidential" in heard(
        Said(PAGES), answer=fewer
    )
    unlabelled = heard(Said(PAGES), ("notice", NOT_WALKED), answer=fewer)
    assert f"\n\n3 passages left out: {NOT_WALKED}" in unlabelled
    assert "left out" not in heard(Said(PAGES))


def test_a_document_that_says_something_else_is_named() -> None:
    other = Elsewhere("notes/b.md", "L7", "It is 1,970 €.", (6, 13))
    text = heard(Said(PAGES), answer=replace(ANSWER, differs=(other,)))
    assert "but notes/b.md:7 says “1,970 €”" in text


def test_a_number_leads_to_the_page_of_a_pdf_and_only_the_beginning_is_marked() -> None:
    long = replace(cited(1, "word " * 200), source="papers/a.pdf", locator="p. 3")
    said = Said(PAGES)
    pdf = replace(ANSWER, text="“…” [1]", citations=(long,))
    heard(said, answer=pdf)
    (address,) = numbers(said, pdf)
    assert address.startswith(f"{PAGES}/doc/d1/page/3?quote=word+word")
    assert len(address) < 500


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("![a](http://evil.example)", r"\![a](http://evil.example)"),
        ("![a][1]", r"\![a][1]"),
        ("<img src=x>", r"\<img src=x>"),
        ("</p><!--", r"\</p>\<!--"),
        ("a < b, 3<4", "a < b, 3<4"),
        ("[1]: http://evil.example", r"\[1]: http://evil.example"),
        ("x\n  [1]: http://evil.example", "x\n  \\[1]: http://evil.example"),
        ("see [1] and [2]", "see [1] and [2]"),
        ("\x1b[31mred\x1b[0m", "red"),
    ],
)
def test_a_stored_text_loads_nothing_and_leads_nowhere(stored: str, shown: str) -> None:
    assert harmless(stored) == shown


HOSTILE = [
    r"\![x](http://evil.example/a.png)",
    r"\<img src=http://evil.example/a.png>",
    "> [1]: http://evil.example/",
    "- [1]: http://evil.example/",
    "see [1](http://evil.example/)",
]
MORE_HOSTILE = [
    r"\\\![x](http://evil.example/a.png)",
    r"\[1]: http://evil.example/",
    r"\\[1](http://evil.example/)",
    "![1](http://evil.example/)",
    "1. > [1]:\n   > http://evil.example/",
    "[\n1\n]: http://evil.example/",
    "[[1]](http://evil.example/)",
    "[**1**](http://evil.example/)",
    "[1][x]\n\n> [x]: http://evil.example/",
]


@pytest.mark.parametrize("stored", [*HOSTILE, *MORE_HOSTILE])
def test_what_a_chat_program_makes_of_a_note_leads_to_our_page_alone(
    stored: str,
) -> None:
    text = heard(Said(PAGES), answer=replace(ANSWER, text=f"{stored}\n\nSo [1] [2]."))
    shown = MarkdownIt("commonmark").render(text)
    assert "<img" not in shown
    assert re.findall(r"<a [^>]*evil[^>]*>(?:<[^>]*>|\W)*\d", shown) == []
    assert f'<a href="{PAGES}/doc/d1?' in shown.split("<p>So ")[1]
    assert "evil.example" in shown  # it is read as text


def test_a_number_that_a_note_leads_elsewhere_is_no_citation() -> None:
    said = Said(PAGES)
    answer = replace(ANSWER, text="see [1](http://evil.example/), so [2].")
    heard(said, answer=answer)
    (address,) = numbers(said, answer)
    assert address.startswith(f"{PAGES}/doc/d2?")


def test_numbers_next_to_each_other_stay_as_they_are() -> None:
    assert harmless("So [1][2] (and [3]).") == "So [1][2] (and [3])."


def test_a_name_of_a_file_does_not_end_the_title_of_a_link() -> None:
    named = replace(cited(1), source='notes/"x" (http://evil.example).md')
    text = heard(Said(PAGES), answer=replace(ANSWER, citations=(named,)))
    assert """"notes/'x' (http://evil.example).md:1\"""" in text
