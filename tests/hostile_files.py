"""Files made to do harm, one maker per trick, built here and never kept (docs/FAULTS.md, "Hostile files").

Each `Case` says what must become of its file: read, with words that must be in the text, or left out, with the reason.
"""

from __future__ import annotations

import io
import os
import socket
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1_000_000
FASTEST = 1  # zlib's level: what is made here is to inflate, not to be small
TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
RELATIONS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>'
WORD = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{}</w:body></w:document>'
PARAGRAPH = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"
SAFE = PARAGRAPH.format("harmless words")
LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
SECRET = "root:x:0:0"

Entries = dict[str, bytes | str]


@dataclass(frozen=True)
class Case:
    """`outcome`: "read", or the kind of skip. `wanted`: a pattern in the text, or in the reason. `told`: in a notice."""

    row: int
    name: str
    make: Callable[[Path], object]
    outcome: str
    wanted: str = ""
    told: str = ""


def zipped(entries: Entries, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method, FASTEST)
    return out.getvalue()


def docx(
    body: str = SAFE,
    *,
    extra: Entries | None = None,
    document: bytes | str = "",
    prolog: str = "",
) -> bytes:
    main = document or prolog + WORD.format(body)
    return zipped(
        {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": RELATIONS,
            "word/document.xml": main,
            **(extra or {}),
        }
    )


def epub(chapter: str, *, package: str = "") -> bytes:
    opf = (
        package
        or '<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>'
    )
    container = (
        '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
    )
    return zipped(
        {"META-INF/container.xml": container, "book.opf": opf, "a.xhtml": chapter}
    )


def lying(data: bytes, name: bytes, size: int) -> bytes:
    """The archive with another inflated size for an entry, in its directory and before it."""
    made = bytearray(data)
    for mark, at_size, at_name in ((b"PK\x01\x02", 24, 46), (b"PK\x03\x04", 22, 30)):
        at = made.find(mark)
        while at >= 0:
            if made[at + at_name : at + at_name + len(name)] == name:
                made[at + at_size : at + at_size + 4] = size.to_bytes(4, "little")
            at = made.find(mark, at + 4)
    return bytes(made)


def overlapping() -> bytes:
    """Two directory entries for the same bytes."""
    data = bytearray(docx(extra={"word/twin.xml": "<a/>"}))
    first = data.index(b"word/document.xml", data.index(b"PK\x01\x02")) - 46
    twin = data.index(b"word/twin.xml", data.index(b"PK\x01\x02")) - 46
    data[twin + 16 : twin + 28] = data[first + 16 : first + 28]
    data[twin + 42 : twin + 46] = data[first + 42 : first + 46]
    return bytes(data)


def deep(levels: int, tag: str = "w:p") -> str:
    return f"<{tag}>" * levels + "x" + f"</{tag}>" * levels


# -- PDF ------------------------------------------------------------------------------------------------------------------


def pdf(*objects: bytes, root: bytes = b"1 0 R", trailer: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1, with a right cross-reference table."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer <</Size %d/Root %s %s>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        root,
        trailer.replace(b"TABLE", b"%d" % table),
        table,
    )
    return bytes(out)


CATALOG, PAGES = (
    b"<</Type/Catalog/Pages 2 0 R>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
)
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def stream(data: bytes, filters: bytes = b"") -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(data), filters, data)


def shown(words: bytes, before: bytes = b"") -> bytes:
    return stream(b"BT /F1 12 Tf 20 100 Td " + before + b"(" + words + b") Tj ET")


def encrypted(password: str, owner: str, algorithm: str = "AES-256") -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(
        PdfReader(io.BytesIO(pdf(CATALOG, PAGES, PAGE, shown(b"locked words"), FONT)))
    )
    writer.encrypt(password, owner, algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def flate_bomb(size: int, times: int = 1) -> bytes:
    data, filters = b" " * size, b"/FlateDecode" * times
    for _level in range(times):
        data = zlib.compress(data, FASTEST)
    return stream(data, b"/Filter[" + filters + b"]")


def run_length_bomb() -> bytes:
    return stream(b"\x81A" * 400_000 + b"\x80", b"/Filter/RunLengthDecode")


# -- files that are not what they say ------------------------------------------------------------------------------------------


def large(path: Path) -> None:
    """1 GB by its size, one line; hardly anything on the disk."""
    with path.open("wb") as file:
        file.write(b"a" * 10_000)
        file.truncate(1_000 * MEGABYTE)


def link(path: Path, target: str) -> None:
    path.symlink_to(target)


def listening(path: Path) -> None:
    """A socket in the file system. Its own address may be at most 108 bytes long."""
    here = os.open(path.parent, os.O_RDONLY)
    try:
        os.fchdir(here)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.close(here)


def data(content: bytes | str) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )


