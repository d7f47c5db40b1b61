"""How `brain serve` becomes a service of the person's own: the file that systemd or launchd reads, or PM2, and what
installs and removes it.

The service starts with the person's session, is started again whenever it ends, and gets the settings of the
environment in which it was installed, secrets left out. Leaves what the server does to `brain serve`, and the commands
to the command line. Serves it.
"""

from __future__ import annotations

import hashlib
import json
import os
import plistlib
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.config import default_home
from brain.errors import BrainError, NotFound, UsageError
from brain.types import Texts

NAME = "brain"
SYSTEMD = "systemd"
LAUNCHD = "launchd"
PM2 = "pm2"
# Seconds. A server that ended is back after the first; one that ends again and again waits longer each time.
RESTART = 1
RESTART_STEPS = 6
MOST_RESTART = 60
WATCHDOG = 120  # four times the pause between two signs of life (upkeep.py)
START = 600  # a store of an older release is migrated first
STOP = 60
LAUNCHD_THROTTLE = 5
GONE_SECONDS = 0.5  # between two looks whether launchd has let go of it
RUN_SECONDS = 60.0  # for one word to the service manager
PRIVATE = 0o600
# A name that a service manager knows something by, and no option
UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*")

UNIT_FILE = """\
# Written by `brain service install`, and anew by the next one: what you add goes into `systemctl --user edit {name}`.
[Unit]
Description=brain: your notes, searched and asked on this machine
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
{environment}
Restart=always
RestartSec={restart}
RestartSteps={steps}
RestartMaxDelaySec={most}
WatchdogSec={watchdog}
TimeoutStartSec={start}
TimeoutStopSec={stop}
UMask=0077
NoNewPrivileges=true
# It prints an address that opens the page, and others may read the journal
StandardOutput=null

[Install]
WantedBy=default.target
"""

COMMAND = "ExecStart="

Run = Callable[[Sequence[str]], "tuple[int, str]"]
"""Runs a program; its exit code and what it said."""
Pause = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the file of the service lies, and by which name its manager knows it."""

    manager: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Installed:
    """What was written and what became of it. `started`: the manager runs it now; `said`: what to do else."""

    path: str
    started: bool
    said: Texts = ()


def run(words: Sequence[str]) -> tuple[int, str]:
    """A program of the system, with a deadline. A program that is not there ends with 127, as a shell says."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
        )
    except FileNotFoundError:
        return 127, f"{words[0]} is not there"
    except subprocess.TimeoutExpired:
        return 124, f"{words[0]} did not end within {RUN_SECONDS:.0f} s"
    return done.returncode, (done.stdout + done.stderr).strip()


def place(
    home: Path, environ: Mapping[str, str], platform: str = sys.platform
) -> Place:
    """Where the service of this home belongs. Raises `BrainError` for a system whose manager is not known."""
    name = NAME
    if home != default_home({}):  # a second home has a service of its own
        name = f"{NAME}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:8]}"
    user = Path(environ.get("HOME") or Path.home())
    if platform == "darwin":
        label = f"local.{name}"
        agents = user / "Library" / "LaunchAgents"
        return Place(LAUNCHD, label, agents / f"{label}.plist")
    if platform != "linux":
        raise BrainError(
            f"no service manager is known on {platform}",
            "run `brain serve` by one of yours; `brain service install --pm2` prints a file for PM2",
        )
    config = Path(environ.get("XDG_CONFIG_HOME") or user / ".config")
    unit = f"{name}.service"
    return Place(SYSTEMD, unit, config / "systemd" / "user" / unit)


def command(options: Sequence[str] = ()) -> list[str]:
    """What is run: this very Python, and nothing of the folder that it is started in."""
    return [sys.executable, "-P", "-m", "brain", "serve", *options]


def options_of(where: Place) -> list[str]:
    """The options with which the service that is installed runs `brain serve`; none where there is none to be read."""
    try:
        text = where.path.read_text(encoding="utf-8")
        words = _words_of(where.manager, text)
        return words[words.index("serve") + 1 :]
    except Exception:  # whatever the file holds, an install writes it anew
        return []


def _words_of(manager: str, text: str) -> list[str]:
    """The command of a file that `text_for` wrote."""
    if manager == LAUNCHD:
        return [str(word) for word in plistlib.loads(text.encode())["ProgramArguments"]]
    for row in text.splitlines():
        if row.startswith(COMMAND):
            return shlex.split(row.removeprefix(COMMAND))
    return []


def text_for(
    manager: str, name: str, words: Sequence[str], settings: Mapping[str, str]
) -> str:
    """The file of the service."""
    if manager == LAUNCHD:
        return plist(name, words, settings)
    if manager == PM2:
        return ecosystem(name, words, settings)
    return unit_file(name, words, settings)


def unit_file(name: str, words: Sequence[str], settings: Mapping[str, str]) -> str:
    """The unit of systemd."""
    pairs = (f"{variable}={value}" for variable, value in sorted(settings.items()))
    return UNIT_FILE.format(
        name=name,
        command=" ".join(_quoted(word, dollars=True) for word in words),
        environment="\n".join(f"Environment={_quoted(pair)}" for pair in pairs),
        restart=RESTART,
        steps=RESTART_STEPS,
        most=MOST_RESTART,
        watchdog=WATCHDOG,
        start=START,
        stop=STOP,
    )


