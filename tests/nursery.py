"""A process that has modules loaded and forks a child for each request: `python nursery.py SOCKET MODULE[:FUNCTION]…`.

Serves tests/ready_children.py, which hands it requests over the socket: {"code", "words", "environ"} with the two ends
of the child's pipes gives its number, {"reap": number} its exit status. A function that is named is called once, since
it keeps a table. When the socket closes the nursery ends, and kills what still runs.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

REQUEST_BYTES = 1 << 20
ROOT = Path(__file__).parents[1]
PIPES = 2  # the child's standard input and output


def load(words: str) -> None:
    """Import the module, and call its function if one is named."""
    name, _, function = words.partition(":")
    module = importlib.import_module(name)
    if function:
        getattr(module, function)()


def serve(requests: socket.socket) -> None:
    """Until there are no more requests."""
    running: set[int] = set()
    while True:
        message, files, _flags, _address = socket.recv_fds(
            requests, REQUEST_BYTES, PIPES
        )
        if not message:
            break
        request = json.loads(message)
        number = request.get("reap")
        if number is None:
            number = answer = forked(request, requests, files)
            running.add(number)
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
            running.discard(number)
        requests.send(str(answer).encode())
    for number in running:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def forked(request: dict[str, Any], requests: socket.socket, files: list[int]) -> int:
    """The number of the new child, which runs already."""
    number = os.fork()
    if number == 0:
        requests.close()
        become(request, files)
    # Before anybody is told of it: who ends a child kills its group.
    os.setpgid(number, number)
    for file in files:
        os.close(file)
    return number


def become(request: dict[str, Any], files: list[int]) -> None:
    """In the child: what `python -c CODE WORDS` would do in this environment."""
    try:
        for place, file in enumerate(files):
            os.dup2(file, place)
            os.close(file)
        os.environ.clear()
        os.environ.update(request["environ"])
        time.tzset()
        sys.argv[:] = ["-c", *request["words"]]
        exec(request["code"], {"__name__": "__main__"})
    finally:
        os._exit(1)  # the code of a limited child ends the process itself


if __name__ == "__main__":
    _program, number_of_socket, *modules = sys.argv
    sys.path.append(str(ROOT))
    for module in modules:
        load(module)
    gc.freeze()  # no child is to look through all of it, or copy it
    serve(socket.socket(fileno=int(number_of_socket)))
