"""Words that must not leave are tried to be got out, by scenarios that are drawn: labels, commands, faults, fallbacks, and
orders that stand in notes.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from random import Random

import pytest

from brain.app import Brain, outside
from brain.config import Config, Ollama
from brain.labels import Label
from brain.store import sql
from tests.call_watch import watched
from tests.canaries import TOPICS, Home
from tests.canary_acts import ACTS
from tests.canary_run import FAULTS, NOBODY, OPEN, STATES, Run
from tests.end_to_end import process
from tests.stand_in_cloud import StandInCloud

BATCH = 50  # scenarios of one home
# Tables that say what left, and what it cost: no text stands in them.
GOVERNING = ("ledger", "approvals", "reservations", "outcomes")
COMMANDS = (
    *("add", "today", "remember", "search", "ask", "recall", "get", "list", "status"),
    *("feedback", "export", "label", "sync", "tag"),
)
LEAST_SENT = 0.15  # of the scenarios: a run in which nothing leaves proves nothing


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a program might leave a file beside its home: the person's own folder, and that for temporary files."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(place))
    return place


@contextmanager
def begun(
    config: Config, root: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> Iterator[Run]:
    """A furnished home with its cloud."""
    home_path = root / f"home{seed}"
    config = replace(config, home=home_path, ollama=Ollama(host=f"http://{NOBODY}"))
    with ExitStack() as stack:
        cloud = stack.enter_context(StandInCloud())
        elsewhere = stack.enter_context(StandInCloud())
        watch = stack.enter_context(watched(monkeypatch))
        brain = stack.enter_context(Brain(config))
        offline = stack.enter_context(Brain(replace(config, offline=True)))
        home = Home(brain, root / f"notes{seed}", Random(seed))
        home.furnish()
        vault = root / f"vault{seed}"
        yield Run(home, brain, offline, cloud, elsewhere, watch, vault, monkeypatch)


def played(run: Run, scenarios: int) -> None:
    """So many scenarios, in which every act, fault and state has its turn."""
    draws = []
    for names in (ACTS, FAULTS, STATES):
        shuffled = list(names)
        run.rng.shuffle(shuffled)
        draws.append(cycle(shuffled))
    for _number in range(scenarios):
        run.play(*map(next, draws))


def ended(run: Run, root: Path) -> None:
    """What is left behind by all of it."""
    assert run.elsewhere.requests == []
    assert run.ledger.verify().faults == ()
    run.holds_none(run.watch.log.getvalue(), Label.INTERNAL, "a log")
    for table in GOVERNING:
        run.holds_none(dumped(run.brain, table), Label.PUBLIC, table)
    sent = {one.body for one in run.cloud.requests}
    rows = {str(row.id): row.kind for row in run.ledger.entries()}
    kept = run.brain.config.home / "ledger" / "bodies"
    left = [path for path in kept.glob("*") if rows[path.name] != "ask"]
    assert {path.read_bytes() for path in left} == sent
    own = (run.brain.config.home, run.home.notes, run.vault)
    for path in root.rglob("*"):
        if any(path.is_relative_to(place) for place in own):
            continue
        run.holds_none(str(path.relative_to(root)), Label.PUBLIC, "a name of a file")
        if path.is_file():
            run.holds_none(path.read_bytes(), Label.PUBLIC, str(path))


def dumped(brain: Brain, table: str) -> str:
    """All that a table holds."""
    with closing(sqlite3.connect(brain.config.database)) as file:
        return repr(file.execute(f"SELECT * FROM {table}").fetchall())


def tried(
    seeds: range, config: Config, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of scenarios for each seed; in enough of them something has left."""
    sent = 0
    came_up: Counter[str] = Counter()
    for seed in seeds:
        with begun(config, root, monkeypatch, seed) as run:
            played(run, BATCH)
            ended(run, root)
        sent += run.sent
        came_up += run.played
        for place in (run.brain.config.home, run.home.notes, run.vault):
            shutil.rmtree(place)
    assert came_up.keys() >= {*ACTS, *FAULTS, *STATES, *COMMANDS}
    assert sent >= LEAST_SENT * BATCH * len(seeds)


@pytest.mark.parametrize("seeds", [range(2), range(2, 4)], ids=str)
def test_no_word_that_must_not_leave_ever_does(
    seeds: range,
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    tried(seeds, config, tmp_path, monkeypatch)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(at, at + 4) for at in range(4, 44, 4)])
def test_it_never_does_in_many_more(
    seeds: range, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried(seeds, config, tmp_path, monkeypatch)


def of_least(_labels: Iterable[Label]) -> Label:
    """A join that forgets what is confidential."""
    return Label.PUBLIC


@pytest.mark.parametrize("seeing", ["the question", "the notes"])
def test_a_join_that_forgets_a_label_is_seen(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeing: str
) -> None:
    """The proof that the checks see a leak: of the words of the question, and once the search forgets labels as well, of
    the notes.
    """
    question = TOPICS[0].question
    with begun(config, tmp_path, monkeypatch, 1) as run:
        monkeypatch.setattr(outside, "join", of_least)
        if seeing == "the notes":
            monkeypatch.setattr(sql, "_add_label", lambda *_values: None)
        else:
            [word, *_] = [one.word for one in run.home.canaries if one.noted]
            question = f"{question}, and who is {word.title()}?"
        with pytest.raises(AssertionError, match="canary in a request"):
            for _try in range(BATCH):
                run.play("list", "no fault", OPEN, question)


CALL = re.compile(
    r"(connect|sendto|sendmsg|sendmmsg)\(.*?sin6?_port=htons\((\d+)\).*?\"([0-9a-f.:]+)\""
)


@pytest.mark.slow
def test_from_outside_the_process_only_the_gate_connects(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel is asked for it, so that a library in C is heard as well."""
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "true"], check=False).returncode:
        pytest.skip("strace is not here, or may not look at a process")
    heard = tmp_path / "heard"
    trace = (strace, "-f", "-e", "trace=%network", "-A", "-o", str(heard))
    with begun(config, tmp_path, monkeypatch, 3) as run:
        run.bring_about(OPEN)
        run.brain.close()
        environ = {
            "BRAIN_HOME": str(run.brain.config.home),
            "BRAIN_OLLAMA_HOST": f"http://{NOBODY}",
        }
        question = TOPICS[0].question
        for words in (
            ("add", run.home.notes),
            ("search", question),
            ("recall", question),
            ("status",),
            ("ask", "--local", question),
            ("ask", "--cloud", "--complexity", "medium", question),
            ("ask", "--deep", "--complexity", "high", TOPICS[1].question),
            ("ask", "--cloud", "--complexity", "medium", TOPICS[-1].question),
            ("ledger", "--json"),
            ("export", run.vault),
        ):
            ran = process(*words, environ=environ, prefix=trace)
            assert "Traceback" not in ran.stderr
        calls = CALL.findall(heard.read_text("utf-8", "replace"))
        hosts = Counter(f"{host}:{port}" for _how, port, host in calls)
        hosts.pop(NOBODY, None)
        assert hosts == {run.cloud.host: len(run.cloud.requests)}
        assert run.cloud.requests
        run.holds_none(
            b"".join(one.body for one in run.cloud.requests), Label.PUBLIC, "a request"
        )
