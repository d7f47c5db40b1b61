"""What stays in a store and holds words of something that is erased: rounds, feedback, notes, skills and the
like.

Told to a person, who decides; nothing here deletes. Words tell when they are rare, when hardly any other document has
them, or when they hold a figure. Leaves what belongs to the erased thing itself, and answers that quote it, to
`brain.store.erasure`. Serves `brain forget --erase`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from brain.reports import Mention
from brain.store.erasure import (
    KEPT_WORDS,
    ErasureFindings,
    ErasureTargets,
    has_table,
)
from brain.store.quotation import Quotation
from brain.store.table import Reader
from brain.types import Texts
from ingest.terms import tokens
from ingest.words import STOP

Term = Texts
"""A word, or the words of a short line."""
Telling = dict[Term, int]
"""Rare term -> in how many of the other documents it stands."""
Holders = dict[str, list[Term]]
"""Id of a document -> the rare terms in it."""

RARE_DOCUMENTS = 3  # a word that more of the others have tells nothing
TELLING_LETTERS = 5  # shorter words without a figure are common in some language
TELLING_FIGURES = 3  # characters of a word with a figure: "4711", "b42"
SHORT_LINE = 12  # characters; what is shorter is looked for as a whole
MOST_TERMS = 4_000  # of one erasure that are looked up: 20 ms for each thousand
ENOUGH = 2  # so many rare words in common tell what one does not
SHORT_DOCUMENT = 2_000  # characters; a longer one shares rare words with many
WORDS_SHOWN = 5
TITLE_CHARACTERS = 80
YEAR = re.compile(r"(?:19|20)\d\d")
A_SENTENCE = ("a sentence of it",)

ROUNDS = "SELECT id, at, source, question, answer, kind FROM episodes ORDER BY pk"
FEEDBACK = "SELECT id, at, question, quote, why, documents, episode FROM judgments"
PROPOSED = "SELECT id, at, about, text FROM proposals"
# what has a name and words: (name, words)
NAMED = {
    "skill": "SELECT name, name || ' ' || description || ' ' || body || files FROM skills",
    "description": "SELECT source, description FROM contexts",
}
HOLDERS = """
    SELECT DISTINCT k.document_id
    FROM knowledge_fts f
    JOIN knowledge k ON k.pk = f.rowid
    WHERE knowledge_fts MATCH ?
