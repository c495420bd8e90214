"""What all publishers say when a broker does not confirm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

Outcomes = Sequence[Optional[BaseException]]
"""For each message, in their order, None or why it is not confirmed."""


class NotConfirmed(Exception):
    """The broker has not confirmed a message, which may have arrived all the same. The cause is the client's own error, if any."""


def not_confirmed(why: object, cause: Optional[BaseException] = None) -> NotConfirmed:
    """The error with its cause, to be returned and not raised."""
    error = NotConfirmed(str(why))
    error.__cause__ = cause
    return error


CLOSED = "the publisher is closed"
