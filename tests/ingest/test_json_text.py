"""JSON, chats, notebooks and drawings: what a person reads in them, and none of what programs keep beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest import UnreadableFile
from tests.ingest.reading_support import loaded, read, text_of


def test_escapes_are_letters_and_lines_stay_lines(tmp_path: Path) -> None:
    text = (
        '{\n  "name": "Caf\\u00e9 \\ud83d\\ude42",\n  "path": "C:\\\\Users\\/ana"\n}\n'
    )
    document = loaded(tmp_path / "a.json", text)
    assert '"name": "Café 🙂"' in document.text
    assert "C:\\Users/ana" in document.text
    assert document.chunks[0].locator == "L1-4"


def test_one_long_line_is_written_out_part_by_part() -> None:
    values = [
        {"title": f"Trip {n}", "days": ["Oslo", "Bergen"], "note": "first\nsecond"}
        for n in range(40)
    ]
    reading = read("trips.json", json.dumps(values))
    assert len(reading.sections) == 40
    assert reading.sections[3].heading == ("Trip 3",)
    assert reading.sections[3].locator == "item 4"
    assert reading.sections[3].text == (
        "title: Trip 3\ndays:\n  - Oslo\n  - Bergen\nnote: first\nsecond\n\n"
    )


def test_lines_of_json_are_parts_and_what_is_no_json_is_text() -> None:
    lines = "\n".join(json.dumps({"name": f"n{n}", "text": "a\nb"}) for n in range(3))
    assert [s.heading for s in read("a.jsonl", lines).sections] == [
        ("n0",),
        ("n1",),
        ("n2",),
    ]
    commented = '// settings\n{"port": 8080, }\n'
    assert text_of(read("a.json5", commented)) == commented
    deep = "[" * 100_000
    assert text_of(read("deep.json", deep)) == deep


CHATS: dict[str, Any] = {
    "chatgpt": [
        {
            "title": "Boiler",
            "current_node": "c",
            "mapping": {
                "a": {"message": None, "parent": None},
                "b": {
                    "parent": "a",
                    "message": {
                        "author": {"role": "user"},
                        "create_time": 1778140800.0,
                        "content": {
                            "content_type": "text",
                            "parts": ["Which pressure?"],
                        },
                    },
                },
                "c": {
                    "parent": "b",
                    "message": {
                        "author": {"role": "assistant"},
                        "content": {"parts": ["The pressure is 1.5 bar."]},
                    },
                },
                "x": {
                    "parent": "a",
                    "message": {
                        "author": {"role": "user"},
                        "content": {"parts": ["discarded"]},
                    },
                },
            },
        }
    ],
    "claude": [
        {
            "name": "Boiler",
            "chat_messages": [
                {
                    "sender": "human",
                    "text": "Which pressure?",
                    "created_at": "2026-05-07T08:00:00Z",
                },
                {
                    "sender": "assistant",
                    "content": [{"type": "text", "text": "The pressure is 1.5 bar."}],
                },
            ],
        }
    ],
    "slack": [
        {
            "type": "message",
            "user": "U1",
            "user_profile": {"real_name": "Ana"},
            "text": "Which pressure?",
            "ts": "1778140800.1",
        },
        {
            "type": "message",
            "user": "U2",
            "text": "The pressure is 1.5 bar.",
            "ts": "1778140900.1",
        },
    ],
    "telegram": {
        "name": "Boiler",
        "messages": [
            {
                "type": "message",
                "date": "2026-05-07T08:00:00",
                "from": "Ana",
                "text": ["Which ", {"type": "bold", "text": "pressure"}, "?"],
            },
            {
                "type": "message",
                "date": "2026-05-07T08:01:00",
                "from": "Bob",
                "text": "The pressure is 1.5 bar.",
            },
        ],
    },
    "messenger": {
        "messages": [
            {
                "sender_name": "Jos\u00c3\u00a9",
                "timestamp_ms": 1778140800000,
                "content": "Which pressure?",
            },
            {
                "sender_name": "Ana",
                "timestamp_ms": 1778140900000,
                "content": "The pressure is 1.5 bar.",
            },
        ]
    },
    "models": {
        "messages": [
            {"role": "user", "content": "Which pressure?"},
            {"role": "assistant", "content": "The pressure is 1.5 bar."},
        ]
    },
}


@pytest.mark.parametrize("program", CHATS)
def test_an_exported_chat_is_who_said_what(program: str) -> None:
    reading = read("conversations.json", json.dumps(CHATS[program]))
    first, second = reading.sections
    assert "Which pressure?" in first.text
    assert second.text.endswith("The pressure is 1.5 bar.\n\n")
    assert second.locator == "message 2"
    assert "discarded" not in text_of(reading)
    assert "{" not in text_of(reading)


def test_a_chat_says_who_and_when() -> None:
    reading = read("chat.json", json.dumps(CHATS["messenger"]))
    assert reading.sections[0].text == "José (2026-05-07 08:00): Which pressure?\n\n"
    assert reading.created == "2026-05-07"


def test_articles_and_commits_are_no_chat() -> None:
    posts = [
        {"author": "Ana", "title": f"Post {n}", "text": "words " * 90} for n in range(3)
    ]
    assert read("posts.json", json.dumps(posts)).sections[1].heading == ("Post 1",)


def test_a_canvas_is_its_cards_its_groups_and_its_arrows() -> None:
    nodes = [
        {
            "id": "g",
            "type": "group",
            "label": "Spring",
            "x": 0,
            "y": 0,
            "width": 500,
            "height": 500,
        },
        {
            "id": "a",
            "type": "text",
            "text": "impeller [[Yard]] #boat",
            "x": 10,
            "y": 10,
            "width": 50,
            "height": 50,
        },
        {
            "id": "b",
            "type": "link",
            "url": "https://example.org/zinc",
            "x": 900,
            "y": 9,
            "width": 5,
            "height": 5,
        },
    ]
    edges = [{"fromNode": "a", "toNode": "b", "label": "order at"}]
    reading = read("jobs.canvas", json.dumps({"nodes": nodes, "edges": edges}))
    assert reading.sections[1].heading == ("Spring",)
    assert "impeller [[Yard]] #boat → https://example.org/zinc: order at" in text_of(
        reading
    )
    assert (reading.links, reading.tags) == (("Yard",), ("boat",))
    assert "900" not in text_of(reading)
    assert "plain text" in read("bad.canvas", "[1, 2]").notices[0]


def test_a_notebook_is_its_cells_and_their_text_output() -> None:
    cells = [
        {
            "cell_type": "markdown",
            "source": ["# Tides\n", "Brest.\n", "## Model\n", "Constants."],
        },
        {
            "cell_type": "code",
            "source": "print(m)",
            "outputs": [
                {"output_type": "stream", "text": ["2.05 \x1b[31mm\x1b[0m\n"]},
                {
                    "output_type": "display_data",
                    "data": {"image/png": "iVBOR" * 200, "text/plain": ["<Figure>"]},
                },
                {"output_type": "error", "ename": "KeyError", "evalue": "'x'"},
            ],
        },
    ]
    reading = read("tides.ipynb", json.dumps({"cells": cells, "nbformat": 4}))
    assert [(s.heading, s.locator) for s in reading.sections] == [
        (("Tides",), "cell 1"),
        (("Tides", "Model"), "cell 1"),
        (("Tides", "Model"), "cell 2"),
    ]
    assert (
        reading.sections[2].text
        == "print(m)\n\nOutput:\n2.05 m\n<Figure>\nKeyError: 'x'\n\n"
    )
    assert reading.title == "Tides"
    with pytest.raises(UnreadableFile, match="no notebook"):
        read("bad.ipynb", "{}")


def test_a_drawing_is_its_words() -> None:
    drawing = {
        "type": "excalidraw",
        "elements": [
            {"type": "text", "text": "Pump"},
            {"type": "arrow"},
            {"type": "text", "text": "old", "isDeleted": True},
        ],
    }
    assert text_of(read("a.excalidraw", json.dumps(drawing))) == "Pump\n\n"
    with pytest.raises(UnreadableFile, match="no drawing"):
        read("a.excalidraw", "[]")
