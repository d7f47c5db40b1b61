"""Signs in a question that say where to look, and look-alikes that mean what they always meant."""

from __future__ import annotations

import pytest

from brain.text.operators import Asked, read
from ingest.media import endings


@pytest.mark.parametrize(
    "text",
    [
        "what is a well-known follow-up",
        "don't the landlord's keys fit",
        'the 5" screen',
        "a stray “ quote",
        "-5 degrees at night",
        "10 - 3",
        "tar -x and git --force",
        "methods -dash exact or approximate -dash are available",
        "jet interference with supersonic flow -dash papers .",
        "type: pdf of the lease",
        "python type:ignore",
        "path: is empty",
        "https://x.example/path:a",
        "key:value and C++",
        '""',
        "-lease",
    ],
)
def test_what_is_no_operator_stays_as_it_is(text: str) -> None:
    assert read(text) == Asked(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"north rack" dinghy', Asked('"north rack" dinghy', phrases=("north rack",))),
        ("“north rack”?", Asked("“north rack”?", phrases=("north rack",))),
        ("lease -draft", Asked("lease", without=("draft",))),
        ("lease -draft flat", Asked("lease  flat", without=("draft",))),
        ('lease -"old flat"', Asked("lease", without=("old flat",))),
        ("what did we sign -draft?", Asked("what did we sign", without=("draft",))),
        ("lease type:pdf", Asked("lease", types=("pdf",))),
        ("lease Type:PDF.", Asked("lease", types=("pdf",))),
        ("lease -type:pdf", Asked("lease", types=("-pdf",))),
        ('lease path:"my letters"', Asked("lease", paths=("my letters",))),
        ("path:letters/2026 lease", Asked("lease", paths=("letters/2026",))),
        ("lease tag:#flat", Asked("lease", tags=("flat",))),
    ],
)
def test_operators_are_taken_out(text: str, expected: Asked) -> None:
    assert read(text) == expected


def test_kinds_go_by_what_people_call_them() -> None:
    assert endings("PDF") == ("pdf",)
    assert "docx" in endings("word")
    assert endings("nonsense") == ()
