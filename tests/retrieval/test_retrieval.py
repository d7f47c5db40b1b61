"""`retrieve` over a real store: every part of the walk, and every part missing."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cache
from typing import Any

import numpy as np
import pytest
from sqlite_utils import Database

from brain.errors import Unavailable
from brain.labels import Label
from brain.retrieval import Sources, retrieve, why_not
from brain.store.fts_search import KnowledgeSearch
from brain.types import Fingerprint, Request, Scope
from ingest.terms import index_terms, tokens
from migrations import migrate

DIMENSIONS = 16
FINGERPRINT = Fingerprint("letters", "0" * 12, DIMENSIONS, "none", "mean")

NOTES: dict[str, list[str]] = {
    "lease.md": [
        "The lease of the flat in Mill Lane began in March 2021 and the rent is 900 a month.",
        "The landlord keeps a deposit of three rents until the keys are handed back in person.",
    ],
    "boat.md": [
        "We bought a small sailing boat and keep it in the harbour behind the old lighthouse."
    ],
    "code.md": [
        "The function parse_reply reads the answer of the server; it was written in C++ by Ana."
    ],
    "kyoto.md": ["京都は日本の古い都です。"],
    "secret.md": ["The rent of the other flat is nobody's business."],
}
TURNS = [
    "Ana: Did you call the harbour master?",
    "Ben: I did, on Tuesday.",
    "Ana: And what did she say?",
    "Ben: Forty a week.",
]


def vector(text: str) -> Any:
    """A bag of words in a few numbers: enough to be near to itself."""
    total = np.zeros(DIMENSIONS, np.float32)
    for word in tokens(text):
        total[sum(map(ord, word)) % DIMENSIONS] += 1.0
    return total / (float(np.linalg.norm(total)) or 1.0)


class Letters:
    name = "letters"
    fingerprint = FINGERPRINT

    def __init__(self, fail: Exception | None = None) -> None:
        self.fail = fail

    def embed_query(self, text: str) -> Any:
        if self.fail:
            raise self.fail
        return vector(text)

    def embed_documents(self, texts: Sequence[str]) -> Any:
        return np.stack([vector(text) for text in texts])


class Index:
    name = "exact"

    def __init__(self, texts: dict[str, str], fail: Exception | None = None) -> None:
        self.vectors = {key: vector(text) for key, text in texts.items()}
        self.fail = fail

    def query(
        self, target: Any, *, limit: int, allowed: set[str] | None = None
    ) -> list[tuple[str, float]]:
        if self.fail:
            raise self.fail
        scores = [
            (key, float(row @ target))
            for key, row in self.vectors.items()
            if allowed is None or key in allowed
        ]
        return sorted(scores, key=lambda pair: (-pair[1], pair[0]))[:limit]


@cache
def empty() -> bytes:
    """A store without a row. Made once: the migrations take longer than a test."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        migrate(Database(conn, execute_plugins=False))
        return conn.serialize()


class Shelf:
    """A small store: documents go in by `put`, questions by `ask`."""

    def __init__(self) -> None:
        self.conn = sqlite3.connect(":memory:", isolation_level=None)
        self.conn.deserialize(empty())
        self.search = KnowledgeSearch(self.conn)
        self.texts: dict[str, str] = {}

    def put(
        self,
        source: str,
        chunks: Sequence[str],
        *,
        date: str = "2024-01-01",
        label: str = "internal",
        short: bool = False,
    ) -> None:
        self.conn.execute(
            "INSERT INTO documents (id, uri, source, title, text, media_type, content_hash, text_sha, label, dated_at, dated_by, "
            "added_at, updated_at) VALUES (?, ?, ?, ?, '', '', '', '', ?, ?, 'heading', '', '')",
            (
                f"id-{source}",
                f"file:///{source}",
                source,
                source.removesuffix(".md"),
                label,
                date,
            ),
        )
        terms = [index_terms(chunk) for chunk in chunks]
        for n, chunk in enumerate(chunks):
            key = f"{source}#{n}"
            near = " ".join(
                terms[j] for j in (n - 1, n + 1) if short and 0 <= j < len(chunks)
            )
            self.conn.execute(
                'INSERT INTO knowledge (id, document_id, ordinal, topic, content, source, locator, start, "end", tokens, terms, around, '
                "text_sha, created_at) VALUES (?, ?, ?, ?, ?, ?, 'L1', 0, ?, ?, ?, ?, ?, '')",
                (
                    key,
                    f"id-{source}",
                    n,
                    source.removesuffix(".md"),
                    chunk,
                    source,
                    len(chunk),
                    10 if short else 100,
                    terms[n],
                    near,
                    key,
                ),
            )
            blob = vector(chunk).astype(np.float16).tobytes()
            self.conn.execute(
                "INSERT INTO embeddings VALUES (?, ?, ?, NULL, ?)",
                (key, str(FINGERPRINT), blob, zlib.crc32(blob)),
            )
            self.texts[key] = chunk

    def sources(self, **parts: Any) -> Sources:
        return Sources(
            self.search, **({"index": Index(self.texts), "embedder": Letters()} | parts)
        )

    def ask(self, question: str, *, varied: bool = True, **options: Any) -> Any:
        parts = {
            name: options.pop(name) for name in ("index", "embedder") if name in options
        }
        return retrieve(
            Request(question, **options), self.sources(**parts), varied=varied
        )


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf()
    for source, chunks in NOTES.items():
        made.put(
            source,
            chunks,
            label="confidential" if source == "secret.md" else "internal",
        )
    made.put("chat.md", TURNS, short=True)
    return made


