"""README.md names every verb and is short; docs/COMMANDS.md holds the help that the program prints; their examples run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from brain.config import SECTIONS
from brain.doors.cli import reference
from brain.doors.cli.app import command
from tests.end_to_end import brain
from tests.pages import follow

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
COMMANDS = ROOT / "docs" / "COMMANDS.md"
MAX_LINES = 250  # what a reader with two minutes gets through


def test_the_readme_is_short() -> None:
    assert README.read_text("utf-8").count("\n") <= MAX_LINES


def test_the_readme_lists_every_verb_and_no_other() -> None:
    section = (
        README.read_text("utf-8").partition("## All commands")[2].partition("\n## ")[0]
    )
    cells = [
        line.split("|")[1] for line in section.splitlines() if line.startswith("| `")
    ]
    listed = re.findall(r"`([\w-]+)`", " ".join(cells))
    assert sorted(listed) == sorted(command().commands)


def test_the_commands_page_holds_every_help() -> None:
    page = COMMANDS.read_text("utf-8")
    assert reference.replace_block(page) == page, (
        "the help has changed: run `make commands`"
    )


def test_the_block_is_replaced_between_its_marks_and_nothing_else() -> None:
    page = f"# brain\n\n{reference.BEGIN}\nstale block\n{reference.END}\n\nafter\n"
    made = reference.replace_block(page)
    assert made.startswith("# brain\n\n")
    assert made.endswith(f"{reference.END}\n\nafter\n")
    assert "stale block" not in made
    assert reference.replace_block(made) == made
    with pytest.raises(ValueError, match="marks"):
        reference.replace_block("# brain")


def test_every_command_has_a_help_sentence_and_one_to_three_examples() -> None:
    for _panel, name, text in reference.helps():
        if "COMMAND [ARGS]" in text:
            continue
        examples = [
            row for row in text.partition("Examples:\n")[2].splitlines() if row.strip()
        ]
        assert 1 <= len(examples) <= 3, name
        assert all(name in example for example in examples), name
        assert text.splitlines()[2].strip(), name


def test_what_the_readme_shows_is_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_MODELS_READER", "builtin")
    monkeypatch.setenv("BRAIN_RETRIEVAL_READ_SECONDS", "600")  # however busy
    shutil.copytree(ROOT / "sample_corpus", tmp_path / "sample_corpus")
    assert follow(README, tmp_path) >= 3


ANSWERS = {
    "how hot should the water be for black tea?": ("tea.md", "96 °C"),
    "which football team does Duarte support?": None,
    "when does the lease begin?": ("lease-contract.pdf", "1 March 2026"),
    "and when does it end?": ("lease-contract.pdf", "28 February 2029"),
}


def test_the_questions_of_the_readme_are_answered_with_the_answer_marked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BRAIN_MODELS_READER", "builtin")
    monkeypatch.setenv("BRAIN_RETRIEVAL_READ_SECONDS", "600")  # however busy
    asked = re.findall(
        r'^(?:\$ )?brain ask (-c )?"(.+?)"', README.read_text("utf-8"), re.M
    )
    assert [question for _follows, question in asked] == list(ANSWERS)
    assert brain("add", ROOT / "sample_corpus").code == 0
    for follows, question in asked:
        ran = brain("ask", *follows.split(), question, "--json")
        wanted = ANSWERS[question]
        if wanted is None:
            assert (ran.code, ran.json["answer_state"]) == (3, "not_found")
            continue
        source, words = wanted
        quote = ran.json["quotes"][0]
        start, end = quote["answer_span"]
        assert (ran.code, Path(quote["source"]).name) == (0, source)
        assert quote["quote"][start:end] == words
    # The notes say what we promised her
    ran = brain("ask", "what did the landlord promise about the boiler?", "--json")
    assert (ran.code, ran.json["answer_state"]) == (3, "not_found")


def test_the_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    block = re.search(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.M | re.S)
    assert block is not None
    assert brain("add", ROOT / "sample_corpus" / "home").code == 0
    exec(compile(block[1], str(README), "exec"), {})
    assert "96 °C" in capsys.readouterr().out


def test_every_command_that_the_pages_name_exists() -> None:
    """Also in the blocks that no test runs: `brain WORD` names a verb, and `--option` is in that verb's help."""
    helps = {name: text for _panel, name, text in reference.helps()}
    for page in (README, ROOT / "docs" / "TUTORIAL.md", ROOT / "CONTRIBUTING.md"):
        for block in re.findall(
            r"^```(?:sh|console)\n(.*?)^```", page.read_text("utf-8"), re.M | re.S
        ):
            for line in re.findall(r"^(?:\$ )?(?:\S*/)?(brain .*)$", block, re.M):
                typed = line.partition("#")[0].partition("|")[0].split()
                name = (
                    " ".join(typed[:3])
                    if " ".join(typed[:3]) in helps
                    else " ".join(typed[:2])
                )
                assert name in helps or typed[1].startswith("--"), (
                    f"{page.name}: {line}"
                )
                for option in (word for word in typed if word.startswith("--")):
                    assert option in helps.get(name, helps["brain"]), (
                        f"{page.name}: {line}"
                    )


def test_every_setting_that_the_readme_shows_exists() -> None:
    block = re.search(r"^```toml\n(.*?)^```", README.read_text("utf-8"), re.M | re.S)
    assert block is not None
    section = ""
    for line in block[1].splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        else:
            name = line.partition(" =")[0]
            assert name in SECTIONS[section].__dataclass_fields__, f"[{section}] {name}"
