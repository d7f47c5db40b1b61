"""What the stand-in Ollama serves: models with behaviour, small enough to read and the same on every run.

The writing model answers from the numbered passages of its prompt, quoting the sentences that share most words with
the question; the embedding models hash words into numbers, and `all-minilm` runs a real transformer when its files are
there (`../shared/models`, a sibling of the repository). Leaves out HTTP, which is `stand_in_ollama`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

SHARED_MODELS = Path(__file__).resolve().parents[2] / "shared" / "models"
MINILM = SHARED_MODELS / "all-minilm-l6-v2-int8.onnx"
MINILM_TOKENIZER = SHARED_MODELS / "all-minilm-l6-v2-tokenizer.json"
MINILM_BATCH = 16  # texts of one run of the model
MINILM_WINDOW = 512  # tokens, with the two special ones, that it was trained for
MINILM_NUM_CTX = 256  # tokens: what the Modelfile of the library's model allows
TOKENS_PER_WORD = (
    1.3  # of the writing models; a word here is a run of letters or one other sign
)
LETTERS_PER_TOKEN = (
    4  # at least so many tokens a text has, as with Llama's and Qwen's tokenizers
)
NOT_FOUND = "This is not in your notes."
FENCE = re.compile(r'<(\S+) n="(\d{1,3})">\n(.*?)</\1>', re.DOTALL)
TOLD_TO_SAY = re.compile(
    r"exactly: (.+)$", re.MULTILINE
)  # what a prompt wants to hear when the notes do not tell
ASIDE = re.compile(r"^\((?:before|after)\) ", re.MULTILINE)
NOTE = re.compile(r"<(note-\w+)>\n(.*?)</\1>", re.DOTALL)
ONE_WORD = re.compile(r"\byes or no\b\W*$")  # how a prompt ends that wants one word
MARKER = re.compile(r"^\W{0,3}\[(\d{1,3})\][ \t]*", re.MULTILINE)
QUESTION = re.compile(r"^\W*question\W*:?\W*(.*)$", re.MULTILINE | re.IGNORECASE)
SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+(?=\s|$)|\n|$)|[^\n]+")
WORD = re.compile(r"\w+")
COMMON = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be but by did do does for from had has have how i in is it me my of on or our so that the
        their they this to was we were what when where which who why will with you your much many long there about""",
    )
)
ROLE_PREFIXES = {"search_document", "search_query"}


@dataclass(frozen=True)
class Model:
    """One row of /api/tags with what it can do. `window` and `dimensions` are the trained ones.

    `listed`: what /api/tags says it can do where that contradicts /api/show, as for a model made from safetensors (no
    window is listed then). `origin`: the name of the blob that it shares with another name.
    """

    name: str
    family: str
    size: int
    window: int
    dimensions: int
    capabilities: tuple[str, ...] = ("completion",)
    parameter_size: str = "3.2B"
    remote_host: str = ""
    remote_model: str = ""
    num_ctx: int | None = None  # a PARAMETER of the Modelfile
    version: int = 1  # a new one is a new digest: the same name pulled anew
    listed: tuple[str, ...] = ()
    origin: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """64 hex digits, of the blob's name and version."""
        return hashlib.sha256(f"{self.blob[0]}#{self.blob[1]}".encode()).hexdigest()

    @property
    def blob(self) -> tuple[str, int]:
        """What is loaded: two names of one blob share a runner."""
        return self.origin or self.name, self.version

    @property
    def writes(self) -> bool:
        return "completion" in self.capabilities

    @property
    def thinks(self) -> bool:
        return "thinking" in self.capabilities

    @property
    def details(self) -> dict[str, Any]:
        """As /api/show and /api/tags give it."""
        return {
            "parent_model": "",
            "format": "" if self.remote_host else "gguf",
            "family": self.family,
            "families": [self.family],
            "parameter_size": self.parameter_size,
            "quantization_level": "Q4_K_M" if self.writes else "F16",
        }

    @property
    def info(self) -> dict[str, Any]:
        """`model_info`: empty for a stub of a model elsewhere."""
        if self.remote_host:
            return {}
        return {
            "general.architecture": self.family,
            f"{self.family}.context_length": self.window,
            f"{self.family}.embedding_length": self.dimensions,
            "general.languages": None,
            "tokenizer.ggml.merges": None,
            "tokenizer.ggml.scores": None,
            "tokenizer.ggml.token_type": None,
            "tokenizer.ggml.tokens": None,
            **self.extra,
        }


