"""The folder format of judged sets: corpus.jsonl, queries.jsonl, qrels.tsv; and the files that a corpus becomes.

A document with `conv` belongs to a store of its own with all the others of that conversation. Leaves out every metric.
Serves `brain eval retrieval`, `answerability` and `recall`.
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

CODE = re.compile(
    r"\s*(?:@\w|def \w|class \w|async def |import \w|from \w[\w.]* import )"
)
CORPUS = "corpus.jsonl"
QUERIES = "queries.jsonl"
QRELS = "qrels.tsv"
FORMAT = f"a judged set is a folder with {CORPUS}, {QUERIES}, {QRELS}"

Line = dict[str, Any]  # the object of a line, with all its fields
Grades = dict[str, dict[str, int]]  # query -> document -> grade


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged set, or one conversation of it. Queries keep all their fields."""

    name: str
    documents: list[Line] = field(default_factory=list)
    queries: list[Line] = field(default_factory=list)
    qrels: Grades = field(default_factory=dict)

    @property
    def talks(self) -> bool:
        """Whether the documents are turns of a conversation."""
        return any(document.get("conv") for document in self.documents)

    @property
    def corpus(self) -> str:
        """A digest of what a store of this set holds: another corpus under the same name is another store."""
        return digest(json.dumps(self.documents, sort_keys=True))[:16]


def read_set(directory: Path) -> Judged:
    """The whole set. Raises `UsageError` when a file is missing or a line cannot be read."""
    for name in (CORPUS, QUERIES, QRELS):
        if not (directory / name).is_file():
            raise UsageError(f"{directory} has no {name}", FORMAT)
    return Judged(
        directory.resolve().name,
        list(_lines(directory / CORPUS, "doc_id")),
        list(_lines(directory / QUERIES, "id")),
        read_qrels(directory / QRELS),
    )


def read_qrels(path: Path) -> Grades:
    """The grades of a file with the header query_id, doc_id, relevance. Raises `UsageError`."""
    found: Grades = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            try:
                grades = found.setdefault(row["query_id"], {})
                grades[row["doc_id"]] = int(row["relevance"])
            except (KeyError, TypeError, ValueError):
                hint = "each line is query_id, doc_id, relevance, parted by tabs, below a header that says so"
                raise UsageError(
                    f"{path} has a line that is no judgment", hint
                ) from None
    return found


def conversations(judged: Judged) -> list[Judged]:
    """One set for each `conv`, or the set itself when its documents carry none."""
    parts: dict[str, Judged] = {}
    for document in judged.documents:
        if name := document.get("conv"):
            parts.setdefault(name, Judged(name)).documents.append(document)
    for query in judged.queries:
        if part := parts.get(query.get("conv", "")):
            key = query["id"]
            part.queries.append(query)
            if key in judged.qrels:
                part.qrels[key] = judged.qrels[key]
    return list(parts.values()) or [judged]


def write_files(judged: Judged, folder: Path) -> dict[str, str]:
    """The documents as files that a person could have: Markdown with a title, Python, or text; file name -> doc_id."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {}
    for number, document in enumerate(judged.documents):
        ending, body = _as_file(document)
        path = folder / f"{number:07}{ending}"
        content = body.encode("utf-8", "replace")
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
        names[path.name] = document["doc_id"]
    return names


def _as_file(document: Line) -> tuple[str, str]:
    """(the ending of its name, what stands in it)."""
    text = document["text"] or ""
    if title := document.get("title"):
        # JSON is YAML, but its escapes for what is not ASCII are pairs of surrogates, which YAML does not join.
        quoted = json.dumps(title, ensure_ascii=False)
        return ".md", f"---\ntitle: {quoted}\n---\n{text}\n"
    ending = ".py" if CODE.match(text) else ".txt"
    return ending, f"{text}\n"


def _lines(path: Path, key: str) -> Iterator[Line]:
    """The objects of a file, each with a text and its key."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            place = f"{path}, line {number}"
            try:
                found = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                raise UsageError(
                    f"{place}: {error}", "each line is one JSON object"
                ) from None
            if not isinstance(found, dict) or not {key, "text"} <= set(found):
                raise UsageError(f"{place} lacks one of {key}, text", FORMAT)
            yield found
