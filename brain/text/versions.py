"""Whether two texts with nearly the same words are versions of one document, or two of a series made from one template.

A series (bills, minutes, itineraries) differs in the dates and numbers of its names and in the figures and names of its
text; its members are never versions. Versions have one path or title, but for a mark such as "v2", "old" or "copy"; or
one says that it replaces the other; or what differs between the texts are ordinary words that the question does not
hold. Leaves out which of two is newer. Serves retrieval's variety, and the quotes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from brain.text.matching import Terms, TermSet
from brain.text.sheet import sheet
from brain.types import Passage
from ingest.terms import fold, stem
from ingest.words import MONTH_NAMES, MONTHS, NUMBER_WORDS, names

Pair = tuple[TermSet, TermSet]
"""The words of two texts."""
Verdict = bool | None
"""True for one document in two states, False for two of a series, None where nothing tells."""

# Share of distinct words in common from which two texts may be versions of one.
ALIKE = 0.85
# The same of two whose names tell that they are of one series: short letters differ in many of their few words.
SERIES_ALIKE = 0.6
SAMPLED = 4  # every so many-th word of a text is looked for in another one first
ALIKE_MIN = 12  # distinct words: two short lines may be the same by chance
# Marks in a name that tell one state of a document from another.
_STATES = frozenset(
    """old new older newer copy copies kopie copia backup bak archive archived archiv draft entwurf final latest current
    signed unsigned clean edited revised updated previous original conflict conflicted duplicate""".split()
)
# Words that take the number behind them along: "v2", "version 3", "copy 2".
_NUMBERED_STATES = frozenset("v ver version rev revision draft copy kopie".split())
_DAYS = "monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun".split()
_SERIES = frozenset(MONTHS) | frozenset(_DAYS) | frozenset(NUMBER_WORDS)
# What a copy is called by a browser or a desktop: "lease (1)".
_COPY_NUMBER = re.compile(r"\(\d{1,2}\)")
_COPY_OF = re.compile(r"\b(?:copy of|kopie von|copia de|copie de) ")
_PART = re.compile(r"[^\W\d_]+|\d+")
_SUFFIX = re.compile(r"\.\w{1,5}$")
_REPLACES = re.compile(
    r"\b(?:superseded?s?|replaced?s?|formerly|(?:older|newer|previous|earlier|updated|new|old) version)\b(.{0,80})",
    re.IGNORECASE,
)


NAMES_KEPT = 4_096  # paths and titles whose reading is remembered


@dataclass(frozen=True, slots=True)
class _Name:
    """A path or a title: its words, what places it in a series, and what tells its state."""

    words: Terms
    series: Terms
    states: Terms


def alike(a: TermSet, b: TermSet, least: float = ALIKE) -> bool:
    """Whether two texts, by their words, have so many in common that they are versions of one, or of one template."""
    few, many = sorted((len(a), len(b)))
    if few < ALIKE_MIN or few < least * many:
        return False
    shared = len(a & b)
    together = len(a) + len(b) - shared
    return shared >= least * together


def alikes(texts: Sequence[TermSet]) -> list[set[int]]:
    """For each text the places of those before it that are alike."""
    found: list[set[int]] = []
    # Most are told apart by how many words they have, or by a few words that one of them lacks
    before: list[tuple[int, float, float]] = []
    for place, words in enumerate(texts):
        size = len(words)
        near = []
        if size >= ALIKE_MIN:
            near = [other for other, least, most in before if least <= size <= most]
            before.append((place, ALIKE * size, size / ALIKE + 1))
        some = frozenset(islice(words, size // SAMPLED))
        lacked = (1 - ALIKE) * size  # more than alike texts can lack of each other
        near = [other for other in near if len(some - texts[other]) <= lacked]
        found.append({other for other in near if alike(words, texts[other])})
    return found


def are_versions(first: Passage, second: Passage, words: Pair, asked: TermSet) -> bool:
    """Whether one stands for the other. `words`: of each text, which are nearly the same; `asked`: stems of the
    question.
    """
    by_path, by_title = _by_names(first, second)
    if by_path is False or by_title is False:
        return False
    if by_path or (by_title and _has_state(first.title, second.title)):
        return True
    if _says_so(first, second) or _says_so(second, first):
        return True
    return _nothing_asked_differs(first, second, words, asked)


def of_one_series(first: Passage, second: Passage) -> bool:
    """Whether the names of two documents differ in what places them in a series, and in nothing else."""
    return False in _by_names(first, second)


def outnamed(passages: Sequence[Passage], question: str) -> set[int]:
    """The places of passages made from the template of another one that the question names better: bills of other
    months than the one asked for.
    """
    asked = marks_asked(question)
    worth = []
    for passage in passages:
        shared = asked & marks(passage)
        worth.append(len(shared))
    found = set()
    for place, passage in enumerate(passages):
        for other, other_worth in zip(passages, worth, strict=True):
            better = other_worth > worth[place]
            if better and _of_one_template(passage, other):
                found.add(place)
    return found


def _of_one_template(first: Passage, second: Passage) -> bool:
    if not of_one_series(first, second):
        return False
    return alike(sheet(first.text).said, sheet(second.text).said, SERIES_ALIKE)


def met_by_name(passages: Sequence[Passage], question: str) -> set[str]:
    """The words of a question that chose one document of a series by its name: "March" of a statement for March. What
    that document says need not hold them once more.
    """
    asked = marks_asked(question)
    met: set[str] = set()
    for passage in passages:
        own = asked & marks(passage)
        for other in passages:
            if _of_one_template(passage, other):
                met |= own - marks(other)
    written = _name(question).series
    return {word for word in written if word in met or str(MONTHS.get(word)) in met}


def marks(passage: Passage) -> TermSet:
    """What places a document in a series: the figures, months and days of its title and its path."""
    title = _name(passage.title)
    path = _name(passage.source)
    return frozenset(title.series + path.series)


def marks_asked(question: str) -> TermSet:
    """The same of a question; a month also by its number, as names of files write it."""
    found = set(_name(question).series)
    for month in found.intersection(MONTHS):
        found.add(str(MONTHS[month]))
    return frozenset(found)


def _by_names(first: Passage, second: Passage) -> tuple[Verdict, Verdict]:
    """What the paths and what the titles tell of two documents."""
    by_path = None
    if first.source != second.source:
        paths = _apart(first.source, second.source)
        by_path = _by_name(*map(_name, paths))
    titles = (first.title, second.title)
    by_title = _by_name(*map(_name, titles))
    return by_path, by_title


def _by_name(first: _Name, second: _Name) -> Verdict:
    if first.words != second.words or not (first.words or first.series):
        return None
    one_of_each = bool(first.series and second.series)
    return not one_of_each or first.series == second.series


def _has_state(first: str, second: str) -> bool:
    return bool(_name(first).states or _name(second).states)


def _apart(first: str, second: str) -> tuple[str, str]:
    """Two paths without the folders that both lie in."""
    folders = first.split("/")[:-1]
    other_folders = second.split("/")[:-1]
    shared = 0
    for one, other in zip(folders, other_folders, strict=False):
        if one != other:
            break
        shared += len(one) + 1
    return first[shared:], second[shared:]


@lru_cache(maxsize=NAMES_KEPT)
def _name(text: str) -> _Name:
    """
    >>> _name("letters/bill03.eml")
    _Name(words=('letters', 'bill'), series=('3',), states=())
    >>> _name("Lease v2 (old).md")
    _Name(words=('lease',), series=(), states=('v', 'old'))
    """
    without_suffix = _SUFFIX.sub("", text)
    plain = _COPY_OF.sub("copy ", fold(without_suffix))
    states = _COPY_NUMBER.findall(plain)
    words: list[str] = []
    series: list[str] = []
    counted = False
    for part in _PART.findall(_COPY_NUMBER.sub(" ", plain)):
        if part in _NUMBERED_STATES or part in _STATES:
            states.append(part)
        elif part.isdigit() or part in _SERIES:
            if not counted:
                series.append(_mark(part))
        else:
            words.append(part)
        counted = part in _NUMBERED_STATES
    return _Name(tuple(words), tuple(series), tuple(states))


def _mark(part: str) -> str:
    """03 -> 3; mar -> march."""
    if part in MONTHS:
        return MONTH_NAMES[MONTHS[part] - 1]
    return part.lstrip("0") or "0"


def _says_so(first: Passage, second: Passage) -> bool:
    """Whether one text names the other as the document that it replaces, or that replaces it."""
    file_name = second.source.rpartition("/")[2]
    name = fold(_SUFFIX.sub("", file_name))
    title = fold(second.title)
    for after in _REPLACES.findall(first.text):
        said = fold(after)
        if (name and name in said) or (title and title in said):
            return True
    return False


def _nothing_asked_differs(
    first: Passage, second: Passage, words: Pair, asked: TermSet
) -> bool:
    """Whether what differs are neither figures, dates nor names, nor words of the question."""
    of_first, of_second = words
    called = {*names(first.text), *names(second.text)}
    for word in of_first ^ of_second:
        if word in _SERIES or word in called:
            return False
        if _has_figure(word) or stem(word) in asked:
            return False
    return _figures(first) == _figures(second)


def _figures(passage: Passage) -> list[str]:
    """The figures of a text in their order: the same ones in other places say something else."""
    words = sheet(passage.text).words
    return list(filter(_has_figure, words))


def _has_figure(word: str) -> bool:
    return any(map(str.isdigit, word))
