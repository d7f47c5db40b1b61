"""Stems of words in scripts that one Snowball stemmer can serve: Arabic, Cyrillic, Devanagari and Greek.

The script says which stemmer, so no language is guessed: the Arabic one for Arabic letters, Russian for Cyrillic,
Hindi for Devanagari, Greek for Greek. Texts of other languages in these scripts are cut by the same rule on both
sides. Leaves out Latin letters, which FTS5's porter stems. Serves `ingest.terms`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

CACHE = 65_536  # words
LONGEST = 64  # letters: what is longer is no word and stays
ENGINES = {  # Snowball's name of the language: its letters
    "arabic": "\u0621-\u064a\u0671-\u06d3",
    "russian": "\u0400-\u052f",
    "hindi": "\u0900-\u0963\u0971-\u097f",
    "greek": "\u0370-\u03ff",
}

_WORD = re.compile(
    "|".join(f"(?P<{name}>[{letters}]{{3,}})" for name, letters in ENGINES.items())
)


def stem_scripts(text: str) -> str:
    """The folded text with every word of these scripts cut to its stem.

    >>> stem_scripts("книга о книгах")
    'книг о книг'
    """
    if text.isascii():
        return text
    return _WORD.sub(_cut, text)


def _cut(match: re.Match[str]) -> str:
    word = match.group()
    name = match.lastgroup
    if name and len(word) <= LONGEST:
        return _stem(word, name)
    return word


@lru_cache(maxsize=CACHE)
def _stem(word: str, name: str) -> str:
    stem: str = _engine(name).stemWord(word) or word
    return stem


@lru_cache(maxsize=len(ENGINES))
def _engine(name: str) -> Any:
    from importlib import import_module

    return getattr(
        import_module(f"snowballstemmer.{name}_stemmer"), f"{name.title()}Stemmer"
    )()
