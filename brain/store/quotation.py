"""Whether something that was said repeats a text word for word. Serves erasing. Leaves out every statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from brain.types import Texts
from ingest.terms import tokens

QUOTE_WORDS = (
    6  # so many in a row, in an answer and in a text, are a quotation and no chance
)
WHOLE_CHARACTERS = (
    8  # so short a text counts as quoted when it stands in an answer as a whole
)


class Quotation:
    """Tells whether something said repeats one of the texts word for word, whatever the case and the marks between."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._runs: set[Texts] = set()
        self._wholes: list[str] = []
        for text in texts:
            self._runs.update(_runs(text))
            whole = _plain(text)
            if len(whole) >= WHOLE_CHARACTERS:
                self._wholes.append(whole)

    def within(self, said: str) -> bool:
        """Whether a run of words, or one of the texts as a whole, stands in what was said."""
        if not self._runs and not self._wholes:
            return False
        plain = _plain(said)
        if any(whole in plain for whole in self._wholes):
            return True
        return not self._runs.isdisjoint(_runs(said))


def _runs(text: str) -> Iterator[Texts]:
    """Every QUOTE_WORDS words that follow each other."""
    words = tokens(text)
    return zip(*(words[start:] for start in range(QUOTE_WORDS)), strict=False)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
