"""How confidential a text is, as every room says it: three labels, and a text that carries its own.

Leaves out how the label of a file is found (`brain.governance.labels`) and what may follow from it. Serves every room.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from brain.types import Texts

# In the store, of a text for which nobody and no rule chose a label.
UNLABELLED = "unlabelled"


class Label(IntEnum):
    """How confidential a text is. What is made of several texts has the highest label of them."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2

    def __str__(self) -> str:
        """As it stands in the store, in front matter and on the command line."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Label:
        """The label of that name, in any case.

        Raises `ValueError` where there is none.
        """
        try:
            return cls[word.strip().upper()]
        except KeyError as error:
            raise ValueError(f"no label: {word}") from error


def join(labels: Iterable[Label]) -> Label:
    """The label of what is made of texts with these labels: the highest; of nothing, `PUBLIC`.

    >>> str(join([Label.PUBLIC, Label.CONFIDENTIAL, Label.INTERNAL]))
    'confidential'
    """
    return max(labels, default=Label.PUBLIC)


def effective(stored: str, *, walked: bool) -> Label:
    """What counts for a text whose label in the store is `stored`.

    Without one it is confidential until a person has been shown every folder once (`walked`), internal from then on. A
    word that is no label counts as confidential.

    >>> str(effective("unlabelled", walked=False)), str(effective("unlabelled", walked=True))
    ('confidential', 'internal')
    """
    if stored == UNLABELLED:
        return Label.INTERNAL if walked else Label.CONFIDENTIAL
    try:
        return Label.of(stored)
    except ValueError:
        return Label.CONFIDENTIAL


@dataclass(frozen=True, slots=True)
class Labeled:
    """A text with its label. `origins`: ids of the chunks, episodes or skills that it was made of; a person's own words
    have none.
    """

    text: str
    label: Label
    origins: Texts = ()
