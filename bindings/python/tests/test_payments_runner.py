"""The runners, for threads and for asyncio: nothing is lost, nothing ends them, and what is slow keeps its lease."""

from __future__ import annotations

import asyncio
import inspect
import logging
import queue
import threading
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

import payseal
from payseal import Code, Outcome, StoreError
from payseal.payments import (
    ACKED,
    AsyncPayments,
    AsyncRunner,
    Event,
    Message,
    Payments,
    Permanent,
    Queue,
    Runner,
    State,
    Topic,
)
from provider import NOW, Provider
from till import Till, a_till, eventually

QUICK = {"poll_s": 0.05, "tick_s": 0.05, "max_pause_s": 0.1}


@contextmanager
def on_threads(till: Till, payments: Payments, **arguments: Any) -> Iterator[None]:
    with Runner(payments, **{**QUICK, **arguments}):
        yield


@contextmanager
def as_a_task(till: Till, payments: Payments, **arguments: Any) -> Iterator[None]:
    """An event loop on a thread of its own, with the same payments behind it."""
    if arguments.get("handle") is not None:
        arguments["handle"] = partial(awaited, arguments["handle"])
    if arguments.get("publisher") is not None:
        arguments["publisher"] = Awaited(arguments["publisher"])
    begun: queue.Queue[Callable[[], object]] = queue.Queue()
    failure: list[BaseException] = []

    async def run() -> None:
        client = payseal.AsyncClient(till.provider.config(), transport=till.wechat.awaited, now_ms=lambda: NOW * 1000)
        async with client, AsyncPayments(till.config, {"wechat": client}, now_ms=till.clock) as twin:
            # The very payments of the test, whose bells ring and whose methods it replaces.
            own, twin._payments, twin._transports = twin._payments, payments, None
            runner = AsyncRunner(twin, **{**QUICK, **arguments})
            task = asyncio.ensure_future(runner.run())
            begun.put(partial(asyncio.get_running_loop().call_soon_threadsafe, runner.stop))
            try:
                await task
            except BaseException as error:
                failure.append(error)
            twin._payments = own

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    stop = begun.get(timeout=10)
    try:
        yield
    finally:
        if thread.is_alive():
            stop()
        thread.join(20)
    if failure:
        raise failure[0]