def sources(found: Any) -> list[str]:
    return [passage.source for passage in found.passages]


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("How high is the rent in Mill Lane?", "lease.md"),
        ("where is the boat", "boat.md"),
        ("parse_reply", "code.md"),
        ("Who wrote C++?", "code.md"),
        ("京都", "kyoto.md"),
        ("What about the depositing of rents?", "lease.md"),
    ],
)
@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
def test_the_right_note_comes_first(
    shelf: Shelf, question: str, source: str, mode: str
) -> None:
    assert sources(shelf.ask(question, mode=mode))[0] == source


def test_every_passage_says_where_it_stood_and_why(shelf: Shelf) -> None:
    found = shelf.ask("rent in Mill Lane")
    first = found.passages[0]
    assert first.ranks["lexical"] == 1
    assert first.score == pytest.approx(sum(first.explain.values()))
    assert 0 < found.explain["dense_share"] < 1
    assert (found.embedder, found.index, found.degraded) == ("letters", "exact", "")
    assert found.signals
    assert all(isinstance(value, float) for value in found.signals.values())


@pytest.mark.parametrize(
    "parts",
    [
        lambda texts: {"embedder": None},
        lambda texts: {"index": None},
        lambda texts: {"embedder": Letters(Unavailable("ollama does not answer"))},
        lambda texts: {"index": Index(texts, Unavailable("the index is damaged"))},
    ],
)
def test_without_vectors_words_answer_and_it_is_said(
    shelf: Shelf, parts: Callable[[dict[str, str]], dict[str, Any]]
) -> None:
    found = shelf.ask("rent in Mill Lane", **parts(shelf.texts))
    assert sources(found)[0] == "lease.md"
    assert found.degraded.startswith("words only: ")
    assert (found.embedder, found.index) == ("", "")
    assert all(passage.ranks["dense"] is None for passage in found.passages)


def test_chunks_still_waiting_for_vectors_are_found_by_words(shelf: Shelf) -> None:
    shelf.conn.execute("DELETE FROM embeddings")
    assert sources(shelf.ask("rent in Mill Lane", index=Index({})))[0] == "lease.md"


def test_a_deleted_document_never_appears_although_the_index_still_knows_it(
    shelf: Shelf,
) -> None:
    index = Index(shelf.texts)
    shelf.conn.execute("PRAGMA foreign_keys=ON")
    shelf.conn.execute("DELETE FROM documents WHERE source = 'lease.md'")
    assert "lease.md" not in sources(shelf.ask("rent in Mill Lane", index=index))


def test_scope_is_kept_by_both_rankings(shelf: Shelf) -> None:
    scope = Scope(at_most=Label.INTERNAL)
    assert "secret.md" in sources(shelf.ask("rent of the other flat"))
    assert "secret.md" not in sources(shelf.ask("rent of the other flat", scope=scope))
    assert sources(shelf.ask("rent", scope=Scope(source="le*"))) == [
        "lease.md",
        "lease.md",
    ]
    assert sources(shelf.ask("rent", scope=Scope(since="2025"))) == []


