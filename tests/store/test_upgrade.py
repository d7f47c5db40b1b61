"""Every database that this program ever wrote opens, whole; a migration is all or nothing, and a newer file stays as it is.

`python -m tests.store.test_upgrade` writes the golden files of the present schema anew. Those of a released schema stay as they
are for ever; while a schema is not released, its dump is made again when it changes.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from itertools import cycle, repeat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from brain.app import Brain
from brain.app.capture import remember_episodes
from brain.config import Config, Models
from brain.errors import StoreError
from brain.faults import KILLED, VARIABLE
from brain.store import copies
from brain.store.cells import CarefulConnection
from brain.store.connection import connect
from brain.store.row_check import RowCheck
from brain.store.row_hash import COVERED
from brain.types import Episode, Request, Scope
from ingest.terms import index_terms, tokens
from migrations import APPLICATION_ID, LATEST, NAMES, migrate
from tests.bad_values import BAD, NO_UTF_8, assigned

if TYPE_CHECKING:
    from sqlite_utils import Database

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parents[1] / "golden"
SCHEMA = GOLDEN / "schema.sql"
ADDED_SINCE = ("model_speeds", "properties")  # tables that no store of schema 1 had


@pytest.fixture(scope="session")
def empty_store() -> bytes:
    """Migrations are what is tried here: every store is made by them."""
    return b""


@pytest.mark.parametrize("version", range(1, LATEST + 1))
def test_a_copy_is_compared_with_the_schema_that_the_migrations_make(
    version: int,
) -> None:
    """The judge makes it without sqlite-utils, which takes longer to load than a copy to judge."""
    from sqlite_utils import Database

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        migrate(Database(conn), stop_after=version)
        assert copies._schema(conn) == dict(copies._schema_of(version))


# -- golden files ---------------------------------------------------------------------------------------------------------


def schema_of(path: Path) -> str:
    """Everything in the file that has SQL, in one order, sqlite-utils' own table without its wording."""
    with closing(sqlite3.connect(path)) as conn:
        rows = conn.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"
        ).fetchall()
    inner = re.compile(r"_fts_(data|idx|docsize|config|content)$")
    kept = [
        f"-- {kind} {name}\n{sql.strip()};"
        for kind, name, sql in rows
        if not inner.search(name) and name[0] != "_"
    ]
    return "\n\n".join(item for item in kept if "sqlite_sequence" not in item) + "\n"


def dump(path: Path) -> Iterator[str]:
    """A script that makes the same database again; full text is filled from its rows."""
    with closing(sqlite3.connect(path)) as conn:
        yield f"PRAGMA application_id = {APPLICATION_ID}"
        yield f"PRAGMA user_version = {conn.execute('PRAGMA user_version').fetchone()[0]}"
        rows = conn.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        ).fetchall()
        virtual = [name for _, name, sql in rows if sql.startswith("CREATE VIRTUAL")]
        inner = tuple(f"{name}_" for name in virtual)
        tables = [
            (n, sql)
            for kind, n, sql in rows
            if kind == "table"
            and n not in virtual
            and not n.startswith((*inner, "sqlite_"))
        ]
        for name, sql in tables:
            yield sql
            columns = [row[1] for row in conn.execute(f"PRAGMA table_info({name})")]
            quoted = " || ', ' || ".join(f'quote("{column}")' for column in columns)
            for (values,) in conn.execute(f"SELECT {quoted} FROM {name}"):
                yield f"INSERT INTO {name} VALUES ({values})"
        for name, seq in conn.execute("SELECT name, seq FROM sqlite_sequence"):
            yield f"UPDATE sqlite_sequence SET seq = {seq} WHERE name = '{name}'"
        yield from (sql for kind, name, sql in rows if name in virtual)
        yield from (
            f"INSERT INTO {name}({name}) VALUES ('rebuild')"
            for name in virtual
            if name.endswith("_fts")
        )
        yield from (
            sql for kind, _, sql in rows if kind in ("index", "trigger", "view")
        )


