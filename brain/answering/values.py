"""What a short answer is (a number with its unit, a date, a name, or other words), and whether two say the same.

Values of two kinds are never compared, nor a span of time or a list: nothing can be said of those without reading more.
Leaves out where the answers stand. Serves `agreement`, and the check of written sentences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal

from ingest.terms import stem, tokens
from ingest.words import MONTHS, NUMBER_WORDS, STOP, months, names, numbers

Kind = Literal["number", "date", "name", "words"]
# Year, month, day; None for what is not said.
Date = tuple[int | None, int | None, int | None]
NO_DATE: Date = (None, None, None)

LAST_MONTH = 12
MAX_NAME_WORDS = 5  # more capitalised words are a title or a list
# Units that are written as a sign, as the word that others write for them.
SIGNS = {
    "€": " euro ",
    "$": " dollar ",
    "£": " pound ",
    "%": " percent ",
    "°": " degree ",
    "EUR": " euro ",
    "USD": " dollar ",
    "per cent": " percent ",
}
_YEAR = re.compile(r"(?<![\d.,])(?:1\d|20)\d\d(?![\d.,]*\d)")
_DAY = re.compile(r"(?<![\d.,:])([0-3]?\d)(?:st|nd|rd|th)?\.?(?![\d:])")
_ISO = re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)")
_DAY_FIRST = re.compile(
    r"(?<!\d)(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>(?:1\d|20)\d\d)(?!\d)"
)
_MONTH_AND_YEAR = re.compile(
    r"(?<![\d/.])(?P<month>0?[1-9]|1[0-2])/(?P<year>(?:1\d|20)\d\d)(?!\d)"
)
_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d\d)(?!\d)")
_WORD = re.compile(r"[^\W\d_][\w’'-]*")
# Between the words of a name.
_JOINING = frozenset(
    "de da do dos das del della di van von der den la le of the and & y e".split()
)


@dataclass(frozen=True, slots=True)
class Value:
    """An answer, read. `numbers` as `ingest.words.numbers` writes them; `words`: stems without function words, of a
    number its unit and what else stands beside it.
    """

    kind: Kind
    numbers: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    date: Date = NO_DATE


@lru_cache(maxsize=256)
def value(text: str) -> Value:
    """The value that a short text is.

    >>> value("1,970 € a month")
    Value(kind='number', numbers=frozenset({'1970'}), words=frozenset({'euro', 'month'}), date=(None, None, None))
    >>> value("28 February 2029").date
    (2029, 2, 28)
    """
    dates = _dates(text)
    if len(dates) == 1:
        return Value("date", date=dates.pop())
    words = _words(text)
    if dates:
        return Value("words", frozenset(numbers(text)), words)
    found = _numbers(text)
    if found:
        return Value("number", found, words)
    return Value("name" if _is_name(text) else "words", words=words)


def same(one: Value, other: Value) -> bool:
    """Whether both say the same: "28 February" and "28 February 2029" do, "Ana" and "Ana Brito" too."""
    if one.kind != other.kind:
        return False
    shared = one.words & other.words
    match one.kind:
        case "date":
            parts = _said_by_both(one, other)
            return bool(parts) and all(a == b for a, b in parts)
        case "number":
            one_unit = bool(shared) or not one.words or not other.words
            return one_unit and one.numbers == other.numbers
        case "name":
            return bool(shared) and shared in (one.words, other.words)
    return bool(shared) and one.words == other.words


def different(one: Value, other: Value) -> bool:
    """Whether both are of one kind that can be compared, and cannot both be right of one thing."""
    if one.kind != other.kind:
        return False
    shared = one.words & other.words
    match one.kind:
        case "date":
            return any(a != b for a, b in _said_by_both(one, other))
        case "number":
            if len(one.numbers) != 1 or len(other.numbers) != 1:
                return False
            one_unit = one.words == other.words or bool(shared)
            return one_unit and one.numbers != other.numbers
        case "name":
            return bool(one.words and other.words) and not shared
    return False


def states(sentence: str, answer: Value) -> bool:
    """Whether a longer text holds an answer, among whatever else it says."""
    if answer.kind == "date":
        year, month, day = answer.date
        if month is not None and month not in months(sentence):
            return False
        figures = {str(part) for part in (year, day) if part}
        return figures <= numbers(sentence)
    if answer.kind == "number":
        return _numbers(sentence) >= answer.numbers
    return _words(sentence) >= answer.words


def states_another(sentence: str, answer: Value, asked: str) -> bool:
    """Whether a sentence states a value of the kind of an answer, and not the answer. What the question states itself
    is no value of the sentence.
    """
    if states(sentence, answer):
        return False
    if answer.kind == "number":
        if answer.words and answer.words.isdisjoint(_words(sentence)):
            return False
        return not _numbers(sentence) <= _numbers(asked)
    if answer.kind == "date":
        new_months = months(sentence) - months(asked)
        return bool(new_months or _years(sentence) - _years(asked))
    if answer.kind == "name":
        # The first word has its capital from where it stands
        new_names = set(names(sentence)[1:]) - set(names(asked))
        return bool(new_names) and answer.words.isdisjoint(_words(sentence))
    return False


def _said_by_both(one: Value, other: Value) -> list[tuple[int, int]]:
    """The year, month and day of two dates, as far as both say them."""
    pairs = zip(one.date, other.date, strict=True)
    return [(a, b) for a, b in pairs if a is not None and b is not None]


def _dates(text: str) -> set[Date]:
    """The dates of a text. What it says of more than one month or year without writing both out is two dates."""
    found = _in_figures(text)
    if found:
        return found
    years = _years(text)
    named = months(text)
    rest = _CLOCK.sub(" ", _YEAR.sub(" ", text))
    days = {int(day) for day in _DAY.findall(rest)}
    # A year alone is a date, with nothing beside it that it could be a number of
    if not named and (days or _words(text)):
        return set()
    day = days.pop() if named and len(days) == 1 else None
    some_years: list[int | None] = [*years] or [None]
    some_months: list[int | None] = [*named] or [None]
    return set(product(some_years, some_months, [day])) - {NO_DATE}


def _in_figures(text: str) -> set[Date]:
    """The dates of a text that are figures alone: 2026-05-07, 7/5/2026, 5/2026."""
    found: set[Date] = set()
    for pattern in (_ISO, _DAY_FIRST, _MONTH_AND_YEAR):
        for match in pattern.finditer(text):
            said = {part: int(figures) for part, figures in match.groupdict().items()}
            year = said["year"]
            month = said["month"]
            day = said.get("day")
            found.add((year, month, day))
            # 3/4/2026 is read both ways, as `ingest.dates` does not choose either
            if pattern is _DAY_FIRST and day is not None and day <= LAST_MONTH:
                found.add((year, day, month))
    return found


def _years(text: str) -> set[int]:
    return set(map(int, _YEAR.findall(text)))


def _numbers(text: str) -> frozenset[str]:
    """The numbers of a text; a time of day is one."""
    times = {f"{int(hour)}:{minute}" for hour, minute in _CLOCK.findall(text)}
    return frozenset(times | numbers(_CLOCK.sub(" ", text)))


def _words(text: str) -> frozenset[str]:
    """The stems of a text that say something, signs of units as words, without figures."""
    for sign, word in SIGNS.items():
        text = text.replace(sign, word)
    found = set()
    for word in tokens(text):
        figure = word in NUMBER_WORDS or any(map(str.isdigit, word))
        if not figure and word not in STOP:
            found.add(stem(word))
    return frozenset(found)


def _is_name(text: str) -> bool:
    """Whether a text is nothing but capitalised words, a few."""
    written = [word for word in _WORD.findall(text) if word.casefold() not in _JOINING]
    if not 1 <= len(written) <= MAX_NAME_WORDS:
        return False
    if any(word.casefold() in MONTHS for word in written):
        return False
    return all(word[0].isupper() for word in written)
