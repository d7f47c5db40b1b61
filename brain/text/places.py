"""Where in a document a sentence stands: its own line, and the line of a passage that says most of a question.

Leaves out finding the document. Serves retrieval and answering.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from brain.text.roles import roles
from brain.text.sheet import Sheet, sheets_in_sentences
from brain.types import Measures, Passage, Place

# what parts two lines, two paragraphs (`ingest.document.Section`)
COUNTED = {"L": "\n", "¶": "\n\n"}
BESIDE = 0.99  # of a heading against a sentence that holds as much of the question
MAX_SENTENCES = 60  # of one passage that are looked at


def line_locator(locator: str, text: str, start: int) -> str:
    """The line, or the paragraph, of an offset inside a text that begins at "L12-40" or "¶4-9"; any other locator as
    it is.

    >>> line_locator("L12-40", "one\\ntwo", 4)
    'L13'
    >>> line_locator("¶4-9", "one\\n\\ntwo", 5)
    '¶5'
    """
    mark = locator[:1]
    first, _, _ = locator[1:].partition("-")
    if mark not in COUNTED or not first.isdecimal():
        return locator
    # a locator counts from the first word of its text
    head = len(text) - len(text.lstrip())
    begin = min(head, start)
    passed = text.count(COUNTED[mark], begin, start)
    return f"{mark}{int(first) + passed}"


def matched(passages: Iterable[Passage], weights: Measures) -> list[Place | None]:
    """Of each passage the sentence that holds most of a question; None where none holds a word of it.

    `weights`: stem -> weight of the words of the question.
    """
    asked = list(passages)
    texts = sheets_in_sentences([passage.text for passage in asked])
    each = partial(_best, weights)
    return list(map(each, asked, texts))


def _best(weights: Measures, passage: Passage, text: Sheet) -> Place | None:
    best = 0.0
    place = None
    statements = text.statements[:MAX_SENTENCES]
    parts = roles(passage, statements)
    for statement, role in zip(statements, parts, strict=True):
        held = statement.all_stem_set
        if held.isdisjoint(weights):
            continue
        share = sum(weight for term, weight in weights.items() if term in held)
        if role.kind != "said":
            share *= BESIDE
        if share > best:
            best = share
            start, end, _ = statement.sentence
            where = line_locator(passage.locator, passage.text, start)
            place = Place(where, start, end)
    return place
