"""What people complain of in answers: wrong citations, words not found, top-k for counting, silent degradation."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from brain.app import Brain
from brain.config import Config
from brain.types import Answer, Request, Scope
from tests.end_to_end import Folder, brain, checked, home, process
from tests.ingest.test_pdf import pdf

# -- 4: text longer than the window is cut ----------------------------------------------------------------------------------

CSV = (
    "name,amount,city\n"
    + "".join(f"row{n},{n * 7},Lisboa\n" for n in range(480))
    + "last,999,zanzibar\n"
)
CJK = "我们昨天讨论了新的房屋租赁合同。" * 240 + "最后一句话提到了洗衣机。"
ONE_LINE = "word " * 3_900 + "and the final phrase names the quokka"


@pytest.mark.parametrize(
    ("name", "text", "query"),
    [
        ("table.csv", CSV, "zanzibar"),
        ("chinese.md", CJK, "洗衣机"),
        ("one line.txt", ONE_LINE, "quokka"),
    ],
)
def test_a_long_block_is_split_and_its_last_sentence_is_found(
    folder: Folder, config: Config, name: str, text: str, query: str
) -> None:
    place = folder({name: text})
    with Brain(config) as opened:
        opened.add([place])
        detail = opened.library.document(name)
        assert detail.text == text, "nothing of it is missing"
        assert detail.tokens >= 3_000
        for lexical in (True, False):
            assert (
                query
                in opened.search(
                    Request(query, mode="lexical" if lexical else "hybrid")
                )
                .passages[0]
                .text
            )
    stored = checked(home())
    assert stored.chunks == stored.vectors > 10


# -- 10: wrong, first-only or invented citations --------------------------------------------------------------------------------

SHELF: dict[str, str | bytes] = {
    "lease.md": "# Lease\n\nThe rent is 900 euros a month.\nThe deposit is two months of rent.\n\n## Repairs\n\n"
    "The landlord repairs the boiler within three days.\n",
    "tea.md": "# Tea\n\nBlack tea wants water at 96 degrees for four minutes.\nGreen tea wants 75 degrees.\n",
    "manual.pdf": pdf(
        [
            ["Cover sheet."] * 20,
            ["Descale the kettle every month with citric acid."] * 20,
        ],
        title="Kettle",
    ),
}
ASKED = {
    "what does the landlord repair?": "lease.md",
    "how hot is the water for black tea?": "tea.md",
    "how often to descale the kettle?": "manual.pdf",
}


def span(answer: Answer, number: int, opened: Brain) -> str:
    """The stored text that a citation's place names: its lines, or its page."""
    citation = next(
        citation for citation in answer.citations if citation.number == number
    )
    lines = re.fullmatch(r"L(\d+)(?:-(\d+))?", citation.locator)
    if lines:
        first, last = int(lines[1]), int(lines[2] or lines[1])
        return opened.library.get(f"{citation.source}:{first}:{last - first + 1}")[
            0
        ].text
    pages = re.fullmatch(r"p\. (\d+)(?:-(\d+))?", citation.locator)
    assert pages, citation.locator
    return "".join(
        opened.library.get(f"{citation.source}:{n}")[0].text
        for n in range(int(pages[1]), int(pages[2] or pages[1]) + 1)
    )


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("question", "name"), ASKED.items())
def test_every_quote_stands_where_its_citation_says(
    folder: Folder, config: Config, question: str, name: str
) -> None:
    place = folder(SHELF)
    with Brain(config) as opened:
        opened.add([place])
        answer = opened.ask(Request(question, limit=8))
        assert Path(answer.citations[0].source).name == name
        for citation in answer.citations:
            assert citation.verified
            assert words(citation.quote) in words(span(answer, citation.number, opened))
            assert opened.library.locate(citation.source) == citation.source, (
                "opening [n] opens source n"
            )


