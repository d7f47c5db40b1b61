"""A program at a terminal of its own, at which somebody types: what a pipe cannot show."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence

# The program's own session takes the terminal as its controlling one before anything else is done.
BEGIN = "import fcntl, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
CHUNK = 4096
# Rows and columns, in pixels as well: no line is wrapped.
SIZE = struct.pack("HHHH", 50, 500, 0, 0)
HANG_SECONDS = 120  # a guard against a question that is never asked


def at_a_terminal(
    program: str,
    typed: Sequence[tuple[str, str]],
    *arguments: str,
    before: str = "",
) -> tuple[int, str]:
    """(the exit code, all that was written). `typed`: what is typed once each text was written; `before`: at once."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, SIZE)
    os.write(ours, before.encode())
    child = subprocess.Popen(
        [sys.executable, "-c", BEGIN + program, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        return _talk(child, ours, typed)
    finally:
        child.kill()
        child.wait()
        os.close(ours)


def _talk(
    child: subprocess.Popen[bytes], ours: int, typed: Sequence[tuple[str, str]]
) -> tuple[int, str]:
    written = b""
    seen = 0
    for wanted, answer in typed:
        while wanted.encode() not in written[seen:]:
            more = _read(ours, written)
            if not more:
                break
            written += more
        seen = len(written)
        os.write(ours, f"{answer}\n".encode())
    while more := _read(ours, written):
        written += more
    return child.wait(), written.decode()


def _read(terminal: int, before: bytes) -> bytes:
    """What comes next; nothing once the program has ended, which Linux calls an error."""
    ready, _written, _failed = select.select([terminal], [], [], HANG_SECONDS)
    if not ready:
        raise AssertionError(f"it says nothing more, and waits: {before.decode()}")
    try:
        return os.read(terminal, CHUNK)
    except OSError:
        return b""
