"""`forget --erase` leaves no byte of the text in any file of the home; what still holds it elsewhere is said."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest

from brain.app import Brain
from brain.app.derived import finish_erasure
from brain.config import Config, Index, Models
from brain.config.secret import Secret
from brain.errors import NotFound
from brain.faults import KILLED, VARIABLE
from brain.index import snapshot
from brain.keeping.encryption import PASSPHRASE, keys_of
from brain.keeping.erase import ERASED
from brain.reports import EraseReport, Forgotten, Holding, NotRewritten, RewriteReport
from brain.store import PENDING, copies
from brain.store.trash import DAYS_SEEN, KEPT
from brain.types import Episode, Request
from tests.cheap_age import closed
from tests.fake_brain import brain as command

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 5, 7, 12, tzinfo=UTC)
BODY, TITLE, FILE, HEADING = (
    "Zweckverband",
    "Quittenmarmelade",
    "kellerschluessel",
    "Ofenrohrzange",
)
SENTENCE = f"The {BODY} keeps its seventh ledger under the loose floorboard"
SECRET = (
    f"# {TITLE}\n\n{SENTENCE}. "
    + "Nobody was told about it. " * 40
    + f"\n\n## {HEADING}\n\nThe end of {BODY}.\n"
)
OTHER = (
    "# Tea\n\nBlack tea wants water at 96 degrees. The ledger of tea is a short one.\n"
)
MARKERS = [BODY, TITLE, FILE, HEADING]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with a secret, answers that cite and quote it, its neighbours in a session, and another note."""
    place = tmp_path_factory.mktemp("template")
    notes = place / "notes"
    notes.mkdir()
    (notes / f"{FILE}.md").write_text(SECRET)
    (notes / "tea.md").write_text(OTHER)
    home = place / "home"
    with Brain(Config(home=home, models=Models("wordllama", "builtin"))) as brain:
        brain.add([notes])
        source = str(notes / f"{FILE}.md")
        record = brain.resources.store.episodes.record_many
        at = "2026-05-06T10:00:00+00:00"
        record(
            Episode("", at, "ask", question, answer, cited, session="evening")
            for question, answer, cited in (
                ("what came before?", "Something harmless.", ()),
                (
                    "where is the ledger?",
                    f"“{SENTENCE}.” [1]",
                    (f"{source}:L3-3", "notes/tea.md:L1-1"),
                ),
                ("and then?", "Nothing to see.", ()),
                ("what did I copy?", f"You wrote: {SENTENCE.lower()}, I think.", ()),
            )
        )
        brain.search(Request("ledger"))
    (notes / f"{FILE}.md").unlink()
    return place


@pytest.fixture
def brain(template: Path, config: Config) -> Iterator[Brain]:
    """A `Brain` over a copy of it."""
    shutil.copytree(template / "home", config.home)
    with Brain(config, now=lambda: NOON) as opened:
        yield opened


def grep(
    home: Path, *, markers: list[str] = MARKERS, without: str = "backups"
) -> list[str]:
    """Every file that holds a marker in any case, as text, as JSON or as an address writes it."""
    found = []
    for path in sorted(home.rglob("*")):
        if path.is_file() and without not in path.parts:
            data = path.read_bytes().lower()
            found += [
                f"{path.name}: {m}" for m in markers if m.lower().encode() in data
            ]
    return found


def reference(brain: Brain) -> str:
    return next(row.id for row in brain.library.documents() if row.title == TITLE)


def erase(brain: Brain, *references: str, **options: object) -> EraseReport:
    return brain.keep.erase(references or [reference(brain)], dry_run=False, **options)  # type: ignore[arg-type]


def findings(brain: Brain) -> dict[str, str]:
    return {
        c.id: c.message
        for c in brain.keep.doctor(deep=True, repair=False)
        if c.level == "error"
    }


def test_no_file_of_the_home_holds_a_byte_of_it(brain: Brain) -> None:
    snapshot.write(
        brain.resources.store.vectors,
        brain.config.index_dir,
        brain.resources.serving.fingerprint,
    )
    assert {m for hit in grep(brain.config.home) for m in MARKERS if m in hit} == set(
        MARKERS
    )  # it is there before
    report = erase(brain)
    assert report.done
    assert (report.pending, report.left) == ("", ())
    assert grep(brain.config.home) == []
    brain.close()
    assert grep(brain.config.home) == []
    with Brain(brain.config) as again:
        assert findings(again) == {}
        assert [row.title for row in again.library.documents()] == ["Tea"]
        assert again.search(Request("tea degrees")).passages[0].title == "Tea"
        assert again.library.forgotten() == []
        assert (
            again.resources.store.vectors.of(
                "episodes", again.resources.serving.fingerprint
            ).waiting()
            == 0
        )


