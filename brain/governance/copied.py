"""Whether two texts have so many words in a row in common that one was copied from the other.

Reads words as a search does, whatever their case. Leaves finding the other text to the store, and what follows for a
label to `brain.app.labelling`.
"""

from __future__ import annotations

from brain.types import Texts
from ingest.terms import tokens

# Words in a row (characters of Chinese, Japanese, Thai): a proverb has fewer, a sentence that says something more.
RUN = 12
# Words. A run of 12 that is cut between two chunks has 6 in one of them, and these hold a part of 4, one beginning at
# every third word.
PART = 4
STEP = 3


def parts(text: str) -> Texts:
    """Short phrases of a text: of each run of 12 words at least one stands in whatever holds the run. None of a text
    that is shorter.

    >>> parts("one two three"), parts("a b c d e f g h i j k l")
    ((), ('a b c d', 'd e f g', 'g h i j'))
    """
    words = _words(text)
    if len(words) < RUN:
        return ()
    starts = range(0, len(words) - PART + 1, STEP)
    return tuple(" ".join(words[start : start + PART]) for start in starts)


def shared(text: str, other: str) -> bool:
    """Whether a run of 12 words stands in both."""
    return not _runs(text).isdisjoint(_runs(other))


def _runs(text: str) -> set[Texts]:
    words = _words(text)
    starts = range(len(words) - RUN + 1)
    return {tuple(words[start : start + RUN]) for start in starts}


def _words(text: str) -> list[str]:
    # A name in capitals inside (parseReply) would be followed by its parts, where it is first met alone
    return tokens(text.lower())
