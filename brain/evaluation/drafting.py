"""`brain eval init`: questions proposed from a person's own notes, to be corrected by hand.

A salient sentence from each of many different documents becomes a question: written by the local model when there is
one, else the sentence's own words without its rarest and its numbers, so that it is not given away. Beside them stand
questions that the notes probably do not hold. Leaves out every claim that a draft is right: a person checks it.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from brain.evaluation.own import OwnQuestion
from ingest.sentences import sentences
from ingest.terms import tokens
from ingest.words import content_words, names, numbers

SEED = 20260507  # the same notes give the same drafts
SENTENCES_READ = 60  # of one document
SHORTEST, LONGEST = 40, 240  # characters of a sentence that makes a question
FEWEST_WORDS = 5  # content words of it
MOST_WORDS = 5  # content words of a question made of words
DETAIL = 1.5  # nats of idf that a number or a name in the sentence is worth
MAX_QUESTION_CHARS = 200  # of a question that a model wrote
TRIES = 200  # mixtures of two documents that are tried for each absent question
_CODE_OR_MARKUP = re.compile(r"^\s*[#|>`~]|[{}<>=;\\]|https?:|[\w\])][([]|\w_\w")
_MARKER = re.compile(
    r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?"
)  # of a list item

# Things that few notes hold, each with the word that must stand in none of them.
ELSEWHERE = (
    ("How deep should the tulip bulbs be planted?", "tulip"),
    ("When does the chess club meet?", "chess"),
    ("Which violin strings did I order?", "violin"),
    ("What did the vet say about the parrot?", "parrot"),
    ("How do I renew the fishing licence?", "fishing"),
    ("Who repaired the accordion?", "accordion"),
    ("What was the score of the hockey final?", "hockey"),
    ("Which telescope did we borrow?", "telescope"),
    ("How long does the kimchi have to ferment?", "kimchi"),
    ("How much did the wedding photographer charge?", "photographer"),
)

Frequencies = Callable[[Sequence[str]], Mapping[str, int]]
"""In how many chunks each word occurs."""
Held = Callable[[Sequence[str]], bool]
"""Whether one document holds all of these words."""
Write = Callable[[str, str], str]
"""(sentence, title of its document) -> a question, "" when the model wrote none."""


@dataclass(frozen=True, slots=True)
class Text:
    """A document as it is drafted from; `read` gives its text, when its turn comes."""

    source: str
    title: str
    read: Callable[[], str]


def draft(
    texts: Sequence[Text],
    *,
    count: int,
    absent: int,
    chunks: int,
    frequencies: Frequencies,
    held: Held,
    write: Write | None = None,
) -> list[OwnQuestion]:
    """At most `count` questions from as many documents, then at most `absent` that the notes should not hold.

    `chunks`: how many there are in the store.
    """
    drafted: dict[str, OwnQuestion] = {}
    said: list[str] = []
    for text in spread(texts):
        sentence = salient(text.read(), chunks=chunks, frequencies=frequencies)
        if not sentence:
            continue
        said.append(sentence)
        asked = _asked(text, sentence, frequencies, write)
        question = OwnQuestion(asked, (text.source,), sentence)
        drafted[question.id] = question
        if len(said) == count:
            break
    unheld = _absent(said, frequencies, held)
    return [*drafted.values(), *itertools.islice(unheld, absent)]


def spread(texts: Iterable[Text]) -> Iterator[Text]:
    """One document of each folder, then the next of each, in an order that no name decides."""
    folders: dict[str, list[Text]] = {}
    for text in sorted(texts, key=lambda item: item.source):
        folders.setdefault(text.source.rpartition("/")[0], []).append(text)
    shuffle = random.Random(SEED).shuffle
    for members in folders.values():
        shuffle(members)
    for row in itertools.zip_longest(*folders.values()):
        yield from filter(None, row)


def salient(text: str, *, chunks: int, frequencies: Frequencies) -> str:
    """The sentence that says most: rare words, and a number or a name that could be asked for; "" when none does."""
    best = 0.0
    chosen = ""
    for sentence in itertools.islice(sentences(text), SENTENCES_READ):
        line = " ".join(_MARKER.sub("", sentence.text).split())
        words = list(dict.fromkeys(content_words(line)))
        if not SHORTEST <= len(line) <= LONGEST or len(words) < FEWEST_WORDS:
            continue
        if _CODE_OR_MARKUP.search(line):
            continue
        rarity = [
            math.log((chunks + 1) / (known + 1))
            for known in frequencies(words).values()
        ]
        # The first name may be nothing but the word at the beginning of the sentence.
        details = bool(numbers(line)) + bool(names(line)[1:])
        worth = sum(rarity) / len(rarity) + DETAIL * details
        if worth > best:
            best = worth
            chosen = line
    return chosen


def keywords(sentence: str, frequencies: Frequencies) -> list[str]:
    """Up to MOST_WORDS content words in their order, without numbers and, where enough is left, without the rarest."""
    said = numbers(sentence)
    distinct = dict.fromkeys(content_words(sentence))
    words = [word for word in distinct if not (word in said or word.isdigit())]
    known = frequencies(words)
    rarest_first = sorted(words, key=lambda word: (known[word], word))
    without = len(words) > FEWEST_WORDS
    kept = rarest_first[without:][:MOST_WORDS]
    return [word for word in words if word in kept]


def _asked(
    text: Text, sentence: str, frequencies: Frequencies, write: Write | None
) -> str:
    """The question for a sentence: the model's, if it is one, else keywords."""
    written = ""
    if write:
        written = " ".join(write(sentence, text.title).split())
    if (
        written.endswith("?")
        and len(written) <= MAX_QUESTION_CHARS
        and len(tokens(written)) > 1
    ):
        return written
    return " ".join(keywords(sentence, frequencies))


def _absent(
    drafted: Sequence[str], frequencies: Frequencies, held: Held
) -> Iterator[OwnQuestion]:
    """In turn something from elsewhere, and the topic of one document with the matter of another."""
    elsewhere = []
    for text, word in ELSEWHERE:
        if not frequencies([word])[word]:
            elsewhere.append(OwnQuestion(text, kind="elsewhere"))
    mixed = _mixtures([keywords(sentence, frequencies) for sentence in drafted], held)
    for pair in itertools.zip_longest(elsewhere, mixed):
        yield from filter(None, pair)


def _mixtures(drafted: Sequence[Sequence[str]], held: Held) -> Iterator[OwnQuestion]:
    """Two words of one sentence and two of another that stand together nowhere: near misses."""
    choose = random.Random(SEED)
    seen = set()
    usable = [words for words in drafted if len(words) > 1]
    for _ in range(TRIES if len(usable) > 1 else 0):
        first, second = choose.sample(range(len(usable)), 2)
        words = [*usable[first][:2], *usable[second][-2:]]
        if (
            (first, second) not in seen
            and len(set(words)) == len(words)
            and not held(words)
        ):
            yield OwnQuestion(" ".join(words), kind="mixed")
        seen.add((first, second))
