"""What a server notes of itself, its chores of the night, and how it finds out that Ollama is not well."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from brain.app import Brain, chores
from brain.app.chores import NO_RULE, SEALED
from brain.app.ollama_health import NOT_USED, OWN, look
from brain.app.service import BEAT, CHORES, NAMES, memory
from brain.config import load
from brain.keeping.backup import BACKUPS
from tests.end_to_end import brain as command
from tests.end_to_end import home
from tests.stand_in_ollama import StandIn

EMBEDS, WRITES = "nomic-embed-text:latest", "qwen3:4b"
TEA = "# Tea\n\nBlack tea wants water at 96 °C.\n"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """An added folder."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "tea.md").write_text(TEA)
    assert command("add", folder).code == 0
    return folder


@pytest.fixture
def opened(notes: Path) -> Iterator[Brain]:
    """The store of this test."""
    with Brain(load()) as brain:
        yield brain


def test_a_sign_of_life_is_kept_for_whoever_asks_later(opened: Brain) -> None:
    assert opened.service.last_beat() is None
    opened.service.beat(
        pid=7, since="2026-05-01T10:00:00+00:00", version="1", last_error="once"
    )
    with Brain(load()) as another:
        beat = another.service.last_beat()
    assert beat is not None
    assert (beat.pid, beat.version, beat.last_error) == (7, "1", "once")


def test_notes_of_another_version_or_damaged_ones_are_none(opened: Brain) -> None:
    library = opened.resources.store.library
    library.keep_setting(BEAT, '{"at": "x", "colour": "red"}')
    library.keep_setting(CHORES, '{"backup": {"colour": "red"}, "doctor": 7}')
    assert opened.service.last_beat() is None
    assert opened.service.results() == ()


def test_one_real_search_is_timed(opened: Brain) -> None:
    took, index, lag = opened.service.query()
    assert (index, lag) == ("exact", 0)
    assert took >= 0
    assert opened.service.waiting() == 0
    assert opened.service.disk_free() > 0


def test_memory_is_that_of_this_process_at_least() -> None:
    """Python with numpy takes more than ten megabytes, wherever the system tells."""
    told = Path("/proc/self/smaps_rollup").exists()
    assert (memory() > 10 * 2**20) == told


def test_chores_of_a_well_store_say_what_came_of_them(
    opened: Brain, notes: Path
) -> None:
    (notes / "boat.md").write_text("The dinghy is green.\n")
    command("backup", "--keep", "7d")
    said = {name: opened.service.do(name) for name in NAMES}
    assert all(result.ok for result in said.values()), said
    assert said["folders"].said == "1 added"
    assert said["vectors"].said == "nothing waits"
    assert said["backup"].said.startswith(str(home() / BACKUPS))
    assert opened.service.results() == tuple(said.values())
    assert "dinghy" not in json.dumps([result.said for result in said.values()])


def test_a_chore_that_finds_something_wrong_says_what(
    opened: Brain, notes: Path
) -> None:
    notes.rename(notes.with_name("away"))
    result = opened.service.do("folders")
    assert not result.ok
    assert result.said == f"not there: {notes}; nothing of it was forgotten"
    assert command("get", f"{notes}/tea.md").code == 0


def test_no_backup_is_made_without_a_rule_that_was_given(opened: Brain) -> None:
    result = opened.service.do("backup")
    assert (result.ok, result.said) == (False, NO_RULE)
    assert not (home() / BACKUPS).exists()


def test_no_open_backup_is_made_beside_encrypted_ones(opened: Brain) -> None:
    command("backup", "--keep", "7d")
    (made,) = (home() / BACKUPS).iterdir()
    made.rename(made.with_name(f"{made.name}.age"))
    result = opened.service.do("backup")
    assert (result.ok, result.said) == (False, SEALED)


