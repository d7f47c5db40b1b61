"""A text read once: the words, stems, sentences, figures and names of a passage, each when it is first asked for.

`sheet` keeps the last texts that were read, so that retrieval, confidence, the answerer and its verification read a
passage together once, and a door that lives long reads a passage that is found again not at all. Leaves out the
question, and every weight.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import islice, starmap

from brain.text.matching import Terms, TermSet, denies
from brain.types import Passages, headers
from ingest.sentences import Sentence, sentences
from ingest.terms import SENTENCE_ENDS, Read, fold, pieces, read_each, stem, tokens
from ingest.words import STOP, months, names, numbers_of_each

# Texts: the candidates of about ten questions, some 10 MB when all are chunks of prose.
SHEETS_KEPT = 512
# Headers, titles and names of speakers, short texts of which many passages share one.
HEADERS_KEPT = 4_096

# The start of a turn: [00:14] **Ana Wu**: …
_TURN = r"\s*(?:\[?\d{1,2}:\d{2}\]?\s*)?(?:\*\*)?(NAME)(?:\*\*)?:\s"
_SPEAKER = re.compile(_TURN.replace("NAME", r"[^\W\d_][\w.'’ -]{0,30}"))
# With capitals: what `found` was fitted with, where "note: …" must not be taken for a person.
_NAMED_SPEAKER = re.compile(
    _TURN.replace("NAME", r"[A-ZÀ-Þ][\w.'-]*(?: [A-ZÀ-Þ][\w.'-]*){0,2}")
)


class Statement:
    """One sentence of a text, as `ingest.sentences` cuts it. `words` are its `tokens`, `all_stems` their stems in
    order; `stems`, and `stem_set`, those of the words that are no function words; `numbers` as `ingest.words` reads
    them.
    """

    def __init__(self, sentence: Sentence, words: list[str], numbers: set[str]) -> None:
        self.sentence = sentence
        self.text = sentence.text
        self.words = words
        self.numbers = frozenset(numbers)
        self.all_stems = tuple(map(stem, words))
        pairs = zip(words, self.all_stems, strict=True)
        self.stems = tuple(stemmed for word, stemmed in pairs if word not in STOP)
        self.stem_set = frozenset(self.stems)

    @cached_property
    def all_stem_set(self) -> TermSet:
        """The stem of every word, function words too."""
        return frozenset(self.all_stems)

    @cached_property
    def months(self) -> frozenset[int]:
        """The months that it names, 1-12."""
        return frozenset(months(self.text))

    @cached_property
    def names(self) -> Terms:
        """Its capitalised words, folded, in order; its first word is among them."""
        return tuple(names(self.text))

    @cached_property
    def names_inside(self) -> Terms:
        """Its capitalised words but for its first word, which may have its capital from standing there."""
        parts = self.text.lstrip("\"'“‘([-*• ").split(" ", 1)
        if len(parts) <= 1:
            return self.names
        return tuple(names(parts[1]))

    @cached_property
    def denies(self) -> bool:
        """Whether it holds a negation."""
        return denies(self.text)

    @cached_property
    def denies_or_reverses(self) -> bool:
        """Whether it holds a negation, prefixes such as un- among them."""
        return denies(self.text, prefixes=True)


class Sheet:
    """One text, read. Made by `sheet`, which keeps it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, pieces: list[str]) -> None:
        """Take its `pieces`, read together with those of other texts, and what retrieval asks of every candidate."""
        words = [piece for piece in pieces if piece not in SENTENCE_ENDS]
        vars(self).update(
            pieces=pieces,
            words=words,
            said=frozenset(pieces),
        )

    def hear(self, speaker: list[str], named_speaker: str) -> None:
        """Take the words of its speaker and the `named_speaker`, read together with those of other texts."""
        vars(self).update(speaker=frozenset(speaker), named_speaker=named_speaker)

    def cut(self, statements: Iterable[Statement]) -> None:
        """Take its sentences, read together with those of other texts."""
        vars(self).update(statements=tuple(statements))
        vars(self).update(stem_set=self.stem_set)

    @cached_property
    def pieces(self) -> list[str]:
        """Its words with the ends of sentences and lines between them: `ingest.terms.pieces`."""
        return pieces(self.text)

    @cached_property
    def words(self) -> list[str]:
        """Its words: `ingest.terms.tokens`."""
        return [piece for piece in self.pieces if piece not in SENTENCE_ENDS]

    @cached_property
    def said(self) -> TermSet:
        """Its words, each once, and the ends."""
        return frozenset(self.pieces)

    @cached_property
    def word_stems(self) -> TermSet:
        """The stem of every word of a header."""
        return frozenset(map(stem, self.words))

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Its sentences in order."""
        return tuple(statements_of_each([self.text])[0])

    @cached_property
    def stems(self) -> Terms:
        """The stem of every word of its sentences, in order."""
        return tuple(
            term for statement in self.statements for term in statement.all_stems
        )

    @cached_property
    def stem_set(self) -> TermSet:
        """The stem of every word of its sentences."""
        return frozenset(self.stems)

    @cached_property
    def speaker(self) -> TermSet:
        """The words of the name before the colon at the start of a turn; empty when nobody is said to speak.

        >>> sorted(Sheet("Dr. Ana Wu: it rains").speaker)
        ['ana', 'dr', 'wu']
        """
        return frozenset(words_of(_name(_SPEAKER, self.text)))

    @cached_property
    def named_speaker(self) -> str:
        """The capitalised name before the colon at the start of a turn, folded; "" when there is none."""
        return fold(_name(_NAMED_SPEAKER, self.text))


def _name(turn: re.Pattern[str], text: str) -> str:
    match = turn.match(text)
    return match[1] if match else ""


@lru_cache(maxsize=SHEETS_KEPT)
def sheet(text: str) -> Sheet:
    """The sheet of a text, the same one as long as it is kept."""
    return Sheet(text)


def sheets(texts: Iterable[str]) -> list[Sheet]:
    """The sheets of many texts, whose pieces are read together."""
    found = [sheet(text) for text in texts]
    unread = [one for one in dict.fromkeys(found) if "pieces" not in vars(one)]
    if unread:
        written = [one.text for one in unread]
        for one, read in zip(unread, read_each(pieces, written), strict=True):
            one.read(read)
        _hear_each(unread)
    return found


def _hear_each(unread: Sequence[Sheet]) -> None:
    """Who speaks in each of several texts."""
    speakers = _names_read(tokens, _SPEAKER, unread)
    named_speakers = _names_read(fold, _NAMED_SPEAKER, unread)
    for one, words, name in zip(unread, speakers, named_speakers, strict=True):
        one.hear(words or [], name or "")


def _names_read(
    read: Callable[[str], Read], turn: re.Pattern[str], unread: Sequence[Sheet]
) -> list[Read | None]:
    """What is read of the name before the first colon of each text; None where none stands there."""
    names = [_name(turn, one.text) for one in unread]
    known = list(dict.fromkeys(filter(None, names)))
    found = {}
    if known:
        found = dict(zip(known, read_each(read, known), strict=True))
    return [found.get(name) for name in names]


def sheets_in_sentences(texts: Iterable[str]) -> list[Sheet]:
    """The sheets of the few texts that an answer may come from, whose sentences are read together too."""
    found = sheets(texts)
    uncut = [one for one in dict.fromkeys(found) if "statements" not in vars(one)]
    if uncut:
        written = [one.text for one in uncut]
        for one, read in zip(uncut, statements_of_each(written), strict=True):
            one.cut(read)
    return found


def stems_of_each(texts: Iterable[str]) -> list[TermSet]:
    """The stems of the words of several headers, which are read together."""
    return [one.word_stems for one in sheets(texts)]


def header_stems(passages: Passages) -> list[TermSet]:
    """The stems of the words that stand above each passage: its title, its headings and its date."""
    return stems_of_each(headers(passages))


def statements_of_each(texts: Iterable[str]) -> list[list[Statement]]:
    """The sentences of several texts, text by text. One call for each thing that `ingest` reads of all of them."""
    cut = read_each(sentences, texts)
    every = [sentence for found in cut for sentence in found]
    written = [sentence.text for sentence in every]
    words = read_each(tokens, written)
    read = zip(every, words, numbers_of_each(written, words), strict=True)
    statements = starmap(Statement, read)
    return [list(islice(statements, len(found))) for found in cut]


@lru_cache(maxsize=HEADERS_KEPT)
def words_of(text: str) -> Terms:
    """The words of a header, a title or a name."""
    return tuple(tokens(text))


@lru_cache(maxsize=HEADERS_KEPT)
def stems_of(text: str) -> TermSet:
    """The stems of the words of a header."""
    return frozenset(map(stem, words_of(text)))
