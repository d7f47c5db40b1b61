"""The folder format of judged sets: corpus.jsonl, queries.jsonl, qrels.tsv; and the files that a corpus becomes.

Leaves out every metric. A document with `conv` belongs to a store of its own with all the others of that conversation.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brain.errors import UsageError
from ingest.document import digest

CODE = re.compile(r"\s*(?:@\w|def \w|class \w|async def |import \w|from \w[\w.]* import )")
CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels.tsv"
FORMAT = f"a judged set is a folder with {CORPUS}, {QUERIES}, {QRELS}"


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged set, or one conversation of it. Queries keep all their fields; `qrels`: query -> document -> grade."""

    name: str
    documents: list[dict[str, Any]] = field(default_factory=list)
    queries: list[dict[str, Any]] = field(default_factory=list)
    qrels: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def talks(self) -> bool:
        """Whether the documents are turns of a conversation."""
        return bool(self.documents) and bool(self.documents[0].get("conv"))

    @property
    def corpus(self) -> str:
        """A digest of what a store of this set holds: another corpus under the same name is another store."""
        return digest(json.dumps(self.documents, sort_keys=True))[:16]


def read_set(directory: Path, *, qrels: str = QRELS) -> Judged:
    """The whole set. Raises `UsageError` when a file is missing or a line cannot be read."""
    for name in (CORPUS, QUERIES, qrels):
        if not (directory / name).is_file():
            raise UsageError(f"{directory} has no {name}", FORMAT)
    documents = list(_lines(directory / CORPUS, ("doc_id", "text")))
    queries = list(_lines(directory / QUERIES, ("id", "text")))
    return Judged(directory.resolve().name, documents, queries, read_qrels(directory / qrels))


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """query -> document -> grade, of a file with the header query_id, doc_id, relevance. Raises `UsageError`."""
    found: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            try:
                found.setdefault(row["query_id"], {})[row["doc_id"]] = int(row["relevance"])
            except (KeyError, TypeError, ValueError):
                hint = "each line is query_id, doc_id, relevance, parted by tabs, below a header that says so"
                raise UsageError(f"{path} has a line that is no judgment", hint) from None
    return found


def conversations(judged: Judged) -> list[Judged]:
    """One set for each `conv`, or the set itself when its documents carry none."""
    names = list(
        dict.fromkeys(document["conv"] for document in judged.documents if document.get("conv"))
    )
    if not names:
        return [judged]
    return [
        Judged(
            name,
            [document for document in judged.documents if document.get("conv") == name],
            [query for query in judged.queries if query.get("conv") == name],
            {
                q["id"]: judged.qrels[q["id"]]
                for q in judged.queries
                if q.get("conv") == name and q["id"] in judged.qrels
            },
        )
        for name in names
    ]


def write_files(judged: Judged, folder: Path) -> dict[str, str]:
    """The documents as files that a person could have: Markdown with a title, Python, or text; file name -> doc_id."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {}
    for number, document in enumerate(judged.documents):
        title, text = document.get("title") or "", document.get("text") or ""
        if title:
            # as YAML reads it: JSON's own escapes for what is not ASCII would be halves of characters there
            name, body = (
                f"{number:07}.md",
                f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\n---\n{text}\n",
            )
        else:
            name, body = f"{number:07}.{'py' if CODE.match(text) else 'txt'}", text + "\n"
        path, content = folder / name, body.encode("utf-8", "replace")
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
        names[name] = document["doc_id"]
    return names


def _lines(path: Path, fields: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except json.JSONDecodeError as error:
                raise UsageError(
                    f"{path}, line {number}: {error}", "each line is one JSON object"
                ) from None
            if not isinstance(found, dict) or any(name not in found for name in fields):
                raise UsageError(f"{path}, line {number} lacks one of {', '.join(fields)}", FORMAT)
            yield found
