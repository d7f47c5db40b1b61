"""The house rules of the project, held by tests: who may import whom, how long things are, where SQL and networks live."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Container, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("brain", "ingest", "migrations")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 55
MEDIAN_FUNCTION_LINES = 10

BASE = {
    "brain.errors",
    "brain.types",
    "brain.protocols",
    "brain.prompts",
    "brain.reports",
    "brain.faults",
    "brain.plain",
    "brain.labels",
    "brain.recalled",
    "brain.inbox",
    "brain.health",
    "brain.fitted",
    "brain.tripwire",
    "brain.store.vector_bytes",
    "brain.store.row_hash",
}
# Pure rooms of ingest that a row below the app may use: values, terms, sentences, tokens. Not readers, not the walk.
VALUES = {
    "ingest.document",
    "ingest.chunk_terms",
    "ingest.media",
    "ingest.stated",
    "ingest.terms",
    "ingest.words",
    "ingest.sentences",
    "ingest.tokens",
    "ingest.errors",
}

# room -> the rooms that it may import besides its own. Nothing else may. (The plan's table, one line a room.)
ARROWS: dict[str, set[str]] = {
    "ingest": set(),
    "migrations": {
        "ingest.chunk_terms",
        "ingest.scripts",
        "ingest.stated",
        "ingest.terms",
    },
    "brain": set(),
    "brain.__main__": {"brain.doors.cli"},
    "brain.errors": set(),
    "brain.child": set(),
    "brain.reports": {"brain.labels", "brain.types"},
    "brain.types": {"brain.labels"},
    "brain.labels": set(),
    "brain.recalled": {"brain.types"},
    "brain.inbox": {"brain.labels"},
    "brain.health": {"brain.types"},
    "brain.protocols": {"brain.types"},
    "brain.prompts": set(),
    "brain.faults": set(),
    "brain.fitted": set(),
    "brain.tripwire": {"brain.errors"},
    "brain.store.vector_bytes": {"brain.errors", "brain.protocols"},
    "brain.store.row_hash": set(),
    "brain.config": BASE | VALUES,
    "brain.store": BASE | VALUES | {"migrations"},
    "brain.index": BASE | VALUES | {"brain.child", "brain.store"},
    "brain.governance": BASE | VALUES | {"brain.models", "brain.store"},
    "brain.models": BASE | VALUES,
    "brain.text": VALUES | {"brain.types"},
    "brain.retrieval": BASE | VALUES | {"brain.text"},
    "brain.confidence": BASE | VALUES,
    "brain.answering": BASE | VALUES | {"brain.text", "brain.confidence"},
    "brain.keeping": BASE
    | VALUES
    | {
        "ingest.readers.front_matter",
        "brain.child",
        "brain.config",
        "brain.index",
        "brain.store",
    },
    "brain.evaluation": BASE
    | VALUES
    | {
        "brain.answering",
        "brain.confidence",
        "brain.retrieval",
        "brain.store",
        "brain.text",
    },
    "brain.doors": BASE | {"brain.app", "brain.config"},
}
SQL_ROOMS = ("brain/store/", "migrations/")
NETWORK = {
    "httpx",
    "httpx2",
    "httpcore",
    "ollama",
    "anthropic",
    "openai",
    "requests",
    "socket",
    "urllib.request",
    "http.client",
    "aiohttp",
    "urllib3",
}
NETWORK_FILES = re.compile(
    r"brain/(models/(ollama|cloud)\w*|governance/gate|doors/(cli/(front|resident|wire)|http/app|notify))\.py$"
)
HEAVY = (
    "chromadb",
    "ollama",
    "sqlite_utils",
    "onnxruntime",
    "pypdf",
    "httpx",
    "wordllama",
    "numpy",
    "rich",
    "anthropic",
    "openai",
    "mcp",
)


@cache
def nodes(path: Path) -> list[ast.AST]:
    """The syntax tree of a file, in one list that begins with the module: each rule looks at all of them."""
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def module_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """The longest named room that holds the module; brain.app alone has no entry, since it knows all the parts."""
    while module and module not in ARROWS and module != "brain.app":
        module = module.rpartition(".")[0]
    return module


@cache
def imports(path: Path) -> set[str]:
    """Every module named by an import statement anywhere in the file, relative ones resolved."""
    found = set()
    package = (
        module_of(path)
        if path.name == "__init__.py"
        else module_of(path).rpartition(".")[0]
    )
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


@cache
def ours(name: str) -> bool:
    return name.split(".")[0] in PACKAGES and any(
        (ROOT / Path(*name.split("."))).with_suffix(".py").exists()
        or (ROOT / Path(*name.split("."))).is_dir()
        for _ in (0,)
    )


def forbidden_imports(path: Path) -> list[str]:
    """The imports of one file that the table of arrows does not allow."""
    room = room_of(module_of(path))
    if room == "brain.app":
        return [name for name in imports(path) if name.startswith("brain.doors")]
    allowed = ARROWS[room]
    found = []
    for name in imports(path):
        if not ours(name) or name == "brain":
            continue
        target = room_of(name)
        inside = target == room or name.startswith(f"{room}.")
        # `from brain.app import x` names both; a value module of ingest is allowed by its own name
        listed = target in allowed or name in allowed
        if not (inside or listed or any(one.startswith(f"{name}.") for one in allowed)):
            found.append(name)
    return found


def private_imports(path: Path) -> list[str]:
    """The names with an underscore that a file takes from another module of ours."""
    return [
        f"{node.module}.{alias.name}"
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.module and ours(node.module)
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]


def modules_of(path: Path, known: Container[str]) -> set[str]:
    """The modules of ours that a file imports: of `from brain.app import capture` the submodule, not the package."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(name if name in known else node.module for name in inner)
    return {name for name in found if name in known}


