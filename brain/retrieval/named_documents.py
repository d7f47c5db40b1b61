"""Documents that a question names: by a name in their title ("the deposit of Harbour House"), or by all of their title.

What is named is asked about: its passages get a sign in their score, and may fill the list. Leaves out which
text of a series is meant (`brain.text.versions`). Serves `retrieve`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from brain.retrieval.candidates import but
from brain.text.matching import TermSet
from brain.text.question import Question
from brain.text.sheet import stems_of_each
from brain.types import Passage, Passages
from ingest.words import STOP

# Added to the score of a passage whose document is named: about what one more rare word of the question is worth.
NAMED = 1.0
# Of the documents found: a word in more of their titles ("report", "minutes") tells none of them from the others.
SHARED = 0.25


def named_documents(passages: Passages, question: Question) -> frozenset[str]:
    """The ids of the documents among these that the question names."""
    titles = _titles(passages)
    said = Counter(word for words in titles.values() for word in words)
    most = max(1.0, SHARED * len(titles))
    asked = frozenset(question.stems)
    named = asked & question.name_stems
    found = set()
    for document, words in titles.items():
        own = {word for word in words if said[word] <= most}
        if own and (own & named or own <= asked):
            found.add(document)
    return frozenset(found)


def with_sign(passages: Passages, named: frozenset[str]) -> list[Passage]:
    """The same passages by their score, those of named documents with NAMED in it."""
    if not named:
        return list(passages)
    marked = []
    for passage in passages:
        if passage.document_id in named:
            explain = {**passage.explain, "named_document": NAMED}
            passage = but(passage, score=passage.score + NAMED, explain=explain)
        marked.append(passage)
    return sorted(marked, key=lambda passage: -passage.score)


def _titles(passages: Passages) -> dict[str, TermSet]:
    """Of each document the stems of its title and of the name of its file, without function words."""
    written = {}
    for passage in passages:
        name = PurePosixPath(passage.source).stem
        written[passage.document_id] = f"{passage.title} {name}"
    stems = stems_of_each(written.values())
    return {key: words - STOP for key, words in zip(written, stems, strict=True)}
