"""Labels as values: their order, their words in the store, and what counts for a text without one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.labels import UNLABELLED, Label, effective, join


@given(st.lists(st.sampled_from(Label), min_size=1))
def test_what_is_made_of_several_texts_has_the_highest_label(
    labels: list[Label],
) -> None:
    joined = join(labels)
    assert joined in labels
    assert all(label <= joined for label in labels)


@pytest.mark.parametrize("label", Label)
def test_a_label_is_read_from_its_own_word(label: Label) -> None:
    assert Label.of(str(label)) is label
    assert Label.of(f" {str(label).title()} ") is label
    assert effective(str(label), walked=False) is label


def test_without_a_label_a_text_is_confidential_until_the_folders_were_shown() -> None:
    assert effective(UNLABELLED, walked=False) is Label.CONFIDENTIAL
    assert effective(UNLABELLED, walked=True) is Label.INTERNAL


@pytest.mark.parametrize("word", ["", "secret", "publik", "0"])
def test_a_word_that_is_no_label_counts_as_confidential(word: str) -> None:
    assert effective(word, walked=True) is Label.CONFIDENTIAL
    with pytest.raises(ValueError, match="no label"):
        Label.of(word)