def test_answers_that_quote_or_cite_it_lose_their_words_and_keep_their_questions(
    brain: Brain,
) -> None:
    report = erase(brain)
    assert sorted(item.title for item in report.quoting) == [
        "what did I copy?",
        "where is the ledger?",
    ]
    kept = {
        e.question: (e.answer, e.citations)
        for e in brain.resources.store.episodes.recent(9)
    }
    assert kept["where is the ledger?"] == ("", ("notes/tea.md:L1-1",))
    assert kept["what did I copy?"][0] == ""
    assert kept["and then?"][0] == "Nothing to see."
    around = dict(
        brain.resources.store.connection.conn.execute(
            "SELECT question, around FROM episodes"
        )
    )
    assert "ledger" in around["and then?"]  # the neighbour's question
    assert "floorboard" not in around["and then?"] + around["what came before?"]


def test_looking_only_changes_nothing(brain: Brain) -> None:
    before = copies.digest(brain.resources.store.connection.conn)
    report = brain.keep.erase([reference(brain)], dry_run=True)
    assert (report.done, len(report.items), len(report.quoting)) == (False, 1, 2)
    assert copies.digest(brain.resources.store.connection.conn) == before


def test_what_was_forgotten_before_can_be_erased(brain: Brain) -> None:
    name = reference(brain)
    brain.library.forget([name], dry_run=False)
    assert any(BODY in hit for hit in grep(brain.config.home))
    report = erase(brain, name)
    assert [item.kind for item in report.items] == ["document"]
    assert grep(brain.config.home) == []
    with pytest.raises(NotFound):
        brain.library.undo(name)


def test_a_note_and_its_episode_go_together(brain: Brain) -> None:
    note = brain.note(
        "The Haselnussversteck is behind the mill.", title="Geheimnotiz"
    ).documents[0]
    remembered = brain.remember("Ana hid the Zinnkanne in May", session="mill")
    markers = ["Haselnussversteck", "Geheimnotiz", "Zinnkanne"]
    assert (
        len(
            {hit.partition(": ")[2] for hit in grep(brain.config.home, markers=markers)}
        )
        == 3
    )
    erase(brain, note, f"episode:{remembered.id}")
    assert grep(brain.config.home, markers=markers) == []
    assert findings(brain) == {}


def test_backups_that_hold_it_are_listed_with_their_day_and_rewritten_on_request(
    brain: Brain,
) -> None:
    yesterday = NOON.replace(day=6)
    with Brain(brain.config, now=lambda: yesterday) as earlier:
        earlier.keep.backup(keep="7d,4w")
    plan = brain.keep.erase([reference(brain)], dry_run=True)
    assert [(item.state, item.until) for item in plan.backups] == [
        ("holds", "2026-05-13")
    ]
    report = erase(brain)
    assert [item.state for item in report.backups] == ["holds"]
    path = Path(report.backups[0].path)
    assert any(BODY in hit for hit in grep(path.parent, without="nothing"))
    # The store no longer knows it, the backup does.
    again = brain.keep.erase([report.items[0].source], dry_run=True)
    assert [item.path for item in again.backups] == [str(path)]
    done = brain.keep.rewrite_backups()
    assert (done.looked, done.rewritten, done.failed) == (1, (str(path),), ())
    assert grep(path.parent, without="nothing") == []
    assert copies.judge(path).documents == 1
    assert brain.keep.restore(path).verified
    assert grep(brain.config.home, without="nothing") == []
    assert findings(brain) == {}


def test_what_expires_goes_before_an_index_is_written(brain: Brain) -> None:
    """The other way round it would take away what was just written."""
    brain.library.forget([reference(brain)], dry_run=False)
    brain.close()
    config = replace(brain.config, index=Index(engine="chroma"))
    for day in range(DAYS_SEEN):
        with Brain(config, now=lambda: NOON + 2 * KEPT + timedelta(days=day)) as later:  # noqa: B023
            later.sync()
    with Brain(
        config, now=lambda: NOON + 2 * KEPT + timedelta(days=DAYS_SEEN)
    ) as later:
        later.sync()
        assert later.resources.store.trash.listing() == []
        serving = later.resources.serving.fingerprint
        assert later.resources.store.vectors.snapshots.current(serving) is not None


