"""Models that this project can advise, with the facts to choose by: sizes of Llama, Qwen and Mistral, and of embedders.

A table and nothing else: which of them fits a machine, and what is installed, is looked at by `brain.app.advice`. Left
out are models for code, pictures and guarding, and everything that runs elsewhere.

The sizes are a guide and not a promise: as published lists (the pages `NAME/tags` of Ollama's library, the README of
ollama/ollama) and the arithmetic of parameters x bits per weight give them, within 15 %; no page was compared tag by
tag, and a tag may change. Parameters are those of each model's card, bits those of llama.cpp's quantize tool. A test
holds each size to that arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

GB = 10**9
LIBRARY = "https://ollama.com/library/"
# Bits per weight, measured on Llama 3.1 8B (the table of llama.cpp's quantize tool); Q4_0 by its format: 4.5.
BITS = {"Q4_0": 4.5, "Q4_K_M": 4.8944, "Q8_0": 8.5008, "F16": 16.0}
# Billions of parameters: a model with fewer writes worse answers than the quotes that it is given (measured: one of
# .135 billion had 2 of 8 right where quotes had 4; those of 1 and 2 billion were not measured and are not advised).
LEAST_PARAMETERS = 3.0
# Billions of parameters, beyond which a processor without a graphics card lets a person wait for minutes.
MOST_ON_A_PROCESSOR = 9.0


@dataclass(frozen=True, slots=True)
class Listed:
    """One tag of the library. `parameters` in billions, `size` in bytes; `role`: "ask" or "embed"."""

    name: str
    family: str
    parameters: float
    quantization: str
    size: int
    role: str = "ask"

    @property
    def source(self) -> str:
        """Where its size stands."""
        return f"{LIBRARY}{self.name.partition(':')[0]}/tags"


def _row(
    name: str, family: str, parameters: float, quantization: str, gigabytes: float
) -> Listed:
    return Listed(name, family, parameters, quantization, round(gigabytes * GB))


WRITERS: tuple[Listed, ...] = (
    _row("qwen3:0.6b", "Qwen", 0.75, "Q4_K_M", 0.523),
    _row("qwen3:1.7b", "Qwen", 2.03, "Q4_K_M", 1.4),
    _row("qwen3:4b", "Qwen", 4.02, "Q4_K_M", 2.5),
    _row("qwen3:4b-q8_0", "Qwen", 4.02, "Q8_0", 4.4),
    _row("qwen3:8b", "Qwen", 8.19, "Q4_K_M", 5.2),
    _row("qwen3:8b-q8_0", "Qwen", 8.19, "Q8_0", 8.9),
    _row("qwen3:14b", "Qwen", 14.8, "Q4_K_M", 9.3),
    _row("qwen3:32b", "Qwen", 32.8, "Q4_K_M", 20.0),
    _row("llama3.2:1b", "Llama", 1.24, "Q8_0", 1.3),
    _row("llama3.2:3b", "Llama", 3.21, "Q4_K_M", 2.0),
    _row("llama3.2:3b-instruct-q8_0", "Llama", 3.21, "Q8_0", 3.4),
    _row("llama3.1:8b", "Llama", 8.03, "Q4_K_M", 4.9),
    _row("llama3.1:8b-instruct-q8_0", "Llama", 8.03, "Q8_0", 8.5),
    _row("llama3.3:70b", "Llama", 70.6, "Q4_K_M", 43.0),
    _row("mistral:7b", "Mistral", 7.25, "Q4_K_M", 4.4),
    _row("mistral:7b-instruct-q8_0", "Mistral", 7.25, "Q8_0", 7.7),
    _row("mistral-nemo:12b", "Mistral", 12.2, "Q4_0", 7.1),
    _row("mistral-small:24b", "Mistral", 23.6, "Q4_K_M", 14.0),
)
EMBEDDERS: tuple[Listed, ...] = (
    Listed("nomic-embed-text", "Nomic", 0.137, "F16", 274_000_000, "embed"),
    Listed("mxbai-embed-large", "Mixedbread", 0.334, "F16", 670_000_000, "embed"),
    Listed("all-minilm", "MiniLM", 0.0227, "F16", 46_000_000, "embed"),
)
