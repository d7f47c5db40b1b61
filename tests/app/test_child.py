"""One limited child process: its answers, its limits, and every way in which it can end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from brain.child import ENDED, LATE, NONSENSE, TOO_LONG, Child, Lost, running

SECONDS = 60.0  # far more than any of these takes; a deadline that is to pass is given where it is


@pytest.fixture(scope="module")
def echo() -> Iterator[Child]:
    with Child(running("tests.child_tasks:echo")) as child:
        yield child


def misbehaving() -> Child:
    return Child(running("tests.child_tasks:misbehave"))


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_a_request_and_its_bytes_arrive_whole(echo: Child, size: int) -> None:
    request = {"words": "two\nlines, ö, \u2028", "number": 1.5}
    answers = echo.ask(request, bytes(size), seconds=SECONDS)
    assert answers == [{"value": request}, {"value": size}]


def test_an_answer_longer_than_one_read_comes_whole(echo: Child) -> None:
    text = "x" * 1_000_000
    assert echo.ask(text, seconds=SECONDS)[0] == {"value": text}


@pytest.mark.parametrize(
    ("deed", "reason", "status"),
    [
        ("crash", ENDED, -signal.SIGSEGV),
        ("exit", ENDED, 3),
        ("fail", ENDED, 1),
        ("fail beside a thread", ENDED, 1),
        ("allocate", ENDED, 1),
        ("compute", ENDED, -signal.SIGXCPU),
    ],
)
def test_a_child_that_dies_is_an_exception_here(
    deed: str, reason: str, status: int
) -> None:
    child = misbehaving()
    limits = {"cpu_seconds": 0, "memory_bytes": 2**30}
    with pytest.raises(Lost) as caught:
        child.ask(deed, seconds=SECONDS, limits=limits)
    assert (caught.value.reason, caught.value.status) == (reason, status)
    assert gone(child.pid)


def test_a_child_that_hangs_is_killed_at_its_deadline() -> None:
    child = misbehaving()
    with pytest.raises(Lost) as caught:
        child.ask("hang", seconds=0.2)
    assert caught.value.reason == LATE
    assert gone(child.pid)


def test_a_child_that_takes_nothing_in_is_killed_at_its_deadline() -> None:
    child = misbehaving()
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(Lost) as caught:
        child.ask("hang", bytes(3_000_000), seconds=0.2)
    assert caught.value.reason == LATE
    assert gone(child.pid)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("print('not json')", NONSENSE),
        ("print('[1]')", NONSENSE),
        ("print('[' * 100000)", NONSENSE),
        ("sys.stdout.write('x' * 130_000_000)", TOO_LONG),
    ],
)
def test_what_is_no_answer_ends_it(said: str, reason: str) -> None:
    code = f"import sys\nfor line in sys.stdin:\n    {said}\n    sys.stdout.flush()"
    child = Child([sys.executable, "-c", code])
    with pytest.raises(Lost) as caught:
        child.ask("anything", seconds=SECONDS)
    assert caught.value.reason == reason
    assert gone(child.pid)


def test_no_file_grows_over_its_limit(tmp_path: Path) -> None:
    with Child(running("tests.child_tasks:write")) as child:
        path = str(tmp_path / "long")
        answers = child.ask(path, seconds=SECONDS, limits={"file_bytes": 100_000})
    assert answers == [{"value": "OSError"}, {"value": 100_000}]


def test_it_obeys_no_foreign_setting_and_what_a_library_prints_is_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHROMA_SERVER_HOST", "example.org")
    monkeypatch.setenv("OTEL_X", "1")
    with Child(running("tests.child_tasks:environment"), threads=2) as child:
        ((folder, *names),) = [
            part["value"] for part in child.ask("?", seconds=SECONDS)
        ]
    assert folder == Path(sys.executable).anchor
    assert "OMP_NUM_THREADS" in names
    assert not [name for name in names if name.startswith(("CHROMA", "OTEL"))]


PARENT = """
from brain.child import Child, running
child = Child(running("tests.child_tasks:keeps"))
child.ask({path!r}, seconds=60)
print(child.pid, flush=True)
input()
"""


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """Also when the parent is killed, and in good order: what it kept is closed."""
    code = PARENT.format(path=str(tmp_path / "closed"))
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    end = time.monotonic() + SECONDS
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(pid)
    assert (tmp_path / "closed").exists()


def alive(pid: int) -> bool:
    """A dead process that nobody has waited for is not."""
    ran = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout.strip()[:1] not in {"", "Z"}


def test_an_orderly_end_closes_what_the_task_kept(tmp_path: Path) -> None:
    with Child(running("tests.child_tasks:keeps")) as child:
        child.ask(str(tmp_path / "closed"), seconds=SECONDS)
        assert not (tmp_path / "closed").exists()
    assert (tmp_path / "closed").exists()
    assert gone(child.pid)
    child.close()