NOTHING_ERASED = ("nothing is erased: no backup has to be written anew",)


def test_backups_and_what_was_put_aside_are_rewritten_once(brain: Brain) -> None:
    made = brain.keep.backup()
    brain.keep.restore(Path(made.path))  # leaves the present store aside
    assert brain.keep.rewrite_backups() == RewriteReport(notices=NOTHING_ERASED)
    report = erase(brain)
    paths = sorted(item.path for item in report.backups)
    assert sorted(brain.keep.rewrite_backups().rewritten) == paths
    assert len(paths) == 2
    assert grep(brain.config.home, without="nothing") == []
    assert brain.keep.rewrite_backups() == RewriteReport(2)


def test_what_came_back_under_its_old_id_stays_in_later_backups(
    brain: Brain, tmp_path: Path
) -> None:
    brain.keep.export(tmp_path / "out")
    erase(brain)
    with brain.resources.store.write() as database:
        # as when a person says that it may come back
        database.execute("DELETE FROM tombstones")
    brain.keep.import_from(tmp_path / "out")
    later = Path(brain.keep.backup().path)
    assert brain.keep.rewrite_backups().rewritten == ()
    assert copies.judge(later).documents == 2


def test_of_what_was_erased_the_ids_alone_are_remembered(brain: Brain) -> None:
    name = reference(brain)
    erase(brain, str(brain.library.document(name).row.source))
    kept = json.loads(brain.resources.store.library.setting(ERASED) or "")
    assert kept["documents"] == [name]
    assert len(kept["answers"]) == 2
    assert grep(brain.config.home) == []


def test_an_answer_that_cites_an_erased_note_by_its_former_place_leaves_the_backup(
    brain: Brain,
) -> None:
    """The live store knew more of it than the backup does: its answers are found there by their ids."""
    path = Path(brain.keep.backup().path)
    with closing(sqlite3.connect(path)) as copy, copy:
        copy.execute(
            "UPDATE episodes SET citations='[]' WHERE question='where is the ledger?'"
        )
        copy.execute("DELETE FROM knowledge WHERE document_id=?", (reference(brain),))
        copy.execute("DELETE FROM properties WHERE document_id=?", (reference(brain),))
        copy.execute("DELETE FROM documents WHERE id=?", (reference(brain),))
    copies.restate(path, made_at=NOON.isoformat())
    erase(brain)
    assert brain.keep.rewrite_backups().rewritten == (str(path),)
    assert [hit for hit in grep(path.parent, without="nothing") if BODY in hit] == []


def test_a_backup_that_cannot_be_rewritten_is_named_and_stays(brain: Brain) -> None:
    path = Path(brain.keep.backup().path)
    erase(brain)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    (failed,) = brain.keep.rewrite_backups().failed
    assert failed.path == str(path)
    assert str(path) in failed.message
    assert len(path.read_bytes()) == len(whole) // 2


def test_sealed_backups_are_opened_with_their_key_or_said_to_be_unread(
    brain: Brain, tmp_path: Path
) -> None:
    identity = pyrage.x25519.Identity.generate()
    key = tmp_path / "key.txt"
    key.write_text(f"{identity}\n")
    made = brain.keep.backup(secret=Secret(recipients=(str(identity.to_public()),)))
    plan = brain.keep.erase([reference(brain)], dry_run=True)
    assert [item.state for item in plan.backups] == ["unread"]
    assert "could not be looked into" in plan.notices[-1]
    erase(brain)
    assert [item.path for item in brain.keep.rewrite_backups().failed] == [made.path]
    assert brain.keep.rewrite_backups(Secret(identity=key)).rewritten == (made.path,)
    brain.keep.restore(Path(made.path), secret=Secret(identity=key))
    assert [row.title for row in brain.library.documents()] == ["Tea"]
    assert grep(brain.config.home, without="nothing") == []


