"""The proof that a model runs on this machine, step by step, as pure functions that fail closed.

A server on 127.0.0.1 may pass a prompt on to its maker, and only names and metadata betray it. These functions look at
an address, a name and the raw metadata; asking the server is left to `ollama`. What they cannot see: a tunnel or a
container port that ends on a loopback address but leads elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from brain.errors import Refused, UsageError
from brain.types import Texts

DEFAULT_PORT = 11434  # where Ollama listens
DEFAULT_HOST = "127.0.0.1"
DEFAULT_URL = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# A written scheme without a port, as Ollama's own client reads it.
SCHEME_PORTS = {"http": 80, "https": 443}
LOCALHOST = (
    "127.0.0.1",
    "::1",
)  # never asked of a resolver, which could answer anything
# What a server listens on, not where a client calls: the same machine is meant.
EVERYWHERE = ("0.0.0.0", "::")
REMOTE_FIELDS = ("remote_host", "remote_model")
# As a JSON key: inside a string its quotes would be escaped.
REMOTE_KEY = re.compile(rb'"remote_(?:host|model)"\s*:')
CLOUD_ADVICE = (
    "set OLLAMA_NO_CLOUD=1 where Ollama starts, so that no model can leave this machine"
)
MODEL_ADVICE = "choose a model that is stored on this machine: `brain models list`"

Json = dict[str, Any]  # an object of the server, as it came


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is. `hosts`: the literals to connect to, in turn."""

    name: str
    port: int
    hosts: Texts

    @property
    def shown(self) -> str:
        """As a person writes it: 127.0.0.1:11434."""
        return f"{_bracketed(self.name)}:{self.port}"

    @property
    def url(self) -> str:
        """The base of every request."""
        return f"http://{self.shown}"


def address_of(host: str, trusted_hosts: Sequence[str] = ()) -> Address:
    """Step 1: scheme http, no user, no path, and a loopback literal or a name in `trusted_hosts`.

    Raises `Refused` for any other machine and `UsageError` for what is no address.
    """
    parts, port = _parsed(host)
    name = parts.hostname or DEFAULT_HOST
    extra = parts.username or parts.password or parts.path.strip("/") or parts.query
    if parts.scheme != "http" or extra:
        raise UsageError(
            f"{host!r} is not an address of Ollama", f"write it as {DEFAULT_URL}"
        )
    if name in EVERYWHERE:
        name = DEFAULT_HOST
    if name == "localhost":
        return Address(name, port, LOCALHOST)
    if is_loopback(name):
        return Address(name, port, (name,))
    if _trusted(name, port, trusted_hosts):
        return Address(name, port, (name,))
    raise Refused(
        f"Ollama at {name}:{port} is not this machine (rule: loopback or trusted_hosts)",
        f"use {DEFAULT_URL}, or name {name} in `trusted_hosts` of [ollama] in config.toml",
    )


def whole(value: object) -> int:
    """A number that the server gave, 0 for anything that is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return 0


def refuse_remote_name(model: str) -> None:
    """Step 2: a tag `cloud` or `…-cloud` makes the daemon pass the prompt on. Raises `Refused`."""
    for part in model.lower().split(":"):
        tag = part.strip()
        if tag == "cloud" or tag.endswith("-cloud"):
            raise Refused(
                f"{model} is a cloud model: the prompt would leave this machine",
                MODEL_ADVICE,
            )


def refuse_remote_fields(facts: Json, model: str) -> None:
    """Step 3, for one entry of /api/tags, the answer of /api/show, or a reply. Raises `Refused`."""
    for field in REMOTE_FIELDS:
        if facts.get(field):
            where = f"{field}: {facts[field]!s:.80}"
            raise Refused(
                f"{model} is answered by another machine ({where})", MODEL_ADVICE
            )


def refuse_unproven(shown: Json, model: str) -> Json:
    """Step 3, end: a model without `model_info` has no weights here. Gives `model_info`. Raises `Refused`."""
    refuse_remote_fields(shown, model)
    info = shown.get("model_info")
    if not isinstance(info, dict) or not info:
        raise Refused(
            f"{model} shows no weights on this machine (empty model_info)", MODEL_ADVICE
        )
    return info


def canonical(model: str) -> str:
    """The name as /api/tags writes it: lower case, with its tag, without the `:local` mark or the default registry."""
    name = model.strip().lower().removesuffix(":local")
    for prefix in ("registry.ollama.ai/", "library/"):
        name = name.removeprefix(prefix)
    if ":" in name.rpartition("/")[2]:
        return name
    return f"{name}:latest"


def _parsed(host: str) -> tuple[SplitResult, int]:
    text = host.strip() or DEFAULT_HOST
    standard = DEFAULT_PORT
    if SCHEME.match(text):
        scheme = text.partition(":")[0].lower()
        standard = SCHEME_PORTS.get(scheme, DEFAULT_PORT)
    else:
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        return parts, parts.port or standard
    except ValueError:
        raise UsageError(
            f"{host!r} is not an address", f"write it as {DEFAULT_URL}"
        ) from None


def is_loopback(name: str) -> bool:
    """Whether it is an address of this machine, written as numbers."""
    try:
        return "%" not in name and ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _trusted(name: str, port: int, trusted_hosts: Sequence[str]) -> bool:
    bracketed = _bracketed(name)
    spellings = {name, bracketed, f"{bracketed}:{port}"}
    for entry in trusted_hosts:
        trusted = entry.strip().lower()
        if trusted.removeprefix("http://").rstrip("/") in spellings:
            return True
    return False


def _bracketed(name: str) -> str:
    if ":" not in name:
        return name
    return f"[{name}]"