def make_golden() -> None:
    """Write `schema.sql`, and the dump of a small store of the present schema."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        config = Config(
            home=Path(place) / "home", models=Models("wordllama", "builtin")
        )
        with Brain(config) as brain:
            brain.note(
                "The landlord mends the boiler before winter.",
                title="Lease",
                tags=["flat"],
            )
            brain.note(
                "東京で会った人は先生でした。 C++ and C# are words.", title="日本"
            )
            brain.note("Мы подписали договоры аренды.", title="Аренда")
            brain.note("This one is forgotten.", title="Gone")
            gone = next(
                row.id for row in brain.library.documents() if row.title == "Gone"
            )
            brain.library.forget([gone], dry_run=False)
            remember_episodes(
                brain.resources,
                [
                    Episode(
                        "",
                        "2026-05-07T10:00:00+00:00",
                        "import",
                        "where is the key?",
                        "With Ana.",
                        session="talk",
                    )
                ],
            )
            skill = Path(place) / "week"
            skill.mkdir()
            (skill / "SKILL.md").write_text(
                "---\nname: week\ndescription: Look back at the week\n---\nOpen the journal.\n"
            )
            brain.skills.add(skill)
            notes = Path(place) / "notes"
            notes.mkdir()
            (notes / "tea.md").write_text(
                "---\ntags: [kitchen]\n---\n# Tea\n\nBlack tea, see [[Lease]].\n",
                "utf-8",
            )
            (notes / "x.bin").write_bytes(b"\0\1")
            brain.add([notes], tags=["mine"])
            brain.library.describe(str(notes), "what we drink")
            brain.ask(Request("who mends the boiler?", limit=8))
            brain.judge.feedback("good", why="it was so")
            brain.inbox.propose("Ana keeps the spare key.", "keys", "claude-code")
        SCHEMA.write_text(schema_of(config.database), "utf-8")
        (GOLDEN / f"schema_{LATEST}.sql").write_text(
            ";\n".join(dump(config.database)) + ";\n", "utf-8"
        )


def grown(version: int, home: Path) -> Path:
    """The golden database of a version, as a file."""
    home.mkdir(mode=0o700, parents=True)
    path = home / "brain.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.executescript((GOLDEN / f"schema_{version}.sql").read_text("utf-8"))
    path.chmod(0o600)
    return path


# -- the tests ------------------------------------------------------------------------------------------------------------


def test_the_schema_is_the_one_that_was_written_down(tmp_path: Path) -> None:
    connect(tmp_path / "brain.db").close()
    assert schema_of(tmp_path / "brain.db") == SCHEMA.read_text("utf-8"), (
        "if that is meant: python -m tests.store.test_upgrade"
    )


def test_every_released_schema_has_its_golden_database() -> None:
    assert {path.name for path in GOLDEN.glob("schema_*.sql")} == {
        f"schema_{n}.sql" for n in range(1, len(NAMES) + 1)
    }


@pytest.mark.parametrize("version", range(1, LATEST + 1))
def test_a_golden_database_opens_migrated_and_whole(
    version: int, config: Config
) -> None:
    path = grown(version, config.home)
    with Brain(config) as brain:
        assert brain.resources.store.connection.conn.execute(
            "PRAGMA user_version"
        ).fetchone() == (LATEST,)
        assert [
            c for c in brain.keep.doctor(deep=True, repair=False) if c.level == "error"
        ] == []
        assert {row.title for row in brain.library.documents()} >= {"Lease", "日本"}
        assert brain.search(Request("boiler landlord")).passages[0].title == "Lease"
        assert brain.search(Request("先生", mode="lexical")).passages[0].title == "日本"
        assert brain.skills.list()[0].name == "week"
        brain.library.undo()
        assert "Gone" in {row.title for row in brain.library.documents()}
    assert schema_of(path) == SCHEMA.read_text("utf-8")


def next_schema(database: Database) -> None:
    """What the migration after the present ones would do."""
    database.execute("CREATE TABLE later (x)")
    database.execute("UPDATE documents SET trust = 'moved'")
    database.execute(f"PRAGMA user_version = {LATEST + 1}")


def columns_of(path: Path) -> dict[str, list[str]]:
    """The columns of every table, without what is made anew from others."""
    with closing(sqlite3.connect(path)) as conn:
        names = [
            row[0]
            for row in conn.execute(
                "SELECT name FROM sqlite_master WHERE type='table' AND sql NOT LIKE '%VIRTUAL%'"
            )
        ]
        return {
            name: [
                row[1]
                for row in conn.execute(f"PRAGMA table_info({name})")
                if row[1] not in ("row_hash", "terms", "around")
            ]
            for name in names
            # sqlite-utils notes its migrations
            if not name.startswith("_")
            and "_fts_" not in name
            and name not in ADDED_SINCE
        }


def contents(
    path: Path, columns: dict[str, list[str]] | None = None
) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of schema 1, or of these columns, without what later schemas add or make anew."""
    chosen = columns_of(path) if columns is None else columns
    held = {}
    with closing(sqlite3.connect(path)) as conn:
        for name, of_table in chosen.items():
            listed = ", ".join(f'"{column}"' for column in of_table)
            held[name] = conn.execute(
                f"SELECT {listed} FROM {name} ORDER BY {listed}"
            ).fetchall()
    return held


