"""Flows that wait, by a transport of the program's own, and QR codes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Callable

import pytest

import payseal
from payseal import Code, HttpRequest, HttpResponse, Outcome
from provider import MCHID, Provider, now_ms

QUICK: payseal.FlowOptions = {"schedule_ms": [1, 1, 1]}
PATH = {"out_trade_no": "ORDER0001"}


def answering(provider: Provider, states: list[str]) -> Callable[[HttpRequest], HttpResponse]:
    """Each question gets the next state."""
    left: Iterator[str] = iter(states)

    def transport(_request: HttpRequest) -> HttpResponse:
        return provider.answer({"out_trade_no": "ORDER0001", "mchid": MCHID, "trade_state": next(left)})

    return transport


def test_a_payment_is_waited_for_until_its_state_is_final(provider: Provider) -> None:
    transport = answering(provider, ["NOTPAY", "USERPAYING", "SUCCESS"])
    with payseal.Client(provider.config(), now_ms=now_ms, transport=transport) as client:
        result = client.run("await_payment", path=PATH, options=QUICK)
    assert (result.info.final, result.info.polls) == (True, 3)
    assert result.json()["trade_state"] == "SUCCESS"


def test_when_the_looks_are_used_up_the_last_state_is_not_final(provider: Provider) -> None:
    async def run() -> payseal.Result:
        answer = answering(provider, ["NOTPAY"] * 3)

        async def transport(request: HttpRequest) -> HttpResponse:
            return answer(request)

        async with payseal.AsyncClient(provider.config(), now_ms=now_ms, transport=transport) as client:
            return await client.run("await_payment", path=PATH, options=QUICK)

    result = asyncio.run(run())
    assert (result.info.final, result.info.polls) == (False, 3)


def test_a_wait_can_be_cancelled(provider: Provider) -> None:
    cancellation = payseal.Cancellation()
    threading.Timer(0.05, cancellation.trigger).start()
    with payseal.Client(provider.config(), now_ms=now_ms) as client, pytest.raises(payseal.TransportError) as cancelled:
        client.run("await_payment", path=PATH, options={"schedule_ms": [3_600_000]}, cancellation=cancellation)
    assert (cancelled.value.code, cancelled.value.outcome) == (Code.CANCELLED, Outcome.NOT_SENT)


def test_a_flow_that_does_not_exist_is_refused(provider: Provider) -> None:
    with payseal.Client(provider.config(), now_ms=now_ms) as client, pytest.raises(payseal.ArgumentError) as refused:
        client.run("await_nothing")
    assert refused.value.details["field"] == "flow"


def test_a_qr_code_is_an_image(provider: Provider) -> None:
    assert payseal.qr.png("weixin://wxpay/bizpayurl?pr=p4lpSuKzz").startswith(b"\x89PNG\r\n")
    assert 'fill="#1aad19"' in payseal.qr.svg("weixin://wxpay/bizpayurl?pr=p4lpSuKzz", dark="#1aad19")
    with pytest.raises(payseal.ArgumentError) as refused:
        payseal.qr.png("x", scale=0)
    assert refused.value.details["field"] == "scale"
