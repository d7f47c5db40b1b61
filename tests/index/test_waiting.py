"""What waits for vectors is counted as it is: nothing too much, nothing hidden, and unknown where nobody can know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app import vectors as taking_in
from brain.app.serving import OF_OLLAMA
from brain.confidence import FLOOR
from brain.config import Config, load
from brain.doors.views import capture as view
from brain.doors.views import keeping
from brain.errors import Unavailable
from brain.index import embed_pending
from brain.reports import RebuildReport
from brain.types import AddReport, Episode, Fingerprint, Request
from tests.end_to_end import Folder, brain, home
from tests.index_support import FakeEmbedder
from tests.journeys.test_users_ollama import LEASE, NOMIC, TEA, vectors
from tests.stand_in_ollama import StandIn


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn(models=(NOMIC,)) as server:
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", server.url)
        monkeypatch.delenv("BRAIN_MODELS_EMBED")
        yield server


class Nameless(FakeEmbedder):
    """A model that cannot say which one it is."""

    def __init__(self) -> None:
        super().__init__()
        del self.fingerprint

    @property
    def fingerprint(self) -> Fingerprint:
        raise Unavailable("the model cannot be read", "put it back")

    @fingerprint.deleter
    def fingerprint(self) -> None:
        pass

    @fingerprint.setter
    def fingerprint(self, value: Fingerprint) -> None:
        pass


# -- a question that was asked ----------------------------------------------------------------------------------------------


def test_nothing_waits_after_an_ask(folder: Folder) -> None:
    brain("add", folder({"lease.md": LEASE}))
    brain("ask", "what is the rent a month?")
    facts = brain("status", "--json").json
    assert facts["episodes"] == 1
    assert facts["waiting"] == 0
    assert [(row["done"], row["total"]) for row in facts["generations"]] == [(1, 1)]
    assert "found by words only" not in brain("status").stdout
    assert "900" in brain("recall", "rent").stdout
    assert [
        (row["done"], row["total"])
        for row in brain("status", "--json").json["generations"]
    ] == [(2, 2)]


def test_what_really_waits_is_still_counted(config: Config) -> None:
    with Brain(config) as opened:
        opened.note("the spare key is with Ana")
        opened.resources.store.episodes.record(Episode("", "", "chat", "who?", "Ana."))
        opened.resources.store.episodes.record(
            Episode("", "", "ask", "who has it?", "Ana.")
        )
        assert opened.status().waiting == 1


# -- vectors that are not complete -------------------------------------------------------------------------------------------


def lacking(count: int) -> str:
    return f"{count} passage{'s are' if count > 1 else ' is'} not read by {NOMIC} yet"


def test_an_answer_says_when_new_chunks_have_no_vector_of_the_model_that_searched(
    ollama: StandIn, folder: Folder
) -> None:
    brain("add", folder({"lease.md": LEASE}))
    assert brain("status", "--json").json["embedder_reason"] == "it has read everything"
    assert brain("ask", "what is the rent a month?", "--json").json["degraded"] in (
        "",
        None,
    )
    ollama.fault_paths, ollama.faults["500_html"] = {"/api/embed"}, True
    brain("add", folder({"tea.md": TEA}, "more"))
    ollama.faults.clear()
    assert vectors()[NOMIC] == 1
    for command in (("search", "rent"), ("ask", "what is the rent a month?")):
        found = brain(*command, "--json").json
        assert found["embedder"] == NOMIC
        assert lacking(1) in found["degraded"]
        assert "brain sync" in found["degraded"]
        shown = brain(*command)
        assert lacking(1) in shown.stdout + shown.stderr
    assert lacking(1) in brain("status", "--json").json["embedder_reason"]
    assert brain("sync").code == 0
    assert brain("search", "rent", "--json").json["degraded"] is None
    assert brain("status", "--json").json["embedder_reason"] == "it has read everything"


def test_a_row_number_that_is_given_again_hides_nothing(
    ollama: StandIn, folder: Folder
) -> None:
    """The newest note is changed while the model fails: its chunk has the number of the one that had a vector."""
    place = folder({"lease.md": LEASE, "tea.md": TEA})
    brain("add", place)
    ollama.fault_paths, ollama.faults["500_html"] = {"/api/embed"}, True
    (place / "tea.md").write_text(
        "# Tea\n\nOolong wants water at 90 degrees.\n", "utf-8"
    )
    brain("sync")
    ollama.faults.clear()
    assert vectors()[NOMIC] == 1
    assert lacking(1) in brain("search", "rent", "--json").json["degraded"]


def test_a_long_lived_door_learns_of_it_too(ollama: StandIn, folder: Folder) -> None:
    brain("add", folder({"lease.md": LEASE}))
    with Brain(load()) as opened:
        assert not opened.search(Request("rent")).degraded
        ollama.fault_paths, ollama.faults["500_html"] = {"/api/embed"}, True
        opened.note("the boiler is old")
        ollama.faults.clear()
        assert lacking(1) in opened.search(Request("rent")).degraded
        opened.sync()
        assert not opened.search(Request("rent")).degraded


def test_a_store_of_an_earlier_version_says_the_same(
    ollama: StandIn, folder: Folder
) -> None:
    """It noted the model alone."""
    brain("add", folder({"lease.md": LEASE}))
    with Brain(load()) as opened:
        vectors_of = opened.resources.store.vectors
        fingerprint = next(
            name for name in vectors_of.fingerprints() if name.startswith(NOMIC)
        )
        note = f'{{"fingerprint": "{fingerprint}", "model": "{NOMIC}"}}'
        opened.resources.store.library.keep_setting(OF_OLLAMA, note)
        assert opened.resources.serving.reason == "it has read everything"
        with opened.resources.store.write():
            opened.resources.store.connection.conn.execute(
                "DELETE FROM embeddings WHERE fingerprint = ?", (fingerprint,)
            )
        opened.resources.__dict__.pop("serving")
        assert lacking(1) in opened.resources.serving.degraded


# -- nobody knows ------------------------------------------------------------------------------------------------------------


def test_how_much_waits_is_unknown_while_the_model_cannot_be_read(
    config: Config, tmp_path: Path
) -> None:
    with Brain(config) as opened:
        for n in range(3):
            opened.note(f"note {n}")
        report = embed_pending(
            opened.resources.store.vectors, Nameless(), kind="knowledge"
        )
        assert (report.waiting, str(report.error)) == (
            None,
            str(Unavailable("the model cannot be read", "put it back")),
        )
    with Brain(config, embedder=Nameless()) as broken:
        added = broken.note("one more")
        assert added.waiting is None
        assert "the model cannot be read" in added.notices
        assert broken.keep.rebuild().waiting is None
    said = "".join(
        text
        for line in view._talk(view.Added(added))
        for text in (part[0] for part in line)
    )
    assert "unknown until the model can be read" in said
    assert "4 chunks" not in said
    shown = "".join(
        part[0] for line in keeping.rebuilt(RebuildReport(1, 1, None)) for part in line
    )
    assert "not known how many passages" in shown
    assert view._talk(view.Added(AddReport())) == []


def test_a_server_that_went_away_gives_no_wrong_number(
    ollama: StandIn, folder: Folder
) -> None:
    brain("add", folder({"lease.md": LEASE, "tea.md": TEA}))
    ollama.stop()
    with Brain(load()) as opened:
        (said,) = taking_in.fill(opened.resources, NOMIC)
    assert (
        f"how many passages wait for {NOMIC} is unknown until the server answers"
        in said
    )
    assert "2 chunks" not in said
    assert home().exists()


# -- how sure words alone are ------------------------------------------------------------------------------------------------


def test_a_search_by_words_carries_its_confidence(folder: Folder) -> None:
    brain(
        "add",
        folder(
            {
                "lease.md": LEASE,
                "tea.md": TEA,
                **{f"{n}.md": f"Page {n} about gardens.\n" for n in range(9)},
            }
        ),
    )
    there = brain(
        "search", "--lexical", "rent of the flat a month in euros", "--json"
    ).json
    absent = brain(
        "search",
        "--lexical",
        "gardens quarterly dividend of the shareholders",
        "--json",
    ).json
    assert there["embedder"] is None
    assert 0 <= absent["confidence"]["found"] < there["confidence"]["found"] <= 1
    assert (
        brain("search", "--lexical", "nothing-of-that", "--json").json["confidence"][
            "found"
        ]
        == 0
    )
    for query, found in (
        ("rent of the flat a month in euros", there),
        ("gardens quarterly dividend of the shareholders", absent),
    ):
        below = found["confidence"]["found"] < FLOOR
        assert (
            "probably not in your notes" in brain("search", "--lexical", query).stdout
        ) is below
        assert (brain("search", "--lexical", "--strict", query).code == 3) is below
    assert absent["confidence"]["found"] < FLOOR


def test_after_a_large_add_the_first_question_finds_its_exact_file(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "LARGE_CHUNKS", 5)
    with Brain(load()) as opened:
        opened.add(
            [folder({f"{n}.md": f"# Note {n}\n\nAbout topic{n}.\n" for n in range(9)})]
        )
    (written,) = (home() / "index").glob("exact-knowledge-*.f32")
    before = written.stat().st_ino
    with Brain(load()) as opened:
        assert opened.search(Request("topic7")).index == "exact"
    assert written.stat().st_ino == before, "it is not written again"


def test_a_small_add_leaves_the_exact_file_to_the_question(folder: Folder) -> None:
    with Brain(load()) as opened:
        opened.add([folder({"1.md": "# One\n\nAbout topic1.\n"})])
    assert not list((home() / "index").glob("exact-*.f32"))


def test_a_store_of_an_earlier_version_gets_its_sentences_by_sync_or_when_few_are_missing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(opened: Brain) -> int:
        fingerprint = str(opened.resources.builtin.fingerprint)
        return opened.resources.store.vectors.without_sentences(fingerprint)

    def as_before(opened: Brain) -> None:
        with opened.resources.store.connection.write():
            conn = opened.resources.store.connection.conn
            conn.execute("UPDATE embeddings SET sentences = NULL")

    notes = {
        f"{n}.md": f"# Note {n}\n\nAbout topic{n}. It is long.\n" for n in range(9)
    }
    with Brain(load()) as opened:
        opened.add([folder(notes)])
        as_before(opened)
        assert missing(opened) == 9
        opened.note("One more. It says something else.")
        assert missing(opened) == 0
        as_before(opened)
        monkeypatch.setattr(taking_in, "LARGE_CHUNKS", 5)
        opened.note("And another. It says nothing.")
        assert missing(opened) == 11  # a note is an episode too
        assert opened.search(Request("topic7")).passages
        opened.sync()
        assert missing(opened) == 0
