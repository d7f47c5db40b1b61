"""A question, read once: its words, stems, phrases, numbers, names and dates, and the kind of answer it wants.

Every part is read when it is first asked for, and kept. Pure: nothing is looked up, and no text makes it raise. Leaves
out synonyms, spelling and every weight but the idf that it is handed. Serves retrieval, answering and confidence.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, pairwise

from brain.text.matching import Pair, Terms, TermSet, denies
from brain.types import Measures
from ingest.terms import fold, forms, read_each, stem, tokens
from ingest.words import (
    ENGLISH,
    FUNCTION_WORDS,
    MONTH_NAMES,
    STOP,
    content_words,
    names,
    numbers,
)

MAX_CHARACTERS = (
    8_000  # of a question that are read; the rest is a pasted text, not a question
)
MAX_WORDS = 64  # content words asked of FTS5; each costs one walk over its list
MAX_PHRASES = (
    8  # names such as `foo_bar` or v2026.4.10 asked as a phrase beside their parts
)
ENOUGH_WORDS = (
    6  # content words from which a follow-up that does not point back stands on its own
)
QUESTIONS_KEPT = 16  # questions, so that one verb's steps read theirs once
DAYS = range(1, 32)  # of a month
FEW_WORDS = (
    3  # words from which a question must hold a function word to be taken for English
)

# foo_bar, v2026.4.10, parseReply, a/b.py, well-known. Looked for at the beginning of a word alone, and nothing is given
# back: a long word would otherwise be read again from each of its letters.
_COMPOUND = re.compile(
    r"(?<![^\W_])[^\W_]++(?:[._/:@-][^\W_]++)++|(?<![a-z])[a-z]++[A-Z]\w*"
)
_ASKING = frozenset("who whom whose what when where why which how".split())
_COUNTING = frozenset("number percentage percent amount".split())
_DATING = frozenset("when year date month day".split())
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_DAY = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?\b")
# "may" is a month beside a preposition or a number, else the verb.
_MAY = re.compile(
    r"\b(?:in|on|of|since|until|\d{1,2}(?:st|nd|rd|th)?) may\b|\bmay,? \d",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"^\s*(?:and|but|or|so|what about|how about|also|then|why|when|where|who)\b.{0,40}$|"
    r"\b(?:it|its|that|this|those|these|they|them|their|he|him|his|she|her|there|then|the same|one)\b",
    re.IGNORECASE,
)

KINDS = tuple("who when number where why how what".split())
_KIND_PATTERNS = (
    (
        "number",
        r"how (?:many|much|old|long|far|tall|big|large|often|high|deep|wide|fast|heavy|hot|warm|cold)\b|"
        r"(?:what|which) (?:\w+ ){0,2}(?:percent\w*|number|share|amount|price|cost|rate|age|population|size|score|"
        r"temperature|distance|speed|length|height|weight|total|area|ratio)\b|percentage|wie ?viele?|combien|"
        r"cu[aá]nt[oa]s?",
    ),
    (
        "when",
        r"\bwhen\b|(?:what|which|in what|on what) (?:\w+ )?(?:year|date|day|month|century|decade|time|years)\b|"
        r"how long ago|\bwann\b|\bquand\b|\bcu[aá]ndo\b|since when",
    ),
    (
        "who",
        r"\bwho(?:se|m)?\b|(?:what|which) (?:person|man|woman|people|author|president|actor|actress|singer|king|"
        r"queen|player|scientist|company|team|organi[sz]ation|group|band|colleague|doctor)\b|\bwer\b|\bqui\b|"
        r"\bqui[eé]n\b|name of the (?:person|man|woman)",
    ),
    (
        "where",
        r"\bwhere\b|(?:what|which) (?:\w+ )?"
        r"(?:city|country|state|place|town|street|location|region|river|address|room)\b|"
        r"\bwo\b|\boù\b|\bd[oó]nde\b",
    ),
    (
        "why",
        r"\bwhy\b|what (?:reason|cause|led|caused|made)|for what (?:reason|purpose)|\bwarum\b|\bpourquoi\b",
    ),
    (
        "how",
        r"\bhow\b|in what (?:way|manner)|by what means|\bwie\b|\bcomment\b|\bc[oó]mo\b",
    ),
)
_KIND = tuple((kind, re.compile(pattern)) for kind, pattern in _KIND_PATTERNS)


@dataclass(frozen=True, slots=True)
class Moment:
    """The dates a question names, as sets of years, months (1-12) and days of the month; empty when it names none."""

    years: frozenset[int]
    months: frozenset[int]
    days: frozenset[int]

    def __bool__(self) -> bool:
        return bool(self.years or self.months)


@dataclass(frozen=True)
class Question:
    """A question as a person wrote it. `idf`: stem -> weight over the store, where answering was handed it.

    Two lists of content words: `words` leaves out English function words alone (retrieval asks the store for a German
    article and learns that it is in every chunk); `content` leaves out those of its neighbours too, for answering and
    confidence, which look at a few sentences and cannot learn that.
    """

    text: str
    idf: Measures | None = None

    @staticmethod
    @lru_cache(maxsize=QUESTIONS_KEPT)
    def of(text: str) -> Question:
        """The question that a text is, the same one as long as it is kept."""
        return Question(text)

    def weighed(self, idf: Measures | None) -> Question:
        """The same question, with all that was read of it, under the weights of a store."""
        known = copy.copy(self)
        for name in ("weights", "total"):
            vars(known).pop(name, None)
        vars(known)["idf"] = idf
        return known

    def after(self, previous: str) -> Question:
        """The question, with the content words of the previous one that it lacks unless it plainly stands alone.

        Old answers are never looked at: they are not evidence. Adding words is enough for retrieval: no pronoun is
        resolved.

        >>> Question("and in euros?").after("What did we promise the landlord?").text
        'and in euros? promise landlord'
        """
        own = {stem(word) for word in self.content}
        if len(own) >= ENOUGH_WORDS and not _POINTS_BACK.search(self.text):
            return self
        earlier = dict.fromkeys(content_words(previous))
        added = [word for word in earlier if stem(word) not in own]
        return Question(" ".join([self.text, *added]))

    @cached_property
    def _read(self) -> str:
        """As much of the text as is read."""
        return self.text[:MAX_CHARACTERS]

    @cached_property
    def everything(self) -> Terms:
        """All words, function words too, as FTS5 will see them."""
        return tuple(tokens(self._read))

    @cached_property
    def said(self) -> TermSet:
        """All words, each once."""
        return frozenset(self.everything)

    @cached_property
    def _telling(self) -> Terms:
        """The words that are no English function words; all words where nothing else is left."""
        found = tuple(word for word in self.everything if word not in FUNCTION_WORDS)
        return found or self.everything

    @cached_property
    def words(self) -> Terms:
        """What retrieval asks for: in order, repeats kept (a repeated word weighs more), at most MAX_WORDS."""
        return self._telling[:MAX_WORDS]

    @cached_property
    def stems(self) -> Terms:
        """The stem of each of `words`, in order."""
        return tuple(map(stem, self.words))

    @cached_property
    def stopped(self) -> float:
        """The share of the words that were left out as function words."""
        return 1 - len(self._telling) / max(1, len(self.everything))

    @cached_property
    def phrases(self) -> Terms:
        """Names made of several words, as the phrase that FTS5 stores for them, each once."""
        found: dict[str, None] = {}
        for match in _COMPOUND.finditer(self._read):
            phrase = " ".join(tokens(match.group().replace("_", " ")))
            if " " in phrase and phrase.isascii():
                found[phrase] = None
        return tuple(found)[:MAX_PHRASES]

    @cached_property
    def written(self) -> Mapping[str, Terms]:
        """How a word stands in a title, where a stemmer of its script changed it in `terms`; each form once."""
        in_titles = []
        if not self._read.isascii():
            in_titles = forms(self._read)
        found: dict[str, dict[str, None]] = {}
        if len(in_titles) == len(self.everything):
            for word, form in zip(self.everything, in_titles, strict=True):
                if word != form:
                    found.setdefault(word, {})[form] = None
        return {word: tuple(known) for word, known in found.items()}

    @cached_property
    def is_question(self) -> bool:
        """Whether it is put as a question, in English or with its mark: not a claim, nor a few words."""
        return "?" in self._read or not self.said.isdisjoint(_ASKING)

    @cached_property
    def counts(self) -> bool:
        """Whether retrieval takes it for a question after a number."""
        how_many = "how" in self.said and not self.said.isdisjoint({"many", "much"})
        return how_many or not self.said.isdisjoint(_COUNTING)

    @cached_property
    def asks_when(self) -> bool:
        """Whether retrieval takes it for a question after a time."""
        return not self.said.isdisjoint(_DATING)

    @cached_property
    def moment(self) -> Moment:
        """Years, months and days named in English or as digits."""
        months = {
            number for number, name in enumerate(MONTH_NAMES, 1) if name in self.said
        }
        if "may" in self.said and not _MAY.search(fold(self._read)):
            months.discard(MONTH_NAMES.index("may") + 1)
        years = frozenset(map(int, _YEAR.findall(self._read)))
        days = frozenset(map(int, _DAY.findall(self._read) if months else ()))
        return Moment(years, frozenset(months), days.intersection(DAYS))

    @cached_property
    def kind(self) -> str:
        """The kind of answer that would fit, one of KINDS; "what" for a form that no pattern knows."""
        plain = fold(self.text)
        for kind, pattern in _KIND:
            if pattern.search(plain):
                return kind
        return "what"

    @cached_property
    def content(self) -> Terms:
        """The words that carry meaning, in order, repeats kept; all words when nothing else is left."""
        found = tuple(word for word in self.everything if word not in STOP)
        return found or self.everything

    @cached_property
    def order(self) -> Terms:
        """The stem of each of `content`, in order."""
        return tuple(map(stem, self.content))

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Neighbouring stems of `order` that differ."""
        return tuple((a, b) for a, b in pairwise(self.order) if a != b)

    @cached_property
    def only_function_words(self) -> bool:
        """Whether `content` had to take all words, since each is a function word of some language."""
        return STOP.issuperset(self.said)

    @cached_property
    def numbers(self) -> TermSet:
        """The numbers that the question itself names."""
        return frozenset(numbers(self.text))

    @cached_property
    def names(self) -> Terms:
        """Its capitalised words, folded, in order; the first word is among them."""
        return tuple(names(self.text))

    @cached_property
    def name_stems(self) -> TermSet:
        """The stem of each word of its `names`."""
        words = chain.from_iterable(read_each(tokens, self.names))
        return frozenset(map(stem, words))

    @cached_property
    def written_words(self) -> TermSet:
        """What stands between white space, folded, with its punctuation."""
        return frozenset(map(fold, self.text.split()))

    @cached_property
    def weights(self) -> Measures:
        """Stem -> weight of every content word: `idf` where it knows the word or its stem, else 1."""
        known = self.idf or {}
        weights: dict[str, float] = {}
        for word, key in zip(self.content, self.order, strict=True):
            weight = known.get(word, known.get(key, 1.0))
            weights[key] = max(weights.get(key, 0.0), weight)
        return weights

    @cached_property
    def total(self) -> float:
        """The sum of all `weights`, never 0."""
        return sum(self.weights.values()) or 1.0

    @cached_property
    def denies(self) -> bool:
        """Whether it holds a negation, prefixes such as un- among them."""
        return denies(self.text, prefixes=True)

    @cached_property
    def foreign(self) -> bool:
        """Whether it is of some length and has no English function word: idf and endings mean less there."""
        return len(self.everything) >= FEW_WORDS and self.said.isdisjoint(ENGLISH)


def expression(question: Question, rare: Sequence[str] = ()) -> str:
    """FTS5 syntax: any of the `rare` words, of all words of the question where there is none; "" when it has none.

    Every word stands in quotes, so that none of FTS5's operators can be reached.

    >>> expression(Question("What does foo_bar do in C++?"))
    '"foo" OR "bar" OR "c++" OR "foo bar"'
    """
    texts = list(rare or question.words)
    for word in dict.fromkeys(texts):
        texts += question.written.get(word, ())
    texts += question.phrases
    return " OR ".join(f'"{text}"' for text in texts)
