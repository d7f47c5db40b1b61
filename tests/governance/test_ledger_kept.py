"""The ledger and the money outlive a backup that is taken back; what was erased is not kept among what left."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.governed import approvals_of, budget_of, ledger_of, policies_of
from brain.config import Config, Models
from brain.errors import NotFound
from brain.governance.budget import Limits, Reservation
from brain.governance.in_force import shipped
from brain.governance.ledger import BODY_SHA, HEAD, ORIGINS
from brain.reports import Check
from brain.store.comparisons import ComparisonRow

BETA = "---\nlabel: public\n---\nbeta text"
COMPARISON = ComparisonRow(
    at=1,
    day="2026-11-28",
    episode="e",
    task="ask",
    label="public",
    grade="likely",
    provider="anthropic",
    model="m",
    shadow=1,
    verdict="same",
    usd_micro=5,
)
WIDE = Limits(10**9, 10**9, 10**9, 10**9)


def left(brain: Brain, text: str, *origins: str) -> int:
    """Something that left, with its body."""
    body = json.dumps({"messages": [text]}, ensure_ascii=False).encode()
    facts = {BODY_SHA: sha256(body).hexdigest(), ORIGINS: origins}
    ledger = ledger_of(brain.resources)
    row = ledger.append("intent", **facts)
    ledger.keep_body(row, body)
    return row


def spend(brain: Brain, usd_micro: int) -> None:
    assert isinstance(
        budget_of(brain.resources, WIDE).reserve(usd_micro, 1), Reservation
    )


def spent(brain: Brain) -> int:
    return budget_of(brain.resources, WIDE).spend().usd_today


def check(brain: Brain) -> Check:
    return next(found for found in brain.keep.doctor() if found.id == "D21")


def test_a_backup_that_is_taken_back_forgets_nothing_that_left(brain: Brain) -> None:
    left(brain, "one")
    spend(brain, 10)
    made = Path(brain.keep.backup().path)
    left(brain, "two")
    spend(brain, 700)
    text = shipped().replace("per_day = 1.00", "per_day = 0.50")
    policies_of(brain.resources).publish(text, "publish")
    approvals = approvals_of(brain.resources)
    approvals.approve(approvals.ask("ab"))
    assert approvals.take("ab")
    assert brain.keep.restore(made).notices == ()
    assert ledger_of(brain.resources).verify().rows == 3
    assert check(brain).level == "ok"
    assert spent(brain) == 710
    assert policies_of(brain.resources).published_text() == text
    assert not approvals_of(brain.resources).take("ab")
    assert ledger_of(brain.resources).append("resume") == 4
    assert check(brain).level == "ok"


@pytest.mark.parametrize("is_older", [False, True])
def test_comparisons_outlive_a_backup_and_a_store_without_them_loses_nothing(
    brain: Brain, is_older: bool
) -> None:
    """The present store may be of a schema that had none: what it recorded otherwise stays all the same."""
    made = Path(brain.keep.backup().path)
    left(brain, "one")
    brain.resources.store.comparisons.keep(COMPARISON)
    if is_older:
        with brain.resources.store.write():
            brain.resources.store.connection.conn.execute("DROP TABLE comparisons")
    assert brain.keep.restore(made).notices == ()
    assert ledger_of(brain.resources).verify().rows == 1
    kept = [] if is_older else [COMPARISON]
    assert brain.resources.store.comparisons.rows() == kept


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_backup_that_is_taken_back_makes_nothing_less_confidential(
    brain: Brain, folder: Callable[..., Path], is_gone: bool
) -> None:
    """Also what lies in the trash by now."""
    place = folder({"in/a.md": "alpha text", "b.md": BETA, "c.md": "gamma"})
    brain.add([place])
    brain.remember("Ana chose green tea")
    made = Path(brain.keep.backup().path)
    brain.labels.set("confidential", [str(place / "in")])
    brain.labels.set("internal", ["b.md"])
    (told,) = [
        row for row in brain.library.documents() if row.source.startswith("episode:")
    ]
    brain.labels.set("confidential", [told.id])
    if is_gone:
        brain.library.forget(["a.md"], dry_run=False)
    rules = brain.labels.summary().folders
    assert brain.keep.restore(made).notices == ()
    labels = {row.title: row.label for row in brain.library.documents()}
    assert labels == {
        "a": "confidential",
        "b": "internal",
        "c": "unlabelled",
        told.title: "confidential",
    }
    assert [one.label for one in brain.library.episodes()] == ["confidential"]
    assert brain.labels.summary().folders == rules
    ledger = ledger_of(brain.resources)
    facts = [entry.facts for entry in ledger.last(9, kinds=["label"])]
    restored = {
        one["label"]: one["count"] for one in facts if one["why"] == "brain restore"
    }
    # of the confidential: the folder, the note in it, the remembered words and their round
    assert restored == {"internal": 1, "confidential": 4}
    assert check(brain).level == "ok"
    assert [
        one.id for one in brain.keep.doctor(deep=True) if one.level == "error"
    ] == []
    assert brain.keep.restore(made).notices == ()
    assert brain.library.document("b.md").row.label == "internal"


def test_a_label_that_the_ledger_knows_nothing_of_outlives_a_backup(
    brain: Brain, folder: Callable[..., Path]
) -> None:
    place = folder({"a.md": "alpha text"})
    brain.add([place])
    brain.skills.add(
        folder({"SKILL.md": "---\nname: tea\ndescription: Tea\n---\nPour."}, name="tea")
    )
    made = Path(brain.keep.backup().path)
    brain.add([place], label="confidential")
    conn = brain.resources.store.connection.conn
    conn.execute("UPDATE skills SET label = 'confidential'")
    brain.keep.restore(made)
    assert brain.library.document("a.md").row.label == "confidential"
    counts = brain.labels.summary().counts
    assert counts["skills"] == {"confidential": 1}
    (rule,) = brain.labels.summary().folders
    assert (rule.source, rule.label) == (str(place), "confidential")


def test_a_backup_in_another_home_has_a_ledger_that_holds(
    brain: Brain, tmp_path: Path
) -> None:
    left(brain, "one")
    left(brain, "two")
    made = Path(brain.keep.backup().path)
    other = Config(home=tmp_path / "other", models=Models("wordllama", "builtin"))
    assert brain.keep.restore(made, to=other.home).done
    with Brain(other) as opened:
        assert check(opened).level == "ok"
        assert ledger_of(opened.resources).verify().rows == 2


def test_a_backup_of_another_store_brings_its_own_ledger_and_says_so(
    brain: Brain, tmp_path: Path
) -> None:
    other = Config(home=tmp_path / "other", models=Models("wordllama", "builtin"))
    with Brain(other) as opened:
        left(opened, "theirs")
        made = Path(opened.keep.backup().path)
    left(brain, "ours")
    left(brain, "ours too")
    spend(brain, 700)
    report = brain.keep.restore(made)
    assert ["another store" in said for said in report.notices] == [True]
    assert check(brain).level == "ok"
    assert ledger_of(brain.resources).verify().rows == 1
    assert spent(brain) == 700
    home = brain.config.home
    assert [path.name.partition("-")[0] for path in home.glob(f"{HEAD}.*")] == [
        f"{HEAD}.before"
    ]


def test_a_database_that_was_put_back_by_hand_is_noticed(brain: Brain) -> None:
    left(brain, "one")
    database = brain.config.database
    brain.close()
    with closing(sqlite3.connect(database)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(database, database.with_name("kept"))
    left(brain, "two")
    brain.close()
    for end in ("-wal", "-shm"):
        database.with_name(f"brain.db{end}").unlink(missing_ok=True)
    database.with_name("kept").replace(database)
    found = check(brain)
    assert found.level == "error"
    assert "the rows from 2 to 2 are missing" in found.message


@pytest.mark.parametrize("by", ["words", "origin"])
def test_what_was_erased_is_not_kept_among_what_left(by: str, brain: Brain) -> None:
    brain.note("The password of the safe is kingfisher.", title="Safe")
    brain.note("Green tea wants 70 degrees.", title="Tea")
    rows = {row.title: row.id for row in brain.library.documents()}
    conn = brain.resources.store.connection.conn
    (chunk,) = conn.execute(
        "SELECT id FROM knowledge WHERE document_id=?", (rows["Safe"],)
    ).fetchone()
    if by == "words":
        gone = left(brain, "The password of the safe is kingfisher.")
    else:
        gone = left(brain, "said in other words", chunk)
    stays = left(brain, "Green tea wants 70 degrees.")
    report = brain.keep.erase([rows["Safe"]], dry_run=False)
    assert report.left == ()
    with pytest.raises(NotFound):
        ledger_of(brain.resources).body(gone)
    assert ledger_of(brain.resources).body(stays)
    assert check(brain).level == "ok"
    assert ledger_of(brain.resources).entry(gone).kind == "intent"


def test_the_doctor_names_a_changed_row(brain: Brain) -> None:
    left(brain, "one")
    conn = brain.resources.store.connection.conn
    conn.execute("DROP TRIGGER ledger_changes_no_row")
    conn.execute("UPDATE ledger SET record = replace(record, 'intent', 'settle')")
    found = check(brain)
    assert (found.level, found.message) == ("error", "row 1 is not what was written")


def test_the_doctor_names_a_policy_that_cannot_be_read(brain: Brain) -> None:
    def level() -> tuple[str, str]:
        found = next(one for one in brain.keep.doctor() if one.id == "D13")
        return found.level, found.message

    assert level() == ("ok", "")
    policies = policies_of(brain.resources)
    policies.publish(shipped() + "# mine\n", "publish")
    assert level() == ("ok", "")
    policies.write("[limits")
    assert level()[0] == "error"
    assert "this is no TOML" in level()[1]
    policies.write(shipped())
    brain.resources.store.connection.conn.execute(
        "UPDATE policies SET text = text || ' '"
    )
    assert "policy 1 in the database is not what was published" in level()[1]


def test_status_says_that_it_is_halted(brain: Brain) -> None:
    assert not any("halted" in said for said in brain.status().notices)
    brain.policy.halt("enough")
    assert "halted: enough; `brain resume` lets it go on" in brain.status().notices
