"""An operation of each of Alipay's families that the sandbox plays, typed, all the way there and back: by key, with AES, by certificate."""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Iterator

import pytest

import payseal
from payseal.alipay import fund, merchant, trade
from sandbox import Sandbox

CONFIGURATIONS = ["config-alipay.json", "config-alipay-aes.json", "config-alipay-certificate.json"]


@pytest.fixture
def number() -> str:
    return f"pya{secrets.token_hex(10)}"


@pytest.fixture(params=CONFIGURATIONS)
def client(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[payseal.Client]:
    with payseal.Client(sandbox.config(request.param)) as client:
        yield client


def ordered(client: payseal.Client, sandbox: Sandbox, number: str) -> trade.QueryResponse:
    """A payment of 88.88, paid."""
    request = trade.PrecreateRequest(out_trade_no=number, total_amount="88.88", subject="一杯茶")
    code = trade.precreate(client, request)
    assert code.out_trade_no == number
    assert (code.qr_code or "").startswith("http")
    sandbox.pay(number)
    return trade.query(client, trade.QueryRequest(out_trade_no=number))


def test_a_trade_is_paid_and_refunded_once(client: payseal.Client, sandbox: Sandbox, number: str) -> None:
    paid = ordered(client, sandbox, number)
    assert (paid.trade_status, paid.total_amount, paid.out_trade_no) == ("TRADE_SUCCESS", "88.88", number)

    request = trade.RefundRequest(out_trade_no=number, refund_amount="8.88", out_request_no=f"{number}r", refund_reason="茶凉了")
    refunded = trade.refund(client, request)
    assert (refunded.fund_change, refunded.refund_fee) == ("Y", "8.88")
    again = trade.refund(client, request)
    assert (again.fund_change, again.refund_fee) == ("N", "8.88"), "the same number is refunded once"

    found = trade.query_refund(client, trade.QueryRefundRequest(out_trade_no=number, out_request_no=f"{number}r"))
    assert (found.refund_status, found.refund_amount, found.total_amount) == ("REFUND_SUCCESS", "8.88", "88.88")


def test_a_trade_that_nobody_pays_is_closed_or_cancelled(client: payseal.Client, number: str) -> None:
    cancelled = trade.cancel(client, trade.CancelRequest(out_trade_no=number))
    assert (cancelled.out_trade_no, cancelled.retry_flag) == (number, "N")
    with pytest.raises(payseal.ProviderError) as refused:
        trade.query(client, trade.QueryRequest(out_trade_no=f"{number}x"))
    assert refused.value.details["provider_code"] == "ACQ.TRADE_NOT_EXIST"
    assert refused.value.outcome is payseal.Outcome.REJECTED


def test_a_page_leads_to_the_cashier(client: payseal.Client, number: str) -> None:
    request = trade.PagePayRequest(out_trade_no=number, total_amount="88.88", subject="一杯茶", product_code="FAST_INSTANT_TRADE_PAY")
    address = trade.page_pay_url(client, request, return_url="http://127.0.0.1:9/back")
    with urllib.request.urlopen(address, timeout=10) as page:
        assert page.status == 200
        assert "/alipay/" in page.url or "cashier" in page.url, page.url


def test_an_apps_order_is_taken_by_the_wallet(client: payseal.Client, sandbox: Sandbox, number: str) -> None:
    request = trade.AppPayRequest(out_trade_no=number, total_amount="88.88", subject="一杯茶")
    order = trade.app_pay_order_string(client, request)
    opened = sandbox.control("POST", "/sandbox/alipay/app/pay", {"order_string": order})
    assert opened["cashier_url"].startswith("http")


def test_a_transfer_is_made_once(client: payseal.Client, number: str) -> None:
    request = fund.TransferRequest(
        out_biz_no=number,
        trans_amount="1.00",
        product_code="TRANS_ACCOUNT_NO_PWD",
        biz_scene="DIRECT_TRANSFER",
        order_title="一杯茶",
        payee_info=fund.Participant(identity_type="ALIPAY_USER_ID", identity="2088102146225135"),
    )
    made = fund.transfer(client, request)
    assert made.status == "SUCCESS"
    assert fund.transfer(client, request) == made, "the same number is one transfer"
    wanted = fund.QueryTransferRequest(out_biz_no=number, product_code="TRANS_ACCOUNT_NO_PWD", biz_scene="DIRECT_TRANSFER")
    found = fund.query_transfer(client, wanted)
    assert (found.status, found.trans_amount, found.order_id) == ("SUCCESS", "1.00", made.order_id)


def test_a_balance_is_asked_for(client: payseal.Client, sandbox: Sandbox) -> None:
    seller = sandbox.config("config-alipay.json")["seller_id"]
    balance = fund.query_account(client, fund.QueryAccountRequest(alipay_user_id=seller, account_type="ACCTRANS_ACCOUNT"))
    assert "." in (balance.available_amount or "")


def test_a_picture_is_uploaded(client: payseal.Client) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + json.dumps("tea").encode()
    assert merchant.upload_file(client, "tea.png", picture, scene="SYNC_ORDER").material_id
