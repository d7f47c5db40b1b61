"""What lies over the pages of a PDF or inside of it: values of form fields, comments, embedded files.

A value stands behind the printed label that its field is named after ("Insurance number: MQ-771-204"), else as "name:
value" below the page; a comment with who made it; the values of an XFA form, which are on no page, come last.
Whatever is damaged is passed over: it must not cost the page. Leaves out links, signatures' proof and drawings. Serves
`pdf`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ingest.readers.attachments import Attached
from ingest.readers.outline import comment, one_line
from ingest.readers.xml import local, tree

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

PARENTS = 10  # fields that a field lies in
VALUE_CHARS = 10_000  # of one value or comment
LIST_ITEMS = 100  # chosen in a list
EMBEDDED = 200  # files looked at
# Annotations without words of a person.
_WORDLESS = {
    "/Link",
    "/Popup",
    "/Widget",
    "/Screen",
    "/Movie",
    "/Sound",
    "/PrinterMark",
}
_UNCHECKED = {"/Off", "Off", ""}
# How a printed label ends, and what stands there to write on.
_LABEL_ENDS = (":", "_", "…", "...")
_BLANKS = ":_….· \t"
_WORD = re.compile(r"[A-Z]?[a-zà-ÿ]+|[A-Z]+|[^\W\d_a-zA-Zà-ÿ]+|\d+")
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?")


class Fields:
    """The form of a document, each field told once: at the first page that shows it."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def on(self, page: PageObject, lines: list[str]) -> list[str]:
        """The lines of a page with the values of its fields: behind their labels, else below."""
        filled = list(lines)
        below = []
        for item in _annotations(page):
            name, value = self._new(item)
            label = -1
            if value and "\n" not in value:
                label = _label(name, lines)
            # One label, one value: two on a line might change places.
            if label >= 0 and filled[label] == lines[label]:
                filled[label] = f"{filled[label].rstrip(_BLANKS)}: {value}"
            elif value:
                below.append(_line(name, value))
        if not below:
            return filled
        return [*filled, "", *below]

    def elsewhere(self, reader: PdfReader) -> list[str]:
        """Of the fields that no page shows, and of an XFA form."""
        lines = []
        try:
            for field in (reader.get_fields() or {}).values():
                name, value = self._new(field)
                if value:
                    lines.append(_line(name, value))
        except MemoryError:
            raise
        except Exception:  # pypdf raises whatever a broken structure leads to
            lines.clear()
        return [*lines, *_xfa(reader)]

    def _new(self, item: Any) -> tuple[str, str]:
        """(name, value) of a filled field that was not told yet, else empty."""
        try:
            is_field = item.get("/Subtype", "/Widget") == "/Widget"
            found = _field(item) if is_field else ("", "")
        except MemoryError:
            raise
        except Exception:
            return "", ""
        if not found[1] or found in self._told:
            return "", ""
        self._told.add(found)
        return found


def _line(name: str, value: str) -> str:
    if not name:
        return value
    return f"{name}: {value}"


def _label(name: str, lines: list[str]) -> int:
    """The one line that is a label with all the words of the field's name, -1 where there is none or several."""
    words = set(_words(name))
    if not words:
        return -1
    labels = [
        at
        for at, line in enumerate(lines)
        if line.rstrip().endswith(_LABEL_ENDS) and words <= set(_words(line))
    ]
    if len(labels) != 1:
        return -1
    return labels[0]


def _words(name: str) -> list[str]:
    """The words of a name, also of "boatLength" and "boat_length"."""
    return [word.lower() for word in _WORD.findall(name)]


def _annotations(page: PageObject) -> Iterator[Any]:
    """What lies on a page, as far as it can be read."""
    try:
        listed = page.get("/Annots")
        listed = listed.get_object() if listed is not None else []
        for reference in listed:
            yield reference.get_object()
    except MemoryError:
        raise
    except Exception:
        return