class Scripted:
    """A model that says what it is told to say."""

    name, provider, window = "scripted", "test", 4_096

    def __init__(self, text: str) -> None:
        self.text = text

    def stream(
        self,
        _messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Iterator[str]:
        assert max_tokens > 0
        yield from re.findall(r"\S+\s*", self.text)


def number_of(answer: Answer, name: str) -> int:
    return next(
        i
        for i, passage in enumerate(answer.passages, 1)
        if Path(passage.source).name == name
    )


def scripted(
    config: Config,
    place: Path,
    text: str,
    question: str = "what is the rent and the deposit?",
) -> Answer:
    with Brain(config, generator=Scripted(text)) as opened:
        opened.add([place])
        return opened.ask(Request(question, limit=8))


def test_what_a_model_invents_is_removed_marked_or_shown_unverified(
    folder: Folder, config: Config
) -> None:
    place = folder({"lease.md": SHELF["lease.md"]})
    answer = scripted(
        config,
        place,
        "The rent is 900 euros a month [1]. The rent is 1200 dollars in winter [1]. "
        "The building was finished in 1911 by a baker. It is painted blue every spring [12].",
    )
    first, second, third, fourth = re.split(r"(?<=[.\]]) (?=The|It)", answer.text)
    assert first == "The rent is 900 euros a month [1]."
    assert second.endswith("[unverified]")
    assert third.endswith("[no source]")
    assert fourth.endswith("[no source]")
    assert "[12]" not in answer.text
    assert any("citation to nothing removed" in notice for notice in answer.notices)
    assert answer.state == "unsure"
    assert [citation.verified for citation in answer.citations] == [True, False]


def test_not_only_the_first_source_is_cited(folder: Folder, config: Config) -> None:
    place = folder(
        {
            "a.md": "# A\n\nThe red key opens the cellar door.\n",
            "b.md": "# B\n\nThe blue key opens the attic door.\n",
        }
    )
    question = "which keys open the cellar door and the attic door?"
    listed = scripted(config, place, "x", question)
    a, b = number_of(listed, "a.md"), number_of(listed, "b.md")
    answer = scripted(
        config,
        place,
        f"The red key opens the cellar door [{a}]. The blue key opens the attic door [{b}].",
        question,
    )
    cited = {
        citation.number: Path(citation.source).name for citation in answer.citations
    }
    assert cited == {a: "a.md", b: "b.md"}
    assert all(citation.verified for citation in answer.citations)


# -- 12: Python tools start slowly ---------------------------------------------------------------------------------------

HEAVY = (
    "chromadb",
    "ollama",
    "httpx",
    "onnxruntime",
    "anthropic",
    "openai",
    "torch",
    "pypdf",
    "rich",
    "tokenizers",
    "numpy",
)


def test_search_by_words_loads_no_vector_library_and_no_client_of_a_model(
    folder: Folder,
) -> None:
    brain("add", folder({"lease.md": SHELF["lease.md"]}) / "lease.md")
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr))"
    )
    ran = process("search", "rent", "--lexical", code=code)
    assert ran.code == 0
    assert ran.stderr.splitlines()[-1] == "[]"


# -- 18: names, versions, identifiers and other scripts --------------------------------------------------------------------------

TERMS = {
    "naïve": "Her naïve plan worked.",
    "v2026.4.10": "We upgraded to v2026.4.10 on Monday.",
    "C++": "The parser is written in C++ and fast.",
    "C#": "The importer is written in C# instead.",
    "foo_bar": "Call foo_bar before the loop.",
    "getUserName": "The method getUserName returns nothing.",
    "合同": "我们签了新的租赁合同。",
    "東京": "来週東京に行きます。",
    "สัญญา": "เราเซ็นสัญญาเช่าแล้ว",
    "хлеб": "Рецепт: хлеб на закваске.",
    "Straße": "Die Straße ist gesperrt.",
    "O'Brien": "Ask O'Brien about the roof.",
    "10.0.0.17": "The printer has the address 10.0.0.17 now.",
    "TICKET-4711": "It is tracked as TICKET-4711.",
}
ALSO = {
    "naive": "naïve",
    "NAÏVE": "naïve",
    "c++": "C++",
    "user name": "getUserName",
    "ticket 4711": "TICKET-4711",
    "foo-bar": "foo_bar",
}


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brain]:
    place = tmp_path_factory.mktemp("terms")
    for number, text in enumerate(TERMS.values()):
        (place / f"{number}.md").write_text(text, "utf-8")
    for number in range(40):
        (place / f"noise{number}.md").write_text(
            f"C the bar, foo of 合 {number} same days in 東 user or name.", "utf-8"
        )
    with Brain(Config(home=place / "home")) as opened:
        opened.add(list(place.glob("*.md")))
        yield opened


@pytest.mark.parametrize("query", [*TERMS, *ALSO])
def test_names_and_other_scripts_are_found_by_keyword(terms: Brain, query: str) -> None:
    wanted = list(TERMS).index(ALSO.get(query, query))
    found = terms.search(Request(query, mode="lexical")).passages
    assert found
    assert Path(found[0].source).name == f"{wanted}.md"
    assert found[0].ranks["lexical"] == 1


