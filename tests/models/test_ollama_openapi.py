"""The stand-in's answers held against upstream's own description of the API, `docs/openapi.yaml` of ollama/ollama.

The file is not vendored: BRAIN_OLLAMA_OPENAPI names a copy, and without it these tests are skipped. What is pinned is
the SHA-256 of the response schemas as canonical JSON without their prose, so that a reworded description or a new
example changes nothing and a new field does: then read what is new, and pin the new digest. Where the description
lacks what the source sends, the source is right, and `BEYOND` says so.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.ollama_clients import MESSAGES, NOMIC
from tests.stand_in_ollama import StandIn

VARIABLE = "BRAIN_OLLAMA_OPENAPI"
PINNED = "9da4c2736b5dc11a57b2f5ddcb28acc5fa0339df16b8fce5e1d7270b3ba384dd"  # of ollama/ollama at 017eb8ae
SCHEMAS = (
    "ChatResponse ChatStreamEvent EmbedResponse ErrorResponse GenerateResponse GenerateStreamEvent ListResponse Logprob "
    "ModelSummary Ps PsResponse ShowResponse StatusEvent StatusResponse TokenLogprob ToolCall VersionResponse"
).split()
METRICS = {
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
}
DETAILS = {"parent_model", "context_length", "embedding_length"}
BEYOND = {  # sent by the source (api/types.go), missing from the description
    "ChatStreamEvent": METRICS | {"done_reason", "logprobs"},
    "GenerateResponse": {"context"},
    "GenerateStreamEvent": {"context", "logprobs"},
    "ListResponse": {"capabilities"} | DETAILS,
    "ShowResponse": {"modelfile"},
}
SELDOM = {
    "thinking",
    "tool_calls",
    "images",
    "logprobs",
    "remote_model",
    "remote_host",
    "top_logprobs",
}
ASKED = {"model": "llama3.2", "messages": MESSAGES}
ONE_WORD = [
    {
        "role": "user",
        "content": "Question: why?\n\n<note-a>\nBecause.\n</note-a>\n\nAnswer yes or no:",
    }
]
CALLS = [
    ("/api/version", None, "VersionResponse"),
    ("/api/tags", None, "ListResponse"),
    ("/api/show", {"model": "qwen3:4b"}, "ShowResponse"),
    ("/api/chat", ASKED, "ChatStreamEvent"),
    ("/api/chat", {**ASKED, "stream": False}, "ChatResponse"),
    ("/api/chat", {**ASKED, "model": "qwen3:4b", "stream": False}, "ChatResponse"),
    (
        "/api/chat",
        {
            **ASKED,
            "messages": ONE_WORD,
            "stream": False,
            "logprobs": True,
            "top_logprobs": 20,
        },
        "ChatResponse",
    ),
    ("/api/chat", {**ASKED, "logprobs": True, "top_logprobs": 3}, "ChatStreamEvent"),
    ("/api/chat", {"model": "llama3.2", "messages": []}, "ChatResponse"),
    ("/api/generate", {"model": "llama3.2", "prompt": "hello"}, "GenerateStreamEvent"),
    (
        "/api/generate",
        {"model": "llama3.2", "prompt": "hello", "stream": False, "logprobs": True},
        "GenerateResponse",
    ),
    ("/api/embed", {"model": NOMIC, "input": ["a", "b"]}, "EmbedResponse"),
    ("/api/ps", None, "PsResponse"),  # after the models above were loaded
    ("/api/pull", {"model": "llama3.1"}, "StatusEvent"),
    ("/api/pull", {"model": "llama3.1", "stream": False}, "StatusResponse"),
    ("/api/chat", {"model": "nope", "messages": MESSAGES}, "ErrorResponse"),
    ("/api/embed", {"model": "nope", "input": "a"}, "ErrorResponse"),
]


def without_prose(schema: Any) -> Any:
    """A schema without what is written for people; the properties of an object are names, never prose."""
    if isinstance(schema, list):
        return [without_prose(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    bare = {
        key: value
        for key, value in schema.items()
        if key not in ("description", "example", "title")
    }
    named = {
        "properties": {
            name: without_prose(value)
            for name, value in bare.get("properties", {}).items()
        }
    }
    return {
        key: named[key] if key in named else without_prose(value)
        for key, value in bare.items()
    }


def digest(components: dict[str, Any]) -> str:
    bare = {name: without_prose(components[name]) for name in SCHEMAS}
    return hashlib.sha256(
        json.dumps(bare, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    path = os.environ.get(VARIABLE)
    if not path:
        pytest.skip(f"{VARIABLE} names no copy of docs/openapi.yaml")
    loaded: dict[str, Any] = yaml.safe_load(Path(path).read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with StandIn(models=["llama3.2", "qwen3:4b", NOMIC]) as server:
        yield server


def answers(server: StandIn, path: str, body: Any) -> list[Any]:
    with closing(HTTPConnection(server.host, timeout=20)) as connection:
        connection.request(
            "GET" if body is None else "POST",
            path,
            None if body is None else json.dumps(body),
        )
        return [
            json.loads(line)
            for line in connection.getresponse().read().decode().splitlines()
            if line
        ]


def keys(
    value: Any, schema: Any, components: dict[str, Any]
) -> tuple[set[str], set[str]]:
    """(keys of the value that the schema does not name, keys that it names and the value lacks), at every depth."""
    schema = (
        components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    )
    if isinstance(value, list) and value:
        pairs = [keys(item, schema.get("items", {}), components) for item in value]
        return set().union(*(p[0] for p in pairs)), set.intersection(
            *(p[1] for p in pairs)
        )
    named = schema.get("properties")
    if not isinstance(value, dict) or not named:
        return set(), set()
    unknown, lacking = set(value) - set(named), set(named) - set(value)
    for name in set(value) & set(named):
        more = keys(value[name], named[name], components)
        unknown, lacking = unknown | more[0], lacking | more[1]
    return unknown, lacking


def test_the_description_is_the_one_that_was_read(described: dict[str, Any]) -> None:
    assert digest(described["components"]["schemas"]) == PINNED


@pytest.mark.parametrize(("path", "body", "name"), CALLS)
def test_answers_have_the_types_and_the_keys_that_are_described(
    described: dict[str, Any], stand_in: StandIn, path: str, body: Any, name: str
) -> None:
    components = described["components"]["schemas"]
    given = answers(stand_in, path, body)
    assert given
    for answer in given:
        jsonschema.validate(
            answer,
            {
                "$ref": f"#/components/schemas/{name}",
                "components": described["components"],
            },
        )
    unknown, lacking = keys(
        given, {"items": {"$ref": f"#/components/schemas/{name}"}}, components
    )
    assert unknown <= BEYOND.get(name, set())
    loads = body is not None and body.get("messages") == []
    assert lacking <= SELDOM | (METRICS if loads else set())


def test_prose_changes_no_digest_and_a_field_does() -> None:
    schemas = {
        name: {"type": "object", "properties": {"description": {"type": "string"}}}
        for name in SCHEMAS
    }
    reworded = {**schemas, "Ps": {**schemas["Ps"], "description": "New words."}}
    widened = {
        **schemas,
        "Ps": {"type": "object", "properties": {"description": {"type": "integer"}}},
    }
    assert digest(schemas) == digest(reworded) != digest(widened)
