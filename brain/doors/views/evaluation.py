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
    short_path,
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
# The ways of searching, as a person calls them, in the order of the plain table.
PLAIN_NAMES = {
    "hybrid": "words and meaning",
    "lexical": "words alone",
    "dense": "meaning alone",
    "bm25": "plain word search",
}
RISKS = ("ece", "brier", "brier_skill", "ece_25_75", "aurc")
ASK_FOR_PLACE = "say where the answer stands with --source PATH:LINE, or that it is nowhere with --absent"
# Where a stored document was lost, as a person reads it.
STAGES = {
    "no candidate": "neither its words nor its meaning came near the question",
    "cut": "found, but others fit better",
    "collapsed": "found, but another says nearly the same and is shown for it",
    "found": "found and shown",
}
NO_WORD = "no word of the question"
# The coefficients that moved most: what a person can still read.
CHANGED_SHOWN = 8


@shows("systems", json_out.measured, explains=True)
def systems(report: Figures, *, explain: bool = False) -> Lines:
    """`eval retrieval` and `eval recall`: a row for each system; `explain`: all figures, then each part of the set."""
    sizes = commas(
        count(report["queries"], "question"), count(report["documents"], "document")
    )
    heading = title(report["set"], ": ", sizes)
    if not explain:
        done = [heading, *shares(report["systems"])]
        if "best_other" in report:
            bounds = report["hybrid_over_best_95"]
            done.append(_better(report["best_other"], bounds))
        return done
    heading = line(heading, dim(", embedder ", report["embedder"]))
    done = [heading, *table(report["systems"])]
    if "best_other" in report:
        done.append(_difference(report["best_other"], report["hybrid_over_best_95"]))
    done += _by_group("language", report.get("by_lang"))
    done += _by_group("category", report.get("by_category"))
    if report.get("sessions"):
        done.append(dim("judged on sessions"))
        done += table(report["sessions"])
    return done


def shares(systems: Mapping[str, Mapping[str, float]]) -> Lines:
    """How often each way of searching had the right passage first, and among the first ten."""
    cells = [["", "right one first", "among the first ten"]]
    for system, name in PLAIN_NAMES.items():
        if system in systems:
            figures = systems[system]
            cells.append([name, _share(figures["S@1"]), _share(figures["R@10"])])
    return columns(cells, ("title",))


def _share(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0%}"


def _better(other: str, bounds: Sequence[float]) -> Line:
    """Whether the difference to another way is more than chance."""
    name = PLAIN_NAMES.get(other, other)
    return line(f"{PLAIN_NAMES['hybrid']}, against {name}: {_verdict(bounds)}")


def _verdict(bounds: Sequence[float]) -> str:
    """What an interval of differences says; one that holds zero says nothing."""
    low, high = bounds
    if low > 0:
        return "clearly better"
    return "clearly worse" if high < 0 else "no clear difference"


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


@shows("answerability", json_out.measured, explains=True)
def answerability(report: Figures, *, explain: bool = False) -> Lines:
    """`eval answerability`."""
    heading = title(report["set"], ": ", count(report["queries"], "question"))
    return [heading, *_found(report, explain=explain)]


@shows("answers", json_out.measured, explains=True)
def answers(report: Figures, *, explain: bool = False) -> Lines:
    """`eval answers`."""
    done = [
        title(report["set"], ": ", count(report["queries"], "question")),
        line("the first quote is right for ", _figure(report["first_quote"])),
    ]
    rows = [("called", "answers", "right")]
    for word, said in report["words"].items():
        rows.append((word, str(said["answers"]), _figure(said["right"])))
    done += columns(rows)
    if not explain:
        return done
    for head, areas in report["auroc"].items():
        told = [f"{kind} {_figure(area)}" for kind, area in areas.items()]
        done.append(line(f"AUROC of `{head}`: ", commas(*told)))
    surest = [f"{part} {_figure(right)}" for part, right in report["surest"].items()]
    at_85 = report["right_at_85"]
    share = (
        f"{_figure(at_85['share'])} of the right ones, from {_figure(at_85['from'])}"
    )
    return [
        *done,
        line("right among the surest: ", commas(*surest)),
        line("may be called answered at 85 in 100 right: ", share),
        line("ECE ", _figure(report["ece"]), ", Brier ", _figure(report["brier"])),
        line("wrongly absent ", _figure(report["false_absences"])),
    ]


