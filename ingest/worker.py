"""The child that reads risky files: one request line of JSON in, one JSON line per document out, then an end line.

It runs under resource limits, cannot open a connection or start a program, and speaks JSON only, so that a parser taken
over by a hostile file can hand its parent nothing but text. Leaves out deadlines: the parent (`pool`) has the clock.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ingest.document import Chunk, Document
from ingest.errors import IngestError, RefusedFile, UnreadableFile, UnsupportedFile
from ingest.limits import Limits

WRITE_BYTES = 1 << 20  # RLIMIT_FSIZE: it has no file to write
OPEN_FILES = 64  # RLIMIT_NOFILE
FORBIDDEN = (
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "socket.sendto",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
)
_ERRORS = {error.kind: error for error in (UnsupportedFile, UnreadableFile, RefusedFile)}


def main() -> None:
    """Answers requests from standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a parser that prints cannot reach the answers
    modules = 0
    for line in sys.stdin.buffer:
        modules = _settle(modules)
        request = json.loads(line)
        limits = Limits(**request["limits"])
        _cage(limits)
        for answer in _answers(request, limits):
            answers.write(json.dumps(answer).encode("ascii") + b"\n")
        answers.flush()


def _settle(modules: int) -> int:
    """Take what imports left out of the garbage collector's rounds: a PDF makes so many objects that looking through all
    modules again and again is a fifth of its time. `modules` were loaded at the last call; returns how many are now.
    """
    if len(sys.modules) > modules:
        gc.collect()  # so that nothing of the last file stays for good
        gc.freeze()
    return len(sys.modules)


def _answers(request: dict[str, Any], limits: Limits) -> list[dict[str, Any]]:
    from ingest.loading import load

    made: list[dict[str, Any]] = []
    try:
        for document in load(
            Path(request["path"]), chunk_tokens=request["chunk_tokens"], limits=limits
        ):
            made.append({"document": packed(document)})
    except IngestError as error:
        made.append({"error": [error.kind, error.reason, error.hint]})
    return [*made, {"end": True}]


def _cage(limits: Limits) -> None:
    """Limits on this process; the processor seconds count from now, anew for each file."""
    try:
        import resource
    except ImportError:  # no such thing on this system: the parent's deadline remains
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + limits.cpu_seconds + 1
    wanted = (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, WRITE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, soft in wanted:
        hard = resource.getrlimit(kind)[1]
        soft = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
        try:
            resource.setrlimit(kind, (soft, hard if kind == resource.RLIMIT_CPU else soft))
        except (ValueError, OSError):  # macOS refuses some of them
            continue


def _forbid(event: str, _arguments: tuple[object, ...]) -> None:
    if event in FORBIDDEN:
        raise PermissionError(f"{event} is not allowed while a file is read")


def packed(document: Document) -> dict[str, Any]:
    """The document as JSON values; a chunk's text is left out, being a slice of the document's."""
    values = asdict(document)
    for chunk in values["chunks"]:
        del chunk["text"]
    return values


def unpacked(values: dict[str, Any]) -> Document:
    """The document again. Raises KeyError, TypeError or ValueError on anything else."""
    text = values["text"]
    chunks = tuple(
        Chunk(
            **{
                **chunk,
                "heading": tuple(chunk["heading"]),
                "text": text[chunk["start"] : chunk["end"]],
            }
        )
        for chunk in values["chunks"]
    )
    lists = {name: tuple(values[name]) for name in ("tags", "aliases", "links", "notices")}
    return Document(**{**values, **lists, "chunks": chunks})


def unpacked_error(values: list[str]) -> IngestError:
    """The error again, of the class that its kind names."""
    kind, reason, hint = values
    return _ERRORS.get(kind, UnreadableFile)(reason, hint)


def start() -> None:
    """`main` with the network and other programs closed off: the entry of the child process."""
    sys.addaudithook(_forbid)
    main()
