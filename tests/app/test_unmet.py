"""A condition that no document meets is said, with what there is; it must not look like notes that hold nothing."""

from dataclasses import replace
from typing import Any

import pytest

from brain.app import Brain
from brain.errors import NotFound, UsageError
from brain.labels import Label
from brain.types import Request, Scope
from tests.end_to_end import Folder, brain

NOTES = {
    "home/lease.md": "---\nstatus: signed\nrating: 4\ntags: [lease, home]\n---\n\nThe lease begins in May.\n",
    "home/Boiler.md": "---\nstatus: open\ntags: [home]\n---\n\nThe boiler is old. In Python: x  # type: ignore\n",
    "prices.csv": "thing,price\nkettle,40\n",
}


@pytest.fixture
def stocked(folder: Folder) -> None:
    brain("add", folder(NOTES))
    brain("add", "--note", "Call Ana")


TAGS = "no document has the tag"
TYPES = "no document has the type"


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (("list", "--tag", "leas"), f"{TAGS} 'leas'", "did you mean lease? tags: home"),
        (("search", "boiler", "--tag", "nope"), f"{TAGS} 'nope'", "tags: home, lease"),
        (("ask", "how old is the boiler tag:nope"), f"{TAGS} 'nope'", "tags: home"),
        (("search", "type:zzz"), f"{TYPES} 'zzz'", "types: csv, md, note"),
        (("search", "boiler type:pdf"), f"{TYPES} 'pdf'", "types: csv, md, note"),
        (("ask", "is it old type:cvs"), f"{TYPES} 'cvs'", "did you mean csv?"),
        (("search", "x path:boilr"), "no path holds 'boilr'", "mean Boiler.md?"),
        (("list", "--source", "hom/*"), "no path fits 'hom/*'", "did you mean home?"),
        (("list", "--where", "foo"), "property 'foo'", "for instance: status=done"),
        (("list", "--where", "gats=x"), "property 'gats'", "  properties: "),
        (("list", "--where", "stats=x"), "property 'stats'", "did you mean status?"),
        (("list", "--where", "status=opn"), "has status=opn", "did you mean open?"),
        (("search", "x", "--where", "rating>4"), "has rating>4", "of rating: 4"),
    ],
)
@pytest.mark.usefixtures("stocked")
def test_a_condition_that_nothing_meets_names_what_there_is(
    words: tuple[str, ...], said: str, hint: str
) -> None:
    ran = brain(*words)
    assert ran.code == 3
    first, second = ran.stderr.splitlines()
    assert said in first
    assert hint in second


@pytest.mark.parametrize("verb", [("list",), ("search", "boiler")])
@pytest.mark.usefixtures("stocked")
def test_a_property_to_sort_by_that_none_has_is_refused(verb: tuple[str, ...]) -> None:
    ran = brain(*verb, "--sort", "-ratin")
    assert ran.code == 2
    first, second = ran.stderr.splitlines()
    assert "no document has the property 'ratin' to sort by" in first
    assert "did you mean rating? properties: date, title, path, " in second


@pytest.mark.parametrize("verb", [("list",), ("search", "the boiler lease kettle")])
@pytest.mark.usefixtures("stocked")
def test_date_title_and_path_sort_whatever_a_document_states(
    verb: tuple[str, ...],
) -> None:
    ran = brain(*verb, "--sort", "-path", "--json").json
    rows = ran.get("documents") or ran["passages"]
    paths = [row["source"] for row in rows]
    assert len(paths) > 2
    assert paths == sorted(paths, reverse=True)


@pytest.mark.usefixtures("stocked")
def test_type_that_a_text_holds_is_what_is_looked_for() -> None:
    assert "Boiler.md" in brain("search", "type:ignore").stdout


def test_conditions_that_fit_only_together_and_an_empty_store_are_no_mistake(
    brain: Brain, folder: Folder
) -> None:
    scope = Scope(tags=("lease",), where=("status=open",))
    assert brain.library.documents(scope=scope, sort="nope") == []
    brain.add([folder(NOTES)])
    assert brain.library.documents(scope=scope) == []
    assert len(brain.library.documents(scope=Scope(tags=("-nope",)))) == 3
    with pytest.raises(NotFound):
        brain.search(Request("lease", scope=Scope(tags=("nope",))))
    with pytest.raises(UsageError):
        brain.search(Request("lease", sort="nope"))


MEANT = "it is a folder: brain list --source '*/home/*'"


