"""The store: what is saved is there, once, whole, findable, and only what changed is written again."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

import ingest
from brain.errors import NotFound, StoreError, UsageError
from brain.store import Store
from brain.store.connection import PRAGMAS
from brain.store.documents import FIRST_SEEN, Origin
from brain.store.moves import path_of
from brain.store.skipped import LeftOut
from brain.types import Scope, Skipped
from ingest.document import Document
from migrations import LATEST

NOW = "2026-11-21T10:00:00.000000+00:00"
TEXT = "# Tea\n\nBlack tea wants 95 degrees.\n\n# Coffee\n\nCoffee wants 92 degrees.\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "brain.db")


def note(text: str = TEXT, uri: str = "note:a", title: str = "Drinks") -> Document:
    return ingest.load_text(text, uri=uri, title=title)


def save(store: Store, document: Document, **origin: object) -> tuple[str, str]:
    with store.write():
        return store.documents.save(document, Origin(document.uri, **origin), now=NOW)  # type: ignore[arg-type]


def matches(store: Store, expression: str, table: str = "knowledge") -> int:
    sql = f"SELECT count(*) FROM {table}_fts WHERE {table}_fts MATCH ?"
    return int(store.connection.conn.execute(sql, (expression,)).fetchone()[0])


def test_saved_twice_is_one_document(store: Store) -> None:
    assert save(store, note())[0] == "added"
    outcome, document_id = save(store, note())
    assert outcome == "unchanged"
    assert store.library.count() == 1
    assert store.library.detail(document_id).text == TEXT


def test_chunks_tile_the_text(store: Store) -> None:
    save(store, note("# A\n\n" + "One sentence of several words here. " * 300))
    rows = store.connection.conn.execute(
        'SELECT start, "end", content FROM knowledge ORDER BY ordinal'
    ).fetchall()
    assert len(rows) > 3
    text = store.connection.conn.execute("SELECT text FROM documents").fetchone()[0]
    assert [row[0] for row in rows[1:]] == [row[1] for row in rows[:-1]]
    assert "".join(row[2] for row in rows) == text


def test_an_edit_writes_only_the_chunk_that_changed(store: Store) -> None:
    long = "\n\n".join(
        f"# Part {i}\n\n" + f"Sentence number {i} about matter {i}. " * 40
        for i in range(5)
    )
    save(store, note(long))
    before = dict(
        store.connection.conn.execute("SELECT id, pk FROM knowledge").fetchall()
    )
    changed = long.replace("# Part 2\n\nSentence", "# Part 2\n\nNew words. Sentence")
    assert save(store, note(changed))[0] == "updated"
    after = dict(
        store.connection.conn.execute("SELECT id, pk FROM knowledge").fetchall()
    )
    assert len(after.keys() - before.keys()) == 1
    assert all(after[key] == before[key] for key in after.keys() & before.keys())
    assert matches(store, '"new words"') == 1


def test_a_deleted_chunk_leaves_no_row_in_any_index(store: Store) -> None:
    _, document_id = save(store, note())
    assert matches(store, "degrees") > 0
    store.trash.forget([document_id], now=NOW)
    for table in ("documents", "knowledge", "tags", "links", "embeddings"):
        assert (
            store.connection.conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            == 0
        )
    assert matches(store, "degrees") == 0
    store.connection.conn.execute(
        "INSERT INTO knowledge_fts(knowledge_fts, rank) VALUES ('integrity-check', 1)"
    )


def test_forgotten_comes_back_as_it_was(store: Store) -> None:
    _, document_id = save(store, note(), tags=("home",))
    chunks = store.connection.conn.execute(
        "SELECT id, topic, content, locator FROM knowledge"
    ).fetchall()
    store.trash.forget([document_id], now=NOW)
    assert [row["id"] for row in store.trash.listing()] == [document_id]
    store.trash.restore(document_id, now=NOW)
    assert (
        store.connection.conn.execute(
            "SELECT id, topic, content, locator FROM knowledge"
        ).fetchall()
        == chunks
    )
    assert store.library.detail(document_id).row.tags == ("home",)
    assert matches(store, "degrees") == len(chunks)
    with pytest.raises(NotFound):
        store.trash.restore(document_id, now=NOW)


def test_a_failing_document_rolls_back_itself_only(store: Store) -> None:
    with store.write():
        store.documents.save(note(uri="note:1"), Origin("note:1"), now=NOW)
        broken = note(uri="note:2")
        with pytest.raises(sqlite3.IntegrityError):
            store.documents.save(broken, Origin(None), now=NOW)  # type: ignore[arg-type]
        store.documents.save(note("other", uri="note:3"), Origin("note:3"), now=NOW)
    assert [row.source for row in store.library.rows()] == ["note:1", "note:3"]


def test_saved_together_is_saved_like_one_by_one(store: Store) -> None:
    """Chunks that wait for the end are all there at the end; one saved twice is there once; one that fails takes none along."""
    with store.write(), store.documents.together():
        for number in range(300):
            store.documents.save(
                note(f"# Tea {number}\n\n{TEXT}", uri=f"note:{number}"),
                Origin(f"note:{number}"),
                now=NOW,
            )
        with pytest.raises(sqlite3.IntegrityError):
            store.documents.save(
                note("broken", uri="note:broken"), Origin(None), now=NOW
            )  # type: ignore[arg-type]
        assert (
            store.documents.save(
                note("green leaves", uri="note:7"), Origin("note:7"), now=NOW
            )[0]
            == "updated"
        )
    assert store.library.count() == 300
    assert matches(store, "coffee") == 299
    assert matches(store, "green") == 1
    assert matches(store, "broken") == 0
    expected = (
        sum(
            len(note(f"# Tea {number}\n\n{TEXT}").chunks)
            for number in range(300)
            if number != 7
        )
        + 1
    )
    assert (
        store.connection.conn.execute("SELECT count(*) FROM knowledge").fetchone()[0]
        == expected
    )


def test_what_failed_together_is_gone_together(store: Store) -> None:
    def full_disk() -> None:
        with store.write(), store.documents.together():
            store.documents.save(note(), Origin("note:a"), now=NOW)
            raise RuntimeError("as if the disk were full")

    with pytest.raises(RuntimeError):
        full_disk()
    save(store, note("later", uri="note:b"))
    assert store.library.count() == 1
    assert matches(store, "coffee") == 0


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("Written in C++ and C#", '"c++"'),
        ("naïve approach", "naive"),
        ("call foo_bar(x)", '"foo bar"'),
        ("我今天喝红茶", '"红茶"'),
        ("version v2026.4.10 is out", '"v2026 4 10"'),
    ],
)
def test_names_versions_and_other_scripts_are_indexed(
    store: Store, text: str, expression: str
) -> None:
    save(store, note(text, title="x"))
    assert matches(store, expression) == 1


def test_the_database_is_private_and_under_its_pragmas(store: Store) -> None:
    assert stat.S_IMODE(store.connection.path.stat().st_mode) == 0o600
    for pragma in (
        "journal_mode=wal",
        "foreign_keys=1",
        "secure_delete=1",
        "synchronous=2",
        "busy_timeout=30000",
    ):
        name, _, value = pragma.partition("=")
        assert (
            str(store.connection.conn.execute(f"PRAGMA {name}").fetchone()[0]) == value
        )
    assert any(pragma.startswith("cell_size_check") for pragma in PRAGMAS)


def test_a_newer_schema_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "brain.db"
    Store.open(path).close()
    with sqlite3.connect(path) as conn:
        conn.execute(f"PRAGMA user_version = {LATEST + 1}")
    conn.close()
    with pytest.raises(StoreError, match="newer version"):
        Store.open(path)


def test_a_strangers_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "brain.db"
    with sqlite3.connect(path) as conn:
        conn.execute("PRAGMA user_version = 1")
        conn.execute("CREATE TABLE theirs (x)")
    conn.close()
    with pytest.raises(StoreError, match="not a brain database"):
        Store.open(path)


def test_garbage_is_a_two_line_error(tmp_path: Path) -> None:
    path = tmp_path / "brain.db"
    path.write_bytes(b"not a database at all" * 400)
    with pytest.raises(StoreError, match="damaged") as caught:
        Store.open(path)
    assert "restore" in caught.value.hint


def test_writers_in_threads_do_not_lose_each_other(tmp_path: Path) -> None:
    """Each with a connection of its own, reading before it writes: with deferred transactions most would fail."""
    path = tmp_path / "brain.db"
    Store.open(path).close()
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            mine = Store.open(path)
            for i in range(20):
                save(mine, note(f"text {name} {i}", uri=f"note:{name}{i}"))
            mine.close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert Store.open(path).library.count() == 80


def test_references(store: Store) -> None:
    _, document_id = save(store, note(), tags=("tea",))
    other = note("Something else", uri="file:///x/notes/lease.md", title="Lease")
    with store.write():
        store.documents.save(other, Origin("/x/notes/lease.md"), now=NOW)
    assert store.library.resolve(document_id[:6]) == document_id
    assert store.library.resolve(f"#{document_id}") == document_id
    assert store.library.resolve("notes/lease.md") == other.id
    assert store.library.matching("*.md") == [other.id]
    with pytest.raises(NotFound):
        store.library.resolve("nothing.md")
    again = note("Third", uri="file:///y/notes/lease.md")
    with store.write():
        store.documents.save(again, Origin("/y/notes/lease.md"), now=NOW)
    with pytest.raises(UsageError, match="2 documents"):
        store.library.resolve("notes/lease.md")


def test_excerpts_by_line_are_the_lines_of_the_file(store: Store) -> None:
    lines = [
        "---",
        "title: T",
        "---",
        "# One",
        "",
        *[f"line {n}" for n in range(6, 200)],
    ]
    save(store, note("\n".join(lines) + "\n"))
    excerpt = store.library.excerpt("note:a:120:3")
    assert excerpt.text == "line 120\nline 121\nline 122\n"
    assert (excerpt.start_line, excerpt.end_line) == (120, 122)
    with pytest.raises(NotFound, match="ends at line"):
        store.library.excerpt("note:a:5000:3")


def test_scope_of_lists(store: Store) -> None:
    save(store, note("a", uri="note:1"), tags=("x", "y"))
    save(store, note("b", uri="note:2"), tags=("x",))
    assert {row.source for row in store.library.rows(Scope(tags=("x", "y")))} == {
        "note:1"
    }
    assert {row.source for row in store.library.rows(Scope(source="*2"))} == {"note:2"}
    assert store.library.rows(Scope(since="2027")) == []


def test_what_was_read_in_part_and_failed_again_stays_noted(store: Store) -> None:
    """A mailbox that breaks off is both saved and skipped."""
    why = Skipped("/mail.mbox", "damaged", "it breaks off", "")
    for cleared in ([], ["file:///mail.mbox"]):
        left = LeftOut("file:///mail.mbox", why, (10, 1, 1, 1))
        store.skipped.note([left], cleared, NOW)
    assert list(store.skipped.below("file:///mail.mbox")) == ["file:///mail.mbox"]


def test_a_date_from_the_content_wins_and_first_seen_stays(store: Store) -> None:
    _, document_id = save(store, note())
    assert store.library.detail(document_id).dated_by == FIRST_SEEN
    assert (
        "2026"
        not in store.connection.conn.execute("SELECT topic FROM knowledge").fetchone()[
            0
        ]
    )
    _, dated = save(store, note("---\ndate: 2026-05-07\n---\nText here", uri="note:d"))
    assert store.library.detail(dated).row.date == "2026-05-07"
    topic = store.connection.conn.execute(
        "SELECT topic FROM knowledge WHERE document_id=?", (dated,)
    ).fetchone()[0]
    assert topic.endswith("(2026-05-07)")


@pytest.mark.parametrize(
    "name",
    ["plain.md", "with space #1.md", "ünïcode 日本.md", "emoji 🫖.md", "new\nline.md"],
)
def test_file_addresses_round_trip(name: str) -> None:
    path = Path("/some/place") / name
    assert path_of(path.as_uri()) == str(path)
