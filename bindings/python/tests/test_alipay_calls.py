"""Typed operations of Alipay all the way to the gateway and back, over a transport that checks and signs with OpenSSL."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import pytest

import payseal
from gateway import APP_ID, Gateway
from payseal.alipay import merchant, trade, user
from provider import NOW, now_ms

NOTIFY_URL = "https://shop.example/notify/alipay"
ORDER = trade.PrecreateRequest(out_trade_no="T1", total_amount="88.88", subject="一杯茶 & 🧸")


def test_an_order_is_signed_and_its_answer_read() -> None:
    gateway = Gateway(out_trade_no="T1", qr_code="https://qr.alipay.com/bax")
    with payseal.Client(gateway.config(notify_url=NOTIFY_URL), transport=gateway) as client:
        ordered = trade.precreate(client, ORDER)
        assert ordered == trade.PrecreateResponse(out_trade_no="T1", qr_code="https://qr.alipay.com/bax")
        assert json.loads(gateway.fields["biz_content"]) == {"out_trade_no": "T1", "total_amount": "88.88", "subject": "一杯茶 & 🧸"}
        assert (gateway.fields["method"], gateway.fields["app_id"]) == ("alipay.trade.precreate", APP_ID)
        assert gateway.fields["notify_url"] == NOTIFY_URL
        assert "app_auth_token" not in gateway.fields

        trade.precreate(client, ORDER, notify_url="https://shop.example/other", app_auth_token="token of another")
        assert gateway.fields["notify_url"] == "https://shop.example/other"
        assert gateway.fields["app_auth_token"] == "token of another"


def test_an_amount_that_is_none_never_leaves() -> None:
    gateway = Gateway()
    with payseal.Client(gateway.config(), transport=gateway) as client:
        for wrong in ("0", "1.234", "1e2", "88,88", ""):
            with pytest.raises(payseal.ArgumentError) as refused:
                trade.precreate(client, trade.PrecreateRequest(out_trade_no="T1", total_amount=wrong, subject="茶"))
            assert refused.value.details["field"] == "body.total_amount"
    assert gateway.requests == []


def test_parameters_that_are_not_in_biz_content_and_files_have_their_place() -> None:
    gateway = Gateway(access_token="a", expires_in=3600, refresh_token="r", re_expires_in=7200, user_id="2088")
    with payseal.Client(gateway.config(), transport=gateway) as client:
        token = user.oauth_token(client, grant_type="authorization_code", code="c")
        assert (token.access_token, token.expires_in) == ("a", 3600)
        assert (gateway.fields["grant_type"], gateway.fields["code"]) == ("authorization_code", "c")
        assert "biz_content" not in gateway.fields

        gateway.answer = {"material_id": "M1"}
        assert merchant.upload_file(client, "tea.png", b"\x89PNG", scene="SYNC_ORDER").material_id == "M1"
        body = gateway.requests[-1].body
        assert b'name="file_content"; filename="tea.png"' in body
        assert b"SYNC_ORDER" in body
        assert b"\x89PNG" in body


def test_pages_and_order_strings_are_signed_and_nothing_is_sent() -> None:
    gateway = Gateway()
    with payseal.Client(gateway.config(), transport=gateway) as client:
        page = trade.PagePayRequest(out_trade_no="T1", total_amount="1", subject="茶", product_code="FAST_INSTANT_TRADE_PAY")
        address = trade.page_pay_url(client, page, return_url="https://shop.example/back")
        fields = gateway.check(urlsplit(address).query)
        assert (fields["method"], fields["return_url"]) == ("alipay.trade.page.pay", "https://shop.example/back")
        assert json.loads(fields["biz_content"]) == page.to_json()
        assert trade.page_pay_form(client, page).startswith("<form")

        order = trade.app_pay_order_string(client, trade.AppPayRequest(out_trade_no="T1", total_amount="1", subject="茶"))
        assert gateway.check(order)["method"] == "alipay.trade.app.pay"
    assert gateway.requests == []


def test_a_coroutine_gets_the_same() -> None:
    gateway = Gateway(trade_status="TRADE_SUCCESS", total_amount="88.88")

    async def found() -> tuple[trade.QueryResponse, str]:
        async def transport(request: payseal.HttpRequest) -> payseal.HttpResponse:
            return gateway(request)

        async with payseal.AsyncClient(gateway.config(), transport=transport) as client:
            request = trade.WapPayRequest(out_trade_no="T1", total_amount="1", subject="茶")
            return await trade.query_async(client, trade.QueryRequest(out_trade_no="T1")), await trade.wap_pay_url_async(client, request)

    queried, address = asyncio.run(found())
    assert (queried.trade_status, queried.total_amount) == ("TRADE_SUCCESS", "88.88")
    assert gateway.check(urlsplit(address).query)["method"] == "alipay.trade.wap.pay"


def test_a_notification_is_opened_into_its_model() -> None:
    gateway = Gateway()
    told = {
        "notify_type": "trade_status_sync",
        "notify_id": "N1",
        "notify_time": "2023-11-15 06:13:20",
        "app_id": APP_ID,
        "trade_status": "TRADE_SUCCESS",
        "out_trade_no": "T1",
        "trade_no": "2023",
        "total_amount": "88.88",
        "seller_id": "2088000000000001",
        "subject": "一杯茶",
    }
    assert NOW == 1_700_000_000  # 2023-11-15 06:13:20 in Beijing
    with payseal.Client(gateway.config(), now_ms=now_ms) as client:
        notification = client.open_notification([], gateway.notification(**told))
        paid = trade.TradeNotification.from_json(notification.json())
        assert notification.event.event_type == "trade_status_sync.TRADE_SUCCESS"
        assert (paid.out_trade_no, paid.total_amount, paid.trade_status) == ("T1", "88.88", "TRADE_SUCCESS")