ZIPS = [
    Case(
        1,
        "ratio.docx",
        lambda path: path.write_bytes(docx(PARAGRAPH.format("a" * 30 * MEGABYTE))),
        "refused",
        "inflates",
    ),
    Case(
        1,
        "sum.docx",
        lambda path: path.write_bytes(
            docx(extra={f"word/{n}.bin": b"\0" * 70 * MEGABYTE for n in range(3)})
        ),
        "refused",
        "210 MB",
    ),
    Case(
        1,
        "ratio.epub",
        lambda path: path.write_bytes(epub("<p>" + "b" * 30 * MEGABYTE)),
        "refused",
        "inflates",
    ),
    Case(
        1,
        "nested.docx",
        data(docx(extra={"word/inner.zip": zipped({"a": b"\0" * 9 * MEGABYTE})})),
        "read",
        "harmless words",
    ),
    Case(
        2,
        "lying.docx",
        data(lying(docx(PARAGRAPH.format("a" * 500_000)), b"word/document.xml", 100)),
        "unreadable",
        "damaged",
    ),
    Case(2, "overlapping.docx", data(overlapping()), "refused", "overlap"),
    Case(
        2,
        "many.docx",
        lambda path: path.write_bytes(
            docx(extra={f"w/{n}": "" for n in range(10_001)})
        ),
        "refused",
        "entries",
    ),
    Case(2, "cut.docx", data(docx()[:-40]), "unreadable", "archive"),
    Case(
        3,
        "names.docx",
        data(
            docx(
                extra={
                    "../../escaped": "x",
                    "/absolute": "x",
                    "C:\\drive": "x",
                    "nul\0name": "x",
                }
            )
        ),
        "read",
        "harmless words",
    ),
    Case(
        4,
        "laughs.docx",
        data(
            docx(
                PARAGRAPH.format("&a9;"),
                prolog=f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]>',
            )
        ),
        "refused",
        "entities",
    ),
    Case(
        4,
        "external.docx",
        data(
            docx(
                PARAGRAPH.format("&e;"),
                prolog='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
            )
        ),
        "refused",
        "entities",
    ),
    Case(
        4,
        "wide.docx",
        data(
            docx(
                document=(
                    '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "b">]>'
                    + WORD.format(SAFE)
                ).encode("utf-16")
            )
        ),
        "refused",
        "entities",
    ),
    Case(
        4,
        "odd.docx",
        data(docx(prolog='<?xml version="1.0" encoding="UTF-7"?>')),
        "refused",
        "UTF-7",
    ),
    Case(
        4,
        "laughs.opml",
        data(f"<!DOCTYPE o [{LAUGHS}]><opml>&a9;</opml>"),
        "refused",
        "entities",
    ),
    Case(
        4,
        "laughs.enex",
        data(f"<!DOCTYPE o [{LAUGHS}]><en-export>&a9;"),
        "refused",
        "entities",
    ),
    Case(8, "deep.json", data("[" * 200_000), "read", r"\["),
    Case(8, "deep.ipynb", data("[" * 200_000), "unreadable", "no notebook"),
    Case(8, "deep.canvas", data('{"nodes":' * 50_000), "read", "nodes"),
    Case(
        8,
        "braces.rtf",
        data("{\\rtf1 " + "{" * 200_000 + "harmless words"),
        "read",
        "harmless words",
    ),
    Case(8, "open.org", data("#+BEGIN_A\n:PROPERTIES:\n" * 5_000), "read", "BEGIN"),
    Case(
        8,
        "folded.ics",
        data("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:long" + "\n a" * 200_000),
        "read",
        "long",
    ),
    Case(4, "deep.docx", data(docx(deep(100_000))), "refused", "nested"),
    Case(
        4,
        "deep.odt",
        data(zipped({"content.xml": deep(100_000, "a")})),
        "refused",
        "nested",
    ),
    Case(
        4,
        "laughs.epub",
        data(
            epub(
                "<p>x",
                package=f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]><package>&a9;</package>',
            )
        ),
        "refused",
        "entities",
    ),
    Case(
        4,
        "deep.epub",
        data(epub("<div>" * 200_000 + "found" + "</div>" * 200_000)),
        "refused",
        "nested",
    ),
]

