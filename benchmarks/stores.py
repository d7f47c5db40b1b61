"""The stores that `brain eval … --vectors DIR` kept, opened again: what is fitted is fitted on what the product stored.

Every conversation is a store of its own, with the vectors of the built-in embedder and of the model the evaluation was
asked for. Questions are embedded here. Leaves out filling the stores and the judgment. Serves the fit_* scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.evalset import Remembering, kept
from brain.app import Brain
from brain.app.measure import MeasuredStore
from brain.config import Config, Models
from brain.evaluation.folder import Judged, conversations, read_set
from brain.evaluation.recall import fill
from brain.evaluation.retrieval import home_name
from brain.protocols import Embedder, Searchable, VectorIndex
from brain.types import Passage


@dataclass
class Question:
    """A judged question: `relevant` grades by document, `facts` all of its fields."""

    id: str
    text: str
    relevant: Mapping[str, int]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Room:
    """One store with its index and its questions. `identify`: from a source, or the id of an episode, to what is judged."""

    brain: Brain
    search: Searchable
    index: VectorIndex
    embedder: Remembering
    queries: list[Question]
    identify: Callable[[str], str]
    talks: bool

    def name_of(self, passage: Passage) -> str:
        """The judged document of a passage, "" for one that is none."""
        return self.identify(passage.id if self.talks else passage.source)


def rooms(
    folder: Path, homes: Path, embedder: Embedder, cache: Path, *, every: bool = False
) -> Iterator[Room]:
    """The stores of a set. `every`: questions without a relevant document too. Raises `FileNotFoundError` without a store."""
    judged = read_set(folder)
    asked = [query for query in judged.queries if every or query["id"] in judged.qrels]
    name = f"{folder.name}.{embedder.name}.{'all' if every else 'judged'}"
    vectors = kept(cache, name, embedder, [query["text"] for query in asked])
    known = {
        query["text"]: vector for query, vector in zip(asked, vectors, strict=True)
    }
    for part in conversations(judged):
        home = home_of(homes, judged, part)
        with Brain(
            Config(home=home, models=Models(embed="wordllama", ask="builtin"))
        ) as brain:
            yield room(brain, part, embedder, known, every=every)


def home_of(homes: Path, judged: Judged, part: Judged) -> Path:
    """Where the evaluation kept the store of one part."""
    name = home_name(judged, part)
    found = sorted(homes.glob(f"*/{name}"))
    if not found:
        raise FileNotFoundError(
            f"no store of {judged.name} in {homes}: run brain eval … --vectors {homes} first"
        )
    return found[-1]


def room(
    brain: Brain,
    part: Judged,
    embedder: Embedder,
    known: Mapping[str, Any],
    *,
    every: bool,
) -> Room:
    """One opened store."""
    store = brain.resources.store
    talks = bool(part.talks and brain.library.episodes(kind="chat", limit=1))
    names: dict[str, str] = (
        fill(MeasuredStore(brain.resources), part, brain.config.home)
        if talks
        else file_names(part)
    )
    search: Searchable = store.search_episodes() if talks else store.search
    conn = store.connection.conn
    print_of = fingerprint(conn, embedder)
    queries = [
        Question(query["id"], query["text"], part.qrels.get(query["id"], {}), query)
        for query in part.queries
        if every or query["id"] in part.qrels
    ]

    def identify(key: str) -> str:
        return names.get(key if talks else Path(key).name, "")

    told = Remembering(embedder.name, print_of, dict(known))
    index = brain.resources.indexes(print_of).index(
        "episodes" if talks else "knowledge"
    )
    return Room(brain, search, index, told, queries, identify, talks)


def fingerprint(conn: Any, embedder: Embedder) -> str:
    """The fingerprint under which the store holds the vectors of this embedder: its own, or the one of that size."""
    counted = dict(
        conn.execute(
            "SELECT fingerprint, count(*) FROM embeddings GROUP BY fingerprint"
        )
    )
    own = str(embedder.fingerprint)
    if own in counted:
        return own
    size = f"/{embedder.fingerprint.dimensions}/"
    return max(
        (name for name in counted if size in name), key=lambda name: counted[name]
    )


def file_names(part: Judged) -> dict[str, str]:
    """File name -> doc_id, as `write_files` names them."""
    return {
        f"{number:07}.{suffix}": document["doc_id"]
        for number, document in enumerate(part.documents)
        for suffix in ("md", "py", "txt")
    }