def test_the_backup_of_the_night_goes_where_the_last_one_went_by_the_rule(
    opened: Brain, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command("backup", str(disk), "--keep", "1d")
    assert opened.service.do("backup").ok
    assert len(list(disk.iterdir())) == 1
    assert not (home() / BACKUPS).exists()


def test_a_chore_that_cannot_be_done_is_a_result_with_its_cure(
    opened: Brain, tmp_path: Path
) -> None:
    command("backup", "--keep", "7d")
    (home() / BACKUPS).rename(tmp_path / "gone")
    (home() / BACKUPS).write_text("a file where a folder was")
    result = opened.service.do("backup")
    assert not result.ok
    assert "; " in result.said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "OSError: No space left on device"),
        (PermissionError(13, "denied"), "PermissionError: denied"),
        (ValueError("the dinghy"), "an unexpected ValueError; run `brain doctor`"),
    ],
)
def test_a_chore_that_fails_in_whatever_way_is_a_result_and_the_next_ones_are_done(
    opened: Brain, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fails(_resources: object) -> None:
        raise error

    monkeypatch.setitem(chores.CHORES, "folders", fails)
    result = opened.service.do("folders")
    assert (result.ok, result.said) == (False, said)
    assert opened.service.do("doctor").name == "doctor"
    kept = {one.name: one for one in opened.service.results()}
    assert kept["folders"] == result
    assert said in command("service", "status").stdout


# -- Ollama -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch, notes: Path) -> Iterator[StandIn]:
    """A server with a model that embeds and one that writes, both named in the configuration."""
    with StandIn(models=(EMBEDS, WRITES)) as server:
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", server.url)
        monkeypatch.setenv("BRAIN_MODELS_EMBED", EMBEDS)
        monkeypatch.setenv("BRAIN_MODELS_ASK", WRITES)
        yield server


def test_an_ollama_that_nobody_wants_is_no_trouble(opened: Brain) -> None:
    state = opened.service.ollama()
    assert (state.said, state.troubles, state.hangs) == (NOT_USED, (), False)


def test_a_well_ollama_is_said_with_its_version(ollama: StandIn) -> None:
    with Brain(load()) as brain:
        state = brain.service.ollama()
    assert state.said.startswith("version ")
    assert (state.troubles, state.hangs) == ((), False)


def test_an_ollama_that_is_not_started_is_said_and_does_not_hang(
    ollama: StandIn,
) -> None:
    ollama.stop()
    with Brain(load()) as brain:
        state = brain.service.ollama()
    assert not state.hangs
    assert "ollama serve" in state.troubles[0]


def test_an_ollama_that_takes_the_call_and_is_silent_hangs(
    ollama: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", f"http://127.0.0.1:{port}")
        with Brain(load()) as brain:
            state = look(brain.resources, seconds=0.3)
    assert state.hangs
    assert "does not answer within 0.3 s" in state.said


def test_a_model_that_is_loaded_and_answers_nothing_hangs(ollama: StandIn) -> None:
    """The server itself answers: only a real request shows it."""
    assert command("sync").code == 0
    assert EMBEDS in ollama.running_names()
    ollama.faults["slow_first_token"] = 20.0
    with Brain(load()) as brain:
        state = look(brain.resources, seconds=0.5)
    assert state.hangs
    assert state.troubles[-1].startswith(f"{EMBEDS} is loaded and does not answer")


def test_a_model_that_is_not_loaded_is_not_loaded_by_a_look(ollama: StandIn) -> None:
    with Brain(load()) as brain:
        brain.service.ollama()
    assert ollama.running_names() == []


def test_a_model_that_is_gone_is_said_with_what_brings_it_back(
    ollama: StandIn,
) -> None:
    del ollama.models[EMBEDS]
    with Brain(load()) as brain:
        state = brain.service.ollama()
    assert state.troubles == (
        f"Ollama has lost {EMBEDS}; fetch it again: brain models pull {EMBEDS}",
    )


def test_a_model_that_is_another_one_is_said_until_it_was_measured(
    ollama: StandIn,
) -> None:
    with Brain(load()) as brain:
        assert brain.service.ollama().troubles == ()
        ollama.models[WRITES] = replace(ollama.models[WRITES], version=2)
        for _ in range(2):
            (said,) = brain.service.ollama().troubles
            assert said.startswith(f"{WRITES} is another one since ")
            assert said.endswith("measure it again: brain eval run")
        brain.resources.judgments.keep_run(
            OWN, {"questions": 1}, at="2099-01-01T00:00:00+00:00"
        )
        assert brain.service.ollama().troubles == ()