PDFS = [
    Case(
        5,
        "previous.pdf",
        data(
            pdf(
                CATALOG,
                PAGES,
                PAGE,
                shown(b"looped words"),
                FONT,
                trailer=b"/Prev TABLE",
            )
        ),
        "read|unreadable",
    ),
    Case(
        5,
        "kids.pdf",
        data(pdf(CATALOG, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9>>")),
        "read|unreadable",
    ),
    Case(
        5,
        "parents.pdf",
        data(
            pdf(
                CATALOG,
                b"<</Type/Pages/Kids[3 0 R]/Count 1/Parent 3 0 R>>",
                b"<</Type/Page/Parent 2 0 R/Contents 3 0 R>>",
            )
        ),
        "read|unreadable",
    ),
    Case(
        5,
        "outline.pdf",
        data(
            pdf(
                b"<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R>>",
                PAGES,
                PAGE,
                shown(b"outlined words"),
                FONT,
                b"<</First 6 0 R/Next 6 0 R/Title(x)>>",
            )
        ),
        "read",
        "outlined words",
    ),
    Case(5, "recovery.pdf", data(b"%PDF-1.4\n" + b"1 0 obj " * 50_000), "unreadable"),
    Case(
        6,
        "flate.pdf",
        lambda path: path.write_bytes(
            pdf(CATALOG, PAGES, PAGE, flate_bomb(150 * MEGABYTE), FONT)
        ),
        "read|unreadable",
    ),
    Case(
        6,
        "twice.pdf",
        lambda path: path.write_bytes(
            pdf(CATALOG, PAGES, PAGE, flate_bomb(150 * MEGABYTE, 2), FONT)
        ),
        "read|unreadable",
    ),
    Case(
        6,
        "length.pdf",
        data(pdf(CATALOG, PAGES, PAGE, run_length_bomb(), FONT)),
        "read|unreadable",
    ),
    Case(
        7,
        "user.pdf",
        lambda path: path.write_bytes(encrypted("secret", "owner")),
        "unreadable",
        "encrypted",
    ),
    Case(
        7,
        "user-old.pdf",
        lambda path: path.write_bytes(encrypted("secret", "owner", "RC4-128")),
        "unreadable",
        "encrypted",
    ),
    Case(
        7,
        "owner.pdf",
        lambda path: path.write_bytes(encrypted("", "owner")),
        "read",
        "locked words",
    ),
    Case(
        8,
        "scan.pdf",
        data(pdf(CATALOG, PAGES, PAGE, stream(b"0 0 300 300 re f"), FONT)),
        "read",
        r"^files / scan\.pdf$",
        "no text layer",
    ),
    Case(
        8,
        "white.pdf",
        data(pdf(CATALOG, PAGES, PAGE, shown(b"white words", b"1 1 1 rg "), FONT)),
        "read",
        "white words",
    ),
]

YAML_BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
TEXTS = [
    Case(9, "huge.txt", large, "large|cloud"),
    Case(
        9,
        "line.txt",
        lambda path: path.write_bytes(b"word " * 800_000),
        "read",
        "^word word",
        "cut to the first 2,000,000",
    ),
    Case(
        10,
        "binary.md",
        lambda path: path.write_bytes(os.urandom(100_000)),
        "unreadable",
        "binary",
    ),
    Case(
        10,
        "program.txt",
        data(b"\x7fELF\x02\x01\x01" + b"\0" * 5_000),
        "unreadable",
        "binary",
    ),
    Case(
        11,
        "utf16.txt",
        data("Grüße aus Köln".encode("utf-16")),
        "read",
        "Grüße aus Köln",
    ),
    Case(
        11,
        "utf32.txt",
        data("Grüße aus Köln".encode("utf-32")),
        "read",
        "Grüße aus Köln",
    ),
    Case(
        11,
        "bare16.txt",
        data(("Greetings from Cologne, " * 20).encode("utf-16-le")),
        "read",
        "Greetings from Cologne",
    ),
    Case(
        11,
        "mixed.txt",
        data("Grüße ".encode() + "Köln".encode("cp1252")),
        "read",
        "Grüße Köln",
        "Windows-1252",
    ),
    Case(
        11,
        "surrogate.txt",
        data(b"half \xed\xa0\x80 pair"),
        "read",
        "half \ufffd+ pair",
    ),
    Case(
        11,
        "overlong.txt",
        data(b"slash \xc0\xaf end"),
        "read",
        "slash .+ end",
        "not UTF-8",
    ),
    Case(
        12,
        "nul.md",
        data(b"---\ntitle: a\\0b\n---\nwords with one \x00 in them"),
        "read",
        "one  in them",
        "NUL",
    ),
    Case(13, "blank.md", data("  \n\t\n"), "read", r"^files / blank\.md$", "empty"),
    Case(13, "nothing.md", data(""), "read", r"^files / nothing\.md$", "empty"),
    Case(13, "mark.txt", data("\ufeff"), "read", r"^files / mark\.txt$", "empty"),
    Case(14, "loop.md", lambda path: link(path, "loop.md"), "link"),
    Case(14, "out.md", lambda path: link(path, "/etc/passwd"), "link"),
    Case(14, "dangling.md", lambda path: link(path, "nowhere.md"), "link"),
    Case(14, "up", lambda path: link(path, ".."), "link"),
    Case(15, "pipe.md", lambda path: os.mkfifo(path), "special"),
    Case(15, "socket.md", listening, "special"),
    Case(15, "zero.md", lambda path: link(path, "/dev/zero"), "link"),
    Case(19, "quotes.md", data(">" * 20_000 + " inside\n"), "read", "inside"),
    Case(
        19,
        "lists.md",
        data("".join(" " * (2 * n) + f"- level {n}\n" for n in range(1_200))),
        "read",
        "level 1199",
    ),
    Case(19, "brackets.md", data("[" * 50_000 + "\nafter"), "read", "after"),
    Case(
        19,
        "ladder.md",
        data("".join("`" * n + "a" for n in range(1, 700)) + "\nafter"),
        "read",
        "after",
    ),
    Case(19, "markup.md", data("<!A" * 20_000 + "\nafter"), "read", "after"),
    Case(
        21,
        "bomb.md",
        data(f"---\n{YAML_BOMB}---\nbody after\n"),
        "read",
        "body after",
        "front matter",
    ),
    Case(
        21,
        "deep.md",
        data("---\na: " + "[" * 3_000 + "\n---\nbody after\n"),
        "read",
        "body after",
        "front matter",
    ),
    Case(
        21,
        "tagged.md",
        data("---\na: !!python/object/apply:os.system [id]\n---\nbody after\n"),
        "read",
        "body after",
        "front matter",
    ),
    Case(
        21,
        "dates.md",
        data("---\ndate: 9999-99-99\ny: 0x1F\ny: 2\n---\nbody after\n"),
        "read",
        "body after",
    ),
    Case(22, "deep.json", data("[" * 100_000 + "]" * 100_000), "read", r"\[\["),
    Case(
        22,
        "number.json",
        data('{"n": 1' + "0" * 5_000 + ', "x": NaN, "x": 1}'),
        "read",
        "NaN",
    ),
    Case(
        23,
        "columns.csv",
        data(",".join(map(str, range(400_000))) + "\n"),
        "read",
        "^0,1,2",
        "cut to the first",
    ),
    Case(23, "formula.csv", data("=cmd|'/c calc'!A1,2\n"), "read", "=cmd"),
    Case(
        36,
        "active.html",
        data(
            "<base href='http://evil.example/'><meta http-equiv=refresh content=0><p onclick=evil()>"
            + "shown words " * 40
            + "</p><script>evil()</script><!-- commented --><p style='display: none'>hidden text</p><svg><text>drawn</text></svg>"
        ),
        "read",
        "^((?!evil|commented|hidden text)[\\s\\S])*$",
    ),
    Case(
        36,
        "nested.html",
        data("<div>" * 200_000 + "found in the depth" + "</div>" * 200_000),
        "read",
        "found in the depth",
    ),
    Case(
        36,
        "million.html",
        data("<div>" * 1_000_000 + "found in the depth"),
        "read",
        "found in the depth",
    ),
]
CASES = [*ZIPS, *PDFS, *TEXTS]
