"""How the rules read: the policy as prose, mistakes and cases, what a change would change, why something was decided.

Leaves every decision to the values that it is handed. Serves the commands over the policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from brain.doors.lines import (
    Line,
    Lines,
    bad,
    columns,
    commas,
    count,
    dim,
    given,
    good,
    indented,
    line,
    moment,
    short_path,
    styled,
    warn,
)
from brain.doors.show import DONE, FAILED, lists, shows
from brain.doors.views.governance import dollars

if TYPE_CHECKING:
    from brain.app.policy import (
        Changed,
        Explained,
        PolicyChecked,
        PolicyDiff,
        PolicyPublished,
        PolicyShown,
        PolicyTested,
        PolicyVersion,
        Rule,
        ToApprove,
        Waiting,
    )

# An outcome as the sentence of a rule says it, and its style.
OUTCOMES = {
    "allow": ("may go", "good"),
    "wait": ("waits", "warn"),
    "ask": ("asks you first", "warn"),
    "deny": ("stays", "bad"),
    "halt": ("halts", "bad"),
}
ALWAYS = "true"
WAITING = ("host", "model", "label")  # what is told of each that waits


@shows("PolicyShown", explains=True)
def shown(policy: PolicyShown, *, explain: bool = False) -> Lines:
    """Its state, the limits, each rule as a sentence, which model serves what; `explain`: the conditions as well."""
    published = "as brain comes"
    if policy.published:
        published = f"published {moment(policy.published)}"
    head = styled("path", policy.path)
    done: Lines = [line(head, dim(f" · {published} · {policy.digest}"))]
    for said in (policy.halted, policy.edited):
        if said:
            done.append(warn(said))
    state = good("on") if policy.cloud else "off"
    done += [line("the cloud is ", state), *_switches(policy), line()]
    done += columns(policy.limits, ("dim", ""))
    done.append(line())
    for rule in policy.rules:
        done += _rule(rule, explain=explain)
    done += [line(dim("of several the strictest counts; with none nothing leaves"))]
    done += [line(), *columns(policy.routes, ("title", ""))]
    done += [line(), *columns(policy.hosts, ("title", ""))]
    return done


def _switches(policy: PolicyShown) -> Iterator[Line]:
    """The other switches of the policy."""
    for name, on in policy.flags.items():
        if name != "cloud":
            yield line(f"{name} is ", good("on") if on else "off")


def _rule(rule: Rule, *, explain: bool) -> Lines:
    word, style = OUTCOMES[rule.then]
    what = commas(*rule.actions)
    told = line(
        f"{what} ", styled(style, word), f": {rule.because}", dim(f" ({rule.id})")
    )
    if not explain or rule.when == ALWAYS:
        return [told]
    return [told, *indented([dim(f"when {rule.when}")])]


def _checked_code(found: PolicyChecked) -> int:
    return FAILED if found.faults else DONE


@shows("PolicyChecked", code=_checked_code)
def checked(found: PolicyChecked) -> Lines:
    """That it can be used, or what cannot work."""
    rules = count(found.rules, "rule")
    routes = count(found.routes, "route")
    if not found.faults:
        return [line("policy.toml ", good("is sound"), f": {rules}, {routes}")]
    told = bad("cannot all work")
    return [line("policy.toml ", told), *indented(map(line, found.faults))]


def _tested_code(tested: PolicyTested) -> int:
    return FAILED if any(case.said for case in tested.cases) else DONE


@shows("PolicyTested", code=_tested_code)
def cases(tested: PolicyTested) -> Lines:
    """The cases that do not hold, how many do, and the rules that none meets."""
    failed = [case for case in tested.cases if case.said]
    done: Lines = []
    for case in failed:
        done.append(line(bad("fails "), f"{case.name}: {case.said}"))
    hold = len(tested.cases) - len(failed)
    done.append(line(f"{hold:,} of {count(len(tested.cases), 'case')} hold"))
    if tested.untested:
        done.append(dim(f"no case meets {commas(*tested.untested)}"))
    return done


@shows("PolicyDiff")
def diff(found: PolicyDiff) -> Lines:
    """The changed lines, and the past decisions that change with them."""
    done = [_diff_line(text) for text in found.lines]
    if not found.lines:
        done.append(line("the file is what is in force"))
    number = f"{len(found.changed):,} of {count(found.decided, 'past decision')} change"
    done.append(line(number))
    return done + indented(map(_changed, found.changed))


def _diff_line(text: str) -> Line:
    style = {"+": "good", "-": "bad"}.get(text[:1], "dim")
    return styled(style, text)


def _changed(one: Changed) -> Line:
    at = dim(f"{one.row} · {moment(one.at)} · {one.action} ")
    return line(at, f"{one.before} → {one.after}", dim(f" ({one.rule})"))


@shows("PolicyPublished")
def published(now: PolicyPublished) -> Lines:
    """What is in force now."""
    number = f"{len(now.diff.changed):,} of {count(now.diff.decided, 'past decision')}"
    told = f"{now.digest} is in force; {number} would come out otherwise"
    return [line(told)]


@lists("policies", "no policy was published; the one that brain comes with is in force")
def history(versions: Sequence[PolicyVersion]) -> Lines:
    """Number, when, how, digest."""
    cells = [(str(one.number), moment(one.at), one.how, one.digest) for one in versions]
    return columns(cells, ("title", "", "dim", "dim"))


@shows("Explained", explains=True)
def explained(why: Explained, *, explain: bool = False) -> Lines:
    """The decision, the rules that matched, the facts."""
    word, style = OUTCOMES.get(why.decision, (why.decision, ""))
    policy = given("policy ", why.policy) or "decided in code"
    head = dim(f"row {why.row} · {moment(why.at)} · {policy}")
    done = [head, line(f"{why.action} ", styled(style, word))]
    for name, outcome, because, when in why.rules:
        told = given(f" {outcome}: ", because)
        done += indented([line(styled("title", name), told)])
        if explain and when:
            done += indented([dim(f"when {when}")], "    ")
    return done + indented(columns(why.facts, ("dim", "")))


@lists("waiting", "nothing waits for you")
def waiting(items: Sequence[Waiting]) -> Lines:
    """The id, where it would go, how confidential it is, and what it may cost."""
    cells = []
    for item in items:
        told = [str(item.what.get(name, "")) for name in WAITING]
        cost = dollars(item.what.get("usd_micro", 0))
        cells.append((item.id, *told, f"at most {cost}"))
    return columns(cells, ("title", "", "", "", "dim"))


@shows("ToApprove")
def to_approve(waits: ToApprove) -> Lines:
    """Where to and for how much, and every note that it is made of."""
    cost = f"{waits.bytes:,} bytes, at most {dollars(waits.usd_micro)}"
    head = line(f"to {waits.host} ({waits.model}): {waits.label}, {cost}")
    cells = [(short_path(one.source), one.title) for one in waits.sources]
    return [head, *indented(columns(cells, ("path", "")))]
