"""What the runners for threads and for asyncio share."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from payseal.errors import ClosedError, Code, PaysealError
from payseal.payments.order import Ticked
from payseal.payments.sync import Payments
from payseal.payments.work import Claimed, Message

logger = logging.getLogger("payseal.payments")

LEASE_PARTS = 3
"""How often a lease is extended before it would end: a look that fails leaves time for another."""
SHORTEST_S = 0.1
"""The pause between ticks however soon something is due, and the shortest between looks at a lease."""


class Permanent(Exception):
    """Raised by a handler where trying again does not mend it: the event is dead at once and waits for a person."""


class Acked:
    """Returned by a handler that has acknowledged the event itself, as by :meth:`Payments.ack_in`."""

    def __repr__(self) -> str:
        """The name of its only value."""
        return "ACKED"


ACKED = Acked()
"""Returned by a handler that has acknowledged the event itself, as by :meth:`Payments.ack_in`."""


def check_publisher(payments: Payments, publisher: object) -> None:
    """A publisher without an outbox would wait for ever.

    Raises:
        ValueError: It would.
    """
    if publisher is not None and not payments._has_outbox:
        raise ValueError('a publisher gets nothing, because the outbox is off: configure the payments with "outbox": True')


@dataclass(frozen=True)
class Pace:
    """How fast a runner works."""

    concurrency: int
    batch: int
    lease_ms: Optional[int]
    poll_s: float
    tick_s: float
    max_pause_s: float

    def __post_init__(self) -> None:
        """Nothing may be nothing.

        Raises:
            ValueError: Something is.
        """
        for name in ("concurrency", "batch", "poll_s", "tick_s", "max_pause_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0")


class Pauses:
    """The pauses between looks. While there are errors they grow.

    They are random by a quarter, so that machines that began together do not look together.
    """

    def __init__(self, usual_s: float, most_s: float) -> None:
        """``usual_s`` may be changed at any time."""
        self.usual_s = usual_s
        self._most_s = most_s
        self._errors = 0

    def next_s(self, failed: bool) -> float:
        """How long to wait now."""
        if not failed:
            self._errors = 0
            return _jitter(self.usual_s)
        pause = min(self.usual_s, 1.0) * (1 << min(self._errors, 16))
        self._errors += 1
        return _jitter(min(pause, self._most_s))


def until_next_tick_s(payments: Payments, ticked: Ticked, tick_s: float) -> float:
    """How long nothing is due; 0 where there was more than fits into one tick."""
    if ticked.failed:
        logger.warning("a tick left %d behind", ticked.failed)
    if ticked.next_due_ms is None:
        return tick_s
    left_s = payments._left_ms(ticked.next_due_ms) / 1000
    if left_s <= 0 and ticked.orders + ticked.refunds > ticked.failed:
        return 0
    return min(tick_s, max(left_s, SHORTEST_S)) if left_s > 0 else tick_s


def lease_s(payments: Payments, work: Sequence[Claimed]) -> float:
    """How long what was claimed just now belongs to us."""
    return max(payments._left_ms(work[0].lease_until_ms) / 1000, 0.0)


def is_hopeless(error: Optional[BaseException]) -> bool:
    """Whether trying again would bring the same for ever."""
    return isinstance(error, ClosedError) or (isinstance(error, PaysealError) and error.code == Code.PARAMS_INVALID)


def is_lost(error: BaseException) -> bool:
    """Whether somebody else has the work."""
    return isinstance(error, PaysealError) and error.code == Code.LEASE_LOST


def reason(error: BaseException) -> str:
    """For people; never empty."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text.strip() else type(error).__name__


def split(messages: Sequence[Message], failed: Sequence[Optional[BaseException]]) -> tuple[list[Message], list[tuple[Message, str]]]:
    """Those that are published; and those that are not, with the reason."""
    published, rest = [], []
    for message, failure in zip(messages, failed):
        if failure is None:
            published.append(message)
        else:
            logger.warning("message %s (%s) was not published, and comes again: %s", message.message_id, message.topic, reason(failure))
            rest.append((message, reason(failure)))
    return published, rest


def _jitter(seconds: float) -> float:
    return seconds * random.uniform(0.75, 1.25)
