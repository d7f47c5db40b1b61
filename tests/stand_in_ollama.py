"""A stand-in for Ollama that keeps the contract of its API, with faults that can be switched on.

    with StandIn(faults={"no_done": True}) as server:  # server.host, server.requests, server.faults, server.models
    python -m tests.stand_in_ollama --port 0 --models llama3.2,all-minilm --fault stall_after=3

Status codes, key names, defaults and oddities are those of ollama/ollama at fb30760 (August 2026). Inference is in
`stand_in_inference`, what models say in `stand_in_models`, which are loaded in `stand_in_runners`, what goes wrong in
`stand_in_faults`. Where a real server did otherwise than its source reads, it is as the real one was measured. Leaves
out images, tools, the contents of blobs, and pushing.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tests.stand_in_faults import (
    INFERENCE,
    NO_NETWORK,
    PAGE,
    PULL_BROKE,
    Answer,
    ApiError,
    Faults,
    Hangup,
)
from tests.stand_in_inference import PER_TOKEN, Inference
from tests.stand_in_models import (
    DEFAULT_MODELS,
    Model,
    fill,
    from_passages,
    go_json,
    has_minilm,
    known,
    stamp,
    yes_or_no,
)
from tests.stand_in_runners import KEEP_DEFAULT, Runner, Runners

VERSION = "0.33.0"
JSON_TYPE = "application/json; charset=utf-8"
BARE_JSON_TYPE = "application/json"  # of errors in streams, and of pulls
TEXT_TYPE = "text/plain; charset=utf-8"
BARE_TEXT_TYPE = "text/plain"  # of 404 and 405
NO_TYPE = ""
LOG_HANGUP = (
    499  # what the server logs for a client that went away before its model was there
)
FOREVER = 292.27 * 365.2425 * 86_400  # seconds: the longest time that Go can hold
DIGEST = re.compile(r"sha256[:-][0-9a-f]{64}")
NAME = re.compile(r"^[\w.-]+(?::\d+)?(?:/[\w.-]+)*(?::[\w.-]+)?$")
GOOD_ORIGINS = re.compile(
    r"^(https?://(localhost|127\.0\.0\.1|0\.0\.0\.0)(:\d+)?|(app|file|tauri|vscode-\w+)://.*)$"
)
GOOD_SUFFIXES = (".localhost", ".local", ".internal")
ROUTES = {
    "/": ("GET", "HEAD"),
    "/api/version": ("GET", "HEAD"),
    "/api/status": ("GET",),
    "/api/tags": ("GET", "HEAD"),
    "/api/ps": ("GET",),
    "/api/show": ("POST",),
    "/api/chat": ("POST",),
    "/api/generate": ("POST",),
    "/api/embed": ("POST",),
    "/api/embeddings": ("POST",),
    "/api/pull": ("POST",),
    "/api/copy": ("POST",),
    "/api/delete": ("DELETE",),
}
NOT_PULLED = {
    "/api/embed": 'model "{}" not found, try pulling it first',
    "/api/embeddings": 'model "{}" not found, try pulling it first',
    "/api/copy": 'model "{}" not found',
    "/api/show": "model '{}:latest' not found",
}
NO_CLOUD = "ollama cloud is disabled: remote model is unavailable"
NO_CLOUD_DETAILS = "ollama cloud is disabled: remote model details are unavailable"
CLOUD_TAGS = (":cloud", "-cloud")
EMPTY_NAME = {
    "/api/generate": (404, "model '' not found"),
    "/api/embed": (404, "model '' not found"),
}


@dataclass(frozen=True)
class Recorded:
    """A request as it came, for assertions: the body as bytes."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class StandIn:
    """The server, running from `start` (or `with`) to `stop`.

    `models` by canonical name, `faults` and `fault_paths` may be changed while it runs. `loads`: the models in the
    order in which they were loaded. `log`: path and status of every finished request, as the server logs them.
    `answer` is what the writing models say, `odds` the first tokens of a one-word answer with their probabilities,
    `structured` the object of a schema. `in_video`: loaded models lie in video memory. `prompt_ns`, `answer_ns`: the
    nanoseconds for each token that it reports. `keep_alive`: seconds, what the person who runs the server set.
    """

    def __init__(
        self,
        *,
        models: Iterable[str | Model] | None = None,
        faults: Mapping[str, Any] | Iterable[str] = (),
        port: int = 0,
        answer: Callable[[Sequence[Mapping[str, Any]]], str] = from_passages,
        odds: Callable[
            [Sequence[Mapping[str, Any]]], Mapping[str, float] | None
        ] = yes_or_no,
        cloud_disabled: bool = True,
        keep_alive: float = KEEP_DEFAULT,
    ) -> None:
        named = (
            known(m) if isinstance(m, str) else m
            for m in (DEFAULT_MODELS if models is None else models)
        )
        # bytes of each layer, kept when a pull ends early
        self.partly_pulled: dict[str, int] = {}
        self.models = {
            m.name: m
            for m in named
            if has_minilm() or not m.name.startswith("all-minilm")
        }
        self.faults = Faults(faults)
        self.fault_paths = set(INFERENCE)
        self.requests: list[Recorded] = []
        self.errors: list[BaseException] = []
        self.log: list[tuple[str, int]] = []
        self.runners = Runners(keep_alive)
        self.prompt_ns = self.answer_ns = PER_TOKEN
        self.answer = answer
        self.odds = odds
        self.structured = fill
        self.in_video = False
        self.cloud_disabled = cloud_disabled
        self.stopping = threading.Event()
        self._http = _Server(("127.0.0.1", port), _Handler)
        self._http.stand_in = self
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def host(self) -> str:
        """Such as 127.0.0.1:40123."""
        return f"127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def start(self) -> StandIn:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Wake whatever stalls, and close the port."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def __enter__(self) -> StandIn:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def bodies(self, path: str) -> list[bytes]:
        """What was sent to a path, oldest first."""
        return [request.body for request in self.requests if request.path == path]

    @property
    def loads(self) -> list[str]:
        """The models in the order in which they were loaded."""
        return self.runners.loads

    def running_names(self) -> list[str]:
        """The models that are loaded, newest first."""
        return [runner.model.name for runner in self.runners.running()]

    def find(self, asked: str, path: str) -> Model:
        """The model of a request. Raises the error that this endpoint gives."""
        if not asked:
            status, text = EMPTY_NAME.get(path, (400, "model is required"))
            raise ApiError(status, text)
        name, local = asked.lower(), False
        if name.endswith(":local") and "version_old" not in self.faults:
            name, local = name.removesuffix(":local"), True
            if name.endswith(CLOUD_TAGS):
                raise ApiError(400, f'use either :local or :cloud, not both: "{asked}"')
        if not NAME.match(name):
            raise ApiError(400, "invalid model name")
        closed = ApiError(403, NO_CLOUD_DETAILS if path == "/api/show" else NO_CLOUD)
        inquiring = path in INFERENCE or path == "/api/show"
        if self.cloud_disabled and inquiring and name.endswith(CLOUD_TAGS):
            raise closed
        full = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
        model = next((m for key, m in self.models.items() if key.lower() == full), None)
        embeds = path in ("/api/embed", "/api/embeddings")
        stub = model is not None and bool(model.remote_host) and inquiring
        if model is None or (stub and (local or (embeds and self.cloud_disabled))):
            raise ApiError(
                404, NOT_PULLED.get(path, "model '{}' not found").format(asked)
            )
        if stub and self.cloud_disabled:
            raise closed
        return model

    def unload(self) -> None:
        """As if the keep-alive of every model had run out."""
        self.runners.unload()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    stand_in: StandIn

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.stand_in.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    """One connection. Every method goes through `_serve`, which turns errors into answers."""

    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True
    wbufsize = -1

    def _serve(self) -> None:
        place = self.server.stand_in
        path = self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        place.requests.append(
            Recorded(self.command, path, dict(self.headers.items()), body)
        )
        faulty = place.faults if path in place.fault_paths else Faults()
        answer = Answer(self, faulty, place.stopping)
        try:
            self._answered(place, path, body, answer, faulty)
        except Hangup:
            self.close_connection = True
        except ApiError as error:
            self._refused(path, body, answer, error)
        place.log.append((path, answer.status or LOG_HANGUP))

    def _refused(self, path: str, body: bytes, answer: Answer, error: ApiError) -> None:
        """An error in place of an answer: what a stream breaks off with before it began has no character set."""
        streams = path in INFERENCE and b'"stream":false' not in body.replace(b" ", b"")
        bare = error.late and (streams or path == "/api/pull")
        kind = BARE_JSON_TYPE if bare else JSON_TYPE
        answer.whole(error.status, go_json(error.body), kind)

    def _answered(
        self, place: StandIn, path: str, body: bytes, answer: Answer, faults: Faults
    ) -> None:
        if not self._welcome():
            return answer.whole(403, b"", NO_TYPE)
        if "accept_no_reply" in faults:
            answer.hang()
        if "redirect_307" in faults:
            return answer.whole(
                307,
                b"",
                TEXT_TYPE,
                {"Location": faults["redirect_307"].rstrip("/") + self.path},
            )
        if "500_html" in faults:
            return answer.whole(500, PAGE, "text/html")
        if path.startswith("/api/blobs/"):
            known_digest = DIGEST.fullmatch(path.removeprefix("/api/blobs/"))
            return answer.whole(404 if known_digest else 400, b"", JSON_TYPE)
        if path not in ROUTES or (
            path == "/api/status" and "version_old" in place.faults
        ):
            return answer.whole(404, b"404 page not found", BARE_TEXT_TYPE)
        if self.command not in ROUTES[path]:
            return answer.whole(405, b"405 method not allowed", BARE_TEXT_TYPE)
        if path == "/":
            return answer.whole(200, b"Ollama is running", TEXT_TYPE)
        if self.command == "POST" or self.command == "DELETE":
            return _Call(place, path, _parsed(body), answer, faults).run()
        return answer.whole(200, go_json(_METADATA[path](place)), JSON_TYPE)

    def _welcome(self) -> bool:
        name = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        origin = self.headers.get("Origin")
        return _known_host(name) and (
            origin is None or bool(GOOD_ORIGINS.match(origin))
        )

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _serve


