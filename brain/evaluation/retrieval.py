"""`brain eval retrieval`: five systems on one judged set, all through `Brain.search` or beside it on the same corpus.

lexical, dense and hybrid are what the user's command gives; bm25 is frozen (unicode61, plain OR, default weights), so
that nobody can win by weakening a leg; rrf fuses the lexical and the dense ranking as the peers do.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from brain.evaluation.folder import Judged, conversations, read_set, write_files
from brain.evaluation.metrics import interval, means, percentile, ranking
from brain.protocols import BrainLike, Progress, silent

Mode = Literal["lexical", "dense", "hybrid"]
OpenBrain = Callable[[Path], BrainLike]

DEPTH = 60  # passages asked for, so that 20 documents stand among them
RRF_K = 60  # Cormack, Clarke & Buettcher 2009
MODES: tuple[Mode, ...] = ("lexical", "dense", "hybrid")
BOTH = 2


def retrieval(
    directory: Path, open_brain: OpenBrain, *, vectors: Path | None = None, progress: Progress = silent
) -> dict[str, Any]:
    """The report of RETRIEVAL.md. `vectors`: a folder that keeps the store, and so the embeddings, between runs."""
    judged = read_set(directory)
    runs: dict[str, dict[str, dict[str, float]]] = {mode: {} for mode in (*MODES, "bm25", "rrf")}
    times: dict[str, list[float]] = {mode: [] for mode in (*MODES, "bm25")}
    embedder = ""
    for part in conversations(judged):
        with Home(vectors, f"{judged.name}-{part.name}") as home:
            names = write_files(part, home / "corpus")
            with open_brain(home) as brain:
                brain.add([home / "corpus"])
                brain.sync()
                embedder = _ask_all(brain, part, names, runs, times, progress) or embedder
    return report(judged, runs, times, embedder)


def _ask_all(
    brain: BrainLike,
    part: Judged,
    names: Mapping[str, str],
    runs: dict[str, dict[str, dict[str, float]]],
    times: dict[str, list[float]],
    progress: Progress,
) -> str:
    """Every question to every system; returns the embedder that answered."""
    embedder = ""
    frozen = brain.frozen_bm25()
    wanted = [query for query in part.queries if query["id"] in part.qrels]
    for number, query in enumerate(wanted, 1):
        for mode in MODES:
            began = time.perf_counter()
            found = brain.search(query["text"], limit=DEPTH, mode=mode, look=False)
            times[mode].append((time.perf_counter() - began) * 1_000)
            embedder = found.embedder or embedder
            runs[mode][query["id"]] = scores(names.get(Path(p.source).name) for p in found.passages)
        began = time.perf_counter()
        sources = frozen.search(query["text"], limit=DEPTH)
        times["bm25"].append((time.perf_counter() - began) * 1_000)
        runs["bm25"][query["id"]] = scores(names.get(Path(source).name) for source in sources)
        runs["rrf"][query["id"]] = rrf(runs["lexical"][query["id"]], runs["dense"][query["id"]])
        progress("questions", number, len(wanted))
    return embedder


def report(
    judged: Judged,
    runs: Mapping[str, Mapping[str, Mapping[str, float]]],
    times: Mapping[str, list[float]],
    embedder: str,
) -> dict[str, Any]:
    """Figures of every system, and the interval of hybrid over the best of the others."""
    by_query = {name: ranking(judged.qrels, run) for name, run in runs.items()}
    systems: dict[str, Any] = {}
    for name, values in by_query.items():
        systems[name] = means(values)
        if times.get(name):
            systems[name] |= {
                "p50_ms": round(percentile(times[name], 0.5), 2), "p95_ms": round(percentile(times[name], 0.95), 2)
            }  # fmt: skip
    best = max((name for name in systems if name != "hybrid"), key=lambda name: systems[name]["nDCG@10"])
    return {
        "schema": 1,
        "set": judged.name,
        "queries": len(by_query["hybrid"]["nDCG@10"]),
        "documents": len(judged.documents),
        "embedder": embedder,
        "systems": systems,
        "best_other": best,
        "hybrid_over_best_95": interval(by_query["hybrid"]["nDCG@10"], by_query[best]["nDCG@10"]),
        "by_lang": _by_field(judged, by_query["hybrid"]["nDCG@10"], "lang"),
        "by_category": _by_field(judged, by_query["hybrid"]["nDCG@10"], "category"),
    }


def _by_field(judged: Judged, values: Mapping[str, float], field: str) -> dict[str, float]:
    """The mean for each value of a field of the questions."""
    groups: dict[str, list[float]] = {}
    for query in judged.queries:
        if query.get(field) and query["id"] in values:
            groups.setdefault(str(query[field]), []).append(values[query["id"]])
    return {name: round(sum(numbers) / len(numbers), 4) for name, numbers in sorted(groups.items())}


def scores(documents: Iterable[str | None]) -> dict[str, float]:
    """A ranking of documents as falling scores; a document counts at its first place."""
    ranked = list(dict.fromkeys(document for document in documents if document is not None))
    return {document: float(len(ranked) - place) for place, document in enumerate(ranked)}


def rrf(*rankings: Mapping[str, float]) -> dict[str, float]:
    """Reciprocal rank fusion."""
    fused: dict[str, float] = {}
    for ranked in rankings:
        for place, document in enumerate(sorted(ranked, key=lambda key: -ranked[key]), 1):
            fused[document] = fused.get(document, 0.0) + 1 / (RRF_K + place)
    return fused


class Home:
    """A home folder for one store: temporary, or kept below `parent` for the next run."""

    def __init__(self, parent: Path | None, name: str) -> None:
        self._kept = parent / "".join(c if c.isalnum() or c in "-_" else "_" for c in name) if parent else None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Path:
        if self._kept is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="brain-eval-")
            return Path(self._temporary.name)
        self._kept.mkdir(parents=True, exist_ok=True)
        return self._kept

    def __exit__(self, *_: object) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()
