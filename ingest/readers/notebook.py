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
        # "input" is its name in version 3.
        stated = cell.get("source", cell.get("input"))
        source, left_out = without_payloads(_joined(stated))
        for notice in left_out:
            notices.append(f"{where}: {notice}")
        is_code = cell.get("cell_type") == "code"
        if is_code:
            source = _with_output(source, cell, where, notices)
        for part in _by_heading(source, headings, is_code=is_code):
            if part.strip():
                text = f"{part}\n\n"
                sections.append(Section(text, headings.path, where, atomic=is_code))
        if not title and headings.path:
            title = headings.path[0]
    yield Reading(sections, title=title, notices=tuple(notices))


def _cells(text: str) -> list[Cell]:
    """The cells of a notebook of version 4, or of 3, which has them in worksheets."""
    try:
        book = json.loads(text)
        sheets = book.get("worksheets") or [book]
        found: list[Any] = []
        for sheet in sheets:
            found.extend(sheet["cells"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableFile("no notebook in it", "open it in Jupyter") from error
    return [cell for cell in found if isinstance(cell, dict)]


def _joined(source: Any) -> str:
    """A text as notebooks keep it: whole, or as a list of lines."""
    if isinstance(source, list):
        lines = (line for line in source if isinstance(line, str))
        source = "".join(lines)
    if isinstance(source, str):
        return source.strip("\n")
    return ""


def _by_heading(
    source: str,
    headings: Headings,
    *,
    is_code: bool,
) -> Iterator[str]:
    """The parts of a Markdown cell, `headings` being entered before each; a cell of code is one part."""
    if is_code:
        yield source
        return
    part = ""
    fenced = False
    for line in source.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        heading = _HEADING.match(line)
        if heading and not fenced:
            yield part.strip("\n")
            part = ""
            mark, words = heading.groups()
            words = one_line(words)
            headings.enter(len(mark), words[:HEADING_CHARS])
        part += f"{line}\n"
    yield part.strip("\n")


def _with_output(source: str, cell: Cell, where: str, notices: list[str]) -> str:
    """A cell of code and, below it, the text that it put out."""
    outputs = cell.get("outputs")
    if not isinstance(outputs, list):
        return source
    texts = []
    for output in outputs:
        if isinstance(output, dict):
            texts.append(_output(output))
    said = "\n".join(filter(None, texts))
    if not said:
        return source
    if len(said) > OUTPUT_CHARS:
        notices.append(f"{where}: its output was cut to {OUTPUT_CHARS:,} characters")
        said = said[:OUTPUT_CHARS]
    return f"{source}\n\nOutput:\n{said}"


def _output(output: dict[str, Any]) -> str:
    """The text of one output: printed, computed or an error."""
    if output.get("output_type") in ("error", "pyerr"):
        name = output.get("ename", "")
        value = output.get("evalue", "")
        return f"{name}: {value}"
    found = output
    data = output.get("data")
    if isinstance(data, dict):
        found = data
    for key in ("text/markdown", "text/plain", "text/latex", "text"):
        text = _joined(found.get(key))
        if text:
            return _COLOURS.sub("", text)
    return ""
