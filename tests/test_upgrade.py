"""Every database that this program ever wrote opens, whole; a migration is all or nothing, and a newer file stays as it is.

`python -m tests.test_upgrade` writes the golden files of the present schema anew. Those of a released schema stay as they
are for ever; while a schema is not released, its dump is made again when it changes.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from brain.app import Brain, upkeep
from brain.config import Config, Models
from brain.errors import StoreError
from brain.faults import KILLED, VARIABLE
from brain.store import copies
from brain.store.connection import connect
from brain.types import Episode
from migrations import APPLICATION_ID, LATEST, NAMES

if TYPE_CHECKING:
    from sqlite_utils import Database

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden"
SCHEMA = GOLDEN / "schema.sql"


# -- golden files ---------------------------------------------------------------------------------------------------------


def schema_of(path: Path) -> str:
    """Everything in the file that has SQL, in one order, sqlite-utils' own table without its wording."""
    with closing(sqlite3.connect(path)) as conn:
        rows = conn.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"
        ).fetchall()
    inner = re.compile(r"_fts_(data|idx|docsize|config|content)$")
    kept = [
        f"-- {kind} {name}\n{sql.strip()};" for kind, name, sql in rows if not inner.search(name) and name[0] != "_"
    ]
    return "\n\n".join(item for item in kept if "sqlite_sequence" not in item) + "\n"


def dump(path: Path) -> Iterator[str]:
    """A script that makes the same database again; full text is filled from its rows."""
    with closing(sqlite3.connect(path)) as conn:
        yield f"PRAGMA application_id = {APPLICATION_ID}"
        yield f"PRAGMA user_version = {conn.execute('PRAGMA user_version').fetchone()[0]}"
        rows = conn.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        virtual = [name for _, name, sql in rows if sql.startswith("CREATE VIRTUAL")]
        inner = tuple(f"{name}_" for name in virtual)
        tables = [
            (n, sql)
            for kind, n, sql in rows
            if kind == "table" and n not in virtual and not n.startswith((*inner, "sqlite_"))
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
        yield from (f"INSERT INTO {name}({name}) VALUES ('rebuild')" for name in virtual if name.endswith("_fts"))
        yield from (sql for kind, _, sql in rows if kind in ("index", "trigger", "view"))


def make_golden() -> None:
    """Write `schema.sql`, and the dump of a small store of the present schema."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        config = Config(home=Path(place) / "home", models=Models("builtin", "builtin"))
        with Brain(config) as brain:
            brain.note("The landlord mends the boiler before winter.", title="Lease", tags=["flat"])
            brain.note("東京で会った人は先生でした。 C++ and C# are words.", title="日本")
            brain.note("This one is forgotten.", title="Gone")
            gone = next(row.id for row in brain.documents() if row.title == "Gone")
            brain.forget([gone], dry_run=False)
            brain.remember_many(
                [Episode("", "2026-05-07T10:00:00+00:00", "import", "where is the key?", "With Ana.", session="talk")]
            )
            skill = Path(place) / "week"
            skill.mkdir()
            (skill / "SKILL.md").write_text(
                "---\nname: week\ndescription: Look back at the week\n---\nOpen the journal.\n"
            )
            brain.skill_add(skill)
        SCHEMA.write_text(schema_of(config.database), "utf-8")
        (GOLDEN / f"schema_{LATEST}.sql").write_text(";\n".join(dump(config.database)) + ";\n", "utf-8")


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
        "if that is meant: python -m tests.test_upgrade"
    )


def test_every_released_schema_has_its_golden_database() -> None:
    assert {path.name for path in GOLDEN.glob("schema_*.sql")} == {f"schema_{n}.sql" for n in range(1, len(NAMES) + 1)}


@pytest.mark.parametrize("version", range(1, LATEST + 1))
def test_a_golden_database_opens_migrated_and_whole(version: int, config: Config) -> None:
    path = grown(version, config.home)
    with Brain(config) as brain:
        assert brain.parts.store.connection.conn.execute("PRAGMA user_version").fetchone() == (LATEST,)
        assert [c for c in upkeep.doctor(brain.parts, deep=True, repair=False) if c.level == "error"] == []
        assert {row.title for row in brain.documents()} >= {"Lease", "日本"}
        assert brain.search("boiler landlord").passages[0].title == "Lease"
        assert brain.search("先生", lexical=True).passages[0].title == "日本"
        assert brain.skills()[0].name == "week"
        brain.restore_forgotten()
        assert "Gone" in {row.title for row in brain.documents()}
    assert schema_of(path) == SCHEMA.read_text("utf-8")


def next_schema(database: Database) -> None:
    """What the migration after the present ones would do."""
    database.execute("CREATE TABLE later (x)")
    database.execute("UPDATE documents SET trust = 'moved'")
    database.execute(f"PRAGMA user_version = {LATEST + 1}")


def test_an_older_database_is_copied_before_it_is_migrated(config: Config) -> None:
    path = grown(LATEST, config.home)
    with closing(sqlite3.connect(path)) as conn:
        before = copies.digest(conn)
    connect(path, latest=LATEST + 1, upgrade=next_schema).close()
    aside = config.home / f"brain.db.before-schema-{LATEST + 1}"
    assert copies.judge(aside).digest == before
    assert aside.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("SELECT DISTINCT trust FROM documents").fetchall() == [("moved",)]
    assert not list(config.home.glob("*.tmp"))


def test_a_new_database_is_not_copied(tmp_path: Path) -> None:
    connect(tmp_path / "brain.db").close()
    assert [path.name for path in tmp_path.iterdir()] == ["brain.db"]


MIGRATE = (
    "import sys; from pathlib import Path; from brain.store.connection import connect; from tests.test_upgrade import next_schema; "
    "from migrations import LATEST; connect(Path(sys.argv[1]), latest=LATEST + 1, upgrade=next_schema)"
)


def killed(code: str, path: Path) -> None:
    environ = {VARIABLE: "migrate.before_commit:1:exit", "PATH": os.environ["PATH"]}
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)], env=environ, cwd=ROOT, capture_output=True, check=False
    )
    assert run.returncode == KILLED, run.stderr


def test_a_kill_in_mid_migration_leaves_the_old_database(config: Config) -> None:
    path = grown(LATEST, config.home)
    with closing(sqlite3.connect(path)) as conn:
        before = copies.digest(conn)
    killed(MIGRATE, path)
    with Brain(config) as brain:
        assert copies.digest(brain.parts.store.connection.conn) == before
        assert [c for c in upkeep.doctor(brain.parts, deep=True, repair=False) if c.level == "error"] == []
    connect(path, latest=LATEST + 1, upgrade=next_schema).close()
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA user_version").fetchone() == (LATEST + 1,)


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
        assert "newer version" in brain.doctor()[0].message


@pytest.mark.parametrize("version", [0, 7])
def test_somebody_elses_database_is_refused_and_not_touched(version: int, tmp_path: Path) -> None:
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
