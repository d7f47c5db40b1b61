"""Source code: functions and classes whole, under their names, every line where it was."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking import chunk
from ingest.readers.code import read
from ingest.reading import Raw, Reading

LONG = "        total = total + compute(total)  # a line of the method\n" * 25
PYTHON = f'''"""Module."""
import os


# What it is for.
@cached
def small(x):
    """Doc."""
    return x


class Store:
    """Keeps things."""

    def save(self, total):
{LONG}
    # Above load.
    @property
    def load(self, total):
{LONG}        return total


tail = small(1)
'''


def reading(text: str, kind: str) -> Reading:
    return next(read(Raw(text.encode(), "x", f"text/x-{kind}")))


def headed(text: str, kind: str) -> dict[tuple[str, ...], str]:
    """Heading -> the text of its first section, without the white space around."""
    found: dict[tuple[str, ...], str] = {}
    for section in reading(text, kind).sections:
        found.setdefault(section.heading, section.text.strip())
    return found


def test_python_functions_methods_decorators_and_comments() -> None:
    found = headed(PYTHON, "python")
    assert found[("small",)].startswith("# What it is for.\n@cached\ndef small")
    assert found[("Store",)].startswith("class Store:")
    assert found[("Store", "save")].startswith("def save")
    assert found[("Store", "load")].startswith(
        "# Above load.\n    @property\n    def load"
    )
    assert found[("Store", "load")].endswith("return total")
    assert (
        "".join(section.text for section in reading(PYTHON, "python").sections)
        == PYTHON
    )


@pytest.mark.parametrize(
    ("kind", "text", "headings"),
    [
        (
            "javascript",
            "import x from 'y'\n\nexport function go(a) {\n  return a\n}\n\nconst run = (a) => {\n  return a\n}\n",
            [("go",), ("run",)],
        ),
        (
            "typescript",
            "export interface Tea {\n  hot: boolean\n}\n\nexport class Pot {\n  pour(): void {}\n}\n",
            [("Tea",), ("Pot",)],
        ),
        ("tsx", "export const View = () => {\n  return <p/>\n}\n", [("View",)]),
        (
            "go",
            "package m\n\n// Run runs.\nfunc (s *Store) Run() int {\n\treturn 1\n}\n\ntype Tea struct {\n\tHot bool\n}\n",
            [("Run",), ("Tea",)],
        ),
        (
            "rust",
            "/// Doc\n#[inline]\nfn go() -> i32 {\n    1\n}\n\nimpl Store {\n    fn save(&self) {}\n}\n",
            [("go",), ("Store",)],
        ),
        (
            "java",
            "package m;\n\npublic class Tea {\n  int hot() {\n    return 1;\n  }\n}\n",
            [("Tea",)],
        ),
        (
            "c",
            "#include <x.h>\n\n/* doc */\nstatic int *go(int a)\n{\n  return 0;\n}\n",
            [("go",)],
        ),
        (
            "cpp",
            "namespace tea {\nclass Pot {\n  int pour() { return 1; }\n};\n}\n\nint tea::Pot::heat() {\n  return 2;\n}\n",
            [("tea",), ("tea::Pot::heat",)],
        ),
        ("bash", "#!/bin/sh\n# doc\nbrew() {\n  echo tea\n}\nbrew\n", [("brew",)]),
        (
            "ruby",
            "module Tea\n  class Pot\n    def pour\n      1\n    end\n  end\nend\n\ndef go\n  2\nend\n",
            [("Tea",), ("go",)],
        ),
    ],
)
def test_definitions_of_each_language(
    kind: str, text: str, headings: list[tuple[str, ...]]
) -> None:
    found = reading(text, kind)
    assert [
        section.heading for section in found.sections if section.heading
    ] == headings
    assert "".join(section.text for section in found.sections) == text
    assert found.notices == ()


def test_comments_above_a_definition_belong_to_it() -> None:
    assert headed("package m\n\n// Run runs.\n// Twice.\nfunc Run() {\n}\n", "go")[
        ("Run",)
    ].startswith("// Run runs.")
    assert headed("/// Doc\n#[inline]\nfn go() {\n}\n", "rust")[("go",)].startswith(
        "/// Doc"
    )


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "def f(x):\n",
                "    pass\n",
                "class A:\n",
                "# c\n",
                "}\n",
                "x = '''\n",
                "\n",
                "@d\n",
                "é\n",
                "async ",
            ]
        ),
        max_size=40,
    )
)
def test_broken_code_loses_nothing(lines: list[str]) -> None:
    text = "".join(lines)
    sections = reading(text, "python").sections
    assert "".join(section.text for section in sections) == text
    line = 1
    for section in sections:
        assert section.locator.partition("-")[0] == f"L{line}"
        line += section.text.count("\n")


def test_functions_of_the_standard_library_stay_whole_while_they_fit() -> None:
    import ast
    import json as module

    folder = Path(str(module.__file__)).parent
    whole = fits = 0
    for path in [
        *sorted(folder.glob("*.py")),
        Path(str(sys.modules["pathlib"].__file__)),
    ]:
        text = path.read_text()
        sections = reading(text, "python").sections
        texts = [text[piece.start : piece.end] for piece in chunk(sections)]
        lines = text.split("\n")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.col_offset in (0, 4):
                body = "\n".join(lines[node.lineno - 1 : node.end_lineno])[
                    node.col_offset :
                ]
                if len(body) < 1_200:
                    fits += 1
                    whole += any(body in chunk_text for chunk_text in texts)
    assert fits > 50
    assert whole >= fits * 0.98  # a nested function, or one under an `if`, may be cut
