"""Keeping the leases of what is under way, on a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Optional

from payseal.payments._running import LEASE_PARTS, SHORTEST_S, is_lost, lease_s, logger, reason
from payseal.payments.sync import Payments
from payseal.payments.work import Claimed


class Leases:
    """Extends leases until what they are for is over. ``keep`` is for one thread, ``hold`` for any."""

    def __init__(self, payments: Payments, lease_ms: Optional[int]) -> None:
        """``lease_ms`` takes the place of the configuration's."""
        self._payments = payments
        self._lease_ms = lease_ms
        self._changed = threading.Condition()
        self._held: dict[tuple[str, int], _Held] = {}
        self._ended = False

    @contextmanager
    def hold(self, work: Sequence[Claimed]) -> Iterator[None]:
        """Hold these leases, which were claimed just now."""
        every = max(lease_s(self._payments, work) / LEASE_PARTS, SHORTEST_S / LEASE_PARTS)
        keys = [(each.queue.value, each.id) for each in work]
        with self._changed:
            self._held.update((key, _Held(each, every)) for key, each in zip(keys, work))
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                for key in keys:
                    self._held.pop(key, None)

    def keep(self) -> None:
        """Extend what is due, until ``end``."""
        while True:
            with self._changed:
                if self._ended:
                    return
                now = time.monotonic()
                due = [(key, held) for key, held in self._held.items() if held.due <= now]
                if not due:
                    soonest = min((held.due for held in self._held.values()), default=None)
                    self._changed.wait(None if soonest is None else soonest - now)
                    continue
            for key, held in due:
                if key in self._held:
                    self._extend(key, held)

    def end(self) -> None:
        """Let ``keep`` return."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _extend(self, key: tuple[str, int], held: _Held) -> None:
        held.due = time.monotonic() + held.every
        try:
            self._payments.extend(held.work, lease_ms=self._lease_ms)
        except Exception as error:
            if is_lost(error):
                with self._changed:
                    was_held = self._held.pop(key, None) is held
                if was_held:
                    logger.warning("the lease of %s %d is lost: somebody else has it", *key)
            else:
                logger.warning("the lease of %s %d was not extended: %s", *key, reason(error))


class _Held:
    def __init__(self, work: Claimed, every: float) -> None:
        self.work = work
        self.every = every
        self.due = time.monotonic() + every
