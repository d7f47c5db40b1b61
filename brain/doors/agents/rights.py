"""What an agent may do: said once, when its door is opened, by the person who opens it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brain.labels import Label


@dataclass(frozen=True, slots=True)
class Rights:
    """`at_most`: nothing more confidential is shown. `writes`: it may propose what to remember. `chatgpt`: its tools
    have the shape that ChatGPT's connectors ask for.
    """

    at_most: Label = Label.INTERNAL
    writes: bool = False
    chatgpt: bool = False


def to_wire(rights: Rights) -> dict[str, Any]:
    """As JSON."""
    return {
        "at_most": str(rights.at_most),
        "writes": rights.writes,
        "chatgpt": rights.chatgpt,
    }


def from_wire(said: Mapping[str, Any]) -> Rights:
    """Of JSON. Raises `ValueError`, `KeyError`."""
    return Rights(
        Label.of(str(said["at_most"])), said["writes"] is True, said["chatgpt"] is True
    )
