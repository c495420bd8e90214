"""The client for asyncio."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextvars import ContextVar
from typing import Any

import pytest

import payseal
from payseal import Code, Outcome
from provider import NATIVE, ORDER, QUERY, TRANSACTION, Provider, now_ms
from silent import SilentServer


def test_everything_a_client_can_do(provider: Provider) -> None:
    async def transport(request: payseal.HttpRequest) -> payseal.HttpResponse:
        provider.check_request(request)
        return provider.answer({"code_url": "weixin://x"})

    async def run() -> None:
        async with payseal.AsyncClient(provider.config(), now_ms=now_ms, transport=transport) as client:
            assert (await client.execute(NATIVE, body=ORDER)).json() == {"code_url": "weixin://x"}
            assert (await client.open_notification(*provider.notification(TRANSACTION))).json() == TRANSACTION
            with pytest.raises(payseal.TrustError):
                await client.open_notification({}, b"")
            assert (await client.invoke("jsapi", {"prepay_id": "wx1"}))["paySign"]
            assert client.notification_reply().status == 200
            assert "payseal_requests_total" in client.metrics()
            assert client.client.metrics() == client.metrics()
        assert client.closed
        with pytest.raises(payseal.ClosedError):
            await client.execute(NATIVE, body=ORDER)
        with pytest.raises(payseal.ClosedError):
            await client.open_notification({}, b"")
        await client.aclose()

    asyncio.run(run())


def test_the_event_loop_is_never_blocked(provider: Provider) -> None:
    """The signer and the log run elsewhere; a call that waits lets others go on."""
    loop_thread = threading.get_ident()
    signers: set[int] = set()

    def signer(message: bytes) -> bytes:
        signers.add(threading.get_ident())
        return provider.sign(message)

    async def run(address: str, called: threading.Event) -> None:
        config = provider.config(private_key=None, hosts=[address])
        async with payseal.AsyncClient(config, signer=signer, max_workers=2) as client:
            waiting = asyncio.create_task(client.execute(QUERY, path={"out_trade_no": "20231115061320A"}))
            await asyncio.to_thread(called.wait, 10)
            await client.invoke("jsapi", {"prepay_id": "wx1"})
            assert not waiting.done()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    with SilentServer() as server:
        asyncio.run(run(server.address, server.called))
    assert signers
    assert loop_thread not in signers


class Records(logging.Handler):
    """Keeps the library's records, and says when a call is done."""

    def __init__(self) -> None:
        super().__init__()
        self.done = threading.Event()
        self.records: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record.payseal)  # type: ignore[attr-defined]
        if record.payseal["event"] == "call.done":  # type: ignore[attr-defined]
            self.done.set()


def logger_with(handler: logging.Handler) -> logging.Logger:
    logger = logging.Logger("asyncio-test")
    logger.addHandler(handler)
    return logger


@pytest.mark.parametrize("how", ["cancel", "wait_for"])
def test_cancelling_the_task_cancels_the_call(provider: Provider, how: str) -> None:
    records = Records()

    async def run(address: str, called: threading.Event) -> None:
        config = provider.config(hosts=[address], timeouts={"total_ms": 600_000, "read_ms": 600_000})
        async with payseal.AsyncClient(config, logger=logger_with(records)) as client:
            call = client.execute(QUERY, path={"out_trade_no": "20231115061320A"})
            if how == "cancel":
                task = asyncio.create_task(call)
                await asyncio.to_thread(called.wait, 10)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            else:
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(call, 0.2)
            assert await asyncio.to_thread(records.done.wait, 10), "the thread still waits for the answer"

    with SilentServer() as server:
        asyncio.run(run(server.address, server.called))
    done = records.records[-1]
    assert (done["event"], done["code"]) == ("call.done", "CANCELLED")


def test_cancelling_a_call_over_ones_own_transport_is_counted(provider: Provider) -> None:
    async def run() -> str:
        sending = asyncio.Event()

        async def transport(_request: payseal.HttpRequest) -> payseal.HttpResponse:
            sending.set()
            await asyncio.Event().wait()
            raise AssertionError

        async with payseal.AsyncClient(provider.config(), transport=transport) as client:
            task = asyncio.create_task(client.execute(NATIVE, body=ORDER))
            await sending.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return client.metrics()

    assert 'operation="POST /v3/pay/transactions/native",outcome="unknown"} 1' in asyncio.run(run())


def test_a_transport_that_never_returns_meets_the_timeout(provider: Provider) -> None:
    async def transport(_request: payseal.HttpRequest) -> payseal.HttpResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def run() -> None:
        async with payseal.AsyncClient(provider.config(), transport=transport) as client:
            await client.execute(NATIVE, body=ORDER, options={"timeout_ms": 100})

    with pytest.raises(payseal.TransportError) as failed:
        asyncio.run(run())
    assert (failed.value.code, failed.value.outcome) == (Code.TIMEOUT, Outcome.UNKNOWN)


def test_a_call_that_waits_for_a_thread_is_cancelled_unsent(provider: Provider) -> None:
    async def run(address: str, called: threading.Event) -> str:
        async with payseal.AsyncClient(provider.config(hosts=[address]), max_workers=1) as client:
            first, second = (asyncio.create_task(client.execute(NATIVE, body=ORDER)) for _ in range(2))
            await asyncio.to_thread(called.wait, 10)
            for task in (second, first):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
        return "closed"

    with SilentServer() as server:
        assert asyncio.run(run(server.address, server.called)) == "closed"
        assert len(server._connections) == 1


def test_log_records_see_the_context_of_the_task(provider: Provider) -> None:
    tenant: ContextVar[str] = ContextVar("tenant")
    seen: list[str] = []

    class Handler(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            seen.append(tenant.get())

    async def run() -> None:
        async with payseal.AsyncClient(provider.config(), now_ms=now_ms, logger=logger_with(Handler())) as client:

            async def one(name: str) -> None:
                tenant.set(name)
                await client.open_notification(*provider.notification(TRANSACTION))

            await asyncio.gather(one("a"), one("b"))

    asyncio.run(run())
    assert sorted(seen) == ["a", "b"]


def test_hundreds_of_tasks_share_a_few_threads(provider: Provider) -> None:
    async def run() -> int:
        async with payseal.AsyncClient(provider.config(), now_ms=now_ms, max_workers=4) as client:
            messages = [provider.notification({**TRANSACTION, "n": n}) for n in range(300)]
            notifications = await asyncio.gather(*(client.open_notification(*message) for message in messages))
            assert [notification.json()["n"] for notification in notifications] == list(range(300))
            return sum(thread.name.startswith("payseal") for thread in threading.enumerate())

    assert asyncio.run(run()) <= 4
