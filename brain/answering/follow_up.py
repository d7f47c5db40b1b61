"""`ask -c`: widens a follow-up with the question before it. Old answers are never looked at: they are not evidence.

Leaves out resolving pronouns: adding the earlier content words is enough for retrieval, which drops function words
anyway. Serves `Brain.ask`.
"""

from __future__ import annotations

import re

from ingest.terms import stem
from ingest.words import content_words

ENOUGH_WORDS = 6  # content words from which a follow-up that does not point back stands on its own
_POINTS_BACK = re.compile(
    r"^\s*(?:and|but|or|so|what about|how about|also|then|why|when|where|who)\b.{0,40}$|"
    r"\b(?:it|its|that|this|those|these|they|them|their|he|him|his|she|her|there|then|the same|one)\b",
    re.IGNORECASE,
)


def widen(question: str, previous: str) -> str:
    """The question, with the content words of the previous one that it lacks unless it plainly stands alone.

    >>> widen("and in euros?", "What did we promise the landlord?")
    'and in euros? promise landlord'
    """
    own = {stem(word) for word in content_words(question)}
    if len(own) >= ENOUGH_WORDS and not _POINTS_BACK.search(question):
        return question
    added = [word for word in dict.fromkeys(content_words(previous)) if stem(word) not in own]
    return " ".join([question, *added])
