"""What left this machine, what it cost, how good answers were, what agents want to write: the pages of accounts.

Charts are drawn in the browser from the table that stands below each; without scripts the table alone is there. What an
agent proposes is decided on by a person: by a form of the page, never by a program that shows the token. Leaves
every figure to the nouns of `Brain`. Serves `/ledger`, `/spend`, `/quality` and `/inbox`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

from starlette.responses import RedirectResponse, Response

from brain.doors.http import forms
from brain.doors.http.forms import READ_ONLY
from brain.doors.http.work import done
from brain.doors.lines import moment
from brain.doors.views.governance import MICRO, TOLD, dollars
from brain.errors import Refused, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request

    from brain.app import Brain
    from brain.app.ledger import LedgerRows, Spending, Verified
    from brain.app.outcomes import Figure, Proposal, Share
    from brain.app.pool import Pool
    from brain.doors.http.rendering import Rendering
    from brain.doors.http.settings import Settings

ROWS = 100  # of the ledger on one page
MOST = 10_000
By = Literal["day", "task", "model"]
BY: tuple[By, ...] = ("day", "task", "model")
SECOND = 1_000  # milliseconds
BODY = "body_sha256"  # fact of a row of which the bytes are kept, for a while
AMOUNTS = ("usd_micro", "reserved_micro")
DECISIONS = ("accept", "refuse")
NOT_A_PERSON = Refused(
    "a person decides on what agents want to write",
    "use the page, or `brain inbox` in a terminal",
)

Endpoint = Callable[["Request"], Awaitable[Response]]


class Books:
    """The pages of accounts over one pool."""

    def __init__(self, pool: Pool, settings: Settings, rendering: Rendering) -> None:
        self._pool = pool
        self._read_only = settings.read_only
        self._render = rendering

    def paths(self) -> dict[str, Endpoint]:
        """Each path with what answers it."""
        return {
            "/ledger": self.ledger,
            "/ledger/{row:int}": self.body,
            "/spend": self.spend,
            "/quality": self.quality,
            "/inbox": self.inbox,
        }

    async def ledger(self, http: Request) -> Response:
        """Every decision about what may leave, the newest first."""
        given = forms.query(http, "n", "kind")
        limit = forms.number(given["n"], ROWS, MOST) or ROWS

        def work(brain: Brain) -> tuple[LedgerRows, Verified]:
            rows = brain.ledger.rows(limit, kind=given["kind"])
            return rows, brain.ledger.verify()

        rows, verified = await done(self._pool, work)
        return self._render.page(
            "ledger.html",
            title="Ledger",
            here="/ledger",
            rows=[_ledger_row(entry) for entry in rows.entries],
            of=rows.of,
            verified=verified,
            further=f"/ledger?n={limit + ROWS}" if len(rows.entries) == limit else "",
        )

    async def body(self, http: Request) -> Response:
        """Exactly what left with a row, as text."""
        row = http.path_params["row"]
        kept = await done(self._pool, lambda brain: brain.ledger.body(row))
        title = f"What left with row {row}"
        return self._render.page("body.html", title=title, here="/ledger", kept=kept)

    async def spend(self, http: Request) -> Response:
        """What was spent, and what is left of it."""
        by = forms.query(http, "by")["by"] or BY[0]
        if by not in BY:
            raise UsageError(f"nothing is told by {by}", f"there are: {', '.join(BY)}")
        told = await done(self._pool, lambda brain: brain.ledger.spending(by))
        return self._render.page(
            "spend.html",
            title="Spend",
            here="/spend",
            told=told,
            by=by,
            ways=BY,
            micro=MICRO,
            left=_left(told),
        )

    async def quality(self, _http: Request) -> Response:
        """How good the answers of each task were, by whom, for how much."""

        def work(brain: Brain) -> tuple[list[Figure], list[Proposal]]:
            return brain.judge.quality(), brain.judge.proposals()

        figures, proposals = await done(self._pool, work)
        rows = [_quality_row(figure) for figure in figures]
        return self._render.page(
            "quality.html",
            title="Quality",
            here="/quality",
            rows=rows,
            rated=any(figure.good.rated for figure in figures),
            proposals=proposals,
        )

    async def inbox(self, http: Request) -> Response:
        """What agents want to write."""
        waiting = await done(self._pool, lambda brain: brain.inbox.waiting())
        decided = forms.query(http, "decided")["decided"]
        return self._render.page(
            "inbox.html",
            title="Inbox",
            here="/inbox",
            waiting=waiting,
            decided=decided if decided in ("accepted", "refused") else "",
        )

    async def decide(self, http: Request) -> Response:
        """What a person says of one proposal, or of all that were shown."""
        if self._read_only:
            raise READ_ONLY
        if "authorization" in http.headers:
            raise NOT_A_PERSON
        given = await forms.posted(http, "ids", "decision")
        ids = given["ids"].split()
        if given["decision"] not in DECISIONS:
            raise UsageError("nothing was decided", "accept, or refuse")

        def work(brain: Brain) -> object:
            if given["decision"] == DECISIONS[0]:
                return brain.inbox.accept(ids)
            return brain.inbox.refuse(ids)

        await done(self._pool, work)
        past = "accepted" if given["decision"] == DECISIONS[0] else "refused"
        return RedirectResponse(f"/inbox?decided={past}", status_code=303)


def _ledger_row(entry: dict[str, Any]) -> dict[str, Any]:
    """What a row of the table says of an entry, and all its facts behind it."""
    said = [str(entry[name]) for name in TOLD if entry.get(name)]
    amount = next((entry[name] for name in AMOUNTS if name in entry), None)
    facts = []
    for name, value in entry.items():
        if name not in ("id", "at", "kind"):
            text = " ".join(value) if isinstance(value, list | tuple) else str(value)
            facts.append((name.replace("_", " "), text))
    return {
        "id": entry["id"],
        "at": moment(entry["at"]),
        "kind": entry["kind"],
        "said": " · ".join(said),
        "because": str(entry.get("because", "")),
        "usd": dollars(amount) if isinstance(amount, int) else "",
        "has_body": bool(entry.get(BODY)),
        "facts": facts,
    }


def _left(told: Spending) -> list[tuple[str, str]]:
    """What is used of each limit."""
    spend, limits = told.spend, told.limits
    return [
        ("today", f"{dollars(spend.usd_today)} of {dollars(limits.day)}"),
        ("this month", f"{dollars(spend.usd_month)} of {dollars(limits.month)}"),
        (
            "tokens this hour",
            f"{spend.tokens_hour:,} of {limits.tokens_hour:,}",
        ),
    ]


def _quality_row(figure: Figure) -> dict[str, Any]:
    """The cells of one task in one month."""
    share = figure.good
    return {
        "name": f"{figure.month} {figure.task}",
        "stage": figure.stage,
        "answers": figure.answers,
        "good": _share(share),
        "good_percent": 100 * share.good / share.rated if share.rated else "",
        "absent": f"{figure.absent:.0%}",
        "here": f"{figure.local:.0%}",
        "cost": dollars(figure.usd_micro),
        "seconds": f"{figure.p50 / SECOND:.1f} s",
    }


def _share(share: Share) -> str:
    """`18 of 20 (74 to 97 %)`, "" where nobody said."""
    if not share.rated:
        return ""
    low, high = round(100 * share.low), round(100 * share.high)
    return f"{share.good} of {share.rated} ({low} to {high} %)"
