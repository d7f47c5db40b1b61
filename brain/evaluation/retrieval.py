"""`brain eval retrieval`: five systems on one judged set, all through `Brain.search` or beside it on the same corpus.

lexical, dense and hybrid are what the user's command gives; bm25 is frozen (unicode61, plain OR, default weights), so
that nobody can win by weakening a leg; rrf fuses the lexical and the dense ranking as the peers do. Leaves out the
person's own judgments (`brain.evaluation.own`), which go through the same `ask_all`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from brain.evaluation.folder import Judged, conversations, read_set, write_files
from brain.evaluation.metrics import interval, latency, means, ranking, require
from brain.protocols import Progress, silent
from brain.types import AddReport, Episode, Mode, Recalled, Request, Retrieved


class Ranker(Protocol):
    """The yardstick: something that ranks names for a question."""

    def search(self, question: str, *, limit: int) -> list[str]: ...


class Measurable(Protocol):
    """A store with the verbs that are measured, open until the end of its `with`."""

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: object, error: BaseException | None, trace: object, /) -> None: ...
    def add(self, paths: Sequence[Path]) -> AddReport: ...
    def remember(self, episodes: Sequence[Episode]) -> list[Episode]: ...
    def sync(self) -> AddReport: ...
    def search(self, request: Request) -> Retrieved: ...
    def recall(self, request: Request) -> Recalled: ...
    def episodes(self, kind: str) -> list[Episode]: ...
    def plain_bm25(self, kind: str) -> Ranker: ...


OpenStore = Callable[[Path], Measurable]

DEPTH = 60  # passages asked for, so that 20 documents stand among them
RRF_K = 60  # Cormack, Clarke & Buettcher 2009
MODES: tuple[Mode, ...] = ("lexical", "dense", "hybrid")
BM25, RRF = "bm25", "rrf"
SYSTEMS = (*MODES, BM25, RRF)
MEASURE = "nDCG@10"  # by which systems are compared


@dataclass(slots=True)
class Measured:
    """What the systems answered: system -> query -> document -> score, and how long each question took (ms)."""

    runs: dict[str, dict[str, dict[str, float]]] = field(
        default_factory=lambda: {name: {} for name in SYSTEMS}
    )
    times: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in (*MODES, BM25)}
    )
    embedder: str = ""


def retrieval(
    directory: Path,
    open_brain: OpenStore,
    *,
    filler: OpenStore | None = None,
    vectors: Path | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """The report of RETRIEVAL.md. `vectors`: a folder that keeps the store, and so the embeddings, between runs.

    `filler` opens the store for taking in (`open_brain` when None): with an Ollama model as embedder it is one with the
    built-in models alone, so that the vectors are filled by `sync`, wholly, and not by a process in the background.
    """
    require()
    judged, measured = read_set(directory), Measured()
    for part in conversations(judged):
        with Home.of(vectors, judged, part) as home:
            names = fill(home, part, open_brain, filler)
            with open_brain(home) as brain:
                brain.sync()
                queries = [query for query in part.queries if query["id"] in part.qrels]
                ask_all(brain, queries, measured, by_name(names), progress)
    return report(judged, measured)


def fill(
    home: Path, part: Judged, open_brain: OpenStore, filler: OpenStore | None
) -> dict[str, str]:
    """The documents as files, taken in as a person would; file name -> doc_id."""
    names = write_files(part, home / "corpus")
    with (filler or open_brain)(home) as brain:
        brain.add([home / "corpus"])
    return names


def by_name(names: Mapping[str, str]) -> Callable[[str], str | None]:
    """From a source to the doc_id of the file that `write_files` made."""
    return lambda source: names.get(Path(source).name)


def ask_all(
    brain: Measurable,
    queries: Sequence[Mapping[str, Any]],
    measured: Measured,
    identify: Callable[[str], str | None],
    progress: Progress = silent,
) -> None:
    """Every question (`id`, `text`) to every system; `identify` turns a passage's source into what is judged."""
    yardstick = brain.plain_bm25("knowledge")
    for mode in MODES if queries else ():  # what is loaded once is no latency of the first question
        brain.search(Request(queries[0]["text"], limit=DEPTH, mode=mode, look=False))
    for number, query in enumerate(queries, 1):
        key, text = query["id"], query["text"]
        for mode in MODES:
            began = time.perf_counter()
            found = brain.search(Request(text, limit=DEPTH, mode=mode, look=False))
            measured.times[mode].append((time.perf_counter() - began) * 1_000)
            measured.embedder = found.embedder or measured.embedder
            measured.runs[mode][key] = scores(
                identify(passage.source) for passage in found.passages
            )
        began = time.perf_counter()
        sources = yardstick.search(text, limit=DEPTH)
        measured.times[BM25].append((time.perf_counter() - began) * 1_000)
        measured.runs[BM25][key] = scores(identify(source) for source in sources)
        measured.runs[RRF][key] = rrf(measured.runs["lexical"][key], measured.runs["dense"][key])
        progress("questions", number, len(queries))


