"""Payments over a database of the test's own and a WeChat Pay in memory, whose signatures are made by `cryptography`."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Optional, TypeVar

import payseal
from payseal.payments import Method, Payment, Payments, PayRequest
from provider import NOW, TRANSACTION, Provider

_T = TypeVar("_T")


class Wechat:
    """Answers order calls and queries; to be used as a transport."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.paid: dict[str, dict[str, Any]] = {}
        self.requests: list[payseal.HttpRequest] = []

    def __call__(self, request: payseal.HttpRequest) -> payseal.HttpResponse:
        self.provider.check_request(request)
        self.requests.append(request)
        if request.method == "POST" and request.url.endswith("/native"):
            return self.provider.answer({"code_url": f"weixin://wxpay/bizpayurl?pr={secrets.token_hex(4)}"})
        number = request.url.partition("?")[0].rpartition("/")[2]
        if number not in self.paid:
            return self.provider.answer({**TRANSACTION, "out_trade_no": number, "trade_state": "NOTPAY"})
        return self.provider.answer(self.paid[number])

    async def awaited(self, request: payseal.HttpRequest) -> payseal.HttpResponse:
        return self(request)

    def pay(self, order_no: str, **changes: Any) -> tuple[list[tuple[str, str]], bytes]:
        """The payer pays: the notification that tells it."""
        transaction = {**TRANSACTION, "out_trade_no": order_no, "transaction_id": f"42000{order_no}", **changes}
        self.paid[order_no] = transaction
        return self.provider.notification(transaction)


class Clock:
    """Stands where it is put, or goes on from there."""

    def __init__(self) -> None:
        self.ms = NOW * 1000
        self.goes = False

    def __call__(self) -> int:
        return self.ms + (time.monotonic_ns() // 1_000_000 - _BEGIN_MS if self.goes else 0)


_BEGIN_MS = time.monotonic_ns() // 1_000_000


class Till:
    """A shop with one merchant."""

    def __init__(self, provider: Provider, folder: Path, **config: Any) -> None:
        self.provider = provider
        self.wechat = Wechat(provider)
        self.clock = Clock()
        self.config = {"store": f"sqlite:{folder / 'pay.db'}", **config}
        self.client = payseal.Client(provider.config(), transport=self.wechat, now_ms=lambda: NOW * 1000)
        self.payments = self.another()

    def another(self, **arguments: Any) -> Payments:
        """The same shop in another process."""
        return Payments(self.config, {"wechat": self.client}, **{"now_ms": self.clock, **arguments})

    def create(self, order_no: str) -> Payment:
        return self.payments.create(PayRequest(order_no=order_no, method=Method.NATIVE, amount=1, subject="茶"))

    def pay(self, order_no: str, **changes: Any) -> payseal.payments.Accepted:
        return self.payments.accept("wechat", *self.wechat.pay(order_no, **changes))


@contextmanager
def a_till(provider: Provider, folder: Path, **config: Any) -> Iterator[Till]:
    till = Till(provider, folder, **config)
    with till.client, till.payments:
        yield till


def eventually(look: Callable[[], Optional[_T]], seconds: float = 20) -> _T:
    """What is seen at last: something that is not None and not False."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"{seen!r} after {seconds} s"
        time.sleep(0.02)
    return seen


def plaintext(event: payseal.payments.Event) -> Any:
    return json.loads(event.plaintext)
