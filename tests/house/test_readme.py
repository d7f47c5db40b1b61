"""The README holds every command with the help that the program prints. (`make readme` writes the block anew.)"""

from __future__ import annotations

from pathlib import Path

import pytest

from brain.doors.cli import reference

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(
    ("panel", "name", "text"), [pytest.param(*item, id=item[1]) for item in reference.helps()]
)
def test_every_command_is_in_the_readme_with_its_help(panel: str, name: str, text: str) -> None:
    assert f"<code>{name}</code>" in README.read_text("utf-8"), (
        f"run `make readme`: {panel} {name} is not in the README"
    )
    assert text in README.read_text("utf-8"), f"run `make readme`: the help of {name} has changed"


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
        examples = [row for row in text.partition("Examples:\n")[2].splitlines() if row.strip()]
        assert 1 <= len(examples) <= 3, name
        assert all(name in example for example in examples), name
        assert text.splitlines()[2].strip(), name
