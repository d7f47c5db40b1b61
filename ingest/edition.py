"""Which edition of a reader this is: what one edition could not read, or read less well, is read again by the next.

Every change of the code that reads a kind of file, and of a library that it reads with, is another edition of that
kind; nobody has to remember to count up. Comments and layout are no change, nor is the code that only finds files or
chooses their reader. Leaves the decision to whoever takes files in.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

from ingest.document import Texts
from ingest.limits import Limits
from ingest.readers import READERS

DIGEST_BYTES = 8
HERE = Path(__file__).parent
# What reads beside our own code: how it is imported, and what it is called where it is installed.
LIBRARIES = dict(
    pair.split("/")
    for pair in """charset_normalizer/charset_normalizer lxml/lxml markdown_it/markdown_it_py openpyxl/openpyxl
    pypdf/pypdf docx/python_docx oxmsg/python_oxmsg pptx/python_pptx yaml/pyyaml striprtf/striprtf
    webvtt/webvtt_py""".split()
)
# They cut and date the text of every kind.
_EVERY_KIND = ("loading.py",)
# They find files, choose a reader or limit it: no part of a reader.
_NO_READER = set(
    "__init__.py readers/__init__.py media.py sniffing.py folders.py pool.py worker.py limits.py errors.py "
    "edition.py".split()
)
# What reads files inside of files, by the reader of any kind. Few PDFs hold one, and reading them again takes longest.
_ATTACHMENTS = "readers/attachments.py"
_SELDOM_HOLD_FILES = {"pdf"}
_EXPLAINS = re.compile(r'^[ \t]*(?:"""[\s\S]*?"""|#[^\n]*)[ \t]*$', re.MULTILINE)
_IMPORT = re.compile(r"\bfrom ingest([\w.]*) import (\([^)]*\)|[^\n]*)")
_NAME = re.compile(r"\w+")
_LIBRARY = re.compile(r"^\s*(?:from|import) (\w+)", re.MULTILINE)


def edition(media_type: str, limits: Limits) -> str:
    """The edition of a kind's reader, and the limits, in a few letters."""
    said = blake2b(repr(astuple(limits)).encode(), digest_size=DIGEST_BYTES)
    return f"{reader_edition(media_type)} {said.hexdigest()}"


def reader_edition(media_type: str) -> str:
    """The edition of a kind's reader; "" for a kind without one."""
    name = READERS.get(media_type)
    return edition_of(name) if name else ""


@cache
def edition_of(name: str, folder: Path = HERE) -> str:
    """That of a reader by its name: its code, all code of ours that it imports, and the versions of its libraries."""
    files = _with_imports([*_EVERY_KIND, f"readers/{name}.py"], folder)
    if _ATTACHMENTS in files and name not in _SELDOM_HOLD_FILES:
        readers = [f"readers/{reader}.py" for reader in READERS.values()]
        files |= _with_imports(readers, folder)
    return _digest(_module(folder, file) for file in sorted(files))


def _with_imports(names: Iterable[str], folder: Path) -> set[str]:
    """These files of ours and all that they import, directly or not."""
    waiting = list(names)
    found: set[str] = set()
    while waiting:
        file = waiting.pop()
        if file not in found and file not in _NO_READER:
            found.add(file)
            waiting += _module(folder, file).imports
    return found


@dataclass(frozen=True, slots=True)
class _Module:
    """A file of ours: a digest of its code, the files that it imports, the libraries."""

    digest: bytes
    imports: Texts
    libraries: frozenset[str]


def _digest(modules: Iterable[_Module]) -> str:
    found = blake2b(digest_size=DIGEST_BYTES)
    libraries: set[str] = set()
    for module in modules:
        found.update(module.digest)
        libraries |= module.libraries
    starts = tuple(f"{library}-" for library in libraries)
    for installed in _installed():
        if installed.startswith(starts):
            found.update(installed.encode())
    return found.hexdigest()


@cache
def _module(folder: Path, file: str) -> _Module:
    code = _EXPLAINS.sub("", (folder / file).read_text("utf-8"))
    words = "".join(code.split())
    libraries = map(LIBRARIES.get, _LIBRARY.findall(code))
    return _Module(
        blake2b(words.encode(), digest_size=DIGEST_BYTES).digest(),
        tuple(_imports(code, folder)),
        frozenset(filter(None, libraries)),
    )


def _imports(code: str, folder: Path) -> Iterator[str]:
    """The files of ours that some code imports: modules, and those that hold what it names."""
    for package, listed in _IMPORT.findall(code):
        place = package.lstrip(".").replace(".", "/")
        names = _NAME.findall(listed)
        for path in (place, *(f"{place}/{name}" for name in names)):
            module = f"{path.strip('/')}.py"
            if module in _files(folder):
                yield module


@cache
def _files(folder: Path) -> frozenset[str]:
    readers = (f"readers/{name}" for name in os.listdir(folder / "readers"))
    return frozenset([*os.listdir(folder), *readers])


@cache
def _installed() -> Texts:
    """The libraries with their versions, by the names of their folders: asking `importlib.metadata` takes 50 ms."""
    found = set()
    for place in sys.path:
        with suppress(OSError):
            names = [name.lower() for name in os.listdir(place or ".")]
            found |= {name for name in names if name.endswith(".dist-info")}
    return tuple(sorted(found))
