"""One damaged value never stops a command: its row is left out and named, and everything else is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle, repeat
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.filling import FILL
from brain.app.importing import (
    CARRIED_ROOTS,
    IMPORTED_FROM,
    carried_roots,
    imported_from,
)
from brain.app.resources import HEAD
from brain.config import Config, Models
from brain.errors import BrainError
from brain.keeping import backup, erase
from brain.labels import FolderLabel
from brain.reports import Judgment
from brain.store.checks import StoreChecks
from brain.store.days import SEEN
from brain.store.row_hash import COVERED
from brain.store.tombstones import KEYS, Erased
from brain.types import Episode, Request, Skill
from tests.bad_values import BAD, assigned

UNCOVERED = {
    "knowledge": ("content", "topic", "terms", "around", "source"),
    "documents": ("text", "size", "mtime_ns", "inode"),
    "episodes": ("topic", "terms", "around", "text_sha"),
    "skills": ("topic", "terms"),
}


def columns() -> list[tuple[str, str]]:
    pairs = []
    for table, covered in COVERED.items():
        pairs += [(table, name) for name in (*covered, *UNCOVERED.get(table, ()))]
    return pairs


@pytest.fixture(scope="module")
def brain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brain]:
    """Two of everything; the first of each is damaged."""
    place = tmp_path_factory.mktemp("damaged")
    notes = place / "notes"
    notes.mkdir()
    for name, words in (("lease", "The boiler is mended in May."), ("tea", "Hot.")):
        text = f"---\ntags: [{name}]\naliases: [{name}x]\nstatus: done\n---\n# {name}\n\n{words} [[tea]]\n"
        (notes / f"{name}.md").write_text(text)
    (notes / "broken.pdf").write_bytes(b"%PDF-1.4 no more")
    with Brain(Config(place / "home", models=Models("wordllama", "builtin"))) as brain:
        brain.add([notes])
        store = brain.resources.store
        for number in (1, 2):
            brain.remember(f"Ana mends boiler number {number}", session="talk")
            brain.library.describe(f"/srv/{number}", "a folder")
            brain.resources.store.labels.set_folder(
                FolderLabel(f"/srv/{number}", "internal", "2026-05-07", "a test")
            )
            store.skills.add(Skill("", f"mend-{number}", "how to mend a boiler", "Do."))
            brain.note(f"forget me {number}", title=f"gone {number}")
        forgotten = [r.id for r in brain.library.documents() if "gone" in r.title]
        brain.library.forget(forgotten, dry_run=False)
        for number in (1, 2):
            asked = Episode(
                "", "", "ask", f"when is boiler {number} mended?", "In May."
            )
            (kept,) = store.episodes.record_many([asked])
            judged = Judgment(
                f"j{number}", kept.at, kept.question, "wrong", episode=kept.id
            )
            brain.resources.judgments.keep(judged)
            brain.inbox.propose(f"the boiler is number {number}", "boiler", "agent")
        brain.resources.judgments.keep_run("own", {"a": 1}, at=kept.at)
        brain.keep.backup()
        store.library.keep_setting("erased", "{}")
        store.library.keep_setting("erased_elsewhere", "{}")
        store.tombstones.lay([Erased("file:///srv/gone.md", "ab")], "2026-05-07")
        yield brain


def verbs(brain: Brain, place: Path) -> dict[str, Callable[[], object]]:
    """Everything that reads."""
    asked = Request("when is the boiler mended?", record=False, look=False)
    return {
        "list": brain.library.documents,
        "show": lambda: brain.library.document("tea.md"),
        "get": lambda: brain.library.get("tea.md"),
        "search": lambda: brain.search(asked),
        "lexical": lambda: brain.search(Request("boiler", mode="lexical", look=False)),
        "ask": lambda: brain.ask(asked),
        "count": lambda: brain.ask(
            Request("how many notes mention boiler?", record=False, look=False)
        ),
        "recall": lambda: brain.recall(Request("boiler")),
        "newest": lambda: brain.recall(Request("")),
        "status": brain.status,
        "doctor": lambda: brain.keep.doctor(deep=True),
        "skills": brain.skills.list,
        "skill": lambda: brain.skills.find("mend boiler"),
        "inbox": brain.inbox.waiting,
        "judgments": brain.resources.judgments.all,
        "last run": lambda: brain.resources.judgments.last_run("own"),
        "descriptions": brain.library.descriptions,
        "trash": brain.library.forgotten,
        "sync": brain.sync,
        "export": lambda: brain.keep.export(place, force=True),
    }


WITHOUT_ROWID = ("tags", "links", "tombstones")


@contextmanager
def damaged(brain: Brain, table: str, column: str, bad: object) -> Iterator[None]:
    """The store with a bad value in the first row of a table; nothing where the schema itself refuses it."""
    conn = brain.resources.store.connection.conn
    conn.execute("PRAGMA ignore_check_constraints=ON")
    conn.execute("PRAGMA foreign_keys=OFF")
    rows = conn.execute(f"SELECT * FROM {table}").fetchall()
    assert rows, f"nothing in {table} to damage"
    value, values = assigned(bad)
    with suppress(sqlite3.Error):
        if table in WITHOUT_ROWID:
            conn.execute(f'UPDATE {table} SET "{column}"={value}', values)
        else:
            first = f"(SELECT min(rowid) FROM {table})"
            (was,) = conn.execute(
                f'SELECT "{column}" FROM {table} WHERE rowid={first}'
            ).fetchone()
            conn.execute(
                f'UPDATE {table} SET "{column}"={value} WHERE rowid={first}', values
            )
    try:
        yield
    finally:
        if table in WITHOUT_ROWID:
            conn.execute(f"DELETE FROM {table}")
            marks = ", ".join("?" * len(rows[0]))
            conn.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        else:
            conn.execute(f'UPDATE {table} SET "{column}"=? WHERE rowid={first}', [was])


def failures(
    brain: Brain, place: Path, table: str, names: Iterable[str], bad: Iterable[object]
) -> list[str]:
    """Verbs that a bad value stopped: what was asked, which column, which value, which error."""
    found = []
    reading = verbs(brain, place)
    kinds = iter(bad)
    for column in (*COVERED[table], *UNCOVERED.get(table, ())):
        value = next(kinds)
        with damaged(brain, table, column, value):
            for name in names:
                try:
                    reading[name]()
                except BrainError as error:
                    # one thing that was asked for by name may be what is damaged; then it is said so
                    if name not in ("show", "get"):
                        found.append(f"{name}: {column} {value!r}: {error.message}")
                except Exception as error:
                    found.append(f"{name}: {column} {value!r}: {error!r}")
    return found


QUICK = ("list", "show", "get", "lexical", "newest", "skills", "judgments", "last run")
QUICK += ("descriptions", "trash")


@pytest.mark.parametrize("table", COVERED)
def test_one_bad_value_stops_no_verb(brain: Brain, tmp_path: Path, table: str) -> None:
    assert failures(brain, tmp_path, table, QUICK, cycle(BAD.values())) == []


@pytest.mark.slow
@pytest.mark.parametrize("table", COVERED)
def test_no_bad_value_stops_any_verb(brain: Brain, tmp_path: Path, table: str) -> None:
    every = [name for name in verbs(brain, tmp_path) if name not in ("sync", "doctor")]
    found = []
    for bad in BAD.values():
        found += failures(brain, tmp_path, table, every, repeat(bad))
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("table", COVERED)
def test_no_bad_value_stops_the_doctor(
    brain: Brain, tmp_path: Path, table: str
) -> None:
    """It starts processes of its own, for seconds each time: a column is damaged three times, not in every way."""
    values = [*BAD.values()]
    found = []
    for begin in range(0, len(values), len(values) // 3):
        turned = cycle(values[begin:] + values[:begin])
        found += failures(brain, tmp_path, table, ("doctor",), turned)
    assert found == []


def test_a_payload_that_is_nested_too_deeply_is_damage(brain: Brain) -> None:
    with damaged(brain, "forgotten", "payload", BAD["deep"]):
        found = StoreChecks(brain.resources.store.connection).text_damage()
    assert "forgotten" in {damage.table for damage in found}


def test_the_row_is_named_and_the_rest_is_there(brain: Brain, tmp_path: Path) -> None:
    left = brain.resources.store.connection.left_out
    cases = {
        ("documents", "aliases"): "document ",
        ("episodes", "citations"): "episode ",
        ("skills", "files"): "skill mend-1",
        ("judgments", "signals"): "feedback j1",
    }
    for (table, column), name in cases.items():
        left.clear()
        with damaged(brain, table, column, '["a", '):
            brain.keep.export(tmp_path / table, force=True)
        assert [column] == list(left.values())
        assert next(iter(left)).startswith(name)
        text = "".join(p.read_text() for p in (tmp_path / table).rglob("*.md"))
        assert "boiler 2" in text
        assert "mend-2" in text
    left.clear()


def test_what_an_export_wrote_before_is_not_removed_for_a_row_that_is_damaged_now(
    brain: Brain, tmp_path: Path
) -> None:
    brain.keep.export(tmp_path / "out")
    before = sorted(path.name for path in (tmp_path / "out").rglob("*.md"))
    with damaged(brain, "documents", "aliases", "no list"):
        brain.keep.export(tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").rglob("*.md")) == before
    brain.resources.store.connection.left_out.clear()


SETTINGS = ("serving", "backups", "backup_keep", "erased", "erased_elsewhere", KEYS)
SETTINGS += (IMPORTED_FROM, CARRIED_ROOTS, SEEN, HEAD, FILL)


@pytest.mark.parametrize(
    "bad", ["", "{", "5", "[1]", '{"documents": 3}', b"\xff", 1.5, BAD["deep"]]
)
def test_no_damaged_setting_stops_anything(brain: Brain, bad: object) -> None:
    """All of them are damaged at once; each is read by something below."""
    store = brain.resources.store
    with store.write():
        store.connection.conn.executemany(
            "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)",
            [(name, bad) for name in SETTINGS],
        )
    brain.resources.__dict__.pop("serving", None)
    try:
        assert brain.search(Request("boiler", look=False)).passages
        assert brain.keep.erase([brain.library.documents()[0].id], dry_run=True).items
        assert backup.keep_rule(store) is None
        assert erase.left_out(store) == {}
        assert imported_from(brain.resources) == []
        assert carried_roots(brain.resources) == {}
        assert store.days.seen().count in (0, 1)
        assert brain.resources.head
        assert brain.status()
    finally:
        for name in SETTINGS:
            store.library.keep_setting(name, None)
        store.connection.left_out.clear()


def test_a_person_reads_what_was_left_out(config: Config) -> None:
    heard: list[str] = []
    with Brain(config, progress=lambda what, _done, _total: heard.append(what)) as own:
        note = own.note("The boiler is mended.", title="Boiler").documents[0]
        own.note("Tea is hot.", title="Tea")
        own.resources.store.connection.conn.execute(
            "UPDATE documents SET aliases='[' WHERE id=?", (note,)
        )
        with pytest.raises(BrainError, match="damaged"):
            own.library.document(note)
    assert [what for what in heard if note in what and "(aliases)" in what]
