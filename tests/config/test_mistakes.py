"""Mistakes in settings: what is wrong and in which line or variable, then what would be right, with an example."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain.config import Config, load
from brain.errors import BrainError, UsageError
from tests.end_to_end import brain, home


def refused(config: Config, text: str) -> UsageError:
    """What is said of a settings file with this text."""
    config.home.mkdir(mode=0o700, exist_ok=True)
    (config.home / "config.toml").write_text(text)
    with pytest.raises(UsageError) as mistake:
        load(config.home, {})
    return mistake.value


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (
            '[models]\nask = "auto"\n\n[ingest]\nchunk_tokens = "many"\n',
            "ingest.chunk_tokens is 'many' (FILE, line 5)",
            "it must be a whole number, for instance: chunk_tokens = 300",
        ),
        (
            "[ingest]\nchunk_tokens = 0\n",
            "ingest.chunk_tokens is 0 (FILE, line 2)",
            "it must be 50 or more, for instance: chunk_tokens = 300",
        ),
        (
            "ingest.file_chunks = 2.5\n",
            "ingest.file_chunks is 2.5 (FILE, line 1)",
            "it must be a whole number, for instance: file_chunks = 20000",
        ),
        (
            "[ingest]\nseconds = true\n",
            "ingest.seconds is True (FILE, line 2)",
            "it must be a number, for instance: seconds = 60.0",
        ),
        (
            '[models]\nask = ["qwen3:4b"]\n',
            "models.ask is ['qwen3:4b'] (FILE, line 2)",
            'it must be a text, for instance: ask = "auto"',
        ),
        (
            "[ollama]\ntrusted_hosts = [1]\n",
            "ollama.trusted_hosts is [1] (FILE, line 2)",
            'it must be a list of texts, for instance: trusted_hosts = ["192.168.1.5"]',
        ),
        (
            '[index]\nengine = "fast"\n',
            "index.engine is 'fast' (FILE, line 2)",
            'it must be one of: auto, exact, chroma, for instance: engine = "auto"',
        ),
        (
            "[ingest]\nchunk_token = 300\n",
            "there is no setting ingest.chunk_token (FILE, line 2)",
            "did you mean chunk_tokens? For instance: chunk_tokens = 300",
        ),
        (
            "[index]\nzzz = 300\n",
            "there is no setting index.zzz (FILE, line 2)",
            "settings of [index]: engine, exact_limit",
        ),
        (
            "\n[ingests]\nchunk_tokens = 300\n",
            "there is no section [ingests] (FILE, line 2)",
            "did you mean [ingest]? sections: ",
        ),
        (
            "models = 3\n",
            "models is a section, not a value (FILE, line 1)",
            'write [models] on a line of its own and the settings below it, for instance: embed = "auto"',
        ),
        (
            '[models]\nask = "auto"\nembed: auto\n',
            "FILE, line 3: this is not TOML: ",
            'mend the line; a setting is written as: ask = "auto", below its section: [models]',
        ),
    ],
)
def test_a_mistake_in_the_file_names_its_line_and_what_would_be_right(
    config: Config, text: str, said: str, hint: str
) -> None:
    mistake = refused(config, text)
    here = said.replace("FILE", str(config.home / "config.toml"))
    assert mistake.message.startswith(here)
    assert mistake.hint.startswith(hint)


@pytest.mark.parametrize(
    ("name", "value", "said", "hint"),
    [
        (
            "BRAIN_INGEST_CHUNK_TOKENS",
            "many",
            "ingest.chunk_tokens is 'many' (BRAIN_INGEST_CHUNK_TOKENS)",
            "it must be a whole number, for instance: BRAIN_INGEST_CHUNK_TOKENS=300",
        ),
        (
            "BRAIN_INDEX_ENGINE",
            "fast",
            "index.engine is 'fast' (BRAIN_INDEX_ENGINE)",
            "it must be one of: auto, exact, chroma, for instance: BRAIN_INDEX_ENGINE=auto",
        ),
        (
            "BRAIN_OLAMA_HOST",
            "x",
            "BRAIN_OLAMA_HOST is no setting of brain (a variable of the environment)",
            "did you mean BRAIN_OLLAMA_HOST? To do without it: unset BRAIN_OLAMA_HOST",
        ),
    ],
)
def test_a_mistake_in_a_variable_names_it(
    name: str, value: str, said: str, hint: str
) -> None:
    with pytest.raises(UsageError) as mistake:
        load(environ={name: value})
    assert (mistake.value.message, mistake.value.hint) == (said, hint)


def test_a_file_that_is_no_text_or_that_anybody_writes_is_named(
    config: Config,
) -> None:
    config.home.mkdir(mode=0o700)
    path = config.home / "config.toml"
    path.mkdir()
    with pytest.raises(BrainError) as unread:
        load(config.home, {})
    assert unread.value.message.startswith(f"{path} cannot be read: ")
    assert f"chmod 600 {path}" in unread.value.hint
    path.rmdir()
    path.write_text("")
    path.chmod(0o666)
    with pytest.raises(BrainError) as opened:
        load(config.home, {})
    assert opened.value.hint == f"only you should write it: chmod 600 {path}"


def test_numbers_and_texts_that_fit_are_taken_as_they_are(
    config: Config, tmp_path: Path
) -> None:
    config.home.mkdir(mode=0o700)
    text = "[ollama]\nkeep_alive = -1\nidle_seconds = 5\n[ingest]\nfile_chunks = 2e3\n"
    (config.home / "config.toml").write_text(text)
    found = load(config.home, {"BRAIN_OLLAMA_TRUSTED_HOSTS": "a,b"})
    assert (found.ollama.keep_alive, found.ollama.idle_seconds) == ("-1", 5.0)
    assert found.ollama.trusted_hosts == ("a", "b")
    assert found.ingest.file_chunks == 2000


def test_the_command_line_says_it_in_two_lines() -> None:
    home().mkdir(mode=0o700, exist_ok=True)
    (home() / "config.toml").write_text("[ingest]\nchunk_tokens = 0\n")
    ran = brain("list")
    assert ran.code == 2
    assert len(ran.stderr.splitlines()) == 2
    assert "config.toml, line 2" in ran.stderr