class _Call:
    """One request with a JSON body: finds the model, then answers as its endpoint does."""

    def __init__(
        self,
        place: StandIn,
        path: str,
        body: Mapping[str, Any],
        answer: Answer,
        faults: Faults,
    ) -> None:
        self.place, self.path, self.body, self.answer, self.faults = (
            place,
            path,
            body,
            answer,
            faults,
        )

    _ROUTES: ClassVar[dict[str, str]] = {
        "/api/show": "show",
        "/api/pull": "pull",
        "/api/copy": "copy",
        "/api/delete": "delete",
    }

    def run(self) -> None:
        if self.path in self._ROUTES:
            getattr(self, self._ROUTES[self.path])()
            return
        self.faults.before()
        model = self.place.find(_text(self.body, "model"), self.path)
        self._infer(Inference(self.place, self.path, self.body, model, self.faults))

    def _infer(self, inference: Inference) -> None:
        answers = inference.answers(self.answer.wait)
        if self.path in ("/api/embed", "/api/embeddings") or not inference.streams:
            return self._json(inference.merged(answers))
        with closing(answers):  # a client that hangs up lets the runner go
            for value in answers:
                self.answer.line(value)
        return self.answer.end()

    def show(self) -> None:
        name = _text(self.body, "model") or _text(self.body, "name")
        model = self.place.find(name, self.path)
        self.answer.chunked(go_json(_shown(self.place, model)), JSON_TYPE)

    def pull(self) -> None:
        name = _text(self.body, "model") or _text(self.body, "name")
        if not NAME.match(name):
            raise ApiError(400, "invalid model name")
        if self.body.get("stream") is False:
            last = list(self._pulled(name))[-1]
            if "error" in last:
                raise ApiError(500, last["error"], late=True)
            return self.answer.whole(200, go_json(last), BARE_JSON_TYPE)
        for line in self._pulled(name):
            self.answer.line(line)
        return self.answer.end()

    def copy(self) -> None:
        model = self.place.find(_text(self.body, "source"), self.path)
        name = _text(self.body, "destination")
        full = name if ":" in name else f"{name}:latest"
        origin = model.origin or model.name
        self.place.models[full] = replace(model, name=full, origin=origin)
        self.answer.whole(200, b"", NO_TYPE)

    def delete(self) -> None:
        model = self.place.find(
            _text(self.body, "model") or _text(self.body, "name"), self.path
        )
        self.place.models.pop(model.name)
        self.answer.whole(200, b"", NO_TYPE)

    def _pulled(self, name: str) -> Iterator[dict[str, Any]]:
        yield {"status": "pulling manifest"}
        if "no_network" in self.faults:
            yield {"error": NO_NETWORK}
            return
        if "missing" in name:
            yield {"error": "pull model manifest: file does not exist"}
            return
        model = known(name.lower())
        layers = [
            (f"sha256:{model.digest}", model.size),
            (f"sha256:{model.digest[::-1]}", 487),
        ]
        came = self.place.partly_pulled
        for share in (0, 2, 1):
            for digest, total in layers:
                reached = total // share if share else 0
                came[digest] = max(reached, came.get(digest, 0))
                done = {"completed": came[digest]} if came[digest] else {}
                if "pull_restarts" in self.faults and share == 2:
                    # a piece of the layer is fetched once more
                    yield {
                        "status": f"pulling {digest[7:19]}",
                        "digest": digest,
                        "total": total,
                        "completed": total // 4 * 3,
                    }
                yield {
                    "status": f"pulling {digest[7:19]}",
                    "digest": digest,
                    "total": total,
                    **done,
                }
            if "pull_breaks" in self.faults and share == 2:
                yield {"error": PULL_BROKE}
                return
        for digest, _total in layers:
            came.pop(digest)
        self.place.models[model.name] = model
        yield from (
            {"status": text}
            for text in ("verifying sha256 digest", "writing manifest", "success")
        )

    def _json(self, value: Any) -> None:
        self.answer.whole(
            200,
            json.dumps(value).encode() if _has_nan(value) else go_json(value),
            JSON_TYPE,
        )