def test_one_public_note_is_found_among_many_confidential_ones(shelf: Shelf) -> None:
    for n in range(300):
        shelf.put(
            f"s{n}.md",
            [f"confidential rent number {n} of the flat"],
            label="confidential",
        )
    found = shelf.ask("rent of the flat", scope=Scope(at_most=Label.INTERNAL))
    assert sources(found)[0] == "lease.md"
    assert not any(source.startswith("s") for source in sources(found))


def test_a_short_section_is_not_found_by_the_section_before_it(shelf: Shelf) -> None:
    shelf.put("tea.md", ["Black tea wants hot water.", "Green: 80 °C."], short=True)
    found = shelf.ask("how hot is the water for black tea")
    black, green = (p for p in found.passages if p.source == "tea.md")
    assert green.before == black.text
    assert "before" not in green.explain
    assert black.score - green.score > 1


def test_a_short_line_is_found_by_what_was_said_before_it(shelf: Shelf) -> None:
    found = shelf.ask("When did Ben call the harbour master?")
    answer = next(
        passage for passage in found.passages if passage.text.startswith("Ben: I did")
    )
    assert answer.before == TURNS[0]
    assert answer.after == TURNS[2]
    assert found.passages.index(answer) < 2


def test_each_passage_says_which_of_its_lines_matched(shelf: Shelf) -> None:
    text = "# Costs\n\nThe kettle was cheap.\nThe toaster came to 30 euros.\nRest."
    shelf.put("costs.md", [text])
    found = shelf.ask("what did the toaster come to").passages[0]
    assert found.matched is not None
    words = found.text[found.matched.start : found.matched.end]
    assert words == "The toaster came to 30 euros."
    nothing = shelf.ask("zebra crossing")
    assert all(passage.matched is None for passage in nothing.passages)


def test_copies_are_shown_once_newest_first(shelf: Shelf) -> None:
    shelf.put(
        "lease-2025.md", [NOTES["lease.md"][0].replace("900", "950")], date="2025-06-01"
    )
    found = shelf.ask("How high is the rent in Mill Lane?")
    assert sources(found)[0] == "lease-2025.md"
    assert found.passages[0].versions == ("lease.md",)


def test_one_document_does_not_fill_the_list_unless_asked(shelf: Shelf) -> None:
    shelf.put(
        "long.md",
        [
            f"Chapter {n} on sailing: the wind, number {n}, and the tide of day {n}."
            for n in range(12)
        ],
    )
    assert sources(shelf.ask("sailing wind tide"))[:4].count("long.md") == 3
    assert (
        sources(shelf.ask("sailing wind tide", varied=False))[:4].count("long.md") == 4
    )


@pytest.mark.parametrize("question", ["", "?!", '" OR *', "the", "\x00", "x" * 20_000])
def test_no_question_fails(shelf: Shelf, question: str) -> None:
    assert len(shelf.ask(question).passages) <= 10


def test_an_empty_store_answers_nothing() -> None:
    assert Shelf().ask("anything").passages == ()


@pytest.mark.parametrize(
    ("question", "document", "options", "stage"),
    [
        ("rent in Mill Lane", "lease.md", {}, "found"),
        ("rent", "nowhere.md", {}, "not stored"),
        ("rent", "secret.md", {"scope": Scope(at_most=Label.INTERNAL)}, "out of scope"),
        ("rent in Mill Lane", "boat.md", {"limit": 1}, "cut"),
        ("rent in Mill Lane", "boat.md", {"embedder": None}, "no candidate"),
    ],
)
def test_why_not_names_the_stage(
    shelf: Shelf, question: str, document: str, options: dict[str, Any], stage: str
) -> None:
    chunks = set(shelf.search.documents(document))
    parts = {"embedder": None} if "embedder" in options else {}
    asked = {name: value for name, value in options.items() if name not in parts}
    lost = why_not(Request(question, **asked), chunks, shelf.sources(**parts))
    assert lost.stage == stage
    assert str(lost).startswith(stage)


def test_why_not_names_the_words_and_ranks(shelf: Shelf) -> None:
    lost = why_not(
        Request("rent in Mill Lane"),
        set(shelf.search.documents("lease.md")),
        shelf.sources(),
    )
    assert (lost.lexical, lost.fused) == (1, 1)
    assert lost.shared == ("rent", "mill", "lane")
