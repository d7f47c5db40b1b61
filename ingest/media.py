"""Which media type a file name says. Leaves out looking inside the file (`sniffing`). Serves the walk, the registry and
the store."""

from __future__ import annotations

from pathlib import PurePath

from ingest.document import Texts

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODP = "application/vnd.oasis.opendocument.presentation"
MBOX = "application/mbox"
ENEX = "application/enex+xml"
# Kinds that hold other files, which may take long to read.
HOLD_FILES = {
    MBOX,
    ENEX,
    "message/rfc822",
    "message/x-emlx",
    "application/vnd.ms-outlook",
    "application/pdf",
}
# Files that hold many documents, each with an address of its own.
HOLD_MANY = {MBOX, ENEX}
UNKNOWN = "application/octet-stream"

_SUFFIXES = {
    "text/markdown": "md markdown mdown mkd mdx qmd rmd",
    "text/plain": (
        "txt text log tex latex bib asc sub textile wiki mediawiki nfo diff patch"
    ),
    "text/x-org": "org",
    "text/x-rst": "rst rest",
    "text/asciidoc": "adoc asciidoc asciidoctor",
    "text/troff": "man mdoc roff",
    "text/calendar": "ics ical ifb icalendar",
    "text/vcard": "vcf vcard",
    "text/x-opml": "opml",
    "application/rtf": "rtf",
    "application/json": "json jsonl ndjson json5 geojson webmanifest jsonc",
    "application/vnd.obsidian.canvas": "canvas",
    "application/vnd.excalidraw": "excalidraw",
    "application/x-ipynb+json": "ipynb",
    "multipart/related": "mhtml mht",
    "message/x-emlx": "emlx",
    ENEX: "enex",
    # Languages and settings without a grammar here: read as plain blocks.
    "text/x-plain-code": (
        "css scss sass less sql toml yaml yml ini cfg conf properties env mk cmake gradle bat "
        "ps1 lua pl pm r jl swift kt kts scala clj cljs ex exs erl hs ml mli fs fsx vb cs php dart zig nim v sv vhd "
        "asm s proto graphql gql tf hcl nix vue svelte xml xsd xsl plist vim el lisp scm rkt d pas f90 m mm tcl "
        "awk sed"
    ),
    "text/x-python": "py pyi pyw",
    "text/x-javascript": "js mjs cjs jsx",
    "text/x-typescript": "ts mts cts",
    "text/x-tsx": "tsx",
    "text/x-go": "go",
    "text/x-rust": "rs",
    "text/x-java": "java",
    "text/x-c": "c h",
    "text/x-cpp": "cc cpp cxx hh hpp hxx ipp",
    "text/x-bash": "sh bash zsh ksh",
    "text/x-ruby": "rb rake gemspec",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "text/html": "html htm xhtml",
    "application/pdf": "pdf",
    # Macro and template kinds are the same inside; macros are never looked at.
    DOCX: "docx docm dotx dotm",
    PPTX: "pptx pptm ppsx potx",
    XLSX: "xlsx xlsm xltx",
    ODT: "odt ott",
    ODS: "ods ots",
    ODP: "odp otp",
    "application/epub+zip": "epub",
    "message/rfc822": "eml",
    MBOX: "mbox mbx mboxrd",
    "application/vnd.ms-outlook": "msg",
    "text/vtt": "vtt",
    "application/x-subrip": "srt",
    # Common kinds that get a name-only entry; the name tells a person what they are.
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "image/svg+xml": "svg svgz",
    "image/png": "png",
    "image/jpeg": "jpg jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/heic": "heic",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "application/zip": "zip",
}
# Files known by their whole name.
_NAMES = {
    "text/x-plain-code": (
        "makefile gnumakefile dockerfile containerfile justfile cmakelists.txt"
    ),
    "text/x-ruby": "rakefile gemfile",
    MBOX: "mbox",  # in a folder that Apple's Mail exported
    "text/plain": "readme license licence copying changelog authors notice todo",
}


# What people call a kind of file: how the names of such files end.
_FAMILIES = {
    "markdown": "md markdown",
    "md": "md markdown",
    "text": "txt text",
    "word": "docx docm doc odt rtf",
    "excel": "xlsx xlsm xls ods csv",
    "sheet": "xlsx xlsm xls ods csv tsv",
    "table": "xlsx xlsm xls ods csv tsv",
    "powerpoint": "pptx pptm ppt odp",
    "slides": "pptx pptm ppt odp",
    "mail": "eml mbox msg emlx",
    "email": "eml mbox msg emlx",
    "html": "html htm xhtml",
    "jpg": "jpg jpeg",
    "image": "png jpg jpeg gif webp heic svg",
    "python": "py pyi",
    "book": "epub",
    "calendar": "ics",
    "contact": "vcf",
}
NOTE = "note"  # what is no file


def by_word(table: dict[str, str]) -> dict[str, str]:
    """Each word of a table with the key that it stands under."""
    return {word: kind for kind, words in table.items() for word in words.split()}


SUFFIXES = by_word(_SUFFIXES)
NAMES = by_word(_NAMES)


def media_type(path: PurePath | str) -> str:
    """The media type by name, lower-cased suffix first, e.g. `a/B.MD` -> "text/markdown"; UNKNOWN when nothing says."""
    name = str(path).rpartition("/")[2].lower()
    _stem, dot, suffix = name.rpartition(".")
    return NAMES.get(name) or SUFFIXES.get(suffix if dot else "", UNKNOWN)


def endings(kind: str) -> Texts:
    """How the names of files of a kind end; none for a kind that nobody knows.

    >>> endings("slides")
    ('pptx', 'pptm', 'ppt', 'odp')
    """
    kind = kind.lower().lstrip(".")
    known = _FAMILIES.get(kind, "")
    if not known and kind in SUFFIXES:
        known = kind
    return tuple(known.split())
