"""What code, tests and pages cite is there: every page, every section, every link; and nobody cites what is not here.

A citation is the name of a page, alone or with a section: `docs/FAULTS.md, "Caps on what is read"`. Comments, docstrings and
pages are read; other strings are data. A number of an issue or of a row in somebody's plan helps no reader: the reason does.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
LISTED = subprocess.run(
    ["git", "ls-files", "-co", "--exclude-standard"],
    capture_output=True,
    text=True,
    cwd=ROOT,
    check=True,
).stdout.splitlines()
FILES = [ROOT / name for name in LISTED if (ROOT / name).is_file()]
CODE = [path for path in FILES if path.suffix == ".py"]
PAGES = [
    path
    for path in FILES
    if path.suffix == ".md" and path.relative_to(ROOT).parts[0] != "sample_corpus"
]
SHELVES = (
    ROOT / "docs",
    ROOT / "benchmarks",
    ROOT,
)  # where a page is looked for that is cited by its name alone

CITED = re.compile(
    r"((?:[\w.-]+/)*[A-Z][A-Z_]{3,}\.md)(?:,? (?:\"([^\"]+)\"|(§ ?[\w.]+)))?"
)
NOT_PAGES = {"SKILL.md"}  # a file of the Agent Skills format
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HOLE = re.compile(r"NAME|NNNN")  # a name that the reader fills in
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PLAN = re.compile(
    r"\b(?:another|this|that|later|next|previous) issue\b|\bissues? #?\d+|\bUSERS \d+|\b(?:USERS|HOUSE|STYLE|TREE)\b[.,]"
    r"|\b(?:FAULTS|RETRIEVAL|HOUSE|USERS|OLLAMA|MEMORY|SOVEREIGNTY|STYLE|TREE)(?:\.md)?,? (?:§|rows? \d|\d|F\d)"
    r"|\((?:HOUSE|USERS|STYLE|TREE)\)|\b[Rr]ows? \d+\b"
)
PLAN_NAME = re.compile(r"test_(?:users|rows?|issue)_\d+")


@cache
def sections(page: Path) -> frozenset[str]:
    """The titles of the page's sections, without marks of code."""
    text = FENCED.sub("", page.read_text("utf-8"))
    return frozenset(title.replace("`", "").strip() for title in HEADING.findall(text))


def anchor(title: str) -> str:
    """The fragment under which a heading is reached: lower case, spaces to dashes, punctuation gone.

    >>> anchor("Is the model on this machine?")
    'is-the-model-on-this-machine'
    """
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def may_cite(source: str) -> bool:
    """Whether code holds what looks like a citation, in a string too: most files do not, and need not be taken apart."""
    comments = [line.partition("#")[2] for line in source.splitlines() if "#" in line]
    whole = re.sub(r"\n\s*#", "\n", source)
    text = " ".join(" ".join((whole, *comments)).split())
    return bool(CITED.search(text) or PLAN.search(text))


