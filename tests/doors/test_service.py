"""The service: files that its managers read, what installs and removes it, and what is said of how the server is."""

from __future__ import annotations

import json
import os
import plistlib
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from brain import __version__
from brain.app import Brain
from brain.app.pool import Pool
from brain.config import load
from brain.doors import service
from brain.doors.cli import front, wire
from brain.doors.cli.resident import Resident
from brain.errors import BrainError, NotFound, UsageError
from brain.health import ChoreResult, Health
from brain.models import makers
from tests.end_to_end import ROOT, brain, home
from tests.pages import follow

PAGE = ROOT / "docs" / "SERVICE.md"
ODD = "/home/ana/a b%c$d\"e\\f/brain's"
SETTINGS = {"BRAIN_HOME": ODD, "LC_TIME": "pt_PT.UTF-8"}
WORDS = ["/usr/bin/python3", "-P", "-m", "brain", "serve", "--port", "8421"]
HEALTH = Health(
    ok=True,
    version=__version__,
    pid=7,
    since="2026-05-06T22:00:00+00:00",
    query_ms=12,
    index="chroma",
    index_lag=3,
    waiting=0,
    ollama="version 1 at http://127.0.0.1:11434",
    memory_bytes=300 * 2**20,
    disk_free_bytes=2**30,
    watched=2,
    last_error="",
    chores=(ChoreResult("backup", "2026-05-06T03:31:00+00:00", True, "it is proven"),),
    troubles=(),
)


class Manager:
    """Stands in for `systemctl` and its kin: notes every call, and fails those that a test names."""

    def __init__(self, *failing: str) -> None:
        self.calls: list[str] = []
        self._failing = failing

    def __call__(self, words: object) -> tuple[int, str]:
        said = " ".join(words)  # type: ignore[call-overload]
        self.calls.append(said)
        if any(part in said for part in self._failing):
            return 1, "Failed to connect to bus"
        return 0, "active"


@pytest.fixture
def place(tmp_path: Path) -> service.Place:
    """Where the unit lies."""
    path = tmp_path / "config" / "systemd" / "user" / "brain.service"
    return service.Place(service.SYSTEMD, "brain.service", path)


