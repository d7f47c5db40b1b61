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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from brain.errors import BrainError, Refused, Unavailable
from brain.models.limits import Limits
from brain.models.locality import (
    CLOUD_ADVICE,
    address_of,
    canonical,
    refuse_remote_fields,
    refuse_remote_name,
    refuse_unproven,
)
from brain.models.ollama_errors import not_pulled, typed_error, unreadable
from brain.protocols import Progress, silent

if TYPE_CHECKING:
    import ollama

    from brain.models.ollama_wire import OllamaHttp

PROOF_SECONDS = (
    60.0  # a proof is asked for again after this, since a model's name can be given to another one
)
HIDDEN = (
    "OLLAMA_HOST",
    "OLLAMA_API_KEY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)  # from the package, beside all *_PROXY
ON_THE_CARD = (
    0.9  # of a model's size in video memory, from which hardly a layer is left to the processor
)
PULLED = "success"  # the only status line that means success, OLLAMA.md §7

_import_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Proof:
    """A model that was shown to run here. `wire_name` is what to send; `digest` 64 hex digits; lengths in tokens.

    `window` is the trained maximum, 0 when the model does not say; `dimensions` is 0 for one that does not embed.
    `cloud_disabled` is None on servers too old to say.
    """

    model: str
    wire_name: str
    digest: str
    size: int
    window: int
    dimensions: int
    capabilities: tuple[str, ...]
    cloud_disabled: bool | None

    @property
    def notice(self) -> str:
        """What to tell a person once, or ""."""
        return (
            f"Ollama may use cloud models: {CLOUD_ADVICE}" if self.cloud_disabled is False else ""
        )


@dataclass(frozen=True, slots=True)
class Installed:
    """One row of `brain models list`. `size` in bytes, `modified` ISO 8601 or ""."""

    name: str
    size: int
    digest: str
    modified: str


class OllamaServer:
    """One daemon at a proven address. Safe to share between threads; holds no connection open.

    Raises `Refused` at once for a host that is neither loopback nor in `trusted_hosts`.
    """

    def __init__(
        self, host: str = "", *, trusted_hosts: Sequence[str] = (), limits: Limits | None = None
    ) -> None:
        self.address = address_of(host, trusted_hosts)
        self.limits = limits or Limits()
        self._proofs: dict[str, tuple[float, Proof]] = {}

    def problem(self) -> BrainError | None:
        """Why the server cannot be used, or None; within about the connect time when nobody answers."""
        try:
            self.version()
        except BrainError as error:
            return error
        return None

    def is_up(self) -> bool:
        """True when an Ollama answers."""
        return self.problem() is None

    def version(self) -> str:
        """Such as "0.33.0"."""
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

    def tags(self) -> list[dict[str, Any]]:
        """Raw entries of /api/tags, with the fields that the package drops."""
        return self._rows("/api/tags")

    def running(self) -> list[dict[str, Any]]:
        """Raw entries of /api/ps; `context_length` is the window that was really allocated."""
        return self._rows("/api/ps")

    def in_video_memory(self, model: str) -> bool:
        """True while the model is loaded and runs on the graphics card: then a prompt takes no seconds to read."""
        wanted = canonical(model)
        for row in self.running():
            size, in_video = _whole(row.get("size")), _whole(row.get("size_vram"))
            if canonical(str(row.get("name"))) == wanted:
                return 0 < size * ON_THE_CARD <= in_video
        return False

    def show(self, model: str) -> dict[str, Any]:
        """The raw answer of /api/show. Raises `Unavailable` when the model is not pulled."""
        return self._asked("POST", "/api/show", {"model": model}, model=model)

    def installed(self) -> list[Installed]:
        """What `ollama list` shows."""
        with self.translated(""):
            models = self.client(self.limits.quick()).list().models
        return [
            Installed(
                m.model or "",
                int(m.size or 0),
                m.digest or "",
                m.modified_at.isoformat() if m.modified_at else "",
            )
            for m in models
        ]

    def pull(self, model: str, progress: Progress = silent) -> None:
        """Let the daemon fetch a model; `progress` gets (status, bytes done, bytes known). Only the name is sent.

        Raises `Refused` for a cloud model, `Unavailable` when the daemon does not report success.
        """
        refuse_remote_name(model)
        layers: dict[str, tuple[int, int]] = {}
        status = ""
        with self.translated(model):
            for part in self.client(self.limits.patient()).pull(model, stream=True):
                status = part.status or status
                if part.digest:
                    layers[part.digest] = (part.completed or 0, part.total or 0)
                progress(
                    status,
                    sum(done for done, _ in layers.values()),
                    sum(total for _, total in layers.values()),
                )
        if status != PULLED:
            raise Unavailable(
                f"fetching {model} stopped at {status!r}",
                f"go on with: `brain models pull {model}`",
            )

    def prove(self, model: str, *, fresh: bool = False) -> Proof:
        """Show that the model runs on this machine (OLLAMA.md §9), before anything confidential is sent to it.

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
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, model: str = ""
    ) -> dict[str, Any]:
        status, answer = self._quick.json(method, path, body)
        if status != 200:
            raise typed_error(status, str(answer.get("error", "")), model, self.address)
        return answer

    def _rows(self, path: str) -> list[dict[str, Any]]:
        rows = self._asked("GET", path).get("models")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise unreadable(self.address)
        return rows

    def _proven(self, model: str) -> Proof:
        disabled = self.cloud_disabled()
        wanted = canonical(model)
        entry = next(
            (row for row in self.tags() if canonical(str(row.get("name"))) == wanted), None
        )
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
            model=model,
            wire_name=self._local_name(model, disabled),
            digest=digest,
            size=_whole(entry.get("size")),
            window=_whole(info.get(f"{architecture}.context_length")),
            dimensions=_whole(info.get(f"{architecture}.embedding_length")),
            capabilities=tuple(shown.get("capabilities") or ()),
            cloud_disabled=disabled,
        )

    def _local_name(self, model: str, disabled: bool | None) -> str:
        """`model:local`, which no stub answers to, on a server that knows the mark; else the name as it is."""
        marked = model if model.lower().endswith(":local") else f"{model}:local"
        if disabled is None:
            return model
        status, shown = self._quick.json("POST", "/api/show", {"model": marked})
        if status != 200:
            return model
        refuse_unproven(shown, model)
        return marked


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _package() -> Any:
    """The `ollama` package, imported as if no proxy, host or key were set.

    On import it builds a client from the environment: an odd proxy or a broken OLLAMA_HOST would end the process.
    """
    with _import_lock:
        if "ollama" not in sys.modules:
            names = [
                name for name in os.environ if name in HIDDEN or name.upper().endswith("_PROXY")
            ]
            hidden = {name: os.environ.pop(name) for name in names}
            try:
                import ollama  # noqa: F401  (the first import is what must not see the environment)
            finally:
                os.environ.update(hidden)
        return sys.modules["ollama"]
