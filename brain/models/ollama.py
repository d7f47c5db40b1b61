"""Ollama as a server: what it is, what it holds, how to fetch a model, and the proof that a model runs on this machine.

The `ollama` package does list, pull and embed, through `Wire`, which takes its proxies, redirects and keys away.
Status, tags, show and chat are raw JSON over the same `Wire`, since the package hides the fields that betray a model
running elsewhere. Leaves out vectors (`ollama_embedder`) and writing (`ollama_generator`).
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
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
from brain.models.ollama_errors import (
    Broken,
    Rejected,
    no_embeddings,
    not_pulled,
    silent_server,
    typed_error,
    unreadable,
)
from brain.models.ollama_knock import nobody_listens
from brain.protocols import Progress, silent
from brain.types import Texts

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
# What Ollama calls what a model can do
WRITES = "completion"
EMBEDS = "embedding"
WIRE = "brain.models.ollama_wire"  # the module that loads an HTTP library
NUM_CTX = re.compile(r"^num_ctx\s+(\d+)\s*$", re.MULTILINE)  # of a Modelfile

_import_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Proof:
    """A model that was shown to run here. `wire_name` is what to send; `digest` 64 hex digits.

    `window`: tokens, the smaller of what it was trained for and what its Modelfile sets, 0 when neither is said;
    `dimensions` of its vectors, 0 likewise. `capabilities` by /api/show, () from a server too old to say.
    """

    wire_name: str
    digest: str
    window: int
    dimensions: int
    capabilities: Texts = ()

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
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """`tell` gets a line for a person when a model lets wait for its first word."""
        self.address = address_of(host, trusted_hosts)
        self.limits = limits or Limits()
        self._tell = tell
        self._proofs: dict[str, tuple[float, Proof]] = {}
        self._abilities: dict[str, Texts | None] = {}

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
        digest = self.prove(model).digest
        # By digest: of two names of one model only one is listed, and a model that was made anew is listed twice.
        for row in self.running():
            size = whole(row.get("size"))
            if row.get("digest") == digest:
                return 0 < size * ON_THE_CARD <= whole(row.get("size_vram"))
        return False

    def show(self, model: str) -> Json:
        """The raw answer of /api/show. Raises `Unavailable` when the model is not pulled."""
        return self._asked("POST", "/api/show", {"model": model}, model=model)

    def abilities(self, model: str) -> Texts | None:
        """What a model can do by /api/show, which decides (/api/tags may contradict it); () for one that runs
        elsewhere or cannot be looked into, None from a server too old to say. Asks once for each model.
        """
        if model not in self._abilities:
            try:
                shown = self.show(model)
                refuse_remote_fields(shown, model)
                self._abilities[model] = _capabilities(shown)
            except (Refused, Broken, Rejected):
                self._abilities[model] = ()
        return self._abilities[model]

    def load(self, model: str, *, window: int, keep_alive: str = "") -> None:
        """Load a model that writes, with the window that it will be asked with, however long that takes.

        Raises `Refused`, `Unavailable`. A caller with a short deadline loads first: hanging up aborts a load.
        """
        proof = self.prove(model, can=WRITES)
        body: Json = {
            "model": proof.wire_name,
            "prompt": "",
            "stream": False,
            # Another window, or another `shift`, would load it anew.
            "shift": False,
            "options": {"num_ctx": window},
            **kept(keep_alive),
        }
        http = self.http(self.limits, model)
        status, answer = http.json("POST", "/api/generate", body)
        if status != 200:
            said = str(answer.get("error", ""))
            raise typed_error(status, said, model, self.address)

    def pull(self, model: str, progress: Progress = silent) -> None:
        """Let the daemon fetch a model; `progress` gets (status, bytes done, bytes known). Only the name is sent.

        Raises `Refused` for a cloud model, `Unavailable` when the daemon does not report success.
        """
        refuse_remote_name(model)
        go_on = f"go on with: `brain models pull {model}`"
        try:
            status = self._pull(model, progress)
        except Broken as broken:  # what came is kept by the server
            raise Unavailable(broken.message, go_on) from None
        if status != PULLED:
            raise Unavailable(f"fetching {model} stopped at {status!r}", go_on)

    def _pull(self, model: str, progress: Progress) -> str:
        """The last status that the daemon told."""
        layers: dict[str, tuple[int, int]] = {}
        status = ""
        server = self.client(self.limits.for_download())
        with self.translated(model):
            for part in server.pull(model, stream=True):
                status = part.status or status
                if part.digest:
                    # A piece that is fetched again makes the server count less.
                    before, _known = layers.get(part.digest, (0, 0))
                    came = max(before, part.completed or 0)
                    layers[part.digest] = (came, part.total or 0)
                done = sum(came for came, _ in layers.values())
                known = sum(size for _, size in layers.values())
                progress(status, done, known)
        return status

    def prove(self, model: str, *, can: str = "", fresh: bool = False) -> Proof:
        """Show that the model runs on this machine (see `locality`), before anything confidential is sent to it.

        Sends the model's name and nothing else. Holds for `PROOF_SECONDS`. Raises `Refused`, or `Unavailable` when a
        step fails, or when the model cannot do what `can` names.
        """
        known = self._proofs.get(model)
        if not known or fresh or time.monotonic() - known[0] >= PROOF_SECONDS:
            self._proofs.pop(model, None)
            refuse_remote_name(model)
            known = (time.monotonic(), self._proven(model))
            self._proofs[model] = known
        proof = known[1]
        if can and proof.capabilities and can not in proof.capabilities:
            raise _unable(model, can)
        return proof

    def http(self, limits: Limits, model: str = "") -> OllamaHttp:
        """Raw JSON under the given limits. `model`: that works on the answer, which a person who waits is told."""
        from brain.models.ollama_wire import OllamaHttp

        return OllamaHttp(self.address, limits, self._waiting(limits, model))

    def client(self, limits: Limits, model: str = "") -> ollama.Client:
        """The package's client, on our transport. `model` as above."""
        package = _package()
        from brain.models.ollama_wire import Wire

        client: ollama.Client = package.Client(
            self.address.url,
            trust_env=False,
            follow_redirects=False,
            timeout=limits.first,
            transport=Wire(self.address, limits, self._waiting(limits, model)),
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
        if WIRE not in sys.modules and nobody_listens(self.address):
            raise silent_server(self.address)
        return self.http(self.limits.quick())

    def _waiting(self, limits: Limits, model: str) -> Callable[[], None]:
        """What tells a person that a model has not begun to answer."""

        def tell() -> None:
            if model:
                most = f"{limits.first - limits.patience:,.0f} s"
                self._tell(
                    f"Ollama is busy: {model} has not begun after {limits.patience:,.0f} s; it is being loaded,"
                    f" reads a long prompt, or waits for other work (waiting for up to {most} more)"
                )

        return tell

    def _asked(
        self, method: str, path: str, body: Json | None = None, *, model: str = ""
    ) -> Json:
        status, answer = self._quick.json(method, path, body)
        if status != 200:
            raise typed_error(status, str(answer.get("error", "")), model, self.address)
        return answer

    def _rows(self, path: str) -> list[Json]:
        match self._asked("GET", path):
            case {"models": [*rows]} if all(isinstance(row, dict) for row in rows):
                return rows
        raise unreadable(self.address)

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
        trained = whole(info.get(f"{architecture}.context_length"))
        return Proof(
            # A server too old to speak of cloud models knows no `:local` either.
            wire_name=model if disabled is None else self._local_name(model),
            digest=digest,
            window=_smaller(trained, _num_ctx(shown)),
            dimensions=whole(info.get(f"{architecture}.embedding_length")),
            capabilities=_capabilities(shown) or (),
        )

    def _local_name(self, model: str) -> str:
        """`model:local`, which no stub answers to, on a server that knows the mark; else the name as it is."""
        marked = model
        if not model.lower().endswith(":local"):
            marked = f"{model}:local"
        status, shown = self._quick.json("POST", "/api/show", {"model": marked})
        if status != 200:
            return model
        refuse_unproven(shown, model)
        return marked


def kept(keep_alive: str) -> Json:
    """`keep_alive` as a request carries it: nothing where nobody set it, since it overrides the server's own setting
    and holds the model against whoever waits for another one.
    """
    if not keep_alive:
        return {}
    bare = keep_alive.strip()
    # Seconds are a number; a duration ("10m") is text.
    is_number = bare.removeprefix("-").isdigit()
    return {"keep_alive": int(bare) if is_number else bare}


def _capabilities(shown: Json) -> Texts | None:
    """What /api/show says that a model can do, None where it does not say."""
    value = shown.get("capabilities")
    if not isinstance(value, list):
        return None
    return tuple(map(str, value))


def _num_ctx(shown: Json) -> int:
    """The window that the Modelfile sets, 0 when it sets none."""
    found = NUM_CTX.search(str(shown.get("parameters") or ""))
    if not found:
        return 0
    return int(found[1])


def _smaller(one: int, other: int) -> int:
    """The smaller of two sizes of which each is 0 when it is not known."""
    if one and other:
        return min(one, other)
    return one or other


def _unable(model: str, can: str) -> Unavailable:
    if can == EMBEDS:
        return no_embeddings(model)
    return Unavailable(
        f"{model} searches by meaning and does not write",
        "choose a model that writes: `brain models list`",
    )


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
