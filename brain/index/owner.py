"""Who writes an index: this process by id and start time, and whether another one named so still runs.

An id alone is reused by the operating system. Leaves out psutil: Linux tells by /proc, other systems by `ps`. Serves
the generations' owner columns.
"""

from __future__ import annotations

import os
import subprocess
from functools import lru_cache
from pathlib import Path

PROC = Path("/proc")
START_FIELD = 21  # of /proc/PID/stat, counted from 0; proc(5): "starttime", ticks after boot
STATE_FIELD = 2
GONE = "ZX"  # a zombie was killed and waits for its parent; X is dead
PS_SECONDS = 5.0


@lru_cache(maxsize=1)
def _boot() -> str:
    """Which run of the machine this is: ticks after boot mean nothing in another one."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()[:8]
    except OSError:
        return ""


def start_of(pid: int) -> str:
    """When the process began, as text that is equal for the same process only; "" when there is none."""
    if (PROC / "self/stat").exists():
        return _from_proc(pid)
    found = subprocess.run(
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        timeout=PS_SECONDS,
        check=False,
    )
    return " ".join(found.stdout.split())


def _from_proc(pid: int) -> str:
    try:
        line = (PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    before, _, after = line.rpartition(")")  # the name may hold spaces and brackets
    fields = [before, ")", *after.split()]
    return "" if fields[STATE_FIELD] in GONE else f"{_boot()}:{fields[START_FIELD]}"


def myself() -> tuple[int, str]:
    """(id, start) of this process."""
    return os.getpid(), start_of(os.getpid())


def alive(pid: int, start: str) -> bool:
    """Whether the process that wrote down (pid, start) still runs."""
    return pid > 0 and bool(start) and start_of(pid) == start