GB = 10**9
STUB_SIZE = 263  # bytes of a model that runs elsewhere
CATALOGUE = {
    model.name: model
    for model in (
        Model(
            "llama3.2:latest",
            "llama",
            int(2.0 * GB),
            131072,
            3072,
            ("completion", "tools"),
        ),
        Model(
            "qwen3:4b",
            "qwen3",
            int(2.5 * GB),
            40960,
            2560,
            ("completion", "tools", "thinking"),
            "4.0B",
        ),
        Model(
            "nomic-embed-text:latest",
            "nomic-bert",
            int(0.274 * GB),
            2048,
            768,
            ("embedding",),
            "137M",
            num_ctx=8192,
        ),
        Model(
            "mxbai-embed-large:latest",
            "bert",
            int(0.67 * GB),
            512,
            1024,
            ("embedding",),
            "334M",
        ),
        Model(
            "all-minilm:latest",
            "bert",
            int(0.046 * GB),
            MINILM_WINDOW,
            384,
            ("embedding",),
            "23M",
            num_ctx=MINILM_NUM_CTX,
        ),
        Model(
            "gpt-oss:120b-cloud",
            "gptoss",
            STUB_SIZE,
            0,
            0,
            (),
            "120B",
            remote_host="https://example.invalid:443",
            remote_model="x",
        ),
    )
}
DEFAULT_MODELS = (
    "llama3.2:latest",
    "qwen3:4b",
    "nomic-embed-text:latest",
    "all-minilm:latest",
)


def has_minilm() -> bool:
    """True when the real model's files are there."""
    return MINILM.is_file() and MINILM_TOKENIZER.is_file()


def known(name: str) -> Model:
    """A model of the catalogue, or one made up for the name: a 3B Llama, an embedder if the name says so."""
    full = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
    if full.lower() in CATALOGUE:
        return CATALOGUE[full.lower()]
    pattern = "nomic-embed-text:latest" if "embed" in full else "llama3.2:latest"
    return replace(CATALOGUE[pattern], name=full)


def count_tokens(text: str) -> int:
    """A made-up tokenizer's count: the same text always has the same."""
    pieces = len(re.findall(r"\w+|[^\w\s]", text))
    return (
        max(
            math.ceil(pieces * TOKENS_PER_WORD),
            math.ceil(len(text) / LETTERS_PER_TOKEN),
        )
        if text
        else 0
    )


def from_passages(messages: Sequence[Mapping[str, Any]]) -> str:
    """The answer: the one or two sentences of the numbered passages nearest to the question, each with its [n]."""
    question, passages = read_prompt(messages)
    wanted = _stems(question)
    scored = []
    for number, text in passages:
        for sentence in SENTENCE.findall(text):
            share = len(wanted & _stems(sentence))
            if share:
                scored.append(
                    (share, -len(sentence), number, " ".join(sentence.split()))
                )
    if not scored:
        system = "\n".join(
            str(m.get("content")) for m in messages if m.get("role") == "system"
        )
        told = TOLD_TO_SAY.search(system)
        return told[1] if told else NOT_FOUND
    scored.sort(reverse=True)
    best = scored[0]
    second = next(
        (s for s in scored[1:] if s[2] != best[2] and s[0] == best[0] and s[0] > 1),
        None,
    )
    return " ".join(f"{s[3].rstrip('.')} [{s[2]}]." for s in (best, second) if s)


def yes_or_no(messages: Sequence[Mapping[str, Any]]) -> dict[str, float] | None:
    """The first tokens of an answer to a prompt that wants yes or no, with their probabilities; None for another prompt.

    "yes" is as likely as the share of the question's words that the note holds.
    """
    last = str(messages[-1].get("content") or "") if messages else ""
    if not ONE_WORD.search(last):
        return None
    question, _ = read_prompt(messages)
    note = NOTE.search(last)
    wanted = _stems(question)
    share = len(wanted & _stems(note[2] if note else "")) / (len(wanted) or 1)
    yes = 0.02 + 0.9 * share
    return {
        "yes": yes * 0.9,
        "Yes": yes * 0.1,
        "no": 0.95 - yes,
        "The": 0.04,
        "<think>": 0.01,
    }


def read_prompt(
    messages: Sequence[Mapping[str, Any]],
) -> tuple[str, list[tuple[int, str]]]:
    """The question (`Question: …`, or else the last line) and the numbered passages, without their header lines.

    Passages stand in fences `<name n="1"> … </name>`, or after lines that begin with [1].
    """
    prompt = "\n".join(
        str(m.get("content") or "") for m in messages if m.get("role") != "assistant"
    )
    said = [str(m.get("content") or "") for m in messages if m.get("role") == "user"]
    asked = [question for text in said for question in QUESTION.findall(text)]
    lines = [line for line in "\n".join(said).splitlines() if line.strip()]
    question = next(
        (q.strip() for q in reversed(asked) if q.strip()), lines[-1] if lines else ""
    )
    passages = [(int(number), text) for _, number, text in FENCE.findall(prompt)]
    if not passages:
        parts = MARKER.split(prompt.replace(question, " "))
        passages = [(int(parts[i]), parts[i + 1]) for i in range(1, len(parts) - 1, 2)]
    return question, [(number, _body(text)) for number, text in passages]


