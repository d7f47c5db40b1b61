"""What a person reads by default is told in plain words: how it works inside is for --explain, --verbose and --json."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from brain.app.vectors import INLINE_CHUNKS
from tests.end_to_end import Folder, brain
from tests.stand_in_ollama import StandIn

NOMIC = "nomic-embed-text:latest"
# Names of models, and the role as it is typed.
NAMES = re.compile(r"\b(?:nomic|mxbai)-embed-\w+|\bmodels use embed\b")
JARGON = re.compile(
    r"chunk|embed|vector|fused|generation|cosine|logit|fingerprint|auroc|dense|lexical|(?<![\d.])0?\.\d{2,}(?![\d.])",
    re.IGNORECASE,
)
QUESTION = "what is the topic of page seven?"


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn(models=(NOMIC,)) as server:
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", server.url)
        monkeypatch.delenv("BRAIN_MODELS_EMBED")
        yield server


def told(*words: object) -> str:
    """Everything that a command prints; nothing in it may be jargon."""
    ran = brain(*words)
    said = ran.stdout + ran.stderr
    assert not JARGON.findall(NAMES.sub("", said)), said
    return said


def notes(number: int) -> dict[str, str]:
    return {
        f"{n}.md": f"# Page {n}\n\nThe topic of this page is word{n}.\n"
        for n in range(number)
    }


def test_what_a_model_still_has_to_read_is_told_in_passages(
    ollama: StandIn, folder: Folder
) -> None:
    ollama.fault_paths = {"/api/embed"}
    ollama.faults["slow_first_token"] = 0.3
    count = INLINE_CHUNKS + 10
    said = told("add", folder(notes(count)))
    assert f"{NOMIC} is reading {count} passages in the background" in said
    assert "until" in told("status")
    told("search", QUESTION)
    told("ask", QUESTION)


def test_a_model_that_fails_or_goes_is_told_in_plain_words(
    ollama: StandIn, folder: Folder
) -> None:
    place = folder(notes(3))
    ollama.fault_paths = {"/api/embed"}
    ollama.faults.on("500_html")
    assert f"3 passages waiting for {NOMIC}" in told("add", place)
    assert f"{NOMIC} has not read everything" in told("status")
    told("doctor")
    ollama.faults.clear()
    told("sync")
    assert "it has read everything" in told("status")
    (place / "new.md").write_text("# New\n\nA page on juniper.\n", "utf-8")
    ollama.faults.on("500_html")
    told("sync")
    told("search", "juniper")
    ollama.faults.clear()
    assert f"1 passage is not read by {NOMIC} yet" in told("search", "juniper")
    told("ask", QUESTION)


def test_the_words_of_every_day_without_a_model(folder: Folder) -> None:
    place = folder(notes(3))
    for words in (
        ("add", place),
        ("add", place / "0.md"),
        ("status",),
        ("list",),
        ("show", "0.md"),
        ("search", QUESTION),
        ("ask", QUESTION),
        ("ask", "which opera does Duarte sing in Lisbon?"),
        ("recall", "topic"),
        ("sync",),
        ("rebuild",),
        ("doctor",),
        ("backup",),
        ("forget", "0.md"),
        ("why-not", QUESTION, "1.md"),
        ("feedback", "good"),
    ):
        told(*words)
