"""A document is found by what a person calls it, and a misspelling is answered with the names that come near."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brain.app import Brain
from brain.errors import NotFound, UsageError

NOTES = {
    "home/2026-03-06.md": "Bought rope and two shackles.\n",
    "home/lease-contract.md": "# Lease of the flat\n\nThe rent is 950 euro.\n",
    "home/tea.md": "---\naliases: [Brewing]\n---\n# Tea\n\nBlack tea at 96 °C.\n",
    "work/tea.md": "# Tea for guests\n\nBuy oolong.\n",
}


@pytest.fixture
def stored(brain: Brain, folder: Callable[..., Path]) -> Brain:
    brain.add([folder(NOTES)])
    return brain


@pytest.mark.parametrize(
    ("reference", "file"),
    [
        ("2026-03-06", "2026-03-06.md"),
        ("lease-contract", "lease-contract.md"),
        ("Lease of the Flat", "lease-contract.md"),
        ("LEASE-CONTRACT.MD", "lease-contract.md"),
        ("brewing", "tea.md"),
        ("Tea for guests", "tea.md"),
        ("work/tea.md", "tea.md"),
    ],
)
def test_every_verb_takes_a_name(stored: Brain, reference: str, file: str) -> None:
    assert stored.library.document(reference).row.source.endswith(file)
    assert stored.library.get(reference)[0].source.endswith(file)
    assert stored.library.named([reference])[0].source.endswith(file)
    assert stored.library.locate(reference, desktop=False).endswith(file)


def test_a_name_of_two_is_asked_about(stored: Brain) -> None:
    with pytest.raises(UsageError) as error:
        stored.library.document("tea")
    assert "home/tea.md" in str(error.value.hint)
    assert "work/tea.md" in str(error.value.hint)


def test_a_misspelling_is_answered_with_what_is_near(stored: Brain) -> None:
    with pytest.raises(NotFound) as error:
        stored.library.document("leese-contract")
    assert "did you mean lease-contract.md?" in error.value.hint
    with pytest.raises(NotFound) as error:
        stored.library.document("zzzz")
    assert "did you mean" not in error.value.hint


def test_forget_takes_a_pattern(stored: Brain) -> None:
    planned = stored.library.forget(["*/tea.md"], dry_run=True).items
    assert len(planned) == 2
    assert len(stored.library.documents()) == len(NOTES)
