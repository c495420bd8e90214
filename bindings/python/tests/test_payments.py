"""Payments against the sandbox: from the order to the end of its refund, through real web servers, on every database there is."""

from __future__ import annotations

import asyncio
import os
import queue
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask
import pytest
import uvicorn
from fastapi import FastAPI
from werkzeug.serving import make_server

import payseal
from payseal import Code, Outcome
from payseal.contrib import flask as payseal_flask
from payseal.contrib import starlette as payseal_starlette
from payseal.payments import (
    AsyncPayments,
    AsyncRunner,
    ClientKind,
    Event,
    EventKind,
    Method,
    Payments,
    PaymentState,
    PayRequest,
    RefundRequest,
    RefundState,
    Runner,
    Source,
    State,
)
from sandbox import Sandbox
from till import eventually

PROVIDERS = [("wechat", "config.json", Method.NATIVE), ("alipay", "config-alipay.json", Method.PRECREATE)]
SERVERS = {"postgres": "PAYSEAL_TEST_POSTGRES", "mysql": "PAYSEAL_TEST_MYSQL"}


@pytest.fixture(params=["sqlite", *SERVERS])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'pay.db'}"
    variable = SERVERS[request.param]
    if variable not in os.environ:
        pytest.skip(f"{variable} is not set")
    return os.environ[variable]


def a_number() -> str:
    return f"pyp{secrets.token_hex(10)}"


