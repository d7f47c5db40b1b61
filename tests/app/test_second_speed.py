"""The second speed without Ollama: word vectors answer at once, those of the shipped model take over when complete."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from brain.app import Brain, filling
from brain.app import recall as recalling
from brain.app import vectors as taking_in
from brain.app.filling import LOCK
from brain.app.serving import AUTO, BUILTIN, SHIPPED, WORDLLAMA
from brain.app.vectors import SHIPPED_BATCH, fill
from brain.config import Config
from brain.errors import Unavailable
from brain.models.onnx import MINILM
from brain.models.onnx import SHIPPED as FOLDER
from brain.models.sentence_embedder import DIMENSIONS, SentenceEmbedder
from brain.types import Episode, Request
from tests.end_to_end import Folder
from tests.end_to_end import brain as command
from tests.index_support import vector_of

TEA = "# Tea\n\nBlack tea wants water at 96 degrees. It takes four minutes.\n"
LEASE = "# Lease\n\nThe rent is 900 euros a month.\n"
Chosen = Callable[..., Brain]


class Directions(SentenceEmbedder):
    """The shipped embedder without its files: directions by hash. `before` hears of every call."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._before = before
        self.texts: list[str] = []

    def open(self) -> None:
        """There is nothing to open."""

    def embed_documents(self, texts: Sequence[str]) -> Any:
        self._before()
        self.texts.extend(texts)
        return np.stack([vector_of(text, DIMENSIONS) for text in texts])


@pytest.fixture
def chosen(config: Config) -> Chosen:
    """`chosen("builtin")`: the store of this test with that setting and a stand-in for the shipped model."""

    def opened(embed: str = BUILTIN, shipped: SentenceEmbedder | None = None) -> Brain:
        models = replace(config.models, embed=embed)
        return Brain(replace(config, models=models), shipped=shipped or Directions())

    return opened


def searched(opened: Brain) -> str | None:
    """Which embedder a search was answered by."""
    return opened.search(Request("rent")).embedder


def made(opened: Brain) -> dict[str, int]:
    """How many vectors there are of each model."""
    found: Counter[str] = Counter()
    for fingerprint, count in opened.resources.store.vectors.fingerprints().items():
        found[fingerprint.partition("@")[0]] += count
    return dict(found)


# -- taking over -----------------------------------------------------------------------------------------------------


def test_word_vectors_answer_until_the_others_are_complete(
    chosen: Chosen, folder: Folder
) -> None:
    with chosen(WORDLLAMA) as first:
        first.add([folder({"tea.md": TEA, "lease.md": LEASE})])
        assert made(first) == {"wordllama": 2}
    with chosen() as second:
        assert searched(second) == "wordllama"
        facts = second.status()
        assert facts.embedder_reason == f"until {SHIPPED} has read everything"
        assert facts.waiting == 2
        assert f"`brain sync` lets {SHIPPED} read 2 passages" in facts.notices
        rows = {row.embedder: (row.state, row.done) for row in facts.generations}
        assert rows == {"wordllama": ("live", 2), SHIPPED: ("building", 0)}
        assert second.sync().embedder == SHIPPED
        assert made(second) == {"wordllama": 2, "all-minilm-l6-v2-int8": 2}
        assert searched(second) == SHIPPED
        facts = second.status()
        assert facts.waiting == 0
        assert facts.embedder_reason == "it has read everything"
        rows = {row.embedder: (row.state, row.done) for row in facts.generations}
        assert rows == {"wordllama": ("spare", 2), SHIPPED: ("live", 2)}


def test_a_chunk_of_several_sentences_has_a_vector_of_each(
    chosen: Chosen, folder: Folder
) -> None:
    shipped = Directions()
    with chosen(shipped=shipped) as opened:
        opened.add([folder({"tea.md": TEA})])
    assert "It takes four minutes." in shipped.texts


def test_what_came_since_is_found_by_word_vectors_until_it_has_the_others(
    chosen: Chosen, folder: Folder
) -> None:
    place = folder({"lease.md": LEASE})
    with chosen() as opened:
        report = opened.add([place])
        assert (report.embedder, report.waiting) == (SHIPPED, 0)
    (place / "tea.md").write_text(TEA)
    with chosen(WORDLLAMA) as first:
        first.sync()
    with chosen() as opened:
        assert searched(opened) == "wordllama"
        opened.sync()
        assert searched(opened) == SHIPPED
    with chosen(WORDLLAMA) as first:
        assert searched(first) == "wordllama", "left out by the setting"


