"""The JSON interface described as OpenAPI has it, `/api/v1/openapi.json`.

It is made from the tables by which requests are checked. Leaves the fields of results to docs/JSON.md. Serves programs
that make a client of their own from it.
Source: OpenAPI Specification 3.1.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from brain import __version__
from brain.doors.http.api import (
    EVENTS,
    LIMIT,
    LIMITS,
    ONE_OF,
    VERBS,
    Api,
    Verb,
)
from brain.doors.http.work import careful, shown
from brain.doors.json_out import SCHEMA

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from brain.doors.http.settings import Settings

Shape = dict[str, Any]

PATH = "/api/v1/openapi.json"
JSON = "application/json"
TYPES: dict[type, Shape] = {
    str: {"type": "string"},
    int: {"type": "integer", "minimum": 1, "maximum": LIMIT},
    bool: {"type": "boolean"},
    list: {"type": "array", "items": {"type": "string"}},
}
FAILURES = {
    "400": "a parameter is off",
    "401": "without the token of the home",
    "403": "refused by a rule, or from another page",
    "404": "not found",
    "413": "the request is too long",
    "429": "over budget",
    "503": "too much work waits, or what is asked for does not answer",
}
RESULT = {
    "type": "object",
    "description": "as the command prints it with --json (docs/JSON.md)",
    "required": ["schema"],
    "properties": {"schema": {"const": SCHEMA}},
}
TEXT = {"type": "string"}
ERROR = {
    "type": "object",
    "required": ["schema", "error"],
    "properties": {
        "schema": {"const": SCHEMA},
        "error": {
            "type": "object",
            "required": ["kind", "message", "hint"],
            "properties": {"kind": TEXT, "message": TEXT, "hint": TEXT},
        },
    },
}


def route(settings: Settings) -> Route:
    """The path of the description."""

    async def described(_http: Request) -> Response:
        return shown(description(settings.address))

    return Route(PATH, careful(described))


def description(address: str) -> Shape:
    """All of it, for a server at this address."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "brain", "version": __version__},
        "servers": [{"url": address}],
        "security": [{"token": []}],
        "paths": {f"/api/v1/{verb.name}": _path(verb) for verb in VERBS},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Result": RESULT, "Error": ERROR},
        },
    }


def _path(verb: Verb) -> Shape:
    operations: Shape = {}
    for method in verb.methods:
        operation = {
            "operationId": f"{verb.name}_{method.lower()}",
            "summary": getattr(Api, verb.name).__doc__,
            "responses": _responses(verb),
        }
        given = _query(verb) if method == "GET" else _body(verb)
        operations[method.lower()] = operation | given
    return operations


def _query(verb: Verb) -> Shape:
    """A parameter of several values stands there several times, which is how OpenAPI reads a list in a query."""
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name == verb.needed,
                "schema": _schema(verb, name),
            }
            for name in verb.parameters
        ]
    }


def _body(verb: Verb) -> Shape:
    schema: Shape = {
        "type": "object",
        "properties": {name: _schema(verb, name) for name in verb.parameters},
        "additionalProperties": False,
    }
    if verb.needed:
        schema["required"] = [verb.needed]
    required = bool(verb.needed)
    return {"requestBody": {"required": required, "content": _content(schema)}}


def _schema(verb: Verb, name: str) -> Shape:
    """What a parameter holds."""
    schema = dict(TYPES[verb.parameters[name]])
    if name == "limit":
        schema["default"] = LIMITS[verb.name]
    if name in ONE_OF:
        schema["enum"] = list(ONE_OF[name])
    if name == verb.needed:
        schema["pattern"] = r"\S"
    return schema


def _responses(verb: Verb) -> Shape:
    content = _content({"$ref": "#/components/schemas/Result"})
    if verb.name == "ask":
        content[EVENTS] = {"schema": TEXT}
    error = _content({"$ref": "#/components/schemas/Error"})
    failures = {
        code: {"description": said, "content": error} for code, said in FAILURES.items()
    }
    return {"200": {"description": "the result", "content": content}, **failures}


def _content(schema: Shape) -> Shape:
    return {JSON: {"schema": schema}}
