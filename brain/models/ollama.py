"""Ollama as a server: what it is, what it holds, how to fetch a model, and the proof that a model runs on this machine.

The `ollama` package does list, pull and embed, through `Wire`, which takes its proxies, redirects and keys away.
Status, tags, show and chat are raw JSON over the same `Wire`, since the package hides the fields that betray a model
running elsewhere. Leaves out vectors (`ollama_embedder`) and writing (`ollama_generator`).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from brain.errors import Refused, Unavailable
from brain.models.limits import Limits
from brain.models.locality import (
    Json,
    address_of,
    canonical,
    refuse_remote_fields,
    refuse_remote_name,
    refuse_unproven,
    whole,
)
from brain.models.ollama_errors import not_pulled, typed_error, unreadable
from brain.protocols import Progress, silent

if TYPE_CHECKING:
    import ollama

    from brain.models.ollama_wire import OllamaHttp

# A proof is asked for again after this, since a model's name can be given to another one.
PROOF_SECONDS = 60.0
# Hidden from the package, beside all *_PROXY.
HIDDEN = ("OLLAMA_HOST", "OLLAMA_API_KEY", "SSL_CERT_FILE", "SSL_CERT_DIR")
# Of a model's size in video memory, from which hardly a layer is left to the processor.
ON_THE_CARD = 0.9
PULLED = "success"  # the only status line of a pull that means success

_import_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Proof:
    """A model that was shown to run here. `wire_name` is what to send; `digest` 64 hex digits.

    `window`: the trained maximum in tokens, 0 when the model does not say; `dimensions` of its vectors, 0 likewise.
    """

    wire_name: str
    digest: str
    window: int
    dimensions: int

    def window_within(self, most: int) -> int:
        """The tokens that the model can be given, at most `most`."""
        return min(most, self.window or most)


class OllamaServer:
    """One daemon at a proven address. Safe to share between threads; holds no connection open.

    Raises `Refused` at once for a host that is neither loopback nor in `trusted_hosts`.
    """

    def __init__(
        self,
        host: str = "",
        *,
        trusted_hosts: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> None:
        self.address = address_of(host, trusted_hosts)
        self.limits = limits or Limits()
        self._proofs: dict[str, tuple[float, Proof]] = {}

    def version(self) -> str:
        """Such as "0.33.0"; an error comes within about the connect time when nobody answers."""
        version = self._asked("GET", "/api/version").get("version")
        if not isinstance(version, str):
            raise unreadable(self.address)
        return version

    def cloud_disabled(self) -> bool | None:
        """Whether cloud models are switched off in this daemon; None when it is too old to say."""
        status, answer = self._quick.json("GET", "/api/status")
        if status == 404:
            return None
        if status != 200 or not isinstance(answer.get("cloud"), dict):
            raise typed_error(status, str(answer.get("error", "")), "", self.address)
        return bool(answer["cloud"].get("disabled"))

    def tags(self) -> list[Json]:
        """Raw entries of /api/tags, with the fields that the package drops."""
        return self._rows("/api/tags")

    def running(self) -> list[Json]:
        """Raw entries of /api/ps; `context_length` is the window that was really allocated."""
        return self._rows("/api/ps")

    def in_video_memory(self, model: str) -> bool:
        """True while the model is loaded and runs on the graphics card: then a prompt takes no seconds to read."""
        row = _named(self.running(), model) or {}
        size = whole(row.get("size"))
        return 0 < size * ON_THE_CARD <= whole(row.get("size_vram"))

    def show(self, model: str) -> Json:
        """The raw answer of /api/show. Raises `Unavailable` when the model is not pulled."""
        return self._asked("POST", "/api/show", {"model": model}, model=model)

    def pull(self, model: str, progress: Progress = silent) -> None:
        """Let the daemon fetch a model; `progress` gets (status, bytes done, bytes known). Only the name is sent.

        Raises `Refused` for a cloud model, `Unavailable` when the daemon does not report success.
        """
        refuse_remote_name(model)
        layers: dict[str, tuple[int, int]] = {}
        status = ""
        with self.translated(model):
            for part in self.client(self.limits.for_download()).pull(
                model, stream=True
            ):
                status = part.status or status
                if part.digest:
                    layers[part.digest] = (part.completed or 0, part.total or 0)
                done = sum(came for came, _ in layers.values())
                known = sum(size for _, size in layers.values())
                progress(status, done, known)
        if status != PULLED:
            raise Unavailable(
                f"fetching {model} stopped at {status!r}",
                f"go on with: `brain models pull {model}`",
            )

    def prove(self, model: str, *, fresh: bool = False) -> Proof:
        """Show that the model runs on this machine (see `locality`), before anything confidential is sent to it.

        Sends the model's name and nothing else. Holds for `PROOF_SECONDS`. Raises `Refused`, or `Unavailable` when a
        step fails.
        """
        known = self._proofs.get(model)
        if known and not fresh and time.monotonic() - known[0] < PROOF_SECONDS:
            return known[1]
        self._proofs.pop(model, None)
        refuse_remote_name(model)
        proof = self._proven(model)
        self._proofs[model] = (time.monotonic(), proof)
        return proof

    def http(self, limits: Limits) -> OllamaHttp:
        """Raw JSON under the given limits."""
        from brain.models.ollama_wire import OllamaHttp

        return OllamaHttp(self.address, limits)

    def client(self, limits: Limits) -> ollama.Client:
        """The package's client, on our transport."""
        package = _package()
        from brain.models.ollama_wire import Wire

        client: ollama.Client = package.Client(
            self.address.url,
            trust_env=False,
            follow_redirects=False,
            timeout=limits.first,
            transport=Wire(self.address, limits),
        )
        return client

    @contextmanager
    def translated(self, model: str) -> Iterator[None]:
        """What the package raises, as ours; `Wire`'s own errors pass through."""
        package = _package()
        try:
            yield
        except package.ResponseError as error:
            status = error.status_code if error.status_code > 0 else None
            raise typed_error(status, error.error, model, self.address) from None
        except (ValueError, TypeError, AttributeError):
            raise unreadable(self.address) from None

    @cached_property
    def _quick(self) -> OllamaHttp:
        return self.http(self.limits.quick())

    def _asked(
        self, method: str, path: str, body: Json | None = None, *, model: str = ""
    ) -> Json:
        status, answer = self._quick.json(method, path, body)
        if status != 200:
            raise typed_error(status, str(answer.get("error", "")), model, self.address)
        return answer

    def _rows(self, path: str) -> list[Json]:
        rows = self._asked("GET", path).get("models")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise unreadable(self.address)
        return rows

    def _proven(self, model: str) -> Proof:
        disabled = self.cloud_disabled()
        entry = _named(self.tags(), model)
        if entry is None:
            raise not_pulled(model)
        refuse_remote_fields(entry, model)
        digest = entry.get("digest")
        if not isinstance(digest, str) or not digest:
            raise Refused(
                f"{model} has no digest: what would answer cannot be told",
                "fetch it again with `brain models pull`",
            )
        shown = self.show(model)
        info = refuse_unproven(shown, model)
        architecture = info.get("general.architecture")
        return Proof(
            # A server too old to speak of cloud models knows no `:local` either.
            wire_name=model if disabled is None else self._local_name(model),
            digest=digest,
            window=whole(info.get(f"{architecture}.context_length")),
            dimensions=whole(info.get(f"{architecture}.embedding_length")),
        )

    def _local_name(self, model: str) -> str:
        """`model:local`, which no stub answers to, on a server that knows the mark; else the name as it is."""
        marked = model if model.lower().endswith(":local") else f"{model}:local"
        status, shown = self._quick.json("POST", "/api/show", {"model": marked})
        if status != 200:
            return model
        refuse_unproven(shown, model)
        return marked


def _named(rows: Sequence[Json], model: str) -> Json | None:
    """The row of this model, None when it is not among them."""
    wanted = canonical(model)
    for row in rows:
        if canonical(str(row.get("name"))) == wanted:
            return row
    return None


def _package() -> Any:
    """The `ollama` package, imported as if no proxy, host or key were set.

    On import it builds a client from the environment: an odd proxy or a broken OLLAMA_HOST would end the process.
    """
    with _import_lock:
        if "ollama" not in sys.modules:
            names = [
                n for n in os.environ if n in HIDDEN or n.upper().endswith("_PROXY")
            ]
            hidden = {name: os.environ.pop(name) for name in names}
            try:
                import ollama  # noqa: F401  (the first import is what must not see the environment)
            finally:
                os.environ.update(hidden)
        return sys.modules["ollama"]
