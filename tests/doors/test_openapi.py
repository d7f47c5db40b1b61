"""The description of the JSON interface: valid OpenAPI, and true: what it allows is answered, what it forbids is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from brain.doors.http.api import VERBS
from brain.doors.http.openapi import PATH, description
from tests.doors.http_support import ADDRESS, Door, http_door
from tests.end_to_end import ROOT

# The schema of the OpenAPI Initiative for descriptions of version 3.1 (edition 2022-10-07, Apache-2.0)
SCHEMA = json.loads((ROOT / "tests" / "golden" / "openapi_3.1.json").read_text("utf-8"))
Draft = jsonschema.Draft202012Validator


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with http_door(tmp_path / "notes") as opened:
        yield opened


def schemas(value: Any) -> Iterator[Any]:
    """Every schema in the description."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "schema":
                yield inner
            yield from schemas(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from schemas(inner)


def test_it_is_what_the_openapi_initiative_says_a_description_is() -> None:
    found = description(ADDRESS)
    Draft(SCHEMA).validate(found)
    count = 0
    for schema in [*schemas(found), *found["components"]["schemas"].values()]:
        Draft.check_schema(schema)
        count += 1
    assert count > 50
    broken = description(ADDRESS)
    broken["paths"]["/api/v1/search"]["get"]["parameters"][0]["in"] = "the air"
    with pytest.raises(jsonschema.ValidationError):
        Draft(SCHEMA).validate(broken)


def test_it_is_served_and_names_every_path_that_is(door: Door) -> None:
    served = door.own.get(PATH)
    assert served.status_code == 200
    assert served.json() == description(ADDRESS)
    assert door.client.get(PATH).status_code == 401
    for path, operations in served.json()["paths"].items():
        for method in ("get", "post"):
            odd: dict[str, Any]
            odd = {"params" if method == "get" else "json": {"no_such": "1"}}
            there = door.own.request(method, path, **odd)
            assert (there.status_code == 400) == (method in operations), path


def body_schema(name: str) -> dict[str, Any]:
    operation = description(ADDRESS)["paths"][f"/api/v1/{name}"]["post"]
    found: dict[str, Any] = operation["requestBody"]["content"]["application/json"]
    return dict(found["schema"])


BODIES: list[tuple[str, dict[str, Any]]] = [
    ("search", {"q": "tea"}),
    ("search", {"q": "tea", "limit": 1, "mode": "lexical", "rerank": False}),
    ("search", {"q": "tea", "limit": 0}),
    ("search", {"q": "tea", "limit": 1_001}),
    ("search", {"q": "tea", "limit": True}),
    ("search", {"q": "tea", "mode": "magic"}),
    ("search", {"q": "tea", "tag": "one"}),
    ("search", {"q": "tea", "where": [1]}),
    ("search", {"q": "tea", "colour": "red"}),
    ("search", {"q": " "}),
    ("search", {}),
    ("ask", {"question": "how hot?", "record": False, "route": "deep"}),
    ("ask", {"question": "how hot?", "route": "moon"}),
    ("ask", {"question": 5}),
    ("recall", {}),
    ("recall", {"with": 1}),
    ("get", {"ref": "tea.md"}),
    ("get", {}),
]


@pytest.mark.parametrize(("name", "body"), BODIES, ids=str)
def test_what_it_allows_is_answered_and_what_it_forbids_is_not(
    name: str, body: dict[str, Any], door: Door
) -> None:
    allowed = Draft(body_schema(name)).is_valid(body)
    given = door.own.post(f"/api/v1/{name}", json=body)
    assert given.status_code == (200 if allowed else 400), given.text
    kind = "Result" if allowed else "Error"
    Draft(description(ADDRESS)["components"]["schemas"][kind]).validate(given.json())


def test_every_parameter_of_every_verb_is_described() -> None:
    for verb in VERBS:
        operations = description(ADDRESS)["paths"][f"/api/v1/{verb.name}"]
        if "get" in operations:
            named = [one["name"] for one in operations["get"]["parameters"]]
            assert named == [*verb.parameters]
        if "post" in operations:
            assert [*body_schema(verb.name)["properties"]] == [*verb.parameters]
