"""The bare pipeline: read and hash, markdown-it, tiktoken, FTS5 insert, WordLlama, Chroma upsert, and nothing else.

The floor that `brain add` is measured against: the same files through the same libraries, each used in the shortest
way. No incremental state, no front matter, dates, tags, links, locators, dedup, checks, checksums or recovery. The
stages run one after the other; the times of each are printed as JSON. `--words` stops after the first four.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CHUNK_TOKENS = 350  # as the product's
CHROMA_BATCH = 1_000
EMBED_BATCH = 1_024
SCHEMA = "CREATE VIRTUAL TABLE chunks USING fts5(content, tokenize='porter unicode61')"


class Stages:
    """Wall and processor seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def run(self, name: str, work: Callable[[], Any]) -> Any:
        """Do it, and add what it took under the name."""
        wall, cpu = time.perf_counter(), time.process_time()
        done = work()
        spent = self.seconds.setdefault(name, [0.0, 0.0])
        spent[0] += time.perf_counter() - wall
        spent[1] += time.process_time() - cpu
        return done


def pack(text: str, tokens: list[Any], count: Callable[[str], int]) -> Iterator[str]:
    """Chunks of whole blocks up to CHUNK_TOKENS, a heading beginning a new one."""
    lines = text.splitlines(keepends=True)
    held, size = "", 0
    for token in tokens:
        if token.level or not token.map:
            continue
        block = "".join(lines[slice(*token.map)])
        length = count(block)
        if held and (token.type == "heading_open" or size + length > CHUNK_TOKENS):
            yield held
            held, size = "", 0
        held, size = held + block, size + length
    if held:
        yield held


def run(folder: Path, work: Path, *, words_only: bool) -> dict[str, Any]:
    """All stages over every note of the folder; their seconds, and how many chunks there were."""
    stages = Stages()
    raw = stages.run(
        "read", lambda: [_read(path) for path in sorted(folder.rglob("*.md"))]
    )
    parser = stages.run("parse", _parser)
    parsed = stages.run("parse", lambda: [(text, parser.parse(text)) for text in raw])
    count = stages.run("tokens", _counter)
    chunks = stages.run(
        "tokens",
        lambda: [
            chunk for text, tokens in parsed for chunk in pack(text, tokens, count)
        ],
    )
    parsed.clear()
    raw.clear()
    stages.run("fts5", lambda: _insert(work / "bare.db", chunks))
    if not words_only:
        vectors = stages.run("embed", lambda: _embed(chunks))
        stages.run("chroma", lambda: _upsert(work / "chroma", vectors))
    return {"chunks": len(chunks), "stages": stages.seconds}


def _read(path: Path) -> str:
    data = path.read_bytes()
    hashlib.sha256(data).hexdigest()
    return data.decode()


def _parser() -> Any:
    """Block structure only, as the product's reader: inline parsing would make the floor ten times as high."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _counter() -> Callable[[str], int]:
    from ingest.tokens import encoding

    encode = encoding().encode_ordinary
    return lambda text: len(encode(text))


def _insert(path: Path, chunks: list[str]) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(SCHEMA)
        connection.executemany(
            "INSERT INTO chunks VALUES (?)", ((chunk,) for chunk in chunks)
        )


def _embed(chunks: list[str]) -> Any:
    import numpy as np

    model = _wordllama()
    return np.concatenate(
        [
            model.embed(chunks[at : at + EMBED_BATCH], norm=True)
            for at in range(0, len(chunks), EMBED_BATCH)
        ]
    )


def _wordllama() -> Any:
    """The package itself, from its own wheel: left alone it looks in the wrong folder, then downloads."""
    import wordllama

    return wordllama.WordLlama.load(
        cache_dir=Path(wordllama.__file__).parent, disable_download=True
    )


def _upsert(folder: Path, vectors: Any) -> None:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(
        str(folder), Settings(anonymized_telemetry=False)
    )
    collection = client.create_collection(
        "chunks", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    for at in range(0, len(vectors), CHROMA_BATCH):
        part = vectors[at : at + CHROMA_BATCH]
        collection.upsert([f"{at + i:016x}" for i in range(len(part))], embeddings=part)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--words", action="store_true")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    print(json.dumps(run(given.folder, given.work, words_only=given.words)))


if __name__ == "__main__":
    main()
