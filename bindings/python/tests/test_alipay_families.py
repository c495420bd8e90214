"""An operation of each of Alipay's families that the sandbox plays, typed, all the way there and back: by key, with AES, by certificate."""

from __future__ import annotations

import datetime
import json
import secrets
import urllib.request
from collections.abc import Iterator

import pytest

import payseal
from payseal.alipay import bill, fund, merchant, trade, user
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


def transferred(client: payseal.Client, number: str) -> fund.TransferResponse:
    request = fund.TransferRequest(
        out_biz_no=number,
        trans_amount="1.00",
        product_code="TRANS_ACCOUNT_NO_PWD",
        biz_scene="DIRECT_TRANSFER",
        order_title="一杯茶",
        payee_info=fund.Participant(identity_type="ALIPAY_USER_ID", identity="2088102146225135"),
    )
    return fund.transfer(client, request)


def test_a_transfer_is_made_once(client: payseal.Client, number: str) -> None:
    made = transferred(client, number)
    assert made.status == "SUCCESS"
    assert transferred(client, number) == made, "the same number is one transfer"
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


def test_frozen_money_is_paid_out_of_and_set_free(client: payseal.Client, sandbox: Sandbox, number: str) -> None:
    code = sandbox.control("POST", "/sandbox/buyer/codes", {"provider": "alipay"})["auth_code"]
    request = fund.FreezeRequest(
        auth_code=code,
        auth_code_type="bar_code",
        out_order_no=number,
        out_request_no=number,
        order_title="一杯茶",
        amount="100.00",
        product_code="PREAUTH_PAY",
    )
    frozen = fund.freeze(client, request)
    assert (frozen.status, frozen.amount) == ("SUCCESS", "100.00")
    assert frozen.auth_no is not None
    payment = trade.PayRequest(
        out_trade_no=number,
        total_amount="30.00",
        subject="一杯茶",
        auth_no=frozen.auth_no,
        product_code="PREAUTH_PAY",
        auth_confirm_mode="NOT_COMPLETE",
    )
    assert trade.pay(client, payment).total_amount == "30.00"
    release = fund.UnfreezeRequest(auth_no=frozen.auth_no, out_request_no=f"{number}u", amount="20.00", remark="茶")
    assert fund.unfreeze(client, release).operation_id == fund.unfreeze(client, release).operation_id, "the same number is released once"
    found = fund.query_operation(client, fund.QueryOperationRequest(auth_no=frozen.auth_no, operation_type="FREEZE"))
    assert (found.order_status, found.rest_amount, found.total_pay_amount) == ("AUTHORIZED", "50.00", "30.00")


def test_a_voucher_is_taken_back(client: payseal.Client, number: str) -> None:
    request = fund.CreateVoucherRequest(
        out_order_no=number, out_request_no=number, order_title="一杯茶", amount="100.00", product_code="PREAUTH_PAY"
    )
    assert (fund.create_voucher(client, request).code_value or "").startswith("http")
    cancelled = fund.cancel_operation(client, fund.CancelOperationRequest(out_order_no=number, out_request_no=number, remark="茶"))
    assert cancelled.action == "close"


def test_an_agreement_is_signed_deducted_under_and_ended(client: payseal.Client, number: str) -> None:
    request = user.SignAgreementRequest(
        personal_product_code="CYCLE_PAY_AUTH_P",
        product_code="GENERAL_WITHHOLDING",
        sign_scene="INDUSTRY|DEFAULT",
        external_agreement_no=number,
        access_params=user.AccessParams(channel="QRCODE"),
        period_rule_params=user.PeriodRule(period_type="MONTH", period=1, execute_time="2026-12-01", single_amount="30.00"),
    )
    address = user.sign_agreement_url(client, request, notify_url="http://127.0.0.1:9/", return_url="http://127.0.0.1:9/signed")
    with urllib.request.urlopen(address, timeout=10) as page:
        cashier = page.url
    with urllib.request.urlopen(urllib.request.Request(f"{cashier}/pay", method="POST"), timeout=10) as signed:
        assert signed.status == 200
    agreement = user.query_agreement(client, user.QueryAgreementRequest(external_agreement_no=number))
    assert (agreement.status, agreement.external_agreement_no) == ("NORMAL", number)
    assert agreement.agreement_no is not None
    payment = trade.PayRequest(
        out_trade_no=number,
        total_amount="30.00",
        subject="一杯茶",
        product_code="CYCLE_PAY_AUTH",
        agreement_params=trade.AgreementParams(agreement_no=agreement.agreement_no),
    )
    assert trade.pay(client, payment).total_amount == "30.00"
    later = user.ModifyExecutionPlanRequest(agreement_no=agreement.agreement_no, deduct_time="2026-12-03")
    assert user.modify_execution_plan(client, later).deduct_time == "2026-12-03"
    user.unsign_agreement(client, user.UnsignAgreementRequest(agreement_no=agreement.agreement_no))


