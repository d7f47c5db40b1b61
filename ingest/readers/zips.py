"""Zip-based formats: opened in memory after every entry was looked at, so that a library meets no bomb and no trap.

Counts declared and really inflated bytes, entries, overlaps and the ratio; refuses encrypted entries and XML that
declares entities, hides in an odd encoding or nests too deeply. Nothing is ever written to the name of an entry and
no inner archive is opened. Leaves out what the entries mean. Serves the office and EPUB readers.
"""

from __future__ import annotations

import io
import re
import zlib
from itertools import pairwise
from xml.parsers import expat
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from ingest.errors import RefusedFile, UnreadableFile
from ingest.limits import MEGABYTE, Limits

READ_BYTES = 1 << 20  # inflated at a time
SMALL_BYTES = (
    10 * MEGABYTE
)  # an archive that inflates to less is no bomb, whatever its ratio
DEPTH_BYTES = (
    8 * MEGABYTE
)  # of one XML entry whose nesting is counted: about half a second
XML_DEPTH = 256  # libxml2's classical limit; real documents stay below 100
ENCRYPTED = 0x1  # general purpose bit 0 (APPNOTE.TXT 4.4.4)
LOCAL_HEADER = 30  # bytes before name and extra field (APPNOTE.TXT 4.3.7)
_DECLARED = re.compile(
    rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']"""
)
_PLAIN = re.compile(
    rb"utf-?8|utf-?16(le|be)?|us-ascii|ascii|iso-8859-\d+|windows-125\d|latin-?1", re.I
)
_ENTITY = tuple(
    "<!ENTITY".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be")
)
# How UTF-16 begins: its byte order marks, or a bracket.
_WIDE_XML = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
# Names of ISO/IEC 29500 "strict".
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
# NotImplementedError: a way of compressing that Python does not know.
_DAMAGED = (BadZipFile, ValueError, OSError, NotImplementedError)
ODD = "it is not built as its program builds them; open it there and save it anew"


def opened(data: bytes, limits: Limits) -> ZipFile:
    """The archive, all entries proven harmless. Raises RefusedFile for a bomb, UnreadableFile for damage."""
    try:
        archive = ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except _DAMAGED as error:
        raise UnreadableFile("damaged: not a whole archive", ODD) from error
    _refuse_declared(entries, len(data), limits)
    inflated = 0
    for entry in entries:
        content = _inflated(archive, entry, limits.expanded_bytes - inflated)
        inflated += len(content)
        if content.lstrip()[:1] == b"<" or content.startswith(_WIDE_XML):
            _refuse_harmful_xml(content)
    _refuse_ratio(inflated, len(data), limits)
    return archive


def office_package(data: bytes, limits: Limits) -> tuple[ZipFile, bytes]:
    """(the archive, its bytes in the dialect that the libraries know) of an Office Open XML file. Raises as
    `opened`."""
    archive = opened(data, limits)
    is_strict = _STRICT.search(content(archive, "_rels/.rels"))
    return archive, _transitional(archive) if is_strict else data


def _transitional(archive: ZipFile) -> bytes:
    """The archive with ISO "strict" Office Open XML names turned to the transitional ones that libraries know.

    Entries are stored, not compressed: the copy lives in memory for one reading.
    """
    copy = io.BytesIO()
    with ZipFile(copy, "w", ZIP_STORED) as target:
        for entry in archive.infolist():
            content = archive.read(entry)
            if entry.filename.endswith((".xml", ".rels")):
                content = _STRICT.sub(
                    rb"http://schemas.openxmlformats.org/\1/2006/", content
                )
            target.writestr(ZipInfo(entry.filename), content)
    return copy.getvalue()


def content(archive: ZipFile, name: str) -> bytes:
    """The bytes of an entry, b"" when there is none of that name."""
    try:
        return archive.read(name)
    except KeyError:
        return b""


def _refuse_declared(entries: list[ZipInfo], size: int, limits: Limits) -> None:
    """What the directory says: refused before anything is inflated."""
    if len(entries) > limits.archive_entries:
        raise RefusedFile(
            f"{len(entries):,} entries in it, the cap is {limits.archive_entries:,}",
            ODD,
        )
    if any(entry.flag_bits & ENCRYPTED for entry in entries):
        raise UnreadableFile("encrypted", "save a copy without a password")
    total = sum(entry.file_size for entry in entries)
    if total > limits.expanded_bytes:
        cap = limits.expanded_bytes / MEGABYTE
        raise RefusedFile(
            f"inflates to {total / MEGABYTE:,.0f} MB, the cap is {cap:.0f} MB", ODD
        )
    _refuse_ratio(total, size, limits)
    in_order = sorted(entries, key=lambda entry: entry.header_offset)
    for before, after in pairwise(in_order):
        end = before.header_offset + LOCAL_HEADER + before.compress_size
        if end > after.header_offset:
            raise RefusedFile("entries of the archive overlap", ODD)


def _inflated(archive: ZipFile, entry: ZipInfo, room: int) -> bytes:
    """The real bytes of an entry, counted while they come. Raises when they exceed `room` or do not match the
    directory."""
    parts = []
    total = 0
    try:
        with archive.open(entry) as stream:
            while part := stream.read(READ_BYTES):
                total += len(part)
                if total > room:
                    raise RefusedFile("inflates to more than it says", ODD)
                parts.append(part)
    except (*_DAMAGED, zlib.error, EOFError) as error:
        raise UnreadableFile(
            "damaged: an entry of the archive cannot be read", ODD
        ) from error
    return b"".join(parts)


def _refuse_ratio(inflated: int, size: int, limits: Limits) -> None:
    if inflated > SMALL_BYTES and inflated > limits.expansion_ratio * size:
        raise RefusedFile(
            f"inflates {inflated // max(size, 1):,} times, the cap is {limits.expansion_ratio}",
            ODD,
        )


def _refuse_harmful_xml(content: bytes) -> None:
    """Refuses entities that are declared (billion laughs, external files), encodings that could hide them, and deep
    nesting."""
    declared = _DECLARED.match(content[:400])
    if declared and not _PLAIN.fullmatch(declared[1]):
        raise RefusedFile(f"XML in the encoding {declared[1].decode('ascii')}", ODD)
    refuse_entities(content)
    if len(content) <= DEPTH_BYTES:
        _refuse_deep_xml(content)


def refuse_entities(content: bytes) -> None:
    """Raises RefusedFile for XML that declares entities: they make gigabytes of a line, or name other files."""
    if any(mark in content for mark in _ENTITY):
        raise RefusedFile("XML that declares entities", ODD)


def _refuse_deep_xml(content: bytes) -> None:
    depth = 0
    parser = expat.ParserCreate()

    def start(_name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth > XML_DEPTH:
            raise RefusedFile(f"XML nested more than {XML_DEPTH} levels deep", ODD)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(content, True)
    except expat.ExpatError:  # HTML that is no XML, or damage: the reader decides
        return
