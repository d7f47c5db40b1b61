"""Starts many commands quickly, so that hundreds can be killed: a process that has the libraries loaded and forks.

    with Zygote() as zygote:
        child = zygote.start(["add", "notes"], environ={"BRAIN_HOME": home}, limits={"RLIMIT_FSIZE": 2**20})
        child.kill(); child.wait() -> Ended(code=-9, stdout, stderr)

Nothing of ours is imported before the fork (a fault point is read when `brain.faults` is imported), no database is opened
and no thread runs, so that a child is as a new process. Words that begin with `call:module:function` run that function
with the rest instead of the command line.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[1]
LOADED = (
    "sqlite3",
    "sqlite_utils",
    "numpy",
    "tokenizers",
    "typer",
    "typer.main",
    "markdown_it",
    "mdit_py_plugins.front_matter",
    "yaml",
    "filelock",
    "pathspec",
    "tiktoken",
    "dateparser",
    "json",
    "subprocess",
    "selectors",
    "zlib",
    "difflib",
)
OWN = ("brain", "ingest", "migrations")
CORE = {"RLIMIT_CORE": 0}
FILE_BYTES = (
    1 << 30
)  # no child is started without a limit on what it can write: one took 39 GB


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code, or minus the signal that it died of."""

    code: int
    stdout: str
    stderr: str


class Child:
    """One command that runs. Its output goes to files, which may be read while it runs."""

    def __init__(self, zygote: Zygote, pid: int, out: Path) -> None:
        self._zygote, self.pid, self._out = zygote, pid, out

    @property
    def stdout(self) -> str:
        return self._out.with_suffix(".out").read_text("utf-8", "replace")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal. Until `wait` its number cannot belong to another process."""
        os.kill(self.pid, number)

    def wait(self) -> Ended:
        """Until it has ended."""
        code = self._zygote.ask({"wait": self.pid})["code"]
        return Ended(
            code,
            self.stdout,
            self._out.with_suffix(".err").read_text("utf-8", "replace"),
        )


class Zygote:
    """The process that forks. A context manager. `prefix` are words that start it, such as `unshare -rm`."""

    def __init__(self, scratch: Path, prefix: Sequence[str] = ()) -> None:
        environ = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        environ |= {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
        self._scratch, self._count = scratch, 0
        scratch.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-W", "ignore", str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
            cwd=ROOT,
            text=True,
        )

    def __enter__(self) -> Zygote:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def start(
        self,
        words: Sequence[str | Path],
        *,
        environ: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> Child:
        """Fork a child that runs `brain WORDS`."""
        self._count += 1
        out = self._scratch / f"child-{self._count}"
        for suffix in (".out", ".err"):
            out.with_suffix(suffix).touch(0o600)
        request = {
            "words": [os.fsdecode(word) for word in words],
            "environ": dict(environ or {}),
            "out": str(out),
            "limits": {**CORE, "RLIMIT_FSIZE": FILE_BYTES, **(limits or {})},
        }
        return Child(self, self.ask(request)["pid"], out)

    def run(self, words: Sequence[str | Path], **more: Any) -> Ended:
        """Start it and wait."""
        return self.start(words, **more).wait()

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One line there, one back."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


def serve() -> None:
    """The zygote itself: requests in, answers out, until its input ends; what still runs then is killed."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    for name in LOADED:
        importlib.import_module(name)
    assert not any(name.partition(".")[0] in OWN for name in sys.modules)
    running: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            running.discard(request["wait"])
            answer = {"code": os.waitstatus_to_exitcode(status)}
        else:
            pid = os.fork()
            if pid == 0:
                become(request)
            running.add(pid)
            answer = {"pid": pid}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def become(request: Mapping[str, Any]) -> None:
    """In the child: take its place in the world, and run."""
    code = 1
    try:
        os.environ.update(request["environ"])
        for number, suffix in ((1, ".out"), (2, ".err")):
            file = os.open(
                request["out"] + suffix,
                os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_APPEND,
                0o600,
            )
            os.dup2(file, number)
            os.close(file)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.setsid()
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - they live as long as it
        for name, value in request["limits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        run(request["words"])
        code = 0
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code = code or 1
        os._exit(code)


def run(words: list[str]) -> None:
    """The command line, or a function of a test module."""
    if words and words[0].startswith("call:"):
        _, module, function = words[0].split(":")
        getattr(importlib.import_module(module), function)(*words[1:])
        return
    from brain.doors.cli import main

    main(words)


if __name__ == "__main__":
    serve()