# -- the files ----------------------------------------------------------------------------------------------------


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("there is no systemd-analyze here")
    unit = tmp_path / "brain.service"
    unit.write_text(service.unit_file("brain.service", WORDS, SETTINGS))
    ran = subprocess.run(
        [verify, "verify", "--user", str(unit)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    assert ran.returncode == 0, ran.stderr
    # Those of a newer systemd than this one are passed over by it
    newer = ("RestartSteps", "RestartMaxDelaySec")
    others = [row for row in ran.stderr.splitlines() if "brain.service:" in row]
    assert [row for row in others if not any(name in row for name in newer)] == []


def test_the_unit_starts_again_whatever_happened_and_watches() -> None:
    rows = service.unit_file("brain.service", WORDS, SETTINGS).splitlines()
    for row in (
        "Type=notify",
        "Restart=always",
        "RestartSec=1",
        "StartLimitIntervalSec=0",
        "WatchdogSec=120",
        "UMask=0077",
        "StandardOutput=null",
    ):
        assert row in rows
    assert 'Environment="LC_TIME=pt_PT.UTF-8"' in rows


def test_odd_paths_come_out_of_the_unit_as_they_went_in() -> None:
    """Quotes, backslashes and percent signs are systemd's own language; a dollar is one in a command alone."""
    text = service.unit_file("brain.service", [ODD, "$HOME"], {"BRAIN_HOME": ODD})
    written = "/home/ana/a b%%c$d\\\"e\\\\f/brain's"
    assert f'Environment="BRAIN_HOME={written}"' in text
    assert f'ExecStart="{written.replace("$", "$$")}" "$$HOME"' in text
    with pytest.raises(UsageError, match="line break"):
        service.unit_file("brain.service", WORDS, {"LC_ALL": "C\nExecStart=evil"})


def test_launchd_reads_what_was_meant() -> None:
    read = plistlib.loads(service.plist("local.brain", WORDS, SETTINGS).encode())
    assert read["ProgramArguments"] == WORDS
    assert read["EnvironmentVariables"] == SETTINGS
    assert (read["KeepAlive"], read["RunAtLoad"], read["Umask"]) == (True, True, 0o077)


def test_pm2_reads_what_was_meant() -> None:
    text = service.ecosystem("brain", WORDS, SETTINGS)
    read = json.loads(text.removeprefix("module.exports = ").removesuffix(";\n"))
    (app,) = read["apps"]
    assert [app["script"], *app["args"]] == WORDS
    assert (app["env"], app["interpreter"], app["autorestart"]) == (
        SETTINGS,
        "none",
        True,
    )


def test_each_home_has_a_service_of_its_own(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    one = service.place(tmp_path / "one", environ, "linux")
    two = service.place(tmp_path / "two", environ, "linux")
    assert one.name != two.name
    assert one.path.parent == tmp_path / ".config" / "systemd" / "user"
    mac = service.place(tmp_path / "one", environ, "darwin")
    assert mac.path.parent == tmp_path / "Library" / "LaunchAgents"
    with pytest.raises(BrainError, match="no service manager"):
        service.place(tmp_path / "one", environ, "win32")


# -- installing ---------------------------------------------------------------------------------------------------


def test_it_is_written_for_its_owner_alone_enabled_and_started(
    place: service.Place,
) -> None:
    manager = Manager()
    for _ in range(2):  # twice is as once
        done = service.install(place, "[Unit]\n", manager)
        assert done.started
    assert place.path.read_text() == "[Unit]\n"
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o600
    assert os.listdir(place.path.parent) == [place.path.name]
    assert manager.calls[:3] == [
        "systemctl --user daemon-reload",
        "systemctl --user enable brain.service",
        "systemctl --user restart brain.service",
    ]


class Launchd(Manager):
    """Stands in for `launchctl`: loads nothing twice, and lets go of a service only after some looks at it."""

    def __init__(self, looks: int = 2) -> None:
        super().__init__()
        self._looks = looks
        self._loaded = False
        self._left = 0

    def __call__(self, words: object) -> tuple[int, str]:
        super().__call__(words)
        verb = words[1]  # type: ignore[index]
        if verb == "print":
            self._left -= 1
            self._loaded = self._loaded and self._left > 0
        if verb == "bootout" and self._loaded:
            self._left = self._looks
        elif verb == "bootstrap":
            if self._loaded:
                return 5, "Bootstrap failed: 5: Input/output error"
            self._loaded = True
        return (0, "") if self._loaded else (113, "Could not find service")


def test_launchd_lets_go_of_the_service_before_it_loads_it_again(
    tmp_path: Path,
) -> None:
    where = service.Place(service.LAUNCHD, "local.brain", tmp_path / "brain.plist")
    launchd = Launchd()
    waited: list[float] = []
    for text in ("one", "two"):
        done = service.install(where, text, launchd, waited.append)
        assert (done.started, done.said) == (True, ())
        assert where.path.read_text() == text
    assert waited == [service.GONE_SECONDS]
    verbs = [call.split()[1] for call in launchd.calls]
    assert verbs[-5:] == ["bootout", "print", "print", "bootstrap", "kickstart"]


def test_where_the_manager_does_not_answer_the_file_stays_and_the_way_is_said(
    place: service.Place,
) -> None:
    done = service.install(place, "[Unit]\n", Manager("daemon-reload"))
    assert not done.started
    assert done.said == (
        "not started: Failed to connect to bus",
        "when it can: systemctl --user daemon-reload",
    )
    assert place.path.exists()


def test_it_is_removed_and_nothing_else_is(place: service.Place) -> None:
    with pytest.raises(NotFound, match="is not there"):
        service.uninstall(place, Manager())
    manager = Manager()
    service.install(place, "[Unit]\n", manager)
    assert service.state(place, manager) == "active"
    service.uninstall(place, manager)
    assert not place.path.exists()
    assert "systemctl --user disable --now brain.service" in manager.calls
    assert service.state(place, manager) == ""


def test_a_folder_that_takes_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file")
    path = tmp_path / "config" / "brain.service"
    with pytest.raises(BrainError, match="cannot be written"):
        service.install(service.Place("systemd", "x", path), "", Manager())


def test_ollama_is_started_anew_by_its_own_manager_alone() -> None:
    manager = Manager()
    assert service.restart_unit("ollama.service", manager, "linux") == (
        "ollama.service was started anew"
    )
    assert manager.calls[-1] == "systemctl --user restart ollama.service"
    system = Manager("--user cat")
    service.restart_unit("ollama.service", system, "linux")
    assert system.calls[-1] == "systemctl --no-ask-password restart ollama.service"
    failing = Manager("restart", "--user cat")
    assert "could not be started anew" in service.restart_unit(
        "ollama.service", failing, "linux"
    )
    with pytest.raises(UsageError):
        service.restart_unit("--now", manager, "linux")


def test_a_program_that_is_not_there_is_no_surprise() -> None:
    assert service.run(["no-such-program-of-ours"])[0] == 127
    assert service.run(["true"]) == (0, "")


# -- the commands -------------------------------------------------------------------------------------------------


def test_the_file_holds_the_settings_of_the_environment_and_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-never")
    monkeypatch.setenv("LC_TIME", "de_DE.UTF-8")
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "GNOME")
    shown = brain("service", "install", "--print", "--port", "8421").stdout
    assert f'Environment="BRAIN_HOME={home()}"' in shown
    assert "LC_TIME=de_DE.UTF-8" in shown
    assert '"--port" "8421"' in shown
    assert "sk-never" not in shown
    assert "GNOME" not in shown
    assert "sk-never" not in brain("service", "install", "--pm2").stdout


@pytest.mark.parametrize(
    "name",
    [
        "BRAIN_BACKUP_PASSPHRASE",
        "OLLAMA_API_KEY",
        "OLLAMA_HUB_TOKEN",
        "OLLAMA_PROXY_PASSWORD",
        "OLLAMA_CLIENT_SECRET",
    ],
)
@pytest.mark.parametrize("manager", ["--print", "--pm2"])
def test_no_secret_is_written_into_the_file(
    name: str, manager: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "open-sesame")
    monkeypatch.setenv("LC_TIME", "de_DE.UTF-8")
    shown = brain("service", "install", manager)
    assert shown.code == 0
    assert "de_DE.UTF-8" in shown.stdout
    assert "open-sesame" not in shown.stdout
    assert name not in shown.stdout


@pytest.fixture
def harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `systemctl` that does nothing, so that the machine of the test is left as it is."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "systemctl").write_text("#!/bin/sh\nexit 0\n")
    (programs / "systemctl").chmod(0o755)
    ours = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{programs}:{ours}:/usr/bin:/bin")


def test_the_examples_of_the_page_do_what_it_shows(
    tmp_path: Path, harmless: None
) -> None:
    assert follow(PAGE, tmp_path) == 7


def test_install_writes_and_says_and_uninstall_takes_it_back(
    tmp_path: Path, harmless: None
) -> None:
    done = brain("service", "install")
    assert done.code == 0
    (unit,) = (tmp_path / "config" / "systemd" / "user").iterdir()
    assert done.stdout == f"{unit} is written; it runs: see `brain service status`\n"
    assert brain("service", "uninstall").code == 0
    assert not unit.exists()
    refused = brain("service", "uninstall")
    assert (refused.code, refused.two_lines()[1]) == (3, "nothing is installed")


def test_an_install_keeps_the_options_of_the_one_before(
    tmp_path: Path, harmless: None
) -> None:
    def runs() -> str:
        (unit,) = (tmp_path / "config" / "systemd" / "user").iterdir()
        (row,) = (
            row for row in unit.read_text().splitlines() if row.startswith("ExecStart=")
        )
        return row.partition('"serve"')[2]

    given = ("--port", "8421", "--at-most", "public", "--writes")
    assert brain("service", "install", *given).code == 0
    every = ' "--port" "8421" "--at-most" "public" "--writes"'
    assert runs() == every
    assert brain("service", "install").code == 0
    assert runs() == every
    assert brain("service", "install", "--port", "8422").code == 0
    assert runs() == every.replace("8421", "8422")
    brain("service", "uninstall")
    brain("service", "install")
    assert runs() == ""


@pytest.mark.parametrize("manager", [service.SYSTEMD, service.LAUNCHD])
def test_the_options_of_a_service_are_read_from_its_file(
    manager: str, tmp_path: Path
) -> None:
    where = service.Place(manager, "brain", tmp_path / "file")
    assert service.options_of(where) == []
    words = [ODD, "-m", "brain", "serve", "--port", "8421"]
    where.path.write_text(service.text_for(manager, "brain", words, SETTINGS))
    assert service.options_of(where) == ["--port", "8421"]
    for damaged in ('ExecStart="serve', "<plist><dict>", ""):
        where.path.write_text(damaged)
        assert service.options_of(where) == []


@pytest.fixture
def answers() -> dict[str, str]:
    """What the server says of itself."""
    return {
        "version": f"{__version__} {json.dumps(wire.variables())}",
        "health": json.dumps(asdict(HEALTH)),
    }


@pytest.fixture
def served(answers: dict[str, str]) -> Iterator[Resident]:
    """A server that says this."""
    assert brain("add", "--note", "the dinghy is green").code == 0
    with (
        Pool(load, workers=1) as pool,
        Resident(pool, lambda what: answers.get(what, "")) as resident,
    ):
        yield resident


def test_status_shows_how_the_server_is(served: Resident) -> None:
    shown = brain("service", "status")
    assert shown.code == 0
    assert f"version {__version__}, process 7, since" in shown.stdout
    assert "12 ms by chroma, 3 changes behind" in shown.stdout
    assert "300 MB" in shown.stdout
    assert "it is proven" in shown.stdout
    told = brain("service", "status", "--json").json
    assert told["health"]["ok"] is True
    assert told["chores"][0]["name"] == "backup"


def test_a_trouble_is_shown_and_is_the_exit_code(
    served: Resident, answers: dict[str, str]
) -> None:
    ill = {**asdict(HEALTH), "ok": False, "troubles": ["Ollama has lost qwen3:4b"]}
    answers["health"] = json.dumps(ill)
    shown = brain("service", "status")
    assert shown.code == 1
    assert "Ollama has lost qwen3:4b" in shown.stdout


def test_without_a_server_its_last_sign_of_life_is_shown() -> None:
    assert brain("service", "status").code == 1  # no home yet
    with Brain(load()) as opened:
        opened.service.beat(
            pid=7, since="x", version="1", last_error="2026 the disk is full"
        )
    shown = brain("service", "status")
    assert shown.code == 1
    assert "not running; the last sign of life" in shown.stdout
    assert "the disk is full" in shown.stdout


@pytest.mark.parametrize("said", ["", "0.0.1", "0.0.1 abc"])
def test_a_server_of_another_version_is_said(
    said: str, served: Resident, answers: dict[str, str]
) -> None:
    answers["version"] = said
    for words in (("status",), ("service", "status")):
        shown = brain(*words)
        assert "so that commands work by themselves; start it anew" in shown.stdout
    assert (
        f"this command {__version__}" in brain("status", "--json").json["notices"][-1]
    )


def test_a_server_with_other_settings_is_said(
    served: Resident, answers: dict[str, str]
) -> None:
    there = {**wire.variables(), "LC_TIME": "another-digest"}
    answers["version"] = f"{__version__} {json.dumps(there)}"
    said = brain("status", "--json").json["notices"][-1]
    assert "other settings in its environment (LC_TIME), so that commands" in said
    answers["version"] = f"{__version__} damaged"
    assert "other settings in its environment" in brain("status").stdout


def test_a_key_that_the_server_has_not_is_said_with_what_helps(
    served: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of a service holds no key: to install it anew would change nothing."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-this-shell")
    said = brain("status", "--json").json["notices"][-1]
    assert (
        "has not the same OPENAI_API_KEY, so that `brain ask` works by itself" in said
    )
    assert "brain cloud enable" in said
    assert "service install" not in said
    assert "sk-of" not in said


@pytest.mark.parametrize(
    "name", ["STRIPE_API_KEY", "OLLAMA_API_KEY", "BRAIN_BACKUP_PASSPHRASE"]
)
def test_a_secret_that_no_question_needs_makes_no_difference(
    name: str, served: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "open-sesame")
    assert front.difference() == ""


def test_the_keys_that_are_compared_are_those_of_every_maker() -> None:
    assert set(wire.KEYS) == {maker.key_variable for maker in makers.KNOWN.values()}


def test_a_server_of_the_same_kind_is_no_notice(served: Resident) -> None:
    notices = brain("status", "--json").json["notices"]
    assert [said for said in notices if "server" in said] == []


def test_a_server_that_does_not_answer_is_said(
    served: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    from brain.doors.cli import service as commands

    def silent(connection: socket.socket) -> None:
        with connection:
            wire.receive(connection)
            wire.receive(connection)

    monkeypatch.setattr(served, "_serve", silent)
    monkeypatch.setattr(commands, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(front, "TOLD_SECONDS", 0.2)
    shown = brain("service", "status")
    assert shown.code == 1
    assert "does not answer within" in shown.stdout


def test_a_restore_under_a_running_server_says_what_to_do(served: Resident) -> None:
    made = brain("backup", "--json").json["path"]
    refused = brain("restore", made, "--yes")
    assert refused.code == 1
    happened, cure = refused.two_lines()
    assert happened == "the server of this home has the store open"
    assert "systemctl --user stop brain" in cure
    assert brain("restore", made, "--dry-run").code == 0


def test_what_tells_of_the_desktop_makes_no_other_settings() -> None:
    """A service has no desktop: with these it would answer no terminal of a desktop ever."""
    plain = {"LANG": "C.UTF-8", "XDG_DATA_HOME": "/data"}
    desktop = {"XDG_SESSION_TYPE": "wayland", "XDG_RUNTIME_DIR": "/run/user/1"}
    assert wire.environment(plain) == wire.environment({**plain, **desktop})
    assert wire.environment(plain) != wire.environment({"LANG": "C.UTF-8"})
