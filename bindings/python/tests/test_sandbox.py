"""Calls over the network to the sandbox, in all four forms: the built-in HTTP client and httpx, blocking and asyncio."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable, Optional

import httpx
import pytest

import payseal
from payseal import Code, Outcome
from payseal.contrib.httpx import AsyncHttpxTransport, HttpxTransport
from provider import CLOSE, JSAPI, NATIVE, QUERY, REFUND
from sandbox import Sandbox

Execute = Callable[..., payseal.Result]
Form = Callable[[dict[str, Any]], Any]


@contextmanager
def blocking(config: dict[str, Any]) -> Iterator[Execute]:
    with payseal.Client(config) as client:
        yield client.execute


@contextmanager
def blocking_httpx(config: dict[str, Any]) -> Iterator[Execute]:
    with httpx.Client(trust_env=False) as http, payseal.Client(config, transport=HttpxTransport(http)) as client:
        yield client.execute


@contextmanager
def awaited(config: dict[str, Any]) -> Iterator[Execute]:
    def execute(*arguments: Any, **options: Any) -> payseal.Result:
        async def run() -> payseal.Result:
            async with payseal.AsyncClient(config) as client:
                return await client.execute(*arguments, **options)

        return asyncio.run(run())

    yield execute


@contextmanager
def awaited_httpx(config: dict[str, Any]) -> Iterator[Execute]:
    def execute(*arguments: Any, **options: Any) -> payseal.Result:
        async def run() -> payseal.Result:
            http = httpx.AsyncClient(trust_env=False)
            async with http, payseal.AsyncClient(config, transport=AsyncHttpxTransport(http)) as client:
                return await client.execute(*arguments, **options)

        return asyncio.run(run())

    yield execute


@pytest.fixture(params=[blocking, awaited, blocking_httpx, awaited_httpx], ids=lambda form: form.__name__)
def form(request: pytest.FixtureRequest) -> Any:
    return request.param


numbers = itertools.count()


def order(**changes: Any) -> dict[str, Any]:
    number = f"py{next(numbers)}{secrets.token_hex(8)}"
    body = {
        "description": "山间清茶",
        "out_trade_no": number,
        "notify_url": "http://127.0.0.1:9/notify/wechat",
        "amount": {"total": 1, "currency": "CNY"},
    }
    return {**body, **changes}


@pytest.mark.parametrize("config", ["config.json", "config-certificate.json"])
def test_a_payment_from_order_to_refund(sandbox: Sandbox, form: Form, config: str) -> None:
    """By public key, and with certificates that the client has to fetch first."""
    with form(sandbox.config(config)) as execute:
        body = order(payer={"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"})
        number = body["out_trade_no"]
        prepay = execute(JSAPI, body=body)
        assert prepay.json()["prepay_id"]
        assert (prepay.info.http_status, prepay.info.verified, prepay.info.attempts) == (200, True, 1)
        assert execute(QUERY, path={"out_trade_no": number}).json()["trade_state"] == "NOTPAY"
        sandbox.pay(number)
        transaction = execute(QUERY, path={"out_trade_no": number}, options={"expect": {"out_trade_no": number, "amount.total": 1}}).json()
        assert (transaction["trade_state"], transaction["amount"]["total"]) == ("SUCCESS", 1)
        refund = {"out_trade_no": number, "out_refund_no": f"r{number}", "amount": {"refund": 1, "total": 1, "currency": "CNY"}}
        assert execute(REFUND, body=refund).json()["out_refund_no"] == f"r{number}"
        with pytest.raises(payseal.ProviderError) as refused:
            execute(CLOSE, path={"out_trade_no": number}, body={})
        error = refused.value
        assert (error.code, error.outcome) == (Code.PROVIDER_REJECTED, Outcome.REJECTED)
        assert error.details["authenticated"] is True
        assert error.details["provider_code"] == "ORDERPAID"


def test_an_order_is_closed_without_an_answer_body(sandbox: Sandbox, form: Form) -> None:
    with form(sandbox.config()) as execute:
        body = order()
        assert execute(NATIVE, body=body).json()["code_url"]
        closed = execute(CLOSE, path={"out_trade_no": body["out_trade_no"]}, body={})
        assert (closed.info.http_status, closed.body) == (204, b"")
        assert execute(QUERY, path={"out_trade_no": body["out_trade_no"]}).json()["trade_state"] == "CLOSED"


def test_an_unknown_order_is_a_verified_no(sandbox: Sandbox, form: Form) -> None:
    with form(sandbox.config()) as execute, pytest.raises(payseal.ProviderError) as refused:
        execute(QUERY, path={"out_trade_no": "never0ordered"})
    assert refused.value.outcome == Outcome.REJECTED
    assert refused.value.details["http_status"] == 404


FAULTS: list[tuple[dict[str, Any], set[Code], Outcome]] = [
    ({"fault": "delay", "ms": 5000}, {Code.TIMEOUT}, Outcome.UNKNOWN),
    ({"fault": "reset_before"}, {Code.CONNECTION_LOST}, Outcome.UNKNOWN),
    ({"fault": "reset_after"}, {Code.CONNECTION_LOST}, Outcome.UNKNOWN),
    ({"fault": "html_500"}, {Code.PROVIDER_UNAVAILABLE}, Outcome.UNKNOWN),
    ({"fault": "html_502"}, {Code.PROVIDER_UNAVAILABLE}, Outcome.UNKNOWN),
    ({"fault": "html_502", "processed": True}, {Code.PROVIDER_UNAVAILABLE}, Outcome.UNKNOWN),
    ({"fault": "system_error"}, {Code.PROVIDER_UNAVAILABLE}, Outcome.UNKNOWN),
    ({"fault": "rate_limit"}, {Code.PROVIDER_RATE_LIMITED}, Outcome.UNKNOWN),
    ({"fault": "redirect"}, {Code.RESPONSE_INVALID}, Outcome.UNKNOWN),
    ({"fault": "truncated_body"}, {Code.CONNECTION_LOST, Code.RESPONSE_INVALID}, Outcome.UNKNOWN),
    ({"fault": "wrong_signature"}, {Code.SIGNATURE_INVALID}, Outcome.UNKNOWN),
    ({"fault": "unknown_serial"}, {Code.UNKNOWN_SERIAL}, Outcome.UNKNOWN),
    ({"fault": "stale_time"}, {Code.CLOCK_SKEW}, Outcome.UNKNOWN),
    ({"fault": "signtest"}, {Code.SIGNATURE_PROBE}, Outcome.UNKNOWN),
    ({"fault": "unsigned"}, {Code.SIGNATURE_MISSING}, Outcome.UNKNOWN),
    ({"fault": "duplicate_signature"}, {Code.HEADER_INVALID}, Outcome.UNKNOWN),
]


@pytest.mark.parametrize(("fault", "codes", "outcome"), FAULTS, ids=[fault["fault"] for fault, _, _ in FAULTS])
def test_a_fault_says_whether_money_may_have_moved(
    sandbox: Sandbox, form: Form, fault: dict[str, Any], codes: set[Code], outcome: Outcome
) -> None:
    body = order()
    sandbox.control("POST", "/sandbox/faults", {**fault, "target": NATIVE, "out_trade_no": body["out_trade_no"]})
    with form(sandbox.config()) as execute:
        with pytest.raises(payseal.PaysealError) as failed:
            execute(NATIVE, body=body, options={"max_attempts": 1, "timeout_ms": 400 if fault["fault"] == "delay" else 5000})
        assert failed.value.code in codes
        assert failed.value.outcome == outcome
        assert failed.value.details["operation"] == NATIVE
        assert failed.value.details["attempts"] == 1
        # The same number again is what one does after an unknown outcome: it cannot be charged twice.
        assert execute(NATIVE, body=body).json()["code_url"]


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "html_502", "system_error", "signtest"])
def test_what_is_safe_to_repeat_is_repeated(sandbox: Sandbox, form: Form, fault: str) -> None:
    body = order()
    sandbox.control("POST", "/sandbox/faults", {"fault": fault, "target": NATIVE, "out_trade_no": body["out_trade_no"]})
    with form(sandbox.config(retry={"base_ms": 1, "cap_ms": 5})) as execute:
        assert execute(NATIVE, body=body).info.attempts == 2


def test_an_answer_about_another_order_is_not_taken_for_this_one(sandbox: Sandbox, form: Form) -> None:
    first, second = order(), order()
    with form(sandbox.config()) as execute:
        for body in (first, second):
            execute(NATIVE, body=body)
        number = first["out_trade_no"]
        sandbox.control("POST", "/sandbox/faults", {"fault": "wrong_answer", "out_trade_no": number, "times": 0})
        with pytest.raises(payseal.TrustError) as failed:
            execute(QUERY, path={"out_trade_no": number}, options={"expect": {"out_trade_no": number}})
    assert failed.value.code == Code.RESPONSE_MISMATCH


def test_a_closed_port_is_not_sent(sandbox: Sandbox, form: Form) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    config = sandbox.config(hosts=[f"http://127.0.0.1:{port}"], retry={"max_attempts": 1})
    with form(config) as execute, pytest.raises(payseal.TransportError) as failed:
        execute(NATIVE, body=order())
    assert (failed.value.code, failed.value.outcome) == (Code.CONNECT_FAILED, Outcome.NOT_SENT)


def test_another_host_takes_over(sandbox: Sandbox, form: Form) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with form(sandbox.config(hosts=[f"http://127.0.0.1:{port}", sandbox.address], retry={"base_ms": 1, "cap_ms": 5})) as execute:
        result = execute(NATIVE, body=order())
    assert result.info.host == sandbox.address
    assert result.info.attempts == 2


def test_certificates_are_rotated_in_the_middle(sandbox: Sandbox, form: Form) -> None:
    """The least pause between two fetches is one second, so the new certificate may be unknown for that long."""
    with form(sandbox.config("config-certificate.json", certificate_refresh={"min_interval_s": 1})) as execute:
        before = execute(NATIVE, body=order())
        new = sandbox.control("POST", "/sandbox/certificates/rotate")["serial"]
        deadline = time.monotonic() + 10
        while (after := attempt(execute)) is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert before.info.serial != after.info.serial == new


def attempt(execute: Execute) -> Optional[payseal.Result]:
    """A new order's answer; None while it is signed by a certificate that is not known yet."""
    try:
        return execute(NATIVE, body=order())
    except payseal.TrustError as error:
        if (error.code, error.outcome) != (Code.UNKNOWN_SERIAL, Outcome.UNKNOWN):
            raise
        return None
