"""Who may write a text in the cloud, as values: name, format, address, where the key stands, and what they keep.

Two makers are known; any other address that speaks OpenAI's format is a third kind, named by its host. What a maker
keeps, and for how long, is what its own pages said on the day that is named with it. Leaves out models, prices and
routes, which are the policy's.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from brain.errors import UsageError

ANTHROPIC_KIND = "anthropic"
OPENAI_KIND = "openai"
COMPATIBLE_KIND = "compatible"
PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Maker:
    """`base_url`: what the maker's package adds its path to. `key_variable`: of the environment.

    `keeps`: what becomes of a text that was sent, as known on the day `known`; `account`: where a person looks after
    the key and the bill.
    """

    name: str
    kind: str
    base_url: str
    key_variable: str
    keeps: str
    known: str
    account: str = ""

    @property
    def endpoint(self) -> str:
        """The one address that is ever called."""
        path = "v1/messages" if self.kind == ANTHROPIC_KIND else "chat/completions"
        return f"{self.base_url}/{path}"

    @property
    def host(self) -> str:
        """With its port where it is not the usual one."""
        return urlsplit(self.base_url).netloc

    @property
    def limit_field(self) -> str:
        """How the largest number of tokens is named: OpenAI's newer models refuse the older name, which the servers of
        others know.
        """
        if self.kind == OPENAI_KIND:
            return "max_completion_tokens"
        return "max_tokens"


ANTHROPIC = Maker(
    name="anthropic",
    kind=ANTHROPIC_KIND,
    base_url="https://api.anthropic.com",
    key_variable="ANTHROPIC_API_KEY",
    keeps="texts sent over the interface and their answers are deleted within 30 days and are not used for training; "
    "what is flagged as misuse is kept for up to 2 years",
    known="2026-08",
    account="console.anthropic.com",
)
OPENAI = Maker(
    name="openai",
    kind=OPENAI_KIND,
    base_url="https://api.openai.com/v1",
    key_variable="OPENAI_API_KEY",
    keeps="texts sent over the interface and their answers are kept for up to 30 days against misuse, longer where a "
    "court orders it, and are not used for training unless you agreed to it",
    known="2026-08",
    account="platform.openai.com",
)
KNOWN = {maker.name: maker for maker in (ANTHROPIC, OPENAI)}


def maker_of(word: str) -> Maker:
    """A known maker by its name, or the address of a server that speaks OpenAI's format.

    Raises `UsageError` for what is neither, and for an address without encryption outside this machine and its own net.
    """
    if word in KNOWN:
        return KNOWN[word]
    parts = _parts(word)
    if parts.scheme not in PORTS or not parts.hostname or parts.username or parts.query:
        raise UsageError(
            f"{word!r} is neither a maker nor an address",
            f"say {', '.join(KNOWN)}, or an address such as https://gpu.example.org/v1",
        )
    if parts.scheme == "http" and not _near(parts.hostname):
        raise UsageError(
            f"{word} is not encrypted: everybody on the way could read what is sent",
            f"write it with https: https://{parts.netloc}{parts.path}",
        )
    return Maker(
        name=parts.netloc,
        kind=COMPATIBLE_KIND,
        base_url=word.rstrip("/"),
        key_variable="",
        keeps="what becomes of a text there, and for how long it is kept, whoever runs it must say",
        known="",
    )


def _parts(word: str) -> SplitResult:
    """The parts of an address, all of them empty for what is none."""
    try:
        parts = urlsplit(word)
        parts.port  # noqa: B018 (raises for one that is no port)
    except ValueError:
        return urlsplit("")
    return parts


def _near(host: str) -> bool:
    """Whether it is an address of this machine or of its own net, as a number: a name could lead anywhere."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_private