def circle(sources: Mapping[str, set[str]]) -> list[str]:
    """The modules of one circle of imports, [] when there is none. `sources`: module -> what it imports."""
    try:
        TopologicalSorter(sources).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def offenders(check: Callable[[Path], list[str]]) -> list[str]:
    """Every file that breaks a rule, with what is wrong in it: one assertion tells all of them."""
    return [f"{module_of(path)}: {wrong}" for path in FILES for wrong in check(path)]


def test_arrows_go_one_way() -> None:
    assert offenders(forbidden_imports) == []


def test_no_module_takes_a_private_name_of_another() -> None:
    assert offenders(private_imports) == []


def test_no_circle_of_imports_not_even_a_lazy_one() -> None:
    """What two modules need of one another lies in a third, below both."""
    modules = {module_of(path): path for path in FILES}
    assert (
        circle({name: modules_of(path, modules) for name, path in modules.items()})
        == []
    )
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []


def test_the_arrow_test_can_fail(tmp_path: Path) -> None:
    """The table is a real constraint: a store that imported retrieval, or ingest that imported brain, is not in it."""
    assert "brain.retrieval" not in ARROWS["brain.store"]
    assert not any(name.startswith("brain") for name in ARROWS["ingest"])
    source = tmp_path / "x.py"
    source.write_text("def f():\n    from brain.app import Brain\n")
    assert "brain.app" in {
        name
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.ImportFrom)
        for name in [node.module]
    }


def too_long(path: Path) -> list[str]:
    text = path.read_text("utf-8")
    found = (
        [f"{text.count(chr(10))} lines"] if text.count("\n") > MAX_FILE_LINES else []
    )
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                found.append(f"{node.name} has {lines} lines")
    return found


def test_files_and_functions_stay_small() -> None:
    assert offenders(too_long) == []


def test_functions_are_short_in_the_middle() -> None:
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert statistics.median(lengths) < MEDIAN_FUNCTION_LINES


def without_header(path: Path) -> list[str]:
    module = nodes(path)[0]
    assert isinstance(module, ast.Module)
    header = ast.get_docstring(module) or ""
    return [] if header.strip() else ["no docstring says what it does"]


def test_every_module_says_what_it_does() -> None:
    assert offenders(without_header) == []