def test_schema_2_changes_no_value_and_its_hashes_are_those_that_are_written_today(
    config: Config,
) -> None:
    path = grown(1, config.home)
    columns = columns_of(path)
    before = contents(path, columns)
    connection = connect(path)
    assert RowCheck(connection).damage() == []
    assert all(
        connection.conn.execute(
            f"SELECT count(row_hash) = count(*) FROM {t}"
        ).fetchone()[0]
        for t in COVERED
    )
    connection.close()
    after = contents(path, columns)
    found = without_hashes({table: after[table] for table in before})
    assert found == upgraded(before)
    assert sum(map(len, before.values())) > 20


Held = dict[str, list[tuple[object, ...]]]
# A row in the trash carries its hash inside its text; that it is sound is seen when the row comes back.
HASH_IN_TRASH = re.compile(r'"row_hash": -?\d+')


def upgraded(held: Held) -> Held:
    """What a store holds once it is of the present schema."""
    return changed(held, without_label)


def without_hashes(held: Held) -> Held:
    """The same rows but the hashes of what lies in the trash."""
    return changed(held, without_hash)


def changed(held: Held, change: Callable[[object], object]) -> Held:
    return {
        table: [tuple(map(change, row)) for row in rows] for table, rows in held.items()
    }


def without_hash(value: object) -> object:
    return HASH_IN_TRASH.sub("", value) if isinstance(value, str) else value


def without_label(value: object) -> object:
    """A value of before schema 12: the label that nobody chose is none since, also of what lies in the trash."""
    if value == "internal":
        return "unlabelled"
    if isinstance(value, str):
        value = value.replace('"label": "internal"', '"label": "unlabelled"')
    return without_hash(value)


def test_schema_12_takes_back_the_labels_that_nobody_chose(config: Config) -> None:
    """What was set to something else stays, and a damaged row is not vouched for."""
    path = grown(10, config.home)
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("UPDATE documents SET label = 'public' WHERE title = '日本'")
        conn.execute("UPDATE documents SET entry = 'name' WHERE title = 'Аренда'")
        conn.commit()
    connection = connect(path)
    labels = dict(connection.conn.execute("SELECT title, label FROM documents"))
    assert (labels["日本"], labels["Lease"]) == ("public", "unlabelled")
    for table in ("episodes", "skills"):
        found = connection.conn.execute(f"SELECT DISTINCT label FROM {table}")
        assert found.fetchall() == [("unlabelled",)]
    damaged = {damage.row["title"] for damage in RowCheck(connection).damage()}
    assert damaged == {"日本", "Аренда"}
    connection.close()
    with Brain(config) as brain:
        brain.library.undo()
        by_title = {row.title: row.label for row in brain.library.documents()}
        assert by_title["Gone"] == "unlabelled"
        assert len(RowCheck(brain.resources.store.connection).damage()) == 2


