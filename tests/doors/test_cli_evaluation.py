"""`eval …`, `feedback`, `why-not` on the command line against a stand-in `Brain`: tables, codes, JSON, hostile text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from brain.doors.cli import reference
from brain.errors import NotFound, Unavailable
from brain.evaluation import answerability, metrics
from brain.evaluation import answers as asked_answers
from brain.reports import Judgment, Trace
from tests.doors.test_render import HOSTILE, harmless
from tests.fake_brain import brain

EVIL = "".join(HOSTILE.values()) + "\ud800 [red]x[/red]\n# forged line"
FIGURES = dict.fromkeys(metrics.RANKING, 0.5) | {"p50_ms": 12.34, "p95_ms": 20.0}
SYSTEMS = dict.fromkeys(("lexical", "dense", "hybrid", "bm25"), FIGURES) | {
    "rrf": dict.fromkeys(metrics.RANKING, 0.4)
}


def ranked(text: str = "squad_dev", **more: Any) -> dict[str, Any]:
    shape = {
        "set": text,
        "queries": 1000,
        "documents": 1084,
        "embedder": text,
        "systems": SYSTEMS,
        "best_other": "bm25",
        "hybrid_over_best_95": [0.0123, 0.0456],
        "by_lang": {},
        "by_category": {text: 0.25},
    }
    return shape | more


def found(text: str = "near_miss") -> dict[str, Any]:
    return answerability.figures(
        [("answerable", 0.9), ("answerable", 0.2), (text, 0.4), ("far", 0.1)]
    )


def own(text: str = "what is the rent?", **more: Any) -> dict[str, Any]:
    last = {
        "at": "2026-05-07T10:00:00+02:00",
        "embedder": text,
        "common": 2,
        "change": -0.1,
        "change_95": [-0.2, 0.0],
        "worse": [{"question": text, "before": 1.0, "now": 0.5}],
    }
    shape = {
        "queries": 4,
        "answerable": 2,
        "absent": 2,
        "from_feedback": 1,
        "unchecked": 3,
        "embedder": text,
        "systems": SYSTEMS,
        "hybrid_over_bm25_95": [0.0, 0.1],
        "found": found(text),
        "last": last,
        "file": text,
        "notices": [text],
    }
    return shape | more


def fitted(
    text: str = "it predicts left-out feedback better", *, kept: bool = True
) -> dict[str, Any]:
    part = {
        "rows": 30,
        "answerable": 20,
        "kept": kept,
        "reason": text,
        "brier": {"shipped": 0.2, "now": 0.15},
        "changed": {text: {"shipped": 1.0, "now": 1.5}},
    }
    few = {
        "rows": 0,
        "answerable": 0,
        "kept": False,
        "reason": "0 of at least 10 judged answers",
        "brier": None,
        "changed": {},
    }
    return {
        "reset": False,
        "calibrated": kept,
        "judgments": 40,
        "rows": 20,
        "answerable": 15,
        "found": part,
        "found_by_words": few,
        "floor": {"shipped": 0.05, "now": 0.04},
        "threshold": {"shipped": 0.5, "now": 0.5, "needs": 22},
    }


def judgment(text: str = "what is the rent?", **more: Any) -> Judgment:
    return Judgment(
        "j" * 16,
        "2026-05-07T10:00:00+02:00",
        text,
        **(
            {
                "verdict": "wrong",
                "answerable": True,
                "source": "home/lease.md",
                "locator": "L5-5",
            }
            | more
        ),
    )


def traced(text: str = "home/lease.md", stage: str = "cut") -> Trace:
    return Trace(
        "rent",
        "d",
        text,
        stage,
        12,
        40,
        14,
        (text,),
        10,
        f"{stage}: holds rent",
        f"it stands further down {text}",
    )


def drafted(text: str = "words", **more: Any) -> dict[str, Any]:
    return {
        "file": "/h/judgments.toml",
        "questions": 30,
        "absent": 10,
        "documents": 90,
        "written_by": text,
        "degraded": None,
    } | more


COMMANDS: dict[str, list[str]] = {
    "retrieval": ["eval", "retrieval", "d"],
    "recall": ["eval", "recall", "d"],
    "answerability": ["eval", "answerability", "d"],
    "answers": ["eval", "answers", "d"],
    "init": ["eval", "init"],
    "run": ["eval", "run"],
    "calibrate": ["eval", "calibrate"],
    "feedback": ["feedback", "wrong"],
    "why-not": ["why-not", "x", "y"],
}


def answered(kind: str = "near_miss") -> dict[str, Any]:
    """A report of `eval answers` over two questions."""
    rows = [
        asked_answers.Asked("answerable", 0.9, 0.8, "answered", True),
        asked_answers.Asked(kind, 0.1, 0.3, "check", False),
    ]
    return asked_answers.figures(rows)


def answers(text: str) -> dict[str, Any]:
    """A value for every verb that says `text` wherever a text can stand."""

    def eval_set(kind: str, *_: Any, **__: Any) -> dict[str, Any]:
        if kind == "answers":
            return {"set": text} | answered(text)
        return (
            {"set": text} | found(text)
            if kind == "answerability"
            else ranked(text, sessions={"hybrid": FIGURES})
        )

    return {
        "judge_eval_set": eval_set,
        "judge_eval_init": drafted(text, file=text, degraded=text),
        "judge_eval_run": own(text),
        "judge_calibrate": fitted(text),
        "judge_feedback": judgment(text, source=text, locator=text, why=text),
        "judge_why_not": traced(text),
    }


@pytest.mark.parametrize("terminal", [False, True], ids=["piped", "terminal"])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS.keys())
def test_hostile_text_reaches_no_terminal(words: list[str], terminal: bool) -> None:
    ran = brain(*words, terminal=terminal, **answers(EVIL))
    assert ran.code == 0, ran.stderr
    for shown in (ran.stdout, ran.stderr):
        ours = re.sub(r"\x1b\[[0-9;]*m", "", shown) if terminal else shown
        assert harmless(ours)
    assert ran.stdout
    assert not any(row.startswith("# forged") for row in ran.stdout.splitlines())


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS.keys())
def test_every_command_speaks_json_and_nothing_else_on_stdout(words: list[str]) -> None:
    ran = brain(*words, "--json", **answers(EVIL))
    assert json.loads(ran.stdout)["schema"] == 2
    assert re.fullmatch(r"[\x20-\x7e\n]*", ran.stdout)


def test_retrieval_prints_systems_by_figures() -> None:
    report = ranked(by_lang={"zh": 0.96})
    plainly = brain("eval", "retrieval", "d", judge_eval_set=report)
    assert [row.split() for row in plainly.stdout.splitlines()[1:3]] == [
        "right one first among the first ten".split(),
        "words and meaning 50% 50%".split(),
    ]
    assert "against plain word search: clearly better" in plainly.stdout
    ran = brain("eval", "retrieval", "d", "--explain", judge_eval_set=report)
    rows = ran.stdout.splitlines()
    assert rows[0] == "squad_dev: 1,000 questions, 1,084 documents, embedder squad_dev"
    assert rows[1].split() == [
        "nDCG@10",
        "S@1",
        "R@5",
        "R@10",
        "R@20",
        "RR@10",
        "p50",
        "ms",
        "p95",
        "ms",
    ]
    assert [row.split()[0] for row in rows[2:7]] == [
        "lexical",
        "dense",
        "hybrid",
        "bm25",
        "rrf",
    ]
    assert rows[2].split()[-2:] == ["12.3", "20.0"]
    assert rows[7] == "hybrid over bm25: +0.012 … +0.046 nDCG@10 (95 %)"
    assert "zh  0.960" in ran.stdout
    assert (ran.code, ran.stderr) == (0, "")


def test_answers_are_counted_by_the_word_beside_them() -> None:
    report = {"set": "s"} | answered()
    plainly = brain("eval", "answers", "d", judge_eval_set=report).stdout
    assert "the first quote is right for 1.000" in plainly
    rows = [row.split() for row in plainly.splitlines()]
    assert ["answered", "1", "1.000"] in rows
    assert ["not_found", "0", "–"] in rows
    assert "AUROC" not in plainly
    whole = brain("eval", "answers", "d", "--explain", judge_eval_set=report).stdout
    assert "AUROC of `found`: all 1.000, near_miss 1.000" in whole
    assert "may be called answered at 85 in 100 right: 1.000 of the right ones" in whole


def test_a_set_is_measured_with_what_was_asked_for() -> None:
    ran = brain(
        "eval",
        "answerability",
        "d",
        "--embedder",
        "all-minilm",
        "--vectors",
        "v",
        "--explain",
        judge_eval_set={"set": "s"} | found(),
    )
    assert ran.called("judge_eval_set") == [
        (("answerability", Path("d")), {"embedder": "all-minilm", "vectors": Path("v")})
    ]
    assert "AUROC near_miss" in ran.stdout
    assert "(floor " in ran.stdout
    plainly = brain("eval", "answerability", "d", judge_eval_set={"set": "s"} | found())
    assert "AUROC" not in plainly.stdout
    assert "answered as sure 50%, wrongly 50% of these" in plainly.stdout
    assert brain("eval", "recall", "d", judge_eval_set=ranked()).called(
        "judge_eval_set"
    )[0][1] == {
        "embedder": "builtin",
        "vectors": None,
    }


def test_the_json_of_a_set_is_the_report_itself() -> None:
    report = ranked()
    assert (
        json.loads(
            brain("eval", "retrieval", "d", "--json", judge_eval_set=report).stdout
        )
        == {"schema": 2} | report
    )


def test_recall_shows_categories_and_sessions() -> None:
    ran = brain(
        "eval",
        "recall",
        "d",
        "--explain",
        judge_eval_set=ranked(
            by_category={"temporal": FIGURES | {"queries": 7}},
            sessions={"hybrid": FIGURES},
        ),
    )
    assert "temporal  0.500" in ran.stdout
    assert "judged on sessions" in ran.stdout


def test_missing_extra_and_interruption_end_as_they_should() -> None:
    ran = brain(
        "eval",
        "retrieval",
        "d",
        judge_eval_set=Unavailable("the evaluation needs ir_measures", "install it"),
    )
    assert (ran.code, ran.stdout, ran.stderr) == (
        6,
        "",
        "brain: the evaluation needs ir_measures\n  install it\n",
    )
    assert (
        brain("eval", "retrieval", "d", judge_eval_set=KeyboardInterrupt()).code == 130
    )
    assert brain("eval", "speed", "d").code == 2


def test_init_says_where_the_file_is_and_what_comes_next() -> None:
    ran = brain(
        "eval",
        "init",
        "my.toml",
        "--count",
        "50",
        "--absent",
        "0",
        "--force",
        judge_eval_init=drafted(),
    )
    assert ran.called("judge_eval_init") == [
        ((Path("my.toml"),), {"count": 50, "absent": 0, "force": True})
    ]
    assert ran.stdout.splitlines() == [
        "30 questions and 10 without an answer, drafted by your notes' own words: /h/judgments.toml",
        "correct them by hand, then: brain eval run",
    ]


def test_run_shows_bm25_the_confidence_and_the_last_run() -> None:
    plainly = brain("eval", "run", judge_eval_run=own()).stdout
    assert "no clear difference on 2 common questions" in plainly
    assert plainly.endswith("found less well than then:\n  what is the rent?\n")
    ran = brain("eval", "run", "--explain", judge_eval_run=own())
    assert ran.stdout.startswith(
        "4 questions: 2 with an answer in your notes, 2 without, 1 from feedback, 3 not checked by hand\n"
    )
    assert "hybrid over plain BM25: +0.000 … +0.100 nDCG@10 (95 %)" in ran.stdout
    assert (
        "since 2026-05-07 10:00: -0.100 (-0.200 … +0.000, 95 %) on 2 common questions"
        in ran.stdout
    )
    assert "  what is the rent?  1.00 → 0.50" in ran.stdout
    assert ran.stderr == "what is the rent?\n"
    first = brain("eval", "run", judge_eval_run=own(last=None, notices=[]))
    assert first.stdout.endswith("no run before this one\n")
    assert (
        brain(
            "eval",
            "run",
            judge_eval_run=NotFound(
                "there are no judgments to measure on", "draft some"
            ),
        ).code
        == 3
    )


def test_calibrate_says_how_many_and_what_changed() -> None:
    plainly = brain("eval", "calibrate", judge_calibrate=fitted())
    assert plainly.stdout.splitlines()[1:] == [
        "by words and meaning: it predicts left-out feedback better",
        "by words alone: 0 of at least 10 judged answers",
    ]
    ran = brain("eval", "calibrate", "--explain", judge_calibrate=fitted())
    assert ran.stdout.startswith(
        "calibrated: 20 judged answers, 15 of them in the notes\n"
    )
    assert "(Brier 0.200 → 0.150)" in ran.stdout
    assert "1.000 → 1.500" in ran.stdout
    assert "threshold 0.500 (moves from 22 judged answers on)" in ran.stdout
    assert "floor 0.040, shipped 0.050" in ran.stdout
    ran = brain(
        "eval",
        "calibrate",
        "--reset",
        judge_calibrate={"reset": True, "was_calibrated": True},
    )
    assert (ran.stdout, ran.called("judge_calibrate")) == (
        "the shipped confidence is back\n",
        [((), {"reset": True})],
    )


def test_feedback_takes_a_verdict_a_reason_and_a_place() -> None:
    ran = brain(
        "feedback",
        "wrong",
        "old contract",
        "--source",
        "home/lease.md:5",
        "--episode",
        "9f8e7d",
        judge_feedback=judgment(),
    )
    options = {
        "source": "home/lease.md:5",
        "why": "old contract",
        "episode": "9f8e7d",
        "absent": False,
    }
    assert ran.called("judge_feedback") == [(("wrong",), options)]
    assert ran.stdout.splitlines() == [
        "wrong: what is the rent?",
        "asked the same, this comes first: home/lease.md L5-5",
    ]
    assert brain("feedback", "great", judge_feedback=judgment()).code == 2
    assert brain("feedback", judge_feedback=judgment()).code == 2
    unknown = brain(
        "feedback",
        "wrong",
        judge_feedback=judgment(answerable=None, source="", locator=""),
    )
    assert "--source PATH:LINE" in unknown.stdout
    assert (
        brain("feedback", "good", judge_feedback=judgment(verdict="good")).stdout
        == "good: what is the rent?\n"
    )
    assert (
        json.loads(
            brain("feedback", "good", "--json", judge_feedback=judgment()).stdout
        )["judgment"]["locator"]
        == "L5-5"
    )


def test_why_not_says_the_stage_and_3_when_nothing_is_stored() -> None:
    ran = brain(
        "why-not",
        "when does it end",
        "home/lease.md",
        "-n",
        "5",
        judge_why_not=traced(),
    )
    assert ran.called("judge_why_not") == [
        (("when does it end", "home/lease.md"), {"limit": 5})
    ]
    first = "found, but others fit better: number 14 of all, 10 are shown"
    said = f"home/lease.md: {first}; holds home/lease.md"
    assert ran.stdout.splitlines()[0] == said
    explained = brain("why-not", "x", "y", "--explain", judge_why_not=traced())
    assert explained.stdout.splitlines()[0] == "home/lease.md: cut: holds rent"
    assert ran.code == 0
    assert (
        brain("why-not", "x", "y", judge_why_not=traced(stage="not stored")).code == 3
    )
    assert (
        json.loads(brain("why-not", "x", "y", "--json", judge_why_not=traced()).stdout)[
            "fused"
        ]
        == 14
    )


def test_the_help_has_a_panel_of_its_own() -> None:
    panel = {name for panel, name, _text in reference.helps() if panel == "Quality"}
    measured = {
        f"brain eval {name}"
        for name in "retrieval answerability answers recall init run calibrate".split()
    }
    told = {f"brain quality{name}" for name in ("", " show", " propose")}
    asked = {"brain eval", "brain feedback", "brain why-not"}
    assert panel == asked | measured | told
