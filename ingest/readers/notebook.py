"""Jupyter notebooks: the cells in order, "cell 3", under the headings of the Markdown between them; of what a cell put
out, the text.

Leaves out pictures, tables as HTML and execution counts. Serves `loading`, above a megabyte in a worker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ingest.document import Section
from ingest.errors import UnreadableFile
from ingest.readers.outline import HEADING_CHARS, Headings, one_line
from ingest.readers.payloads import without_payloads
from ingest.readers.text import decode
from ingest.reading import Raw, Reading, Readings

OUTPUT_CHARS = 10_000  # of the output of one cell kept
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$")
_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
Cell = dict[str, Any]


def read(raw: Raw) -> Readings:
    """One document. Raises UnreadableFile when it is no notebook."""
    text, told = decode(raw.data)
    notices = list(told)
    cells = _cells(text)
    headings = Headings()
    sections: list[Section] = []
    title = ""
    for number, cell in enumerate(cells, 1):
        where = f"cell {number}"
        source, left_out = without_payloads(
            _joined(cell.get("source", cell.get("input")))
        )
        notices += [f"{where}: {notice}" for notice in left_out]
        if cell.get("cell_type") == "code":
            said = _with_output(source, cell, where, notices)
            if said.strip():
                sections.append(
                    Section(f"{said}\n\n", headings.path, where, atomic=True)
                )
            continue
        for part in _by_heading(source, headings):
            sections.append(Section(f"{part}\n\n", headings.path, where))
        if not title and headings.path:
            title = headings.path[0]
    yield Reading(sections, title=title, notices=tuple(notices))


def _cells(text: str) -> list[Cell]:
    """The cells of a notebook of version 4, or of 3, which has them in worksheets."""
    try:
        book = json.loads(text)
        sheets = book.get("worksheets") or [book]
        found = [cell for sheet in sheets for cell in sheet["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableFile("no notebook in it", "open it in Jupyter") from error
    return [cell for cell in found if isinstance(cell, dict)]


def _joined(source: Any) -> str:
    """A text as notebooks keep it: whole, or as a list of lines."""
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source.strip("\n") if isinstance(source, str) else ""


def _by_heading(source: str, headings: Headings) -> Iterator[str]:
    """The parts of a Markdown cell, `headings` being entered before each."""
    part: list[str] = []
    fenced = False
    for line in source.split("\n"):
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _HEADING.match(line)
        if heading:
            if "".join(part).strip():
                yield "\n".join(part).strip("\n")
            part = []
            headings.enter(len(heading[1]), one_line(heading[2])[:HEADING_CHARS])
        part.append(line)
    if "".join(part).strip():
        yield "\n".join(part).strip("\n")


def _with_output(source: str, cell: Cell, where: str, notices: list[str]) -> str:
    """A cell of code and, below it, the text that it put out."""
    outputs = cell.get("outputs")
    listed = outputs if isinstance(outputs, list) else []
    texts = [_output(output) for output in listed if isinstance(output, dict)]
    said = "\n".join(filter(None, texts))
    if len(said) > OUTPUT_CHARS:
        notices.append(f"{where}: its output was cut to {OUTPUT_CHARS:,} characters")
        said = said[:OUTPUT_CHARS]
    return f"{source}\n\nOutput:\n{said}" if said else source


def _output(output: dict[str, Any]) -> str:
    """The text of one output: printed, computed or an error."""
    if output.get("output_type") in ("error", "pyerr"):
        return f"{output.get('ename', '')}: {output.get('evalue', '')}"
    data = output.get("data")
    found = data if isinstance(data, dict) else output
    for key in ("text/markdown", "text/plain", "text/latex", "text"):
        if text := _joined(found.get(key)):
            return _COLOURS.sub("", text)
    return ""
