"""The runner for :mod:`asyncio`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Callable, Optional

from payseal.errors import StoreError
from payseal.payments._running import (
    ACKED,
    LEASE_PARTS,
    SHORTEST_S,
    Pace,
    Pauses,
    Permanent,
    check_publisher,
    is_hopeless,
    is_lost,
    lease_s,
    logger,
    reason,
    split,
    until_next_tick_s,
)
from payseal.payments.aio import AsyncPayments
from payseal.payments.publisher import AsyncPublisher, failures
from payseal.payments.words import Queue
from payseal.payments.work import Claimed, Event, Message

AsyncHandler = Callable[[Event], Awaitable[object]]


class AsyncRunner:
    """A :class:`~payseal.payments.Runner` as a task: handler and publisher are coroutines.

    ::

        async with payments.AsyncRunner(shop, handle=paid):
            ...

    A handler whose lease is lost, because somebody else has the event, is cancelled.
    """

    def __init__(
        self,
        payments: AsyncPayments,
        *,
        handle: Optional[AsyncHandler] = None,
        publisher: Optional[AsyncPublisher] = None,
        concurrency: int = 8,
        batch: int = 100,
        lease_ms: Optional[int] = None,
        poll_s: float = 1.0,
        tick_s: float = 5.0,
        max_pause_s: float = 30.0,
    ) -> None:
        """Prepare a runner; nothing runs yet. The arguments are those of :class:`~payseal.payments.Runner`."""
        self._payments = payments
        self._sync = payments.payments
        check_publisher(self._sync, publisher)
        self._handler = handle
        self._publisher = publisher
        self._pace = Pace(concurrency, batch, lease_ms, poll_s, tick_s, max_pause_s)
        self._task: Optional[asyncio.Task[None]] = None
        self._run: Optional[_Run] = None

    async def run(self) -> None:
        """Work until :meth:`stop` is called or the task is cancelled, and wait for what is under way.

        A second cancellation gives up what is under way: it comes again when its lease is over.

        Raises:
            PaysealError: What cannot get better: closed payments, or a number that the library refuses.
            RuntimeError: It runs already.
        """
        if self._run is not None:
            raise RuntimeError("the runner runs already")
        self._run = _Run()
        bells = self._sync._bells
        loop = asyncio.get_running_loop()
        forget = [
            bells.listen(queue, lambda wake=wake: loop.call_soon_threadsafe(wake.set))  # type: ignore[misc]
            for queue, wake in self._run.wakes.items()
        ]
        work = asyncio.ensure_future(self._work(self._run))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self.stop()
            await work
            raise
        finally:
            for each in forget:
                each()
            self._run = None

    def stop(self) -> None:
        """Take up nothing more: :meth:`run` returns when what is under way is over. May be repeated. Call it on the event loop."""
        if self._run is not None:
            self._run.stop()

    async def __aenter__(self) -> AsyncRunner:
        """Start it; leaving the block stops it."""
        self._task = asyncio.ensure_future(self.run())
        await asyncio.sleep(0)  # until it has begun
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Stop it and wait for what is under way."""
        assert self._task is not None
        self.stop()
        await self._task

    async def _work(self, run: _Run) -> None:
        loops = [self._tick(run), self._apply_events(run) if self._handler is None else self._take_events(run)]
        if self._publisher is not None:
            loops.append(self._take_messages(run))
        tasks = [asyncio.ensure_future(loop) for loop in loops]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            run.stop()
            await asyncio.wait(tasks)
        finally:
            for task in (*tasks, *run.handling):  # what is still there was given up
                task.cancel()
        for task in tasks:
            if task.exception() is not None:
                logger.error("the runner ends", exc_info=task.exception())
            task.result()

    async def _tick(self, run: _Run) -> None:
        pauses = Pauses(self._pace.tick_s, self._pace.max_pause_s)
        while not run.stopping.is_set():
            error: Optional[Exception] = None
            pauses.usual_s = self._pace.tick_s
            run.ticking = asyncio.ensure_future(self._payments.tick())
            try:
                ticked = await run.ticking
                pauses.usual_s = until_next_tick_s(self._sync, ticked, self._pace.tick_s)
            except asyncio.CancelledError:
                if run.stopping.is_set():
                    return
                raise
            except Exception as raised:
                error = raised
            if pauses.usual_s > 0:
                await self._pause(run, "tick", pauses, run.stopping, error)

    async def _take_events(self, run: _Run) -> None:
        """Claim events as there are hands for them."""
        pauses = Pauses(self._pace.poll_s, self._pace.max_pause_s)
        wake = run.wakes[Queue.INBOX]
        while not run.stopping.is_set():
            if len(run.handling) >= self._pace.concurrency:
                await asyncio.wait(run.handling, return_when=asyncio.FIRST_COMPLETED)
                continue
            hands = self._pace.concurrency - len(run.handling)
            wake.clear()
            error: Optional[Exception] = None
            events: list[Event] = []
            try:
                events = await self._payments.claim_events(hands, lease_ms=self._pace.lease_ms)
            except Exception as raised:
                error = raised
            for event in events:
                task = asyncio.ensure_future(self._take(event))
                run.handling.add(task)
                task.add_done_callback(run.handling.discard)
            if len(events) < hands:
                await self._pause(run, "claim events", pauses, wake, error)
        while run.handling:
            await asyncio.wait(run.handling)

    async def _apply_events(self, run: _Run) -> None:
        """Let events take effect of which nobody is told."""
        pauses = Pauses(self._pace.poll_s, self._pace.max_pause_s)
        wake = run.wakes[Queue.INBOX]
        while not run.stopping.is_set():
            wake.clear()
            error: Optional[Exception] = None
            events: list[Event] = []
            try:
                events = await self._payments.claim_events(self._pace.batch, lease_ms=self._pace.lease_ms)
                await self._payments.ack_all(events)  # those that are lost are somebody else's now
            except Exception as raised:
                error = raised
            if error is not None or len(events) < self._pace.batch:
                await self._pause(run, "apply events", pauses, wake, error)

    async def _take_messages(self, run: _Run) -> None:
        """Publish the outbox in batches, one after the other."""
        pauses = Pauses(self._pace.poll_s, self._pace.max_pause_s)
        wake = run.wakes[Queue.OUTBOX]
        while not run.stopping.is_set():
            wake.clear()
            error: Optional[Exception] = None
            messages: list[Message] = []
            try:
                messages = await self._payments.claim_messages(self._pace.batch, lease_ms=self._pace.lease_ms)
            except Exception as raised:
                error = raised
            if messages:
                await self._publish(messages)
            if len(messages) < self._pace.batch:
                await self._pause(run, "publish messages", pauses, wake, error)

    async def _take(self, event: Event) -> None:
        """Bring an event to its end."""
        seconds = lease_s(self._sync, (event,))
        handling = asyncio.ensure_future(self._handle(event, seconds))
        keeping = asyncio.ensure_future(self._keep((event,), seconds))
        try:
            await asyncio.wait({handling, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if not handling.done():
                logger.warning("the lease of event %d is lost: somebody else has it", event.id)
        finally:
            handling.cancel()
            keeping.cancel()
        try:
            await handling
        except asyncio.CancelledError:
            pass  # lost, or given up
        except Exception as error:
            logger.warning("event %d was not ended, and comes again: %s", event.id, reason(error))

    async def _handle(self, event: Event, seconds: float) -> None:
        assert self._handler is not None
        try:
            result = await self._handler(event)
        except asyncio.CancelledError:
            raise
        except Permanent as error:
            logger.exception("event %d (%s, order %s) is given up", event.id, event.kind, event.order_no)
            why = reason(error)
            await self._insist(lambda: self._payments.dead(event, why), seconds)
        except Exception as error:
            logger.warning("event %d (%s, order %s) was not handled, and comes again", event.id, event.kind, event.order_no, exc_info=True)
            await self._payments.nack(event, reason=reason(error))  # where this fails it comes again when the lease is over
        else:
            if result is ACKED:
                self._sync._bells.ring(Queue.OUTBOX)
            else:
                await self._insist(lambda: self._payments.ack(event), seconds)

    async def _publish(self, messages: Sequence[Message]) -> None:
        assert self._publisher is not None
        seconds = lease_s(self._sync, messages)
        keeping = asyncio.ensure_future(self._keep(messages, seconds))
        try:
            try:
                failed = failures(messages, await self._publisher.publish(messages))
            except Exception as error:
                logger.warning("the publisher failed", exc_info=True)
                failed = [error] * len(messages)
            published, rest = split(messages, failed)
            try:
                await self._insist(lambda: self._ack_all(published), seconds)
            except Exception as error:
                logger.warning("%d messages were published and not acknowledged; they come again: %s", len(published), reason(error))
            for message, why in rest:
                try:
                    await self._payments.nack(message, reason=why)
                except Exception as error:
                    logger.warning(
                        "message %s was not given back; it comes again when its lease is over: %s", message.message_id, reason(error)
                    )
        finally:
            keeping.cancel()

    async def _ack_all(self, published: list[Message]) -> None:
        lost = await self._payments.ack_all(published)
        if lost:
            logger.warning("%d messages were published after their lease, and may be again", len(lost))

    async def _keep(self, work: Sequence[Claimed], seconds: float) -> None:
        """Extend leases; returns when all are lost."""
        held = list(work)
        while held:
            await asyncio.sleep(max(seconds / LEASE_PARTS, SHORTEST_S / LEASE_PARTS))
            for each in tuple(held):
                try:
                    await self._payments.extend(each, lease_ms=self._pace.lease_ms)
                except Exception as error:
                    if is_lost(error):
                        held.remove(each)
                    else:
                        logger.warning("the lease of %s %d was not extended: %s", each.queue, each.id, reason(error))

    async def _insist(self, end: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Try again for so long while the database fails: what was done should not be done twice."""
        deadline = time.monotonic() + seconds
        pauses = Pauses(0.05, 1.0)
        while True:
            try:
                return await end()
            except StoreError as error:
                if time.monotonic() >= deadline:
                    raise
                pause_s = pauses.next_s(True)
                logger.warning("cannot end what is done, and tries again in %.2f s: %s", pause_s, reason(error))
            await asyncio.sleep(pause_s)

    async def _pause(self, run: _Run, doing: str, pauses: Pauses, wake: asyncio.Event, error: Optional[Exception]) -> None:
        """Wait until there may be something to do. No error is reported that only says that the runner stops."""
        if run.stopping.is_set():
            return
        if is_hopeless(error):
            assert error is not None
            raise error
        seconds = pauses.next_s(error is not None)
        if error is not None:  # more to do does not mend it
            logger.error("cannot %s, and tries again in %.1f s: %s", doing, seconds, reason(error))
            wake = run.stopping
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(wake.wait(), seconds)


class _Run:
    """What belongs to one run, and to its event loop."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.wakes = {queue: asyncio.Event() for queue in (Queue.INBOX, Queue.OUTBOX)}
        self.handling: set[asyncio.Task[None]] = set()
        self.ticking: Optional[asyncio.Task[object]] = None

    def stop(self) -> None:
        self.stopping.set()
        for wake in self.wakes.values():
            wake.set()
        if self.ticking is not None:
            self.ticking.cancel()
