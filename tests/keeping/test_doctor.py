"""Every check of the doctor finds the fault planted for it, and a repair mends what is derived and nothing else."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.capture import remember_episodes
from brain.config import Config, Models
from brain.index import snapshot
from brain.keeping import check_files
from brain.keeping import doctor as room
from brain.reports import Check
from brain.store import copies
from brain.types import Episode, Request

NOTES = {
    "tea.md": "# Tea\n\nBlack tea wants water just off the boil.\n\n## Green\n\nGreen tea wants 70 degrees and two minutes.\n",
    "lease.md": "---\ndate: 2026-05-07\ntags: [flat]\n---\n# Lease\n\nThe landlord mends the boiler before winter.\n\n- short\n- bullets\n",
    "日本.md": "# 日本語\n\n東京で会った人は先生でした。\n",
}
Plant = Callable[[Path], None]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with notes, an episode, a skill and its index files."""
    place = tmp_path_factory.mktemp("template")
    for name, text in {
        **NOTES,
        "week/SKILL.md": "---\nname: week\ndescription: Look back\n---\nOpen the journal\n",
    }.items():
        path = place / ("notes" if "/" not in name else "") / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    with Brain(
        Config(home=place / "home", models=Models("wordllama", "builtin"))
    ) as brain:
        brain.add([place / "notes"])
        brain.note("the spare key is with Ana", title="Keys")
        remember_episodes(
            brain.resources,
            [
                Episode(
                    "",
                    "2026-05-07T10:00:00+00:00",
                    "import",
                    "a question",
                    "an answer",
                    session="talk",
                )
            ],
        )
        brain.skills.add(place / "week")
        brain.search(Request("tea"))
    return place / "home"


@pytest.fixture
def home(template: Path, config: Config) -> Path:
    """A copy of it for one test."""
    shutil.copytree(template, config.home)
    return config.home


def examined(
    config: Config, *, deep: bool = False, repair: bool = False
) -> dict[str, Check]:
    with Brain(config) as brain:
        return {
            check.id: check for check in brain.keep.doctor(deep=deep, repair=repair)
        }


MENDED = ("anew", "narrowed", "removed", "placed", "finished", "filled")


def bad(checks: dict[str, Check]) -> set[str]:
    return {check.id for check in checks.values() if check.level != "ok"} - {
        "D16"
    }  # none of these homes has a backup


def sql(*statements: str) -> Plant:
    def plant(home: Path) -> None:
        conn = sqlite3.connect(home / "brain.db")
        for statement in statements:
            conn.execute(statement)
        conn.commit()
        conn.close()

    return plant


def flip(path: Path, at: int, bit: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << bit)]))


