"""How a second opinion reads: below the first answer, with who wrote it and where the two differ."""

from __future__ import annotations

import dataclasses
import json

from brain.types import Answer, Differences, Opinion
from tests.fake_brain import CITATION, brain

OPINION = Opinion(
    provider="openai",
    model="gpt-6.1-sol",
    answer="Black tea wants 96 degrees. [1]",
    citations=(CITATION,),
    cost_usd=0.0007,
    ledger_id="9",
    differs=Differences(("95",), ("96",)),
)
GIVEN = Answer(
    "how hot?",
    "supported",
    "Black tea wants 95 degrees. [1]",
    citations=(CITATION,),
    model="qwen3:4b",
    provider="ollama",
    second_opinion=OPINION,
)
ASK = ("ask", "how", "hot", "--second-opinion")


def test_both_answers_are_shown_with_who_wrote_each_and_what_differs() -> None:
    ran = brain(*ASK, ask=GIVEN)
    before, found, after = ran.stdout.partition("A second opinion ")
    assert found
    assert "| Black tea wants 95 degrees. [1]" in before
    assert "written by qwen3:4b" in before
    lines = after.splitlines()
    assert lines[0] == (
        "written by gpt-6.1-sol · left for openai, $0.0007, row 9 of the ledger"
    )
    assert lines[1] == "| Black tea wants 96 degrees. [1]"
    assert lines[2].startswith("[1] notes/tea1.md:12")
    assert lines[-2:] == ["only the first says 95", "only the second says 96"]
    [((request,), _options)] = ran.called("ask")
    assert request.second_opinion


def test_where_nothing_differs_it_says_so() -> None:
    same = dataclasses.replace(OPINION, differs=Differences())
    given = dataclasses.replace(GIVEN, second_opinion=same)
    shown = brain(*ASK, ask=given).stdout
    assert shown.endswith("they name the same figures and names\n")


def test_in_json_it_is_an_object_or_null() -> None:
    shape = json.loads(brain(*ASK, "--json", ask=GIVEN).stdout)["second_opinion"]
    assert list(shape) == [
        "provider",
        "model",
        "answer",
        "citations",
        "cost_usd",
        "ledger_id",
        "differs",
    ]
    assert shape["differs"] == {"first": ["95"], "second": ["96"]}
    assert "answer_span" in shape["citations"][0]
    alone = dataclasses.replace(GIVEN, second_opinion=None)
    assert json.loads(brain(*ASK, "--json", ask=alone).stdout)["second_opinion"] is None


def test_a_reason_why_there_is_none_leaves_the_answer_and_the_code() -> None:
    said = "no second opinion: no cloud is on"
    alone = dataclasses.replace(GIVEN, second_opinion=None, notices=(said,))
    ran = brain(*ASK, ask=alone)
    assert ran.code == 0
    assert said in ran.stderr
    assert "second opinion" not in ran.stdout


def test_with_local_it_is_a_contradiction() -> None:
    ran = brain(*ASK, "--local", ask=GIVEN)
    assert ran.code == 2
    assert "--local and --second-opinion are two ways" in ran.stderr
