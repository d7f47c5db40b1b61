"""What `brain serve` was told, as every part of the HTTP door needs it."""

from __future__ import annotations

from dataclasses import dataclass

from brain.labels import Label

PORT = 8420
HOST = "127.0.0.1"
# Of this machine alone; any other address needs a certificate.
LOOPBACK = ("127.0.0.1", "::1", "localhost")
CONFIDENTIAL = Label.CONFIDENTIAL


@dataclass(frozen=True, slots=True)
class Settings:
    """`at_most`: what programs that speak another's protocol may see (the OpenAI shape, MCP); the page and the JSON
    interface are the person's own and see everything. `read_only`: nothing is kept and nothing is changed.
    `writes`: agents may propose what to remember.
    `certificate`, `key`: files for https, "" without.
    """

    port: int = PORT
    host: str = HOST
    at_most: Label = Label.INTERNAL
    read_only: bool = False
    writes: bool = False
    certificate: str = ""
    key: str = ""

    @property
    def scheme(self) -> str:
        """https where there is a certificate."""
        return "https" if self.certificate else "http"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a Host header may say."""
        names = {self.host} | ({*LOOPBACK} if self.host in LOOPBACK else set())
        return tuple(f"{_in_address(name)}:{self.port}" for name in sorted(names))

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"{self.scheme}://{_in_address(self.host)}:{self.port}"


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
