"""What can go wrong with an Ollama, as named switches, and the bytes of an answer that suffer from them.

The names say what the server does; each has a default that a command line or a test may override. `Answer`
writes one HTTP answer byte by byte, so that chunks can be cut anywhere, also inside a character. Leaves out what the
answers say: `stand_in_ollama` decides that.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.stand_in_models import go_json

INFERENCE = frozenset({"/api/chat", "/api/generate", "/api/embed", "/api/embeddings"})
FAULTS: dict[str, Any] = {
    "slow_first_token": 1.0,  # seconds before the first byte
    "slow_tokens": 0.2,  # seconds before every further line
    "stall_after": 2,  # lines, then silence
    "drop_after": 150,  # bytes of the body, then the connection ends
    "rst_after": 150,  # bytes of the body, then the connection is reset
    "no_done": True,
    "mid_error": 2,  # lines, then an error line, status still 200
    "garbage_line": True,
    "array_line": True,
    "nested_line": 200_000,  # brackets: deeper than any parser goes
    "blank_line": True,
    "split_utf8": True,  # one byte per chunk
    "giant_line": 2 << 20,  # bytes
    "500_html": True,
    "503_busy": True,  # or the number of requests that are turned away
    "429": True,  # likewise
    "401_signin": True,
    "403_cloud": True,
    "404_model": True,
    "400_ctx_plain": True,
    "400_ctx_nested_json": True,
    "silent_truncate": 64,  # tokens of the window that the server really has, whatever was asked for
    "thinking_first": True,
    "empty_content": True,
    "done_length": True,
    "metrics_absent": True,
    "no_logprobs": True,  # a server before 0.12.11, which takes no notice of the field
    "babble": True,  # asked for one word, the model begins a speech
    "bad_json": 1,  # answers that break the schema, then good ones
    "embed_short_batch": True,
    "embed_wrong_dim": 5,
    "embed_nan": "",  # "": a row of NaN; else a 400 for every batch with this word in it
    "embed_empty_input": True,  # no rows at all, as for an empty input
    "redirect_307": "http://127.0.0.1:9/",  # the base to send the client to
    "remote_host_present": "reply",  # where: reply, show or tags
    "model_unloaded_between": True,  # every request has to load the model again
    "slow_load": 1.0,  # seconds that loading a model takes; a client that hangs up meanwhile aborts it
    "cannot_load": True,  # the runner dies while it loads
    "no_network": True,  # a pull finds no registry
    "pull_breaks": True,  # in the middle of the layers; what came is kept
    "pull_restarts": True,  # a piece comes again: less is counted than before
    "version_old": True,  # no /api/status, no capabilities, no :local
    "die_mid_stream": 2,  # lines, then the process is killed
    "accept_no_reply": True,
}
POLL_SECONDS = 0.02  # between two looks whether the client is still there
STALL_SECONDS = 30.0  # longer than any deadline of a test
PLAIN_CONTEXT = (
    "the prompt is longer than the context length currently available to the model; shorten the prompt, "
    "adjust the context length in settings, or use a model with a longer context length"
)
CANNOT_LOAD = "llama-server process has terminated: signal: killed"
NO_NETWORK = 'pull model manifest: Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid: no such host'
PULL_BROKE = "max retries exceeded: unexpected EOF"
BUSY = "server busy, please try again.  maximum pending requests exceeded"
PAGE = b"<html><head><title>500 Internal Server Error</title></head><body>nginx</body></html>"
UNEXPECTED = "an error was encountered while running the model: unexpected EOF"


class Hangup(Exception):
    """The connection is gone; nothing more can be said on it."""


class ApiError(Exception):
    """An error answer: its status, its text, and further fields. `late`: it came from a runner, or from a download."""

    def __init__(
        self, status: int, text: str, *, late: bool = False, **more: Any
    ) -> None:
        super().__init__(text)
        self.status = status
        self.late = late
        self.body = {"error": text, **more}


def too_long(tokens: int, window: int) -> str:
    """The refusal of a prompt, as llama-server words it: an object in JSON, inside the text of an error."""
    said = f"request ({tokens} tokens) exceeds the available context size ({window} tokens), try increasing it"
    inner = {
        "code": 400,
        "message": said,
        "type": "exceed_context_size_error",
        "n_prompt_tokens": tokens,
        "n_ctx": window,
    }
    return go_json({"error": inner}).decode()


class Faults(dict[str, Any]):
    """The switches that are on. A name that does not exist is an error at once."""

    def __init__(self, switches: Mapping[str, Any] | Iterable[str] = ()) -> None:
        super().__init__()
        for name in switches:
            self.on(name, switches[name] if isinstance(switches, Mapping) else None)

    def on(self, name: str, value: Any = None) -> None:
        """Switch on, with the default of the list when no value is given."""
        self[name] = FAULTS[name] if value is None else value

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in FAULTS:
            raise KeyError(f"no fault {name!r}: {', '.join(FAULTS)}")
        super().__setitem__(name, value)

    def spend(self, name: str) -> bool:
        """True when the fault strikes now; a number counts down, True stays."""
        left = self.get(name, 0)
        if left is True or not left:
            return bool(left)
        self[name] = left - 1
        return True

    def before(self) -> None:
        """Error answers that an inference request meets before anything else."""
        for name, error in (
            ("503_busy", ApiError(503, BUSY)),
            ("429", ApiError(429, "too many requests")),
            (
                "401_signin",
                ApiError(
                    401, "unauthorized", signin_url="https://example.invalid/connect"
                ),
            ),
            (
                "403_cloud",
                ApiError(403, "ollama cloud is disabled: remote model is unavailable"),
            ),
            ("404_model", ApiError(404, "model 'x' not found")),
            ("400_ctx_plain", ApiError(400, PLAIN_CONTEXT, late=True)),
            ("400_ctx_nested_json", ApiError(400, too_long(42947, 8192), late=True)),
        ):
            if self.spend(name):
                raise error


class Answer:
    """One HTTP answer on a handler's socket, under the faults of its server."""

    def __init__(
        self, handler: BaseHTTPRequestHandler, faults: Faults, stopping: threading.Event
    ) -> None:
        self._handler = handler
        self._faults = faults
        self._stopping = stopping
        self._bytes = 0
        self._lines = 0
        self.started = False
        self.status = 0

    def whole(
        self,
        status: int,
        body: bytes,
        kind: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """An answer with a length. HEAD has no body; `kind` "": no type is named."""
        named = {"Content-Type": kind} if kind else {}
        self._head(
            status, {**named, "Content-Length": str(len(body)), **(headers or {})}
        )
        if self._handler.command != "HEAD":
            self._send(body)

    def chunked(self, body: bytes, kind: str) -> None:
        """An answer whose length is not told beforehand."""
        self._head(200, {"Content-Type": kind, "Transfer-Encoding": "chunked"})
        self.chunk(body)
        self.end()

    def line(self, value: Any) -> None:
        """One object of a stream, as one chunk and a line end."""
        if "slow_tokens" in self._faults and self.started:
            self.wait(float(self._faults["slow_tokens"]))
        if not self.started:
            self._head(
                200,
                {
                    "Content-Type": "application/x-ndjson",
                    "Transfer-Encoding": "chunked",
                },
            )
        self._strike()
        self.chunk(go_json(value) + b"\n")
        self._lines += 1

    def chunk(self, data: bytes) -> None:
        """One HTTP chunk, or one for every byte."""
        step = 1 if "split_utf8" in self._faults else len(data)
        for at in range(0, len(data), step):
            piece = data[at : at + step]
            self._send(b"%x\r\n" % len(piece) + piece + b"\r\n")

    def end(self) -> None:
        """The end of a stream."""
        self._send(b"0\r\n\r\n")

    def hang(self) -> None:
        """Say nothing, for longer than anyone waits, then hang up."""
        self.wait(STALL_SECONDS)
        raise Hangup

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.started = True
        self.status = status
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def _strike(self) -> None:
        """What happens to a stream before its next line."""
        if self._lines == self._faults.get("stall_after"):
            self.hang()
        if self._lines == self._faults.get("mid_error"):
            self.chunk(go_json({"error": UNEXPECTED}) + b"\n")
            self.end()
            raise Hangup
        if self._lines == self._faults.get("die_mid_stream"):
            os.kill(os.getpid(), signal.SIGKILL)
        if self._lines == 1:
            for name, data in (
                ("garbage_line", b"%PDF-1.7 not json\n"),
                ("array_line", b"[1]\n"),
                ("nested_line", b"[" * int(self._faults.get("nested_line", 0)) + b"\n"),
                ("blank_line", b"\n"),
                (
                    "giant_line",
                    b'{"x":"' + b"x" * int(self._faults.get("giant_line", 0)) + b'"}\n',
                ),
            ):
                if name in self._faults:
                    self.chunk(data)

    def _send(self, data: bytes) -> None:
        for name in ("drop_after", "rst_after"):
            if name in self._faults and self._bytes + len(data) > self._faults[name]:
                self._write(data[: max(0, self._faults[name] - self._bytes)])
                self._cut(reset=name == "rst_after")
        self._write(data)
        self._bytes += len(data)

    def _write(self, data: bytes) -> None:
        try:
            self._handler.wfile.write(data)
            self._handler.wfile.flush()
        except OSError:
            raise Hangup from None

    def _cut(self, *, reset: bool) -> None:
        if reset:
            self._handler.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        self._handler.rfile.close()
        self._handler.connection.close()
        raise Hangup

    def wait(self, seconds: float) -> None:
        """Let time pass, unless the client is gone or the server stops: then there is nobody left to answer."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._stopping.wait(min(left, POLL_SECONDS)) or self._client_is_gone():
                raise Hangup

    def _client_is_gone(self) -> bool:
        try:
            return not self._handler.connection.recv(
                1, socket.MSG_PEEK | socket.MSG_DONTWAIT
            )
        except BlockingIOError:
            return False
        except OSError:
            return True
