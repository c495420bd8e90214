"""One client, many threads; closing while calls run."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import pytest

import payseal
from payseal import Code
from provider import QUERY, TRANSACTION, Provider, now_ms
from silent import SilentServer

PREPAY = {"prepay_id": "wx1"}


def test_sixty_four_threads_use_one_client(make_client: Callable[..., payseal.Client], provider: Provider) -> None:
    client = make_client(transport=lambda request: provider.answer({"url": request.url}))
    nonces: set[str] = set()
    messages = [provider.notification({**TRANSACTION, "n": n}) for n in range(64)]
    together = threading.Barrier(64)

    def work(n: int) -> None:
        together.wait()
        for turn in range(20):
            number = f"order{n}x{turn}"
            assert client.execute(QUERY, path={"out_trade_no": number}).json()["url"].count(number) == 1
            assert client.open_notification(*messages[n]).json()["n"] == n
            nonces.add(client.invoke("jsapi", PREPAY)["nonceStr"])
            client.metrics()

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(work, range(64)))
    assert len(nonces) == 64 * 20


def test_clients_are_closed_under_running_calls(provider: Provider) -> None:
    """A running call finishes, a later one says that the client is closed; nothing crashes."""
    config = provider.config()
    headers, body = provider.notification(TRANSACTION)

    underway = threading.Semaphore(0)

    def use(client: payseal.Client) -> bool:
        try:
            while True:
                client.open_notification(headers, body)
                client.invoke("jsapi", PREPAY)
                underway.release()
        except payseal.ClosedError:
            return True

    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            client = payseal.Client(config, now_ms=now_ms)
            uses = [pool.submit(use, client) for _ in range(8)]
            for _ in uses:
                underway.acquire()
            client.close()
            assert all(future.result() for future in uses)


def test_a_call_outlives_the_closing_of_its_client(provider: Provider) -> None:
    failed: list[Any] = []

    def call(client: payseal.Client, cancellation: payseal.Cancellation) -> None:
        try:
            client.execute(QUERY, path={"out_trade_no": "20231115061320A"}, cancellation=cancellation)
        except payseal.PaysealError as error:
            failed.append(error)

    with SilentServer() as server:
        client = payseal.Client(provider.config(hosts=[server.address], timeouts={"total_ms": 600_000, "read_ms": 600_000}))
        cancellation = payseal.Cancellation()
        thread = threading.Thread(target=call, args=(client, cancellation))
        thread.start()
        assert server.called.wait(10)
        client.close()
        with pytest.raises(payseal.ClosedError):
            client.metrics()
        assert thread.is_alive()
        cancellation.trigger()
        thread.join(10)
    (error,) = failed
    assert (error.code, error.outcome) == (Code.CANCELLED, payseal.Outcome.UNKNOWN)
