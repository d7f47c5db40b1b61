"""Markdown, Obsidian's habits included: markdown-it-py tells the blocks, small linear patterns the rest.

The text stays as written, line for line. Left out of it: front matter (except a description), `%%comments%%` and HTML
comments, their newlines kept. Found on the way: heading paths; fences, formulas, tables and lists as atomic sections; wiki-links
and embeds; #tags; aliases; `key:: value`. Only the block structure is parsed (no inline rules, typographer or HTML:
FAULTS.md §3 row 19), and a text over the cap is outlined by its lines alone. Serves `loading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from ingest import locators
from ingest.dates import date_in_metadata
from ingest.document import Section
from ingest.limits import Limits
from ingest.readers import front_matter
from ingest.readers.front_matter import FrontMatter
from ingest.readers.text import decode
from ingest.reading import Raw, Reading

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_ATOMIC = {
    "math_block",
    "fence",
    "code_block",
    "table_open",
    "bullet_list_open",
    "ordered_list_open",
}
_CODE = {"fence", "code_block", "math_block"}
_HIDDEN = re.compile(r"`[^`\n]*`|%%.*?%%|<!--.*?-->", re.DOTALL)
_CODE_SPAN = re.compile(r"`[^`\n]*`")
_WIKI = re.compile(r"\[\[([^\[\]\n|#^]*)[^\[\]\n]*\]\]")
_TAG = re.compile(r"#(?<!\S#)([\w/-]+)")  # the sign first: `re` then looks for nothing else
_FIELD = re.compile(r"^[ \t>]*(?:[-*+] )?([^\W\d][\w -]{0,40})::[ \t]+(\S[^\n]*)$", re.MULTILINE)
_INLINE_FIELD = re.compile(r"[\[(]([^\W\d][\w -]{0,40})::[ \t]+([^\[\]()\n]{1,200})[\])]")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKUP = re.compile(r"\*\*|__|\*|`|==|\[\[(?:[^\[\]|]*\|)?|\]\]|!?\[(?=[^\]]*\]\()|\]\([^)\s]*\)")
HEADING_CHARS = 300  # of a heading taken into the path; the text keeps all of it

Mark = tuple[
    int, str, int, str
]  # (first line, kind: "heading" | "code" | "atomic" | "prose", heading level, heading)


def read(raw: Raw) -> Iterator[Reading]:
    """One document. Bad front matter is kept as text and told; nothing here raises on what the text says."""
    text, decoded = decode(raw.data)
    notices = list(decoded)
    kept, matter, start = _front(text, raw.limits, notices)
    lines = _split(text)[start:]
    marks = _marks(lines, raw.limits, notices)
    if "%%" in text or "<!--" in text:
        lines, marks = _without_comments(lines, marks, raw.limits, notices)
    sections, prose, title = _sections(lines, marks, start)
    metadata = {key: ", ".join(values) for key, values in matter.values.items()} if matter else {}
    tags = _tags(prose)
    if "::" in prose:
        metadata = {**{key: value.strip() for key, value in _fields(prose)}, **metadata}
    yield Reading(
        kept + sections,
        title=(matter.first("title") if matter else "") or title,
        metadata=metadata,
        tags=tuple(
            dict.fromkeys(
                (*(tag.lstrip("#") for tag in matter.all("tags", "tag")), *tags) if matter else tags
            )
        ),
        aliases=tuple(dict.fromkeys(matter.all("aliases", "alias"))) if matter else (),
        links=tuple(dict.fromkeys(_links(prose))),
        notices=tuple(notices),
        date=date_in_metadata(metadata) or "",
        date_by="front matter",
    )


def _split(text: str) -> list[str]:
    """Lines with their newlines; only \\n ends a line (str.splitlines would cut at others too)."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _front(
    text: str, limits: Limits, notices: list[str]
) -> tuple[list[Section], FrontMatter | None, int]:
    """(sections to keep of the front matter, its values, the line where the body begins)."""
    try:
        block, rest = front_matter.split(text)
    except front_matter.NoFrontMatter:
        return [], None, 0
    head = text[: len(text) - len(rest)]
    try:
        matter = front_matter.read_flat(block, limits)
    except front_matter.BadFrontMatter as error:
        notices.append(f"front matter kept as text: {error}")
        lines = block.count("\n") + 2
        return [Section(head, (), locators.of_lines(1, lines))], None, lines
    rows = head.split("\n")
    kept = [
        Section("\n".join(rows[first:end]) + "\n", (), locators.of_lines(first + 1, end))
        for first, end in matter.prose
        if end > first
    ]
    return kept, matter, matter.lines


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = (
        MarkdownIt("commonmark", {"html": False, "typographer": False})
        .enable("table")
        .use(dollarmath_plugin)
    )
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.disable("reference")  # its text would be no block; here it stays a paragraph
    return parser


