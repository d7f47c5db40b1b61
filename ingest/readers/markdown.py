"""Markdown, Obsidian's habits included: markdown-it-py tells the blocks, small linear patterns the rest.

The text stays as written, line for line. Left out of a file: front matter (except a description), and comments where
the file is Obsidian's (comments.py). A text that is no file is the only copy of what a person wrote: nothing is left
out. Found on the way: heading paths; fences, formulas, tables and lists as atomic sections;
wiki-links and embeds; #tags; aliases; `key:: value`. Only the block structure is parsed: inline rules can take
quadratic time on hostile text. A text over the cap is outlined by its lines alone. Leaves out rendering. Serves
`loading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from ingest.dates import CHANGED_KEYS, date_in_metadata
from ingest.document import Section, Texts
from ingest.entities import in_letters
from ingest.limits import Limits
from ingest.locators import of_lines
from ingest.readers.comments import without_comments, written_in_obsidian
from ingest.readers.outline import HEADING_CHARS, Headings, one_line, row
from ingest.readers.properties import Head, read_head
from ingest.readers.text import readable
from ingest.reading import Raw, Reading, Readings
from ingest.stated import is_said

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

COMMENTS_TOLD = 5  # lines at which they begin
# What is kept whole; in code nothing is looked for.
_KINDS = {
    "math_block": "code",
    "fence": "code",
    "code_block": "code",
    "table_open": "table",
    "bullet_list_open": "atomic",
    "ordered_list_open": "atomic",
}
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
_BAR = re.compile(r"(?<!\\)\|")  # between the cells of a row
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKUP = re.compile(
    r"\*\*|__|\*|`|==|\[\[(?:[^\[\]|]*\|)?|\]\]|!?\[(?=[^\]]*\]\()|\]\([^)\s]*\)"
)


@dataclass(frozen=True, slots=True)
class _Block:
    """A top-level block from the line where it begins.

    `kind`: "heading", "code", "table", "atomic" (kept whole) or "prose".
    """

    first: int
    kind: str
    level: int = 0
    heading: str = ""


def read(raw: Raw) -> Readings:
    """One document. Bad front matter is kept as text and told; nothing here raises on what the text says."""
    text, decoded = readable(raw)
    notices = list(decoded)
    head = read_head(text, raw.limits)
    notices += head.notices
    rows = _split(text)
    lines = rows[head.lines :]
    blocks = _blocks(lines, raw.limits, notices)
    in_obsidian = raw.vault or written_in_obsidian(head)
    if in_obsidian and ("%%" in text or "<!--" in text):
        lines, blocks = _without_comments(
            lines, blocks, head.lines, raw.limits, notices
        )
    sections, prose, title = _sections(lines, blocks, head.lines)
    # Under the first heading, so that a line or two do not stand alone.
    above = sections[0].heading if sections else ()
    kept = list(_kept(head, rows, above, whole=not raw.name))
    plain = _CODE_SPAN.sub("", prose)
    metadata = {key: value.strip() for key, value in _fields(plain)}
    # What the head of the note says wins over a field in its text.
    metadata |= head.metadata()
    stated_links = "\n".join(item.value for item in head.properties)
    if head.first("excalidraw-plugin"):
        title = ""  # the headings of a drawing are the plugin's own: it is called by its file
    title = in_letters(head.first("title")) or title
    if not title and head.lines and not raw.name:
        # Else the first line would name a text without a file: here that is a mark.
        title = next(filter(str.strip, lines), "").strip("# \n")
    yield Reading(
        kept + sections,
        title=title,
        metadata=metadata,
        tags=_each_once([*head.tags(), *_tags(plain)]),
        aliases=_each_once(head.all("aliases", "alias")),
        links=_each_once([*_links(stated_links), *_links(plain)]),
        notices=tuple(notices),
        date=date_in_metadata(metadata) or "",
        date_by="front matter",
        # A day in the name or the heading says more of a note than when it was saved last.
        created=date_in_metadata(metadata, CHANGED_KEYS) or "",
        above=len(kept),
    )


def _each_once(words: Iterable[str]) -> Texts:
    return tuple(dict.fromkeys(words))


def _split(text: str) -> list[str]:
    """Lines with their newlines; only \\n ends a line (str.splitlines would cut at others too)."""
    return _LINE.findall(text)


def _kept(
    head: Head, rows: list[str], above: Texts, *, whole: bool
) -> Iterator[Section]:
    """What stays of the head as text, line for line: what could not be read, and values that are looked for by their
    words; or all of it. The lines between are blank, so that each keeps its number.
    """
    lines: set[int] = set()
    for first, end in head.unread:
        lines.update(range(first, end))
    for item in head.properties:
        table, _, _ = item.key.partition(".")
        if is_said(table):
            lines.update(range(item.first, item.end))
    if whole:
        lines.update(range(head.lines))
    if lines:
        first = min(lines)
        kept = [rows[at] if at in lines else "\n" for at in range(first, head.lines)]
        yield Section("".join(kept), above, of_lines(first + 1, head.lines))


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
    """The top-level blocks in order of lines, and tables in quotations and callouts."""
    text = "".join(lines)
    if len(text) > limits.parse_chars:
        notices.append(
            f"longer than {limits.parse_chars:,} characters: outlined by its lines, tables not told apart"
        )
        return list(_outline(lines))
    blocks = []
    tokens = _parser().parse(text)
    quoted_to = 0  # the line at which a quotation or callout ends
    for at, token in enumerate(tokens):
        if not token.map:
            continue
        first, end = token.map
        if token.level == 1 and token.type == "table_open" and end <= quoted_to:
            blocks.append(_Block(first, "table"))
            if end < quoted_to:
                blocks.append(_Block(end, "prose"))
        if token.level:
            continue
        quoted_to = end if token.type == "blockquote_open" else 0
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
    lines: list[str],
    blocks: list[_Block],
    start: int,
    limits: Limits,
    notices: list[str],
) -> tuple[list[str], list[_Block]]:
    """Lines and blocks without comments, each line end kept: a comment may hold what would be a block, so what is
    left is parsed again.
    """
    code: set[int] = set()
    for block, end in _with_ends(blocks, lines):
        if block.kind == "code" and not _FENCE.match(lines[block.first]):
            code.update(range(block.first, end))
    shown = without_comments("".join(lines), code)
    if not shown.hidden:
        return lines, blocks
    notices.append(_hidden_said(shown.hidden, start))
    left = _split(shown.text)
    # Nothing below counts these lines: a drawing leaves a hundred.
    while len(left) > 1 and not left[-1].strip():
        left.pop()
    return left, _blocks(left, limits, [])


def _hidden_said(hidden: Sequence[int], start: int) -> str:
    """What was left out, by the lines of the file."""
    numbers = [str(start + line + 1) for line in hidden[:COMMENTS_TOLD]]
    if len(hidden) > COMMENTS_TOLD:
        numbers.append("…")
    what = "a comment"
    if len(hidden) != 1:
        what = f"{len(hidden):,} comments"
    where = "line" if len(hidden) == 1 else "lines"
    return f"{what} of Obsidian left out ({where} {', '.join(numbers)})"


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
            words = one_line(in_letters(_MARKUP.sub("", heading)))
            if words:
                headings.enter(block.level, words)
            if block.level == 1:
                title = title or words
        body = "".join(lines[first:end])
        if not body:
            continue
        where = of_lines(start + first + 1, start + end)
        atomic = block.kind in _KINDS.values()
        header = ""
        if block.kind == "table":
            header = _header_row(lines[block.first])
        sections.append(Section(body, headings.path, where, atomic, header))
        if block.kind != "code":
            prose.append(body)
    return sections, "".join(prose), title


def _header_row(line: str) -> str:
    """The names of a table's columns, without their markup."""
    cells = _BAR.split(line.strip().lstrip("> "))
    if not cells[0]:
        del cells[0]
    names = (in_letters(_MARKUP.sub("", cell)) for cell in cells)
    return row(names)[:HEADING_CHARS]


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