def test_the_formatter_is_never_switched_off() -> None:
    def switched_off(path: Path) -> list[str]:
        return re.findall(r"#\s*fmt:\s*(?:skip|off)", path.read_text("utf-8"))

    assert offenders(switched_off) == []


SQL = re.compile(
    r"^\s*(SELECT\s.+\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s"
    r"|DELETE\s+FROM\s|CREATE\s+(VIRTUAL\s+)?TABLE\s|PRAGMA\s)",
    re.S,
)


def statements(path: Path) -> list[str]:
    """The string constants of a file that are SQL, unless it may hold them."""
    if str(path.relative_to(ROOT)).startswith(SQL_ROOMS):
        return []
    constants = [node for node in nodes(path) if isinstance(node, ast.Constant)]
    texts = [node.value for node in constants if isinstance(node.value, str)]
    return [text[:60] for text in texts if SQL.match(text)]


def test_sql_lives_in_the_store() -> None:
    assert offenders(statements) == []


def test_network_libraries_only_in_the_loopback_client() -> None:
    def networks(path: Path) -> list[str]:
        if NETWORK_FILES.search(str(path.relative_to(ROOT))):
            return []
        return sorted(imports(path) & NETWORK)

    assert offenders(networks) == []


@pytest.mark.parametrize(
    ("package", "user"),
    [("chromadb", "brain.index.chroma"), ("rich", "brain.doors.render")],
)
def test_one_module_alone_imports(package: str, user: str) -> None:
    users = {
        module_of(path)
        for path in FILES
        if any(name.split(".")[0] == package for name in imports(path))
    }
    assert users == {user}


def test_the_cloud_is_reached_through_the_gate_alone() -> None:
    """The makers' packages are named in one module, by name, and that module is imported by the gate and nobody else."""
    named = {
        module_of(path)
        for path in FILES
        if re.search(r'"(?:anthropic|openai)"\)\.\w', path.read_text("utf-8"))
        or imports(path) & {"anthropic", "openai"}
    }
    assert named == {"brain.models.cloud"}
    holders = {
        module_of(path) for path in FILES if "brain.tripwire.permitted" in imports(path)
    }
    assert holders == {
        "brain.models.ollama_knock",
        "brain.models.ollama_wire",
        "brain.governance.gate",
    }
    users = {
        module_of(path)
        for path in FILES
        if imports(path) & {"brain.models.cloud", "brain.models.cloud_wire"}
    }
    assert users == {"brain.models.cloud", "brain.governance.gate"}


def test_help_loads_no_heavy_package() -> None:
    code = (
        "import sys\nfrom brain.doors.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"found = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'loaded: {found}' if found else 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert "ask" in run.stdout


def test_lexical_search_loads_no_heavy_package(tmp_path: Path) -> None:
    environ = {
        "BRAIN_HOME": str(tmp_path / "home"),
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
    }
    brain = [sys.executable, "-m", "brain"]
    subprocess.run(
        [*brain, "add", "--note", "black tea wants 95 degrees"],
        env={**environ, "BRAIN_MODELS_EMBED": "wordllama"},
        check=True,
        capture_output=True,
        cwd=ROOT,
    )
    code = (
        "import sys\nfrom brain.doors.cli import main\n"
        "try:\n    main(['search', '--lexical', '--json', 'tea'])\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "found = [n for n in ('chromadb', 'ollama', 'sqlite_utils', 'numpy', 'httpx', 'wordllama', 'onnxruntime', 'tokenizers', 'rich', 'pypdf') if n in sys.modules]\n"
        "sys.exit(f'loaded: {found}' if found else 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=environ,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert "95 degrees" in run.stdout


def test_no_registry_or_machine_path_in_the_tree() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    pattern = re.compile(
        r"https?://[^ ]*("
        + "|".join(["py" + "pi", "python" + "hosted", "npm" + "js"])
        + r")\.|(^|[^\w.])/(wo"
        + r"rk|fa"
        + r"rm)/",
        re.M,
    )
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".sh", ""} and path.is_file():
            found = pattern.search(path.read_text("utf-8", "replace"))
            assert not found, f"{name}: {found.group(0) if found else ''}"
