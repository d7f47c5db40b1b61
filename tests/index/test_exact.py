from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from brain.index import ExactIndex, embed_pending, mapped_file
from brain.index.files import locked
from brain.index.mapped import REWRITE_ROWS
from brain.index.mapped_file import EXACT, LAYOUTS
from brain.store.vectors import VectorTable
from tests.index_support import (
    Clock,
    FakeEmbedder,
    add_chunks,
    connection_of,
    delete_chunks,
    filled,
    fingerprint,
    numbered,
    open_store,
)

FP = str(fingerprint())
COUNT = 300


@pytest.fixture
def home(tmp_path: Path) -> Path:
    filled(tmp_path, COUNT)
    return tmp_path


def open_index(home: Path, table: VectorTable | None = None) -> ExactIndex:
    return ExactIndex((table or open_store(home)).of("knowledge", FP), home / "index")


def path_of(home: Path) -> Path:
    return home / "index" / EXACT.name_of("knowledge", FP)


def question(number: int):  # type: ignore[no-untyped-def]
    return FakeEmbedder().embed_query(f"topic\ntext number {number}")


def finds(index: ExactIndex, number: int) -> bool:
    return [i for i, _ in index.query(question(number), limit=1)] == [f"c{number:06d}"]


def test_the_file_is_private_and_read_again(home: Path) -> None:
    assert finds(open_index(home), 7)
    path = path_of(home)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    before = path.stat().st_mtime_ns
    assert finds(open_index(home), 8)
    assert path.stat().st_mtime_ns == before
    assert [p.name for p in path.parent.glob("*.tmp")] == []


def test_it_never_lags_behind_another_connection(home: Path) -> None:
    index, other = open_index(home), open_store(home)
    assert finds(index, 7)
    add_chunks(other, numbered(5, COUNT))
    embed_pending(other, FakeEmbedder(), kind="knowledge", clock=Clock())
    delete_chunks(other, ["c000007"])
    assert finds(index, COUNT + 3)
    assert not finds(index, 7)
    assert index.ids() == set(numbered(COUNT + 5)) - {"c000007"}
    assert index.query(question(7), limit=3, allowed={"c000007"}) == []


def test_a_text_that_changed_is_found_by_its_new_vector(home: Path) -> None:
    table = open_store(home)
    index = open_index(home, table)
    assert finds(index, 7)
    delete_chunks(table, ["c000007"])
    add_chunks(table, {"c000007": "text number 9999"})
    embed_pending(table, FakeEmbedder(), kind="knowledge", clock=Clock())
    assert index.query(question(9999), limit=1)[0][0] == "c000007"


def test_little_change_leaves_the_file_and_much_writes_it_again(home: Path) -> None:
    table = open_store(home)
    index = open_index(home, table)
    finds(index, 1)
    for start, count, written in (
        (COUNT, 5, False),
        (COUNT + 5, REWRITE_ROWS + 1, True),
    ):
        before = path_of(home).stat().st_mtime_ns
        add_chunks(table, numbered(count, start))
        embed_pending(table, FakeEmbedder(), kind="knowledge", clock=Clock())
        assert finds(index, 2)
        delete_chunks(table, ["c000001"])
        finds(index, 3)
        index.close()
        assert (path_of(home).stat().st_mtime_ns != before) is written
    again = open_index(home)
    assert again.ids() == table.of("knowledge", FP).ids()
    assert not finds(again, 1)
    assert finds(again, COUNT + REWRITE_ROWS)


def damage(path: Path, how: str, rng: random.Random) -> None:
    size = path.stat().st_size
    if how == "deleted":
        path.unlink()
    elif how == "empty":
        os.truncate(path, 0)
    elif how == "cut":
        os.truncate(path, rng.randrange(1, size))
    elif how == "longer":
        with path.open("ab") as file:
            file.write(b"\0" * 100)
    elif how == "garbage":
        path.write_bytes(rng.randbytes(size))
    elif how == "a directory":
        path.unlink()
        path.mkdir()
    else:
        with path.open("r+b") as file:
            place = (
                rng.randrange(size)
                if how == "bit"
                else rng.randrange(size // 4096) * 4096
            )
            file.seek(place)
            old = file.read(1 if how == "bit" else 4096)
            file.seek(place)
            file.write(
                bytes([old[0] ^ (1 << rng.randrange(8))])
                if how == "bit"
                else bytes(len(old))
            )


HOWS = [
    "deleted",
    "empty",
    "cut",
    "longer",
    "garbage",
    "a directory",
    "zero page",
    *["bit"] * 8,
]


@pytest.mark.parametrize(("seed", "how"), list(enumerate(HOWS)))
def test_any_damage_is_found_and_mended_without_a_word(
    home: Path, seed: int, how: str
) -> None:
    before = open_index(home).query(question(7), limit=10)
    path = path_of(home)
    whole = path.read_bytes()
    damage(path, how, random.Random(seed))
    index = open_index(home)
    assert index.query(question(7), limit=10) == before
    if how not in {"a directory"} and not (
        path.is_file() and path.read_bytes() == whole
    ):
        # a flipped bit in the padding of the header harms nothing and may stay
        assert mapped_file.read(path, EXACT, FP) is not None


def test_the_file_of_another_history_is_not_believed(home: Path) -> None:
    """A restored backup: its outbox has other rows under the same numbers."""
    assert finds(open_index(home), 7)
    table = open_store(home)
    with connection_of(table).write():
        connection_of(table).conn.execute(
            "UPDATE outbox SET chunk_id='other' WHERE seq=?", (table.last_seq(),)
        )
        connection_of(table).conn.execute(
            "UPDATE knowledge SET id='other' WHERE id='c000007'"
        )
    assert open_index(home, table).query(question(7), limit=1)[0][0] == "other"


def test_an_outbox_pruned_too_far_means_a_refill(home: Path) -> None:
    table = open_store(home)
    assert finds(open_index(home, table), 7)
    add_chunks(table, numbered(20, COUNT))
    embed_pending(table, FakeEmbedder(), kind="knowledge", clock=Clock())
    table.prune(keep=2)
    index = open_index(home, table)
    assert finds(index, COUNT + 1)
    assert index.ids() == set(numbered(COUNT + 20))


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    filled(tmp_path, 20)
    (tmp_path / "index").write_text("a file stands where the folder should be")
    index = open_index(tmp_path)
    assert finds(index, 7)
    index.close()


def test_the_folder_may_go_while_the_index_is_open(home: Path) -> None:
    table = open_store(home)
    index = open_index(home, table)
    assert finds(index, 7)
    shutil.rmtree(home / "index")
    assert finds(index, 8)
    add_chunks(table, numbered(5, COUNT))
    embed_pending(table, FakeEmbedder(), kind="knowledge", clock=Clock())
    assert finds(index, COUNT + 2)
    index.close()
    assert finds(open_index(home), 9)


def test_a_busy_writer_is_not_waited_for(home: Path) -> None:
    with locked(path_of(home).with_suffix(".lock"), seconds=0) as held:
        assert held
        assert finds(open_index(home), 7)
        assert not path_of(home).exists()


def test_kinds_and_fingerprints_have_files_of_their_own() -> None:
    names = {
        layout.name_of(kind, fp)
        for layout in LAYOUTS
        for kind in ("knowledge", "episodes")
        for fp in (FP, str(fingerprint("other")))
    }
    assert len(names) == 8
