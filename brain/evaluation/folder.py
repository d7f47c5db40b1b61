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

CODE = re.compile(r"\s*(?:@\w|def \w|class \w|async def |import \w|from \w[\w.]* import )")


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged set, or one conversation of it. Queries keep all their fields; `qrels`: query -> document -> grade."""

    name: str
    documents: list[dict[str, Any]] = field(default_factory=list)
    queries: list[dict[str, Any]] = field(default_factory=list)
    qrels: dict[str, dict[str, int]] = field(default_factory=dict)


def read_set(directory: Path, *, qrels: str = "qrels.tsv") -> Judged:
    """The whole set. Raises `UsageError` when a file is missing or a line cannot be read."""
    for name in ("corpus.jsonl", "queries.jsonl", qrels):
        if not (directory / name).is_file():
            raise UsageError(f"{directory} has no {name}", "a judged set is a folder with corpus.jsonl, queries.jsonl, qrels.tsv")
    judged = Judged(directory.resolve().name, list(_lines(directory / "corpus.jsonl")), list(_lines(directory / "queries.jsonl")))
    with (directory / qrels).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            judged.qrels.setdefault(row["query_id"], {})[row["doc_id"]] = int(row["relevance"])
    return judged


def conversations(judged: Judged) -> list[Judged]:
    """One set for each `conv`, or the set itself when its documents carry none."""
    names = list(dict.fromkeys(document["conv"] for document in judged.documents if document.get("conv")))
    if not names:
        return [judged]
    return [
        Judged(
            name,
            [document for document in judged.documents if document.get("conv") == name],
            [query for query in judged.queries if query.get("conv") == name],
            {q["id"]: judged.qrels[q["id"]] for q in judged.queries if q.get("conv") == name and q["id"] in judged.qrels},
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
            name, body = f"{number:07}.md", f"---\ntitle: {json.dumps(title)}\n---\n{text}\n"
        else:
            name, body = f"{number:07}.{'py' if CODE.match(text) else 'txt'}", text + "\n"
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != body:
            path.write_text(body, "utf-8")
        names[name] = document["doc_id"]
    return names


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield json.loads(line)
                except json.JSONDecodeError as error:
                    raise UsageError(f"{path}, line {number}: {error}", "each line is one JSON object") from None