def _field(item: Any) -> tuple[str, str]:
    """(name, value) of a form field; a value may stand at the field that it lies in."""
    names: list[str] = []
    label = value = kind = None
    for _step in range(PARENTS):
        if (name := item.get("/T")) is not None:
            names.insert(0, one_line(str(name)))
        label = label or item.get("/TU")
        if value is None:
            value = item.get("/V")
        kind = kind or item.get("/FT")
        parent = item.get("/Parent")
        if parent is None:
            break
        item = parent.get_object()
    shown = one_line(str(label or "")) or ".".join(filter(None, names))
    if kind == "/Sig":
        return shown, ""
    return shown, _value(value, kind)


def _value(value: Any, kind: Any) -> str:
    """A field's value in words: "yes" for a box that is ticked."""
    if value is None:
        return ""
    if hasattr(value, "get_object"):
        value = value.get_object()
    if isinstance(value, list):
        return ", ".join(one_line(str(item)) for item in value[:LIST_ITEMS])
    if hasattr(value, "get_data"):  # a long text is a stream
        value = value.get_data().decode("utf-8", "replace")
    said = str(value)[:VALUE_CHARS].replace("\r\n", "\n").replace("\r", "\n").strip()
    if kind == "/Btn":
        if said in _UNCHECKED:
            return ""
        said = said.removeprefix("/")
        if said.lower() in ("yes", "on", "1", "true", "ja", "oui"):
            return "yes"
        return said
    return said


def comments(page: PageObject) -> Iterator[str]:
    """The comments on a page, each with its author and day where they are known."""
    for item in _annotations(page):
        try:
            if item.get("/Subtype") in _WORDLESS:
                continue
            words = (
                str(item.get("/Contents") or "")[:VALUE_CHARS]
                .replace("\r", "\n")
                .strip()
            )
            author = one_line(str(item.get("/T") or ""))
            day = _DATE.match(str(item.get("/CreationDate") or item.get("/M") or ""))
        except MemoryError:
            raise
        except Exception:
            continue
        if words:
            when = ""
            if day:
                when = "-".join(filter(None, day.groups()))
            yield comment(words, author, when)


def _xfa(reader: PdfReader) -> list[str]:
    """The filled values of an XFA form, which is XML beside the pages."""
    try:
        packets = reader.xfa or {}
        root = tree(packets.get("datasets") or b"")
    except MemoryError:
        raise
    except Exception:
        return []
    lines = []
    for element in root.iter() if root is not None else ():
        words = ""
        if not len(element):
            words = one_line(element.text or "")
        if words and local(element):
            lines.append(f"{local(element)}: {words[:VALUE_CHARS]}")
    return list(dict.fromkeys(lines))


def embedded(reader: PdfReader) -> Iterator[Attached]:
    """The files that the document carries, also those pinned to a page; damaged ones without their bytes."""
    seen = set()
    for count, (name, data) in enumerate(_files(reader)):
        if count >= EMBEDDED:
            return
        if (name, len(data)) not in seen:
            seen.add((name, len(data)))
            yield Attached(name, data)


def _files(reader: PdfReader) -> Iterator[tuple[str, bytes]]:
    try:
        for file in reader.attachment_list:
            yield str(file.alternative_name or file.name), file.content
    except MemoryError:
        raise
    except (
        Exception
    ):  # a broken tree of names: what lies on the pages may still be read
        pass
    for page in reader.pages:
        for item in _annotations(page):
            if item.get("/Subtype") != "/FileAttachment":
                continue
            try:
                stated = item["/FS"].get_object()
                name = str(stated.get("/UF") or stated.get("/F") or "attachment")
                stream = stated["/EF"].get_object()
                stream = (stream.get("/UF") or stream["/F"]).get_object()
                yield name, stream.get_data()
            except MemoryError:
                raise
            except Exception:
                yield "attachment", b""
