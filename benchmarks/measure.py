"""Running commands and remembering what they took; figures as ratios to a floor of the same run.

The machine may be busy: so the runs of product and floor alternate, medians are compared, and beside the wall clock stands
the processor time (user and system, with that of children), which others disturb less. Leaves out what is measured.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON = [sys.executable, "-B"]
BRAIN = [
    str(Path(sys.executable).with_name("brain"))
]  # the script as installed: it is what a person starts


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds on the wall and of processors, and the most memory resident at once in megabytes."""

    wall: float
    cpu: float
    megabytes: float
    output: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `better` says which side of the target is good: "≤" or "≥".

    The ratio by processor is judged, else the other; or `judged`, in the `unit` of the target.
    """

    name: str
    value: str
    floor: str
    ratio: float | None
    cpu_ratio: float | None = None
    better: str = "≤"
    target: float | None = None
    judged: float | None = None
    unit: str = ""

    @property
    def met(self) -> str:
        """yes when it keeps the target, no, or — without one."""
        judged = next(
            (
                value
                for value in (self.judged, self.cpu_ratio, self.ratio)
                if value is not None
            ),
            None,
        )
        if self.target is None or judged is None:
            return "—"
        return (
            "yes"
            if (judged <= self.target if self.better == "≤" else judged >= self.target)
            else "no"
        )


def spend(
    command: Sequence[str],
    home: Path | None = None,
    *,
    codes: Sequence[int] = (0,),
    more: Mapping[str, str] | None = None,
) -> Spent:
    """Run a command to its end, `more` in its environment. Raises `RuntimeError` with its last words when its exit code
    is none of `codes`.
    """
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BRAIN_", "OLLAMA_"))
    }
    environ |= {
        "PYTHONPATH": str(ROOT),
        "BRAIN_MODELS_EMBED": "wordllama",
        "BRAIN_MODELS_ASK": "builtin",
        **(more or {}),
    }
    if home is not None:
        environ["BRAIN_HOME"] = str(home)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=environ, cwd=tempfile.gettempdir(), stdout=out, stderr=errors
        )
        _pid, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode not in codes:
            raise RuntimeError(
                f"{' '.join(command)}: {process.returncode}\n{errors.read()[-2_000:].decode()}"
            )
        return Spent(
            wall,
            used.ru_utime + used.ru_stime,
            used.ru_maxrss / 1024,
            out.read().decode(),
        )


def alternate(cases: Mapping[str, Callable[[], Spent]], times: int) -> dict[str, Spent]:
    """Run all cases in turn, so many times; the medians of each (the output is that of its last run)."""
    runs: dict[str, list[Spent]] = {name: [] for name in cases}
    for _ in range(times):
        for name, case in cases.items():
            runs[name].append(case())
    return {
        name: Spent(
            statistics.median(run.wall for run in found),
            statistics.median(run.cpu for run in found),
            max(run.megabytes for run in found),
            found[-1].output,
        )
        for name, found in runs.items()
    }


def compared(
    name: str,
    value: Spent,
    floor: Spent,
    what: str,
    target: float | None,
    *,
    better: str = "≤",
) -> Figure:
    """The figure of two medians."""
    return Figure(
        name,
        seconds(value),
        f"{seconds(floor)} ({what})",
        value.wall / floor.wall,
        value.cpu / floor.cpu,
        better,
        target,
    )


def seconds(spent: Spent) -> str:
    """Wall and processor time, as people write it."""
    return f"{duration(spent.wall)} / {duration(spent.cpu)}"


def duration(value: float) -> str:
    """1.24 s, 38 ms."""
    return (
        f"{value:.2f} s"
        if value >= 1
        else f"{value * 1_000:.0f} ms"
        if value >= 0.01
        else f"{value * 1_000:.1f} ms"
    )


def resident() -> float:
    """The most memory that this process had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the sorted values lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