@contextmanager
def flask_app(payments: Payments, account: str) -> Iterator[str]:
    """A server at whose address notifications are accepted."""
    app = flask.Flask("shop")
    app.add_url_rule("/notify", view_func=payseal_flask.accept_view(payments, account), methods=["POST"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/notify"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def shop(sandbox: Sandbox, store: str, file: str = "config.json", **arguments: Any) -> Iterator[Payments]:
    config = {"store": store, **arguments.pop("config", {})}
    client = payseal.Client(sandbox.config(file))
    account = client_name(file)
    with client, Payments(config, {account: client}, **arguments) as payments:
        yield payments


def client_name(file: str) -> str:
    return "alipay" if "alipay" in file else "wechat"


class Heard:
    """A handler that keeps the events of one test; others may be in a database that is shared."""

    def __init__(self, *numbers: str) -> None:
        self.numbers = numbers
        self.events: queue.Queue[Event] = queue.Queue()

    def __call__(self, event: Event) -> None:
        if event.order_no in self.numbers:
            self.events.put(event)

    async def awaited(self, event: Event) -> None:
        await asyncio.sleep(0)
        self(event)

    def next(self) -> Event:
        return self.events.get(timeout=20)


@pytest.mark.parametrize(("account", "file", "method"), PROVIDERS)
def test_an_order_is_paid_and_refunded_to_its_end(sandbox: Sandbox, store: str, account: str, file: str, method: Method) -> None:
    number = a_number()
    heard = Heard(number)
    with shop(sandbox, store, file) as payments, flask_app(payments, account) as notify_url:
        request = PayRequest(order_no=number, method=method, amount=100, subject="茶", notify_url=notify_url)
        payment = payments.create(request)
        assert (payment.order.state, payment.order.amount, payment.order.account) == (State.PAYING, 100, account)
        assert payment.client is not None
        assert payment.client.kind == ClientKind.QR
        assert payment.client.to_json()["code_url"].startswith(sandbox.address)
        assert payments.create(request) == payment, "the same number is the same order"

        with Runner(payments, handle=heard):
            sandbox.pay(number)
            event = heard.next()
            assert (event.kind, event.source, event.account) == (EventKind.PAYMENT_PAID, Source.NOTIFICATION, account)
            assert event.fact is not None
            assert (event.fact.order_no, event.fact.amount, event.fact.currency) == (number, 100, "CNY")
            assert event.notification is not None
            assert event.plaintext
            eventually(lambda: payments.order(number).order.state == State.PAID)

            refund = payments.refund(RefundRequest(order_no=number, refund_no=f"r{number}", amount=40, reason="冷", notify_url=notify_url))
            assert refund.refund.amount == 40
            eventually(lambda: payments.query_refund(f"r{number}").refund.state == RefundState.SUCCEEDED)
            eventually(lambda: payments.order(number).order.state == State.PARTLY_REFUNDED)

        found = payments.order(number)
        assert (found.order.refunded, found.order.refunding, found.client) == (40, 0, None)
        assert [each.refund_no for each in found.refunds] == [f"r{number}"]
        assert [step.to_state for step in found.history if step.refund_no is None] == [State.CREATED, State.PAYING, State.PAID]
        assert found.history[0].from_state is None
        assert found.exceptions == []


def test_a_notification_that_comes_twice_takes_effect_once(sandbox: Sandbox, tmp_path: Path) -> None:
    number = a_number()
    with shop(sandbox, f"sqlite:{tmp_path / 'pay.db'}") as payments, flask_app(payments, "wechat") as notify_url:
        payments.create(PayRequest(order_no=number, method=Method.NATIVE, amount=1, subject="tea", notify_url=notify_url))
        sandbox.pay(number)
        (event,) = eventually(lambda: payments.claim_events(10))
        (told,) = sandbox.control("GET", f"/sandbox/notifications?out_trade_no={number}")
        for _ in range(2):
            again = sandbox.control("POST", f"/sandbox/notifications/{told['id']}/resend")["attempts"][-1]
            assert again["status"] == 200, "a repetition is success"
        assert payments.stats().inbox.waiting == 1
        payments.ack(event)
        assert payments.claim_events(10) == []
        assert [step.to_state for step in payments.order(number).history] == [State.CREATED, State.PAYING, State.PAID]


def test_an_expired_order_is_closed_by_a_tick_and_the_provider_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    number, ahead_ms = a_number(), [0]

    def now_ms() -> int:
        return time.time_ns() // 1_000_000 + ahead_ms[0]

    store = f"sqlite:{tmp_path / 'pay.db'}"
    with shop(sandbox, store, config={"expires_ms": 120_000}, now_ms=now_ms) as payments:
        payments.create(PayRequest(order_no=number, method=Method.NATIVE, amount=1, subject="tea", notify_url="http://127.0.0.1:9/"))
        assert payments.tick().orders == 0, "nothing is due"
        ahead_ms[0] = 60_000
        assert payments.tick().orders == 1
        assert payments.order(number).order.state == State.PAYING
        ahead_ms[0] = 121_000
        ticked = payments.tick()
        assert (ticked.orders, ticked.failed, ticked.next_due_ms) == (1, 0, None)
        assert payments.order(number).order.state == State.CLOSED
        assert sandbox.control("GET", f"/sandbox/orders/{number}")["state"] == "CLOSED"
        with pytest.raises(payseal.OrderError) as refused:
            payments.create(PayRequest(order_no=number, method=Method.NATIVE, amount=1, subject="tea"))
        assert refused.value.code == Code.ORDER_STATE


def test_what_no_notification_told_a_query_tells(sandbox: Sandbox, tmp_path: Path) -> None:
    number = a_number()
    with shop(sandbox, f"sqlite:{tmp_path / 'pay.db'}") as payments:
        payments.create(PayRequest(order_no=number, method=Method.NATIVE, amount=1, subject="tea", notify_url="http://127.0.0.1:9/"))
        assert payments.query(number).payment_state == PaymentState.UNPAID
        sandbox.pay(number)
        closed = payments.close_order(number)
        assert (closed.order.state, closed.payment_state) == (State.PAID, PaymentState.PAID), "what is paid is not closed"
        (event,) = payments.claim_events(10)
        assert (event.source, event.notification, event.plaintext) == (Source.QUERY, None, b"")


def test_the_providers_no_is_raised_and_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    number = a_number()
    with shop(sandbox, f"sqlite:{tmp_path / 'pay.db'}") as payments:
        sandbox.control("POST", "/sandbox/faults", {"fault": "system_error", "times": 0})
        with pytest.raises(payseal.ProviderError) as raised:
            payments.create(
                PayRequest(order_no=number, method=Method.NATIVE, amount=1, subject="tea", notify_url="http://127.0.0.1:9/"),
                options={"max_attempts": 1, "timeout_ms": 5000},
            )
        assert raised.value.outcome == Outcome.UNKNOWN
        order = payments.order(number).order
        assert order.refusal is not None
        assert (order.refusal.code, order.refusal.outcome) == (raised.value.code, "unknown")
        sandbox.clear_faults()
        again = payments.create(
            PayRequest(order_no=number, method=Method.NATIVE, amount=1, subject="tea", notify_url="http://127.0.0.1:9/")
        )
        assert again.client is not None
        with pytest.raises(payseal.OrderError) as conflict:
            payments.create(PayRequest(order_no=number, method=Method.NATIVE, amount=2, subject="tea"))
        assert (conflict.value.code, conflict.value.outcome) == (Code.ORDER_CONFLICT, Outcome.NOT_SENT)


@pytest.mark.parametrize(("account", "file", "method"), PROVIDERS)
def test_with_coroutines_an_order_is_paid(sandbox: Sandbox, store: str, account: str, file: str, method: Method) -> None:
    number = a_number()
    heard = Heard(number)

    async def run() -> None:
        app = FastAPI()
        client = payseal.AsyncClient(sandbox.config(file))
        async with client, AsyncPayments({"store": store}, {account: client}) as payments:
            app.add_api_route("/notify", payseal_starlette.accept_endpoint(payments, account), methods=["POST"])
            with socket.create_server(("127.0.0.1", 0)) as listener:
                server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
                serving = asyncio.ensure_future(server.serve(sockets=[listener]))
                notify_url = f"http://127.0.0.1:{listener.getsockname()[1]}/notify"
                try:
                    async with AsyncRunner(payments, handle=heard.awaited):
                        request = PayRequest(order_no=number, method=method, amount=1, subject="tea", notify_url=notify_url)
                        assert (await payments.create(request)).order.state == State.PAYING
                        await asyncio.to_thread(sandbox.pay, number)
                        event = await asyncio.to_thread(heard.next)
                        assert (event.kind, event.source) == (EventKind.PAYMENT_PAID, Source.NOTIFICATION)
                    assert (await payments.order(number)).order.state == State.PAID, "a runner that stops ends what is under way"
                finally:
                    server.should_exit = True
                    await serving

    asyncio.run(run())
