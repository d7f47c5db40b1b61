"""How measurements and judgments read: `eval …`, `feedback`, `why-not`.

Serves the commands that measure and correct. Leaves out every figure: reports come as `brain.evaluation` made them,
and a table shows what stands in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from brain.doors import json_out
from brain.doors.lines import (
    Line,
    Lines,
    columns,
    commas,
    count,
    dim,
    good,
    indented,
    line,
    moment,
    notices,
    of,
    path,
    title,
    warn,
)
from brain.doors.show import DONE, NOTHING_FOUND, shows

if TYPE_CHECKING:
    from brain.reports import Figures, Judgment, Trace

# The ranking figures and latencies of a system, in the order of the table.
FIGURES = (
    "nDCG@10",
    "S@1",
    "R@5",
    "R@10",
    "R@20",
    "RR@10",
    "p50_ms",
    "p95_ms",
)
RISKS = ("ece", "brier", "brier_skill", "ece_25_75", "aurc")
ASK_FOR_PLACE = "say where the answer stands with --source PATH:LINE, or that it is nowhere with --absent"
# The coefficients that moved most: what a person can still read.
CHANGED_SHOWN = 8


@shows("systems", json_out.measured)
def systems(report: Figures) -> Lines:
    """`eval retrieval` and `eval recall`: a row for each system, then each part of the set."""
    sizes = commas(
        count(report["queries"], "question"), count(report["documents"], "document")
    )
    heading = line(
        title(report["set"], ": ", sizes), dim(", embedder ", report["embedder"])
    )
    done = [heading, *table(report["systems"])]
    if "best_other" in report:
        done.append(_difference(report["best_other"], report["hybrid_over_best_95"]))
    done += _by_group("language", report.get("by_lang"))
    done += _by_group("category", report.get("by_category"))
    if report.get("sessions"):
        done.append(dim("judged on sessions"))
        done += table(report["sessions"])
    return done


def _difference(other: str, bounds: Sequence[float]) -> Line:
    return line("hybrid over ", other, ": ", _interval(bounds), " nDCG@10 (95 %)")


def _by_group(kind: str, groups: Figures | None) -> Lines:
    """The hybrid system in each language or category; a group has one figure or all of them."""
    if not groups:
        return []
    rows = []
    for name, value in groups.items():
        if isinstance(value, Mapping):
            value = value["nDCG@10"]
        rows.append((name, _figure(value)))
    return [dim("hybrid nDCG@10 by ", kind), *columns(rows)]


def table(rows: Mapping[str, Mapping[str, float]]) -> Lines:
    """Systems by figures; a figure that no system has is left out."""
    known = set().union(*rows.values())
    shown = [name for name in FIGURES if name in known]
    names = [name.replace("_ms", " ms") for name in shown]
    cells = [["", *names]]
    for system, figures in rows.items():
        values = [_figure(figures.get(name)) for name in shown]
        cells.append([system, *values])
    return columns(cells, ("title",))


@shows("answerability", json_out.measured)
def answerability(report: Figures) -> Lines:
    """`eval answerability`."""
    heading = title(report["set"], ": ", count(report["queries"], "question"))
    return [heading, *_found(report)]


@shows(
    "own questions", json_out.measured, talk=lambda report: notices(report["notices"])
)
def own(report: Figures) -> Lines:
    """`eval run`: the systems, the confidence, the last run."""
    kinds = commas(
        f"{report['answerable']} answerable",
        f"{report['absent']} absent",
        of(report["from_feedback"], "from feedback"),
        of(report["unchecked"], "not checked by hand"),
    )
    questions = title(count(report["queries"], "question"))
    done = [line(questions, ": ", kinds)]
    if report["answerable"]:
        done += table(report["systems"])
        done.append(_difference("plain BM25", report["hybrid_over_bm25_95"]))
    done += _found(report["found"])
    if not report["last"]:
        return [*done, dim("no run before this one")]
    return done + _last(report["last"])


@shows("draft", json_out.measured)
def drafted(report: Figures) -> Lines:
    """`eval init`."""
    writer = report["written_by"]
    if writer == "words":
        writer = "your notes' own words"
    amount = line(
        count(report["questions"], "question"),
        f" and {report['absent']} without an answer",
    )
    done = [line(amount, ", drafted by ", writer, ": ", path(report["file"]))]
    if report["degraded"]:
        done.append(warn("degraded: ", report["degraded"]))
    done.append(dim("correct them by hand, then: brain eval run"))
    return done


@shows("calibration", json_out.measured)
def calibrated(report: Figures) -> Lines:
    """`eval calibrate`: how much feedback, what changed, why."""
    if report["reset"]:
        was = report["was_calibrated"]
        return [
            line(
                "the shipped confidence is back"
                if was
                else "it was the shipped confidence"
            )
        ]
    verb = "calibrated" if report["calibrated"] else "unchanged"
    judged_answers = count(report["rows"], "judged answer")
    in_notes = f"{report['answerable']} of them in the notes"
    return [
        line(title(verb), ": ", judged_answers, ", ", in_notes),
        *_fitted("with embeddings", report["found"]),
        *_fitted("by words alone", report["found_by_words"]),
        _cut("threshold", report["threshold"], report["rows"]),
        _cut("floor", report["floor"], report["rows"]),
    ]


def _fitted(kind: str, fit: Figures) -> Lines:
    """What became of one model of `found`: why, how well it predicts, and which coefficients moved most."""
    scores = ""
    if fit["brier"]:
        scores = f" (Brier {_from_to(fit['brier'])})"
    done = [line(kind, ": ", fit["reason"], scores)]
    changed = fit["changed"]
    most = sorted(changed.items(), key=_movement, reverse=True)
    rows = [(name, _from_to(change)) for name, change in most[:CHANGED_SHOWN]]
    return done + indented(columns(rows))


def _movement(changed: tuple[str, Figures]) -> float:
    _name, change = changed
    return float(abs(change["now"] - change["shipped"]))


def _from_to(change: Figures) -> str:
    return f"{change['shipped']:.3f} → {change['now']:.3f}"


def _cut(name: str, change: Figures, rows: int) -> Line:
    """A threshold, and whether it moved; if it stayed for want of judged answers, how many it needs."""
    needs = change.get("needs", 0)
    more = Line()
    if change["now"] != change["shipped"]:
        more = line(f", shipped {change['shipped']:.3f}")
    elif needs > rows:
        more = dim(f" (moves from {needs} judged answers on)")
    return line(f"{name} {change['now']:.3f}", more)


@shows("Judgment", json_out.judged)
def judged(kept: Judgment) -> Lines:
    """`feedback`: what was kept, and what follows from it."""
    is_good = kept.verdict == "good"
    style = good if is_good else warn
    done = [line(style(kept.verdict), ": ", kept.question)]
    if kept.source and not is_good:
        place = f"{kept.source} {kept.locator}".strip()
        done.append(line("asked the same, this comes first: ", path(place)))
    if kept.answerable is None:
        done.append(dim(ASK_FOR_PLACE))
    return done


def _stored(found: Trace) -> int:
    return NOTHING_FOUND if found.stage == "not stored" else DONE


@shows("Trace", code=_stored)
def traced(found: Trace) -> Lines:
    """`why-not`: the stage, the ranks, what to do."""
    done = [line(path(found.source), ": ", found.said)]
    if found.hint:
        done.append(dim(found.hint))
    return done


def _found(report: Figures) -> Lines:
    """The figures of the probability `found`."""
    rows = []
    for name, area in report["auroc"].items():
        if area is not None:
            rows.append((f"AUROC {name}", _figure(area)))
    if rows:
        for name in RISKS:
            rows.append((name.replace("_", " "), _figure(report[name])))
    sure = (
        "answered as sure {coverage:.1%}, wrongly {risk:.1%} (threshold {threshold:g})"
    )
    missed = "false “not in your notes” {false_absences:.1%} (floor {floor:g})"
    return [
        *columns(rows),
        line(sure.format_map(report)),
        line(missed.format_map(report)),
    ]


def _last(last: Figures) -> Lines:
    """This run against the last one."""
    change = "with no question in common"
    if last["common"]:
        interval = _interval(last["change_95"])
        questions = count(last["common"], "common question")
        change = f"{last['change']:+.3f} ({interval}, 95 %) on {questions}"
    embedder = dim(", embedder then ", last["embedder"])
    done = [line("since ", moment(last["at"]), ": ", change, embedder)]
    rows = []
    for row in last["worse"]:
        rows.append((row["question"], "{before:.2f} → {now:.2f}".format_map(row)))
    return done + indented(columns(rows))


def _interval(bounds: Sequence[float]) -> str:
    low, high = bounds
    return f"{low:+.3f} … {high:+.3f}"


def _figure(value: float | None) -> str:
    """Three decimals; milliseconds over ten as they are."""
    if value is None:
        return "–"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.3f}"
