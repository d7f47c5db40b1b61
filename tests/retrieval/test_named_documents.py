"""What a question asks of a document by its name."""

from __future__ import annotations

from dataclasses import replace

from brain.retrieval.named_documents import NAMED, named_documents, with_sign
from brain.retrieval.variety import spread
from brain.text.question import Question
from brain.types import Passage
from tests.retrieval.test_fusion import passage

COMPANIES = ("Orvik Shipping", "Tamsin Foods", "Halden Paper", "Brae Energy", "Lund")


def reports() -> list[Passage]:
    """Four passages of each of five annual reports, those of Lund last."""
    made = []
    for company in COMPANIES:
        for number in range(4):
            one = passage(f"{company}{number}", "Revenue rose.", document=company)
            title = f"{company} annual report 2024"
            made.append(replace(one, title=title, source=f"/r/{company}.pdf"))
    return [replace(one, score=20.0 - place) for place, one in enumerate(made)]


def test_a_company_in_the_question_names_its_report() -> None:
    asked = Question("What was the annual revenue of Halden in 2024?")
    assert named_documents(reports(), asked) == {"Halden Paper"}


def test_a_whole_title_names_its_document_in_any_case() -> None:
    assert named_documents(reports(), Question("revenue of tamsin foods")) == {
        "Tamsin Foods"
    }
    assert not named_documents(reports(), Question("revenue of paper mills"))


def test_words_that_all_titles_share_name_none() -> None:
    assert not named_documents(reports(), Question("the Annual Report of 2024"))


def test_a_named_document_comes_forward_and_may_fill_the_list() -> None:
    named = named_documents(reports(), Question("Revenue of Lund"))
    signed = with_sign(reports(), named)
    lund = [one for one in signed if one.document_id == "Lund"]
    assert [one.explain["named_document"] for one in lund] == [NAMED] * 4
    lifted = [replace(one, score=one.score + 20) for one in lund]
    others = [one for one in signed if one.document_id != "Lund"]
    shown = spread([*lifted, *others], 3, asked_about=named)[:10]
    assert [one.document_id for one in shown[:4]] == ["Lund"] * 4
    assert [one.document_id for one in shown[4:7]] == [COMPANIES[0]] * 3