def test_schema_3_finds_old_texts_of_other_scripts_by_their_stems(
    config: Config,
) -> None:
    path = grown(2, config.home)
    written = ("договоры аренды подписаны", "الإيجار والعقود")
    with closing(
        sqlite3.connect(path)
    ) as conn:  # as the program of schema 2 wrote them
        keys = [
            row[0]
            for row in conn.execute("SELECT pk FROM knowledge ORDER BY pk LIMIT 2")
        ]
        conn.executemany(
            "UPDATE knowledge SET terms=? WHERE pk=?", zip(written, keys, strict=True)
        )
        conn.commit()
    connection = connect(
        path, latest=3, upgrade=lambda database: migrate(database, stop_after=3)
    )
    rows = dict(connection.conn.execute("SELECT pk, terms FROM knowledge").fetchall())
    assert (
        [rows[key] for key in keys]
        == [index_terms(text) for text in written]
        != list(written)
    )
    asked = "SELECT rowid FROM knowledge_fts WHERE knowledge_fts MATCH ?"
    assert connection.conn.execute(
        asked, (f'"{tokens("договором")[0]}"',)
    ).fetchall() == [(keys[0],)]
    connection.close()


def test_schema_5_finds_old_texts_by_plain_letters_and_whole_numbers(
    config: Config,
) -> None:
    path = grown(3, config.home)
    said = "Łódź: 12,450.00, tel. +34 600 123 456, Haft\u00adpflicht"
    with closing(sqlite3.connect(path)) as conn:
        old = "łodz: 12,450.00, tel.  34 600 123 456, haft\u00adpflicht"
        (key,) = conn.execute("SELECT min(pk) FROM knowledge").fetchone()
        change = "UPDATE knowledge SET content=?, terms=? WHERE pk=?"
        conn.execute(change, (said, old, key))
        conn.execute("UPDATE skills SET body=?, terms=?", (said, old))
        conn.commit()
    connection = connect(path)
    asked = "SELECT rowid FROM knowledge_fts WHERE knowledge_fts MATCH ?"
    for word in ("lodz", "12450", "600123456", "haftpflicht"):
        found = connection.conn.execute(asked, (f'"{word}"',)).fetchall()
        assert found == [(key,)], word
    (terms,) = connection.conn.execute("SELECT terms FROM skills").fetchone()
    assert terms == index_terms(said)
    connection.close()


def test_schema_7_makes_properties_of_what_was_stored(config: Config) -> None:
    path = grown(5, config.home)
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(
            "UPDATE documents SET metadata=? WHERE title='Tea'",
            ('{"Author": "Donella Quist", "rating": "4"}',),
        )
        conn.commit()
    with Brain(config) as brain:
        assert [
            row.title
            for row in brain.library.documents(scope=Scope(where=("RATING>=4",)))
        ] == ["Tea"]
        found = brain.search(Request("quist", mode="lexical")).passages
        assert [passage.title for passage in found] == ["Tea"]
        found = brain.search(Request("kitchen", mode="lexical")).passages
        assert [passage.title for passage in found] == ["Tea"]


@pytest.mark.parametrize(
    ("table", "column"),
    [("documents", "trust"), ("tags", "tag"), ("tags", "document_id")],
)
def test_text_that_is_no_utf_8_does_not_stop_the_migration_and_is_named(
    table: str, column: str, config: Config
) -> None:
    path = grown(1, config.home)
    value, _bound = assigned(BAD[NO_UTF_8])
    with closing(sqlite3.connect(path)) as conn:
        chosen = conn.execute(f"SELECT min({column}) FROM {table}").fetchone()
        change = f"UPDATE {table} SET {column} = {value} WHERE {column} = ?"
        hurt = conn.execute(change, chosen).rowcount
        conn.commit()
        select = f"SELECT count(*) FROM {table} WHERE {column} = {value}"
        before = conn.execute(select).fetchone()
    connection = connect(path)
    assert connection.conn.execute(select).fetchone() == before
    found = RowCheck(connection).damage()
    assert [damage.table for damage in found] == [table] * hurt
    connection.close()


def stored_at(version: int) -> tuple[sqlite3.Connection, list[tuple[str, str]]]:
    """The golden database of a version in memory, and the columns of its tables."""
    conn = sqlite3.connect(":memory:")
    conn.executescript((GOLDEN / f"schema_{version}.sql").read_text("utf-8"))
    tables = conn.execute(
        "SELECT name FROM sqlite_master WHERE type='table' AND sql NOT LIKE '%VIRTUAL%'"
    )
    columns = []
    for (table,) in tables.fetchall():
        if table[0] == "_" or "_fts_" in table or table == "sqlite_sequence":
            continue
        for row in conn.execute(f"PRAGMA table_info({table})"):
            columns.append((table, row[1]))
    return conn, columns