@shows(
    "own questions",
    json_out.measured,
    talk=lambda report: notices(report["notices"]),
    explains=True,
)
def own(report: Figures, *, explain: bool = False) -> Lines:
    """`eval run`: the systems, the confidence, the last run."""
    kinds = commas(
        f"{report['answerable']} with an answer in your notes",
        f"{report['absent']} without",
        of(report["from_feedback"], "from feedback"),
        of(report["unchecked"], "not checked by hand"),
    )
    questions = title(count(report["queries"], "question"))
    done = [line(questions, ": ", kinds)]
    if report["answerable"]:
        bounds = report["hybrid_over_bm25_95"]
        if explain:
            done += table(report["systems"])
            done.append(_difference("plain BM25", bounds))
        else:
            done += shares(report["systems"])
            done.append(_better("bm25", bounds))
    done += _found(report["found"], explain=explain)
    if not report["last"]:
        return [*done, dim("no run before this one")]
    return done + _last(report["last"], explain=explain)


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
        done.append(warn("not complete: ", report["degraded"]))
    done.append(dim("correct them by hand, then: brain eval run"))
    return done


@shows("calibration", json_out.measured, explains=True)
def calibrated(report: Figures, *, explain: bool = False) -> Lines:
    """`eval calibrate`: how much feedback, what changed, why; `explain`: the coefficients and thresholds."""
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
    heading = line(title(verb), ": ", judged_answers, ", ", in_notes)
    if not explain:
        by_meaning = report["found"]["reason"]
        by_words = report["found_by_words"]["reason"]
        return [
            heading,
            line("by words and meaning: ", by_meaning),
            line("by words alone: ", by_words),
        ]
    return [
        heading,
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


@shows("Trace", code=_stored, explains=True)
def traced(found: Trace, *, explain: bool = False) -> Lines:
    """`why-not`: where it was lost and what to do; `explain`: the ranks."""
    said = found.said if explain else _in_words(found)
    done = [line(path(short_path(found.source)), ": ", said)]
    if found.hint:
        done.append(dim(found.hint))
    return done


def _in_words(found: Trace) -> str:
    """The stage at which it was lost, as a sentence."""
    if found.stage not in STAGES:
        return found.said
    stage = STAGES[found.stage]
    if found.fused:
        stage += f": number {found.fused:,} of all, {found.limit:,} are shown"
    return f"{stage}; holds {', '.join(found.shared) or NO_WORD}"


def _found(report: Figures, *, explain: bool) -> Lines:
    """How right the states of answers are; `explain`: the figures of the probability `found`."""
    if not explain:
        sure = "answered as sure {coverage:.0%}, wrongly {risk:.0%} of these"
        missed = "wrongly “not in your notes” {false_absences:.0%}"
        return [line(sure.format_map(report)), line(missed.format_map(report))]
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


def _changed_plainly(last: Figures) -> Lines:
    """This run against the last one, without figures."""
    verdict = "with no question in common"
    if last["common"]:
        questions = count(last["common"], "common question")
        verdict = f"{_verdict(last['change_95'])} on {questions}"
    done = [line("since ", moment(last["at"]), ": ", verdict)]
    if last["worse"]:
        done.append(line("found less well than then:"))
        done += indented([line(row["question"]) for row in last["worse"]])
    return done


def _last(last: Figures, *, explain: bool) -> Lines:
    """This run against the last one."""
    if not explain:
        return _changed_plainly(last)
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


@shows("routing", json_out.measured, explains=True)
def routing(report: Figures, *, explain: bool = False) -> Lines:
    """`policy simulate`: what the policy sends, and a route for each word, beside chance; `explain`: the whole
    curve.
    """
    done = [title(report["set"], ": ", count(report["queries"], "question"))]
    rows = [
        ("a route that needs", "sends", "right", "at random", "of what the notes lack")
    ]
    below = report["below"]
    rows.append((f"likely, from {below:.2f} on", *_point(report["policy"])))
    for word, point in report["levels"].items():
        rows.append((word, *_point(point)))
    done += columns(rows)
    alone = f"a cloud alone: {report['all_cloud']:.1%} right"
    done.append(line(f"{alone}; `found` at least {report['least']:.2f}"))
    done += [dim(said) for said in report.get("notices", ())]
    if explain:
        curve = [(f"below {p['threshold']:.2f}", *_point(p)) for p in report["curve"]]
        done += [line(), *columns(curve)]
    return done


def _point(point: Figures) -> tuple[str, str, str, str]:
    absent = commas(*(f"{kind} {share:.1%}" for kind, share in point["absent"].items()))
    shares = (point["sent"], point["right"], point["random"])
    sent, right, chance = (f"{share:.1%}" for share in shares)
    return sent, right, chance, absent
