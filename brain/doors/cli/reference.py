"""Prints the whole command line as Markdown: `python -m brain.doors.cli.reference` makes the block of docs/COMMANDS.md.

Every command appears with the help that `--help` prints, so a test can hold the page to it. Leaves out where the
block goes: `replace_block` knows only its two marks.
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

WIDTH = 96  # columns of the help on the page: fits a code block of a common page
BEGIN, END = "<!-- commands: begin (generated) -->", "<!-- commands: end -->"


def helps() -> Iterator[tuple[str, str, str]]:
    """(panel, command, its help) for every command, in the order of the help; a group comes before its commands."""
    root = command()
    top = _context(root, PROGRAM, None)
    yield "", PROGRAM, _help(root, top)
    for item in sorted(root.commands.values(), key=_rank):
        context = _context(item, item.name or "", top)
        yield _panel(item), f"{PROGRAM} {item.name}", _help(item, context)
        if isinstance(item, typer.core.TyperGroup):
            for inner in item.commands.values():
                name = f"{PROGRAM} {item.name} {inner.name}"
                yield _panel(item), name, _help(inner, _context(inner, inner.name or "", context))


def markdown() -> str:
    """The block: a heading for each panel, a fenced help for each command."""
    done, last = [], None
    for panel, name, text in helps():
        if panel != last and panel:
            done.append(f"### {panel}\n")
        last = panel
        done.append(
            f"<details><summary><code>{name}</code></summary>\n\n```\n{text}\n```\n\n</details>\n"
        )
    return "\n".join(done)


def replace_block(page: str) -> str:
    """The page with what stands between the two marks made anew. Raises `ValueError` when a mark is missing."""
    head, begin, rest = page.partition(BEGIN)
    _old, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the marks {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{markdown()}\n{END}{tail}"


def main(words: list[str]) -> None:
    """With a file: rewrite its block in place. Without: print the block."""
    if words:
        page = Path(words[0])
        page.write_text(replace_block(page.read_text("utf-8")), "utf-8")
    else:
        sys.stdout.write(markdown())


def _rank(item: Any) -> tuple[int, int]:
    """By panel, the eight of every day in their own order, the rest as they were defined."""
    return PANELS.index(_panel(item)), FIRST.index(item.name) if item.name in FIRST else len(FIRST)


def _panel(item: Any) -> str:
    return str(getattr(item, "rich_help_panel", None) or PANELS[-1])


def _context(item: Any, name: str, parent: typer.Context | None) -> typer.Context:
    return typer.Context(item, info_name=name, parent=parent, terminal_width=WIDTH)


def _help(item: Any, context: typer.Context) -> str:
    return str(item.get_help(context)).strip()


if __name__ == "__main__":
    main(sys.argv[1:])
