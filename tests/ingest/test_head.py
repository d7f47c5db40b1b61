"""The head of a note as people and programs write it: one bad line costs itself, whatever stands around it."""

from __future__ import annotations

import pytest

from ingest.limits import Limits
from ingest.readers.properties import Head, read_head
from tests.ingest.test_markdown import reading, text_of


def head(text: str) -> Head:
    return read_head(text, Limits())


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("owner: Governance: the prompt", "Governance: the prompt"),
        ("owner: @ana", "@ana"),
        ("owner: %50 off", "%50 off"),
        ("owner: `code`", "`code`"),
        ("owner: {{title}}", "{{title}}"),
        ("owner: a: b: c", "a: b: c"),
        ("owner: [ana", "ana"),
        ("owner: [[Ana]], [[Ben]]", "[[Ana]], [[Ben]]"),
        ("owner: Issue #12", "Issue #12"),
        ("owner: '#ffaa00' # a colour", "#ffaa00"),
        ("owner: ana # since May", "ana"),
        ("#owner: ben\nowner: ana", "ana"),
    ],
)
def test_a_line_that_is_no_yaml_keeps_its_value_and_its_neighbours(
    line: str, value: str
) -> None:
    found = head(f"---\ntitle: Ops\n{line}\ntags: [a, b]\n---\n")
    assert found.first("title") == "Ops"
    assert found.first("owner") == value
    assert found.tags() == ["a", "b"]
    assert found.notices == ()


@pytest.mark.parametrize(
    "line", ["owner: {x", "owner: &x 1", "owner: !!int 3", "no key at all", "a:b"]
)
def test_a_line_that_cannot_be_read_stays_as_text_and_is_told(line: str) -> None:
    found = reading(f"---\ntitle: Ops\n{line}\ntags: [a, b]\n---\nBody.\n")
    assert (found.title, found.tags) == ("Ops", ("a", "b"))
    assert text_of(found) == f"{line}\n\n\nBody.\n"
    assert found.sections[0].locator == "L3-5"
    assert found.notices[0].startswith("front matter: line 3 kept as text: ")


def test_one_bad_item_of_a_list_loses_no_other() -> None:
    found = head("---\ntags:\n\t- ops\n\t- @ana\nstatus: x: y\n---\n")
    assert found.tags() == ["ops", "@ana"]
    assert found.first("status") == "x: y"


def test_toml_is_read_and_one_bad_line_of_it_costs_itself() -> None:
    found = head(
        '+++\ntitle = "Page"\ndraft = true\ndate = 2026-03-04\nowner = @ana\n'
        'bad = [1\n[taxonomies]\ntags = [\n  "zola",\n  "web",\n]\n+++\nBody\n'
    )
    assert found.first("title") == "Page"
    assert found.tags() == ["zola", "web"]
    assert found.metadata()["draft"] == "true"
    assert found.metadata()["date"] == "2026-03-04"
    assert found.metadata()["owner"] == "@ana"
    assert found.unread == ((5, 6),)
    assert found.lines == 12


def test_keys_count_in_any_case() -> None:
    found = reading("---\nTitle: A\nTAGS: ops\nAliases: [b]\nDate: 2026-03-04\n---\n")
    assert (found.title, found.tags, found.aliases) == ("A", ("ops",), ("b",))
    assert found.date == "2026-03-04"


@pytest.mark.parametrize(
    ("line", "tags"),
    [
        ("tags: ops audit", ["ops", "audit"]),
        ("tags: '#ops #audit'", ["ops", "audit"]),
        ("tags: #ops #audit", ["ops", "audit"]),
        ("tags: [#ops, #audit]", ["ops", "audit"]),
        ("tags: [ops, audit", ["ops", "audit"]),
        ("tags: [ops\nkey: value: more", ["ops"]),
        ("tags:\n  - #ops\n  - audit", ["ops", "audit"]),
        ("tags: machine learning, ops", ["machine learning", "ops"]),
        ("tags: [machine learning, ops]", ["machine learning", "ops"]),
        ("keywords: [dense retrieval, bm25]", ["dense retrieval", "bm25"]),
        ("Keywords: dense retrieval; bm25", ["dense retrieval", "bm25"]),
    ],
)
def test_tags_and_keywords(line: str, tags: list[str]) -> None:
    assert head(f"---\n{line}\n---\n").tags() == tags


