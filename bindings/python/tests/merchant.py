"""A merchant of the sandbox, who can look at what the sandbox was sent."""

from __future__ import annotations

import base64
import json
import secrets
import urllib.parse
from typing import Any

import payseal
from payseal.wechat import pay
from sandbox import Sandbox

NOTIFY_URL = "http://127.0.0.1:9/notify/wechat"


class Merchant:
    """A client of the sandbox and what its configuration says."""

    def __init__(self, client: payseal.Client, sandbox: Sandbox) -> None:
        self.client = client
        self.sandbox = sandbox
        self.mchid: str = sandbox.config()["mchid"]
        self.appid: str = sandbox.config()["appid"]

    def exchanges(self, operation: str = "") -> list[dict[str, Any]]:
        """The requests as they were received and the answers as they were sent, newest first."""
        found = self.sandbox.control("GET", "/sandbox/exchanges?operation=" + urllib.parse.quote(operation))
        return [exchange for exchange in found if operation in ("", exchange["operation"])]

    def paid(self) -> str:
        """The number of an order of 100 fen that has been paid."""
        number = a_number()
        order = pay.NativeRequest(description="茶", out_trade_no=number, notify_url=NOTIFY_URL, amount=pay.OrderAmount(total=100))
        pay.native(self.client, order)
        self.sandbox.pay(number)
        return number

    def has_sent_sealed(self, operation: str, plaintexts: dict[str, str]) -> None:
        """The newest request of the operation has ciphertext for these plaintexts, by place: ``receivers.0.name``."""
        _sealed(self.exchanges(operation)[0]["body"], plaintexts)

    def was_answered_sealed(self, operation: str, plaintexts: dict[str, str]) -> None:
        """The same of its answer."""
        _sealed(self.exchanges(operation)[0]["answer"]["body"], plaintexts)


def _sealed(body: str, plaintexts: dict[str, str]) -> None:
    for place, plaintext in plaintexts.items():
        value = json.loads(body)
        for step in place.split("."):
            value = value[int(step) if isinstance(value, list) else step]
        # Neither RSA of 2048 bits nor SM2 makes less than 97 bytes of anything.
        assert len(base64.b64decode(value, validate=True)) >= 97, f"{place} is {value}, which is no ciphertext"
        assert plaintext not in body


def a_number() -> str:
    """One that no other test has."""
    return f"pyf{secrets.token_hex(10)}"