def fill(schema: Mapping[str, Any], text: str) -> Any:
    """A value of the schema, with the answer's text where there is room for text."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if kind == "object":
        return {
            name: fill(sub, text) for name, sub in schema.get("properties", {}).items()
        }
    numbers = [int(n) for n in re.findall(r"\[(\d+)\]", text)]
    values: dict[str, Any] = {
        "array": numbers
        if schema.get("items", {}).get("type") == "integer"
        else [fill(schema.get("items", {}), text)],
        "string": text,
        "integer": numbers[0] if numbers else 0,
        "number": 0.5,
        "boolean": bool(numbers),
    }
    return values.get(str(kind))


def embed(model: Model, texts: Sequence[str]) -> list[list[float]]:
    """Rows of length 1: real ones for all-minilm, else a hashed bag of words."""
    if model.name.startswith("all-minilm"):
        return _minilm_vectors(texts)
    return [_hashed(text, model.dimensions) for text in texts]


def embed_tokens(model: Model, text: str) -> int:
    """Tokens as the embedding model counts them, special ones included."""
    if model.name.startswith("all-minilm"):
        return len(_minilm()[1].encode(text).ids)
    return count_tokens(text) + 2


def cut(model: Model, text: str, window: int) -> str:
    """The head of a text that fits into the window: what `truncate: true` does, silently."""
    words = text.split(" ")
    while words and embed_tokens(model, " ".join(words)) > window:
        words = words[: max(0, int(len(words) * 0.9) - 1)]
    return " ".join(words)


def pieces(text: str) -> list[str]:
    """What one stream chunk holds each: a word with the space before it."""
    return re.findall(r"\s*\S+(?:\s+$)?", text) or ([text] if text else [])


def go_json(value: Any) -> bytes:
    """JSON as Go writes it: compact, UTF-8, with <, >, & and the two line separators escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.encode("utf-8", "replace")


def stamp(ahead: float = 0.0) -> str:
    """RFC 3339 with nine digits, as `modified_at` has; a server in UTC writes Z for the offset."""
    return (datetime.now(UTC) + timedelta(seconds=ahead)).strftime(
        "%Y-%m-%dT%H:%M:%S.%f000Z"
    )


def _body(passage: str) -> str:
    """A passage without its header line, and without the marks of neighbouring texts."""
    _, _, rest = passage.strip().partition("\n")
    return ASIDE.sub("", rest or passage)


def _stems(text: str) -> set[str]:
    words = (word.lower() for word in WORD.findall(text))
    return {word[:6].rstrip("s") for word in words if word not in COMMON}


def _hashed(text: str, dimensions: int) -> list[float]:
    vector = [0.0] * dimensions
    vector[0] = 0.1  # so that a text without words has a direction too
    for word in WORD.findall(text.lower()):
        if word not in ROLE_PREFIXES and word not in COMMON:
            code = zlib.crc32(word[:6].encode())
            vector[code % dimensions] += 1.0 if code & 0x10000 else -1.0
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector]


@cache
def _minilm() -> tuple[Any, Any]:
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(MINILM), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(MINILM_TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return session, tokenizer


def _minilm_vectors(texts: Sequence[str]) -> list[list[float]]:
    import numpy as np

    session, tokenizer = _minilm()
    codes = [
        encoding.ids[:MINILM_WINDOW] for encoding in tokenizer.encode_batch(list(texts))
    ]
    order = sorted(range(len(codes)), key=lambda row: len(codes[row]))
    vectors: list[list[float]] = [[]] * len(codes)
    for begin in range(
        0, len(order), MINILM_BATCH
    ):  # texts of like length together: padding costs as much as text
        batch = order[begin : begin + MINILM_BATCH]
        ids = np.zeros((len(batch), len(codes[batch[-1]])), np.int64)
        mask = np.zeros_like(ids)
        for row, number in enumerate(batch):
            ids[row, : len(codes[number])], mask[row, : len(codes[number])] = (
                codes[number],
                1,
            )
        found = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        for row, number in enumerate(batch):
            vectors[number] = [float(value) for value in found[row]]
    return vectors
