"""Every row of truth carries a hash that is always its own: any flipped bit is seen, and no verb leaves a wrong one."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.sync import sync
from brain.config import Config, Ingest, Models
from brain.errors import BrainError
from brain.labels import FolderLabel
from brain.store import copies
from brain.store.checks import StoreChecks
from brain.store.connection import connect
from brain.store.documents import DOCUMENT_COLUMNS
from brain.store.episodes import Circumstances
from brain.store.row_check import KNOWN_BY, RowCheck, keys_of
from brain.store.row_hash import COVERED, HASH, hashed, renewed, row_hash, sound
from brain.store.tombstones import Erased
from brain.types import Episode, Request
from tests.sqlite_cells import Value, values

LOOKED = {
    "size",
    "mtime_ns",
    "ctime_ns",
    "inode",
    "looked_ns",
    "passing",
    "tries",
    "reader",
}  # what a look at a file found: the next look finds it again
DERIVED = {
    "text",
    "topic",
    "content",
    "terms",
    "around",
    "pk",
    "text_sha",
    "source",
    HASH,
}  # checked in other ways
FLIPS_EACH = 3  # of every column, in its values; one more in the byte that says of what kind a value is
SEED = 20260801
LONG = (
    "a long paragraph that fills a part of its own with many words of no great weight at all "
    * 5
)
NOW = datetime(2026, 5, 7, 9, tzinfo=UTC)


def filled(place: Path) -> Path:
    """A home in which every column of every table has a value somewhere; returns its database."""
    notes = place / "notes"
    (notes / "week").mkdir(parents=True)
    files = {
        "lease.md": "---\ndate: 2026-05-07\ntags: [flat, home]\naliases: [Rent]\nauthor: Ana\n---\n# Lease\n\nSee [[Tea]].\n\n## Rent\n\n900 a month.\n",
        "tea.md": "# Tea\n\nGreen tea wants 70 degrees.\n",
        "x.bin": "\0\1",
        "old.md": "to be forgotten\n",
        "week/SKILL.md": "---\nname: week\ndescription: Look back at the week\n---\nOpen the journal.\n",
    }
    for name, text in files.items():
        (notes / name).write_text(text, "utf-8")
    config = Config(home=place / "home", models=Models("wordllama", "builtin"))
    with Brain(config) as brain:
        brain.skills.add(notes / "week")
        brain.add([notes], tags=["mine"])
        brain.library.describe(str(notes), "papers of the flat")
        brain.resources.store.labels.set_folder(
            FolderLabel(str(notes), "internal", "2026-05-07", "a test")
        )
        brain.note("a note", title="Note", tags=["loose"])
        said = Episode(
            "",
            NOW.isoformat(),
            "chat",
            "who?",
            "Ana.",
            ("/n/a.md:L1",),
            "supported",
            "talk",
            "chat:1",
            ("Ana",),
            ("key",),
        )
        first = brain.resources.store.episodes.record(
            said, Circumstances({"found": 0.5}, "local", "llama", "client-a")
        )
        again = Episode(
            "", NOW.isoformat(), "chat", "who then?", "Ben.", supersedes=first.id
        )
        brain.resources.store.episodes.record(
            again, Circumstances(document_id=first.id)
        )
        brain.ask(Request("what does green tea want?", limit=8))
        brain.judge.feedback(
            "wrong", source=f"{notes / 'tea.md'}:3", why="it was hotter"
        )
        brain.judge.calibrate()
        brain.inbox.propose("Ana keeps the key", "keys", "claude-code")
        brain.resources.store.library.keep_setting("of ours", "a value")
        brain.resources.judgments.keep_run("own", {"queries": 3}, at=NOW.isoformat())
        brain.library.forget([str(notes / "old.md")], dry_run=False)
        gone = Erased("file:///n/gone.md", "ab")
        brain.resources.store.tombstones.lay([gone], NOW.date().isoformat())
        brain.resources.store.connection.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return config.database


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("rows"))


def found(path: Path) -> bool:
    """Whether the deep look at the database sees that something is wrong."""
    try:
        connection = connect(path)
    except BrainError:
        return True
    try:
        look = StoreChecks(connection)
        return bool(
            RowCheck(connection).damage()
            or look.structure_faults(deep=True)
            or look.text_damage()
            or look.fts_faults()
        )
    except sqlite3.Error:
        return True
    finally:
        connection.close()


def flips(database: Path) -> Iterator[tuple[Value, int, int]]:
    """(value, byte in the file, bit): every covered column of every table, its kinds and its values."""
    chance = random.Random(SEED)
    by_column: dict[tuple[str, str], list[Value]] = {}
    for value in values(database, list(COVERED)):
        if value.column in COVERED[value.table] or value.column in (HASH, "text_sha"):
            by_column.setdefault((value.table, value.column), []).append(value)
    for there in by_column.values():
        held = [value for value in there if value.body[1]]
        for value in chance.choices(held, k=FLIPS_EACH) if held else []:
            yield (
                value,
                value.body[0] + chance.randrange(value.body[1]),
                chance.randrange(8),
            )
        value = chance.choice(there)
        yield (
            value,
            value.kind[0] + chance.randrange(value.kind[1]),
            chance.randrange(8),
        )


@pytest.mark.fault
def test_every_flipped_bit_of_every_column_of_truth_is_found(
    database: Path, tmp_path: Path
) -> None:
    """One bit each, in the file itself; SQLite's own check or the row's hash sees all of them."""
    assert not found(database)
    whole, missed, tried = database.read_bytes(), [], Counter[str]()
    place = tmp_path / "brain.db"
    for value, at, bit in flips(database):
        place.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
        tried[f"{value.table}.{value.column}"] += 1
        if not found(place):
            missed.append((value.table, value.column, at, bit))
        for suffix in ("-wal", "-shm"):
            place.with_name(place.name + suffix).unlink(missing_ok=True)
    assert not missed
    assert sum(tried.values()) >= 300
    assert set(tried) >= {
        f"{table}.{column}" for table, columns in COVERED.items() for column in columns
    }


def test_every_column_of_every_table_is_covered_or_left_out_for_a_reason(
    tmp_path: Path,
) -> None:
    connection = connect(tmp_path / "brain.db")
    for table, covered in COVERED.items():
        there = {
            row[1] for row in connection.conn.execute(f"PRAGMA table_info({table})")
        }
        looked = LOOKED if table in ("documents", "skipped") else set()
        assert there - set(covered) - DERIVED - looked == set(), table
        assert set(covered) <= there
        assert set(keys_of(table)) <= set(covered)
        assert table in KNOWN_BY
    tables = {
        row[0]
        for row in connection.conn.execute(
            "SELECT name FROM sqlite_master WHERE type='table'"
        )
    }
    plain = {
        name
        for name in tables
        if "_fts" not in name
        and "_vocab" not in name
        and name[0] != "_"
        and "sqlite_" not in name
    }
    assert (
        plain - set(COVERED)
        == {
            "embeddings",
            "outbox",
            "index_generations",
            "model_speeds",
            "properties",
            "ledger",
            "policies",
            "approvals",
            "reservations",
            "outcomes",
            "comparisons",
        }
    )  # vectors have a checksum; the ledger is a chain of hashes, which holds what was published, approved and spent
    connection.close()
    assert DOCUMENT_COLUMNS[-1] == HASH


def test_a_hash_tells_values_and_their_kinds_apart() -> None:
    row = {"document_id": "a", "tag": "b", "by": "person"}
    others = [{**row, "tag": value} for value in ("B", "", None, 1, b"b", "b\x00")] + [
        {**row, "document_id": "ab", "tag": ""}
    ]
    assert len({row_hash("tags", item) for item in [row, *others]}) == len(others) + 1
    listed = b'["tags","a","b","person"]'
    assert row_hash("tags", row) == int.from_bytes(
        blake2b(listed, digest_size=8).digest(), "big", signed=True
    )
    assert (
        row_hash("tags", row) == 783169947767431328
    )  # for ever: it is in the files of people


def test_a_change_of_a_damaged_row_does_not_make_it_sound() -> None:
    row = hashed(
        "roots",
        {
            "uri": "file:///n",
            "path": "/n",
            "added_at": "x",
            "looked_at": None,
            "options": "{}",
        },
    )
    changed = {**row, "looked_at": "y"}
    assert sound("roots", {**changed, HASH: renewed("roots", row, {"looked_at": "y"})})
    hit = {**row, "path": "/m"}
    assert not sound(
        "roots",
        {**hit, "looked_at": "y", HASH: renewed("roots", hit, {"looked_at": "y"})},
    )


def plant(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as conn:
        for statement in statements:
            assert conn.execute(statement).rowcount == 1
        conn.commit()


def row_finding(config: Config, *, repair: bool = False) -> tuple[str, str, str]:
    with Brain(config) as brain:
        check = next(
            c for c in brain.keep.doctor(deep=True, repair=repair) if c.id == "D06R"
        )
    return check.level, check.message, check.hint


@pytest.fixture
def home(database: Path, config: Config) -> Path:
    shutil.copytree(database.parent, config.home)
    return config.database


PLANTED = {
    "UPDATE documents SET uri = uri || 'x' WHERE title = 'Tea'": "document {notes}/tea.md",
    "UPDATE documents SET dated_by = 'heading' WHERE title = 'Lease'": "document {notes}/lease.md",
    "UPDATE tags SET by = 'document' WHERE tag = 'loose'": "tag loose of document note:",
    "UPDATE links SET target = 'Tee'": "link to Tee in document {notes}/lease.md",
    "UPDATE knowledge SET locator = 'L9' WHERE content LIKE '%70 degrees%'": "of document {notes}/tea.md",
    "UPDATE episodes SET label = 'public' WHERE answer = 'Ana.'": "of 2026-05-07",
    "UPDATE skills SET status = 'trial'": "skill week",
    "UPDATE judgments SET verdict = 'good'": "on “what does green tea want?”",
    "UPDATE roots SET options = '{}'": "registered folder {notes}",
    "UPDATE folder_labels SET label = 'public'": "label of the folder {notes}",
    "UPDATE contexts SET description = 'papers'": "description of {notes}",
    "UPDATE forgotten SET title = 'Olds'": "forgotten document Olds",
    "UPDATE eval_runs SET name = 'other'": "evaluation of 2026-05-07T09:00",
}


@pytest.mark.parametrize(
    "statement",
    [
        *list(PLANTED)[:3],
        *(pytest.param(one, marks=pytest.mark.slow) for one in list(PLANTED)[3:]),
    ],
)
def test_a_damaged_row_is_named_with_the_backup_that_has_it_and_is_never_edited(
    statement: str, home: Path, config: Config, database: Path
) -> None:
    notes = database.parents[1] / "notes"
    with Brain(config) as brain:
        made = brain.keep.backup().path
    plant(home, statement)
    level, message, hint = row_finding(config)
    assert level == "error"
    assert PLANTED[statement].format(notes=notes) in message
    column = statement.partition(" SET ")[2].partition(" ")[0]
    assert f"{made} has it as it was ({column})" in message
    assert f"brain restore {made} --to" in hint
    with Brain(config) as brain:
        before = copies.digest(brain.resources.store.connection.conn)
    assert row_finding(config, repair=True)[0] == "error"
    with Brain(config) as brain:
        assert copies.digest(brain.resources.store.connection.conn) == before


def test_a_damaged_hash_is_told_from_a_damaged_row_and_a_row_of_a_stranger_is_named(
    home: Path, config: Config
) -> None:
    with Brain(config) as brain:
        brain.keep.backup()
    plant(home, "UPDATE documents SET row_hash = row_hash + 1 WHERE title = 'Tea'")
    plant(home, "INSERT INTO settings (name, value) VALUES ('theirs', 'x')")
    _level, message, hint = row_finding(config)
    assert "has it as it was (its checksum alone)" in message
    assert "setting theirs is not what was stored" in message
    assert hint


def test_without_a_backup_that_has_it_none_is_named(home: Path, config: Config) -> None:
    plant(home, "UPDATE documents SET trust = 'other' WHERE title = 'Tea'")
    with Brain(config) as brain:
        brain.keep.backup()  # too late
    _level, message, hint = row_finding(config)
    assert "as it was" not in message
    assert "restore" in hint


def test_no_verb_hides_what_was_damaged(
    home: Path, config: Config, database: Path
) -> None:
    """A tag, a judgment, a new version of the file: the damage stays in sight until the row is gone."""
    notes = database.parents[1] / "notes"
    plant(
        home,
        "UPDATE documents SET label = 'public' WHERE title = 'Tea'",
        "UPDATE episodes SET label = 'public' WHERE kind = 'ask'",
    )
    own = config.home.parent / "own"
    shutil.copytree(notes, own)
    with Brain(config) as brain:
        brain.library.tag(str(notes / "tea.md"), ["hot"])
        brain.judge.feedback("good")
        document = brain.library.document(str(notes / "tea.md"))
        connection = brain.resources.store.connection
        connection.conn.execute(
            "UPDATE documents SET size = 0 WHERE id = ?", (document.row.id,)
        )
        (notes / "tea.md").write_text("# Tea\n\nGreen tea wants 75 degrees.\n", "utf-8")
        try:
            brain.add([notes / "tea.md"])
        finally:
            shutil.copy2(own / "tea.md", notes / "tea.md")
        assert "75 degrees" in brain.library.document(document.row.id).text
        assert {found.table for found in RowCheck(connection).damage()} == {
            "documents",
            "episodes",
        }
        brain.library.forget([document.row.id], dry_run=False)
        assert {found.table for found in RowCheck(connection).damage()} == {"episodes"}
        brain.library.undo()
        assert {found.table for found in RowCheck(connection).damage()} == {
            "documents",
            "episodes",
        }


class Day:
    """A long day of one person: verbs at random, after each of which every row has its own hash."""

    def __init__(self, brain: Brain, place: Path, chance: random.Random) -> None:
        self.brain, self.place, self.chance = brain, place, chance
        self.notes = place / "notes"
        self.notes.mkdir()
        (self.notes / "0.md").write_text("# Zero\n\nwords\n", "utf-8")
        self.brain.add([self.notes])
        self.exports = 0

    def text(self) -> str:
        words = [
            "lease",
            "boiler",
            "tea",
            "Ana",
            "key",
            "winter",
            "日本",
            "C++",
            "rent",
        ]
        body = " ".join(self.chance.choices(words, k=self.chance.randrange(3, 60)))
        head = (
            f"---\ntags: [{self.chance.choice(words[:4])}]\n---\n"
            if self.chance.random() < 0.3
            else ""
        )
        rest = "\n\n".join(f"{number} {LONG}" for number in range(3))
        return f"{head}# {self.chance.choice(words)}\n\n{body} [[{self.chance.choice(words)}]] {LONG}\n\n{rest}\n"

    def file(self) -> Path:
        return self.chance.choice(
            sorted(self.notes.glob("*.md")) or [self.notes / "1.md"]
        )

    def any(self) -> str:
        return self.chance.choice(self.brain.library.documents()).id

    def sync(self) -> None:
        sync(
            self.brain.resources, wait=False
        )  # without Chroma's child, which takes a second

    def write(self) -> None:
        (self.notes / f"{self.chance.randrange(12)}.md").write_text(
            self.text(), "utf-8"
        )
        self.brain.add([self.notes], tags=[self.chance.choice(["a", "b"])])

    def edit(self) -> None:
        """Another paragraph below the title: the chunks behind it stay as they are and move."""
        path = self.file()
        head, _, rest = (
            path.read_text("utf-8") if path.exists() else self.text()
        ).partition("# ")
        title, _, body = rest.partition("\n\n")
        path.write_text(
            f"{head}# {title}\n\n{self.chance.random()} {LONG}\n\n{body}\n\n{LONG}",
            "utf-8",
        )
        self.sync()

    def rename(self) -> None:
        if self.file().exists():
            self.file().rename(self.notes / f"{self.chance.randrange(12, 24)}.md")
        self.sync()

    def drop(self) -> None:
        self.file().unlink(missing_ok=True)
        self.sync()

    def note(self) -> None:
        self.brain.note(self.text(), title=self.chance.choice(["", "Note"]), tags=["n"])

    def remember(self) -> None:
        self.brain.remember(
            self.text(),
            at="2026-05-06",
            session=self.chance.choice(["", "talk"]),
            people=["Ana"],
        )

    def ask(self) -> None:
        self.brain.ask(
            Request(
                self.chance.choice(
                    [
                        "what about the boiler?",
                        "who has the key?",
                        "how many notes mention tea?",
                    ]
                ),
                limit=8,
            )
        )

    def judge(self) -> None:
        self.brain.judge.feedback(
            self.chance.choice(["good", "wrong"]),
            why="so",
            source=self.chance.choice(["", self.any()]),
        )

    def tag(self) -> None:
        self.brain.library.tag(
            self.any(), [self.chance.choice("xyz")], [self.chance.choice("xyzn")]
        )

    def describe(self) -> None:
        self.brain.library.describe(
            str(self.notes), self.chance.choice(["papers", "more"])
        )

    def skill(self) -> None:
        folder = self.place / "week"
        folder.mkdir(exist_ok=True)
        (folder / "SKILL.md").write_text(
            f"---\nname: week\ndescription: Look\n---\n{self.chance.random()}\n",
            "utf-8",
        )
        self.brain.skills.add(folder)

    def forget(self) -> None:
        self.brain.library.forget([self.any()], dry_run=False)

    def forget_round(self) -> None:
        self.brain.library.forget(
            [f"episode:{self.chance.choice(self.brain.library.episodes()).id}"],
            dry_run=False,
        )

    def undo(self) -> None:
        self.brain.library.undo()

    def erase(self) -> None:
        self.brain.keep.erase([self.any()], dry_run=False)

    def calibrate(self) -> None:
        self.brain.judge.calibrate(reset=self.chance.random() < 0.5)
        self.brain.judge.eval_init(
            self.place / "questions.json", count=2, absent=1, force=True
        )
        self.brain.judge.eval_run(self.place / "questions.json")

    def carry(self) -> None:
        self.exports += 1
        out = self.place / f"out{self.exports}"
        self.brain.keep.export(out)
        self.brain.keep.import_from(out)
        with Brain(
            Config(
                home=self.place / f"home{self.exports}",
                models=Models("wordllama", "builtin"),
            )
        ) as other:
            other.keep.import_from(out)
            assert RowCheck(other.resources.store.connection).damage() == []

    def back_up(self) -> None:
        self.brain.keep.restore(Path(self.brain.keep.backup().path))


VERBS = [
    name for name in vars(Day) if name[0] != "_" and name not in ("text", "file", "any")
]
SLOW = (
    "erase",
    "calibrate",
    "carry",
    "back_up",
)  # seconds each: once in the day of the quick suite


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))]
)
@pytest.mark.fault
def test_after_a_long_day_of_every_verb_the_deep_look_finds_nothing(
    seed: int, config: Config, tmp_path: Path
) -> None:
    chance, done = random.Random(seed), Counter[str]()
    often = VERBS if seed > 1 else [verb for verb in VERBS if verb not in SLOW]
    clock = iter(NOW + timedelta(minutes=i) for i in range(100_000))
    small = replace(
        config, ingest=Ingest(chunk_tokens=100)
    )  # so that a note has several
    with Brain(small, now=lambda: next(clock)) as brain:
        day = Day(brain, tmp_path, chance)
        for verb in [*VERBS, *often, *chance.choices(often, k=20)]:
            try:
                getattr(day, verb)()
                done[verb] += 1
            except (BrainError, IndexError):
                continue  # nothing there to do it with
            damage = RowCheck(brain.resources.store.connection).damage()
            assert not damage, (verb, damage)
        brain.keep.rebuild()
        assert [
            c for c in brain.keep.doctor(deep=True, repair=False) if c.level == "error"
        ] == []
    assert len(done) >= len(VERBS) - 4
