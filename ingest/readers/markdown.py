"""Markdown, Obsidian's habits included: markdown-it-py tells the blocks, small linear patterns the rest.

The text stays as written, line for line. Left out of it: front matter (except a description), `%%comments%%` and HTML
comments, their newlines kept. Found on the way: heading paths; fences, formulas, tables and lists as atomic sections;
wiki-links and embeds; #tags; aliases; `key:: value`. Only the block structure is parsed: inline rules can take
quadratic time on hostile text. A text over the cap is outlined by its lines alone. Leaves out rendering. Serves
`loading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from ingest.dates import date_in_metadata
from ingest.document import Section, Texts
from ingest.limits import Limits
from ingest.locators import of_lines
from ingest.readers.outline import HEADING_CHARS, Headings, one_line
from ingest.readers.properties import PROSE_KEYS, Head, read_head
from ingest.readers.text import decode
from ingest.reading import Raw, Reading, Readings

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# What is kept whole; in code nothing is looked for.
_KINDS = {
    "math_block": "code",
    "fence": "code",
    "code_block": "code",
    "table_open": "atomic",
    "bullet_list_open": "atomic",
    "ordered_list_open": "atomic",
}
_HIDDEN = re.compile(r"`[^`\n]*`|%%.*?%%|<!--.*?-->", re.DOTALL)
_CODE_SPAN = re.compile(r"`[^`\n]*`")
_WIKI = re.compile(r"\[\[([^\[\]\n|#^]*)[^\[\]\n]*\]\]")
_TAG = re.compile(
    r"#(?<!\S#)([\w/-]+)"
)  # the sign first: `re` then looks for nothing else
_FIELD = re.compile(
    r"^[ \t>]*(?:[-*+] )?([^\W\d][\w -]{0,40})::[ \t]+(\S[^\n]*)$", re.MULTILINE
)
_INLINE_FIELD = re.compile(
    r"[\[(]([^\W\d][\w -]{0,40})::[ \t]+([^\[\]()\n]{1,200})[\])]"
)
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKUP = re.compile(
    r"\*\*|__|\*|`|==|\[\[(?:[^\[\]|]*\|)?|\]\]|!?\[(?=[^\]]*\]\()|\]\([^)\s]*\)"
)


@dataclass(frozen=True, slots=True)
class _Block:
    """A top-level block from the line where it begins; `kind`: "heading", "code", "atomic" (kept whole) or "prose"."""

    first: int
    kind: str
    level: int = 0
    heading: str = ""


def read(raw: Raw) -> Readings:
    """One document. Bad front matter is kept as text and told; nothing here raises on what the text says."""
    text, decoded = decode(raw.data)
    notices = list(decoded)
    head = read_head(text, raw.limits)
    notices += head.notices
    rows = _split(text)
    kept = list(_kept(head, rows))
    lines = rows[head.lines :]
    blocks = _blocks(lines, raw.limits, notices)
    if "%%" in text or "<!--" in text:
        lines, blocks = _without_comments(lines, blocks, raw.limits)
    sections, prose, title = _sections(lines, blocks, head.lines)
    plain = _CODE_SPAN.sub("", prose)
    metadata = {key: value.strip() for key, value in _fields(plain)}
    # What the head of the note says wins over a field in its text.
    metadata |= head.metadata()
    yield Reading(
        kept + sections,
        title=head.first("title") or title,
        metadata=metadata,
        tags=_each_once([*head.tags(), *_tags(plain)]),
        aliases=_each_once(head.all("aliases", "alias")),
        links=_each_once(_links(plain)),
        notices=tuple(notices),
        date=date_in_metadata(metadata) or "",
        date_by="front matter",
    )


def _each_once(words: Iterable[str]) -> Texts:
    return tuple(dict.fromkeys(words))


def _split(text: str) -> list[str]:
    """Lines with their newlines; only \\n ends a line (str.splitlines would cut at others too)."""
    return _LINE.findall(text)


def _kept(head: Head, rows: list[str]) -> Iterator[Section]:
    """What stays of the head as text: what could not be read, and values that are prose."""
    spans = list(head.unread)
    for item in head.properties:
        top = item.key.partition(".")[0].lower()
        if top in PROSE_KEYS and " " in item.value.strip():
            spans.append((item.first, item.end))
    for first, end in sorted(spans):
        if prose := "".join(rows[first:end]):
            yield Section(prose, (), of_lines(first + 1, end))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": False, "typographer": False})
    parser.enable("table").use(dollarmath_plugin)
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.disable("reference")  # its text would be no block; here it stays a paragraph
    return parser


def _blocks(lines: list[str], limits: Limits, notices: list[str]) -> list[_Block]:
    """The top-level blocks in order of lines."""
    text = "".join(lines)
    if len(text) > limits.parse_chars:
        notices.append(
            f"longer than {limits.parse_chars:,} characters: outlined by its lines, tables not told apart"
        )
        return list(_outline(lines))
    blocks = []
    tokens = _parser().parse(text)
    for at, token in enumerate(tokens):
        if token.level or not token.map:
            continue
        first = token.map[0]
        if token.type == "heading_open":
            level = int(token.tag.removeprefix("h"))
            blocks.append(_Block(first, "heading", level, tokens[at + 1].content))
        else:
            blocks.append(_Block(first, _KINDS.get(token.type, "prose")))
    # A blank text, or what comments left of it, is prose.
    return blocks or [_Block(0, "prose")]


def _outline(lines: list[str]) -> Iterator[_Block]:
    """Headings and fences found line by line: for texts too long to parse."""
    fence = ""
    for at, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
            yield _Block(at, "code")
        elif mark:
            closing = line.strip()
            if closing.startswith(fence) and not closing.strip(fence[0]):
                fence = ""
                yield _Block(at + 1, "prose")
        elif not fence and (head := _ATX.match(line)):
            yield _Block(at, "heading", len(head[1]), head[2] or "")
        elif at == 0:
            yield _Block(0, "prose")


def _without_comments(
    lines: list[str], blocks: list[_Block], limits: Limits
) -> tuple[list[str], list[_Block]]:
    """Lines and blocks with comments outside code blanked, each newline kept. Blanked first, then parsed again."""
    parts = []
    # A comment may run over several blocks, but not over code.
    pending = "".join(lines[: blocks[0].first])
    for block, end in _with_ends(blocks, lines):
        body = "".join(lines[block.first : end])
        if block.kind == "code":
            parts += [_blanked(pending), body]
            pending = ""
        else:
            pending += body
    parts.append(_blanked(pending))
    cleaned = _split("".join(parts))
    if cleaned == lines:
        return lines, blocks
    return cleaned, _blocks(cleaned, limits, [])


def _blanked(text: str) -> str:
    # Beyond the last end of a comment every `<!--` is unclosed: it is not searched again and again.
    closed, mark, rest = text.rpartition("-->")
    if "%%" in rest:
        return _HIDDEN.sub(_newlines_of_comment, text)
    return _HIDDEN.sub(_newlines_of_comment, closed + mark) + rest


def _newlines_of_comment(match: re.Match[str]) -> str:
    """What stays of a comment; a code span, which may look as if it held one, stays whole."""
    found = match[0]
    return found if found.startswith("`") else "\n" * found.count("\n")


def _sections(
    lines: list[str], blocks: list[_Block], start: int
) -> tuple[list[Section], str, str]:
    """(sections, the text outside code, the first top heading): neighbours of one kind under one heading are one."""
    sections: list[Section] = []
    prose = []
    headings = Headings()
    title = ""
    for block, end in _with_ends(_opening(blocks), lines):
        first = block.first if sections else 0
        if block.kind == "heading":
            heading = block.heading[:HEADING_CHARS]
            words = one_line(_MARKUP.sub("", heading))
            if words:
                headings.enter(block.level, words)
            if block.level == 1:
                title = title or words
        body = "".join(lines[first:end])
        if not body:
            continue
        where = of_lines(start + first + 1, start + end)
        atomic = block.kind in _KINDS.values()
        sections.append(Section(body, headings.path, where, atomic))
        if block.kind != "code":
            prose.append(body)
    return sections, "".join(prose), title


def _with_ends(blocks: list[_Block], lines: list[str]) -> Iterator[tuple[_Block, int]]:
    """Each block with the line after its last: it goes up to the next."""
    following = [block.first for block in blocks[1:]]
    return zip(blocks, [*following, len(lines)], strict=True)


def _opening(blocks: list[_Block]) -> list[_Block]:
    """The blocks that begin a section: all but prose that goes on."""
    opening = blocks[:1]
    for before, block in pairwise(blocks):
        if block.kind != "prose" or before.kind not in ("prose", "heading"):
            opening.append(block)
    return opening


def _links(plain: str) -> Iterator[str]:
    targets = (target.strip("\\ ") for target in _WIKI.findall(plain))
    return filter(None, targets)


def _tags(plain: str) -> Iterator[str]:
    for tag in _TAG.findall(plain):
        if not tag.strip("-/_").isdigit():  # "#12" is a number of something
            yield tag.rstrip("/-")


def _fields(plain: str) -> Iterator[tuple[str, str]]:
    if "::" in plain:  # the patterns try every line
        yield from _FIELD.findall(plain)
        yield from _INLINE_FIELD.findall(plain)
