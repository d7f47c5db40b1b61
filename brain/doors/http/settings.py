"""What `brain serve` was told, as every part of the HTTP door needs it."""

from __future__ import annotations

from dataclasses import dataclass

from brain.labels import Label

PORT = 8420
HOST = "127.0.0.1"
# Of this machine alone; any other address needs a certificate.
LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERY = ("0.0.0.0", "::")  # every address at once, of which no request names one
# The port that a browser leaves out of an address.
USUAL_PORT = {"http": 80, "https": 443}


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
        shown = sorted(_in_address(name) for name in names)
        hosts = [f"{name}:{self.port}" for name in shown]
        if self.port == USUAL_PORT[self.scheme]:
            hosts += shown
        return tuple(hosts)

    @property
    def cookie(self) -> str:
        """Its name: a browser keeps those of all ports of this machine together."""
        return f"brain-{self.port}"

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"{self.scheme}://{_in_address(self.host)}:{self.port}"


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
