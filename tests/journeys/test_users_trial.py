"""What a new user stumbled over: one test each."""

from __future__ import annotations

import json

import pytest

from brain.app import Brain
from brain.confidence import FLOOR, found
from brain.config import Config, load
from brain.errors import UsageError
from brain.index import max_exact
from tests.end_to_end import Folder, brain


def test_undo_with_nothing_to_undo_is_one_object_or_one_sentence() -> None:
    listed = brain("undo", "--list", "--json")
    assert listed.code == 3
    assert json.loads(listed.stdout)["items"] == []
    assert "nothing was forgotten" in brain("undo", "--list").stderr


def test_undo_of_an_unknown_id_says_so(folder: Folder) -> None:
    place = folder({"a.md": "# A\n\nOne.\n"})
    brain("add", place)
    brain("forget", place / "a.md", "--yes")
    said = brain("undo", "zzzzzz")
    assert said.code == 3
    assert "nothing forgotten has the id zzzzzz" in said.stderr


def test_recall_names_the_kinds_there_are() -> None:
    said = brain("recall", "boiler", "--kind", "bogus")
    assert said.code == 2
    assert "ask, note, chat, import" in said.stderr


def test_recall_of_a_time_alone_keeps_to_it() -> None:
    brain("remember", "the boiler was mended")
    assert brain("recall", "what happened last year").code == 3
    today = brain("recall", "today", "--json").json
    assert today["since"][:10] == today["until"][:10]
    assert len(today["episodes"]) == 1
    assert brain("recall", "the boiler last year").code == 0, (
        "with other words a time is only preferred"
    )


def test_a_word_that_stands_nowhere_is_not_in_the_notes(folder: Folder) -> None:
    notes = {
        f"{n}.md": f"# Salary {n}\n\nThe salary of person{n} rose by {n} percent.\n"
        for n in range(30)
    }
    brain("add", folder(notes))
    for word in ("zzzqqq", "cholesterol", "xylophone"):
        assert brain("ask", word).code == 3
    assert brain("search", "zzzqqq", "--strict").code == 3


def test_nothing_matched_is_below_the_floor_unless_the_vectors_know_more_than_words() -> (
    None
):
    sure = {
        "has_dense": 1.0,
        "matched": 0.0,
        "coverage_best": 0.0,
        "fused_top_cosine": 9.0,
        "share": 1.0,
    }
    assert found(sure) < FLOOR
    assert found(sure | {"sentence_cosine": 2.0}) > FLOOR
    assert found(sure | {"matched": 0.1}) > FLOOR


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INGEST_CHUNK_TOKENS", "0"),
        ("INGEST_CHUNK_TOKENS", "-3"),
        ("INGEST_FILE_BYTES", "-1"),
        ("INDEX_EXACT_LIMIT", "-5"),
        ("RETRIEVAL_RERANK_PASSAGES", "0"),
        ("RETRIEVAL_RERANK_SECONDS", "1e400"),
        ("INGEST_SECONDS", "nan"),
    ],
)
def test_impossible_settings_are_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=value.replace("-", r"\-")) as refused:
        load(environ={f"BRAIN_{name}": value})
    hint = refused.value.hint
    assert "or more" in hint or "at most" in hint


def test_a_variable_that_would_do_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="BRAIN_MODEL_ASK is no setting") as refused:
        load(environ={"BRAIN_MODEL_ASK": "qwen3:4b"})
    assert "BRAIN_MODELS_ASK" in refused.value.hint
    load(environ={"BRAIN_BACKUP_PASSPHRASE": "word", "BRAINSTORM": "yes"})


def test_a_section_that_is_a_value_is_told_from_an_unknown_one(config: Config) -> None:
    config.home.mkdir(mode=0o700)
    (config.home / "config.toml").write_text("models = 3\n")
    with pytest.raises(UsageError, match=r"models is a section, not a value"):
        load(config.home, {})


def test_the_exact_limit_counts_wide_vectors_as_more() -> None:
    assert max_exact(400_000, "wordllama@1/256/none/mean") == 400_000
    assert max_exact(400_000, "nomic@1/768/none/mean") == 133_333
    assert max_exact(10, "tiny@1/8/none/mean") == 10


def test_a_read_only_home_is_not_taken_for_a_damaged_one(config: Config) -> None:
    from brain.errors import StoreError
    from brain.keeping.doctor import unopened

    with Brain(config):
        pass
    (told,) = unopened(
        StoreError(
            "brain.db cannot be written: unable to open database file",
            "make it writable",
        ),
        "b.db",
    )
    assert told.hint == "make it writable"
    (told,) = unopened(
        StoreError("brain.db is damaged: file is not a database", "run brain doctor"),
        "b.db",
    )
    assert "brain restore b.db" in told.hint