def test_each_backup_is_opened_and_written_anew_with_what_it_was_made_with(
    brain: Brain, tmp_path: Path
) -> None:
    """One for a passphrase beside one for a key; one for two keys stays, since we know only one of them."""
    mine, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    key = tmp_path / "key.txt"
    key.write_text(f"{mine}\n")
    public = [str(mine.to_public()), str(other.to_public())]
    for_key = brain.keep.backup(secret=Secret(recipients=tuple(public[:1]))).path
    for_words = str(closed(Path(brain.keep.backup().path), "correct horse"))
    for_two = brain.keep.backup(secret=Secret(recipients=tuple(public))).path
    erase(brain)
    (needed,) = [
        f
        for f in brain.keep.rewrite_backups(Secret(identity=key)).failed
        if f.path == for_words
    ]
    assert (
        needed.message
        == f"{for_words} is encrypted with a passphrase: give it in {PASSPHRASE}"
    )
    done = brain.keep.rewrite_backups(Secret("correct horse", identity=key))
    assert done.rewritten == (for_words,)
    assert [item.path for item in done.failed] == [for_two]
    assert "is encrypted for 2 keys" in done.failed[0].message
    assert keys_of(Path(for_key)) == 1
    assert keys_of(Path(for_words)) == 0
    brain.keep.restore(Path(for_words), secret=Secret("correct horse"))
    assert [row.title for row in brain.library.documents()] == ["Tea"]


def killed(step: str, call: str, config: Config) -> None:
    """Run a call in a process that dies at a step."""
    code = f"from brain.app import Brain; from brain.config import load; {call}"
    environ = {
        "BRAIN_HOME": str(config.home),
        VARIABLE: f"{step}:1:exit",
        "PATH": os.environ["PATH"],
        "BRAIN_MODELS_EMBED": "wordllama",
        "BRAIN_MODELS_ASK": "builtin",
    }
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert run.returncode == KILLED, run.stderr


@pytest.mark.parametrize("step", ["erase.after_commit", "erase.before_scrub"])
def test_what_a_kill_left_undone_is_finished_by_the_next_command_and_said_by_the_doctor(
    step: str, brain: Brain
) -> None:
    backup = brain.keep.backup().path
    name = reference(brain)
    brain.close()
    killed(step, f"Brain(load()).keep.erase([{name!r}], dry_run=False)", brain.config)
    with Brain(brain.config) as again:
        assert again.library.documents()[0].title == "Tea"
        assert again.resources.store.begun_erasure() == ""
        assert grep(brain.config.home) == []
        found = {c.id: c for c in again.keep.doctor()}["D18"]
        assert "broken off is finished" in found.message
        assert f"{backup} held what was erased" in found.message
        assert again.keep.rewrite_backups().rewritten == (backup,)
        again.close()
        assert {c.id: c.level for c in again.keep.doctor(deep=True)}["D18"] == "ok"
    assert grep(brain.config.home, without="nothing") == []


def test_an_erasure_that_a_running_process_is_about_to_finish_is_left_to_it(
    brain: Brain,
) -> None:
    erase(brain)
    brain.resources.store.library.keep_setting(
        PENDING, f"2026-05-07T12:00:00 {os.getppid()}"
    )
    brain.close()
    assert brain.library.documents()
    assert brain.resources.store.begun_erasure()
    assert "not finished" in {c.id: c.message for c in brain.keep.doctor()}["D18"]


def names_of_temporaries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.tmp"))


def test_a_kill_while_a_backup_is_written_anew_leaves_it_whole_and_can_be_done_again(
    brain: Brain,
) -> None:
    path = Path(brain.keep.backup().path)
    name = reference(brain)
    erase(brain)
    brain.close()
    killed(
        "erase.before_put_back", "Brain(load()).keep.rewrite_backups()", brain.config
    )
    assert copies.judge(path).documents == 2
    assert names_of_temporaries(path.parent) != []
    with Brain(brain.config) as again:
        assert (
            "left unfinished" in {c.id: c.message for c in again.keep.doctor()}["D02"]
        )
        assert again.keep.rewrite_backups().rewritten == (str(path),)
        with pytest.raises(NotFound):
            erase(again, name)
    assert names_of_temporaries(path.parent) == []
    assert grep(path.parent, without="nothing") == []


def test_a_reader_of_another_process_is_said_and_the_rest_done_later(
    brain: Brain,
) -> None:
    with closing(
        sqlite3.connect(brain.config.database, isolation_level=None)
    ) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM documents").fetchone()
        brain.resources.store.connection.conn.execute("PRAGMA busy_timeout=50")
        report = erase(brain)
        assert report.done
        assert report.pending
        assert brain.resources.store.library.setting(PENDING)
    assert finish_erasure(brain.resources) == ""
    assert grep(brain.config.home) == []


