"""Faults F5, F6, F15 and F19 of docs/FAULTS.md: full disks, read-only homes, too few handles, long names."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from brain.store import connection
from migrations import LATEST
from tests.end_to_end import checked
from tests.fault_victims import write_notes
from tests.faults.test_faults_add import at, uris
from tests.zygote import Child, Ended, Zygote

DISK = 12 * 2**20  # bytes of the small disk
FEW_HANDLES = 32


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with Zygote(tmp_path_factory.mktemp("zygote")) as started:
        yield started


def two_lines(ran: Ended) -> None:
    """Failed, in two lines, without a traceback and not by a signal."""
    assert ran.code in (1, 6), (ran.code, ran.stderr)
    assert "Traceback" not in ran.stderr
    lines = ran.stderr.strip().splitlines()
    cause = next(i for i, line in enumerate(lines) if line.startswith("brain: "))
    assert len(lines) == cause + 2, ran.stderr
    assert lines[cause + 1].startswith("  ")


# -- a real disk that is full ------------------------------------------------------------------------------------------------


def permitted() -> bool:
    """Whether this machine lets a test mount a disk of its own."""
    if shutil.which("unshare") is None:
        return False
    script = "mkdir -p /tmp/brain-tmpfs-probe && mount -t tmpfs -o size=1m tmpfs /tmp/brain-tmpfs-probe"
    return (
        subprocess.run(
            ["unshare", "-rm", "sh", "-c", script], capture_output=True, check=False
        ).returncode
        == 0
    )


STAGES = [
    pytest.param(n, marks=pytest.mark.fault)
    for n in (
        512,
        8,
        16,
        24,
        48,
        64,
        128,
        1_024,
        96,
        192,
        256,
        384,
        640,
        768,
        896,
        1_152,
        1_280,
        1_408,
        1_536,
        2_048,
    )
]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Zygote, Path]]:
    """A zygote that sees a disk of DISK bytes, and where it sees it."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = f'mount -t tmpfs -o size={DISK} tmpfs "$0" && exec "$@"'
    with Zygote(
        tmp_path / "zygote", ("unshare", "-rm", "sh", "-c", mount, str(place))
    ) as started:
        yield started, place


@pytest.mark.skipif(
    not permitted(), reason="this machine does not permit mounting a small disk"
)
@pytest.mark.parametrize("free", [0, 32, *STAGES])
@pytest.mark.fault
def test_f05_a_full_disk_at_every_stage(
    small_disk: tuple[Zygote, Path], tmp_path: Path, free: int
) -> None:
    """So many KiB are left when 400 notes are added to 20: what was there stays, reads work, and later all goes in."""
    zygote, disk = small_disk
    first, second = (
        write_notes(tmp_path / "first", range(20)),
        write_notes(tmp_path / "second", range(1_000, 1_400)),
    )
    environ = at(disk / "home")
    assert zygote.run(["add", first], environ=environ).code == 0
    assert (
        zygote.run(
            ["call:fault_victims:fill_the_disk", disk, str(free * 1024)],
            environ=environ,
        ).code
        == 0
    )
    ran = zygote.run(["add", second], environ=environ)
    if ran.code != 0:
        two_lines(ran)
        assert "disk is full" in ran.stderr or "No space left" in ran.stderr, ran.stderr
    else:
        assert free >= 512, "so little room cannot have been enough"
        assert "wait" not in ran.stderr, "all of it, vectors too"
    (tmp_path / "elsewhere").mkdir()
    for verb in (
        ["search", "w7x", "--lexical"],
        ["ask", "what is the word of page w7x?"],
        ["get", "00007.md"],
        ["list"],
        ["backup", tmp_path / "elsewhere"],
        ["export", tmp_path / "written"],
    ):
        seen = zygote.run(verb, environ=environ)
        assert seen.code == 0, (verb, seen.stderr)
    assert (
        zygote.run(
            ["call:fault_victims:fill_the_disk", disk, str(DISK)], environ=environ
        ).code
        == 0
    )
    held = int(zygote.run(["call:fault_victims:check", disk / "home"]).stdout)
    assert held in range(20, 421)
    again = zygote.run(["add", second], environ=environ)
    assert again.code == 0, again.stderr
    assert int(zygote.run(["call:fault_victims:check", disk / "home"]).stdout) == 420
    assert "wait" not in zygote.run(["sync"], environ=environ).stderr


