"""Which media type a file name says. Leaves out looking inside the file. Serves the walk, the registry and the
store."""

from __future__ import annotations

from pathlib import PurePath

_MARKDOWN = "md markdown mdown mkd mdx qmd rmd"
_PLAIN = "txt text log rst org tex latex bib adoc asciidoc asc sub textile wiki mediawiki man nfo diff patch"
_TABLES = {"csv": "text/csv", "tsv": "text/tab-separated-values"}
_CODE = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "c": "c h",
    "cpp": "cc cpp cxx hh hpp hxx ipp",
    "bash": "sh bash zsh ksh",
    "ruby": "rb rake gemspec",
}
# Languages and settings without a grammar here: read as plain blocks.
_CONFIG = (
    "css scss sass less sql toml yaml yml json jsonl ndjson json5 ini cfg conf properties env mk cmake gradle bat ps1 "
    "lua pl pm r jl swift kt kts scala clj cljs ex exs erl hs ml mli fs fsx vb cs php dart zig nim v sv vhd asm s "
    "proto graphql gql tf hcl nix vue svelte xml xsd xsl svg plist vim el lisp scm rkt d pas f90 m mm tcl awk sed canvas"
)
# Files known by their whole name.
_NAMES = {
    "makefile": "text/x-plain-code",
    "gnumakefile": "text/x-plain-code",
    "dockerfile": "text/x-plain-code",
    "containerfile": "text/x-plain-code",
    "justfile": "text/x-plain-code",
    "cmakelists.txt": "text/x-plain-code",
    "rakefile": "text/x-ruby",
    "gemfile": "text/x-ruby",
    "readme": "text/plain",
    "license": "text/plain",
    "licence": "text/plain",
    "copying": "text/plain",
    "changelog": "text/plain",
    "authors": "text/plain",
    "notice": "text/plain",
    "todo": "text/plain",
}
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODP = "application/vnd.oasis.opendocument.presentation"
# Macro and template kinds are the same inside; macros are never looked at.
_OFFICE = {
    DOCX: "docx docm dotx dotm",
    PPTX: "pptx pptm ppsx potx",
    XLSX: "xlsx xlsm xltx",
    ODT: "odt ott",
    ODS: "ods ots",
    ODP: "odp otp",
    "application/epub+zip": "epub",
    "message/rfc822": "eml",
    "application/mbox": "mbox",
    "application/vnd.ms-outlook": "msg",
    "text/vtt": "vtt",
    "application/x-subrip": "srt",
}
# Common kinds that get a name-only entry; the name tells a person what they are.
_NO_READER = {
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "rtf": "application/rtf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "zip": "application/zip",
}
UNKNOWN = "application/octet-stream"

SUFFIXES: dict[str, str] = {
    **dict.fromkeys(_MARKDOWN.split(), "text/markdown"),
    **dict.fromkeys(_PLAIN.split(), "text/plain"),
    **dict.fromkeys(_CONFIG.split(), "text/x-plain-code"),
    **{
        suffix: f"text/x-{language}"
        for language, suffixes in _CODE.items()
        for suffix in suffixes.split()
    },
    **_TABLES,
    **dict.fromkeys(("html", "htm", "xhtml"), "text/html"),
    "pdf": "application/pdf",
    **{suffix: kind for kind, suffixes in _OFFICE.items() for suffix in suffixes.split()},
    **_NO_READER,
}


def media_type(path: PurePath | str) -> str:
    """The media type by name, lower-cased suffix first, e.g. `a/B.MD` -> "text/markdown"; UNKNOWN when nothing says."""
    name = (path if isinstance(path, str) else path.name).rpartition("/")[2].lower()
    return _NAMES.get(name) or SUFFIXES.get(name.rpartition(".")[2] if "." in name else "", UNKNOWN)
