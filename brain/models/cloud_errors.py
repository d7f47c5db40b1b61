"""What a cloud model's server, or the way to it, answers in place of a text: brain's errors, of two lines each.

Goes by the status code and by what broke, never by the wording. Every error says what is likely to be billed (`used`)
and whether the maker is down, so that another one may be asked. Leaves out the connection itself (`cloud_wire`) and the
formats of the makers (`cloud`); apart from them, so that nothing here loads a library.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.errors import Refused, Unavailable
from brain.models.makers import Maker
from brain.models.ollama_errors import sentence

LOCAL_INSTEAD = "the local models go on working"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the maker counted."""

    tokens_in: int = 0
    tokens_out: int = 0


NOTHING_USED = Usage()


class CloudFault(Unavailable):
    """No text came, or not all of it.

    `used`: what the maker counted, None where nobody can know. `status`: of HTTP, 0 without one. `partial`: the text
    that had come. `wait`: what the maker said about when to ask again, as it said it.
    """

    down = False  # whether another maker may be asked in this one's place

    def __init__(
        self,
        message: str,
        hint: str = LOCAL_INSTEAD,
        *,
        used: Usage | None = NOTHING_USED,
        status: int = 0,
        partial: str = "",
        wait: str = "",
    ) -> None:
        super().__init__(message, hint)
        self.used = used
        self.status = status
        self.partial = partial
        self.wait = wait


class KeyNotTaken(CloudFault):
    """401: the key is wrong, or was withdrawn."""


class NoCredit(CloudFault):
    """402: the account has no money left."""


class NotAllowed(CloudFault):
    """403: the key may not use this model."""


class ModelGone(CloudFault):
    """404: a retired model, or a name that never was one."""


class RequestWrong(CloudFault):
    """400, 413, 422 and their like: the maker calls the request itself wrong."""


class TooOften(CloudFault):
    """429: more requests or tokens than the account may use now."""


class MakerBroken(CloudFault):
    """500 and its like: the maker's server failed."""

    down = True


class Overloaded(MakerBroken):
    """529: the maker has more to do than it can."""


class Unreachable(CloudFault):
    """No connection came about, so nothing was sent."""

    down = True


class TooSlow(CloudFault):
    """The answer, or the next piece of it, did not come in time."""

    down = True


class Declined(CloudFault):
    """The model was asked and refused to answer."""


class NotTheInterface(CloudFault):
    """Something answered that does not speak the maker's format, such as a page of HTML."""


class CutShort(CloudFault):
    """The answer began and broke off."""

    kind = "incomplete"
    down = True


class LedElsewhere(Refused):
    """The request would have gone, or was sent on, to another address than the one that was allowed."""


OF_STATUS: dict[int, tuple[type[CloudFault], str, str]] = {
    401: (
        KeyNotTaken,
        "does not take the key",
        "set it anew: `brain cloud enable {maker}`",
    ),
    402: (NoCredit, "says that the account has no credit", "add credit at {account}"),
    403: (
        NotAllowed,
        "does not allow this key to use {model}",
        "check it at {account}",
    ),
    404: (
        ModelGone,
        "does not know {model}; it may be retired",
        "name another in a [[route]]: `brain policy show`",
    ),
    429: (TooOften, "has had too many requests", "ask again later"),
    529: (Overloaded, "is overloaded", "ask again later"),
}
SERVER_FAULTS = range(500, 600)


def of_status(
    status: int, body: str, *, maker: Maker, model: str, wait: str = ""
) -> CloudFault:
    """The error for an answer that is not 200. `wait`: its Retry-After."""
    kind, what, hint = OF_STATUS.get(status) or _of_others(status)
    said = sentence(body)
    message = f"{maker.host} {what}".format(model=model)
    if said:
        message = f"{message}: {said}"
    hint = hint.format(maker=maker.name, account=maker.account or maker.host)
    if wait:
        hint = f"ask again in {wait} s" if wait.isdecimal() else f"ask again at {wait}"
    return kind(message, f"{hint}; {LOCAL_INSTEAD}", status=status, wait=wait)


def _of_others(status: int) -> tuple[type[CloudFault], str, str]:
    if status in SERVER_FAULTS:
        return MakerBroken, f"failed inside (status {status})", "ask again later"
    return (
        RequestWrong,
        f"does not take the request (status {status})",
        "ask a shorter question",
    )


def unreachable(maker: str) -> Unreachable:
    """Nobody took the call."""
    return Unreachable(f"{maker} cannot be reached", f"check the line; {LOCAL_INSTEAD}")


def too_slow(maker: str, partial: str = "") -> TooSlow:
    """The time ran out; what was counted by then nobody knows."""
    return TooSlow(
        f"{maker} did not answer in time",
        f"ask again later; {LOCAL_INSTEAD}",
        used=None,
        partial=partial,
    )


def cut_short(maker: str, partial: str) -> CutShort:
    """The connection ended before the answer did."""
    return CutShort(
        f"the answer of {maker} broke off",
        f"ask again; {LOCAL_INSTEAD}",
        used=None,
        partial=partial,
    )


def not_the_interface(maker: str) -> NotTheInterface:
    """A page, or garbage: whether it was billed nobody knows."""
    return NotTheInterface(
        f"what answers at {maker} does not speak its format",
        "a proxy or a login page may stand between; check the address: `brain cloud status`",
        used=None,
    )


def declined(maker: str, model: str, used: Usage | None, partial: str) -> Declined:
    """A refusal is billed as an answer is."""
    return Declined(
        f"{model} of {maker} declined to answer",
        f"put the question in other words; {LOCAL_INSTEAD}",
        used=used,
        partial=partial,
    )