"""


class Mentions(Reader):
    """Looks through one database, before anything is deleted from it."""

    def of(self, targets: ErasureTargets, found: ErasureFindings) -> list[Mention]:
        """What stays and holds words of the targets; `found` is what does not stay."""
        words = targets.words()
        telling, holders = self._telling(words, {*found.documents})
        look = _Look(Quotation(words), telling)
        mentions = list(self._documents(look, holders))
        told = {mention.source for mention in mentions}
        mentions += self._rounds(look, found, told)
        mentions += self._feedback(look, targets, found)
        mentions += self._proposed(look, found)
        for kind, sql in NAMED.items():
            for name, text in self._run(sql):
                shared = look.shared(text)
                if shared and name not in targets.sources:
                    mentions.append(Mention(kind, name, name, name, shared))
        return mentions

    def _telling(self, words: list[str], gone: set[str]) -> tuple[Telling, Holders]:
        """(rare terms of the texts, and in how many documents that stay; those documents, and the terms in each)."""
        telling: Telling = {}
        holders: Holders = defaultdict(list)
        looked_up = islice(_terms(words), MOST_TERMS)
        for term in looked_up:
            phrase = " ".join(term).replace('"', '""')
            found = set(self._column(HOLDERS, f'"{phrase}"'))
            found -= gone
            if len(found) > RARE_DOCUMENTS:
                continue
            telling[term] = len(found)
            for document_id in found:
                holders[document_id].append(term)
        return telling, holders

    def _documents(self, look: _Look, holders: Holders) -> Iterator[Mention]:
        """Documents that repeat it, or are short and share its rare words."""
        sql = "SELECT uri, source, title, text FROM documents WHERE id=?"
        for document_id, terms in sorted(holders.items()):
            uri, source, title, text = self._first(sql, document_id)
            shared = look.quoted(text)
            short = len(text) <= SHORT_DOCUMENT
            told = short and len(terms) >= ENOUGH
            told = told or any(map(_has_figure, terms))
            if told and not shared:
                shared = _shown(terms)
            if shared:
                kind = "remembered" if uri.startswith("episode:") else "document"
                yield Mention(kind, document_id, source, title, shared)

    def _rounds(
        self, look: _Look, found: ErasureFindings, told: set[str]
    ) -> Iterator[Mention]:
        """Questions and answers; not those whose words are a document as well, which is told of by itself."""
        kept = set(self._column(KEPT_WORDS)) | told
        emptied = _emptied(found)
        for row_id, at, source, question, answer, kind in self._run(ROUNDS):
            own = f"episode:{row_id}"
            goes = row_id in found.episodes
            if goes or own in kept or source in kept:
                continue
            # of an answer that goes, the question stays
            loses_answer = row_id in emptied
            text = question
            if not loses_answer:
                text = f"{question}\n{answer}"
            shared = look.shared(text)
            if shared or (loses_answer and question):
                title = (question or answer)[:TITLE_CHARACTERS]
                name = "question" if kind == "ask" else "round"
                yield Mention(name, row_id, own, title, shared, at)

    def _feedback(
        self, look: _Look, targets: ErasureTargets, found: ErasureFindings
    ) -> Iterator[Mention]:
        """What a person said of answers: of one that goes, or with words of it."""
        emptied = _emptied(found)
        for row_id, at, question, quote, why, documents, episode in self._run(FEEDBACK):
            if row_id in found.judgments:
                continue
            shared = look.shared(f"{question}\n{quote}\n{why}")
            points = any(name in documents for name in targets.documents)
            if shared or points or episode in emptied:
                source = f"feedback:{row_id}"
                title = question[:TITLE_CHARACTERS]
                yield Mention("feedback", row_id, source, title, shared, at)

    def _proposed(self, look: _Look, found: ErasureFindings) -> Iterator[Mention]:
        """What waits in the inbox with words of it."""
        if not has_table(self.conn, "proposals"):
            return
        for row_id, at, about, text in self._run(PROPOSED):
            shared = look.shared(f"{about}\n{text}")
            if shared and row_id not in found.proposals:
                title = (about or text)[:TITLE_CHARACTERS]
                yield Mention("proposal", row_id, f"inbox:{row_id}", title, shared, at)


class _Look:
    """What is looked for in every text: a quotation, rare words."""

    def __init__(self, quotation: Quotation, telling: Telling) -> None:
        self._quotation = quotation
        self._telling = telling
        self._lengths = set(map(len, telling))

    def quoted(self, text: str) -> Term:
        """Something when the text repeats a sentence of it."""
        if self._quotation.within(text):
            return A_SENTENCE
        return ()

    def shared(self, text: str) -> Term:
        """What a short text has of it: a word that no other document has is enough, of rare ones it takes two."""
        if self._quotation.within(text):
            return A_SENTENCE
        rare = self._rare(tokens(text))
        if len(rare) >= ENOUGH or any(map(self._tells_alone, rare)):
            return _shown(rare)
        return ()

    def _rare(self, words: list[str]) -> set[Term]:
        """The terms of it that stand among the words of a text."""
        found = set()
        for length in self._lengths:
            last = len(words) - length
            for start in range(last + 1):
                end = start + length
                run = tuple(words[start:end])
                if run in self._telling:
                    found.add(run)
        return found

    def _tells_alone(self, term: Term) -> bool:
        documents = self._telling[term]
        return documents == 0 or _has_figure(term)


def _terms(texts: Iterable[str]) -> dict[Term, None]:
    """Every word that may tell what the texts are about, and every short line as a whole."""
    found: dict[Term, None] = {}
    for text in texts:
        for line in text.splitlines():
            words = tokens(line)
            if len(line.strip()) < SHORT_LINE and not STOP.issuperset(words):
                found[tuple(words)] = None
            for word in words:
                if tells(word):
                    found[word,] = None
    found.pop((), None)
    return found


def tells(word: str) -> bool:
    """Whether a word by itself may tell what a text is about."""
    if _has_figure((word,)):
        return len(word) >= TELLING_FIGURES and not YEAR.fullmatch(word)
    return len(word) >= TELLING_LETTERS and word not in STOP


def _has_figure(term: Term) -> bool:
    return any(map(str.isdigit, "".join(term)))


def _shown(terms: Iterable[Term]) -> Term:
    """The most telling."""
    ordered = sorted(terms, key=_by_what_it_tells)
    return tuple(map(" ".join, ordered[:WORDS_SHOWN]))


def _by_what_it_tells(term: Term) -> tuple[bool, int, Term]:
    """Those with figures first, then the longest."""
    letters = len("".join(term))
    return not _has_figure(term), -letters, term


def _emptied(found: ErasureFindings) -> set[str]:
    """Rounds that lose their answers."""
    return {episode_id for episode_id, _question, _at in found.quoting}