@pytest.mark.parametrize("setting", [BUILTIN, SHIPPED])
def test_the_settings_that_mean_the_shipped_model_ask_no_server(
    chosen: Chosen, folder: Folder, setting: str
) -> None:
    with chosen(setting) as opened:
        opened.add([folder({"lease.md": LEASE})])
        assert searched(opened) == SHIPPED
        assert "ollama" not in opened.resources.__dict__


def test_without_a_server_auto_and_a_named_model_mean_the_shipped_one(
    chosen: Chosen, folder: Folder, config: Config
) -> None:
    away = replace(config.ollama, host="http://127.0.0.1:9")
    for setting, notices in ((AUTO, 0), ("nomic-embed-text", 1)):
        models = replace(config.models, embed=setting)
        asked = replace(config, models=models, ollama=away, home=config.home / setting)
        with Brain(asked, shipped=Directions()) as opened:
            report = opened.add([folder({"lease.md": LEASE})])
            served = [
                text for text in report.notices if "built-in model serves" in text
            ]
            assert len(served) == notices
            assert searched(opened) == SHIPPED


def test_an_empty_store_waits_for_nothing(chosen: Chosen) -> None:
    with chosen() as opened:
        facts = opened.status()
        assert (facts.waiting, facts.generations) == (0, ())


# -- in parts --------------------------------------------------------------------------------------------------------


def test_what_was_stopped_goes_on_where_it_was(chosen: Chosen, folder: Folder) -> None:
    with chosen(WORDLLAMA) as first:
        first.add([folder({f"{n}.md": f"page {n}" for n in range(6)})])
    shipped = Directions()
    with chosen(shipped=shipped) as opened:
        stop = iter((False, True, True)).__next__
        assert fill(opened.resources, SHIPPED, stop=stop) == []
        assert made(opened)["all-minilm-l6-v2-int8"] == SHIPPED_BATCH
        assert searched(opened) == "wordllama", "not half of a model, ever"
        opened.sync()
        assert searched(opened) == SHIPPED
    pages = [text for text in shipped.texts if "page" in text]
    assert len(pages) == len(set(pages)) == 6, "nothing is computed twice"


def test_a_process_for_a_model_that_nobody_wants_any_more_stops(
    chosen: Chosen, folder: Folder
) -> None:
    with chosen(WORDLLAMA) as first:
        first.add([folder({f"{n}.md": f"page {n}" for n in range(6)})])
    with chosen() as opened:
        resources = opened.resources

        def another_is_wanted() -> None:
            filling.begun(resources, "nomic-embed-text", "")

        def nobody_wants_it() -> bool:
            return not filling.is_wanted(resources, SHIPPED)

        resources.loaded.__dict__["shipped"] = Directions(another_is_wanted)
        assert fill(resources, SHIPPED, stop=nobody_wants_it) == []
        assert made(opened)["all-minilm-l6-v2-int8"] == SHIPPED_BATCH


def test_sync_waits_for_the_process_that_is_at_it_already(
    chosen: Chosen, folder: Folder, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "WATCH_SECONDS", 0.01)
    with chosen(WORDLLAMA) as first:
        first.add([folder({"lease.md": LEASE})])
    seen: list[tuple[int, int]] = []
    lock = FileLock(config.home / LOCK, thread_local=False)
    lock.acquire()

    def hears(what: str, done: int, total: int) -> None:
        if what == "embed":
            seen.append((done, total))
            lock.release()  # the process ends

    models = replace(config.models, embed=BUILTIN)
    builtin = replace(config, models=models)
    with Brain(builtin, shipped=Directions(), progress=hears) as opened:
        opened.sync()
        assert searched(opened) == SHIPPED
    assert seen[0] == (0, 1), "how far that process is"


def test_the_process_computes_what_waits_and_makes_no_home(
    chosen: Chosen, folder: Folder, config: Config, tmp_path: Path
) -> None:
    with chosen(WORDLLAMA) as first:
        first.add([folder({"tea.md": TEA, "lease.md": LEASE})])

    def process(home: Path) -> int:
        environ = {"BRAIN_HOME": str(home), "BRAIN_MODELS_EMBED": BUILTIN}
        words = [sys.executable, "-m", "brain.app.vectors", SHIPPED]
        return subprocess.run(words, env={**os.environ, **environ}).returncode

    assert process(config.home) == 0
    with chosen() as opened:
        assert searched(opened) == SHIPPED
        assert opened.status().waiting == 0
    assert process(tmp_path / "removed") == 1
    assert not (tmp_path / "removed").exists()