async def awaited(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


class Awaited:
    def __init__(self, publisher: Any) -> None:
        self.publisher = publisher

    async def publish(self, messages: Sequence[Message], /) -> Any:
        return await awaited(self.publisher.publish, messages)


Running = Callable[..., Any]


@pytest.fixture(params=[on_threads, as_a_task], ids=["threads", "asyncio"])
def running(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def till(provider: Provider, tmp_path: Path) -> Iterator[Till]:
    with a_till(provider, tmp_path, outbox=True, work={"base_ms": 1, "cap_ms": 2, "max_attempts": 5}) as till:
        till.clock.goes = True
        yield till


def paid(till: Till, *numbers: str) -> None:
    for number in numbers:
        till.create(number)
        assert till.pay(number).error is None


def state(till: Till, number: str) -> State:
    return till.payments.order(number).order.state


def test_what_is_accepted_is_handled_at_once_and_takes_effect(running: Running, till: Till) -> None:
    """The pause is an hour: only the bell can be what woke it."""
    seen: queue.Queue[Event] = queue.Queue()
    with running(till, till.payments, handle=seen.put, poll_s=3600, tick_s=3600):
        for number in ("order1", "order2", "order3"):
            paid(till, number)
            assert seen.get(timeout=10).order_no == number
        eventually(lambda: till.payments.stats().orders == {State.PAID: 3})


def test_a_handler_that_raises_gets_the_event_again(running: Running, till: Till) -> None:
    attempts: list[int] = []

    def handle(event: Event) -> None:
        attempts.append(event.token)
        if len(attempts) < 3:
            raise LookupError("no stock")

    with running(till, till.payments, handle=handle):
        paid(till, "order1")
        eventually(lambda: state(till, "order1") == State.PAID)
    assert attempts == [1, 2, 3]


def test_what_fails_too_often_is_dead_with_its_reason(running: Running, till: Till) -> None:
    def handle(_event: Event) -> None:
        raise LookupError("no stock")

    with running(till, till.payments, handle=handle):
        paid(till, "order1")
        (letter,) = eventually(lambda: till.payments.dead_letters(Queue.INBOX))
    assert (letter.attempts, letter.reason) == (5, "LookupError: no stock")
    assert state(till, "order1") == State.PAYING


def test_a_permanent_failure_is_not_tried_again(running: Running, till: Till) -> None:
    def handle(_event: Event) -> None:
        raise Permanent("no such product")

    with running(till, till.payments, handle=handle):
        paid(till, "order1")
        (letter,) = eventually(lambda: till.payments.dead_letters(Queue.INBOX))
    assert (letter.attempts, letter.reason) == (1, "Permanent: no such product")


def test_a_handler_that_acknowledged_itself_is_believed(running: Running, till: Till) -> None:
    acked: queue.Queue[Event] = queue.Queue()

    def handle(event: Event) -> object:
        till.payments.ack(event)
        acked.put(event)
        return ACKED

    with running(till, till.payments, handle=handle):
        paid(till, "order1")
        acked.get(timeout=10)
    assert state(till, "order1") == State.PAID
    assert till.payments.dead_letters(Queue.INBOX) == []


def test_without_a_handler_events_take_effect_by_themselves(running: Running, till: Till) -> None:
    with running(till, till.payments, batch=2):
        paid(till, "order1", "order2", "order3", "order4", "order5")
        eventually(lambda: till.payments.stats().orders == {State.PAID: 5})


def test_a_slow_handler_keeps_its_lease(running: Running, till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.clock.goes = False
    extended = threading.Semaphore(0)
    do = till.payments._do

    def counting(action: Any, *arguments: Any) -> Any:
        done = do(action, *arguments)
        if action.name == "extend":
            extended.release()
        return done

    monkeypatch.setattr(till.payments, "_do", counting)
    others: list[list[Event]] = []

    def handle(_event: Event) -> None:
        for _ in range(3):
            till.clock.ms += 250  # less than a lease, and together more
            assert extended.acquire(timeout=10)
            assert extended.acquire(timeout=10)  # the first may have begun before the clock was put
        others.append(till.payments.claim_events(10))

    with running(till, till.payments, handle=handle, lease_ms=300):
        paid(till, "order1")
        eventually(lambda: state(till, "order1") == State.PAID)
    assert others == [[]]


def test_a_lost_lease_ends_no_work_of_others(running: Running, till: Till) -> None:
    claimed: queue.Queue[Event] = queue.Queue()
    go_on = threading.Event()

    def handle(event: Event) -> None:
        claimed.put(event)
        go_on.wait(10)

    with running(till, till.payments, handle=handle, lease_ms=86_400_000, concurrency=1):
        paid(till, "order1")
        mine = claimed.get(timeout=10)
        till.clock.ms += 86_400_001
        with till.another() as other_machine:
            (theirs,) = eventually(lambda: other_machine.claim_events(1))
            assert theirs.token > mine.token
            go_on.set()
            eventually(lambda: till.payments.stats().inbox.due == 0)
            other_machine.ack(theirs)
    assert state(till, "order1") == State.PAID


def test_what_is_under_way_is_ended_before_a_runner_stops(running: Running, till: Till) -> None:
    claimed, go_on = threading.Event(), threading.Event()

    def handle(_event: Event) -> None:
        claimed.set()
        assert go_on.wait(10)

    with running(till, till.payments, handle=handle):
        paid(till, "order1")
        assert claimed.wait(10)
        threading.Timer(0.05, go_on.set).start()
    assert state(till, "order1") == State.PAID


def test_ticks_ask_about_what_no_notification_told(running: Running, till: Till) -> None:
    till.create("order1")
    till.wechat.pay("order1")
    till.clock.ms += 10_000
    seen: queue.Queue[Event] = queue.Queue()
    with running(till, till.payments, handle=seen.put):
        assert seen.get(timeout=10).source == "query"
    assert state(till, "order1") == State.PAID


class Broker:
    """Keeps messages, and refuses as it is told."""

    def __init__(self) -> None:
        self.messages: queue.Queue[Message] = queue.Queue()
        self.attempts: list[str] = []
        self.refusals: list[Any] = []

    def publish(self, messages: Sequence[Message], /) -> Optional[Sequence[Optional[BaseException]]]:
        self.attempts += [message.message_id for message in messages]
        refusal = self.refusals.pop(0) if self.refusals else None
        if isinstance(refusal, BaseException):
            raise refusal
        refused = [refusal] * len(messages) if isinstance(refusal, str) else refusal
        for message in messages:
            self.messages.put(message)
        return None if refused is None else [ConnectionError(each) for each in refused]


def test_what_takes_effect_is_published_and_acknowledged(running: Running, till: Till) -> None:
    broker = Broker()
    with running(till, till.payments, publisher=broker, poll_s=3600):
        paid(till, "order1")
        message = broker.messages.get(timeout=10)
        assert (message.topic, message.order_no, message.json()["order"]["state"]) == (Topic.PAYMENT_PAID, "order1", "paid")
        eventually(lambda: till.payments.stats().outbox.waiting == 0)


@pytest.mark.parametrize("refusal", [ConnectionError("gone"), "nack", []], ids=["raises", "refuses", "miscounts"])
def test_what_is_not_published_comes_again_with_the_same_id(running: Running, till: Till, refusal: Any) -> None:
    broker = Broker()
    broker.refusals = [refusal]
    with running(till, till.payments, publisher=broker):
        paid(till, "order1")
        eventually(lambda: not broker.refusals)
        eventually(lambda: till.payments.stats().outbox.waiting == 0 and till.payments.stats().orders == {"paid": 1})
    assert len(broker.attempts) == 2
    assert len(set(broker.attempts)) == 1
    assert till.payments.dead_letters(Queue.OUTBOX) == []


def failing(till: Till, monkeypatch: pytest.MonkeyPatch, *names: str, times: int = 3) -> list[str]:
    """The database fails so often with each of these actions; what is still to come."""
    left = [name for name in names for _ in range(times)]
    do = till.payments._do

    def do_or_fail(action: Any, *arguments: Any) -> Any:
        if action.name in left:
            left.remove(action.name)
            raise StoreError(Code.STORE_UNAVAILABLE, Outcome.NOT_SENT, "the database is gone", {})
        return do(action, *arguments)

    monkeypatch.setattr(till.payments, "_do", do_or_fail)
    return left


def test_a_database_that_fails_ends_nothing_and_is_logged(
    running: Running, till: Till, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "payseal.payments")
    left = failing(till, monkeypatch, "claim", "tick", "ack")
    handled: list[str] = []

    def handle(event: Event) -> None:
        handled.append(event.order_no)

    with running(till, till.payments, handle=handle, publisher=Broker()):
        paid(till, "order1")
        eventually(lambda: not left and till.payments.stats().orders == {"paid": 1})
    assert handled == ["order1"], "what was handled is not handled twice because the database failed afterwards"
    texts = [record.getMessage() for record in caplog.records]
    for doing in ("cannot tick", "cannot claim events", "cannot end what is done"):
        assert any(doing in text and "the database is gone" in text for text in texts), doing


def test_runners_on_two_machines_handle_each_event_once(running: Running, till: Till) -> None:
    handled: queue.Queue[str] = queue.Queue()

    def handle(event: Event) -> None:
        handled.put(event.order_no)

    numbers = [f"order{turn}" for turn in range(40)]
    with till.another() as other, running(till, till.payments, handle=handle), running(till, other, handle=handle):
        paid(till, *numbers)
        eventually(lambda: till.payments.stats().orders == {State.PAID: 40})
    assert sorted(handled.get_nowait() for _ in range(handled.qsize())) == sorted(numbers)


def test_what_cannot_get_better_ends_a_runner(running: Running, till: Till, caplog: pytest.LogCaptureFixture) -> None:
    ended = partial(eventually, lambda: "ends" in caplog.text)
    refused = running(till, till.payments, lease_ms=1)
    with pytest.raises(payseal.ArgumentError, match="lease_ms"), refused:
        ended()
    caplog.clear()
    closed = running(till, till.payments)
    with pytest.raises(payseal.ClosedError), closed:  # noqa: PT012
        till.payments.close()
        ended()


def test_both_runners_take_the_same_arguments() -> None:
    both = [list(inspect.signature(kind.__init__).parameters) for kind in (Runner, AsyncRunner)]
    assert both[0] == both[1]
    with pytest.raises(ValueError, match="poll_s"):
        Runner(None, poll_s=0)  # type: ignore[arg-type]


def test_a_runner_for_threads_runs_once_at_a_time_and_may_run_again(till: Till) -> None:
    runner = Runner(till.payments)
    runner.stop()
    for number in ("order1", "order2"):
        with runner:
            with pytest.raises(RuntimeError):
                runner.start()
            paid(till, number)
            eventually(lambda number=number: state(till, number) == State.PAID)  # type: ignore[misc]


def test_a_cancelled_task_ends_what_is_under_way_and_a_second_cancellation_gives_it_up(till: Till) -> None:
    async def run(cancellations: int, handle: Callable[[Event], Awaitable[object]], begun: asyncio.Event) -> None:
        client = payseal.AsyncClient(till.provider.config(), transport=till.wechat.awaited, now_ms=lambda: NOW * 1000)
        async with client, AsyncPayments(till.config, {"wechat": client}, now_ms=till.clock) as payments:
            task = asyncio.ensure_future(AsyncRunner(payments, handle=handle, **QUICK).run())  # type: ignore[arg-type]
            await asyncio.wait_for(begun.wait(), 10)
            for _ in range(cancellations):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task

    async def gently() -> None:
        begun = asyncio.Event()

        async def handle(_event: Event) -> None:
            begun.set()
            await asyncio.sleep(0.05)

        await run(1, handle, begun)

    async def at_once() -> None:
        begun = asyncio.Event()

        async def handle(_event: Event) -> None:
            begun.set()
            await asyncio.Event().wait()

        await run(2, handle, begun)

    paid(till, "order1")
    asyncio.run(gently())
    assert state(till, "order1") == State.PAID
    paid(till, "order2")
    asyncio.run(at_once())
    assert state(till, "order2") == State.PAYING
    till.clock.ms += 30_000
    assert [event.order_no for event in till.payments.claim_events(10)] == ["order2"]


def test_a_publisher_without_an_outbox_is_refused(provider: Provider, tmp_path: Path) -> None:
    async def on_the_event_loop(config: Mapping[str, object]) -> None:
        client = payseal.AsyncClient(provider.config())
        async with client, AsyncPayments(config, {"wechat": client}) as payments:
            with pytest.raises(ValueError, match="outbox"):
                AsyncRunner(payments, publisher=Awaited(Broker()))

    with a_till(provider, tmp_path) as till:
        with pytest.raises(ValueError, match="outbox"):
            Runner(till.payments, publisher=Broker())
        asyncio.run(on_the_event_loop(till.config))
