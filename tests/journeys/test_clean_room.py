"""The package as a stranger gets it: a wheel, installed beside the run-time libraries alone, adds and asks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from brain.models.onnx import ANSWER_READER, MINILM

ROOT = Path(__file__).parents[2]
EXTRA = re.compile(r"""extra\s*==""")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
DEVELOPMENT = (
    "pytest",
    "hypothesis",
    "mypy",
    "ruff",
    "sklearn",
    "ir_measures",
    "setuptools",
)


def run(*words: str | Path, **environ: str) -> str:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BRAIN_", "PYTHON", "PIP_"))
    }
    ran = subprocess.run(
        [str(word) for word in words],
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def needed() -> set[str]:
    """The distributions that the dependencies of pyproject.toml need to run, theirs included, by installed metadata."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "dependencies"
    ]
    names, todo = set(), [match[0] for text in wanted if (match := NAME.match(text))]
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name in names:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:  # for another system or version of Python
            continue
        names.add(name)
        todo += [
            match[0]
            for text in found.requires or ()
            if not EXTRA.search(text) and (match := NAME.match(text))
        ]
    return names


def beside(target: Path) -> None:
    """Links to what those distributions installed, and to nothing else of this environment."""
    for name in needed():
        found = distribution(name)
        for top in {
            path.parts[0]
            for path in found.files or ()
            if path.parts[0] != ".." and path.parts[0] != "__pycache__"
        }:
            source = Path(str(found.locate_file(top)))
            if source.exists() and not (target / top).exists():
                (target / top).symlink_to(source)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Python that has the run-time libraries and the wheel of this checkout, and is not in this checkout."""
    place = tmp_path_factory.mktemp("clean")
    source = place / "source"
    source.mkdir()
    for name in (
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "NOTICE",
        "brain",
        "ingest",
        "migrations",
    ):
        run("cp", "-r", ROOT / name, source)
    wheel = (
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--disable-pip-version-check",
        "-q",
        # The models hardly become smaller, and to try takes longer than all the rest.
        "--config-settings=--build-option=--compression=stored",
    )
    run(sys.executable, *wheel, "-w", place / "wheels", source)
    (built,) = (place / "wheels").glob("*.whl")
    venv.create(place / "python", with_pip=False, symlinks=True)
    python = place / "python" / "bin" / "python"
    (site,) = (place / "python" / "lib").glob("python*/site-packages")
    install = (
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--disable-pip-version-check",
        "-q",
        "--target",
    )
    run(sys.executable, *install, site, built)
    beside(site)
    assert python.exists()
    return place


def brain(
    installed: Path,
    *words: str | Path,
    embed: str = "wordllama",
    home: str = "home",
) -> str:
    environ = {
        "BRAIN_HOME": str(installed / home),
        "BRAIN_MODELS_EMBED": embed,
        "BRAIN_MODELS_ASK": "builtin",
    }
    os.chdir(installed)
    return run(
        installed / "python" / "bin" / "python", "-P", "-m", "brain", *words, **environ
    )


def test_the_wheel_adds_and_asks_without_this_checkout(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(installed)
    listing = "import brain, sys; print(brain.__file__); print([n for n in sys.argv[1:] if __import__('importlib.util').util.find_spec(n)])"
    where, developers = run(
        installed / "python" / "bin" / "python", "-P", "-c", listing, *DEVELOPMENT
    ).splitlines()
    assert str(ROOT) not in where
    assert set(eval(developers)) <= {"setuptools"}, (
        "what is only for development is not there"
    )  # a list of names
    assert "22 added" in brain(installed, "add", ROOT / "sample_corpus")
    assert "96 °C" in brain(
        installed, "ask", "how hot should the water be for black tea?"
    )
    assert brain(installed, "--version").startswith("brain ")
    assert (installed / "home" / "index").is_dir()


@pytest.mark.slow
def test_the_sentence_embedder_of_the_wheel_reads_and_answers(installed: Path) -> None:
    tea = ROOT / "sample_corpus" / "home" / "tea.md"
    brain(installed, "add", tea, home="sentences")
    by_sentences = partial(brain, installed, embed="builtin", home="sentences")
    by_sentences("sync")
    found = json.loads(by_sentences("search", "how hot for black tea", "--json"))
    assert (found["embedder"], found["degraded"]) == ("all-minilm-l6-v2", None)
    checked = json.loads(by_sentences("doctor", "--json"))
    levels = {check["id"]: check["level"] for check in checked["checks"]}
    assert levels["D20"] == "ok"


def test_the_wheel_holds_what_is_needed_at_run_time_and_nothing_of_the_tests(
    installed: Path,
) -> None:
    import zipfile

    (built,) = (installed / "wheels").glob("*.whl")
    names = zipfile.ZipFile(built).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "brain",
        "ingest",
        "migrations",
    }
    assert any(name.endswith("py.typed") for name in names)
    assert any(name.startswith("ingest/data/") for name in names), (
        "the token table ships with it"
    )
    for model in (ANSWER_READER, MINILM):
        for file in (model.weights, model.tokenizer):
            assert f"brain/models/shipped/{file.name}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any("__pycache__" in name for name in names)