def report(judged: Judged, measured: Measured) -> dict[str, Any]:
    """Figures of every system, and the interval of hybrid over the best of the others."""
    by_query, systems = figures(judged.qrels, measured)
    best = max(
        (name for name in systems if name != "hybrid"),
        key=lambda name: float(systems[name][MEASURE]),
    )
    return {
        "schema": 1,
        "set": judged.name,
        "queries": len(by_query["hybrid"][MEASURE]),
        "documents": len(judged.documents),
        "embedder": measured.embedder,
        "systems": systems,
        "best_other": best,
        "hybrid_over_best_95": list(interval(by_query["hybrid"][MEASURE], by_query[best][MEASURE])),
        "by_lang": by_field(judged.queries, by_query["hybrid"][MEASURE], "lang"),
        "by_category": by_field(judged.queries, by_query["hybrid"][MEASURE], "category"),
    }


def figures(
    qrels: Mapping[str, Mapping[str, int]], measured: Measured
) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, dict[str, float]]]:
    """(system -> metric -> query -> value, system -> metric -> mean, with the latencies)."""
    by_query = {name: ranking(qrels, run) for name, run in measured.runs.items()}
    return by_query, {
        name: means(values) | latency(measured.times.get(name, ()))
        for name, values in by_query.items()
    }


def by_field(
    queries: Iterable[Mapping[str, Any]], values: Mapping[str, float], name: str
) -> dict[str, float]:
    """The mean for each value of a field of the questions."""
    groups: dict[str, list[float]] = {}
    for query in queries:
        if query.get(name) and query["id"] in values:
            groups.setdefault(str(query[name]), []).append(values[query["id"]])
    return {key: round(sum(numbers) / len(numbers), 4) for key, numbers in sorted(groups.items())}


def scores(documents: Iterable[str | None]) -> dict[str, float]:
    """A ranking of documents as falling scores; a document counts at its first place."""
    ranked = list(dict.fromkeys(document for document in documents if document is not None))
    return {document: float(len(ranked) - place) for place, document in enumerate(ranked)}


def rrf(*rankings: Mapping[str, float]) -> dict[str, float]:
    """Reciprocal rank fusion as a strict ranking: equal sums stay in the order of the first ranking that has them."""
    fused: dict[str, float] = {}
    for ranked in rankings:
        for place, document in enumerate(sorted(ranked, key=lambda key: -ranked[key]), 1):
            fused[document] = fused.get(document, 0.0) + 1 / (RRF_K + place)
    order = sorted(fused, key=fused.__getitem__, reverse=True)
    return scores(order)


class Home:
    """A home folder for one store: temporary, or kept below `parent` for the next run."""

    def __init__(self, parent: Path | None, name: str) -> None:
        self._kept = (
            parent / "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
            if parent
            else None
        )
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def of(cls, parent: Path | None, judged: Judged, part: Judged) -> Home:
        """The home of one part of a set; kept, it is found again by its name and by what it holds."""
        return cls(parent, f"{judged.name}-{part.name}-{part.corpus}" if parent else "")

    def __enter__(self) -> Path:
        if self._kept is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="brain-eval-")
            return Path(self._temporary.name)
        self._kept.mkdir(parents=True, exist_ok=True)
        return self._kept

    def __exit__(self, *_: object) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()
