"""How the tests of Ollama's client make one: short deadlines, the stand-in's address, and a prompt with passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brain.errors import BrainError
from brain.models.limits import Limits
from brain.models.ollama import OllamaServer
from brain.models.ollama_embedder import OllamaEmbedder
from brain.models.ollama_generator import OllamaGenerator, Usage
from tests.stand_in_ollama import StandIn

# Seconds: a busy machine must not look like a fault.
PATIENT = Limits(connect=20, first=120, idle=120, total=240)
# Seconds: only against a stand-in that never answers, or never ends.
DEADLINES = Limits(connect=0.5, first=0.4, idle=0.3, total=1.2)
TIMED = {
    "accept_no_reply",
    "slow_first_token",
    "stall_after",
}  # the faults that only a deadline ends
NOMIC = "nomic-embed-text"
SECRET = "the landlord owes us 900 euros"
PASSAGES = """[1] Lease (2026-01-02)
The rent is 900 euros a month. The landlord promised a new boiler before winter.
[2] Tea
Steep black tea at 95 degrees for four minutes.

Question: what did the landlord promise?"""
MESSAGES = [
    {"role": "system", "content": "Answer from the passages."},
    {"role": "user", "content": PASSAGES},
]
ANSWER = "The landlord promised a new boiler before winter [1]."
SCHEMA = {
    "type": "object",
    "properties": {
        "answer": {"type": "string"},
        "cited": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["answer", "cited"],
}


def client(stand_in: StandIn, limits: Limits = PATIENT) -> OllamaServer:
    return OllamaServer(stand_in.host, limits=limits)


def embedder(stand_in: StandIn, model: str = NOMIC, **more: Any) -> OllamaEmbedder:
    return OllamaEmbedder(client(stand_in), model, pauses=(0.0, 0.0), **more)


def generator(
    stand_in: StandIn, model: str = "llama3.2", **more: Any
) -> OllamaGenerator:
    return OllamaGenerator(client(stand_in), model, **more)


def ask(
    model: OllamaGenerator, messages: Sequence[dict[str, str]] = MESSAGES, **more: Any
) -> str:
    return "".join(
        model.stream(messages, max_tokens=more.pop("max_tokens", 200), **more)
    )


def usage(model: OllamaGenerator) -> Usage:
    assert model.usage is not None
    return model.usage


def struck(
    server: OllamaServer, stand_in: StandIn, fault: str, value: Any = None
) -> None:
    """Switch a fault on, and the short deadlines if nothing else would end it."""
    stand_in.faults.on(fault, value)
    if fault in TIMED:
        server.limits = DEADLINES


def problem(server: OllamaServer) -> BrainError | None:
    """Why the server cannot be used, None when it answers."""
    try:
        server.version()
    except BrainError as error:
        return error
    return None


def two_lines(error: BrainError) -> None:
    """Cause and cure, each one printable line."""
    for line in (error.message, error.hint):
        assert line
        assert line.isprintable()
        assert len(line) < 400
