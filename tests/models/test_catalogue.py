"""Which models are used when nobody chose, and the prefixes that they want."""

from __future__ import annotations

from typing import Any

import pytest

from brain.models.catalogue import (
    best_embedder,
    best_writer,
    gigabytes,
    prefixes_of,
)

GB = 10**9
MEMORY = 16 * GB


def entry(name: str, gigabytes: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "size": int(gigabytes * GB), **more}


def test_the_largest_that_fits_and_nomic() -> None:
    tags = [
        entry("llama3.2:latest", 2.0),
        entry("qwen3:8b", 5.2),
        entry("llama3.3:70b", 43),
        entry("all-minilm:latest", 0.05),
        entry("nomic-embed-text:latest", 0.27),
    ]
    assert (best_writer(tags, memory=MEMORY)[0], best_embedder(tags)) == (
        "qwen3:8b",
        "nomic-embed-text:latest",
    )
    assert best_writer(tags, memory=100 * GB)[0] == "llama3.3:70b"
    assert all(best_writer(tags, memory=MEMORY))


@pytest.mark.parametrize(
    "name",
    [
        "qwen2.5-coder:7b",
        "qwen3-coder:30b",
        "codellama:7b",
        "llama3.2-vision:11b",
        "qwen2.5vl:7b",
        "qwen3-vl:8b",
        "qwen3-embedding:8b",
        "llama-guard3:8b",
        "qwen2-math:7b",
        "llama3:8b-text",
        "qwen3:cloud",
        "qwen3:235b-cloud",
        "mistral:7b-text",
        "mistral:cloud",
        "llava:7b",
        "nomic-embed-text:latest",
    ],
)
def test_never_these(name: str) -> None:
    assert best_writer([entry(name, 4.0)], memory=MEMORY)[0] is None


@pytest.mark.parametrize(
    "name",
    [
        "qwen3:4b",
        "llama3.1:8b-instruct-q4_K_M",
        "hf.co/someone/Llama-3.2-3B-Instruct-GGUF:Q4",
    ],
)
def test_these(name: str) -> None:
    assert best_writer([entry(name, 4.0)], memory=MEMORY)[0] == name


def test_what_the_server_says_of_a_model_counts() -> None:
    remote = entry("qwen3:8b", 4.0, remote_host="https://example.com")
    embeds = entry("tuned-something:8b", 4.0, capabilities=["completion"])
    odd = entry("llama-odd:8b", 4.0, capabilities=["completion"])
    shown = {"tuned-something:8b": ("embedding",), "llama-odd:8b": ("insert",)}
    tags = [remote, embeds, odd]
    assert best_writer(tags, abilities=shown.get, memory=MEMORY)[0] is None
    assert best_embedder(tags, abilities=shown.get) == "tuned-something:8b", (
        "/api/show decides, not /api/tags"
    )


def test_few_models_are_looked_into() -> None:
    asked: list[str] = []

    def abilities(name: str) -> tuple[str, ...]:
        asked.append(name)
        return ("embedding",) if "embed" in name else ("completion",)

    names = ["qwen3:4b", "llama3.2:3b", "mistral:7b", "nomic-embed-text:latest"]
    tags = [entry(name, 2.0 + n) for n, name in enumerate(names)]
    assert best_writer(tags, abilities=abilities, memory=MEMORY)[0] == "llama3.2:3b"
    assert best_embedder(tags, abilities=abilities) == "nomic-embed-text:latest"
    assert asked == ["llama3.2:3b", "nomic-embed-text:latest"]


@pytest.mark.parametrize(
    "name", ["mistral:7b", "mistral-nemo:12b", "ministral-3:8b", "mixtral:8x7b"]
)
def test_a_mistral_where_no_other_is(name: str) -> None:
    mistral = entry(name, 4.0)
    chosen, why = best_writer([mistral], memory=MEMORY)
    assert chosen == name
    assert "since no Qwen or Llama does" in why
    small, large = entry("qwen3:1.7b", 1.4), entry("llama3.3:70b", 43)
    assert best_writer([mistral, small], memory=MEMORY)[0] == "qwen3:1.7b"
    assert best_writer([mistral, large], memory=MEMORY)[0] == name