@pytest.mark.skipif(
    not permitted(), reason="this machine does not permit mounting a small disk"
)
@pytest.mark.fault
def test_f05_a_disk_that_takes_no_more_files_is_said_to_be_full(
    small_disk: tuple[Zygote, Path], tmp_path: Path
) -> None:
    """No name is left for SQLite's log: nothing can be read, which is said as what it is, and nothing is lost."""
    zygote, disk = small_disk
    environ = at(disk / "home")
    assert (
        zygote.run(
            ["add", write_notes(tmp_path / "notes", range(20))], environ=environ
        ).code
        == 0
    )
    assert zygote.run(["call:fault_victims:leave_names", disk, "0"]).code == 0
    for words in (["search", "w7x", "--lexical"], ["add", "--note", "x"]):
        ran = zygote.run(words, environ=environ)
        two_lines(ran)
        assert "the disk is full" in ran.stderr
    assert zygote.run(["call:fault_victims:leave_names", disk, "1000"]).code == 0
    assert int(zygote.run(["call:fault_victims:check", disk / "home"]).stdout) == 20


def said(child: Child, word: str) -> list[str]:
    """What the child printed behind `word`, as soon as it did."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for line in child.stdout.splitlines():
            if line.startswith(word):
                return line.split()[1:]
        time.sleep(0.02)
    raise AssertionError(f"no {word} in 60 s")


@pytest.mark.skipif(
    not permitted(), reason="this machine does not permit mounting a small disk"
)
@pytest.mark.fault
def test_f05_who_reads_without_shared_memory_keeps_writers_out(
    small_disk: tuple[Zygote, Path], tmp_path: Path
) -> None:
    """The room comes back while a process reads without the shared-memory file: whoever writes then waits until it is
    closed, and a reader that had the file before goes on with it, beside the others.
    """
    zygote, disk = small_disk
    environ = at(disk / "home")
    assert (
        zygote.run(
            ["add", write_notes(tmp_path / "notes", range(20))], environ=environ
        ).code
        == 0
    )
    assert zygote.run(["call:fault_victims:fill_the_disk", disk, "0"]).code == 0
    reader = zygote.start(["call:fault_victims:hold_open", "3"], environ=environ)
    assert said(reader, "READY") == ["20"]
    assert zygote.run(["call:fault_victims:fill_the_disk", disk, str(DISK)]).code == 0
    writers = [
        zygote.start(
            ["call:fault_victims:note_when_there_is_room", f"note {n}"], environ=environ
        )
        for n in range(2)
    ]
    count, until = said(reader, "DONE")
    assert count == "20", "what it read did not change under it"
    assert all(float(said(writer, "STORED")[0]) > float(until) for writer in writers)
    assert [child.wait().code for child in (reader, *writers)] == [0, 0, 0]
    assert int(zygote.run(["call:fault_victims:check", disk / "home"]).stdout) == 22

    usual = zygote.start(["call:fault_victims:hold_open", "3"], environ=environ)
    assert said(usual, "READY") == ["22"]
    assert zygote.run(["call:fault_victims:fill_the_disk", disk, "0"]).code == 0
    beside = zygote.run(["search", "w7x", "--lexical"], environ=environ)
    assert beside.code == 0, beside.stderr
    assert not usual.stdout.count("DONE"), "it was read beside the other, not after it"
    assert usual.wait().code == 0
    assert int(zygote.run(["call:fault_victims:check", disk / "home"]).stdout) == 22


def test_f05_without_shared_memory_sqlite_itself_locks_others_out(
    tmp_path: Path,
) -> None:
    """While one process has it open so, no other gets in by any door; while another has it open, nobody gets it so."""
    path = tmp_path / "brain.db"
    connection.connect(path).close()
    script = f"import sqlite3\nc = sqlite3.connect({str(path)!r}, timeout=0.1)\nc.execute('SELECT 1 FROM documents')"
    with closing(connection._open(path, LATEST, lambda _: None, alone=True)) as alone:
        locked = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert "database is locked" in locked.stderr
        with closing(sqlite3.connect(path, timeout=0.1)) as second:
            assert second.execute("SELECT count(*) FROM documents").fetchone() == (
                0,
            ), "this process may"
        assert not (tmp_path / "brain.db-shm").exists()
        with alone.write():
            alone.conn.execute("INSERT INTO settings (name, value) VALUES ('k', 'v')")
        locked = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert "database is locked" in locked.stderr, (
            "also after the second connection was closed, which drops POSIX locks"
        )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
    other = subprocess.Popen(
        [sys.executable, "-c", f"{script}\nprint('IN', flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"IN\n"
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connection._open(path, LATEST, lambda _: None, alone=True)
    other.communicate(b"\n")


# -- files that may not grow (EFBIG) ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [0, 64, *(pytest.param(n, marks=pytest.mark.fault) for n in (4, 256))]
)
@pytest.mark.fault
def test_f05_a_limit_on_the_size_of_files(
    zygote: Zygote, tmp_path: Path, more: int
) -> None:
    """No file may grow by more than so many KiB beyond the database as it is."""
    first, second = (
        write_notes(tmp_path / "first", range(20)),
        write_notes(tmp_path / "second", range(1_000, 1_400)),
    )
    home = tmp_path / "home"
    assert zygote.run(["add", first], environ=at(home)).code == 0
    limit = (home / "brain.db").stat().st_size + more * 1024
    ran = zygote.run(["add", second], environ=at(home), limits={"RLIMIT_FSIZE": limit})
    two_lines(ran)
    held = checked(home).documents
    assert set(uris(first)) <= set(held) <= {*uris(first), *uris(second)}
    seen = zygote.run(
        ["search", "w7x", "--lexical"], environ=at(home), limits={"RLIMIT_FSIZE": limit}
    )
    assert seen.code == 0, seen.stderr
    assert zygote.run(["add", second], environ=at(home)).code == 0
    stored = checked(home)
    assert stored.documents == uris(first) | uris(second)
    assert stored.chunks == stored.vectors


# -- homes that may not be written ---------------------------------------------------------------------------------------------

READS = [
    ["search", "w7x", "--lexical"],
    ["search", "w7x"],
    ["ask", "what is w7x?"],
    ["list"],
    ["get", "00007.md"],
    ["status"],
]


@pytest.mark.skipif(
    not permitted(), reason="this machine does not permit mounting a small disk"
)
@pytest.mark.fault
def test_f06_a_read_only_disk_reads_or_says_why(
    small_disk: tuple[Zygote, Path], tmp_path: Path
) -> None:
    zygote, disk = small_disk
    environ, folder = at(disk / "home"), write_notes(tmp_path / "notes", range(20))
    assert zygote.run(["add", folder], environ=environ).code == 0
    assert zygote.run(["call:fault_victims:remount_read_only", disk]).code == 0
    for words in READS:
        ran = zygote.run(words, environ=environ)
        assert "Traceback" not in ran.stderr
        if ran.code != 0:
            two_lines(ran)
            assert "cannot be written" in ran.stderr, "it says why"
    two_lines(zygote.run(["add", "--note", "x"], environ=environ))
    assert zygote.run(["call:fault_victims:remount_read_only", disk, "rw"]).code == 0
    assert int(zygote.run(["call:fault_victims:check", disk / "home"]).stdout) == 20


@pytest.mark.skipif(
    os.getuid() != 0, reason="only root can give a home to another user"
)
def test_f06_a_home_of_another_user_is_not_touched(
    zygote: Zygote, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    ran = zygote.run(["add", "--note", "x"], environ=at(home))
    two_lines(ran)
    assert "belongs to another user" in ran.stderr
    assert list(home.iterdir()) == []


BINDING = "--bounding-set=-dac_override,-dac_read_search,-fowner"  # without these, permissions bind root as anyone
OTHER = 65534  # another user
PERMISSIONS: dict[
    str, tuple[str, int, int]
] = {  # name: (which file, its mode, its owner)
    "a home that may not be written": ("", 0o500, 0),
    "a home that may not be entered": ("", 0o000, 0),
    "a database that may not be written": ("brain.db", 0o400, 0),
    "a database of another user": ("brain.db", 0o600, OTHER),
    "a database of another user that all may read": ("brain.db", 0o644, OTHER),
    "a log of another user": ("brain.db-wal", 0o600, OTHER),
    "a shared memory of another user": ("brain.db-shm", 0o600, OTHER),
    "an index that may not be written": ("index", 0o500, 0),
    "an index of another user": ("index", 0o700, OTHER),
    "a configuration of another user": ("config.toml", 0o600, OTHER),
}

QUICK = ("a home that may not be written", "a database that may not be written")


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """A zygote for which permissions count."""
    prefix = ("setpriv", BINDING) if os.getuid() == 0 else ()
    with Zygote(tmp_path_factory.mktemp("bound"), prefix) as started:
        yield started


@pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can give files to others",
)
@pytest.mark.parametrize(
    "name",
    [
        *QUICK,
        *(
            pytest.param(name, marks=pytest.mark.fault)
            for name in PERMISSIONS
            if name not in QUICK
        ),
    ],
)
@pytest.mark.fault
def test_f06_permissions_that_are_missing_are_said_or_do_not_matter(
    bound: Zygote, tmp_path: Path, name: str
) -> None:
    """Reading works or says why, writing too, and what is stored stays."""
    what, mode, owner = PERMISSIONS[name]
    home = tmp_path / "home"
    assert (
        bound.run(
            ["add", write_notes(tmp_path / "notes", range(20))], environ=at(home)
        ).code
        == 0
    )
    (home / "index").mkdir(exist_ok=True)
    place = home / what
    if not place.exists():
        place.touch()
    os.chown(place, owner, owner)
    place.chmod(mode)
    worked, named = 0, ""
    for words in (*READS, ["doctor"], ["add", "--note", "x"]):
        ran = bound.run(words, environ=at(home))
        assert "Traceback" not in ran.stderr, ran.stderr
        assert "unexpected error" not in ran.stderr, ran.stderr
        worked += ran.code == 0
        if ran.code != 0 and words != ["doctor"]:
            two_lines(ran)
            named = ran.stderr.split()[1]
    assert worked >= len(READS) or what != "index", "without an index everything works"
    blame = Path(named.rstrip(":") or place)
    assert blame.is_relative_to(place) or str(blame).startswith(f"{place}-"), (
        "the file that is to blame"
    )
    for blamed in (
        place,
        *home.glob(f"{what or 'brain.db'}-*"),
    ):  # SQLite gives its log the permissions of the database
        os.chown(blamed, 0, 0)
        blamed.chmod(0o700 if blamed.is_dir() else 0o600)
    ran = bound.run(["add", "--note", "y"], environ=at(home))
    assert ran.code == 0, ran.stderr
    assert len(checked(home).documents) in (21, 22)


@pytest.mark.parametrize("what", ["file", "root", "unwritable parent"])
def test_f06_a_home_that_cannot_be_is_said(
    zygote: Zygote, tmp_path: Path, what: str
) -> None:
    (tmp_path / "file").write_text("x")
    home = {
        "file": tmp_path / "file",
        "root": Path("/"),
        "unwritable parent": Path("/proc/nothing/home"),
    }[what]
    two_lines(zygote.run(["add", "--note", "x"], environ=at(home)))


# -- handles, paths, names -----------------------------------------------------------------------------------------------------------


@pytest.mark.fault
def test_f19_thirty_two_handles_are_enough_for_a_thousand_files(
    zygote: Zygote, tmp_path: Path
) -> None:
    folder = write_notes(tmp_path / "notes", range(1_000))
    ran = zygote.run(
        ["add", folder],
        environ=at(tmp_path / "home"),
        limits={"RLIMIT_NOFILE": FEW_HANDLES},
    )
    assert ran.code == 0, ran.stderr
    assert len(checked(tmp_path / "home").documents) == 1_000
    assert (
        zygote.run(
            ["ask", "w7x"],
            environ=at(tmp_path / "home"),
            limits={"RLIMIT_NOFILE": FEW_HANDLES},
        ).code
        == 0
    )


def test_f19_long_paths_and_names_are_taken_in_or_listed(
    zygote: Zygote, tmp_path: Path
) -> None:
    """A path of nearly 4,096 bytes, built step by step, and a name of 255 bytes that is no UTF-8."""
    folder = tmp_path / "notes"
    write_notes(folder, range(3))
    with open(os.fsencode(folder) + b"/" + b"\xff" * 252 + b".md", "wb") as file:
        file.write(b"longname words")
    place = folder
    while len(os.fsencode(place)) < 3_800:
        place = place / ("d" * 200)
    os.makedirs(place)
    (place / "deep.md").write_text("deepnote words")
    ran = zygote.run(["add", folder], environ=at(tmp_path / "home"))
    assert ran.code == 0, ran.stderr
    assert len(checked(tmp_path / "home").documents) == 5
    for word in ("longname", "deepnote"):
        assert (
            zygote.run(
                ["search", word, "--lexical"], environ=at(tmp_path / "home")
            ).code
            == 0
        )


@pytest.mark.parametrize("megabytes", [512])
@pytest.mark.fault
def test_f15_little_memory_is_an_error_or_enough(
    zygote: Zygote, tmp_path: Path, megabytes: int
) -> None:
    """RLIMIT_AS for the whole process: it works, or it says two lines; the store is whole either way."""
    folder = write_notes(tmp_path / "notes", range(50))
    ran = zygote.run(
        ["add", folder],
        environ=at(tmp_path / "home"),
        limits={"RLIMIT_AS": megabytes * 2**20},
    )
    assert ran.code >= 0, "not by a signal"
    if ran.code:
        two_lines(ran)
    if (tmp_path / "home" / "brain.db").exists():
        checked(tmp_path / "home")
    assert zygote.run(["add", folder], environ=at(tmp_path / "home")).code == 0
    assert checked(tmp_path / "home").documents == uris(folder)
