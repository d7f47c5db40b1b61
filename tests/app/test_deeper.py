"""A second look: the parts of a question, what stands beside the first passages, and when it stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from brain.answering.asking import quiet
from brain.app import Brain, deeper
from brain.app.answers import evidence
from brain.config import Config
from brain.types import Request

SUPPLIERS = "\n\n".join(
    f"Supplier {name} delivers tiles to the depot in {town} and asks for a promise."
    for name, town in zip("ABCDEFGHIJ", "KLMNOPQRST", strict=True)
)
NOTES = {
    "halden.md": "We promised Halden forty crates of grey tiles.",
    "dates.md": "Grey crates: due on 14 March, before the holidays.",
    "suppliers.md": SUPPLIERS,
}
QUESTION = "What did we promise Halden, and when are the grey crates due?"


@pytest.fixture
def reading(config: Config, folder: Callable[..., Path]) -> Brain:
    """A store of NOTES, with the answer reader."""
    opened = Brain(replace(config, models=replace(config.models, reader="builtin")))
    opened.add([folder(NOTES)])
    return opened


def test_each_part_of_a_question_is_looked_for(
    reading: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    look = deeper._looked

    def heard(resources: object, request: Request) -> object:
        asked.append(request.question)
        return look(resources, request)  # type: ignore[arg-type]

    monkeypatch.setattr(deeper, "_looked", heard)
    with reading as brain:
        known = evidence(brain.resources, Request(QUESTION, limit=2), quiet)
        deeper.deeper(brain.resources, known)
    assert asked[:3] == [
        QUESTION,
        "What did we promise Halden",
        "when are the grey crates due?",
    ]


def test_it_stops_where_a_round_changes_nothing(
    reading: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []
    read = deeper._read

    def counted(*given: object) -> object:
        rounds.append(len(rounds))
        return read(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(deeper, "_read", counted)
    with reading as brain:
        known = evidence(
            brain.resources, Request("When are the grey crates due?"), quiet
        )
        deeper.deeper(brain.resources, known)
    assert 1 <= len(rounds) < deeper.ROUNDS


def test_a_deep_answer_says_how_it_came_about(reading: Brain) -> None:
    said: list[str] = []
    with reading as brain:
        given = brain.ask(
            Request(QUESTION, route="deep"),
            say=lambda _kind, text, *_: said.append(text),
        )
    assert given.walk[0].startswith("local answer: ")
    assert given.walk[1].startswith("second local try: ")
    assert given.route in ("local", "second try")
    assert ("a second look found more:" in said) is (given.route == "second try")


def test_what_stands_beside_a_passage_is_named_with_it(
    brain: Brain, folder: Callable[..., Path]
) -> None:
    text = "\n\n".join(
        f"# Part {n}\n\n" + f"Words of part {n}. " * 60 for n in range(4)
    )
    brain.add([folder({"long.md": text})])
    search = brain.resources.store.search
    chunks = search.documents(brain.library.documents()[0].id)
    assert len(chunks) >= 3
    assert search.adjacent([chunks[1]]) == {chunks[0]: chunks[1], chunks[2]: chunks[1]}
    assert search.adjacent([chunks[0]]) == {chunks[1]: chunks[0]}
    assert search.adjacent([]) == {}
