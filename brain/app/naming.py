"""What documents are called, against what was asked: a question that names one, and entries that are only a name.

Leaves ranking and the probability that the notes hold it to `brain.retrieval` and `brain.confidence`. Serves `search`
and `ask`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from brain.app.resources import Resources
from brain.types import Passage
from ingest.terms import stem, tokens
from ingest.words import FRAME

MIN_ALIAS_CHARS = 3  # a shorter one stands in questions that do not mean it
# Words that ask for whatever is known; no note has to hold them.
ASKING = FRAME | frozenset(
    "know known show anything something everything note notes info information".split()
)


def named(resources: Resources, question: str, passages: Sequence[Passage]) -> set[str]:
    """The documents of these passages that have an alias which stands in the question, word for word."""
    asked = tokens(question)
    ids = [passage.document_id for passage in passages]
    found = set()
    for document_id, alias in resources.store.search.aliases(ids):
        if len(alias) >= MIN_ALIAS_CHARS and holds(asked, tokens(alias)):
            found.add(document_id)
    return found


def told_of(
    resources: Resources,
    question: str,
    passages: Sequence[Passage],
    *,
    was_read: bool = False,
) -> set[str]:
    """The documents that hold every word of the question, in these passages or in what they are called: a title, the
    name of the file or of its folder, an alias, a tag. Where the text `was_read`, and does not answer, only those of
    which a word stands in the name alone.
    """
    from brain.text import Question

    content = Question.of(question).content
    asked = set(map(stem, content))
    asked -= set(map(stem, ASKING))
    if not asked:
        return set()
    texts: dict[str, set[str]] = {}
    called: dict[str, set[str]] = {}
    for passage in passages:
        path = PurePath(passage.source)
        texts.setdefault(passage.document_id, set()).update(_stems(passage.text))
        names = called.setdefault(passage.document_id, set())
        names |= _stems(passage.title)
        names |= _stems(path.stem)
        names |= _stems(path.parent.name)
    for document_id, name in resources.store.search.aliases_and_tags(list(texts)):
        called[document_id] |= _stems(name)
    told = set()
    for document_id, text in texts.items():
        nothing_new = was_read and asked <= text
        if asked <= text | called[document_id] and not nothing_new:
            told.add(document_id)
    return told


def _stems(text: str) -> set[str]:
    return set(map(stem, tokens(text)))


def holds(words: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether these words stand among the others, next to each other.

    >>> holds(["what", "of", "the", "blue", "barn"], ["blue", "barn"])
    True
    """
    length = len(wanted)
    if not length:
        return False
    starts = range(len(words) - length + 1)
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
