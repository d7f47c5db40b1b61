"""`brain eval recall`: conversations taken in as dated episodes, ranked as turns and as sessions.

The turns go in by `Brain.remember_many`, which is `remember` for many at once, and come out by `Brain.recall`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brain.evaluation.folder import Judged, conversations, read_set
from brain.evaluation.metrics import means, percentile, ranking
from brain.evaluation.retrieval import DEPTH, Home, OpenBrain, rrf, scores
from brain.protocols import BrainLike, Progress, silent
from brain.types import Episode

SYSTEMS = ("lexical", "dense", "hybrid")


def recall(directory: Path, open_brain: OpenBrain, *, vectors: Path | None = None, progress: Progress = silent) -> dict[str, Any]:
    """The report of RETRIEVAL.md: turns with `by_category`, and the same questions judged on sessions."""
    judged = read_set(directory)
    sessions = read_set(directory, qrels="qrels_episodes.tsv").qrels if (directory / "qrels_episodes.tsv").exists() else {}
    turns: dict[str, dict[str, dict[str, float]]] = {name: {} for name in (*SYSTEMS, "bm25", "rrf")}
    times: list[float] = []
    embedder = ""
    for part in conversations(judged):
        with Home(vectors, f"{judged.name}-{part.name}") as home, open_brain(home) as brain:
            ids = take_in(brain, part)
            embedder = _ask_all(brain, part, ids, turns, times, progress) or embedder
    by_query = {name: ranking(judged.qrels, run) for name, run in turns.items()}
    session_of = {document["doc_id"]: document.get("session", "") for document in judged.documents}
    by_session = {name: _sessions(run, session_of) for name, run in turns.items()}
    systems = {name: means(values) for name, values in by_query.items()}
    systems["hybrid"] |= {"p50_ms": round(percentile(times, 0.5), 2), "p95_ms": round(percentile(times, 0.95), 2)}
    return {
        "schema": 1,
        "set": judged.name,
        "queries": len(by_query["hybrid"]["nDCG@10"]),
        "documents": len(judged.documents),
        "embedder": embedder,
        "systems": systems,
        "by_category": _by_category(judged, by_query["hybrid"]),
        "sessions": {name: means(ranking(sessions, run)) for name, run in by_session.items()} if sessions else {},
    }


def take_in(brain: BrainLike, part: Judged) -> dict[str, str]:
    """Every turn as an episode, oldest first as they stand; episode id -> doc_id. A kept store is not filled twice."""
    known = {episode.source: episode.id for episode in brain.episodes(kind="chat")}
    rows = [_episode(document) for document in part.documents if document["doc_id"] not in known]
    known |= {episode.source: episode.id for episode in (brain.remember_many(rows) if rows else ())}
    return {episode_id: doc_id for doc_id, episode_id in known.items()}


def _episode(document: Mapping[str, Any]) -> Episode:
    """One turn. The words are what was said; who said it and when are fields of their own."""
    speaker, text = str(document.get("speaker", "")), str(document["text"])
    when = str(document.get("date") or datetime.now(UTC).isoformat(timespec="seconds"))
    moment = datetime.fromisoformat(when)
    at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat(timespec="seconds")
    return Episode(
        "", at, "chat", "", text, session=str(document.get("session", "")), source=str(document["doc_id"]),
        people=(speaker,) if speaker else (),
    )  # fmt: skip


def _ask_all(
    brain: BrainLike,
    part: Judged,
    ids: Mapping[str, str],
    turns: dict[str, dict[str, dict[str, float]]],
    times: list[float],
    progress: Progress,
) -> str:
    frozen = brain.frozen_bm25("episodes")
    embedder = ""
    wanted = [query for query in part.queries if query["id"] in part.qrels]
    for number, query in enumerate(wanted, 1):
        for mode in SYSTEMS:
            began = time.perf_counter()
            found = brain.recall(query["text"], limit=DEPTH, mode=mode)
            if mode == "hybrid":
                times.append((time.perf_counter() - began) * 1_000)
            embedder = found.embedder or embedder
            turns[mode][query["id"]] = scores(ids.get(item.episode.id) for item in found.episodes)
        turns["bm25"][query["id"]] = scores(ids.get(key) for key in frozen.search(query["text"], limit=DEPTH))
        turns["rrf"][query["id"]] = rrf(turns["lexical"][query["id"]], turns["dense"][query["id"]])
        progress("questions", number, len(wanted))
    return embedder


def _sessions(run: Mapping[str, Mapping[str, float]], session_of: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Sessions ranked by their best turns: the first counts whole, each further one half as much as the one before."""
    ranked: dict[str, dict[str, float]] = {}
    for query, found in run.items():
        sums: dict[str, float] = {}
        seen: dict[str, int] = {}
        for place, turn in enumerate(sorted(found, key=lambda key: -found[key])):
            session = session_of.get(turn, "")
            sums[session] = sums.get(session, 0.0) + 0.5 ** seen.get(session, 0) / (2 + place)
            seen[session] = seen.get(session, 0) + 1
        ranked[query] = sums
    return ranked


def _by_category(judged: Judged, values: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    categories: dict[str, list[str]] = {}
    for query in judged.queries:
        if query.get("category") and query["id"] in values["nDCG@10"]:
            categories.setdefault(str(query["category"]), []).append(query["id"])
    return {name: means(_only(values, keys)) | {"queries": len(keys)} for name, keys in sorted(categories.items())}


def _only(values: Mapping[str, Mapping[str, float]], keys: Iterable[str]) -> dict[str, dict[str, float]]:
    wanted = set(keys)
    return {name: {key: value for key, value in one.items() if key in wanted} for name, one in values.items()}
