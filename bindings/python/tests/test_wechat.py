"""The typed operations of WeChat Pay, all the way to the sandbox and back."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import pytest

import payseal
from payseal.wechat import certificates, pay, refund
from sandbox import Sandbox


def native_request(number: str) -> pay.NativeRequest:
    return pay.NativeRequest(
        description="山间清茶",
        out_trade_no=number,
        notify_url="http://127.0.0.1:9/notify/wechat",
        amount=pay.OrderAmount(total=100, currency="CNY"),
        detail=pay.OrderDetail(goods_detail=[pay.GoodsDetail(merchant_goods_id="tea-1", quantity=1, unit_price=100)]),
    )


def test_an_order_is_paid_queried_and_refunded(sandbox: Sandbox) -> None:
    number = f"pyt{secrets.token_hex(10)}"
    with payseal.Client(sandbox.config()) as client:
        assert (pay.native(client, native_request(number)).code_url or "").startswith("http")
        assert pay.query_by_out_trade_no(client, number).trade_state == "NOTPAY"
        sandbox.pay(number)
        paid = pay.query_by_out_trade_no(client, number)
        assert (paid.trade_state, paid.out_trade_no) == ("SUCCESS", number)
        assert paid.amount is not None
        assert paid.amount.total == 100
        assert paid.transaction_id is not None
        assert pay.query_by_transaction_id(client, paid.transaction_id) == paid

        request = refund.CreateRequest(
            out_trade_no=number, out_refund_no=f"R{number}", amount=refund.CreateAmount(refund=40, total=100, currency="CNY")
        )
        made = refund.create(client, request)
        assert made.amount is not None
        assert made.amount.refund == 40
        assert refund.query(client, f"R{number}").refund_id == made.refund_id
        with pytest.raises(payseal.ProviderError):
            pay.close(client, number)


def test_every_way_to_order_is_typed(sandbox: Sandbox) -> None:
    common: dict[str, Any] = {"description": "茶", "notify_url": "http://127.0.0.1:9/notify", "amount": pay.OrderAmount(total=1)}
    identity = pay.PayerIdentity(type="IDCARD", number="11010519491231002X", name="张三")
    h5 = pay.H5SceneInfo(payer_client_ip="127.0.0.1", h5_info=pay.H5Info(type="Wap"))
    with payseal.Client(sandbox.config()) as client:
        payer = pay.Payer(openid="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", identity=identity)
        jsapi = pay.JsapiRequest(out_trade_no=secrets.token_hex(12), payer=payer, limit_pay=["no_credit"], **common)
        assert pay.jsapi(client, jsapi).prepay_id
        assert pay.app(client, pay.AppRequest(out_trade_no=secrets.token_hex(12), **common)).prepay_id
        assert pay.h5(client, pay.H5Request(out_trade_no=secrets.token_hex(12), scene_info=h5, **common)).h5_url
        listed = certificates.download(client, algorithm_type="RSA").data or []
        assert all(certificate.serial_no for certificate in listed)
    assert "11010519491231002X" not in repr(jsapi)
    assert "张三" not in repr(jsapi)


def test_an_order_is_closed_without_waiting_for_a_thread(sandbox: Sandbox) -> None:
    number = f"pyt{secrets.token_hex(10)}"

    async def run() -> pay.Transaction:
        async with payseal.AsyncClient(sandbox.config()) as client:
            await pay.native_async(client, native_request(number), options={"trace_id": "typed"})
            await pay.close_async(client, number)
            return await pay.query_by_out_trade_no_async(client, number)

    assert asyncio.run(run()).trade_state == "CLOSED"


def test_what_the_library_refuses_names_the_field(sandbox: Sandbox) -> None:
    with payseal.Client(sandbox.config()) as client, pytest.raises(payseal.ArgumentError) as refused:
        pay.close(client, "short")
    assert refused.value.details["field"] == "path.out_trade_no"


def test_a_model_takes_what_it_does_not_know_and_refuses_another_type() -> None:
    known = pay.Transaction.from_json({"amount": {"total": 1, "new": True}, "promotion_detail": [{"amount": 1}], "new": {}, "payer": None})
    assert known == pay.Transaction(amount=pay.TransactionAmount(total=1), promotion_detail=[pay.Promotion(amount=1)])
    wrongs: list[dict[str, Any]] = [
        {"amount": {"total": 1.0}},
        {"amount": {"total": "1"}},
        {"amount": {"total": True}},
        {"amount": 1},
        {"promotion_detail": {}},
        {"appid": 1},
    ]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="must be"):
            pay.Transaction.from_json(wrong)


def test_absent_members_are_not_written_and_a_keyword_keeps_its_name() -> None:
    amount = refund.CreateAmount(refund=1, total=2, currency="CNY", from_=[refund.FundsSource(account="AVAILABLE", amount=1)])
    assert amount.to_json() == {"refund": 1, "total": 2, "currency": "CNY", "from": [{"account": "AVAILABLE", "amount": 1}]}
    assert refund.Amount.from_json({"from": [{"account": "NEW", "amount": 1}]}).from_ == [refund.FundsSource(account="NEW", amount=1)]
