"""Ten passages that say ten things: copies of one text collapse to the newest, and one document does not fill the list.

Leaves out scores: the order given is kept. A copy is told by its words, not its vector, so that it works without a
model. Serves `retrieve`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from brain.types import Passage

ALIKE = 0.85  # share of distinct words in common from which two texts are versions of one
ALIKE_MIN = 12  # distinct words: two short lines may be the same by chance
LOOKED_AT = 30  # passages among which copies are searched: what may come into the first ten
FIRST = 10  # places in which one document may take at most `per_document`


def collapse(passages: Sequence[Passage], words_of: Mapping[str, frozenset[str]]) -> list[Passage]:
    """Each group of copies as its newest member, in the place of its best, with the sources of the others in `versions`.

    Copies are texts of different documents; `words_of` holds their words by passage id. Without dates the one that ranked best stays.
    """
    kept: list[Passage] = []
    words: list[frozenset[str]] = []
    for passage in passages[:LOOKED_AT]:
        said = words_of[passage.id]
        place = next(
            (i for i, other in enumerate(kept) if _copies(passage, said, other, words[i])), None
        )
        if place is None:
            kept.append(passage)
            words.append(said)
        else:
            kept[place] = _newest(kept[place], passage)
    return [*kept, *passages[LOOKED_AT:]]


def _copies(a: Passage, words_a: frozenset[str], b: Passage, words_b: frozenset[str]) -> bool:
    few, many = sorted((len(words_a), len(words_b)))
    if few < ALIKE_MIN or few < ALIKE * many or a.document_id == b.document_id:
        return False
    both = len(words_a & words_b)
    return both >= ALIKE * (len(words_a) + len(words_b) - both)


def _newest(first: Passage, second: Passage) -> Passage:
    """The newer of two copies with the better one's place and ranks; `versions` names what it stands for, newest first."""
    newer, older = (second, first) if (second.date or "") > (first.date or "") else (first, second)
    versions = dict.fromkeys((older.source, *first.versions, *second.versions))
    versions.pop(newer.source, None)
    return replace(
        newer, score=first.score, ranks=first.ranks, explain=first.explain, versions=tuple(versions)
    )


def spread(
    passages: Sequence[Passage], per_document: int, standing_alone: Container[str] = ()
) -> list[Passage]:
    """The same passages; those of a document beyond its `per_document` best come after the first ten others.

    Passages in `standing_alone` (turns of a conversation, bullets) are not counted: many of them can be the answer.
    """
    head: list[Passage] = []
    later: list[Passage] = []
    taken: dict[str, int] = {}
    for place, passage in enumerate(passages):
        if len(head) == FIRST:
            return [*head, *later, *passages[place:]]
        if passage.id not in standing_alone:
            taken[passage.document_id] = taken.get(passage.document_id, 0) + 1
        (head if taken.get(passage.document_id, 0) <= per_document else later).append(passage)
    return [*head, *later]
