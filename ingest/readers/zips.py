"""Zip-based formats: opened in memory after every entry was looked at, so that a library meets no bomb and no trap, and
an entry that is damaged costs no other.

Counts declared and really inflated bytes, entries, overlaps and the ratio; refuses encrypted entries and XML that
declares entities, hides in an odd encoding or nests too deeply. Nothing is ever written to the name of an entry and
no inner archive is opened. Leaves out what the entries mean. Serves the office and EPUB readers.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zlib
from collections.abc import Mapping
from itertools import pairwise
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from ingest.document import Texts
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
NAME_LENGTH = 26  # where in it the lengths of the two stand
PACKED_BYTES = 1 << 16  # of a damaged entry inflated at a time
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
_UNREADABLE = (*_DAMAGED, zlib.error, EOFError)
_XML_NAMES = (".xml", ".rels")
ODD = "it is not built as its program builds them; open it there and save it anew"


class Archive(ZipFile):
    """An archive whose entries are harmless. `damaged`: those that were not whole; they hold what was left of them.
    `malformed`: entries of XML that is none."""

    damaged: Texts = ()
    malformed: Texts = ()


def opened(data: bytes, limits: Limits) -> Archive:
    """The archive, all entries proven harmless. Raises RefusedFile for a bomb, UnreadableFile where it is none."""
    try:
        archive = Archive(io.BytesIO(data))
        entries = archive.infolist()
    except _DAMAGED as error:
        raise UnreadableFile("damaged: not a whole archive", ODD) from error
    _refuse_declared(entries, len(data), limits)
    inflated = 0
    left: dict[str, bytes] = {}
    malformed = []
    for entry in entries:
        room = limits.expanded_bytes - inflated
        try:
            content = _inflated(archive, entry, room)
        except _UNREADABLE:
            content = left[entry.filename] = _left_of(data, entry, room)
        inflated += len(content)
        is_xml = content.lstrip()[:1] == b"<" or content.startswith(_WIDE_XML)
        if is_xml and not _is_sound_xml(content):
            malformed.append(entry.filename)
    _refuse_ratio(inflated, len(data), limits)
    if left:
        archive = Archive(io.BytesIO(_copied(archive, left)))
    archive.damaged = tuple(left)
    archive.malformed = tuple(malformed)
    return archive


def office_package(data: bytes, limits: Limits) -> tuple[Archive, bytes]:
    """(the archive, its bytes as the libraries can read them) of an Office Open XML file. Raises as `opened`.

    ISO "strict" names are turned to the transitional ones that libraries know. An entry of XML that is damaged holds
    what lxml makes of the rest, at worst an empty element: the libraries give up at the first that they cannot parse.
    """
    archive = opened(data, limits)
    is_strict = bool(_STRICT.search(content(archive, "_rels/.rels")))
    changed = {}
    for name in archive.namelist():
        is_broken = name in archive.malformed or name in archive.damaged
        if not name.endswith(_XML_NAMES) or not (is_strict or is_broken):
            continue
        xml = content(archive, name)
        if is_broken:
            xml = _mended(xml)
        changed[name] = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", xml)
    if changed or archive.damaged:
        data = _copied(archive, changed)
    return archive, data


def damage(archive: Archive) -> list[str]:
    """What to tell a person of the entries that were not whole."""
    pictures = [name for name in archive.damaged if not name.endswith(_XML_NAMES)]
    broken = [*archive.damaged, *archive.malformed]
    others = [name for name in dict.fromkeys(broken) if name.endswith(_XML_NAMES)]
    notices = []
    if pictures:
        names = ", ".join(map(posixpath.basename, pictures))
        notices.append(f"damaged, and no text: {names}")
    for name in others:
        notices.append(f"{posixpath.basename(name)} is damaged: read as far as it goes")
    return notices


def _mended(xml: bytes) -> bytes:
    """What can be parsed of damaged XML: all of it but for the damage, else up to there, else an empty element."""
    from lxml import etree

    options = {"resolve_entities": False, "no_network": True, "load_dtd": False}
    lenient = etree.XMLParser(recover=True, **options)
    strict = etree.XMLParser(**options)
    for part in (xml, xml[: _error_at(xml)]):
        try:
            root = etree.fromstring(part, lenient)
            if root is not None:
                mended = bytes(etree.tostring(root))
                etree.fromstring(mended, strict)
                return mended
        except etree.XMLSyntaxError:
            continue
    return b"<damaged/>"


def _error_at(xml: bytes) -> int:
    """The byte at which XML is no longer well-formed."""
    parser = expat.ParserCreate()
    try:
        parser.Parse(xml, True)
    except expat.ExpatError:
        return max(parser.ErrorByteIndex, 0)
    return len(xml)


def _copied(archive: ZipFile, changed: Mapping[str, bytes]) -> bytes:
    """The archive with other content in some entries. They are stored, not compressed: the copy lives in memory for
    one reading."""
    copy = io.BytesIO()
    with ZipFile(copy, "w", ZIP_STORED) as target:
        for name in dict.fromkeys(archive.namelist()):
            content = changed.get(name)
            if content is None:
                content = archive.read(name)
            target.writestr(ZipInfo(name), content)
    return copy.getvalue()


def _left_of(data: bytes, entry: ZipInfo, room: int) -> bytes:
    """What can still be inflated of a damaged entry, up to `room` bytes."""
    start = entry.header_offset
    lengths = data[start + NAME_LENGTH : start + LOCAL_HEADER]
    if len(lengths) < 4:
        return b""
    start += LOCAL_HEADER + sum(struct.unpack("<HH", lengths))
    packed = data[start : start + entry.compress_size]
    if entry.compress_type == ZIP_STORED:
        return packed[:room]
    if entry.compress_type != ZIP_DEFLATED:
        return b""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    parts = []
    for at in range(0, len(packed), PACKED_BYTES):
        try:
            part = inflater.decompress(packed[at : at + PACKED_BYTES], room + 1)
        except zlib.error:
            break
        parts.append(part)
        room -= len(part)
        if room < 0:
            raise RefusedFile("inflates to more than it says", ODD)
    found = b"".join(parts)
    if len(found) > entry.file_size and zlib.crc32(found) == entry.CRC:
        raise UnreadableFile("damaged: an entry is larger than it says", ODD)
    return found[: entry.file_size]


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
    """The real bytes of an entry, counted while they come. Raises RefusedFile when they exceed `room`, one of
    _UNREADABLE when they are damaged."""
    parts = []
    total = 0
    with archive.open(entry) as stream:
        while part := stream.read(READ_BYTES):
            total += len(part)
            if total > room:
                raise RefusedFile("inflates to more than it says", ODD)
            parts.append(part)
    return b"".join(parts)


def _refuse_ratio(inflated: int, size: int, limits: Limits) -> None:
    if inflated > SMALL_BYTES and inflated > limits.expansion_ratio * size:
        raise RefusedFile(
            f"inflates {inflated // max(size, 1):,} times, the cap is {limits.expansion_ratio}",
            ODD,
        )


def _is_sound_xml(content: bytes) -> bool:
    """Whether it can be parsed. Refuses entities that are declared (billion laughs, external files), encodings that
    could hide them, and deep nesting."""
    declared = _DECLARED.match(content[:400])
    if declared and not _PLAIN.fullmatch(declared[1]):
        raise RefusedFile(f"XML in the encoding {declared[1].decode('ascii')}", ODD)
    refuse_entities(content)
    return len(content) > DEPTH_BYTES or _is_shallow_xml(content)


def refuse_entities(content: bytes) -> None:
    """Raises RefusedFile for XML that declares entities: they make gigabytes of a line, or name other files."""
    if any(mark in content for mark in _ENTITY):
        raise RefusedFile("XML that declares entities", ODD)


def _is_shallow_xml(content: bytes) -> bool:
    """Whether it is well-formed; raises RefusedFile where it nests too deeply."""
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
        return False
    return True
