"""What documents are called, against what was asked: a question that names an alias, and entries that are only a name.

Leaves ranking and the probability that the notes hold it to `brain.retrieval` and `brain.confidence`. Serves `search`
and `ask`.
"""

from __future__ import annotations

from collections.abc import Sequence

from brain.app.resources import Resources
from brain.types import Passage
from ingest.terms import tokens

MIN_ALIAS_CHARS = 3  # a shorter one stands in questions that do not mean it


def named(resources: Resources, question: str, passages: Sequence[Passage]) -> set[str]:
    """The documents of these passages that have an alias which stands in the question, word for word."""
    asked = tokens(question)
    ids = [passage.document_id for passage in passages]
    found = set()
    for document_id, alias in resources.store.search.aliases(ids):
        if len(alias) >= MIN_ALIAS_CHARS and holds(asked, tokens(alias)):
            found.add(document_id)
    return found


def holds(words: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether these words stand among the others, next to each other.

    >>> holds(["what", "of", "the", "blue", "barn"], ["blue", "barn"])
    True
    """
    length = len(wanted)
    starts = range(len(words) - length + 1) if length else ()
    return any(words[at : at + length] == wanted for at in starts)


def nearest_first(
    resources: Resources, question: str, passages: Sequence[Passage]
) -> tuple[Passage, ...]:
    """The same passages: of what the question calls by an alias first, of files that are only a name last."""
    ids = [passage.document_id for passage in passages]
    called = named(resources, question, passages)
    only_names = resources.store.search.only_names(ids)

    def rank(item: Passage) -> tuple[bool, bool]:
        return item.document_id not in called, item.document_id in only_names

    return tuple(sorted(passages, key=rank))
