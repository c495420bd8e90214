"""The runner for threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Optional

from payseal.cancellation import Cancellation
from payseal.errors import StoreError
from payseal.payments._leases import Leases
from payseal.payments._running import (
    ACKED,
    Pace,
    Pauses,
    Permanent,
    check_publisher,
    is_hopeless,
    lease_s,
    logger,
    reason,
    split,
    until_next_tick_s,
)
from payseal.payments.publisher import Publisher, failures
from payseal.payments.sync import Payments
from payseal.payments.words import Queue
from payseal.payments.work import Event, Message

Handler = Callable[[Event], object]


class Runner:
    """Does the work of payments on threads: it ticks, hands events to the service, and messages to a publisher.

    ::

        with payments.Runner(shop, handle=paid):
            ...

    Run as many as there are processes: what one has taken up no other does, and what one leaves behind in a crash another takes up when its
    lease is over. Nothing that goes wrong with database, providers, handler or publisher ends it: it is logged to ``payseal.payments`` and
    tried again after a pause. Start it in the process that runs it, not before a fork.
    """

    def __init__(
        self,
        payments: Payments,
        *,
        handle: Optional[Handler] = None,
        publisher: Optional[Publisher] = None,
        concurrency: int = 8,
        batch: int = 100,
        lease_ms: Optional[int] = None,
        poll_s: float = 1.0,
        tick_s: float = 5.0,
        max_pause_s: float = 30.0,
    ) -> None:
        """Prepare a runner; nothing runs yet.

        Args:
            payments: Whose work it is.
            handle: Takes care of an event, on several threads at once. When it returns the event takes effect; what it raises makes the
                event come again after a pause, or, where that is :class:`~payseal.payments.Permanent`, makes it dead. It may get an
                event more than once, when a process ends at the wrong moment. Without a handler events take effect by themselves.
            publisher: Gets the messages of the outbox, which ``"outbox": True`` in the configuration turns on. Without one
                nobody does, here.
            concurrency: How many events are handled at once.
            batch: How many messages are published at once. Without a handler it is also how many events take effect at once.
            lease_ms: Takes the place of the configuration's. A lease is extended as long as something is under way.
            poll_s: How long it looks no further after it found nothing. What arrives in this process is found at once.
            tick_s: The longest pause between ticks. They come sooner where something is due.
            max_pause_s: The longest pause while the database fails.

        Raises:
            ValueError: A number is not more than 0, or there is a publisher and no outbox.
        """
        check_publisher(payments, publisher)
        self._payments = payments
        self._handler = handle
        self._publisher = publisher
        self._pace = Pace(concurrency, batch, lease_ms, poll_s, tick_s, max_pause_s)
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._failure: Optional[BaseException] = None

    def start(self) -> None:
        """Start its threads.

        Raises:
            RuntimeError: It runs already.
        """
        if self._threads:
            raise RuntimeError("the runner runs already")
        self._stopping = threading.Event()
        self._failure = None
        self._cancellation = Cancellation()
        self._leases = Leases(self._payments, self._pace.lease_ms)
        self._hands = _Hands(self._pace.concurrency)
        bells = self._payments._bells
        self._wakes = {queue: threading.Event() for queue in (Queue.INBOX, Queue.OUTBOX)}
        self._forget = [bells.listen(queue, wake.set) for queue, wake in self._wakes.items()]
        self._pool = ThreadPoolExecutor(self._pace.concurrency, thread_name_prefix="payseal-handler")
        self._keeper = threading.Thread(target=self._leases.keep, name="payseal-leases", daemon=True)
        loops = {"ticks": self._tick, "events": self._apply_events if self._handler is None else self._take_events}
        if self._publisher is not None:
            loops["messages"] = self._take_messages
        self._threads = [
            threading.Thread(target=self._guard, args=(loop,), name=f"payseal-{name}", daemon=True) for name, loop in loops.items()
        ]
        for thread in (self._keeper, *self._threads):
            thread.start()

    def stop(self) -> None:
        """Take up nothing more, and wait for what is under way. May be repeated, and called while nothing runs.

        Raises:
            PaysealError: What ended the runner before, because it cannot get better: closed payments, or a number that the library refuses.
        """
        self._end()
        for thread in self._threads:
            thread.join()
        if self._threads:
            self._pool.shutdown()
            self._leases.end()
            self._keeper.join()
            for forget in self._forget:
                forget()
            self._threads = []
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def run(self) -> None:
        """Start it and wait until :meth:`stop` is called by another thread or a signal handler raises.

        Raises:
            PaysealError: As for :meth:`stop`.
        """
        self.start()
        try:
            self._stopping.wait()
        finally:
            self.stop()

    def __enter__(self) -> Runner:
        """Start it; leaving the block stops it."""
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop it."""
        self.stop()

    def _end(self) -> None:
        self._stopping.set()
        if self._threads:
            self._cancellation.trigger()
            self._hands.end()
            for wake in self._wakes.values():
                wake.set()

    def _guard(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except BaseException as error:
            logger.exception("the runner ends")
            self._failure = error
            self._end()

    def _tick(self) -> None:
        pauses = Pauses(self._pace.tick_s, self._pace.max_pause_s)
        while not self._stopping.is_set():
            error: Optional[Exception] = None
            pauses.usual_s = self._pace.tick_s
            try:
                ticked = self._payments.tick(cancellation=self._cancellation)
                pauses.usual_s = until_next_tick_s(self._payments, ticked, self._pace.tick_s)
            except Exception as raised:
                error = raised
            if pauses.usual_s > 0:
                self._pause("tick", pauses, self._stopping, error)

    def _take_events(self) -> None:
        """Claim events as there are hands for them."""
        pauses = Pauses(self._pace.poll_s, self._pace.max_pause_s)
        wake = self._wakes[Queue.INBOX]
        while (hands := self._hands.take_all()) > 0:
            wake.clear()
            error: Optional[Exception] = None
            events: list[Event] = []
            try:
                if not self._stopping.is_set():
                    events = self._payments.claim_events(hands, lease_ms=self._pace.lease_ms)
            except Exception as raised:
                error = raised
            for event in events:
                self._pool.submit(self._take, event)
            self._hands.give(hands - len(events))
            if len(events) < hands:
                self._pause("claim events", pauses, wake, error)

    def _apply_events(self) -> None:
        """Let events take effect of which nobody is told."""
        pauses = Pauses(self._pace.poll_s, self._pace.max_pause_s)
        wake = self._wakes[Queue.INBOX]
        while not self._stopping.is_set():
            wake.clear()
            error: Optional[Exception] = None
            events: list[Event] = []
            try:
                events = self._payments.claim_events(self._pace.batch, lease_ms=self._pace.lease_ms)
                self._payments.ack_all(events)  # those that are lost are somebody else's now
            except Exception as raised:
                error = raised
            if error is not None or len(events) < self._pace.batch:
                self._pause("apply events", pauses, wake, error)

    def _take_messages(self) -> None:
        """Publish the outbox in batches, one after the other."""
        pauses = Pauses(self._pace.poll_s, self._pace.max_pause_s)
        wake = self._wakes[Queue.OUTBOX]
        while not self._stopping.is_set():
            wake.clear()
            error: Optional[Exception] = None
            messages: list[Message] = []
            try:
                messages = self._payments.claim_messages(self._pace.batch, lease_ms=self._pace.lease_ms)
            except Exception as raised:
                error = raised
            if messages:
                self._publish(messages)
            if len(messages) < self._pace.batch:
                self._pause("publish messages", pauses, wake, error)

    def _take(self, event: Event) -> None:
        try:
            with self._leases.hold((event,)):
                self._handle(event)
        except Exception as error:
            logger.warning("event %d was not ended, and comes again: %s", event.id, reason(error))
        finally:
            self._hands.give(1)

    def _handle(self, event: Event) -> None:
        """Bring an event to its end."""
        assert self._handler is not None
        seconds = lease_s(self._payments, (event,))
        try:
            result = self._handler(event)
        except Permanent as error:
            logger.exception("event %d (%s, order %s) is given up", event.id, event.kind, event.order_no)
            why = reason(error)
            self._insist(lambda: self._payments.dead(event, why), seconds)
        except BaseException as error:
            logger.warning("event %d (%s, order %s) was not handled, and comes again", event.id, event.kind, event.order_no, exc_info=True)
            self._payments.nack(event, reason=reason(error))  # where this fails it comes again when the lease is over
        else:
            if result is ACKED:
                self._payments._bells.ring(Queue.OUTBOX)
            else:
                self._insist(lambda: self._payments.ack(event), seconds)

    def _publish(self, messages: Sequence[Message]) -> None:
        assert self._publisher is not None
        seconds = lease_s(self._payments, messages)
        with self._leases.hold(messages):
            try:
                failed = failures(messages, self._publisher.publish(messages))
            except BaseException as error:
                logger.warning("the publisher failed", exc_info=True)
                failed = [error] * len(messages)
            published, rest = split(messages, failed)
            try:
                self._insist(lambda: self._ack_all(published), seconds)
            except Exception as error:
                logger.warning("%d messages were published and not acknowledged; they come again: %s", len(published), reason(error))
            for message, why in rest:
                try:
                    self._payments.nack(message, reason=why)
                except Exception as error:
                    logger.warning(
                        "message %s was not given back; it comes again when its lease is over: %s", message.message_id, reason(error)
                    )

    def _ack_all(self, published: list[Message]) -> None:
        lost = self._payments.ack_all(published)
        if lost:
            logger.warning("%d messages were published after their lease, and may be again", len(lost))

    def _insist(self, end: Callable[[], None], seconds: float) -> None:
        """Try again for so long while the database fails: what was done should not be done twice."""
        deadline = time.monotonic() + seconds
        pauses = Pauses(0.05, 1.0)
        while True:
            try:
                return end()
            except StoreError as error:
                if time.monotonic() >= deadline:
                    raise
                pause_s = pauses.next_s(True)
                logger.warning("cannot end what is done, and tries again in %.2f s: %s", pause_s, reason(error))
            time.sleep(pause_s)

    def _pause(self, doing: str, pauses: Pauses, wake: threading.Event, error: Optional[Exception]) -> None:
        """Wait until there may be something to do. No error is reported that only says that the runner stops."""
        if self._stopping.is_set():
            return
        if is_hopeless(error):
            assert error is not None
            raise error
        seconds = pauses.next_s(error is not None)
        if error is None:
            wake.wait(seconds)
        else:  # more to do does not mend it
            logger.error("cannot %s, and tries again in %.1f s: %s", doing, seconds, reason(error))
            self._stopping.wait(seconds)


class _Hands:
    """How many events more can be handled."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._ended = False
        self._changed = threading.Condition()

    def take_all(self) -> int:
        """Wait for one and take all that there are; none where the runner stops."""
        with self._changed:
            self._changed.wait_for(lambda: self._free > 0 or self._ended)
            if self._ended:
                return 0
            taken, self._free = self._free, 0
            return taken

    def give(self, count: int) -> None:
        with self._changed:
            self._free += count
            self._changed.notify()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
