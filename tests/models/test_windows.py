"""Splitting under a budget loses nothing, and the two estimates stay on their sides of a real tokenizer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.models.windows import ceiling, cut_in_two, floor, split
from tests.stand_in_models import MINILM_TOKENIZER, has_minilm

TEXTS = st.text(st.sampled_from("ab c\n.中я1é\U0001f600"), max_size=400)


@given(TEXTS, st.integers(4, 60))
def test_windows_hold_the_text_and_the_budget(text: str, budget: int) -> None:
    windows = split(text, budget)
    assert "".join(windows) == text
    assert all(ceiling(window) <= budget for window in windows)


def test_windows_are_about_equal() -> None:
    """A short tail would weigh as much as a full window."""
    sizes = [ceiling(window) for window in split("word " * 205, 100)]
    assert len(sizes) == 3
    assert max(sizes) - min(sizes) <= 4


@given(TEXTS.filter(lambda text: len(text) > 1))
def test_both_parts_are_smaller_and_lose_nothing(text: str) -> None:
    first, second = cut_in_two(text)
    assert first + second == text
    assert max(len(first), len(second)) < len(text)


@pytest.mark.skipif(not has_minilm(), reason="../shared/models is not there")
@pytest.mark.parametrize(
    "text",
    [
        "The landlord promised in writing that the boiler would be replaced before the first of November, and agreed. ",
        "def embed(self, texts: Sequence[str]) -> Vectors:\n    return self._rows([t.strip() for t in texts])\n",
        "Der Vermieter hat schriftlich zugesagt, den Heizkessel vor dem ersten November zu ersetzen. ",
        "房东书面承诺在十一月一日之前更换锅炉。",
    ],
)
def test_estimates_beside_a_real_tokenizer(text: str) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(MINILM_TOKENIZER))
    tokenizer.no_truncation()
    true = len(tokenizer.encode(text * 10, add_special_tokens=False).ids)
    assert 0.8 * floor(text * 10) < true <= 1.25 * ceiling(text * 10)
