"""The evaluation against tables worked by hand, and on small judged sets through a real `Brain` in temporary homes."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.app import Brain
from brain.app.measure import MeasuredStore
from brain.app.resources import Resources
from brain.config import Config, Models, Ollama
from brain.errors import Unavailable, UsageError
from brain.evaluation import metrics, recall, retrieval
from brain.evaluation.answerability import figures, kind_of, weighted
from brain.evaluation.answers import Asked, called, covered
from brain.evaluation.answers import figures as answer_figures
from brain.evaluation.folder import Judged, conversations, read_set, write_files
from brain.evaluation.metrics import evenly
from brain.evaluation.retrieval import Setup, home_of, rrf, scores
from brain.types import Request
from tests.stand_in_ollama import StandIn

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ("tea", "Tea", "Black tea wants water at 96 degrees and four minutes in the pot."),
    ("rent", "Flat", "The rent of the flat is 1,450 euros a month, paid on the fifth."),
    (
        "kiln",
        "Naïve kiln 🔥",
        "Kiln four fires the tiles at 1,040 degrees for nine hours.",
    ),
    ("code", "", "def parse_reply(body):\n    return body.strip()\n"),
]
QUERIES = [
    ("q1", "how hot for black tea", "tea"),
    ("q2", "what is the rent of the flat", "rent"),
    ("q3", "parse_reply", "code"),
]


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Path]:
    """Write a judged set and return its folder."""

    def write(
        documents: list[dict[str, Any]],
        queries: list[dict[str, Any]],
        qrels: list[tuple[str, str, int]],
        name: str = "small",
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "corpus.jsonl").write_text(
            "".join(json.dumps(one) + "\n" for one in documents), "utf-8"
        )
        (folder / "queries.jsonl").write_text(
            "".join(json.dumps(one) + "\n" for one in queries), "utf-8"
        )
        rows = "".join(f"{q}\t{d}\t{grade}\n" for q, d, grade in qrels)
        (folder / "qrels.tsv").write_text(
            f"query_id\tdoc_id\trelevance\n{rows}", "utf-8"
        )
        return folder

    return write


@pytest.fixture
def small(judged: Callable[..., Path]) -> Path:
    return judged(
        [
            {"doc_id": key, "title": title, "text": text}
            for key, title, text in DOCUMENTS
        ],
        [{"id": key, "text": text, "lang": "en"} for key, text, _ in QUERIES]
        + [
            {
                "id": "q4",
                "text": "who won the chess final",
                "answerable": 0,
                "kind": "absent",
            }
        ],
        [(key, document, 1) for key, _, document in QUERIES],
    )


def open_builtin(home: Path) -> MeasuredStore:
    config = Config(
        home=home, models=Models(embed="wordllama", ask="builtin", reader="off")
    )
    return MeasuredStore(Resources(config))


# -- figures, by hand ---------------------------------------------------------------------------------------------------


def test_ranking_agrees_with_a_table_worked_by_hand() -> None:
    qrels = {
        "q1": {"a": 2, "b": 1},
        "q2": {"c": 1},
        "q3": {"d": 1},
        "unjudged": {"e": 0},
    }
    run = {
        "q1": {"b": 3.0, "x": 2.0, "a": 1.0},
        "q2": {"x": 9.0, "y": 8.0, "c": 7.0},
        "unjudged": {"e": 1.0},
    }
    values = metrics.ranking(qrels, run)
    dcg, ideal = (
        1 / math.log2(2) + 2 / math.log2(4),
        2 / math.log2(2) + 1 / math.log2(3),
    )
    assert values["nDCG@10"] == pytest.approx(
        {"q1": dcg / ideal, "q2": 1 / math.log2(4), "q3": 0.0}
    )
    assert values["S@1"] == {"q1": 1.0, "q2": 0.0, "q3": 0.0}
    assert (
        values["R@5"]
        == values["R@10"]
        == values["R@20"]
        == {"q1": 1.0, "q2": 1.0, "q3": 0.0}
    )
    assert values["RR@10"] == pytest.approx({"q1": 1.0, "q2": 1 / 3, "q3": 0.0})
    assert metrics.means(values)["RR@10"] == round(4 / 9, 4)


def test_recall_counts_only_the_first_places() -> None:
    run = {"q": scores(f"x{i}" for i in range(7)) | {"a": 0.5}}
    values = metrics.ranking({"q": {"a": 1, "b": 1}}, run)
    assert (values["R@5"]["q"], values["R@10"]["q"]) == (0.0, 0.5)


def test_a_document_counts_at_its_first_place_and_rrf_is_a_strict_ranking() -> None:
    assert scores(["a", None, "b", "a", "c"]) == {"a": 3.0, "b": 2.0, "c": 1.0}
    # by hand: a 1/61 + 1/63, b 1/62 + 1/62, c 1/63, d 1/61: a .03227 > b .03226 > d .01639 > c .01587
    fused = rrf(scores("abc"), scores("dba"))
    assert sorted(fused, key=lambda key: -fused[key]) == ["a", "b", "d", "c"]
    assert len(set(rrf(scores("ab"), scores("cd")).values())) == 4, (
        "equal sums would be broken by name"
    )


def test_calibration_by_hand_and_ties_stay_together() -> None:
    # ten bins of one row each: the error is the mean distance
    pairs = [(0.05 + at / 10, at >= 5) for at in range(10)]
    expected = sum(abs(p - truth) for p, truth in pairs) / 10
    brier = sum((p - truth) ** 2 for p, truth in pairs) / 10
    assert metrics.calibration(evenly(pairs)) == (round(expected, 4), round(brier, 4))
    # one probability for all: one bin, whatever the order of the file
    half = evenly([(0.5, True)] * 10 + [(0.5, False)] * 10)
    assert metrics.calibration(half) == (0.0, 0.25)
    assert metrics.brier_skill(half) == 0.0


def test_weights_make_the_share_that_was_asked_for() -> None:
    pairs = [(0.9, True), (0.8, True), (0.7, True), (0.1, False)]
    held = weighted(pairs, 0.25)
    assert sum(w for _, truth, w in held if truth) == pytest.approx(0.25)
    assert sum(w for _, _, w in held) == pytest.approx(1.0)
    always = metrics.calibration([(0.25, truth, w) for _, truth, w in held])
    assert always == (0.0, round(0.25 * 0.75, 4))


def test_risk_and_coverage_by_hand() -> None:
    curve, area = metrics.risk_coverage(
        [(0.9, True), (0.8, False), (0.7, True), (0.6, True)]
    )
    assert curve == [(0.25, 0.0), (0.5, 0.5), (0.75, pytest.approx(1 / 3)), (1.0, 0.25)]
    assert area == round((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4, 4)
    tied = [(0.5, True), (0.5, False)]
    assert metrics.risk_coverage(tied) == metrics.risk_coverage(tied[::-1])
    curve, _area = metrics.risk_coverage([(0.5, True)] * 100)
    assert metrics.shortened(curve)[-1] == {"coverage": 1.0, "risk": 0.0}


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_no_order_of_the_rows_changes_a_figure(pairs: list[tuple[float, bool]]) -> None:
    assert metrics.calibration(evenly(pairs)) == pytest.approx(
        metrics.calibration(evenly(sorted(pairs))), abs=1e-3
    )
    assert metrics.risk_coverage(pairs)[1] == pytest.approx(
        metrics.risk_coverage(sorted(pairs))[1], abs=1e-3
    )


def test_auroc_counts_pairs_and_ties_half() -> None:
    assert metrics.auroc([0.9, 0.5], [0.5, 0.1]) == round(3.5 / 4, 4)
    assert metrics.auroc([0.9], []) is None


def test_the_interval_holds_the_mean_and_is_nothing_when_nothing_differs() -> None:
    values = {str(at): at / 100 for at in range(100)}
    low, high = metrics.interval(values, dict.fromkeys(values, 0.0))
    assert low < 0.495 < high
    assert metrics.interval(values, values) == [0.0, 0.0]
    assert metrics.interval({}, {}) == [0.0, 0.0]
    better = {key: value + 0.1 for key, value in values.items()}
    assert metrics.interval(better, values) == pytest.approx([0.1, 0.1])


def test_without_the_extra_it_says_so_in_two_lines(
    monkeypatch: pytest.MonkeyPatch, small: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(Unavailable) as caught:
        retrieval.retrieval(small, Setup(open_builtin, open_builtin))
    assert (caught.value.message, "[eval]" in caught.value.hint) == (
        "the evaluation needs ir_measures",
        True,
    )


def test_answerability_figures_by_hand() -> None:
    rows = [
        ("answerable", 0.9),
        ("answerable", 0.6),
        ("answerable", 0.01),
        ("near", 0.7),
        ("far", 0.02),
    ]
    report = figures(rows)
    assert report["auroc"] == {
        "all": round(3 / 6, 4),
        "far": round(2 / 3, 4),
        "near": round(1 / 3, 4),
    }
    assert (report["coverage"], report["risk"]) == (0.6, round(1 / 3, 4))
    assert report["false_absences"] == round(1 / 3, 4)
    assert kind_of({"answerable": 0, "category": "adversarial"}) == "adversarial"
    assert (
        kind_of({"answerable": 1, "kind": "answerable"}) == kind_of({}) == "answerable"
    )


def test_answers_figures_by_hand() -> None:
    rows = [
        Asked("answerable", 0.9, 0.9, "answered", True),
        Asked("answerable", 0.8, 0.6, "likely", False),
        Asked("answerable", 0.1, 0.2, "not_found", False),
        Asked("answerable", 0.7, 0.5, "check", True),
        Asked("near_miss", 0.6, 0.7, "answered", False),
        Asked("absent", 0.05, 0.0, "not_found", False),
    ]
    report = answer_figures(rows)
    assert report["first_quote"] == 0.5
    assert report["auroc"]["found"] == {"all": 7 / 8, "near_miss": 0.75, "absent": 1.0}
    assert report["auroc"]["supported"]["near_miss"] == 0.25
    # A right answer weighs an eighth here, one about what is absent a quarter.
    assert report["words"]["answered"] == {"answers": 2, "right": round(1 / 3, 4)}
    assert report["words"]["not_found"] == {"answers": 2, "right": round(2 / 3, 4)}
    assert report["words"]["check"] == {"answers": 1, "right": 1.0}
    assert report["right_at_85"] == {"from": 0.9, "share": 0.5}
    assert report["surest"] == {"0.3": round(1 / 3, 4), "0.5": 0.25}
    assert report["false_absences"] == 0.25
    assert answer_figures([])["words"]["likely"] == {"answers": 0, "right": None}


def test_equally_sure_answers_count_together_in_whatever_order_they_stand() -> None:
    """From .5 on two of three are right: the wrong one at .5 counts, be it first or last."""
    rows = [
        (0.9, True, 0.25),
        (0.5, True, 0.25),
        (0.5, False, 0.25),
        (0.1, False, 0.25),
    ]
    for ordered in (rows, rows[::-1]):
        assert called(ordered, 0.9) == (0.9, 0.5)
        assert called(ordered, 0.6) == (0.5, 1.0)
        assert covered(ordered, 0.5) == round(2 / 3, 4)


def test_every_question_of_a_set_is_asked_whole(small: Path, config: Config) -> None:
    lines = []
    for line in (small / "queries.jsonl").read_text("utf-8").splitlines():
        query = json.loads(line)
        answers = ["96 degrees"] if query["id"] == "q1" else []
        lines.append(json.dumps(query | {"answers": answers}))
    (small / "queries.jsonl").write_text("\n".join(lines), "utf-8")
    report = Brain(config).judge.eval_set(
        "answers", small, embedder="wordllama", vectors=None
    )
    assert report["queries"] == len(lines)
    said = sum(word["answers"] for word in report["words"].values())
    assert said == len(lines)
    assert 0 < report["first_quote"] < 1, (
        "one of the questions has its answer beside it"
    )
    assert not Brain(config).library.documents(), "the person's store is not touched"


# -- folders ------------------------------------------------------------------------------------------------------------


def test_a_set_is_read_and_faults_name_the_line(small: Path) -> None:
    read = read_set(small)
    assert (read.name, len(read.documents), len(read.queries), read.qrels["q1"]) == (
        "small",
        4,
        4,
        {"tea": 1},
    )
    (small / "queries.jsonl").write_text('{"id": "q1", "text": "x"}\n{"id": "q2"}\n')
    with pytest.raises(UsageError, match="line 2"):
        read_set(small)
    (small / "qrels.tsv").write_text("query\tdoc\nq1\ttea\n")
    (small / "queries.jsonl").write_text("")
    with pytest.raises(UsageError, match=r"qrels\.tsv"):
        read_set(small)
    (small / "qrels.tsv").unlink()
    with pytest.raises(UsageError, match=r"no qrels\.tsv"):
        read_set(small)


def test_conversations_are_stores_of_their_own() -> None:
    documents = [
        {"doc_id": f"{c}{i}", "text": "x", "conv": c} for c in "ab" for i in range(2)
    ]
    parts = conversations(
        Judged(
            "set", documents, [{"id": "q", "text": "x", "conv": "b"}], {"q": {"b0": 1}}
        )
    )
    assert [
        (part.name, [d["doc_id"] for d in part.documents], part.qrels) for part in parts
    ] == [
        ("a", ["a0", "a1"], {}),
        ("b", ["b0", "b1"], {"q": {"b0": 1}}),
    ]
    assert parts[0].talks
    assert parts[0].corpus != parts[1].corpus


def test_documents_become_files_that_keep_their_title_and_are_written_once(
    tmp_path: Path, small: Path, brain: Brain
) -> None:
    names = write_files(read_set(small), tmp_path / "files")
    assert sorted(Path(name).suffix for name in names) == [".md", ".md", ".md", ".py"]
    times = {
        path.name: path.stat().st_mtime_ns for path in (tmp_path / "files").iterdir()
    }
    write_files(read_set(small), tmp_path / "files")
    assert times == {
        path.name: path.stat().st_mtime_ns for path in (tmp_path / "files").iterdir()
    }
    brain.add([tmp_path / "files"])
    assert "Naïve kiln 🔥" in {row.title for row in brain.library.documents()}


# -- through a real Brain ---------------------------------------------------------------------------------------------------


def test_retrieval_measures_what_the_person_sees(
    small: Path, tmp_path: Path, config: Config
) -> None:
    seen: list[tuple[str, int, int]] = []
    report = Brain(
        config,
        progress=lambda *step: seen.append(step),
    ).judge.eval_set("retrieval", small, embedder="wordllama", vectors=None)
    assert (
        report["set"],
        report["queries"],
        report["documents"],
        report["embedder"],
    ) == (
        "small",
        3,
        4,
        "wordllama",
    )
    assert list(report["systems"]) == ["lexical", "dense", "hybrid", "bm25", "rrf"]
    for name in ("lexical", "dense", "hybrid", "bm25"):
        assert set(report["systems"][name]) == {*metrics.RANKING, "p50_ms", "p95_ms"}
    assert (
        report["systems"]["hybrid"]["nDCG@10"]
        == report["systems"]["bm25"]["S@1"]
        == 1.0
    )
    assert report["by_lang"] == {"en": 1.0}
    assert ("questions", 3, 3) in seen
    assert not config.home.exists(), "a judged set opens nothing of the person's own"


def test_built_in_means_the_sentence_embedder_complete(
    small: Path, config: Config
) -> None:
    brain = Brain(config)
    report = brain.judge.eval_set("retrieval", small, embedder="builtin", vectors=None)
    assert report["embedder"] == "all-minilm-l6-v2"


def test_deeper_lists_begin_as_the_list_that_a_person_sees(brain: Brain) -> None:
    brain.add([ROOT / "sample_corpus"])
    for question in (
        "how hot for black tea",
        "what did we promise the landlord?",
        "why did we pick SQLite",
    ):
        short = [
            passage.id
            for passage in brain.search(Request(question, look=False)).passages
        ]
        assert [
            passage.id
            for passage in brain.search(
                Request(question, limit=retrieval.DEPTH, look=False)
            ).passages
        ][:10] == short


def test_kept_stores_are_found_again_and_never_for_another_corpus(
    small: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    setup = Setup(open_builtin, open_builtin, kept)
    first = retrieval.retrieval(small, setup)
    homes = {path: path.stat().st_ino for path in kept.rglob("brain.db")}
    again = retrieval.retrieval(small, setup)
    assert {path: path.stat().st_ino for path in kept.rglob("brain.db")} == homes
    assert (
        first["systems"]["hybrid"]["nDCG@10"] == again["systems"]["hybrid"]["nDCG@10"]
    )
    lines = (small / "corpus.jsonl").read_text().splitlines()
    (small / "corpus.jsonl").write_text("\n".join(lines[1:]) + "\n")
    changed = retrieval.retrieval(small, setup)
    assert len(list(kept.rglob("brain.db"))) == 2
    assert changed["systems"]["hybrid"]["S@1"] == round(2 / 3, 4)


def test_kept_stores_are_named_by_embedder_and_by_the_code_that_fills_them(
    small: Path, tmp_path: Path, config: Config
) -> None:
    kept = tmp_path / "kept"
    Brain(config).judge.eval_set("retrieval", small, embedder="wordllama", vectors=kept)
    ((name, digest),) = (path.name.split("-") for path in kept.iterdir())
    assert (name, len(digest)) == ("wordllama", 12)


def test_interrupted_it_leaves_nothing_behind(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Config
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))

    def stop(what: str, done: int, total: int) -> None:
        if what == "questions":
            assert list(place.iterdir())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Brain(config, progress=stop).judge.eval_set(
            "retrieval", small, embedder="wordllama", vectors=None
        )
    assert list(place.iterdir()) == []


def test_answerability_reads_what_search_says(small: Path, config: Config) -> None:
    report = Brain(config).judge.eval_set(
        "answerability", small, embedder="wordllama", vectors=None
    )
    assert {
        "set",
        "queries",
        "auroc",
        "ece",
        "brier",
        "aurc",
        "threshold",
        "coverage",
        "risk",
        "curve",
    } <= set(report)
    assert (report["queries"], set(report["auroc"])) == (4, {"all", "absent"})


TURNS = [
    ("s1", "Ana", "Ana: I planted tulips by the garden gate.", "2026-03-01T10:00:00"),
    (
        "s1",
        "Ben",
        "Ben: My sister bought a grey kayak in Porto.",
        "2026-03-01T10:01:00",
    ),
    (
        "s2",
        "Ana",
        "Ana: The accordion needs a new strap before Friday.",
        "2026-04-02T18:00:00",
    ),
    ("s2", "Ben", "Ben: I will bring the soup and the bread.", "2026-04-02T18:01:00"),
]


def test_recall_takes_turns_in_by_the_users_path_and_judges_sessions_too(
    judged: Callable[..., Path], config: Config
) -> None:
    documents = [
        {
            "doc_id": f"c/{i}",
            "title": "",
            "text": text,
            "conv": "c",
            "session": session,
            "speaker": who,
            "date": at,
        }
        for i, (session, who, text, at) in enumerate(TURNS)
    ]
    queries = [
        {"id": "q1", "text": "Who bought a kayak?", "conv": "c", "category": "single"},
        {
            "id": "q2",
            "text": "What needs a new strap?",
            "conv": "c",
            "category": "single",
        },
        {
            "id": "q3",
            "text": "What did Ana say about the parrot?",
            "conv": "c",
            "category": "adversarial",
            "answerable": 0,
        },
    ]
    folder = judged(documents, queries, [("q1", "c/1", 1), ("q2", "c/2", 1)], "talk")
    (folder / recall.SESSIONS).write_text(
        "query_id\tdoc_id\trelevance\nq1\ts1\t1\nq2\ts2\t1\n"
    )
    report = Brain(config).judge.eval_set(
        "recall", folder, embedder="wordllama", vectors=None
    )
    assert (report["queries"], report["documents"]) == (2, 4)
    assert (
        report["systems"]["hybrid"]["S@1"] == report["sessions"]["hybrid"]["S@1"] == 1.0
    )
    assert "p95_ms" in report["systems"]["lexical"]
    assert (
        report["by_category"]["single"]["queries"],
        "adversarial" in report["by_category"],
    ) == (
        2,
        False,
    )
    absent = Brain(config).judge.eval_set(
        "answerability", folder, embedder="wordllama", vectors=None
    )
    assert set(absent["auroc"]) == {"all", "adversarial"}


SESSION_OF = {"a": "s1", "b": "s2", "c": "s2", "d": "s1"}


def test_sessions_are_ranked_by_the_places_of_their_turns_by_hand() -> None:
    # s1 has places 1 and 4: 1/2 + 1/2 * 1/5 = .6; s2 has 2 and 3: 1/3 + 1/2 * 1/4 = .458
    weights = recall.halved(scores(["a", "b", "c", "d"]), SESSION_OF)
    assert weights == pytest.approx({"a": 1 / 2, "b": 1 / 3, "c": 1 / 8, "d": 1 / 10})
    ranked = recall.as_sessions({"q": weights}, SESSION_OF)["q"]
    assert sorted(ranked, key=lambda key: -ranked[key]) == ["s1", "s2"]


def test_sessions_are_ranked_by_the_odds_of_their_turns_by_hand() -> None:
    # the first turn has odds 1, two of the other session .7 each; d stands behind c, so it weighs no more than c
    found = [
        ("a", 2.0),
        ("b", 2.0 + math.log(0.7)),
        ("c", 2.0 + math.log(0.7)),
        ("d", 5.0),
    ]
    weights = recall.shares(found)
    assert weights == pytest.approx({"a": 1.0, "b": 0.7, "c": 0.7, "d": 0.7})
    ranked = recall.as_sessions({"q": recall.shares(found[:3])}, SESSION_OF)["q"]
    assert sorted(ranked, key=lambda key: -ranked[key]) == ["s2", "s1"]


def test_with_an_ollama_model_every_vector_is_its_own_before_a_question(
    small: Path,
) -> None:
    with StandIn() as server:
        config = Config(home=small / "home", ollama=Ollama(host=server.host))
        report = Brain(config).judge.eval_set(
            "retrieval", small, embedder="nomic-embed-text", vectors=None
        )
        bodies = [json.loads(body) for body in server.bodies("/api/embed")]
    assert report["embedder"].startswith("nomic-embed-text")
    sent = [
        text
        for body in bodies
        for text in (
            [body["input"]] if isinstance(body["input"], str) else body["input"]
        )
    ]
    documents = [text for text in sent if text.startswith("search_document: ")]
    assert len(documents) >= len(DOCUMENTS)
    assert any(text.startswith("search_query: ") for text in sent)


def test_an_embedder_that_does_not_answer_is_no_result(small: Path) -> None:
    with StandIn() as server:
        host = server.host
    config = Config(home=small / "home", ollama=Ollama(host=host, connect_seconds=0.5))
    with pytest.raises(Unavailable, match="nomic-embed-text"):
        Brain(config).judge.eval_set(
            "retrieval", small, embedder="nomic-embed-text", vectors=None
        )
    with pytest.raises(UsageError, match="names its embedder"):
        Brain(config).judge.eval_set("retrieval", small, embedder="auto", vectors=None)
    with pytest.raises(UsageError, match="no evaluation"):
        Brain(config).judge.eval_set("speed", small, embedder="wordllama", vectors=None)


def test_a_home_is_named_by_set_part_and_content(tmp_path: Path) -> None:
    whole = Judged("a/b c", [{"doc_id": "1", "text": "x"}])
    with home_of(tmp_path, whole, whole) as home:
        assert home.parent == tmp_path
        assert home.name.startswith("a_b_c-a_b_c-")
    assert home.exists()
    with home_of(None, whole, whole) as home:
        assert home.exists()
    assert not home.exists()


def test_the_right_note_is_among_the_first_five_for_most_questions_of_the_sample(
    brain: Brain,
) -> None:
    """Quality, not speed: with the built-in embedder, 85 % of the answerable questions of sample_corpus."""
    brain.add([ROOT / "sample_corpus"])
    questions = json.loads(
        (ROOT / "sample_corpus" / "questions.json").read_text("utf-8")
    )["questions"]
    found, asked = 0, 0
    for question in questions:
        if question["answerable"]:
            right = {row["path"] for row in question["relevant"]}
            first = [
                passage.source
                for passage in brain.search(
                    Request(question["question"], look=False)
                ).passages
            ]
            top = list(dict.fromkeys(first))[:5]
            asked += 1
            found += any(
                source.endswith(tuple(f"/{path}" for path in right)) for source in top
            )
    assert asked >= 50
    assert found >= 0.85 * asked, f"{found} of {asked}"
