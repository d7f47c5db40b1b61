"""The person's own questions: drafted from their notes, corrected by hand, measured beside plain BM25 and the last run."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from brain.app import Brain
from brain.config import Config
from brain.errors import NotFound, Unavailable, UsageError
from brain.evaluation.drafting import ELSEWHERE, Text, draft, keywords, salient, spread
from brain.evaluation.own import (
    OwnQuestion,
    compared,
    merged,
    read_questions,
    write_questions,
)
from brain.types import Request
from ingest.terms import tokens

ROOT = Path(__file__).parents[2]
SENTENCE = (
    "Nuno at the Oficina do Largo replaced the spoke and trued the wheel for 18 euros."
)
NOTES = {
    "home/bike.md": f"# Bike\n\nIt was late. {SENTENCE} Good.\n",
    "home/tea.md": "# Tea\n\nBlack tea wants water at 96 degrees and four minutes in the brown pot.\n",
    "work/kiln.md": "# Kiln\n\nKiln four fires the tiles at 1,040 degrees for nine hours every Tuesday.\n",
    "work/code.md": "# Code\n\n```\nvalue = {row: parse(row) for row in everything if row.strip() and not row.startswith(1)}\n```\n",
}


@pytest.fixture
def filled(brain: Brain, folder: Callable[..., Path]) -> Brain:
    brain.add([folder(NOTES)])
    return brain


def frequencies(words: Sequence[str]) -> Mapping[str, int]:
    return {
        word: {"wheel": 3, "replaced": 2, "spoke": 1}.get(word, 0) for word in words
    }


# -- drafting -----------------------------------------------------------------------------------------------------------


def test_the_sentence_that_says_most_is_chosen_and_code_is_not() -> None:
    text = f"It was late in the evening when we came back to the old house again.\n\n{SENTENCE}\n\nvalue = {{row: parse(row) for row in everything}} # 2026 Nuno\n"
    assert (
        salient(text, chunks=100, frequencies=lambda words: dict.fromkeys(words, 2))
        == SENTENCE
    )
    assert salient("Short.\n\nOne two.", chunks=100, frequencies=frequencies) == ""
    assert salient(f"- [ ] {SENTENCE}", chunks=100, frequencies=frequencies) == SENTENCE


def test_keywords_keep_the_order_and_give_away_neither_number_nor_rarest_word() -> None:
    words = keywords(
        SENTENCE, lambda all_: {word: 1 + (word != "spoke") for word in all_}
    )
    assert len(words) == 5
    assert "spoke" not in words
    assert "18" not in words
    assert [word for word in tokens(SENTENCE) if word in words] == words


def test_documents_of_every_folder_come_before_the_second_of_one() -> None:
    texts = [
        Text(f"{place}/{number}.md", "", str)
        for place in ("a", "b", "c")
        for number in range(3)
    ]
    order = [text.source[0] for text in spread(texts)]
    assert [sorted(order[at : at + 3]) for at in (0, 3, 6)] == [["a", "b", "c"]] * 3
    assert [t.source for t in spread(texts)] == [
        t.source for t in spread(reversed(texts))
    ]


def test_a_model_writes_the_question_when_it_writes_one() -> None:
    texts = [Text("n/a.md", "Bike", lambda: SENTENCE)]
    options: dict[str, Any] = {
        "count": 5,
        "absent": 0,
        "chunks": 10,
        "frequencies": frequencies,
        "held": lambda words: False,
    }
    asked: list[tuple[str, str]] = []

    def write(sentence: str, title: str) -> str:
        asked.append((sentence, title))
        return " Who fixed\nthe wheel? "

    assert draft(texts, write=write, **options)[0].text == "Who fixed the wheel?"
    assert asked == [(SENTENCE, "Bike")]
    for useless in ("", "Sure! Here is one", "?", "x " * 200 + "?"):
        drafted = draft(texts, write=lambda _s, _t, said=useless: said, **options)  # type: ignore[misc]
        assert drafted[0].text == " ".join(keywords(SENTENCE, frequencies))


def test_absent_questions_stand_nowhere_in_the_notes() -> None:
    texts = [
        Text(f"n/{name}", "", lambda text=text: text) for name, text in NOTES.items()
    ]  # type: ignore[misc]
    together = {"replaced", "trued"}
    drafted = draft(
        texts,
        count=10,
        absent=6,
        chunks=10,
        frequencies=lambda words: {word: int(word == "tulip") for word in words},
        held=lambda words: set(words) <= together,
    )
    absent = [question for question in drafted if not question.sources]
    assert len(absent) == 6
    assert {question.kind for question in absent} == {"elsewhere", "mixed"}
    assert ELSEWHERE[0][0] not in {question.text for question in absent}, (
        "tulip stands in the notes"
    )


def test_init_drafts_a_file_that_run_reads_and_never_writes_over_one(
    filled: Brain, tmp_path: Path
) -> None:
    report = filled.judge.eval_init(None, count=10, absent=4, force=False)
    path = filled.config.home / "judgments.toml"
    assert (
        report["file"],
        report["questions"],
        report["absent"],
        report["written_by"],
    ) == (
        str(path),
        3,
        4,
        "words",
    )
    rows = tomllib.loads(path.read_text("utf-8"))["question"]
    assert {Path(source).name for row in rows for source in row["sources"]} == {
        "bike.md",
        "tea.md",
        "kiln.md",
    }
    path.write_text(
        path.read_text("utf-8").replace("checked = false", "checked = true", 1), "utf-8"
    )
    with pytest.raises(UsageError, match="is there already"):
        filled.judge.eval_init(None, count=10, absent=4, force=False)
    assert sum(question.checked for question in read_questions(path)) == 1
    filled.judge.eval_init(None, count=1, absent=0, force=True)
    assert len(read_questions(path)) == 1


class Writer:
    """A model that answers with what it is given, then with an error."""

    name, provider, window = "writer", "test", 8192

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.messages: list[Sequence[Mapping[str, str]]] = []

    def stream(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Iterator[str]:
        self.messages.append(messages)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        yield from answer.split(" ")


def test_init_with_a_model_fences_the_note_and_survives_its_failure(
    config: Config, folder: Callable[..., Path]
) -> None:
    writer = Writer("Who repaired it?", Unavailable("gone", "start it"))
    with Brain(config, generator=writer) as brain:
        brain.add([folder(NOTES)])
        report = brain.judge.eval_init(None, count=10, absent=0, force=False)
    assert (report["questions"], report["written_by"]) == (3, "writer")
    assert len(writer.messages) == 2, "a model that fails is not asked again"
    system, user = (message["content"] for message in writer.messages[0])
    nonce = user.split("<note-")[1][:8]
    assert f"</note-{nonce}>" in user
    assert nonce not in system, "the rules are the same for every sentence"
    assert "<note-CODE>" in system


def test_init_without_notes_says_what_to_do(brain: Brain) -> None:
    with pytest.raises(NotFound, match="nothing is stored"):
        brain.judge.eval_init(None, count=1, absent=1, force=False)


# -- the file -----------------------------------------------------------------------------------------------------------


def test_any_text_survives_the_file(tmp_path: Path) -> None:
    nasty = 'quote " and \\ back\x7f\x01 [[question]] = é 東京 🔥 \n# line'
    path = tmp_path / "a" / "judgments.toml"
    write_questions(
        path,
        [OwnQuestion(nasty, (nasty, "b"), nasty, "kind", True), OwnQuestion("plain")],
    )
    assert read_questions(path) == [
        OwnQuestion(nasty, (nasty, "b"), nasty, "kind", True),
        OwnQuestion("plain"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[[question]]\ntext = 3\nsources = []",
        "[[question]]\nsources = 'a'\ntext = ''",
        "not toml at all [",
    ],
)
def test_a_line_that_cannot_be_read_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "j.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_questions(path)
    assert str(path) in caught.value.message


def test_feedback_counts_before_the_file() -> None:
    drafted, said = (
        OwnQuestion("What is the Rent?", ("a",)),
        OwnQuestion("what is  the rent?", ("b",), origin="feedback"),
    )
    assert merged([drafted, OwnQuestion("other")], [said]) == [
        said,
        OwnQuestion("other"),
    ]


# -- measuring ----------------------------------------------------------------------------------------------------------


def test_run_measures_the_file_and_the_feedback_beside_bm25_and_the_last_run(
    filled: Brain, tmp_path: Path
) -> None:
    path = tmp_path / "judgments.toml"
    write_questions(
        path,
        [
            OwnQuestion("how hot for black tea", ("home/tea.md",), checked=True),
            OwnQuestion("chess club", kind="elsewhere"),
            OwnQuestion("lost", ("gone.md",)),
        ],
    )
    filled.ask(Request("who trued the wheel?", limit=8))
    filled.judge.feedback("wrong", source="home/bike.md:3")
    first = filled.judge.eval_run(path)
    assert (
        first["queries"],
        first["answerable"],
        first["absent"],
        first["from_feedback"],
        first["unchecked"],
    ) == (
        3,
        2,
        1,
        1,
        1,
    )
    assert set(first["systems"]) == {"lexical", "dense", "hybrid", "bm25", "rrf"}
    assert first["systems"]["bm25"]["nDCG@10"] == 1.0
    assert (first["hybrid_over_bm25_95"], first["last"], first["file"]) == (
        [0.0, 0.0],
        None,
        str(path),
    )
    assert len(first["notices"]) == 1
    assert "lost" in first["notices"][0]
    assert set(first["found"]["auroc"]) == {"all", "elsewhere"}
    again = filled.judge.eval_run(path)
    assert (
        again["last"]["common"],
        again["last"]["change"],
        again["last"]["worse"],
    ) == (
        2,
        0.0,
        [],
    )


def test_run_without_a_question_says_what_to_do(filled: Brain, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no judgments"):
        filled.judge.eval_run(None)
    with pytest.raises(NotFound, match="is not there"):
        filled.judge.eval_run(tmp_path / "no.toml")


def test_run_with_absent_questions_alone_measures_the_confidence(
    filled: Brain, tmp_path: Path
) -> None:
    write_questions(tmp_path / "j.toml", [OwnQuestion("chess club", kind="elsewhere")])
    report = filled.judge.eval_run(tmp_path / "j.toml")
    assert (
        report["answerable"],
        report["absent"],
        report["found"]["auroc"]["all"],
    ) == (0, 1, None)


def test_what_fell_since_the_last_run_is_named_worst_first() -> None:
    questions = [OwnQuestion(text) for text in ("a", "b", "c", "d")]
    ids = [question.id for question in questions]
    now = dict(zip(ids, (0.2, 0.9, 0.5, 1.0), strict=True))
    before = dict(zip(ids[:3], (1.0, 0.92, 0.7), strict=True)) | {"gone": 1.0}
    report = compared(
        questions,
        now,
        ("2026-05-07T10:00:00+02:00", {"per_query": before, "embedder": "x"}),
    )
    assert report["common"] == 3
    assert report["change"] == round((0.2 + 0.9 + 0.5 - 1.0 - 0.92 - 0.7) / 3, 4)
    assert [row["question"] for row in report["worse"]] == ["a", "c"]
    assert report["worse"][0] == {"question": "a", "before": 1.0, "now": 0.2}


def test_only_the_last_runs_are_kept(brain: Brain) -> None:
    table = brain.resources.judgments
    for number in range(60):
        table.keep_run("own", {"number": number}, at=f"2026-01-01T00:00:{number:02}")
    table.keep_run("other", {"number": -1}, at="2026-01-02")
    count = brain.resources.store.connection.conn.execute(
        "SELECT count(*) FROM eval_runs"
    ).fetchone()[0]
    assert (count, table.last_run("own")) == (
        51,
        ("2026-01-01T00:00:59", {"number": 59}),
    )
    assert table.last_run("never") is None
