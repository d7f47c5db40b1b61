"""The claims of a written sentence, each with the citations that stand for it, and whether each citation bears it out.

A citation is looked at alone: what another note says does not count for it. A sentence that puts together what several
notes say passes when each part of it stands on one of them, and none of them says another figure of the same thing.
Leaves out what makes a claim stand (`verify`). Serves `generate`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from brain.answering import quotation
from brain.answering.citations import cited_parts
from brain.answering.verify import Support, verify
from brain.types import Measures, Passages
from ingest.terms import tokens
from ingest.words import STOP, numbers

# Share of its words by weight, dates and figures left out, that an uncited sentence must have in one span of a passage
# to be given its citation: nearly twice what a citation needs that the model gave itself.
ATTRIBUTED = 0.6
ALL = 0.999  # the same for a sentence of few words
FEW_WORDS = 3
_JOINT = re.compile(r"[;—]|,\s|\s–\s|\b(?:and|but|while|whereas)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Checked:
    """One citation of a sentence: its number, the words that it rests on, and whether they bear it out."""

    number: int
    support: Support
    good: bool


def checked(
    sentence: str, passages: Passages, *, idf: Measures | None = None
) -> list[Checked]:
    """Each citation of a sentence, whose `[n]` means `passages[n - 1]`, held against what the sentence says before it.

    A passage without a sentence gives nothing. A number that is cited for two parts comes twice.
    """
    found = []
    whole = cited_parts(sentence)
    said_in_all = " ".join(said for said, _numbers in whole)
    for said, cited in whole:
        claim = said if _telling(said) else said_in_all
        found += _each(claim, cited, passages, idf)
    return found


def attributed(
    sentence: str, passages: Passages, *, idf: Measures | None = None
) -> int | None:
    """The number of the one passage that an uncited sentence stands on; None when it is none, or one of several."""
    words = _words(sentence)
    if not words:
        return None
    least = ATTRIBUTED if len(words) >= FEW_WORDS else ALL
    everywhere = range(1, len(passages) + 1)
    found = []
    for number, support in _supports(sentence, everywhere, passages, idf).items():
        held = max(support.coverage, support.closest)
        if not support.reasons and held >= least:
            found.append(number)
    if len(found) != 1:
        return None
    return found[0]


def _each(
    claim: str, cited: Sequence[int], passages: Passages, idf: Measures | None
) -> list[Checked]:
    """The citations of one claim, each alone; where one does not hold all of it, part by part."""
    whole = []
    for number, support in _supports(claim, cited, passages, idf).items():
        good = not support.reasons
        whole.append(Checked(number, support, good))
    parts = _parts(claim)
    if len(cited) < 2 or len(parts) < 2:
        return whole
    if all(one.good for one in whole):
        return whole
    by_part = [_supports(part, cited, passages, idf) for part in parts]
    for supports in by_part:
        if all(support.reasons for support in supports.values()):
            return whole
    found = []
    for one in whole:
        own = [supports[one.number] for supports in by_part]
        some = any(not support.reasons for support in own)
        disputed = any(support.disputed for support in own)
        good = one.good or (some and not disputed)
        found.append(Checked(one.number, one.support, good))
    return found


def _supports(
    claim: str, cited: Sequence[int], passages: Passages, idf: Measures | None
) -> dict[int, Support]:
    found = {}
    for number in cited:
        support = verify(claim, passages[number - 1], idf=idf)
        if support is not None:
            found[number] = support
    return found


def _parts(claim: str) -> list[str]:
    """A claim at its commas and its "and"s, never inside a quotation; a part that is only a figure stays with its
    thing.
    """
    quotations = quotation.spans(claim)
    cuts = [0]
    for match in _JOINT.finditer(claim):
        cut = match.start()
        if not any(start <= cut < end for start, end in quotations):
            cuts.append(cut)
    cuts.append(len(claim))
    parts: list[str] = []
    for start, end in pairwise(cuts):
        part = claim[start:end]
        if parts and not _things(part):
            parts[-1] += part
        else:
            parts.append(part)
    return parts


def _telling(text: str) -> bool:
    """Whether it has a word or a figure that says something."""
    return bool(_words(text))


def _things(text: str) -> bool:
    """Whether it has a word that is neither a function word nor a figure."""
    figures = numbers(text)
    words = [word for word in _words(text) if not word.isdigit()]
    return not figures.issuperset(words)


def _words(text: str) -> list[str]:
    """The words of a text that are no function words."""
    return [word for word in tokens(text) if word not in STOP]
