"""What goes out, checked by `cryptography`: signatures over the exact bytes, encrypted fields, client-side parameters."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest

import payseal
from provider import APPID, CLOSE, JSAPI, MCHID, NATIVE, NOW, ORDER, PUBLIC_KEY_ID, QUERY, Provider

MakeClient = Callable[..., payseal.Client]


@pytest.fixture
def sent() -> list[payseal.HttpRequest]:
    return []


@pytest.fixture
def sending(make_client: MakeClient, provider: Provider, sent: list[payseal.HttpRequest]) -> payseal.Client:
    """A client whose requests are kept and answered with `{"code_url": "weixin://…"}`."""

    def transport(request: payseal.HttpRequest) -> payseal.HttpResponse:
        sent.append(request)
        return provider.answer({"code_url": "weixin://wxpay/bizpayurl?pr=X", "prepay_id": "wx1"})

    return make_client(transport=transport)


def test_an_order_is_signed_over_the_bytes_that_are_sent(
    sending: payseal.Client, provider: Provider, sent: list[payseal.HttpRequest]
) -> None:
    sending.execute(NATIVE, body={**ORDER, "attach": '引号"，和 / 斜杠'})
    (request,) = sent
    fields = provider.check_request(request)
    assert fields["timestamp"] == str(NOW)
    assert len(bytes.fromhex(fields["nonce_str"])) == 16
    headers = dict(request.headers)
    assert headers["Wechatpay-Serial"] == PUBLIC_KEY_ID
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"]
    body = json.loads(request.body)
    assert body["attach"] == '引号"，和 / 斜杠'
    assert (body["mchid"], body["appid"]) == (MCHID, APPID)
    assert request.url == "https://api.mch.weixin.qq.com/v3/pay/transactions/native"


def test_a_query_is_signed_with_its_raw_query_and_an_empty_body(
    sending: payseal.Client, provider: Provider, sent: list[payseal.HttpRequest]
) -> None:
    sending.execute("GET /v3/anything/{name}", path={"name": "a b/茶"}, query={"filter": '{"a": "b, c"}', "n": 7})
    (request,) = sent
    provider.check_request(request)
    assert request.body == b""
    assert request.url.startswith("https://api.mch.weixin.qq.com/v3/anything/a%20b%2F%E8%8C%B6?filter=%7B%22a%22")


def test_an_upload_signs_its_meta_part_only(sending: payseal.Client, provider: Provider, sent: list[payseal.HttpRequest]) -> None:
    import hashlib
    from dataclasses import replace

    file = bytes(range(256)) * 9
    sending.execute("POST /v3/merchant/media/upload", payload=file, options={"filename": "茶.jpg"})
    (request,) = sent
    meta = next(part for part in request.body.split(b"\r\n") if part.startswith(b"{"))
    assert json.loads(meta) == {"filename": "茶.jpg", "sha256": hashlib.sha256(file).hexdigest()}
    assert file in request.body
    provider.check_request(replace(request, body=meta))


def test_exact_bytes_are_sent_as_given(sending: payseal.Client, provider: Provider, sent: list[payseal.HttpRequest]) -> None:
    payload = b'{"mchid" :  "1900007291"}\n'
    sending.execute("POST /v3/anything", payload=payload)
    (request,) = sent
    assert request.body == payload
    provider.check_request(request)


def test_every_attempt_is_signed_anew(make_client: MakeClient, provider: Provider) -> None:
    sent: list[dict[str, str]] = []
    bodies: set[bytes] = set()

    def transport(request: payseal.HttpRequest) -> payseal.HttpResponse:
        sent.append(provider.check_request(request))
        bodies.add(request.body)
        if len(sent) < 3:
            raise payseal.TransportFailure(payseal.Failure.SENT, "reset")
        return provider.answer({"code_url": "weixin://"})

    client = make_client({"retry": {"base_ms": 1, "cap_ms": 2}}, transport=transport)
    result = client.execute(NATIVE, body=ORDER)
    assert result.info.attempts == 3
    assert len({fields["nonce_str"] for fields in sent}) == 3
    assert len(bodies) == 1


def test_clock_and_random_source_decide_every_byte(make_client: MakeClient, provider: Provider) -> None:
    def authorization() -> str:
        seen: list[str] = []

        def transport(request: payseal.HttpRequest) -> payseal.HttpResponse:
            seen.append(dict(request.headers)["Authorization"])
            return provider.answer({})

        make_client(transport=transport, random_bytes=lambda length: b"\xab" * length).execute(
            QUERY, path={"out_trade_no": "20231115061320A"}
        )
        return seen[0]

    assert authorization() == authorization()
    assert f'nonce_str="{"AB" * 16}"' in authorization()


@pytest.mark.parametrize(
    ("kind", "params", "message", "signature"),
    [
        ("jsapi", {"prepay_id": "wx1"}, "{appId}\n{timeStamp}\n{nonceStr}\n{package}\n", "paySign"),
        ("app", {"prepay_id": "wx1"}, "{appid}\n{timestamp}\n{noncestr}\n{prepayid}\n", "sign"),
    ],
)
def test_client_side_parameters_are_signed_by_the_merchant(
    client: payseal.Client, provider: Provider, kind: str, params: dict[str, Any], message: str, signature: str
) -> None:
    values = client.invoke(kind, params)
    provider.check_merchant_signature(message.format(**values).encode(), values[signature])


def test_h5_and_native_need_no_signature(client: payseal.Client) -> None:
    assert client.invoke("native", {"code_url": "weixin://wxpay/bizpayurl?pr=X"}) == {"code_url": "weixin://wxpay/bizpayurl?pr=X"}
    url = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2"
    answer = client.invoke("h5", {"h5_url": url, "redirect_url": "https://shop.example/done?a=b"})
    assert answer == {"h5_url": f"{url}&redirect_url=https%3A%2F%2Fshop.example%2Fdone%3Fa%3Db"}


def test_an_answer_without_a_body_is_empty(make_client: MakeClient, provider: Provider) -> None:
    client = make_client(transport=lambda _request: provider.answer(None, status=204))
    result = client.execute(CLOSE, path={"out_trade_no": "20231115061320A"}, body={})
    assert (result.body, result.info.http_status, result.info.verified) == (b"", 204, True)
    with pytest.raises(ValueError, match="Expecting value"):
        result.json()


def test_the_verified_bytes_are_handed_out_as_they_came(make_client: MakeClient, provider: Provider) -> None:
    answer = provider.answer({"prepay_id": "wx1", "新": ["字段", 12345678901234567890]})
    client = make_client(transport=lambda _request: answer)
    result = client.execute(JSAPI, body={**ORDER, "payer": {"openid": "o"}})
    assert result.body == answer.body
    assert result.json()["新"][1] == 12345678901234567890
    assert (result.info.serial, result.info.verified, result.info.attempts) == (PUBLIC_KEY_ID, True, 1)
    assert result.info.content_type == "application/json"
    assert result.info.host == "https://api.mch.weixin.qq.com"
