"""A JSON head of a note that is no JSON as it stands: the lines that are wrong are left out, one by one.

People edit such a head by hand, and one slip must not lose the title and the tags that stand beside it. Leaves out what
the values mean. Serves `properties`.
"""

from __future__ import annotations

import json
import re

from ingest.readers.front_matter import NoFrontMatter

MOST_BAD_LINES = 20  # that are set right or left out; with more it is no head
_BRACE_LINE = re.compile(r"^\}", re.MULTILINE)

Lines = tuple[int, int]  # the first, and the one behind the last


def json_part(text: str) -> tuple[str, int, list[Lines]]:
    """(the JSON that a text opens with, its length, the lines of it that were left out). Raises `NoFrontMatter`."""
    try:
        _values, length = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return _without_bad_lines(text)
    return text[:length], length, []


def _without_bad_lines(text: str) -> tuple[str, int, list[Lines]]:
    """(a JSON head of several lines with those that are no JSON left empty, its length in the text, those lines).

    A comma that is missing at the end of a line, or is one too many, loses nothing. Raises `NoFrontMatter`.
    """
    closing = _BRACE_LINE.search(text)
    if closing is None:
        raise NoFrontMatter("no front matter")
    lines = text[: closing.end()].split("\n")
    bad: list[Lines] = []
    for _ in range(MOST_BAD_LINES):
        block = "\n".join(lines)
        try:
            json.loads(block)
            return block, closing.end(), sorted(bad)
        except RecursionError as error:
            raise NoFrontMatter("no front matter") from error
        except json.JSONDecodeError as error:
            at = error.lineno - 1
            if _comma_set_right(lines, at, error.msg):
                continue
        if not 0 < at < len(lines) - 1:
            break
        lines[at] = ""
        bad.append((at, at + 1))
    raise NoFrontMatter("no front matter")


def _comma_set_right(lines: list[str], at: int, why: str) -> bool:
    """Whether the comma between a line and the one above was what was wrong: then it was added, or taken away."""
    here = lines[at].strip()
    below = next(filter(None, lines[at + 1 :]), "")
    if here.endswith(",") and _closes(below):
        lines[at] = lines[at].rstrip().removesuffix(",")
        return True
    last = at - 1
    while last >= 0 and not lines[last]:
        last -= 1
    if last < 0:
        return False
    above = lines[last].rstrip()
    if _closes(here) and above.endswith(","):
        lines[last] = above.removesuffix(",")
        return True
    if "delimiter" not in why or not here.startswith('"'):
        return False
    if above.endswith((",", "{", "[")):
        return False
    lines[last] = f"{above},"
    return True


def _closes(line: str) -> bool:
    return line.lstrip().startswith(("}", "]"))