def test_the_first_seconds_of_a_large_amount_are_measured(
    chosen: Chosen, folder: Folder
) -> None:
    with chosen() as opened:
        opened.add([folder({f"{n}.md": f"page {n}" for n in range(12)})])
        speed = opened.resources.speeds.of("all-minilm-l6-v2-int8")
        assert speed.chunks is not None


# -- files that are damaged ------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(tmp_path: Path) -> SentenceEmbedder:
    """The shipped model with one byte changed."""
    place = tmp_path / "models"
    place.mkdir()
    for file in (MINILM.weights, MINILM.tokenizer):
        shutil.copyfile(FOLDER / file.name, place / file.name)
    with (place / MINILM.weights.name).open("r+b") as weights:
        weights.seek(1_000)
        weights.write(b"?")
    return SentenceEmbedder(folder=place)


def test_word_vectors_serve_where_the_shipped_files_are_damaged(
    chosen: Chosen, folder: Folder, damaged: SentenceEmbedder
) -> None:
    with chosen(shipped=damaged) as opened:
        report = opened.add([folder({"lease.md": LEASE})])
        (said,) = [text for text in report.notices if "is damaged" in text]
        assert "the built-in words stand in" in said
        assert report.waiting == 0
        again = opened.note("the spare key is with Ana")
        assert "is damaged" not in str(again.notices), "said once"
        assert searched(opened) == "wordllama"
        assert "is damaged" in str(opened.status().notices)
        (check,) = [one for one in opened.keep.doctor() if one.id == "D20"]
        assert (check.level, "install" in check.hint) == ("warning", True)
        assert f"{MINILM.weights.name} is damaged" in check.message


def test_complete_vectors_of_a_damaged_model_are_not_used_and_it_is_said(
    chosen: Chosen, folder: Folder, damaged: SentenceEmbedder
) -> None:
    with chosen() as opened:
        opened.add([folder({"lease.md": LEASE})])
        assert searched(opened) == SHIPPED
    with chosen(shipped=damaged) as opened:
        found = opened.search(Request("rent"))
        assert found.embedder == "wordllama"
        assert "is damaged; the built-in model searched" in found.degraded


def test_files_that_a_setting_leaves_out_are_not_missed(
    config: Config, tmp_path: Path
) -> None:
    models = replace(config.models, embed=WORDLLAMA, reader="off")
    none = SentenceEmbedder(folder=tmp_path / "none")
    with Brain(replace(config, models=models), shipped=none) as opened:
        (check,) = [one for one in opened.keep.doctor() if one.id == "D20"]
        assert check.level == "ok"
    wanted = replace(models, reader="builtin")
    with Brain(replace(config, models=wanted), shipped=none) as opened:
        (check,) = [one for one in opened.keep.doctor() if one.id == "D20"]
        assert "reader-int8.onnx" in check.message


# -- other verbs -----------------------------------------------------------------------------------------------------


def test_recall_takes_word_vectors_where_too_many_questions_are_new(
    chosen: Chosen, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with chosen() as opened:
        opened.add([folder({"lease.md": LEASE})])
        episodes = opened.resources.store.episodes
        for number in range(3):
            asked = f"what is the rent of flat {number}?"
            episodes.record(Episode("", "", "ask", asked, "900 euros."))
        monkeypatch.setattr(recalling, "NEW_EPISODES_SECONDS", -1.0)
        assert opened.recall(Request("rent")).embedder == "wordllama"
        monkeypatch.setattr(recalling, "NEW_EPISODES_SECONDS", 600.0)
        assert opened.recall(Request("rent")).embedder == SHIPPED


def test_models_names_the_shipped_one_and_takes_it(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRAIN_MODELS_EMBED")
    monkeypatch.setenv("BRAIN_OLLAMA_HOST", "http://127.0.0.1:9")
    assert command("models", "use", "embed", "wordllama").code == 0
    command("add", folder({"lease.md": LEASE}))
    assert command("search", "rent", "--json").json["embedder"] == "wordllama"
    said = command("models", "use", "embed", SHIPPED)
    assert said.stdout == "embed: builtin, from now\n"
    found = command("search", "when is money due", "--json").json
    assert (found["embedder"], found["degraded"]) == (SHIPPED, None)
    rows = command("models", "list", "--json").json["models"]
    used = {row["name"]: row["use"] for row in rows}
    assert used == {"wordllama": [], SHIPPED: ["embed"], "extractive": ["ask"]}


def test_a_model_that_cannot_be_loaded_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as if it were not there
    with pytest.raises(Unavailable, match="onnxruntime cannot be loaded"):
        SentenceEmbedder().open()