def _tags(place: StandIn) -> dict[str, Any]:
    return {"models": [_entry(place, model) for model in place.models.values()]}


def _entry(place: StandIn, model: Model) -> dict[str, Any]:
    remote = (
        {"remote_model": model.remote_model, "remote_host": model.remote_host}
        if model.remote_host
        else {}
    )
    if place.faults.get("remote_host_present") == "tags":
        remote = {"remote_model": "x", "remote_host": "https://example.invalid:443"}
    trained = {
        "context_length": model.window,
        "embedding_length": model.dimensions,
    }
    # What a model made from safetensors can do is not known here, and /api/show contradicts it.
    details = model.details | ({} if model.listed else trained)
    able = (
        {}
        if "version_old" in place.faults
        else {"capabilities": list(model.listed or model.capabilities)}
    )
    common = {
        "name": model.name,
        "model": model.name,
        **remote,
        "modified_at": stamp(),
        "size": model.size,
    }
    return {**common, "digest": model.digest, "details": details, **able}


def _running(place: StandIn) -> dict[str, Any]:
    return {"models": [_loaded(place, runner) for runner in place.runners.running()]}


def _loaded(place: StandIn, runner: Runner) -> dict[str, Any]:
    model = runner.model
    left = FOREVER if runner.keep < 0 else min(runner.until - time.monotonic(), 1e8)
    return {
        "name": model.name,
        "model": model.name,
        "size": model.size,
        "digest": model.digest,
        "details": model.details,
        "expires_at": stamp(left),
        "size_vram": model.size * place.in_video,
        "context_length": runner.window,
    }