def test_blank_lines_above_and_a_second_block_below() -> None:
    text = "\n \n---\npermalink: a/b\n---\n\n---\ntitle: Real\n---\n\nText.\n"
    found = reading(text)
    assert found.title == "Real"
    assert found.metadata["permalink"] == "a/b"
    assert text_of(found) == "\nText.\n"
    assert found.sections[0].locator == "L10-11"


@pytest.mark.parametrize("above", ["", "\ufeff", "\n", "\t\n"])
def test_json_of_hugo_is_a_head(above: str) -> None:
    found = reading(
        above
        + '{\n\t"title": "Caf\\u00e9 \\ud83d\\ude00",\n\t"tags": ["ops", "home"],\n'
        '\t"params": {"owner": "Ana"},\n\t"date": "2026-03-04"\n}\n\nText.\n'
    )
    assert (found.title, found.tags) == ("Café 😀", ("ops", "home"))
    assert found.metadata["params.owner"] == "Ana"
    assert found.date == "2026-03-04"
    assert text_of(found).endswith("\n\nText.\n")
    assert "title" not in text_of(found)


HUGO = '{\n  "title": "Lease",\n  "date": "2026-03-04",\n%s  "tags": ["home"]\n}\n\nText.\n'


@pytest.mark.parametrize(
    "bad", ['  "rating": 5 stars,\n', "  status: done,\n", '  "said": "a "b" c",\n']
)
def test_a_bad_line_of_a_json_head_loses_its_own_value_alone(bad: str) -> None:
    found = reading(HUGO % bad)
    assert (found.title, found.date, found.tags) == ("Lease", "2026-03-04", ("home",))
    assert found.notices == ("front matter: line 4 kept as text: not valid JSON",)
    assert bad.strip() in text_of(found)
    assert "title" not in text_of(found)


@pytest.mark.parametrize(
    "text",
    [
        '{\n"title": "Lease"\n"date": "2026-03-04",\n"tags": ["home"]\n}\nText.\n',
        '{\n"title": "Lease",\n"date": "2026-03-04",\n"tags": [\n"home",\n],\n}\nText.\n',
    ],
)
def test_a_comma_too_few_or_too_many_in_a_json_head_loses_nothing(text: str) -> None:
    found = reading(text)
    assert (found.title, found.date, found.tags) == ("Lease", "2026-03-04", ("home",))
    assert not found.notices
    assert text_of(found) == "Text.\n"


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "x"} is how it begins\n',
        "{\nint main() {\n  return 1;\n}\n}\n",
        "{\n" + "word\n" * 30 + '"title": "x"\n}\n',
        '{"no": "key of a head"}\nText.\n',
        "{{ title }}\nText.\n",
        "{" * 9_000,
        '{"title": "x",\nText.\n',
    ],
)
def test_other_braces_are_text(text: str) -> None:
    assert text_of(reading(text)) == text


def test_front_matter_behind_comments_is_read_and_the_comments_stay() -> None:
    text = (
        "\ufeff<!-- made\nby x -->\n\n\ufeff---\ntitle: Real\ntags: [ops]\n---\nText.\n"
    )
    found = reading(text)
    assert (found.title, found.tags) == ("Real", ("ops",))
    assert text_of(found) == "<!-- made\nby x -->\n\n\n\n\n\nText.\n"
    comment_before_text = "<!-- a --> text <!-- b -->\n---\ntitle: No\n---\n"
    assert text_of(reading(comment_before_text)) == comment_before_text
    reading("<!--" * 50_000)


def test_text_between_two_rules_is_no_second_head() -> None:
    text = "---\ntitle: A\n---\n\n---\nNote: this is a text.\n---\n\nMore.\n"
    assert "Note: this is a text." in text_of(reading(text))


@pytest.mark.parametrize("mark", ["---", "+++"])
def test_hostile_blocks_are_read_or_kept(mark: str) -> None:
    for body in ("[" * 9_000, "a = [" * 2_000, "a: [" * 2_000, "\t" * 9_000 + "a"):
        found = reading(f"{mark}\nkey: x\n{body}\n{mark}\nBody.\n")
        assert text_of(found).endswith("Body.\n")