def plist(name: str, words: Sequence[str], settings: Mapping[str, str]) -> str:
    """The property list of launchd. What the server prints goes nowhere: its log is in the home."""
    facts = {
        "Label": name,
        "ProgramArguments": list(words),
        "EnvironmentVariables": dict(sorted(settings.items())),
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": LAUNCHD_THROTTLE,
        "Umask": 0o077,
        "StandardOutPath": os.devnull,
        "StandardErrorPath": os.devnull,
    }
    return plistlib.dumps(facts, sort_keys=False).decode()


def ecosystem(name: str, words: Sequence[str], settings: Mapping[str, str]) -> str:
    """The file of PM2."""
    program, *arguments = words
    facts = {
        "name": name,
        "script": program,
        "args": arguments,
        "interpreter": "none",
        "env": dict(sorted(settings.items())),
        "autorestart": True,
        "exp_backoff_restart_delay": RESTART * 1000,
        "kill_timeout": STOP * 1000,
        "out_file": os.devnull,
        "error_file": os.devnull,
    }
    return f"module.exports = {json.dumps({'apps': [facts]}, indent=2)};\n"


def install(
    where: Place, text: str, run: Run = run, pause: Pause = time.sleep
) -> Installed:
    """Write the file and let the manager start it. Raises `BrainError` where the file cannot be written."""
    try:
        where.path.parent.mkdir(parents=True, exist_ok=True)
        written = where.path.with_name(f".{where.path.name}.tmp")
        number = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        written.replace(where.path)
    except OSError as error:
        raise BrainError(
            f"{where.path} cannot be written: {error.strerror}",
            "or run it by hand: brain serve",
        ) from None
    if where.manager == LAUNCHD:
        _let_go(where, run, pause)
    for words in _starting(where):
        code, said = run(words)
        if code:
            hint = f"when it can: {' '.join(words)}"
            return Installed(str(where.path), False, (f"not started: {said}", hint))
    return Installed(str(where.path), True, _lingering(where))


def uninstall(where: Place, run: Run = run) -> Installed:
    """End the service and remove its file; everything else stays. Raises `NotFound`."""
    if not where.path.exists():
        raise NotFound(f"{where.path} is not there", "nothing is installed")
    said = []
    for words in _ending(where):
        code, answer = run(words)
        if code:
            said.append(f"{' '.join(words)}: {answer}")
    where.path.unlink()
    if where.manager == SYSTEMD:
        run(("systemctl", "--user", "daemon-reload"))
    return Installed(str(where.path), False, tuple(said))


def state(where: Place, run: Run = run) -> str:
    """What the manager says of it, "" where nothing is installed."""
    if not where.path.exists():
        return ""
    if where.manager == LAUNCHD:
        code, _said = run(("launchctl", "print", _of_launchd(where)))
        return "loaded" if not code else "not loaded"
    _code, said = run(("systemctl", "--user", "is-active", where.name))
    return said.splitlines()[0] if said else "unknown"


def restart_unit(name: str, run: Run = run, platform: str = sys.platform) -> str:
    """Start a service of the person's anew, by its manager alone: no process is touched. Says what came of it."""
    check_unit(name)
    words: Sequence[str] = ("systemctl", "--no-ask-password", "restart", name)
    if platform == "darwin":
        words = ("launchctl", "kickstart", "-k", f"gui/{os.getuid()}/{name}")
    elif not run(("systemctl", "--user", "cat", name))[0]:
        words = ("systemctl", "--user", "restart", name)
    code, said = run(words)
    if code:
        return f"{name} could not be started anew: {said}"
    return f"{name} was started anew"


def check_unit(name: str) -> None:
    """Raise `UsageError` for what is no name of a service."""
    if not UNIT.fullmatch(name):
        raise UsageError(
            f"[service] restart_ollama = {name!r} is no name of a service",
            'write for instance: restart_ollama = "ollama.service"',
        )


def _starting(where: Place) -> list[tuple[str, ...]]:
    if where.manager == LAUNCHD:
        domain = f"gui/{os.getuid()}"
        load = ("launchctl", "bootstrap", domain, str(where.path))
        return [load, ("launchctl", "kickstart", "-k", _of_launchd(where))]
    return [
        ("systemctl", "--user", "daemon-reload"),
        ("systemctl", "--user", "enable", where.name),
        ("systemctl", "--user", "restart", where.name),
    ]


def _let_go(where: Place, run: Run, pause: Pause) -> None:
    """What launchd has loaded it loads no second time, and it lets go of it only once the server has ended."""
    for words in _ending(where):
        run(words)  # it fails where nothing is loaded
    for _look in range(int(STOP / GONE_SECONDS)):
        code, _said = run(("launchctl", "print", _of_launchd(where)))
        if code:
            return
        pause(GONE_SECONDS)


def _ending(where: Place) -> list[tuple[str, ...]]:
    if where.manager == LAUNCHD:
        return [("launchctl", "bootout", _of_launchd(where))]
    return [("systemctl", "--user", "disable", "--now", where.name)]


def _lingering(where: Place) -> Texts:
    """A service of systemd's ends with the last session of its user, unless that user lingers."""
    if where.manager != SYSTEMD or not shutil.which("loginctl"):
        return ()
    return ("it ends when you log out; to let it run on: loginctl enable-linger",)


def _of_launchd(where: Place) -> str:
    return f"gui/{os.getuid()}/{where.name}"


def _quoted(word: str, *, dollars: bool = False) -> str:
    """A word as systemd reads it back: quotes, escapes, `%` which begins a specifier, `$` which begins a variable."""
    if "\n" in word:
        raise UsageError(
            "a setting of the environment holds a line break", "leave it out"
        )
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if dollars:
        escaped = escaped.replace("$", "$$")
    return f'"{escaped}"'