def _shown(place: StandIn, model: Model) -> dict[str, Any]:
    remote = (
        {"remote_model": model.remote_model, "remote_host": model.remote_host}
        if model.remote_host
        else {}
    )
    if place.faults.get("remote_host_present") == "show":
        remote = {"remote_model": "x", "remote_host": "https://example.invalid:443"}
    parameters = (
        {"parameters": f"{'num_ctx':<30} {model.num_ctx}"} if model.num_ctx else {}
    )
    able = (
        {}
        if "version_old" in place.faults
        else {"capabilities": list(model.capabilities)}
    )
    tensor = {"name": "token_embd.weight", "type": "Q4_K", "shape": [1, 1]}
    return {
        "modelfile": "# Modelfile",
        **parameters,
        "template": "{{ .Prompt }}",
        "details": model.details,
        **remote,
        "model_info": model.info,
        "tensors": [] if model.remote_host else [tensor],
        **able,
        "modified_at": stamp(),
    }


_METADATA: dict[str, Callable[[StandIn], dict[str, Any]]] = {
    "/api/version": lambda _place: {"version": VERSION},
    "/api/status": lambda place: {
        "cloud": {
            "disabled": place.cloud_disabled,
            "source": "env" if place.cloud_disabled else "none",
        }
    },
    "/api/tags": _tags,
    "/api/ps": _running,
}


def _parsed(body: bytes) -> dict[str, Any]:
    if not body.strip():
        raise ApiError(400, "missing request body")
    try:
        value, _ = json.JSONDecoder().raw_decode(
            body.decode("utf-8", "replace").lstrip()
        )
    except ValueError:
        raise ApiError(
            400, "invalid character looking for beginning of value"
        ) from None
    if not isinstance(value, dict):
        raise ApiError(400, "json: cannot unmarshal into Go value")
    return value


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key) or ""
    if not isinstance(value, str):
        raise ApiError(
            400, f"json: cannot unmarshal into Go struct field .{key} of type string"
        )
    return value


def _known_host(name: str) -> bool:
    if name in ("", "localhost") or name.endswith(GOOD_SUFFIXES):
        return True
    try:
        return ip_address(name).is_private or ip_address(name).is_loopback
    except ValueError:
        return False


def _has_nan(value: Any) -> bool:
    return any(row and row[0] != row[0] for row in value.get("embeddings", ()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the process is ended; the address is the first line of output."""
    parser = argparse.ArgumentParser(
        prog="stand_in_ollama", description="A stand-in for Ollama, for tests."
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument(
        "--models", default=",".join(DEFAULT_MODELS), help="names, with commas between"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        help="NAME or NAME=VALUE; may be repeated",
    )
    given = parser.parse_args(arguments)
    switches = {}
    for fault in given.fault:
        name, _, value = fault.partition("=")
        switches[name] = (
            (float(value) if re.fullmatch(r"\d+(\.\d+)?", value) else value)
            if value
            else None
        )
    with StandIn(
        models=filter(None, given.models.split(",")), faults=switches, port=given.port
    ) as server:
        print(server.url, flush=True)
        try:
            server.stopping.wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
