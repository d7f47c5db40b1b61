"""What a shell is offered for a word that is begun: names of the store, quickly, and nothing where something is wrong."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from brain.doors.cli import completion
from tests.end_to_end import Folder, brain, home, process

HEAVY = "chromadb numpy ollama rich sqlite_utils wordllama".split()


def offered(words: str, shell: str = "bash") -> list[str]:
    """What that shell is told of the last of these words."""
    begun = words.split(" ")
    environ = {
        "_BRAIN_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(begun) - 1),
        "_TYPER_COMPLETE_ARGS": words,
    }
    ran = process(environ=environ)
    assert (ran.code, ran.stderr) == (0, "")
    return list(filter(None, ran.stdout.splitlines()))


@pytest.fixture
def place(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that was added, in which one stands."""
    at = folder(
        {
            "lease.md": "---\ntags: [flat]\nstatus: done\n---\n# Lease of the flat\n\nRent is 900.\n",
            "tea.md": "# Tea\n\nHot.\n",
        }
    )
    assert brain("add", at).code == 0
    assert brain("remember", "Ana called", "--with", "Ana").code == 0
    monkeypatch.chdir(at)
    return at


def test_a_document_is_offered_by_path_title_and_id(place: Path) -> None:
    assert completion.references("") == ["lease.md", "tea.md"]
    assert completion.references("LEASE O") == ["Lease of the flat"]
    document_id = brain("list", "--json").json["documents"][0]["id"]
    assert document_id[:6] in completion.references(document_id[:3])


def test_tags_folders_properties_people_and_models_are_offered(place: Path) -> None:
    assert completion.tags("f") == ["flat"]
    assert completion.tags("+f") == ["+flat"]
    assert completion.tags("-") == ["-flat"]
    assert completion.sources("") == [f"{place}/*"]
    assert "status" in completion.properties("st")
    assert completion.properties("-st") == ["-status"]
    assert completion.people("a") == ["Ana"]
    assert completion.models("nomic") == ["nomic-embed-text"]
    assert completion.choices("b") == ["builtin"]
    assert completion.kinds("n") == ["note"]
    assert len(completion.episodes("")) == 1


def test_what_was_forgotten_is_offered_to_undo(place: Path) -> None:
    document_id = brain("show", "lease.md", "--json").json["document"]["id"]
    assert completion.forgotten("") == []
    brain("forget", document_id, "--yes")
    assert completion.forgotten("") == [document_id[:6]]


def test_bash_gets_the_signs_that_part_words_quoted(place: Path) -> None:
    assert offered("brain show Lease") == ["Lease\\ of\\ the\\ flat"]
    assert offered("brain search rent --tag f") == ["flat"]
    assert '"Lease of the flat"' in offered("brain show Lease", "zsh")[0]


@pytest.mark.parametrize(
    "harm", ["no home", "no database", "a wrong setting", "an old table"]
)
def test_whatever_is_wrong_is_silent(harm: str, place: Path) -> None:
    if harm == "no database":
        (home() / "brain.db").write_bytes(b"no database at all")
    elif harm == "a wrong setting":
        (home() / "config.toml").write_text("[ingest\n")
    elif harm == "an old table":
        with sqlite3.connect(home() / "brain.db") as conn:
            conn.execute("DROP TABLE tags")
    else:
        home().rename(home().parent / "elsewhere")
    assert offered("brain search rent --tag f") == []
    assert not (home() / "brain.db-wal").exists() or harm == "an old table"


def test_nothing_slow_is_loaded_to_complete_a_word(place: Path) -> None:
    code = (
        "import sys\nfrom brain.doors.cli.app import command\n"
        "from brain.doors.cli import completion\n"
        "command()\nassert completion.references('')\nassert completion.models('')\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.strip() == "[]", ran.stderr
