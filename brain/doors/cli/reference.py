"""Prints the whole command line as Markdown: `python -m brain.doors.cli.reference docs/COMMANDS.md` rewrites that page.

Every command appears with the help that `--help` prints, so a test can hold the page to it. Serves `make commands`.
What stands above and below the two marks of the page is left to those who write it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
import typer.core

from brain.doors.cli import PROGRAM
from brain.doors.cli.app import FIRST, PANELS, command

# Columns of the help: what fits into a code block of a common page.
WIDTH = 96
BEGIN = "<!-- commands: begin (generated) -->"
END = "<!-- commands: end -->"
ENTRY = """\
<details><summary><code>{name}</code></summary>

```
{text}
```

</details>
"""


def helps() -> Iterator[tuple[str, str, str]]:
    """(panel, command, its help) for every command, in the order of the help; a group comes before its commands."""
    root = command()
    top = _context(root, PROGRAM, None)
    yield "", PROGRAM, _help(top)
    for item in sorted(root.commands.values(), key=_rank):
        context = _context(item, item.name, top)
        panel = _panel(item)
        yield panel, context.command_path, _help(context)
        if not isinstance(item, typer.core.TyperGroup):
            continue
        for inner in item.commands.values():
            below = _context(inner, inner.name, context)
            yield panel, below.command_path, _help(below)


def markdown() -> str:
    """The block: a heading for each panel, a fenced help for each command."""
    done = []
    last = ""
    for panel, name, text in helps():
        if panel != last:
            done.append(f"### {panel}\n")
        last = panel
        done.append(ENTRY.format(name=name, text=text))
    return "\n".join(done)


def replace_block(page: str) -> str:
    """The page with what stands between the two marks made anew. Raises `ValueError` when a mark is missing."""
    head, begin, rest = page.partition(BEGIN)
    _old, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the marks {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{markdown()}\n{END}{tail}"


def main(words: list[str]) -> None:
    """Rewrite the block of a page in place."""
    page = Path(words[0])
    page.write_text(replace_block(page.read_text("utf-8")), "utf-8")


def _rank(item: Any) -> tuple[int, int]:
    """By panel, the eight of every day in their own order, the rest as they were defined."""
    panel = PANELS.index(_panel(item))
    if item.name in FIRST:
        return panel, FIRST.index(item.name)
    return panel, len(FIRST)


def _panel(item: Any) -> str:
    panel = getattr(item, "rich_help_panel", None)
    return str(panel or PANELS[-1])


def _context(
    item: Any, name: str | None, parent: typer.Context | None
) -> typer.Context:
    return typer.Context(
        item,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
    )


def _help(context: typer.Context) -> str:
    return context.get_help().strip()


if __name__ == "__main__":
    main(sys.argv[1:])