@pytest.mark.parametrize(
    ("words", "code", "said", "hint"),
    [
        (("remember", "x", "--at", "nope"), 2, "--at 'nope' is no time", "say a day"),
        (
            ("list", "--since", "2026-06", "--until", "2026-01"),
            2,
            "--until '2026-01' lies before --since '2026-06'",
            "the earlier time goes behind --since",
        ),
        (("list", "--sort", "-"), 2, "no document has the property ''", "date, title"),
        (("get", "lease.md:0"), 3, "under 'lease.md:0'", "did you mean lease.md?"),
        (("show", "HOME"), 3, "nothing is stored under 'HOME'", MEANT),
        (("recall", "x", "--with", "Benn"), 3, "with 'Benn'", "did you mean Ben?"),
        (("sync", "now"), 2, "too many words: now", "for instance: brain sync"),
        (("list", "--limt", "3"), 2, "--limt; did you mean --limit?", "brain list"),
        (("get",), 2, "missing: ID|PATH", "brain get"),
        (("list", "--tag"), 2, "'--tag' needs a value", "--help"),
        (
            ("models", "use", "embed", "nope"),
            6,
            "Ollama does not answer",
            "`brain models use embed builtin`",
        ),
    ],
)
@pytest.mark.usefixtures("stocked")
def test_a_mistake_is_said_in_plain_words(
    words: tuple[str, ...], code: int, said: str, hint: str
) -> None:
    brain("remember", "Ben agreed", "--with", "Ben")
    ran = brain(*words)
    first, second = ran.two_lines()
    assert (ran.code, said in first, hint in second) == (code, True, True), ran.stderr


@pytest.mark.parametrize(
    ("question", "more"),
    [
        ("how old tag:leas", {}),
        ("how old path:boilr", {}),
        ("how old type:zzz", {}),
        ("how old", {"where": ("status=opn",)}),
        ("how old", {"source": "hom/*"}),
    ],
)
@pytest.mark.parametrize("verb", ["search", "ask"])
def test_who_may_not_see_all_is_told_no_name_of_what_there_is(
    brain: Brain, folder: Folder, verb: str, question: str, more: dict[str, Any]
) -> None:
    brain.add([folder(NOTES)], label="confidential")
    brain.remember("Ana called", people=["Ana"], label="confidential")
    scope = Scope(at_most=Label.INTERNAL, **more)
    request = Request(question, scope=scope, sort="ratin")
    assert getattr(brain, verb)(request).passages == ()
    assert brain.recall(request, person="Ann").episodes == ()
    everything = replace(request, scope=replace(scope, at_most=Label.CONFIDENTIAL))
    with pytest.raises(NotFound):
        getattr(brain, verb)(everything)


@pytest.mark.parametrize("most", [Label.PUBLIC, Label.INTERNAL])
def test_the_label_that_is_told_says_nothing_of_what_hidden_notes_hold(
    brain: Brain, folder: Folder, most: Label
) -> None:
    """The one that is kept with the episode does."""
    brain.add([folder({"a.md": "The zubrowka merger.\n"})], label="confidential")
    brain.remember("The boiler is old.", label="public")
    scope = Scope(at_most=most)
    hidden = brain.ask(Request("Is the boiler of zubrowka old?", scope=scope))
    unknown = brain.ask(Request("Is the boiler of zyzzyva old?", scope=scope))
    assert (hidden.label, unknown.label) == ("public", "public")
    none = brain.ask(Request("zubrowka", scope=scope))
    nothing = brain.ask(Request("zyzzyva", scope=scope))
    assert none.label == nothing.label == "public"
    told = "SELECT DISTINCT label FROM episodes WHERE question LIKE '%zubrowka%'"
    kept = brain.resources.store.connection.conn.execute(told).fetchall()
    assert kept == [("confidential",)]
    assert brain.ask(Request("Is the boiler of zubrowka old?")).label == "confidential"


SIGNS = [
    (("zubrowka merger", "zubrowka merger -may", "zubrowka merger -june"), 1),
    (("zubrowka merger path:conf", "zubrowka merger path:nix"), 1),
    (("zubrowka merger tag:deal", "zubrowka merger tag:other"), 1),
    (("zubrowka merger type:md", "zubrowka merger type:pdf"), 1),
    (('"zubrowka merger"', '"merger zubrowka"'), 1),
    (("path:conf", "path:nix", "tag:deal", "type:pdf"), 0),
]
WHERE = {"paths": "conf", "tags": "deal", "without": "may", "phrases": "merger in May"}


@pytest.mark.parametrize(("questions", "hidden"), SIGNS)
@pytest.mark.parametrize("verb", ["search", "ask"])
def test_the_number_that_is_withheld_tells_nothing_of_a_hidden_note(
    brain: Brain, folder: Folder, verb: str, questions: tuple[str, ...], hidden: int
) -> None:
    """Only that one fits the plain words: not what else it holds, where it lies, what kind it is, nor when it is of."""
    note = "---\ntags: [deal]\ndate: 2026-05-20\n---\nThe zubrowka merger in May.\n"
    brain.add([folder({"conf/merger.md": note})], label="confidential")
    scopes = [
        Scope(at_most=Label.INTERNAL),
        *(Scope(at_most=Label.INTERNAL, **{name: (WHERE[name],)}) for name in WHERE),  # type: ignore[arg-type]
        Scope(at_most=Label.INTERNAL, since="2026-05-01", until="2026-05-31"),
        Scope(at_most=Label.INTERNAL, since="2026-06-01"),
        Scope(at_most=Label.INTERNAL, where=("date>2026-06-01",)),
        Scope(at_most=Label.INTERNAL, source="nix/*"),
    ]
    counts = set()
    for question in questions:
        for scope in scopes:
            request = Request(question, scope=scope)
            counts.add(getattr(brain, verb)(request).withheld)
    assert counts == {hidden}
