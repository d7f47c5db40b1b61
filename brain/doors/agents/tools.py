"""What an agent can call: five tools that read, one that proposes; and the check of their arguments.

The descriptions are read by a model before every conversation, so that each word of them costs: all together stay below
2,500 tokens. An argument that is not known is an error: a model that invents one must hear of it. Leaves doing it to
`calls`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brain.errors import UsageError

QUERY_CHARACTERS = 2_000
SHORT_CHARACTERS = 500
TEXT_CHARACTERS = 8_000
MOST_RESULTS = 20
KINDS = ["ask", "note", "chat", "import"]
Schema = dict[str, Any]
NAMES = {"string": "a text", "integer": "a whole number"}
TYPES: Mapping[str, Any] = {"string": str, "integer": int}


def _text(said: str, most: int = SHORT_CHARACTERS) -> Schema:
    return {"type": "string", "maxLength": most, "description": said}


def _number(said: str, most: int) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": most, "description": said}


CURSOR = _text("From the result before: gives what follows.")
QUESTION = _text("A question or words, in any language.", QUERY_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Tool:
    """`arguments`: name -> its JSON Schema; `needed`: those that must be there; `reads`: it changes nothing."""

    name: str
    title: str
    description: str
    arguments: Mapping[str, Schema] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    reads: bool = True

    @property
    def schema(self) -> Schema:
        """The JSON Schema of its arguments."""
        return {
            "type": "object",
            "properties": dict(self.arguments),
            "required": list(self.needed),
            "additionalProperties": False,
        }


SEARCH = Tool(
    "search",
    "Search the notes",
    "Find passages in the person's notes, papers and mail, by words and meaning, best first, each with its place. "
    "Use `ask` for one fact, `read` to see more of a place.",
    {
        "query": QUESTION,
        "limit": _number("How many; 8 unless said.", MOST_RESULTS),
        "since": _text("Not dated before: 2026-05, 'last friday'."),
        "until": _text("Not dated after."),
        "path": _text("Only sources that fit this glob: 'journal/*'."),
        "cursor": CURSOR,
    },
    ("query",),
)
READ = Tool(
    "read",
    "Read a document",
    "The stored text of one document, whole or a part, word for word.",
    {
        "ref": _text("Its id or source, or the id of a passage."),
        "lines": _text("Of a text with lines: '120-160'."),
        "heading": _text("The section below this heading."),
        "page": _number("Of a PDF, slides or a book.", 100_000),
        "cursor": CURSOR,
    },
    ("ref",),
)
ASK = Tool(
    "ask",
    "Ask the notes",
    "Answer a question from the notes alone, with citations that were read again. State `not_found` means that the "
    "notes do not hold it: say so, do not guess.",
    {"question": QUESTION},
    ("question",),
)
RECALL = Tool(
    "recall",
    "Recall what happened",
    "What the person asked, noted or decided, and when. Without `about` the newest.",
    {
        "about": QUESTION,
        "when": _text("A time: 'last week', 2026-03."),
        "kind": {"type": "string", "enum": KINDS, "description": "Only of this kind."},
    },
)
STATUS = Tool(
    "status",
    "What is there",
    "How much is stored, which models serve, what is not complete.",
)
REMEMBER = Tool(
    "remember",
    "Propose to remember",
    "Propose a sentence for the person's memory. It waits until the person accepts it; until then nothing finds it.",
    {
        "text": _text(
            "One fact or decision, in whole sentences, with its reason.",
            TEXT_CHARACTERS,
        ),
        "about": _text("What it is about, in a few words.", 200),
    },
    ("text",),
    reads=False,
)
CHATGPT_SEARCH = Tool(
    "search",
    "Find documents",
    "Find documents in the person's notes. Gives id, title and url of each; `fetch` gives its text.",
    {"query": QUESTION},
    ("query",),
)
FETCH = Tool(
    "fetch",
    "Fetch a document",
    "The text of a document that `search` found.",
    {"id": _text("The id that `search` gave.")},
    ("id",),
)


ABOUT = Tool(
    "about", "What the store is", ""
)  # asked by the door itself, offered to nobody


def offered(*, writes: bool, chatgpt: bool) -> list[Tool]:
    """The tools of a door."""
    search = [CHATGPT_SEARCH, FETCH] if chatgpt else [SEARCH]
    return [*search, READ, ASK, RECALL, STATUS, *([REMEMBER] if writes else [])]


def checked(tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, which are known and fit. Raises `UsageError`."""
    for name, value in given.items():
        if name not in tool.arguments:
            listed = ", ".join(tool.arguments) or "none"
            raise UsageError(
                f"{tool.name} has no argument {name[:SHORT_CHARACTERS]!r}",
                f"there are: {listed}",
            )
        _must_fit(name, value, tool.arguments[name])
    for name in tool.needed:
        if not str(given.get(name, "")).strip():
            raise UsageError(f"{name} is missing", f"call {tool.name} with {name}")
    return dict(given)


def _must_fit(name: str, value: Any, schema: Schema) -> None:
    kind = schema["type"]
    if not isinstance(value, TYPES[kind]) or isinstance(value, bool):
        raise UsageError(f"{name} must be {NAMES[kind]}", "send it as its schema says")
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        raise UsageError(
            f"{name} has {len(value):,} characters",
            f"send at most {schema['maxLength']:,}",
        )
    if "minimum" in schema and not schema["minimum"] <= value <= schema["maximum"]:
        raise UsageError(
            f"{name} must be {schema['minimum']} to {schema['maximum']:,}",
            "send one of these",
        )
    if "enum" in schema and value not in schema["enum"]:
        listed = ", ".join(schema["enum"])
        raise UsageError(f"there is no {name} {value[:40]!r}", f"there are: {listed}")
