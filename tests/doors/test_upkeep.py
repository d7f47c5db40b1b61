"""The thread that looks after a server: signs of life, chores at night, an Ollama that hangs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.pool import Busy, Pool
from brain.app.service import NAMES, Service
from brain.config import Service as Settings
from brain.config import load
from brain.doors import notify, upkeep
from brain.doors.upkeep import Upkeep, check_service, last_time
from brain.errors import BrainError, StoreError, UsageError
from brain.health import ChoreResult, OllamaState
from brain.index import snapshot
from tests.doors.watch_support import Clock, eventually, pool
from tests.end_to_end import ROOT, brain

BEGUN = datetime(2026, 5, 6, 22, 0, tzinfo=UTC)
HANGING = OllamaState("it hangs", ("it hangs; restart Ollama",), hangs=True)
WELL = OllamaState("version 1")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done beside a round is done when it ends, on however slow a machine."""
    monkeypatch.setattr(upkeep, "WAIT_SECONDS", 600.0)


class Server:
    """An `Upkeep` whose rounds a test makes by itself, with what it said and told."""

    def __init__(
        self, workers: Pool, restart: bool | Callable[[], str] = True, **more: object
    ) -> None:
        self.said: list[str] = []
        self.told: list[str] = []
        self.restarts = 0
        self.now = BEGUN
        self.clock = Clock()
        self.upkeep = Upkeep(
            workers,
            self.said.append,
            restart=self._restarted if restart is True else restart or None,
            now=lambda: self.now,
            clock=self.clock,
            tell=self.told.append,
            **more,  # type: ignore[arg-type]
        )

    def _restarted(self) -> str:
        self.restarts += 1
        return "started anew"

    def later(self, **by: float) -> None:
        """Time goes by, and a round is made."""
        step = timedelta(**by)
        self.now += step
        self.clock.now += step.total_seconds()
        self.upkeep.beat()