def damaged_exact_file(home: Path) -> None:
    path = next((home / "index").glob("exact-knowledge-*.f32"))
    flip(path, path.stat().st_size // 2)


def old_file(name: str) -> Plant:
    def plant(home: Path) -> None:
        path = home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        path.chmod(0o600)
        os.utime(path, (time.time() - 7_200,) * 2)

    return plant


def sparse_directory(home: Path) -> None:
    """As a crash of Chroma left it in releases that wrote into it in place."""
    place = home / "index" / "vec-7"
    place.mkdir(mode=0o700)
    with (place / "link_lists.bin").open("wb") as file:
        file.truncate(2**30)
    (place / "link_lists.bin").chmod(0o600)


def damaged_index_page(home: Path) -> None:
    """One byte of an index, so that it disagrees with its table: only the full check sees it."""
    path = home / "brain.db"
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    value = (
        conn.execute("SELECT content_hash FROM documents WHERE title = 'Tea'")
        .fetchone()[0]
        .encode()
    )
    size = conn.execute("PRAGMA page_size").fetchone()[0]
    conn.close()
    data = path.read_bytes()
    at = next(
        i
        for i in range(len(data))
        if data.startswith(value, i) and b"Black tea" not in data[i - i % size :][:size]
    )
    flip(path, at + 20)


VECTOR = "substr(vector, 1, 20) || X'FFFF' || substr(vector, 23)"
BEGUN = "2026-05-01T10:00:00+00:00"
DERIVED: dict[str, tuple[str, Plant]] = {
    "a folder open to others": ("D01", lambda home: (home / "index").chmod(0o755)),
    "database open to others": ("D01", lambda home: (home / "brain.db").chmod(0o644)),
    "a stale temporary file": ("D02", old_file("restore.db.77.tmp")),
    "a stale temporary backup": ("D02", old_file("backups/brain.db.77.tmp")),
    "an emptied full text": (
        "D05",
        sql("INSERT INTO knowledge_fts(knowledge_fts) VALUES ('delete-all')"),
    ),
    "an emptied full text of episodes": (
        "D05",
        sql("INSERT INTO episodes_fts(episodes_fts) VALUES ('delete-all')"),
    ),
    "a changed vector": (
        "D06",
        sql(f"UPDATE embeddings SET vector = CAST({VECTOR} AS BLOB) WHERE rowid = 1"),
    ),
    "a short vector": (
        "D06",
        sql("UPDATE embeddings SET vector = substr(vector, 3) WHERE rowid = 2"),
    ),
    "a vector of no text": (
        "D06",
        sql(
            "INSERT INTO embeddings SELECT 'none', fingerprint, vector, NULL, crc FROM embeddings LIMIT 1"
        ),
    ),
    "damaged sentence vectors": (
        "D06",
        sql(
            "UPDATE embeddings SET sentences = CAST(zeroblob(512) || X'01020304' AS BLOB)"
        ),
    ),
    "a changed chunk": (
        "D06",
        sql("UPDATE knowledge SET content = replace(content, 'landlord', 'LANDLORD')"),
    ),
    "changed search terms": (
        "D06",
        sql("UPDATE knowledge SET terms = terms || ' stray' WHERE pk = 1"),
    ),
    "changed terms of an episode": (
        "D06",
        sql("UPDATE episodes SET terms = upper(terms)"),
    ),
    "changed neighbours": (
        "D06",
        sql("UPDATE knowledge SET around = 'stray' WHERE pk = 1"),
    ),
    "a moved chunk": (
        "D07",
        sql("UPDATE knowledge SET start = start + 1 WHERE pk = 1"),
    ),
    "a cut end": (
        "D07",
        sql(
            'UPDATE knowledge SET "end" = "end" - 1 WHERE pk = (SELECT max(pk) FROM knowledge)'
        ),
    ),
    "a damaged exact file": ("D10", damaged_exact_file),
    "an orphan snapshot": (
        "D11",
        lambda home: (home / "index" / "snapshot-99").mkdir(mode=0o700),
    ),
    "a sparse directory of an older release": ("D11", sparse_directory),
    "an unused exact file": ("D11", old_file("index/exact-knowledge-0123456789ab.f32")),
    "an unfinished index file": ("D11", old_file("index/exact.f32.99.tmp")),
    "an erasure that another process does not finish": (
        "D18",
        sql(f"INSERT INTO settings VALUES ('erasing', '{BEGUN} {os.getppid()}', 0)"),
    ),
}
TRUTH: dict[str, tuple[str, str, Plant]] = {
    "a row that points at nothing": (
        "D03",
        "error",
        sql("INSERT INTO tags VALUES ('nothing', 'x', 'person', 0)"),
    ),
    "an index that disagrees": ("D04", "error", damaged_index_page),
    "a changed text": (
        "D06",
        "error",
        sql("UPDATE documents SET text = replace(text, 'boiler', 'Boiler')"),
    ),
    "a changed title": (
        "D06",
        "error",
        sql("UPDATE documents SET title = 'Leased' WHERE title = 'Lease'"),
    ),
    "a changed skill": ("D06", "error", sql("UPDATE skills SET body = 'Do nothing'")),
    "a changed answer": (
        "D06",
        "error",
        sql("UPDATE episodes SET answer = 'another' WHERE answer = 'an answer'"),
    ),
    "an unreadable list": (
        "D06",
        "error",
        sql("UPDATE documents SET metadata = '{' WHERE title = 'Tea'"),
    ),
    "a missing label": (
        "D12",
        "error",
        sql("UPDATE documents SET label = '' WHERE title = 'Tea'"),
    ),
    "a key in the configuration": (
        "D15",
        "error",
        lambda home: (home / "config.toml").write_text(
            "# sk-" + "abcdefghij" * 3 + "\n"
        ),
    ),
}


def test_a_healthy_store_has_no_finding_but_the_missing_backup(
    home: Path, config: Config
) -> None:
    checks = examined(config, deep=True)
    assert {
        check.id: (check.level, check.message)
        for check in checks.values()
        if check.level != "ok"
    } == {"D16": ("warning", "there is no backup yet")}
    assert list(checks) == [check[0] for check in room.CHECKS]
    assert "D06" not in examined(config)


def test_looking_changes_nothing(home: Path, config: Config) -> None:
    def state() -> dict[str, bytes]:
        return {
            str(p): p.read_bytes()
            for p in sorted(home.rglob("*"))
            if p.is_file() and p.name != "snapshot.lock"
        }

    before = state()
    examined(config, deep=True)
    assert state() == before


@pytest.mark.parametrize("name", DERIVED)
def test_a_derived_fault_is_found_and_mended(
    name: str, home: Path, config: Config
) -> None:
    identity, plant = DERIVED[name]
    plant(home)
    with Brain(config) as brain:
        texts = [
            tuple(row)
            for row in brain.resources.store.connection.conn.execute(
                "SELECT id, text, title FROM documents"
            )
        ]
    assert identity in bad(examined(config, deep=True))
    mended = examined(config, deep=True, repair=True)
    assert mended[identity].level == "ok", mended[identity]
    assert any(word in check.message for check in mended.values() for word in MENDED)
    assert not bad(examined(config, deep=True))
    with Brain(config) as brain:
        assert texts == [
            tuple(row)
            for row in brain.resources.store.connection.conn.execute(
                "SELECT id, text, title FROM documents"
            )
        ]
        assert (
            brain.search(Request("landlord boiler"))
            .passages[0]
            .source.endswith("lease.md")
        )


@pytest.mark.parametrize("name", TRUTH)
def test_a_fault_of_the_truth_is_found_and_never_edited(
    name: str, home: Path, config: Config
) -> None:
    identity, level, plant = TRUTH[name]
    plant(home)
    assert examined(config, deep=True)[identity].level == level
    with Brain(config) as brain:
        before = copies.digest(brain.resources.store.connection.conn)
    left = examined(config, deep=True, repair=True)[identity]
    assert left.level == level
    assert left.hint
    with Brain(config) as brain:
        assert copies.digest(brain.resources.store.connection.conn) == before


@pytest.mark.fault
def test_a_chroma_index_with_a_flipped_bit_is_found_and_filled_anew(
    home: Path, config: Config
) -> None:
    with Brain(config) as brain:
        snapshot.write(
            brain.resources.store.vectors,
            config.index_dir,
            brain.resources.serving.fingerprint,
        )
    assert not bad(examined(config, deep=True))
    path = next((home / "index").glob("snapshot-*/*/data_level0.bin"))
    flip(path, path.stat().st_size // 2)
    found = examined(config)
    assert (found["D10"].level, "damaged" in found["D10"].message) == ("error", True)
    assert examined(config, repair=True)["D10"].level == "ok"
    assert not bad(examined(config, deep=True))


def test_a_snapshot_that_claims_the_future(home: Path, config: Config) -> None:
    with Brain(config) as brain:
        fingerprint = brain.resources.serving.fingerprint
    row = "INSERT INTO index_generations (n, fingerprint, dimensions, state, applied_seq, created_at) VALUES "
    sql(f"{row} (1, '{fingerprint}', 256, 'live', 99999, '2026-01-01T00:00:00+00:00')")(
        home
    )
    found = examined(config)
    assert "claims change 99,999" in found["D09"].message
    assert found["D10"].level == "warning"
    assert not bad(examined(config, repair=True))


def flipped_places(path: Path, conn: sqlite3.Connection) -> list[tuple[int, int]]:
    """(first, last) offsets in the file of every stored text, chunk and vector, wherever their bytes stand."""
    pieces = [
        row[0].encode()
        for row in conn.execute(
            "SELECT text FROM documents UNION ALL SELECT content FROM knowledge"
        )
    ]
    pieces += [row[0] for row in conn.execute("SELECT vector FROM embeddings")]
    data, spans = path.read_bytes(), []
    for piece in pieces:
        for start in range(0, len(piece), 64):
            part = piece[start : start + 64]
            at = data.find(part) if len(part) >= 8 else -1
            while at >= 0:
                spans.append((at, at + len(part)))
                at = data.find(part, at + 1)
    return spans


@pytest.mark.fault
def test_every_flipped_bit_in_a_text_or_a_vector_is_found(
    home: Path, config: Config, tmp_path: Path
) -> None:
    """60 seeded flips of one bit each in the file itself; the deep look finds all of them."""
    sql("PRAGMA wal_checkpoint(TRUNCATE)")(home)
    conn = sqlite3.connect(home / "brain.db")
    spans = flipped_places(home / "brain.db", conn)
    conn.close()
    assert len(spans) > 20
    chance, missed = random.Random(20260727), []
    for trial in range(60):
        place = tmp_path / f"trial{trial}"
        place.mkdir(mode=0o700)
        shutil.copy2(home / "brain.db", place / "brain.db")
        first, last = chance.choice(spans)
        at, bit = chance.randrange(first, last), chance.randrange(8)
        flip(place / "brain.db", at, bit)
        if not bad(examined(replace(config, home=place), deep=True)):
            missed.append((at, bit))
        shutil.rmtree(place)
    assert not missed


def test_a_database_that_does_not_open_names_the_newest_backup(
    home: Path, config: Config
) -> None:
    with Brain(config) as brain:
        made = brain.keep.backup()
    (home / "brain.db").write_bytes(b"\0" * 8192 + b"garbage" * 512)
    checks = examined(config)
    assert checks["D03"].level == "error"
    assert made.path in checks["D03"].hint


def test_backups_are_drilled(home: Path, config: Config) -> None:
    with Brain(config) as brain:
        path = Path(brain.keep.backup().path)
    assert "would come back: 5 documents" in examined(config)["D16"].message
    flip(path, path.read_bytes().index(b"The landlord") + 5)
    assert examined(config)["D16"].level == "error"
    path.unlink()
    later = datetime.now(UTC) - timedelta(days=40)
    with Brain(config, now=lambda: later) as brain:
        brain.keep.backup()
    assert "40 days old" in examined(config)["D16"].message


def test_a_clock_that_went_back(home: Path, config: Config) -> None:
    with Brain(config, now=lambda: datetime(2020, 1, 1, tzinfo=UTC)) as brain:
        found = {
            check.id: check for check in brain.keep.doctor(deep=False, repair=False)
        }
    assert found["D17"].level == "warning"


def test_network_file_systems_are_told_by_the_mount_table(tmp_path: Path) -> None:
    assert check_files.NETWORK.fullmatch("nfs4")
    assert check_files.NETWORK.fullmatch("fuse.sshfs")
    assert not check_files.NETWORK.fullmatch("ext4")
    assert not check_files.NETWORK.fullmatch(check_files.file_system(tmp_path))


def test_what_cannot_be_checked_is_a_finding(home: Path, config: Config) -> None:
    sql("DROP TABLE embeddings")(home)
    found = examined(config, deep=True)
    assert found["D06"].level == "error"
    assert "could not be checked" in found["D06"].message
    assert found["D17"].level == "ok"


def test_rebuild_makes_everything_derived_anew(home: Path, config: Config) -> None:
    sql(
        "UPDATE knowledge SET terms = '', around = ''",
        "INSERT INTO knowledge_fts(knowledge_fts) VALUES ('delete-all')",
    )(home)
    sql("DELETE FROM embeddings")(home)
    snapshot.drop(home / "index")
    with Brain(config) as brain:
        report = brain.keep.rebuild()
        assert report.rows > 5
        assert report.waiting == 0
        assert report.vectors == 0, "exact search answers: nobody would ask a snapshot"
        assert (
            brain.search(Request("green tea minutes"))
            .passages[0]
            .source.endswith("tea.md")
        )
    assert not bad(examined(config, deep=True))