def upgrades_stopped(version: int, bad: Iterable[object]) -> list[str]:
    """Columns in which a bad value stops the upgrade of a store; the value is the next of `bad`."""
    from sqlite_utils import Database

    source, columns = stored_at(version)
    stopped = []
    for (table, column), value in zip(columns, bad, strict=False):
        conn = sqlite3.connect(
            ":memory:", factory=CarefulConnection, isolation_level=None
        )
        source.backup(conn)
        conn.execute("PRAGMA ignore_check_constraints=ON")
        expression, bound = assigned(value)
        with suppress(sqlite3.Error):  # the schema itself refuses it
            conn.execute(f'UPDATE OR IGNORE {table} SET "{column}"={expression}', bound)
        conn.execute("PRAGMA foreign_keys=ON")
        try:
            migrate(Database(conn, execute_plugins=False))
        except Exception as error:
            stopped.append(f"{table}.{column} {str(value)[:40]!r}: {error!r}")
        conn.close()
    return stopped


# Each value meets one column in twenty; all of them meet all columns of each version in the slow run.
@pytest.mark.parametrize(
    "begin", [0, pytest.param(len(BAD) // 2, marks=pytest.mark.slow)]
)
def test_one_bad_value_in_a_column_stops_no_upgrade(begin: int) -> None:
    values = [*BAD.values()]
    assert upgrades_stopped(1, cycle(values[begin:] + values[:begin])) == []


@pytest.mark.slow
@pytest.mark.parametrize("version", range(1, LATEST))
@pytest.mark.parametrize("name", BAD)
def test_no_bad_value_in_any_column_stops_an_upgrade(version: int, name: str) -> None:
    assert upgrades_stopped(version, repeat(BAD[name])) == []


def test_an_older_database_is_copied_before_it_is_migrated(config: Config) -> None:
    path = grown(LATEST, config.home)
    with closing(sqlite3.connect(path)) as conn:
        before = copies.digest(conn)
    connect(path, latest=LATEST + 1, upgrade=next_schema).close()
    aside = config.home / f"brain.db.before-schema-{LATEST + 1}"
    assert copies.judge(aside).digest == before
    assert aside.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("SELECT DISTINCT trust FROM documents").fetchall() == [
            ("moved",)
        ]
    assert not list(config.home.glob("*.tmp"))


def test_a_new_database_is_not_copied(tmp_path: Path) -> None:
    connect(tmp_path / "brain.db").close()
    assert [path.name for path in tmp_path.iterdir()] == ["brain.db"]


MIGRATE = (
    "import sys; from pathlib import Path; from brain.store.connection import connect; from tests.store.test_upgrade import next_schema; "
    "from migrations import LATEST; connect(Path(sys.argv[1]), latest=LATEST + 1, upgrade=next_schema)"
)


def killed(code: str, path: Path) -> None:
    environ = {VARIABLE: "migrate.before_commit:1:exit", "PATH": os.environ["PATH"]}
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert run.returncode == KILLED, run.stderr


def test_a_kill_in_mid_migration_leaves_the_old_database(config: Config) -> None:
    path = grown(LATEST, config.home)
    with closing(sqlite3.connect(path)) as conn:
        before = copies.digest(conn)
    killed(MIGRATE, path)
    with Brain(config) as brain:
        assert copies.digest(brain.resources.store.connection.conn) == before
        assert [
            c for c in brain.keep.doctor(deep=True, repair=False) if c.level == "error"
        ] == []
    connect(path, latest=LATEST + 1, upgrade=next_schema).close()
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA user_version").fetchone() == (LATEST + 1,)


def content_digest(path: Path) -> str:
    with closing(sqlite3.connect(path)) as conn:
        return copies.digest(conn)


UPGRADE = "import sys; from pathlib import Path; from brain.store.connection import connect; connect(Path(sys.argv[1]))"
KILL_AT = """
import os, sys
from pathlib import Path
from brain.store.connection import connect
from migrations import migrate
def upgrade(database):
    left = [int(sys.argv[2])]
    def statement(sql):
        left[0] -= 1
        if not left[0]:
            os._exit(137)
    database.conn.set_trace_callback(statement)
    migrate(database)
connect(Path(sys.argv[1]), upgrade=upgrade)
"""


@pytest.mark.parametrize(
    ("version", "statement"),
    [
        *((1, n) for n in (0, 3, 8, 21, 40, 60)),
        *((2, n) for n in (0, 2, 4, 5, 7, 9)),
        *((5, n) for n in (0, 1)),
    ],
)
@pytest.mark.fault
def test_a_kill_in_a_real_upgrade_leaves_the_old_database_and_the_next_start_ends_it(
    version: int, statement: int, config: Config
) -> None:
    """After some statement of the migration (0: just before its COMMIT); then it is opened as every day."""
    path = grown(version, config.home)
    before, rows = content_digest(path), contents(path)
    columns = columns_of(path)  # what later schemas add is not compared
    if statement:
        run = subprocess.run(
            [sys.executable, "-c", KILL_AT, str(path), str(statement)],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert run.returncode == KILLED, run.stderr
    else:
        killed(UPGRADE, path)
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA user_version").fetchone() == (version,)
    assert content_digest(path) == before
    assert (
        copies.judge(config.home / f"brain.db.before-schema-{version + 1}").digest
        == before
    )
    with Brain(config) as brain:
        assert [
            c for c in brain.keep.doctor(deep=True, repair=False) if c.level == "error"
        ] == []
    assert without_hashes(contents(path, columns)) == upgraded(rows)
    assert schema_of(path) == SCHEMA.read_text("utf-8")


def test_what_was_forgotten_and_backed_up_under_schema_1_comes_back_and_can_be_erased(
    config: Config,
) -> None:
    path = grown(1, config.home)
    with Brain(config) as brain:
        (gone,) = brain.library.forgotten()
        brain.library.undo(gone.id)
        assert RowCheck(brain.resources.store.connection).damage() == []
        remember_episodes(
            brain.resources,
            [
                Episode(
                    "",
                    "2026-05-08T10:00:00+00:00",
                    "import",
                    "again?",
                    "See the lease.",
                    session="x",
                )
            ],
        )
        lease = next(
            row.id for row in brain.library.documents() if row.title == "Lease"
        )
        report = brain.keep.erase([lease], dry_run=False)
        assert [holding.state for holding in report.backups] == ["holds"]
        assert brain.keep.rewrite_backups().rewritten == (report.backups[0].path,)
        assert RowCheck(brain.resources.store.connection).damage() == []
    aside = path.with_name("brain.db.before-schema-2")
    assert copies.judge(aside).schema == 1
    assert b"boiler before winter" not in aside.read_bytes()
    with Brain(config) as brain:
        brain.keep.restore(aside)
    with Brain(config) as brain:
        assert [
            c for c in brain.keep.doctor(deep=True, repair=False) if c.level == "error"
        ] == []
        assert "日本" in {row.title for row in brain.library.documents()}


def test_a_kill_in_the_first_migration_leaves_a_file_that_opens(tmp_path: Path) -> None:
    path = tmp_path / "brain.db"
    killed(
        "import sys; from pathlib import Path; from brain.store.connection import connect; connect(Path(sys.argv[1]))",
        path,
    )
    assert path.exists()
    connect(path).close()
    assert schema_of(path) == SCHEMA.read_text("utf-8")


def test_a_newer_database_is_refused_and_not_touched(config: Config) -> None:
    path = grown(LATEST, config.home)
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(f"PRAGMA user_version = {LATEST + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer version of brain") as caught:
        connect(path)
    assert "upgrade brain" in caught.value.hint
    assert path.read_bytes() == before
    with Brain(config) as brain:
        assert "newer version" in brain.keep.doctor()[0].message


@pytest.mark.parametrize("version", [0, 7])
def test_somebody_elses_database_is_refused_and_not_touched(
    version: int, tmp_path: Path
) -> None:
    path = tmp_path / "brain.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE theirs (x)")
        conn.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a brain database"):
        connect(path)
    assert path.read_bytes() == before


if __name__ == "__main__":
    make_golden()