def test_what_is_left_in_other_files_of_the_home_is_named(brain: Brain) -> None:
    draft = brain.config.home / "draft-old.md"
    draft.write_text(SECRET)
    assert erase(brain).left == (str(draft),)


def test_a_twin_and_a_file_that_is_still_there_are_said(
    brain: Brain, folder: Callable[..., Path]
) -> None:
    place = folder(
        {"one.md": "# One\n\nA thought.\n", "two.md": "# One\n\nA thought.\n"},
        "elsewhere",
    )
    brain.add([place])
    notices = brain.keep.erase([str(place / "one.md")], dry_run=True).notices
    assert notices == (
        f"the same text also stands in {place / 'two.md'}, which stays",
        f"{place / 'one.md'} is still on the disk; it stays out until you add it by its own path",
    )


def test_nothing_of_that_name(brain: Brain) -> None:
    with pytest.raises(NotFound):
        erase(brain, "nothing.md")


# -- the command ----------------------------------------------------------------------------------------------------------

PLAN = EraseReport(
    (Forgotten("a1b2c3d4", "document", "notes/x.md", "X", 3),),
    (Forgotten("e1e2e3e4", "episode", "episode:e1", "why?"),),
    (
        Holding("/b/1.db", "2026-05-01", "2026-06-01"),
        Holding("/b/2.db", "2026-05-01"),
        Holding("/b/3.db", "2026-05-01", state="unread"),
    ),
    notices=("a notice",),
)


def answer(_references: list[str], *, dry_run: bool, **_options: object) -> EraseReport:
    return (
        PLAN
        if dry_run
        else replace(
            PLAN,
            done=True,
            left=("/h/draft.md",),
            pending="another process reads the store",
        )
    )


def test_the_command_shows_what_goes_before_it_asks() -> None:
    ran = command("forget", "x", "--erase", keep_erase=answer)
    assert ran.code == 2, "nobody was asked, nothing was done"
    for words in (
        "would be erased for good",
        "answers that quote it",
        "until 2026-06-01",
        "kept until you delete it",
        "not be looked into",
    ):
        assert words in ran.stdout
    assert "nothing was erased" in ran.stderr
    assert len(ran.called("keep_erase")) == 1
    assert not ran.called("library_forget")


def test_the_command_says_what_is_left_and_fails_when_it_is_not_finished() -> None:
    ran = command("forget", "x", "--erase", "--yes", keep_erase=answer)
    assert ran.code == 1
    assert "cannot be undone" in ran.stdout
    assert "/h/draft.md" in ran.stdout
    assert "not finished: another process" in ran.stdout
    assert "`brain backup --rewrite` writes them anew" in ran.stdout
    shown = json.loads(
        command("forget", "x", "--erase", "--yes", "--json", keep_erase=answer).stdout
    )
    assert (shown["done"], shown["backups"][0]["until"]) == (True, "2026-06-01")


def test_a_key_without_erase_is_a_misuse() -> None:
    assert command("forget", "x", "--identity", "k", keep_erase=answer).code == 2


def test_the_command_rewrites_and_fails_for_what_it_cannot() -> None:
    report = RewriteReport(
        3, ("/b/1.db",), (NotRewritten("/b/3.db", "/b/3.db is encrypted"),)
    )
    ran = command("backup", "--rewrite", keep_rewrite_backups=lambda **_options: report)
    assert ran.code == 1
    assert "/b/1.db written anew without what was erased" in ran.stdout
    assert "/b/3.db not rewritten: /b/3.db is encrypted" in ran.stdout
    none = command(
        "backup", "--rewrite", keep_rewrite_backups=lambda **_options: RewriteReport(2)
    )
    assert (none.code, none.stdout) == (0, "nothing to rewrite in 2 backups\n")
    report_of_nothing = RewriteReport(notices=NOTHING_ERASED)
    nothing = command(
        "backup", "--rewrite", keep_rewrite_backups=lambda **_options: report_of_nothing
    )
    assert NOTHING_ERASED[0] in nothing.stdout
    assert "0 backups" not in nothing.stdout
    shown = command(
        "backup", "--rewrite", "--json", keep_rewrite_backups=lambda **_options: report
    )
    assert json.loads(shown.stdout)["failed"][0] == {
        "path": "/b/3.db",
        "message": "/b/3.db is encrypted",
    }
    for misuse in (
        ["--rewrite", "/b"],
        ["--rewrite", "--encrypt"],
        ["--identity", "k"],
    ):
        assert command("backup", *misuse).code == 2
