"""`.judge`: what a person says of answers, what follows from it, and figures on judged questions.

Joins the tables of the store with `brain.evaluation`, which decides what asks the same, what fits the feedback and how
it is measured. Leaves measuring itself to `brain.app.measure`, and using corrections to `brain.app.corrections`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from brain.app.resources import HEAD, Noun
from brain.app.serving import WORDLLAMA
from brain.errors import BrainError, NotFound, UsageError
from brain.reports import Excerpt, Figures, Judgment, Trace
from brain.types import Episode, Request, Texts
from ingest.document import new_id

if TYPE_CHECKING:
    from brain.evaluation.own import OwnQuestion
    from brain.governance.policy import Route
    from brain.governance.quality import Figure as QualityFigure
    from brain.governance.quality import Proposal

GOOD = "good"
WRONG = "wrong"
MISSING = "missing"
VERDICTS = (GOOD, WRONG, MISSING)
ROUTING = "routing"
HARDEST = "high"  # complexity, of which most may be sent away
NOT_FOUND = "not_found"  # the state of an answer that says "not in your notes"
SHORTEST_PREFIX = 6  # of an id that is typed
QUOTE_CHARS = (
    300  # of the line pointed at: enough to find it again after an edit above it
)
JUDGMENTS = "judgments.toml"  # in the home folder, unless a person names another file
OWN = "own"  # the name of the runs on the person's own questions
_LINE = re.compile(r":\d+(?::\d+)?$")
HINTS = {
    "not stored": "take it in: brain add PATH",
    "out of scope": "leave the filters of the search out",
    "no candidate": "ask with words that stand in it, or for what it is about",
    "cut": "it stands further down: brain search -n {fused}",
    "collapsed": "another document says nearly the same and stands for it",
    "found": "",
}


class Judge(Noun):
    """Feedback, and the figures that follow from it."""

    # -- feedback -------------------------------------------------------------------------------------

    def feedback(
        self,
        verdict: str,
        *,
        source: str = "",
        why: str = "",
        episode: str = "",
        absent: bool = False,
    ) -> Judgment:
        """Judge one answer, the last one when no episode is named: good, wrong, missing. `source`: the right place, as
        `get` takes it. `absent`: the notes do not hold it. Raises `UsageError`, `NotFound`.
        """
        if verdict not in VERDICTS:
            raise UsageError(
                f"{verdict!r} is no verdict", f"say one of: {', '.join(VERDICTS)}"
            )
        if absent and (source or verdict == MISSING):
            raise UsageError(
                "--absent says that the notes do not hold it",
                "leave out --source, or say good or wrong",
            )
        resources = self._resources
        asked = self._asked(episode)
        judgment = Judgment(
            new_id(),
            resources.seconds(),
            asked.question,
            verdict,
            why=why,
            episode=asked.id,
            signals=_numbers(
                resources.store.episodes.circumstances(asked.id).confidence.get(
                    "signals"
                )
            ),
        )
        if source:
            judgment = self._pointing(judgment, source)
        elif verdict == GOOD and not absent:
            judgment = replace(judgment, documents=self._cited(asked))
        answerable = _answerable(
            verdict, asked.state, pointed=bool(source), absent=absent
        )
        with resources.store.write():
            resources.store.episodes.judge(asked.id, verdict)
            resources.store.outcomes.rate(asked.id, verdict)
            return resources.judgments.keep(replace(judgment, answerable=answerable))

    def _asked(self, reference: str) -> Episode:
        """The question that is judged."""
        if not reference:
            last = self._store.episodes.last("ask")
            if last is None:
                raise NotFound(
                    "there is no answer to judge yet",
                    'ask something first: brain ask "what did we decide?"',
                )
            return last
        found = self._store.episodes.get(reference)
        if found.kind != "ask":
            raise UsageError(
                f"episode {found.id} is no question",
                "`brain recall --kind ask` shows those that were asked",
            )
        return found

    def _pointing(self, judgment: Judgment, source: str) -> Judgment:
        """The judgment with the place that was named; with its line where one was named."""
        place = self._place(source)
        judgment = replace(
            judgment,
            documents=(place.document_id,),
            document_id=place.document_id,
            source=place.source,
        )
        if not _LINE.search(source):
            return judgment
        return replace(judgment, locator=place.locator, quote=_first_line(place.text))

    def _place(self, source: str) -> Excerpt:
        """The place that was named. Raises `NotFound`, with the cure when it is a file that was never added."""
        # `PATH:14` means the line that holds the answer, not all that follows it
        one_line = re.sub(r"([^\d:]:\d+)$", r"\1:1", source)
        try:
            return self._store.library.excerpt(one_line)
        except NotFound:
            path = _LINE.sub("", source)
            if os.path.exists(os.path.expanduser(path)):
                raise NotFound(
                    f"{path} is not stored", f"take it in first: brain add {path}"
                ) from None
            raise

    def _cited(self, asked: Episode) -> Texts:
        """The documents that a good answer cites, as far as they are there."""
        found: dict[str, None] = {}
        for citation in asked.citations:
            try:
                document_id = self._store.library.resolve(citation.rpartition(":")[0])
            except BrainError:
                continue
            found[document_id] = None
        return tuple(found)

    # -- the confidence head --------------------------------------------------------------------------

    def calibrate(self, *, reset: bool = False) -> Figures:
        """Refit `found` on the feedback and keep it, or with `reset` go back to the shipped one; what changed."""
        from brain.evaluation import calibrate as calibration

        library = self._store.library
        if reset:
            was_calibrated = bool(self._resources.head.coefficients)
            library.keep_setting(HEAD, None)
            return {"reset": True, "was_calibrated": was_calibrated}
        judgments = self._resources.judgments.all()
        rows = [
            (one.signals, one.answerable)
            for one in judgments
            if one.signals and one.answerable is not None
        ]
        fitted, report = calibration.calibrated(rows)
        shipped = replace(fitted, shipped="") == calibration.AS_SHIPPED
        kept = None if shipped else calibration.dumped(fitted)
        library.keep_setting(HEAD, kept)
        return {
            "reset": False,
            "calibrated": not shipped,
            "judgments": len(judgments),
            "rows": len(rows),
            "answerable": sum(truth for _signals, truth in rows),
            **report,
        }

    # -- why not --------------------------------------------------------------------------------------

    def why_not(self, query: str, document: str, *, limit: int = 10) -> Trace:
        """The stage at which a document was lost for a question. One that is not stored is a result, not an error."""
        from brain.retrieval import why_not

        resources = self._resources
        library = resources.store.library
        try:
            row = library.detail(library.resolve(document)).row
        except NotFound:
            hint = self._why_not_stored(document)
            said = "not stored"
            return Trace(
                query,
                "",
                document,
                said,
                limit=limit,
                said=said,
                hint=hint,
            )
        search = resources.store.search
        sources = resources.sources(search, "knowledge")
        chunks = set(search.documents(row.id))
        lost = why_not(Request(query, limit=limit), chunks, sources)
        return Trace(
            query,
            row.id,
            row.source,
            **asdict(lost),
            said=str(lost),
            hint=HINTS[lost.stage].format(fused=lost.fused),
        )

    def _why_not_stored(self, document: str) -> str:
        """Forgotten, skipped when it was looked at, or never seen."""
        store = self._store
        for gone in store.trash.listing():
            if _names(document, gone["source"], gone["id"]):
                day = gone["at"][:10]
                short = gone["id"][:8]
                return f"it was forgotten on {day}: brain undo {short}"
        for left in store.skipped.all():
            why = left.why
            if _names(document, why.source):
                cure = ""
                if why.hint:
                    cure = f"; {why.hint}"
                return f"it was skipped: {why.reason}{cure}"
        return HINTS["not stored"]

    # -- figures --------------------------------------------------------------------------------------

    def simulate(
        self,
        directory: Path | None,
        *,
        embedder: str,
        vectors: Path | None = None,
        plot: Path | None = None,
    ) -> Figures:
        """What the router would send away on a judged set, or on the person's own judged questions for None, and what
        that is worth. `plot`: where the picture goes. Raises `NotFound` where too few are judged.
        """
        from brain.app import simulating

        if plot is not None and plot.is_dir():
            raise UsageError(f"{plot} is a folder", "name a file: --plot curve.svg")
        if directory is not None:
            report = self.eval_set(
                ROUTING, directory, embedder=embedder, vectors=vectors
            )
        else:
            notices: list[str] = []
            path = self._resources.config.home / JUDGMENTS
            questions = self._own_questions(path, notices)
            report = simulating.of_own(self._resources, questions)
            report["notices"] = notices
        if plot is not None:
            simulating.draw(report, plot)
        return report

    def _own_questions(self, path: Path, notices: list[str]) -> list[OwnQuestion]:
        """Those of a file, where it is there, and of the feedback, with the sources as stored."""
        from brain.app import measure
        from brain.evaluation import own

        resources = self._resources
        written: list[OwnQuestion] = []
        if path.exists():
            written = measure.as_stored(resources, own.read_questions(path), notices)
        return own.merged(written, measure.from_feedback(resources))

    def quality(self) -> list[QualityFigure]:
        """Every task of every month, the newest first: how many answers, how good, by whom, for how much."""
        from brain.governance.quality import figures, stages

        rows = self._store.outcomes.rows()
        tasks = dict.fromkeys(row.task for row in rows)
        now = stages(rows, self._routes(tasks))
        return figures(rows, self._store.comparisons.rows(), now)

    def proposals(self) -> list[Proposal]:
        """What the evidence says of each task that its route may send away."""
        from brain.governance.conditions import TASKS
        from brain.governance.quality import proposals

        store = self._store
        rows = store.outcomes.rows()
        # Another task than those of the policy falls on the route of all others
        tasks = dict.fromkeys((*TASKS, *(row.task for row in rows)))
        return proposals(rows, store.comparisons.rows(), self._routes(tasks))

    def _routes(self, tasks: Iterable[str]) -> dict[str, Route]:
        """The route of each task where it is hardest."""
        from brain.app.governed import policies_of
        from brain.governance.facts import Facts

        policy = policies_of(self._resources).in_force()
        return {task: policy.route(task, HARDEST, Facts()) for task in tasks}

    def eval_set(
        self, kind: str, directory: Path, *, embedder: str, vectors: Path | None = None
    ) -> Figures:
        """The report of one judged set ("retrieval", "answers", "routing" …), in stores of its own.

        `embedder`: "builtin", "wordllama" or a model of Ollama; `vectors`: a folder that keeps the stores. Nothing of
        the person's store is opened. Raises `UsageError` for a folder that is no set, `Unavailable` when the model does
        not answer.
        """
        from brain.app import measure, simulating
        from brain.evaluation.retrieval import Setup

        resources = self._resources
        evaluate = measure.evaluation_of(kind, embedder)
        if kind == ROUTING:
            evaluate = simulating.by_policy(resources)
        kept = vectors / measure.store_name(embedder) if vectors else None
        setup = Setup(
            measure.opener(resources, embedder),
            # The set is taken in with word vectors alone, so that no process in the background begins on the others:
            # `sync` computes them all.
            measure.opener(resources, WORDLLAMA),
            kept,
            resources.progress,
        )
        return evaluate(directory, setup)

    def eval_init(
        self, path: Path | None = None, *, count: int, absent: int, force: bool = False
    ) -> Figures:
        """Draft judged questions from the stored documents into a file. Raises `NotFound` when nothing is stored."""
        from brain.app import measure
        from brain.evaluation.own import write_questions

        resources = self._resources
        target = path or resources.config.home / JUDGMENTS
        if target.exists() and not force:
            raise UsageError(
                f"{target} is there already",
                "name another file, or write it anew with --force",
            )
        texts = measure.texts(resources)
        if not texts:
            raise NotFound(
                "nothing is stored to draft questions from",
                "take something in first: brain add PATH",
            )
        generator, _why, missing = resources.generator()
        drafted = measure.drafted(
            resources, texts, generator, count=count, absent=absent
        )
        write_questions(target, drafted)
        answerable = sum(bool(question.sources) for question in drafted)
        return {
            "file": str(target),
            "questions": answerable,
            "absent": len(drafted) - answerable,
            "documents": len(texts),
            "written_by": generator.name if generator is not None else "words",
            "degraded": missing or None,
        }

    def eval_run(self, path: Path | None = None) -> Figures:
        """Measure on the file and the feedback, compare with the last run, and keep this one. Measured is the search
        alone, whatever a local model is configured to do to it.

        Raises `NotFound` without a single question, or for a file that was named and is not there.
        """
        from brain.app import measure
        from brain.evaluation import own

        resources = self._resources
        target = path or resources.config.home / JUDGMENTS
        if path is not None and not path.exists():
            raise NotFound(f"{path} is not there", f"draft it: brain eval init {path}")
        notices: list[str] = []
        questions = self._own_questions(target, notices)
        kept = resources.judgments
        report = own.run(
            questions,
            measure.MeasuredStore(resources),
            last=kept.last_run(OWN),
            progress=resources.progress,
        )
        kept.keep_run(OWN, report, at=resources.seconds())
        shown = {name: value for name, value in report.items() if name != "per_query"}
        return shown | {
            "file": str(target) if target.exists() else None,
            "notices": notices,
        }


def _answerable(
    verdict: str, state: str, *, pointed: bool, absent: bool
) -> bool | None:
    """Do the notes hold it, by what the person said? None when they did not say: a wrong answer may be either."""
    if absent:
        return False
    if verdict == GOOD:
        return state != NOT_FOUND
    if pointed or verdict == MISSING or state == NOT_FOUND:
        return True
    return None


def _first_line(text: str) -> str:
    first, *_rest = text.strip().splitlines() or [""]
    return first.strip()[:QUOTE_CHARS]


def _numbers(signals: object) -> dict[str, float]:
    """The signals of the ask, {} when nothing was kept."""
    numbers: dict[str, float] = {}
    if isinstance(signals, Mapping):
        for name, value in signals.items():
            if isinstance(value, int | float):
                numbers[str(name)] = float(value)
    return numbers


def _names(reference: str, source: str, identity: str = "") -> bool:
    """Whether a reference means this source, or this id by its beginning."""
    path = os.path.abspath(os.path.expanduser(reference))
    end = reference.lstrip("./")
    if source in (reference, path) or source.endswith(f"/{end}"):
        return True
    return len(reference) >= SHORTEST_PREFIX and identity.startswith(reference)
