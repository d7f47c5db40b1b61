"""How long, and how much, a call to the model server may take. Values only; `ollama_wire` enforces them.

Apart from it, so that whoever sets a limit loads no HTTP library.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

BRISK = 5.0  # seconds in which a healthy server answers a question about itself


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes for one request. What runs out raises `Unavailable`, or `Incomplete` inside an answer.

    `connect`: until the server takes the call; a person learns within 2 s that it is off.
    `first`: until the first byte, while a model is loaded and the prompt is read (a CPU reads 20-100 tokens a second).
    `idle`: between two pieces. `total`: all in all, also against a server that drips. `line`, `body`: bytes.
    `patience`: until a person who waits for the first byte is told that it takes long.
    """

    connect: float = 1.5
    first: float = 300.0
    idle: float = 60.0
    total: float = 600.0
    line: int = 1 << 20
    body: int = 64 << 20
    patience: float = 8.0

    @classmethod
    def of(cls, *, connect: float, idle: float, total: float) -> Limits:
        """From the three times that a person sets: the first byte may take half of the total, and at least `idle`."""
        return cls(
            connect=connect,
            idle=idle,
            total=total,
            first=max(idle, total / 2),
        )

    def quick(self) -> Limits:
        """For questions about the server itself, which a healthy one answers at once."""
        brisk = min(BRISK, self.total)
        first = min(brisk, self.first)
        idle = min(brisk, self.idle)
        # These answers are one line each, which may be as long as an answer may be.
        return replace(
            self,
            first=first,
            idle=idle,
            total=brisk,
            line=self.body,
        )

    def for_download(self) -> Limits:
        """For a download, which has no total but may not stand still."""
        return replace(self, total=float("inf"))