def test_a_buyer_says_who_he_is(client: payseal.Client, sandbox: Sandbox) -> None:
    code = sandbox.control("POST", "/sandbox/alipay/auth-codes", {"scope": "auth_user"})["auth_code"]
    token = user.oauth_token(client, grant_type="authorization_code", code=code)
    assert token.access_token is not None
    assert (token.expires_in or 0) > 0
    assert user.info_share(client, auth_token=token.access_token).user_id == token.user_id
    renewed = user.oauth_token(client, grant_type="refresh_token", refresh_token=token.refresh_token)
    assert renewed.access_token != token.access_token


def test_a_bill_and_a_receipt_are_asked_for(client: payseal.Client, sandbox: Sandbox, number: str) -> None:
    ordered(client, sandbox, number)
    today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date().isoformat()
    found = bill.download_url(client, bill.DownloadUrlRequest(bill_type="trade", bill_date=today))
    assert (found.bill_download_url or "").startswith("http")
    sent = transferred(client, number)
    assert sent.order_id is not None
    applied = bill.apply_receipt(client, bill.ApplyReceiptRequest(type="FUND_DETAIL", key=sent.order_id))
    assert applied.file_id is not None
    receipt = bill.query_receipt(client, bill.QueryReceiptRequest(file_id=applied.file_id))
    assert receipt.status in ("INIT", "PROCESS", "SUCCESS")


FAULTS: list[tuple[dict[str, object], set[payseal.Code]]] = [
    ({"fault": "delay", "ms": 5000}, {payseal.Code.TIMEOUT}),
    ({"fault": "reset_before"}, {payseal.Code.CONNECTION_LOST}),
    ({"fault": "reset_after"}, {payseal.Code.CONNECTION_LOST}),
    ({"fault": "html_500"}, {payseal.Code.PROVIDER_UNAVAILABLE}),
    ({"fault": "html_502"}, {payseal.Code.PROVIDER_UNAVAILABLE}),
    ({"fault": "system_error"}, {payseal.Code.PROVIDER_UNAVAILABLE}),
    ({"fault": "rate_limit"}, {payseal.Code.PROVIDER_RATE_LIMITED}),
    ({"fault": "redirect"}, {payseal.Code.RESPONSE_INVALID}),
    ({"fault": "truncated_body"}, {payseal.Code.CONNECTION_LOST, payseal.Code.RESPONSE_INVALID}),
    ({"fault": "wrong_signature"}, {payseal.Code.SIGNATURE_INVALID}),
    ({"fault": "signtest"}, {payseal.Code.SIGNATURE_INVALID}),
    ({"fault": "unsigned"}, {payseal.Code.SIGNATURE_MISSING}),
    ({"fault": "duplicate_signature"}, {payseal.Code.BODY_INVALID}),
]


@pytest.mark.parametrize(("fault", "codes"), FAULTS, ids=[str(fault["fault"]) for fault, _ in FAULTS])
def test_a_fault_leaves_open_whether_money_has_moved(
    sandbox: Sandbox, number: str, fault: dict[str, object], codes: set[payseal.Code]
) -> None:
    sandbox.control("POST", "/sandbox/faults", {**fault, "target": "alipay.trade.precreate", "out_trade_no": number})
    options: payseal.Options = {"max_attempts": 1, "timeout_ms": 400 if fault["fault"] == "delay" else 5000}
    with payseal.Client(sandbox.config("config-alipay.json")) as client, pytest.raises(payseal.PaysealError) as raised:
        client.execute("alipay.trade.precreate", body={"out_trade_no": number, "total_amount": "0.01", "subject": "茶"}, options=options)
    assert raised.value.code in codes, raised.value
    assert raised.value.outcome == payseal.Outcome.UNKNOWN


def test_in_gbk_a_trade_is_ordered_and_paid(sandbox: Sandbox, number: str) -> None:
    with payseal.Client(sandbox.config("config-alipay.json", charset="GBK")) as client:
        paid = ordered(client, sandbox, number)
        assert (paid.trade_status, paid.subject) == ("TRADE_SUCCESS", "一杯茶")
        with pytest.raises(payseal.ArgumentError):
            trade.precreate(client, trade.PrecreateRequest(out_trade_no=f"{number}x", total_amount="0.01", subject="🧾"))