def test_a_small_model_is_measured_in_megabytes() -> None:
    assert (gigabytes(45_949_216), gigabytes(5 * GB)) == ("46 MB", "5.0 GB")


def test_other_embedders_in_turn() -> None:
    tags = [
        entry("all-minilm:latest", 0.05),
        entry("mxbai-embed-large:latest", 0.67),
        entry("zzz-embed:latest", 0.1),
    ]
    assert best_embedder(tags) == "mxbai-embed-large:latest"
    assert best_embedder(tags[2:]) == "zzz-embed:latest"


def test_nothing_fits_or_is_there() -> None:
    name, why = best_writer([entry("llama3.3:70b", 43)], memory=MEMORY)
    assert name is None
    assert "43.0 GB" in why
    name, why = best_writer([{}, {"name": None}], memory=MEMORY)
    assert name is None
    assert "brain models advise" in why
    assert best_embedder([{}, {"name": None}]) is None


def test_prefixes_by_family() -> None:
    nomic = prefixes_of("nomic-embed-text:v1.5")
    assert (nomic.document, nomic.query) == ("search_document: ", "search_query: ")
    assert prefixes_of("someone/Nomic-Embed-Text-v2-moe") == nomic
    assert prefixes_of("snowflake-arctic-embed2:568m").query == "query: "
    assert prefixes_of("snowflake-arctic-embed:335m").query.startswith(
        "Represent this sentence"
    )
    assert str(prefixes_of("all-minilm")) == "none"
    assert str(nomic) != str(prefixes_of("mxbai-embed-large"))


@pytest.mark.parametrize(
    ("model", "document", "query"),
    [
        ("nomic-embed-text-v2-moe:latest", "search_document: ", "search_query: "),
        (
            "mxbai-embed-large",
            "",
            "Represent this sentence for searching relevant passages: ",
        ),
        (
            "snowflake-arctic-embed:22m",
            "",
            "Represent this sentence for searching relevant passages: ",
        ),
        (
            "hf.co/Casual/snowflake-arctic-embed-m-v1.5-GGUF:Q8_0",
            "",
            "Represent this sentence for searching relevant passages: ",
        ),
        ("hf.co/Casual/snowflake-arctic-embed-l-v2.0-GGUF:Q8_0", "", "query: "),
        (
            "embeddinggemma:300m",
            "title: none | text: ",
            "task: search result | query: ",
        ),
        (
            "embeddinggemma-2:740m",
            "title: none | text: ",
            "task: search result | query: ",
        ),
        (
            "bge-large:335m",
            "",
            "Represent this sentence for searching relevant passages: ",
        ),
        (
            "someone/bge-small-en-v1.5",
            "",
            "Represent this sentence for searching relevant passages: ",
        ),
        ("someone/bge-large-zh-v1.5", "", "为这个句子生成表示以用于检索相关文章："),
        ("bge-m3:567m", "", ""),
        (
            "qwen3-embedding:8b",
            "",
            "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:",
        ),
        ("jeffh/intfloat-multilingual-e5-large:f16", "passage: ", "query: "),
        ("someone/e5-base-v2", "passage: ", "query: "),
        (
            "jeffh/intfloat-multilingual-e5-large-instruct:q8_0",
            "",
            "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ",
        ),
        ("all-minilm:l6-v2", "", ""),
        ("paraphrase-multilingual", "", ""),
        ("granite-embedding:278m", "", ""),
    ],
)
def test_prefixes_are_those_of_the_models_own_cards(
    model: str, document: str, query: str
) -> None:
    found = prefixes_of(model)
    assert (found.document, found.query) == (document, query)
