"""The label with which a text goes into the store: of a document, of what a person tells, of an answer.

Joins what the governance finds with what the store knows of folders. Leaves changing labels to `.labels`. Serves every
way of taking in, and `ask`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from brain.labels import Label, highest, lowest

# Passages that hold a word: where there are no more, it says which note is meant, as a name does.
RARE = 3

if TYPE_CHECKING:
    from brain.app.resources import Resources
    from brain.store.documents import Origin
    from brain.types import Answer, Episode
    from ingest.document import Document


def labelled(resources: Resources, document: Document, origin: Origin) -> Origin:
    """Where a document stands, with the label that is found; the store keeps a stricter one that it has."""
    from brain.governance.labels import label_of, reasons

    folders = resources.store.labels.folders()
    found = reasons(document, origin.source, folders, origin.label)
    return replace(origin, label=label_of(found))


def told(texts: Iterable[str], said: str) -> str:
    """The label of what a person tells: what they say of it, and the strictest where there is a secret in it."""
    from brain.governance.labels import secrets

    found = [reason.label for reason in secrets(texts)]
    return highest([said, *found]) if found else said


def of_words(resources: Resources, text: str, known: str) -> str:
    """The `known` label, or a stricter one that follows from what a text names: a name, or a word that hardly any note
    holds, is as confidential as the least confidential note that holds it.
    """
    from brain.text import Question
    from ingest.words import names

    words = Question.of(text).words
    frequency = resources.store.search.document_frequencies(words)
    telling = [word for word in words if 0 < frequency[word] <= RARE]
    for word in dict.fromkeys([*names(text), *telling]):
        labels = resources.store.labels.of_holders(word, known)
        if labels:
            known = highest([known, lowest(labels)])
    return known


def of_copies(resources: Resources, texts: Iterable[str], known: str) -> str:
    """The `known` label, or a stricter one: that which somebody gave to a note in which many words in a row of these
    texts stand as well.
    """
    from brain.governance.copied import parts, shared

    for text in texts:
        holding = resources.store.labels.with_a_part(parts(text), known)
        for label, around in holding:
            if shared(text, around):
                known = highest([known, label])
    return known


def told_label(asked: Answer, most: Label | None) -> str | None:
    """The label that is told of an answer to whoever may see that much `most`: that of what is shown.

    The one that is kept follows from what hidden notes hold as well, and would tell it, word by word.
    """
    if most is None or most >= max(Label):
        return asked.label
    shown = highest(passage.label for passage in asked.passages)
    return lowest([shown, str(most)])


def of_answer(resources: Resources, asked: Answer, before: Episode | None) -> str:
    """The label of a question with its answer: that of all that it was made of. `before`: the round that it follows.

    A question to which nothing was found has none, unless it names what is confidential, or there is a secret in it.
    """
    words = [passage.label for passage in asked.passages]
    if before is not None:
        words.append(before.label)
    label = of_words(resources, asked.question, highest(words))
    return told([asked.question], label)
