"""What became of a notification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from payseal._library import Buffer
from payseal._native import copy, from_json
from payseal.errors import Code, Outcome, PaysealError, kind_of
from payseal.notification import Reply
from payseal.payments.words import EventKind


@dataclass(frozen=True)
class Accepted:
    """What became of a notification, and what to answer.

    Attributes:
        reply: To be written in any case: success where the notification is stored, or was before; otherwise what makes the provider send
            it again.
        error: Why it was refused; None where it is stored.
        account: Whom it is for; None where that was not found out.
        duplicate: Whether it was stored before.
        kind: The event's; None where it was refused.
        order_no: Empty for what is about no order.
    """

    reply: Reply
    error: Optional[PaysealError] = None
    account: Optional[str] = None
    duplicate: bool = False
    kind: Optional[EventKind] = None
    order_no: str = ""


def accepted(body: Buffer, info: Buffer, cause: Optional[BaseException] = None) -> Accepted:
    """The outputs of accepting a notification; ``cause`` is what a callback raised."""
    about = from_json(info)
    return Accepted(
        reply=Reply(about["status"], tuple((name, value) for name, value in about["headers"]), copy(body)),
        error=None if about["accepted"] else _error(about["error"], cause),
        account=about["account"],
        duplicate=about.get("duplicate", False),
        kind=EventKind(about["kind"]) if about["accepted"] else None,
        order_no=about.get("order_no", ""),
    )


def _error(values: dict[str, Any], cause: Optional[BaseException]) -> PaysealError:
    error = kind_of(values["code"])(Code(values["code"]), Outcome(values["outcome"]), values["message"], values["details"])
    error.__cause__ = cause
    return error
