"""What the questions of sample_corpus find and are answered, against tests/golden/sample_corpus.json.

A change that is meant to change a ranking or an answer renews the file, and its commit shows the difference:
`python tests/retrieval/test_golden.py`. Larger sets are compared to the last bit by benchmarks/unchanged.py.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brain.app import Brain
from brain.config import Config, Models
from brain.types import Answer, Request, Retrieved

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "sample_corpus"
GOLDEN = ROOT / "tests" / "golden" / "sample_corpus.json"
DIGITS = 9  # of a score that are kept
# Of a score, relative: vectors are float32, and with other threads or another processor they are added up in another order.
CLOSE = 1e-5
SHOWN = 10  # passages of each question

Row = dict[str, Any]


def rows(home: Path) -> Iterator[Row]:
    """One row a question: its ranking as [place, score], the state of its answer and the answer's text."""
    questions = json.loads((CORPUS / "questions.json").read_text("utf-8"))["questions"]
    config = Config(
        home=home, models=Models(embed="wordllama", ask="builtin", reader="off")
    )
    with Brain(config) as brain:
        brain.add([CORPUS])
        for question in questions:
            request = Request(
                question["question"], limit=SHOWN, look=False, record=False
            )
            yield row(request, brain.search(request), brain.ask(request))


def row(request: Request, found: Retrieved, answer: Answer) -> Row:
    """What is kept of one question."""
    ranking = []
    for passage in found.passages:
        place = f"{Path(passage.source).relative_to(CORPUS)} {passage.locator}"
        ranking.append([place, round(passage.score, DIGITS)])
    return {
        "question": request.question,
        "ranking": ranking,
        "state": answer.state,
        "answer": answer.text,
    }


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """The rows of this code."""
    return list(rows(tmp_path_factory.mktemp("golden")))


def test_rankings_and_answers_are_those_of_the_golden_file(now: list[Row]) -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert [one["question"] for one in now] == [one["question"] for one in golden]
    changed = [
        (old, new) for old, new in zip(golden, now, strict=True) if not same(old, new)
    ]
    assert changed == []


def same(old: Row, new: Row) -> bool:
    """Whether two rows are alike, scores up to rounding."""
    scores = [score for _, score in new["ranking"]]
    places = [place for place, _ in new["ranking"]]
    return (
        places == [place for place, _ in old["ranking"]]
        and scores == pytest.approx([score for _, score in old["ranking"]], rel=CLOSE)
        and (old["state"], old["answer"]) == (new["state"], new["answer"])
    )


def renew() -> None:
    """Write the golden file, a line for each question."""
    with tempfile.TemporaryDirectory() as home:
        lines = [json.dumps(one, ensure_ascii=False) for one in rows(Path(home))]
    GOLDEN.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")


if __name__ == "__main__":
    renew()
