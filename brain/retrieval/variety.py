"""Ten passages that say ten things: versions of one text collapse to the newest, one document does not fill the list.

Leaves out scores: the order given is kept. Versions are looked for among texts with nearly the same words, not vectors,
so that it works without a model; `versions` says which of them are. Serves `retrieve`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping

from brain.retrieval.candidates import but
from brain.text.matching import TermSet
from brain.text.versions import (
    alikes,
    are_versions,
    marks,
    marks_asked,
    of_one_series,
)
from brain.types import Passage, Passages

LOOKED_AT = (
    30  # passages among which copies are searched: what may come into the first ten
)
FIRST = 10  # places in which one document may take at most `per_document`


def collapse(
    passages: Passages, words_of: Mapping[str, TermSet], asked: TermSet = frozenset()
) -> list[Passage]:
    """Each group of versions as its newest member, in the place of its best, with the sources of the others in
    `versions`.

    Versions are texts of different documents; `words_of` holds their words by passage id, `asked` the stems of the
    question. Without dates the one that ranked best stays.
    """
    looked_at = passages[:LOOKED_AT]
    words = [words_of[passage.id] for passage in looked_at]
    like = alikes(words)
    kept: dict[int, Passage] = {}  # by the place of the first of its group
    for place, passage in enumerate(looked_at):
        for first in sorted(like[place] & kept.keys()):
            other = kept[first]
            pair = words[place], words[first]
            apart = passage.document_id != other.document_id
            if apart and are_versions(passage, other, pair, asked):
                kept[first] = _newest(other, passage)
                break
        else:
            kept[place] = passage
    return [*kept.values(), *passages[LOOKED_AT:]]


def named_first(
    passages: Passages, words_of: Mapping[str, TermSet], question: str
) -> list[Passage]:
    """The same passages; of texts of one series ("bill for March") the one that the question names takes the place of
    the best of them, and its score.
    """
    asked = marks_asked(question)
    if not asked:
        return list(passages)
    ordered = list(passages)
    for places in _series(passages[:LOOKED_AT], words_of):
        members = [passages[place] for place in places]
        members.sort(key=lambda member: -len(asked & marks(member)))
        for place, member in zip(places, members, strict=True):
            ordered[place] = but(member, score=passages[place].score)
    return ordered


def _series(passages: Passages, words_of: Mapping[str, TermSet]) -> list[list[int]]:
    """The places of the texts of each series, best first."""
    like = alikes([words_of[passage.id] for passage in passages])
    groups: list[list[int]] = []
    for place, passage in enumerate(passages):
        for group in groups:
            head = group[0]
            if head in like[place] and of_one_series(passage, passages[head]):
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


def _newest(first: Passage, second: Passage) -> Passage:
    """The newer of two copies with the better one's place and ranks; `versions` names what it stands for, newest
    first.
    """
    newer = first
    older = second
    if (second.date or "") > (first.date or ""):
        newer = second
        older = first
    versions = dict.fromkeys((older.source, *first.versions, *second.versions))
    versions.pop(newer.source, None)
    return but(
        newer,
        score=first.score,
        ranks=first.ranks,
        explain=first.explain,
        versions=tuple(versions),
    )


def spread(
    passages: Passages,
    per_document: int,
    standing_alone: Container[str] = (),
    asked_about: Container[str] = (),
) -> list[Passage]:
    """The same passages; those of a document beyond its `per_document` best come after the first ten others.

    Passages in `standing_alone` (turns of a conversation, bullets) are not counted: many of them can be the answer. Nor
    are those of documents in `asked_about`, which the question names.
    """
    first: list[Passage] = []
    later: list[Passage] = []
    taken: Counter[str] = Counter()
    for place, passage in enumerate(passages):
        if len(first) == FIRST:
            return [*first, *later, *passages[place:]]
        document = passage.document_id
        if passage.id not in standing_alone and document not in asked_about:
            taken[document] += 1
        if taken[document] <= per_document:
            first.append(passage)
        else:
            later.append(passage)
    return [*first, *later]
