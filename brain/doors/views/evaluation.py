"""How measurements and judgments read: `eval …`, `feedback`, `why-not`.

Leaves out every figure: reports come as `brain.evaluation` made them, and a table shows what stands in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from brain.doors.lines import Line, columns, count, line, moment
from brain.doors.text import one_line

if TYPE_CHECKING:
    from brain.reports import Judgment, Trace

FIGURES = ("nDCG@10", "S@1", "R@5", "R@10", "R@20", "RR@10", "p50_ms", "p95_ms")
RISKS = ("ece", "brier", "brier_skill", "ece_25_75", "aurc")
CHANGED_SHOWN = 8  # coefficients that moved most


def systems(report: Mapping[str, Any]) -> list[Line]:
    """`eval retrieval` and `eval recall`: a row for each system, then the parts of the set."""
    top = f"{report['set']}: {count(report['queries'], 'question')}, {count(report['documents'], 'document')}"
    done = [line((one_line(top), "title"), (f", embedder {one_line(report['embedder'])}", "dim"))]
    done += table(report["systems"])
    if "best_other" in report:
        low, high = report["hybrid_over_best_95"]
        done.append(
            line(
                f"hybrid over {one_line(report['best_other'])}: {low:+.3f} … {high:+.3f} nDCG@10 (95 %)"
            )
        )
    for name, kind in (("by_lang", "language"), ("by_category", "category")):
        rows = [
            (one_line(key), _figure(_first(value))) for key, value in report.get(name, {}).items()
        ]
        done += [line((f"hybrid nDCG@10 by {kind}", "dim")), *columns(rows)] if rows else []
    if report.get("sessions"):
        done += [line(("judged on sessions", "dim")), *table(report["sessions"])]
    return done


def table(rows: Mapping[str, Mapping[str, float]]) -> list[Line]:
    """Systems by figures; a figure that no system has is left out."""
    shown = [name for name in FIGURES if any(name in figures for figures in rows.values())]
    cells = [["", *(name.replace("_ms", " ms") for name in shown)]]
    cells += [
        [name, *(_figure(figures.get(key)) for key in shown)] for name, figures in rows.items()
    ]
    return columns(cells, ("title",))


def answerability(report: Mapping[str, Any]) -> list[Line]:
    """`eval answerability`."""
    return [
        line((f"{one_line(report['set'])}: {count(report['queries'], 'question')}", "title")),
        *_found(report),
    ]


def own(report: Mapping[str, Any]) -> list[Line]:
    """`eval run`: the systems, the confidence, the last run."""
    parts = [f"{report['answerable']} answerable, {report['absent']} absent"]
    parts += [f"{report['from_feedback']} from feedback"] if report["from_feedback"] else []
    parts += [f"{report['unchecked']} not checked by hand"] if report["unchecked"] else []
    done = [line((count(report["queries"], "question"), "title"), f": {', '.join(parts)}")]
    if report["answerable"]:
        low, high = report["hybrid_over_bm25_95"]
        done += table(report["systems"])
        done.append(line(f"hybrid over plain BM25: {low:+.3f} … {high:+.3f} nDCG@10 (95 %)"))
    done += _found(report["found"])
    return done + (
        _last(report["last"]) if report["last"] else [line(("no run before this one", "dim"))]
    )


def notices(report: Mapping[str, Any]) -> list[Line]:
    """What a run left out."""
    return [line((one_line(text), "warn")) for text in report["notices"]]


def drafted(report: Mapping[str, Any]) -> list[Line]:
    """`eval init`."""
    who = (
        "your notes' own words"
        if report["written_by"] == "words"
        else one_line(report["written_by"])
    )
    amount = f"{count(report['questions'], 'question')} and {report['absent']} without an answer"
    done = [line(f"{amount}, drafted by {who}: ", (one_line(report["file"]), "path"))]
    if report["degraded"]:
        done.append(line((f"degraded: {one_line(report['degraded'])}", "warn")))
    return [*done, line(("correct them by hand, then: brain eval run", "dim"))]


def calibrated(report: Mapping[str, Any]) -> list[Line]:
    """`eval calibrate`: how much feedback, what changed, why."""
    if report["reset"]:
        return [
            line(
                "the shipped confidence is back"
                if report["was_calibrated"]
                else "it was the shipped confidence"
            )
        ]
    rows = f"{count(report['rows'], 'judged answer')}, {report['answerable']} of them in the notes"
    done = [line(("calibrated" if report["calibrated"] else "unchanged", "title"), f": {rows}")]
    for name, title in (("found", "with embeddings"), ("found_by_words", "by words alone")):
        part = report[name]
        brier = part["brier"]
        scores = f" (Brier {brier['shipped']:.3f} → {brier['now']:.3f})" if brier else ""
        done.append(line(f"{title}: {one_line(part['reason'])}{scores}"))
        moved = sorted(
            part["changed"].items(), key=lambda item: -abs(item[1]["now"] - item[1]["shipped"])
        )
        done += _inset(
            [(key, f"{by['shipped']:.3f} → {by['now']:.3f}") for key, by in moved[:CHANGED_SHOWN]]
        )
    for name in ("threshold", "floor"):
        part = report[name]
        same = part["now"] == part["shipped"]
        more = (
            f" (moves from {part['needs']} judged answers on)"
            if same and part.get("needs", 0) > report["rows"]
            else ""
        )
        done.append(
            line(
                f"{name} {part['now']:.3f}" + ("" if same else f", shipped {part['shipped']:.3f}"),
                (more, "dim"),
            )
        )
    return done


def judged(kept: Judgment) -> list[Line]:
    """`feedback`: what was kept, and what follows from it."""
    done = [
        line(
            (kept.verdict, "good" if kept.verdict == "good" else "warn"),
            f": {one_line(kept.question)}",
        )
    ]
    if kept.source and kept.verdict != "good":
        place = one_line(f"{kept.source} {kept.locator}".strip())
        done.append(line("asked the same, this comes first: ", (place, "path")))
    if kept.answerable is None:
        done.append(
            line(
                (
                    "say where the answer stands with --source PATH:LINE, or that it is nowhere with --absent",
                    "dim",
                )
            )
        )
    return done


def traced(found: Trace) -> list[Line]:
    """`why-not`: the stage, the ranks, what to do."""
    done = [line((one_line(found.source), "path"), f": {one_line(found.said)}")]
    return done + ([line((one_line(found.hint), "dim"))] if found.hint else [])


def _found(report: Mapping[str, Any]) -> list[Line]:
    """The figures of the head `found`."""
    areas = [
        (f"AUROC {one_line(name)}", _figure(value))
        for name, value in report["auroc"].items()
        if value is not None
    ]
    risks = [(name.replace("_", " "), _figure(report[name])) for name in RISKS] if areas else []
    share, risk = report["coverage"], report["risk"]
    done = columns([*areas, *risks])
    done.append(
        line(
            f"answered as sure {share:.1%}, wrongly {risk:.1%} (threshold {report['threshold']:g})"
        )
    )
    done.append(
        line(
            f"false “not in your notes” {report['false_absences']:.1%} (floor {report['floor']:g})"
        )
    )
    return done


def _last(last: Mapping[str, Any]) -> list[Line]:
    """This run against the last one."""
    low, high = last["change_95"]
    asked = (
        f"on {count(last['common'], 'common question')}"
        if last["common"]
        else "with no question in common"
    )
    change = (
        f"{last['change']:+.3f} ({low:+.3f} … {high:+.3f}, 95 %) {asked}"
        if last["common"]
        else asked
    )
    done = [
        line(
            f"since {moment(last['at'])}: {change}",
            (f", embedder then {one_line(last['embedder'])}", "dim"),
        )
    ]
    rows: Sequence[Mapping[str, Any]] = last["worse"]
    return done + _inset(
        [(row["question"], f"{row['before']:.2f} → {row['now']:.2f}") for row in rows]
    )


def _inset(rows: Sequence[Sequence[str]]) -> list[Line]:
    """Rows as columns, set in below a line."""
    return [line("  ", *spans) for spans in columns(rows)]


def _first(value: Any) -> float:
    """The figure of a group: a number, or the nDCG@10 of a table."""
    return float(value["nDCG@10"] if isinstance(value, Mapping) else value)


def _figure(value: float | None) -> str:
    """Three decimals; milliseconds over ten as they are."""
    if value is None:
        return "–"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"