@pytest.fixture
def workers() -> Iterator[Pool]:
    """One worker over a store with a note."""
    assert brain("add", "--note", "the dinghy is green").code == 0
    with pool() as opened:
        yield opened


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The chores that were done, which do nothing here."""
    names: list[str] = []
    keep = Service._keep

    def do(self: Service, name: str) -> ChoreResult:
        names.append(name)
        result = ChoreResult(name, server_time[0].isoformat(), True, "well", 1.0)
        kept = self._store.library.setting_json("service_chores", dict)
        row = {"name": name, "at": result.at, "ok": True, "said": "well"}
        keep(self, "service_chores", {**kept, name: row})
        return result

    monkeypatch.setattr(Service, "do", do)
    return names


server_time = [BEGUN]


def at(server: Server, moment: datetime) -> None:
    """A round is made at that time."""
    server_time[0] = moment
    step = moment - server.now
    server.later(seconds=step.total_seconds())


def test_a_round_searches_tells_that_it_lives_and_keeps_a_sign_of_it(
    workers: Pool,
) -> None:
    server = Server(workers)
    server.upkeep.beat()
    assert server.told == [notify.ALIVE]
    with Brain(load()) as opened:
        beat = opened.service.last_beat()
    assert beat is not None
    assert (beat.pid, beat.since) == (os.getpid(), BEGUN.isoformat())


def test_a_server_whose_searches_do_not_come_back_tells_no_more_that_it_lives(
    workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "QUERY_SECONDS", 0.05)
    server = Server(workers)
    stuck = threading.Event()
    waits = workers.submit(lambda _brain: stuck.wait())
    server.upkeep.beat()
    assert server.told == [notify.ALIVE]  # four long answers are no reason to be ended
    server.later(seconds=upkeep.STUCK_SECONDS)
    assert server.told == [notify.ALIVE]
    stuck.set()
    waits.result()
    monkeypatch.setattr(upkeep, "QUERY_SECONDS", 60.0)
    server.upkeep.beat()
    assert server.told == [notify.ALIVE, notify.ALIVE]


def test_a_server_that_is_busy_is_well_until_nothing_has_come_back_for_long(
    workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_work: object) -> None:
        raise Busy("68 requests are being answered", "try again in 2 seconds")

    server = Server(workers)
    with monkeypatch.context() as full:
        full.setattr(workers, "submit", busy)
        server.upkeep.beat()
        assert server.told == [notify.ALIVE]
        assert server.said == ["upkeep: 68 requests are being answered"]
        server.later(seconds=upkeep.STUCK_SECONDS)
        assert server.told == [notify.ALIVE]
    server.upkeep.beat()
    assert server.told == [notify.ALIVE] * 2


@pytest.mark.parametrize("error", [StoreError("the disk is full"), OSError(28, "full")])
def test_a_sign_of_life_that_cannot_be_written_ends_no_server(
    error: Exception, workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object, **_named: object) -> None:
        raise error

    asked: list[int] = []

    def ollama(_self: Service) -> OllamaState:
        asked.append(1)
        return WELL

    monkeypatch.setattr(Service, "_keep", full)
    monkeypatch.setattr(Service, "ollama", ollama)
    server = Server(workers)
    for _ in range(3):
        server.later(seconds=upkeep.STUCK_SECONDS - 1)
    assert server.told == [notify.ALIVE] * 3  # each search came back
    assert len(asked) == 3
    assert len(server.said) == 1
    assert server.upkeep.health().last_error


def test_a_search_that_fails_is_noted_and_ends_the_server_only_after_long(
    workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_self: Service) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Service, "query", fails)
    server = Server(workers)
    server.upkeep.beat()
    assert server.told == [notify.ALIVE]
    assert server.said == ["upkeep: OSError"]
    server.later(seconds=upkeep.STUCK_SECONDS)
    assert server.told == [notify.ALIVE]


def test_on_a_full_disk_each_chore_is_done_once_a_night_and_said(
    workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def chore(name: str) -> tuple[bool, str]:
        done.append(name)
        raise OSError(28, "No space left on device")

    def full(*_given: object) -> None:
        raise StoreError("the disk is full", "make room")

    doing = {name: lambda _resources, name=name: chore(name) for name in NAMES}
    monkeypatch.setattr("brain.app.chores.CHORES", doing)
    monkeypatch.setattr(Service, "_keep", full)
    server = Server(workers, nightly="03:30")
    server.now = datetime.now(UTC)
    for _ in range(3):
        server.later(minutes=6)
    assert done == list(NAMES)
    troubles = server.upkeep.health().troubles
    assert [said.partition(" ")[0] for said in troubles] == list(NAMES)
    assert troubles[0].endswith(
        "OSError: No space left on device; not kept: the disk is full; make room"
    )


def test_a_service_manager_that_takes_long_stops_no_sign_of_life(
    workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = threading.Event()
    rounds = threading.current_thread()

    def restart() -> str:
        assert threading.current_thread() is not rounds
        finish.wait()
        return "ollama.service was started anew"

    monkeypatch.setattr(Service, "ollama", lambda _self: HANGING)
    server = Server(workers, restart=restart)
    for _ in range(2):
        server.later(minutes=5)
    monkeypatch.setattr(upkeep, "WAIT_SECONDS", 0.01)
    eventually(lambda: server.later(minutes=5) or server.clock.now > 1_900.0)
    server.later(minutes=1)
    assert set(server.told) == {notify.ALIVE}
    finish.set()
    eventually(lambda: server.upkeep.beat() or len(server.said) == 2)
    assert server.said[-1] == "ollama: ollama.service was started anew"


def test_chores_are_done_once_a_night_and_after_it_where_the_machine_slept(
    workers: Pool, done: list[str]
) -> None:
    server = Server(workers, nightly="03:30")
    every = list(NAMES)
    server.upkeep.beat()
    assert done == []  # whoever has just started it is not disturbed
    at(server, BEGUN + timedelta(minutes=6))
    assert done == every  # never done before
    at(server, datetime(2026, 5, 7, 3, 29, tzinfo=UTC))
    assert done == every
    at(server, datetime(2026, 5, 7, 3, 31, tzinfo=UTC))
    assert done == every * 2
    at(server, datetime(2026, 5, 7, 9, 0, tzinfo=UTC))
    assert done == every * 2
    at(server, datetime(2026, 5, 9, 12, 0, tzinfo=UTC))
    assert done == every * 3
    assert server.said[-1] == "doctor: done in 1 s: well"


def test_without_a_time_no_chore_is_done(workers: Pool, done: list[str]) -> None:
    server = Server(workers, nightly="")
    at(server, BEGUN + timedelta(days=2))
    assert done == []


def test_a_snapshot_is_written_anew_where_much_has_changed(
    workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(opened: Brain) -> int:
        resources = opened.resources
        snapshots = resources.store.vectors.snapshots
        found = snapshots.current(resources.serving.fingerprint)
        return found.n if found else 0

    monkeypatch.setattr(snapshot, "SMALL_OVERLAY", 0)
    server = Server(workers)
    server.upkeep.beat()
    first = workers.run(written)
    assert first > 0
    server.later(minutes=5)
    assert workers.run(written) == first  # nothing has changed
    assert brain("add", "--note", "the mast is of ash").code == 0
    server.later(minutes=5)
    assert workers.run(written) > first
    assert workers.run(lambda opened: opened.service.query())[1:] == ("chroma", 0)


def test_a_chore_that_takes_hours_stops_no_sign_of_life(
    workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "WAIT_SECONDS", 0.01)
    finish = threading.Event()
    begun: list[str] = []

    def do(_self: Service, name: str) -> ChoreResult:
        begun.append(name)
        finish.wait()
        return ChoreResult(name, "9999-01-01T00:00:00+00:00", True, "well")

    monkeypatch.setattr(Service, "do", do)
    with Pool(load, workers=2) as two:
        server = Server(two, nightly="03:30")
        eventually(lambda: server.later(minutes=6) or begun)
        server.later(minutes=60)
        assert begun == [NAMES[0]]
        assert set(server.told) == {notify.ALIVE}
        finish.set()
        eventually(lambda: server.later(minutes=1) or begun == list(NAMES))


@pytest.mark.parametrize("nightly", ["24:00", "half past three", "3", "03:30:00"])
def test_a_time_that_is_none_is_said_before_anything_is_served(nightly: str) -> None:
    with pytest.raises(UsageError, match="no time of the day"):
        check_service(Settings(nightly=nightly))
    check_service(Settings(nightly="23:59"))


@pytest.mark.parametrize("unit", ["--now", "a b", "", "x;y", "../ollama.service"])
def test_what_is_no_name_of_a_service_is_restarted_by_nobody(unit: str) -> None:
    if unit:
        with pytest.raises(UsageError, match="no name of a service"):
            check_service(Settings(restart_ollama=unit))
    check_service(Settings(restart_ollama="ollama.service"))


def test_the_last_time_is_today_or_yesterday() -> None:
    assert last_time((22, 0), BEGUN) == BEGUN
    assert last_time((22, 1), BEGUN) == BEGUN - timedelta(hours=23, minutes=59)


def test_an_ollama_that_hangs_three_times_is_restarted_once_an_hour(
    workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [HANGING]
    monkeypatch.setattr(Service, "ollama", lambda _self: found[0])
    server = Server(workers)
    server.upkeep.beat()
    server.later(minutes=5)
    assert server.restarts == 0
    assert server.upkeep.health().troubles == ()  # it may be busy for others
    server.later(minutes=5)
    assert server.restarts == 1
    assert server.said == ["ollama: it hangs; restart Ollama", "ollama: started anew"]
    assert server.upkeep.health().troubles == HANGING.troubles
    for _ in range(6):
        server.later(minutes=5)
    assert server.restarts == 1
    for _ in range(6):
        server.later(minutes=5)
    assert server.restarts == 2
    found[0] = WELL
    server.later(minutes=5)
    assert server.upkeep.health().ok


def test_an_ollama_of_which_nobody_said_so_is_left_alone(
    workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Service, "ollama", lambda _self: HANGING)
    server = Server(workers, restart=False)
    for _ in range(5):
        server.later(minutes=5)
    assert server.upkeep.health().troubles == HANGING.troubles


def test_what_goes_wrong_is_said_once_and_is_the_last_error(workers: Pool) -> None:
    server = Server(workers)
    error = BrainError("the disk is full; nothing was written", "free some space")
    server.upkeep.note(error)
    server.upkeep.note(error)
    server.upkeep.note(ValueError("words of a note"))
    assert server.said == [
        "upkeep: the disk is full; nothing was written",
        "upkeep: ValueError",
    ]
    assert server.upkeep.health().last_error == "2026-05-06T22:00+00:00 ValueError"


def test_health_names_what_is_wrong(
    workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(workers, watched=lambda: (2, ("notes is not there",)))
    monkeypatch.setattr(Service, "disk_free", lambda _self: 2**20)
    brain("backup")
    workers.run(lambda opened: opened.service.do("backup"))
    health = server.upkeep.health()
    assert not health.ok
    assert health.watched == 2
    missing, backup, disk = health.troubles
    assert missing == "notes is not there"
    assert backup.startswith("backup (")
    assert disk.startswith("only 1 MB of the disk are free")


def test_a_server_tells_its_manager_that_it_is_ready_lives_and_ends(
    tmp_path: Path,
) -> None:
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        serving = subprocess.Popen(
            [sys.executable, "-m", "brain", "serve", "--port", "18438"],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
            env={**os.environ, notify.SOCKET: str(place)},
        )
        told = [manager.recv(100).decode() for _ in range(2)]
        serving.terminate()
        told.append(manager.recv(100).decode())
    serving.wait()
    assert told == [notify.READY, notify.ALIVE, notify.ENDING]


def test_nobody_is_told_where_nobody_asked_and_nothing_but_a_local_socket_is() -> None:
    assert not notify.tell(notify.READY, {})
    assert not notify.tell(notify.READY, {notify.SOCKET: "vsock:2:1234"})
    assert not notify.tell(notify.READY, {notify.SOCKET: "/no/such/socket"})


def test_the_owner_reads_over_http_how_it_is(workers: Pool) -> None:
    from starlette.testclient import TestClient

    from brain.doors.http.access import Access
    from brain.doors.http.app import application
    from brain.doors.http.settings import Settings as Http
    from tests.doors.http_support import ADDRESS, BEARER, TOKEN

    server = Server(workers, watched=lambda: (0, server_troubles))
    app = application(workers, Http(), Access(TOKEN), server.upkeep.health)
    client = TestClient(app, base_url=ADDRESS)
    server_troubles: tuple[str, ...] = ()
    assert client.get("/api/v1/health").status_code == 401
    well = client.get("/api/v1/health", headers=BEARER)
    assert (well.status_code, well.json()["ok"]) == (200, True)
    assert "dinghy" not in well.text
    server_troubles = ("notes is not there",)
    ill = client.get("/api/v1/health", headers=BEARER)
    assert (ill.status_code, ill.json()["troubles"]) == (503, ["notes is not there"])
    assert client.get("/health").json() == {"schema": 2, "ok": True}
