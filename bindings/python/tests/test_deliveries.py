"""The sandbox delivers to a running service, honestly and otherwise; the service's handler is payseal's."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import flask
import pytest
import werkzeug.serving

import payseal
from payseal.contrib.flask import notification_view
from provider import NATIVE
from sandbox import Sandbox


class Service:
    """A shop on Flask that keeps what it hears, with one event per order."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.heard: list[payseal.Notification] = []
        self.client = payseal.Client(config)
        app = flask.Flask("shop")
        app.add_url_rule("/notify", view_func=notification_view(self.client, self.heard.append), methods=["POST"])
        self.server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
        self.notify_url = f"http://127.0.0.1:{self.server.server_port}/notify"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.client.close()

    def numbers(self) -> list[str]:
        return [notification.json()["out_trade_no"] for notification in self.heard]

    def order(self) -> str:
        number = f"deliver{secrets.token_hex(8)}"
        body = {"description": "茶", "out_trade_no": number, "notify_url": self.notify_url, "amount": {"total": 1, "currency": "CNY"}}
        self.client.execute(NATIVE, body=body)
        return number


@pytest.fixture(scope="module", params=["config.json", "config-certificate.json"], ids=["public key", "certificate"])
def service(request: pytest.FixtureRequest, sandbox_process: Sandbox) -> Iterator[Service]:
    service = Service(sandbox_process.config(request.param))
    yield service
    service.close()


def deliver(sandbox: Sandbox, number: str) -> dict[str, Any]:
    """One more attempt, now; what became of the delivery."""
    (delivery,) = sandbox.control("GET", f"/sandbox/notifications?out_trade_no={number}")
    again: dict[str, Any] = sandbox.control("POST", f"/sandbox/notifications/{delivery['id']}/resend")
    return again


FAULTS = ["wrong_signature", "unknown_serial", "stale_time", "signtest", "unsigned", "duplicate_signature", "wrong_key"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_forged_delivery_is_refused_and_the_true_one_taken(service: Service, sandbox: Sandbox, fault: str) -> None:
    number = service.order()
    sandbox.control("POST", "/sandbox/faults", {"fault": fault, "target": "notification", "out_trade_no": number, "times": 2})
    sandbox.pay(number)
    while len(deliver(sandbox, number)["attempts"]) < 3:
        pass
    delivery = deliver(sandbox, number)
    spoilt = [attempt for attempt in delivery["attempts"] if fault in attempt["faults"]]
    assert len(spoilt) == 2
    for attempt in spoilt:
        assert attempt["forgery_accepted"] is False
        assert 400 <= attempt["status"] < 600
        assert json.loads(attempt["answer"])["code"] == "FAIL"
    honest = [attempt for attempt in delivery["attempts"] if not attempt["faults"]]
    assert {attempt["status"] for attempt in honest} == {200}
    assert service.numbers().count(number) == len(honest)


def test_a_duplicate_reaches_the_handler_with_the_same_id(service: Service, sandbox: Sandbox) -> None:
    number = service.order()
    sandbox.control("POST", "/sandbox/faults", {"fault": "duplicate", "out_trade_no": number})
    sandbox.pay(number)
    assert deliver(sandbox, number)["state"] == "delivered"
    heard = [notification.event.id for notification in service.heard if notification.json()["out_trade_no"] == number]
    assert len(heard) >= 2
    assert len(set(heard)) == 1