def test_a_folder_is_named_by_the_end_of_its_path(
    folder: Folder, config: Config
) -> None:
    place = folder(
        {
            "home/lease.md": "The rent of the flat is 900 euros.\n",
            "work/lease.md": "The rent of the shop.\n",
        }
    )
    with Brain(config) as opened:
        opened.add([place])
        for pattern in ("home/*", str(place / "home" / "*")):
            scope = Scope(source=pattern)
            assert [
                Path(row.source).parent.name
                for row in opened.library.documents(scope=scope)
            ] == ["home"]
            for lexical in (True, False):
                found = opened.search(
                    Request(
                        "rent", scope=scope, mode="lexical" if lexical else "hybrid"
                    )
                ).passages
                assert [Path(passage.source).parent.name for passage in found] == [
                    "home"
                ]


# -- 19: "how many notes mention X" ------------------------------------------------------------------------------------------------


def test_a_question_about_everything_is_a_count_over_everything(folder: Folder) -> None:
    place = folder(
        {
            f"{n}.md": f"# Note {n}\n\n{'The landlord called.' if n % 3 == 0 else 'Nothing.'}\n"
            for n in range(41)
        }
    )
    brain("add", place)
    ran = brain("ask", "how many notes mention the landlord?")
    assert ran.code == 0
    assert re.search(r"\b14\b", ran.stdout)
    assert "41 of 41 documents" in ran.stdout + ran.stderr


# -- 22: silent degradation ------------------------------------------------------------------------------------------------------------


def test_an_embedder_that_is_down_is_said_in_text_in_json_and_in_the_code(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    brain("add", folder({"lease.md": SHELF["lease.md"]}))
    assert brain("search", "rent", "--json").json["degraded"] in ("", None, False)
    assert brain("search", "xylophone", "--lexical").code == 3, (
        "nothing found, and it could look"
    )
    monkeypatch.setitem(sys.modules, "wordllama", None)  # as if it were not installed
    found = brain("search", "rent", "--json")
    assert found.code == 0
    assert "the built-in model cannot be read" in str(found.json["degraded"])
    assert "the built-in model cannot be read" in brain("search", "rent").stderr
    assert brain("search", "xylophone").code == 6, (
        "could not look: no proof that it is not there"
    )
    added = brain("add", "--note", "The xylophone is in the attic")
    assert added.code == 0, "taking in never waits for a model"
    assert re.fullmatch(
        r"the built-in model cannot be read: .*\nsaved; how many passages are found by words only is unknown until the model can be "
        r"read; then run `brain sync`\n",
        added.stderr,
    )
    assert brain("search", "xylophone").code == 0
    monkeypatch.delitem(sys.modules, "wordllama")
    assert "saved;" not in brain("sync").stderr
    stored = checked(home())
    assert stored.chunks == stored.vectors == 2


def test_ask_answers_without_an_embedder_and_says_so(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    brain("add", folder({"lease.md": SHELF["lease.md"]}))
    monkeypatch.setitem(sys.modules, "wordllama", None)
    asked = brain("ask", "what is the rent?", "--json")
    assert asked.code == 0
    assert "900 euros" in asked.json["answer"]
    assert "the built-in model cannot be read" in str(asked.json["degraded"])


# -- 23: getting data back out --------------------------------------------------------------------------------------------------------


def test_everything_comes_out_as_markdown_and_goes_in_again(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skill = folder(
        {
            "SKILL.md": "---\nname: descale\ndescription: How to descale a kettle\n---\nUse citric acid.\n"
        },
        "descale",
    )
    brain("add", folder(SHELF), "--tag", "home")
    brain("add", "--note", "Call Ana about the lease")
    brain(
        "remember", "We chose SQLite because one file is enough", "--at", "2026-05-07"
    )
    brain("skill", "add", skill)
    brain("ask", "what is the rent?")
    said = brain("feedback", "good", "so says the lease")
    assert said.code == 0, said.stderr
    out, first = tmp_path / "out", home()
    assert brain("export", out).code == 0
    texts = {path.read_text("utf-8") for path in out.rglob("*.md")}
    lease = next(path for path in out.rglob("lease.md"))
    assert lease.read_text("utf-8") == SHELF["lease.md"]
    assert any("Use citric acid." in text for text in texts)
    assert any(
        "so says the lease" in text and "what is the rent?" in text for text in texts
    )
    bytes_out = {path.relative_to(out): path.read_bytes() for path in out.rglob("*.md")}
    assert brain("export", out, "--json").json["written"] == 0, "twice changes nothing"
    monkeypatch.setenv("BRAIN_HOME", str(tmp_path / "second"))
    assert brain("import", out, "--yes").code == 0
    assert checked(home()).documents == checked(first).documents
    assert brain("export", tmp_path / "again").code == 0
    again = {
        path.relative_to(tmp_path / "again"): path.read_bytes()
        for path in (tmp_path / "again").rglob("*.md")
    }
    assert again == bytes_out
    assert "SQLite" in brain("recall", "why did we choose one file?").stdout
