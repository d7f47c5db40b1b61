"""A question, read: its content words, what kind of answer it wants, and the FTS5 expression that looks for it.

Pure: nothing is looked up, and no text of any kind makes it raise. Every word reaches FTS5 inside quotes, so none of
its operators can. Leaves out synonyms and spelling. Serves `retrieve` and `why_not`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ingest.terms import fold, forms, stem, tokens

MAX_CHARACTERS = 8_000  # of a question that are read (FAULTS.md, row 39)
MAX_WORDS = 64  # content words asked of FTS5; each costs one walk over its list
MAX_PHRASES = 8  # names such as `foo_bar` or v2026.4.10 asked as a phrase beside their parts

# English function words and question words: in nearly every chunk, and about nothing.
STOP = frozenset(
    """a an the and or but if then than that this these those of in on at by for with from to into onto over under about
    as is are was were be been being am do does did doing done has have had having will would shall should can could may
    might must not no nor so such it its he she his her him them they their theirs we us our ours you your yours i me
    my mine who whom whose which what when where why how there here also any some all each both few more most other own
    same too very just only s t d ll re ve m don doesn didn isn aren wasn weren hasn haven hadn won wouldn shouldn
    couldn""".split()
)
_NAME = re.compile(
    r"[^\W_]+(?:[._/:@-][^\W_]+)+|[a-z]+[A-Z]\w*"
)  # foo_bar, v2026.4.10, parseReply, a/b.py, well-known
_MANY = frozenset("number percentage percent amount".split())
_WHEN = frozenset("when year date month day".split())
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_DAY = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?\b")
_MAY = re.compile(
    r"\b(?:in|on|of|since|until|\d{1,2}(?:st|nd|rd|th)?) may\b|\bmay,? \d", re.IGNORECASE
)  # not the verb
_MONTHS = {
    name: number
    for number, name in enumerate(
        "january february march april may june july august september october november december".split(),
        start=1,
    )
}


@dataclass(frozen=True, slots=True)
class Moment:
    """The dates a question names, as sets of years, months (1-12) and days of the month; empty when it names none."""

    years: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.years or self.months)


@dataclass(frozen=True, slots=True)
class Query:
    """`words`: content words as FTS5 will see them, in order, repeats kept (a repeated word weighs more). `phrases`:
    names of several parts. `everything`: all words, with function words. `stopped`: the share that was left out. `written`:
    how a word stands in a title, where that differs from how it stands in `terms` (scripts that are stemmed there).
    """

    text: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]
    everything: tuple[str, ...]
    stopped: float
    counts: bool
    asks_when: bool
    moment: Moment
    written: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def stems(self) -> tuple[str, ...]:
        """The stem of each content word, in order."""
        return tuple(stem(word) for word in self.words)


def read(text: str) -> Query:
    """The question as retrieval understands it. Function words count only where nothing else is left."""
    text = text[:MAX_CHARACTERS]
    everything = tuple(tokens(text))
    words = tuple(word for word in everything if word not in STOP) or everything
    said = set(everything)
    return Query(
        text=text,
        words=words[:MAX_WORDS],
        phrases=_phrases(text),
        everything=everything,
        stopped=1 - len(words) / max(1, len(everything)),
        counts=("how" in said and bool(said & {"many", "much"})) or bool(said & _MANY),
        asks_when=bool(said & _WHEN),
        moment=_moment(text),
        written={} if text.isascii() else _written(text, everything),
    )


def expression(query: Query, keep: Callable[[str], bool] = lambda _word: True) -> str:
    """FTS5 syntax: any of the words, "" when there is none. `keep` says which words are rare enough to be asked.

    >>> expression(read("What does foo_bar do in C++?"))
    '"foo" OR "bar" OR "c++" OR "foo bar"'
    """
    asked = [word for word in query.words if keep(word)] or list(query.words)
    titled = (form for word in dict.fromkeys(asked) for form in query.written.get(word, ()))
    return " OR ".join(f'"{text}"' for text in (*asked, *titled, *query.phrases))


def idf_share(query: Query, idf: Mapping[str, float]) -> float:
    """The sum of the idf of all content words, repeats counted; never 0."""
    return sum(idf[word] for word in query.stems) or 1.0


def _written(text: str, everything: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Word -> how it is written there, each form once, where a stemmer of its script changed it."""
    found: dict[str, dict[str, None]] = {}
    written = forms(text)
    for word, form in (
        zip(everything, written, strict=True) if len(written) == len(everything) else ()
    ):
        if word != form:
            found.setdefault(word, {})[form] = None
    return {word: tuple(known) for word, known in found.items()}


def _phrases(text: str) -> tuple[str, ...]:
    """Names made of several words, as the phrase that FTS5 stores for them, each once."""
    found = (" ".join(tokens(match.group().replace("_", " "))) for match in _NAME.finditer(text))
    return tuple(dict.fromkeys(phrase for phrase in found if " " in phrase and phrase.isascii()))[
        :MAX_PHRASES
    ]


def _moment(text: str) -> Moment:
    """Years, months and days named in English or as digits. "may" is a month only beside a preposition or a number."""
    words = set(tokens(text))
    months = {number for name, number in _MONTHS.items() if name in words}
    if "may" in words and not _MAY.search(fold(text)):
        months.discard(_MONTHS["may"])
    days = {int(day) for day in _DAY.findall(text)} if months else set()
    years = {int(year) for year in _YEAR.findall(text)}
    return Moment(
        frozenset(years), frozenset(months), frozenset(day for day in days if 1 <= day <= 31)
    )
