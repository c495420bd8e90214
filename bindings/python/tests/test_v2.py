"""WeChat Pay APIv2 against the sandbox: an order, its payment, a refund, and the notifications of both."""

from __future__ import annotations

import asyncio
import itertools
import queue
import secrets
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Callable

import httpx
import pytest

import payseal
from payseal import Code, Outcome
from payseal.contrib.httpx import HttpxTransport
from sandbox import Sandbox

numbers = itertools.count()


@contextmanager
def shop(client: payseal.Client) -> Iterator[tuple[str, queue.Queue[payseal.Notification]]]:
    """Opens every notification, the refund's only after it was refused for want of a signature."""
    opened: queue.Queue[payseal.Notification] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if b"req_info" in body:
                with pytest.raises(payseal.TrustError) as refused:
                    client.open_notification(self.headers.items(), body)
                assert refused.value.code == Code.SIGNATURE_MISSING
                assert refused.value.details["confirm_with"] == "POST /pay/refundquery"
                notification = client.open_notification(self.headers.items(), body, options={"accept_unauthenticated": True})
            else:
                notification = client.open_notification(self.headers.items(), body)
            reply = client.notification_reply()
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)
            opened.put(notification)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/notify", opened
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def built_in(config: dict[str, Any]) -> Iterator[payseal.Client]:
    with payseal.Client(config) as client:
        yield client


@contextmanager
def over_httpx(config: dict[str, Any]) -> Iterator[payseal.Client]:
    with httpx.Client(trust_env=False) as http, payseal.Client(config, transport=HttpxTransport(http)) as client:
        yield client


@pytest.mark.parametrize("make", [built_in, over_httpx])
def test_from_order_to_refund(sandbox: Sandbox, make: Callable[[dict[str, Any]], AbstractContextManager[payseal.Client]]) -> None:
    number = f"v2{next(numbers)}{secrets.token_hex(8)}"
    with make(sandbox.config("config-v2.json")) as client, shop(client) as (notify_url, opened):

        def ask(operation: str, **body: Any) -> Any:
            result = client.execute(operation, body=body)
            assert result.info.verified is True
            return result.json()

        order = {"body": "一件", "out_trade_no": number, "total_fee": 100, "spbill_create_ip": "127.0.0.1", "notify_url": notify_url}
        placed = ask("POST /pay/unifiedorder", trade_type="JSAPI", openid="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", **order)
        parameters = client.invoke("jsapi", {"prepay_id": placed["prepay_id"]})
        assert parameters["signType"] == "HMAC-SHA256"
        sandbox.pay(number)
        paid = opened.get(timeout=20)
        assert (paid.event.event_type, paid.event.authenticity) == ("TRANSACTION.SUCCESS", "signed")
        assert (paid.json()["out_trade_no"], paid.json()["total_fee"]) == (number, "100")
        assert ask("POST /pay/orderquery", out_trade_no=number)["trade_state"] == "SUCCESS"
        ask("POST /secapi/pay/refund", out_trade_no=number, out_refund_no=f"r{number}", total_fee=100, refund_fee=60)
        refunded = opened.get(timeout=20)
        assert (refunded.event.event_type, refunded.event.authenticity) == ("REFUND.SUCCESS", "encrypted_only")
        assert refunded.event.confirm_with is not None
        assert ask(refunded.event.confirm_with, out_refund_no=f"r{number}")["refund_status_0"] == "SUCCESS"


def test_asyncio_asks_the_same(sandbox: Sandbox) -> None:
    async def run() -> None:
        async with payseal.AsyncClient(sandbox.config("config-v2.json")) as client:
            with pytest.raises(payseal.ProviderError) as refused:
                await client.execute("POST /pay/orderquery", body={"out_trade_no": "unknown0001"})
            error = refused.value
            assert (error.outcome, error.details["provider_code"]) == (Outcome.REJECTED, "ORDERNOTEXIST")
            assert error.details["authenticated"] is True

    asyncio.run(run())


def test_without_the_client_certificate_a_refund_is_not_sent(sandbox: Sandbox) -> None:
    config = sandbox.config("config-v2.json")
    del config["client_certificate"], config["client_key"]
    body = {"out_trade_no": "order0001", "out_refund_no": "r1", "total_fee": 1, "refund_fee": 1}
    with payseal.Client(config) as client, pytest.raises(payseal.ConfigurationError) as refused:
        client.execute("POST /secapi/pay/refund", body=body)
    assert refused.value.outcome == Outcome.NOT_SENT
    assert refused.value.details["field"] == "client_certificate"
