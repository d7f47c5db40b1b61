"""Where two answers to one question differ: the figures, months and names that stand in one and not in the other.

Compared as `ingest.words` reads it, so that *1,000* meets *1000*; *2026-03-02* meets *2 March 2026* as well.
Leaves out which of them is right. Serves the second opinion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from brain.answering.citations import uncited
from brain.types import Differences, Texts
from ingest.sentences import sentences
from ingest.terms import stem, tokens
from ingest.words import MONTH_NAMES, months, names, numbers

AROUND = ".,;:!?()[]{}“”\"'’*_"  # punctuation about a word
_ISO = re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])(?:-(\d{2}))?\b")
_SMALL = re.compile(r"\b[a-z]\w*")


def differences(first: str, second: str, evidence: Iterable[str] = ()) -> Differences:
    """What only one of two answers says. `evidence`: texts that both were made of: a word that begins a sentence is no
    name where these write it small.
    """
    small = {word for text in evidence for word in _SMALL.findall(text)}
    one = _Said(first, small)
    other = _Said(second, small)
    return Differences(one.beside(other), other.beside(one))


class _Said:
    """What one answer says, in the order of its words."""

    def __init__(self, text: str, small: Collection[str]) -> None:
        self._text = _ISO.sub(_spelled, uncited(text))
        self._numbers = numbers(self._text)
        self._months = months(self._text)
        self._names = list(_names(self._text, small))
        self._stems = set(map(stem, tokens(self._text)))

    def beside(self, other: _Said) -> Texts:
        """What is not said there, as it is written here."""
        figures = sorted(self._numbers - other._numbers, key=_by_size)
        found = [self._written(figure, numbers) for figure in figures]
        for month in sorted(self._months - other._months):
            found.append(MONTH_NAMES[month - 1].title())
        for name in self._names:
            if not other.holds(name):
                found.append(self._written(name, names))
        return tuple(dict.fromkeys(found))

    def holds(self, name: str) -> bool:
        """Whether a word is said, in whatever form."""
        return stem(name) in self._stems or name in self._names

    def _written(self, value: str, reading: Callable[[str], Collection[str]]) -> str:
        """The word in which it stands; itself where it is read from several."""
        for word in self._text.split():
            if value in reading(word):
                return word.strip(AROUND)
        return value


def _names(text: str, small: Collection[str]) -> Iterable[str]:
    """Names, but for a first word of a sentence that is written small elsewhere."""
    for sentence in sentences(text):
        opening = tokens(sentence.text)[:1]
        for name in names(sentence.text):
            if [name] != opening or name not in small:
                yield name


def _spelled(date: re.Match[str]) -> str:
    """2026-03-02 -> 2 March 2026: its month is no figure."""
    year, month, day = date.groups()
    name = MONTH_NAMES[int(month) - 1].title()
    return f"{int(day)} {name} {year}" if day else f"{name} {year}"


def _by_size(figure: str) -> float:
    return float(figure)
