"""Which texts have many words in a row in common: whatever holds a run of them is found by a part of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.app import Brain
from brain.app.labelling import of_copies
from brain.governance.copied import RUN, parts, shared

FEW = st.lists(st.sampled_from("abc"), max_size=40)
RUNS = st.lists(st.sampled_from("abc"), min_size=RUN, max_size=30)


@given(FEW, FEW, RUNS)
def test_texts_that_hold_a_run_share_it(
    before: list[str], behind: list[str], run: list[str]
) -> None:
    text = " ".join([*before, *run, *behind])
    assert shared(text, " ".join(run).upper())


@given(FEW, FEW)
def test_texts_share_a_run_only_where_it_stands_in_both(
    one: list[str], other: list[str]
) -> None:
    among = " ".join(other)
    starts = range(len(one) - RUN + 1)
    found = any(" ".join(one[at : at + RUN]) in among for at in starts)
    assert shared(" ".join(one), among) is found


@given(FEW, RUNS, FEW, st.integers(0, 30))
def test_a_run_that_is_cut_in_two_holds_a_part_in_one_half(
    before: list[str], run: list[str], behind: list[str], cut: int
) -> None:
    found = parts(" ".join([*before, *run, *behind]))
    halves = " ".join(run[:cut]), " ".join(run[cut:])
    assert any(part in half for part in found for half in halves)


SENTENCE = (
    "where the river bends the old mill keeps its wheel under the water all winter"
)


@pytest.mark.parametrize(
    ("stored", "label", "becomes"),
    [
        ("confidential", "public", "confidential"),
        ("confidential", "unlabelled", "confidential"),
        ("internal", "public", "internal"),
        ("internal", "confidential", "confidential"),
        ("public", "internal", "internal"),
        ("", "public", "public"),
    ],
)
def test_a_copy_has_the_label_that_somebody_gave_to_the_other_text(
    brain: Brain, folder: Callable[..., Path], stored: str, label: str, becomes: str
) -> None:
    """That nobody said one says nothing, as of equal texts."""
    front = f"---\nlabel: {stored}\n---\n" if stored else ""
    brain.add([folder({"mill.md": f"{front}They say {SENTENCE} long.\n"})])
    told = f"I heard that {SENTENCE.title()}, and no more."
    assert of_copies(brain.resources, [told], label) == becomes
    short = " ".join(SENTENCE.split()[: RUN - 1])
    assert of_copies(brain.resources, [short], label) == label


def test_a_run_that_stands_in_two_chunks_is_found(
    brain: Brain, folder: Callable[..., Path]
) -> None:
    words = SENTENCE.split()
    first = f"{'Much is told of it. ' * 60}\n\n{' '.join(words[:6])}"
    text = (
        f"# Mill\n\n{first}\n\n# Wheel\n\n{' '.join(words[6:])}. {'More of it. ' * 60}"
    )
    brain.add([folder({"mill.md": f"---\nlabel: confidential\n---\n{text}"})])
    told = f"{' '.join(words[:6])} # Wheel {' '.join(words[6:])}"
    assert of_copies(brain.resources, [told], "public") == "confidential"
