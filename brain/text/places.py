"""Where in a document a sentence stands: its own line, and the line of a passage that says most of a question.

Leaves out finding the document. Serves retrieval and answering.
"""

from __future__ import annotations

from collections.abc import Iterable

from brain.text.roles import roles
from brain.text.sheet import sheets_in_sentences
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
    mark, first = locator[:1], locator[1:].partition("-")[0]
    if mark not in COUNTED or not first.isdecimal():
        return locator
    head = len(text) - len(
        text.lstrip()
    )  # a locator counts from the first word of its text
    return f"{mark}{int(first) + text.count(COUNTED[mark], min(head, start), start)}"


def matched(passages: Iterable[Passage], weights: Measures) -> list[Place | None]:
    """Of each passage the sentence that holds most of a question; None where none holds a word of it.

    `weights`: stem -> weight of the words of the question.
    """
    asked = list(passages)
    texts = sheets_in_sentences([passage.text for passage in asked])
    found = []
    for passage, text in zip(asked, texts, strict=True):
        best, place = 0.0, None
        statements = text.statements[:MAX_SENTENCES]
        for statement, role in zip(statements, roles(passage, statements), strict=True):
            held = statement.all_stem_set
            share = sum(weight for term, weight in weights.items() if term in held)
            if role.kind != "said":
                share *= BESIDE
            if share > best:
                start, end, _ = statement.sentence
                where = line_locator(passage.locator, passage.text, start)
                best, place = share, Place(where, start, end)
        found.append(place)
    return found