def _marks(lines: list[str], limits: Limits, notices: list[str]) -> list[Mark]:
    """Where each top-level block begins, in order of lines."""
    text = "".join(lines)
    if len(text) > limits.parse_chars:
        notices.append(
            f"longer than {limits.parse_chars:,} characters: outlined by its lines, tables not told apart"
        )
        return list(_outline(lines))
    marks: list[Mark] = []
    tokens = _parser().parse(text)
    for at, token in enumerate(tokens):
        if token.level or not token.map:
            continue
        if token.type == "heading_open":
            marks.append((token.map[0], "heading", int(token.tag[1]), tokens[at + 1].content))
        elif token.type in _ATOMIC:
            marks.append((token.map[0], "code" if token.type in _CODE else "atomic", 0, ""))
        else:
            marks.append((token.map[0], "prose", 0, ""))
    return marks


def _outline(lines: list[str]) -> Iterator[Mark]:
    """Headings and fences found line by line: for texts too long to parse."""
    fence = ""
    for at, line in enumerate(lines):
        if mark := _FENCE.match(line):
            if not fence:
                fence = mark[1]
                yield at, "code", 0, ""
            elif line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
                yield at + 1, "prose", 0, ""
        elif not fence and line.lstrip(" ").startswith("#") and (head := _ATX.match(line)):
            yield at, "heading", len(head[1]), head[2] or ""
        elif at == 0:
            yield 0, "prose", 0, ""


def _without_comments(
    lines: list[str], marks: list[Mark], limits: Limits, notices: list[str]
) -> tuple[list[str], list[Mark]]:
    """Lines and marks with comments outside code blanked, each newline kept. Blanked first, then parsed again."""
    if not marks:
        return lines, marks
    bounds = [mark[0] for mark in marks[1:]] + [len(lines)]
    parts: list[str] = []
    pending = "".join(lines[: marks[0][0]])
    for (first, kind, _level, _heading), end in zip(marks, bounds, strict=True):
        body = "".join(lines[first:end])
        if kind == "code":
            parts += [_blanked(pending), body]
            pending = ""
        else:
            pending += body
    parts.append(_blanked(pending))
    cleaned = _split("".join(parts))
    return (lines, marks) if cleaned == lines else (cleaned, _marks(cleaned, limits, []))


def _blanked(text: str) -> str:
    if "%%" not in text and "-->" not in text:
        return text
    last = text.rfind("-->")  # beyond it every `<!--` is unclosed: not searched again and again
    head, tail = text[: last + 3], text[last + 3 :]
    if last < 0 or "%%" in tail:
        head, tail = text, ""
    return _HIDDEN.sub(lambda m: m[0] if m[0][0] == "`" else "\n" * m[0].count("\n"), head) + tail


def _sections(lines: list[str], marks: list[Mark], start: int) -> tuple[list[Section], str, str]:
    """(sections, the text outside code, the first top heading): neighbours of one kind under one heading are one."""
    sections: list[Section] = []
    prose: list[str] = []
    path: list[tuple[int, str]] = []
    title = ""
    if not marks:  # blank, or what comments left of it
        whole = Section(
            "".join(lines), (), locators.of_lines(start + 1, start + max(1, len(lines)))
        )
        return [whole], whole.text, ""
    cuts = [
        at
        for at, mark in enumerate(marks)
        if not at or mark[1] != "prose" or marks[at - 1][1] in ("atomic", "code")
    ]
    bounds = [marks[at][0] for at in cuts[1:]] + [len(lines)]
    for at, end in zip(cuts, bounds, strict=True):
        first, kind, level, heading = marks[at]
        first = first if sections else 0
        if kind == "heading":
            words = " ".join(_MARKUP.sub("", heading[:HEADING_CHARS]).split())
            path = (
                [*(entry for entry in path if entry[0] < level), (level, words)] if words else path
            )
            title = title or (words if level == 1 else "")
        body = "".join(lines[first:end])
        if not body:
            continue
        atomic = kind in ("code", "atomic")
        where = locators.of_lines(start + first + 1, start + end)
        sections.append(Section(body, tuple(words for _level, words in path), where, atomic))
        if kind != "code":
            prose.append(body)
    return sections, "".join(prose), title


def _links(prose: str) -> Iterator[str]:
    if "[[" in prose:
        for target in _WIKI.findall(_CODE_SPAN.sub("", prose)):
            if target.strip("\\ "):
                yield target.strip("\\ ")


def _tags(prose: str) -> list[str]:
    if "#" not in prose:
        return []
    return [
        tag.rstrip("/-")
        for tag in _TAG.findall(_CODE_SPAN.sub("", prose))
        if not tag.strip("-/_").isdigit()
    ]


def _fields(prose: str) -> Iterator[tuple[str, str]]:
    plain = _CODE_SPAN.sub("", prose)
    yield from _FIELD.findall(plain)
    yield from _INLINE_FIELD.findall(plain)