@cache
def prose(path: Path, source: str) -> str:
    """What a person wrote to be read: comments and docstrings of Python, the whole of a page; lines joined."""
    if path.suffix != ".py":
        return " ".join(source.split())
    if not may_cite(source):
        return ""
    said = [
        ast.get_docstring(node, clean=False) or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, DOCUMENTED)
    ]
    comments = [
        token.string.lstrip("#")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    return " ".join(" ".join((*said, "\n", *comments)).split())


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def found(cited: str, citing: Path) -> Path | None:
    """The page that is meant, None when there is none."""
    places = (citing.parent, *SHELVES) if "/" not in cited else (ROOT, citing.parent)
    return next((place / cited for place in places if (place / cited).is_file()), None)


def lost(path: Path, source: str) -> list[str]:
    """Citations of pages or sections that are not there."""
    faults = []
    for cited, title, number in CITED.findall(prose(path, source)):
        if cited.rpartition("/")[2] in NOT_PAGES:
            continue
        page = found(cited, path)
        if page is None:
            faults.append(f"{cited} is not here")
        elif number or (title and title not in sections(page)):
            faults.append(f"{cited} has no section {number or title!r}")
    return faults


def dead_links(page: Path, text: str) -> list[str]:
    """Relative links that lead nowhere, anchors that no heading has."""
    faults = []
    for link in LINK.findall(FENCED.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, fragment = link.partition("#")
        target = page.parent / name if name else page
        titles = (
            {anchor(title) for title in sections(target)}
            if target.suffix == ".md" and target.is_file()
            else set()
        )
        if not target.exists() or (fragment and fragment not in titles):
            faults.append(link)
    return faults


def gone(page: Path, text: str) -> list[str]:
    """Files and folders of ours that the page names between backticks and that are not there; `*` stands for any."""
    named = re.findall(
        r"`((?:brain|ingest|migrations|tests|benchmarks|docs|sample_corpus)/[\w./*-]*)`",
        text,
    )
    return [
        name
        for name in named
        if not any(ROOT.glob(name.rstrip("/"))) and not HOLE.search(name)
    ]


def plans(path: Path, source: str) -> list[str]:
    """Citations of issues and plans in what a person reads, and in the names of tests."""
    named = PLAN_NAME.findall(source) if path.suffix == ".py" else []
    return [match.group() for match in PLAN.finditer(prose(path, source))] + named


def told(faults: dict[Path, list[str]]) -> str:
    return "\n".join(
        f"{path.relative_to(ROOT)}: {', '.join(said)}"
        for path, said in faults.items()
        if said
    )


def test_every_page_and_section_that_is_cited_is_there() -> None:
    assert not told(
        {path: lost(path, path.read_text("utf-8")) for path in (*CODE, *PAGES)}
    )


def test_every_link_of_a_page_leads_somewhere() -> None:
    assert not told({page: dead_links(page, page.read_text("utf-8")) for page in PAGES})


def test_every_file_that_a_page_names_is_there() -> None:
    pages = [
        page for page in PAGES if page.name != "CHANGELOG.md"
    ]  # what it tells of may be gone since
    assert not told({page: gone(page, page.read_text("utf-8")) for page in pages})


def test_nobody_cites_an_issue_or_a_plan() -> None:
    paths = [path for path in (*CODE, *PAGES) if path != Path(__file__)]
    assert not told({path: plans(path, path.read_text("utf-8")) for path in paths})


def test_a_lost_citation_is_found(tmp_path: Path) -> None:
    module, page = tmp_path / "m.py", ROOT / "docs" / "new.md"
    assert lost(module, "# docs/NOWHERE.md says so\n") == [
        "docs/NOWHERE.md is not here"
    ]
    assert lost(module, '"""See docs/FAULTS.md, "Nothing of\nthe kind"."""') == [
        "docs/FAULTS.md has no section 'Nothing of the kind'"
    ]
    assert lost(module, "x = 1  # FAULTS.md §3\n") == ["FAULTS.md has no section '§3'"]
    assert lost(module, '# docs/FAULTS.md, "Caps on\n# what is read"\n') == []
    assert lost(module, 'x = "docs/NOWHERE.md"') == []
    assert dead_links(
        page,
        "[a](NOWHERE.md) [b](FAULTS.md#nothing) [c](FAULTS.md#erasing) [d](https://x.y)",
    ) == [
        "NOWHERE.md",
        "FAULTS.md#nothing",
    ]


def test_a_file_that_is_gone_is_found() -> None:
    page = ROOT / "README.md"
    assert gone(
        page,
        "`brain/nowhere.py` `brain/app/` `tests/ingest/test_NAME.py` `brain/*/ask.py`",
    ) == ["brain/nowhere.py"]


def test_a_citation_of_a_plan_is_found(tmp_path: Path) -> None:
    module = tmp_path / "m.py"
    for comment in (
        "issue 2",
        "USERS 9",
        "HOUSE §7",
        "FAULTS row 39",
        "STYLE.md",
        "USERS.md, row 22",
        "rows 1-23",
    ):
        assert plans(module, f"x = 1  # {comment}: so\n"), comment
    assert plans(module, "def test_users_08_pages(): ...\n") == ["test_users_08"]
    assert (
        plans(
            module,
            '"""Batches hold 100 rows; one row of two."""\nsaid = "has no row 900"\n',
        )
        == []
    )
