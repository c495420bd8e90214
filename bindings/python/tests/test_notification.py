"""Opening what the provider sends; `cryptography` signs and encrypts, honestly and otherwise."""

from __future__ import annotations

import base64
import json
import time
from typing import Any, Callable, Optional

import pytest

import payseal
from payseal import Code, Outcome
from provider import MCHID, NOW, PUBLIC_KEY_ID, TRANSACTION, Provider, now_ms

MakeClient = Callable[..., payseal.Client]


def test_a_notification_opens_to_its_event_and_plaintext(client: payseal.Client, provider: Provider) -> None:
    headers, body = provider.notification(TRANSACTION)
    notification = client.open_notification(headers, body)
    assert notification.json() == TRANSACTION
    assert notification.plaintext == json.dumps(TRANSACTION, ensure_ascii=False).encode()
    event = notification.event
    assert (event.id, event.event_type, event.original_type) == (json.loads(body)["id"], "TRANSACTION.SUCCESS", "transaction")
    assert (event.provider, event.merchant, event.serial, event.timestamp, event.replay) == ("wechat", MCHID, PUBLIC_KEY_ID, NOW, False)


@pytest.mark.parametrize(
    "form",
    [
        dict,
        list,
        lambda headers: [(name.lower().encode(), value.encode()) for name, value in headers],
        lambda headers: {name.upper(): value for name, value in headers},
        lambda headers: iter(headers),
    ],
    ids=["mapping", "pairs", "ASGI", "upper case", "iterator"],
)
def test_headers_come_as_a_framework_has_them(client: payseal.Client, provider: Provider, form: Callable[[Any], Any]) -> None:
    headers, body = provider.notification(TRANSACTION)
    assert client.open_notification(form(headers), body).event.serial == PUBLIC_KEY_ID


def test_headers_that_are_not_ascii_do_not_matter_elsewhere(client: payseal.Client, provider: Provider) -> None:
    headers, body = provider.notification(TRANSACTION)
    client.open_notification([*headers, ("X-City", "北京"), ("X-Name", "caf\u00e9")], body)


def refused(client: payseal.Client, headers: Any, body: bytes) -> payseal.PaysealError:
    with pytest.raises(payseal.PaysealError) as error:
        client.open_notification(headers, body)
    return error.value


@pytest.mark.parametrize("missing", ["timestamp", "nonce", "serial", "signature"])
def test_a_notification_without_a_signature_is_refused(client: payseal.Client, provider: Provider, missing: str) -> None:
    headers, body = provider.notification(TRANSACTION)
    headers = [(name, value) for name, value in headers if name != f"Wechatpay-{missing.capitalize()}"]
    error = refused(client, headers, body)
    assert isinstance(error, payseal.TrustError)
    assert (error.code, error.outcome) == (Code.SIGNATURE_MISSING, Outcome.UNAUTHENTIC)


def test_every_proper_prefix_of_a_signature_is_refused(client: payseal.Client, provider: Provider) -> None:
    headers, body = provider.notification(TRANSACTION)
    signature = dict(headers)["Wechatpay-Signature"]
    for length in range(len(signature)):
        cut = [(name, signature[:length] if name == "Wechatpay-Signature" else value) for name, value in headers]
        assert refused(client, cut, body).outcome == Outcome.UNAUTHENTIC


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: " " + text,
        lambda text: text[:40] + " " + text[40:],
        lambda text: text.replace("+", "-").replace("/", "_") + "",
        lambda text: text.rstrip("="),
        lambda text: text + text,
        lambda text: text + "=",
    ],
    ids=["leading space", "inner space", "URL-safe", "unpadded", "twice", "overpadded"],
)
def test_lenient_base64_is_refused(client: payseal.Client, provider: Provider, spoil: Callable[[str], str]) -> None:
    while True:  # until the signature has a character that the URL-safe alphabet writes differently
        headers, body = provider.notification(TRANSACTION)
        signature = dict(headers)["Wechatpay-Signature"]
        if "+" in signature or "/" in signature:
            break
    spoilt = spoil(signature)
    headers = [(name, spoilt if name == "Wechatpay-Signature" else value) for name, value in headers]
    if spoilt.strip() == signature:
        client.open_notification(headers, body)  # white space around a header's value is no part of it (RFC 9110)
    else:
        assert refused(client, headers, body).outcome == Outcome.UNAUTHENTIC


@pytest.mark.parametrize("name", ["Wechatpay-Signature", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial"])
def test_a_header_that_came_twice_is_refused(client: payseal.Client, provider: Provider, name: str) -> None:
    headers, body = provider.notification(TRANSACTION)
    twice = [*headers, (name, dict(headers)[name])]
    assert refused(client, twice, body).code == Code.HEADER_INVALID


def test_a_line_break_in_a_header_adds_no_header(client: payseal.Client, provider: Provider) -> None:
    headers, body = provider.notification(TRANSACTION)
    folded = "\n".join(f"{name}: {value}" for name, value in headers)
    for smuggled in ([("X-Any", f"x\n{folded}")], [(f"X-Any: x\r\n{folded}\r\nX-Other", "x")]):
        assert refused(client, smuggled, body).code == Code.HEADER_INVALID


@pytest.mark.parametrize("algorithm", ["WECHATPAY2-SM2-WITH-SM3", "WECHATPAY2-RSA-SHA1", "NONE", ""])
def test_the_message_does_not_choose_the_algorithm(client: payseal.Client, provider: Provider, algorithm: str) -> None:
    headers, body = provider.notification(TRANSACTION)
    assert refused(client, [*headers, ("Wechatpay-Signature-Type", algorithm)], body).code == Code.ALGORITHM_MISMATCH


def test_a_changed_body_is_refused(client: payseal.Client, provider: Provider) -> None:
    headers, body = provider.notification(TRANSACTION)
    for changed in (body + b"\n", body.strip()[:-1], json.dumps(json.loads(body)).encode(), b""):
        error = refused(client, headers, changed)
        assert (error.code, error.outcome) == (Code.SIGNATURE_INVALID, Outcome.UNAUTHENTIC)


def test_another_platforms_signature_is_refused(client: payseal.Client) -> None:
    headers, body = Provider().notification(TRANSACTION)
    assert refused(client, headers, body).code == Code.SIGNATURE_INVALID


def test_an_unknown_serial_is_refused_without_trying_every_key(client: payseal.Client, provider: Provider) -> None:
    headers, body = provider.notification(TRANSACTION, serial="PUB_KEY_ID_0000000000000000000000000000000002")
    assert refused(client, headers, body).code == Code.UNKNOWN_SERIAL


def test_a_probe_is_refused_as_a_probe(client: payseal.Client, provider: Provider) -> None:
    headers, body = provider.notification(TRANSACTION, signature="WECHATPAY/SIGNTEST/eHh4eHh4")
    error = refused(client, headers, body)
    assert (error.code, error.outcome) == (Code.SIGNATURE_PROBE, Outcome.UNAUTHENTIC)


@pytest.mark.parametrize("skew", [-301, 301, -86400, 86400])
def test_a_stale_or_early_notification_is_refused_with_the_skew(client: payseal.Client, provider: Provider, skew: int) -> None:
    headers, body = provider.notification(TRANSACTION, timestamp=NOW + skew)
    error = refused(client, headers, body)
    assert (error.code, error.outcome) == (Code.CLOCK_SKEW, Outcome.UNAUTHENTIC)
    assert error.details["skew_s"] == skew


@pytest.mark.parametrize("skew", [-300, 0, 300])
def test_within_the_window_a_notification_is_fresh(client: payseal.Client, provider: Provider, skew: int) -> None:
    headers, body = provider.notification(TRANSACTION, timestamp=NOW + skew)
    assert client.open_notification(headers, body).event.timestamp == NOW + skew


def test_a_window_of_zero_means_zero(make_client: MakeClient, provider: Provider) -> None:
    client = make_client({"timestamp_window_s": 0})
    client.open_notification(*provider.notification(TRANSACTION))
    assert refused(client, *provider.notification(TRANSACTION, timestamp=NOW - 1)).code == Code.CLOCK_SKEW


@pytest.mark.parametrize("form", [f"+{NOW}", f"0{NOW}", f"{NOW}.0", "99999999999999999999", f"-{NOW}", "١٧٠٠٠٠٠٠٠٠", "", "1e9"])
def test_only_plain_digits_are_a_time(client: payseal.Client, provider: Provider, form: str) -> None:
    headers, body = provider.notification(TRANSACTION, timestamp=form)
    error = refused(client, [(name, value.encode()) for name, value in headers], body)
    assert error.code in (Code.HEADER_INVALID, Code.SIGNATURE_MISSING)
    assert error.outcome in (Outcome.UNAUTHENTIC, Outcome.MALFORMED)


def test_the_systems_clock_is_the_default(provider: Provider) -> None:
    with payseal.Client(provider.config()) as client:
        client.open_notification(*provider.notification(TRANSACTION, timestamp=int(time.time())))
        assert refused(client, *provider.notification(TRANSACTION, timestamp=NOW)).code == Code.CLOCK_SKEW


def test_a_genuine_notification_about_something_else_is_refused(client: payseal.Client, provider: Provider) -> None:
    headers, body = provider.notification(TRANSACTION)
    expected = {"out_trade_no": TRANSACTION["out_trade_no"], "amount.total": 1}
    assert client.open_notification(headers, body, options={"expect": expected}).json() == TRANSACTION
    with pytest.raises(payseal.TrustError) as mismatch:
        client.open_notification(headers, body, options={"expect": {"amount.total": 2000}})
    assert mismatch.value.code == Code.RESPONSE_MISMATCH


def test_a_repetition_is_marked_when_a_guard_is_configured(make_client: MakeClient, provider: Provider) -> None:
    client = make_client({"replay_guard": {"entries": 100}})
    message = provider.notification(TRANSACTION)
    assert [client.open_notification(*message).event.replay for _ in range(3)] == [False, True, True]
    assert client.open_notification(*provider.notification(TRANSACTION)).event.replay is False


def test_another_apiv3_key_cannot_be_decrypted(make_client: MakeClient, provider: Provider) -> None:
    headers, body = provider.notification(TRANSACTION)
    client = make_client({"apiv3_key": "0123456789abcdef0123456789abcdef"})
    error = refused(client, headers, body)
    assert (error.code, error.outcome) == (Code.DECRYPTION_FAILED, Outcome.MALFORMED)
    with_both = make_client({"apiv3_key": "0123456789abcdef0123456789abcdef", "previous_apiv3_key": provider.apiv3_key})
    assert with_both.open_notification(headers, body).json() == TRANSACTION


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "short"},
        {"nonce": "thirteen byte"},
        {"ciphertext": ""},
        {"ciphertext": base64.b64encode(bytes(15)).decode()},
        {"associated_data": "refund"},
        {"algorithm": "AEAD_SM4_GCM"},
        {"ciphertext": None},
    ],
    ids=str,
)
def test_a_resource_that_cannot_be_decrypted_is_an_error(
    client: payseal.Client, provider: Provider, change: dict[str, Optional[str]]
) -> None:
    envelope = json.loads(provider.notification(TRANSACTION)[1])
    envelope["resource"].update(change)
    body = json.dumps(envelope).encode()
    assert refused(client, provider.signed_headers(body), body).outcome == Outcome.MALFORMED


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"id":1,"id":2}', b"\xff", b"[" * 100_000], ids=len)
def test_signed_nonsense_is_malformed(client: payseal.Client, provider: Provider, body: bytes) -> None:
    error = refused(client, provider.signed_headers(body), body)
    assert (error.code, error.outcome) == (Code.BODY_INVALID, Outcome.MALFORMED)


def test_a_body_of_more_than_a_mebibyte_is_not_even_verified(client: payseal.Client, provider: Provider) -> None:
    body = b"x" * ((1 << 20) + 1)
    error = refused(client, provider.signed_headers(body), body)
    assert (error.code, error.outcome) == (Code.BODY_INVALID, Outcome.UNAUTHENTIC)


def test_the_reply_follows_the_code(client: payseal.Client) -> None:
    assert client.notification_reply().status == 200
    for code in (Code.SIGNATURE_INVALID, Code.SIGNATURE_PROBE, Code.BODY_INVALID, Code.CLOCK_SKEW, Code.INTERNAL):
        reply = client.notification_reply(code)
        assert 400 <= reply.status < 600
        assert json.loads(reply.body)["code"] == "FAIL"
        assert ("Content-Type", "application/json") in reply.headers


def test_certificates_are_fetched_over_the_hosts_transport(make_client: MakeClient, provider: Provider) -> None:
    """A notification signed by an unknown certificate makes the client ask for certificates; a refused answer changes nothing."""
    asked: list[str] = []

    def transport(request: payseal.HttpRequest) -> payseal.HttpResponse:
        provider.check_request(request)
        asked.append(request.url)
        raise payseal.TransportFailure(payseal.Failure.NOT_SENT, "no route")

    client = make_client({"platform_public_keys": None}, transport=transport)
    headers, body = provider.notification(TRANSACTION, serial="5157F09EFDC096DE15EBE81A47057A7232F1B8E1")
    error = refused(client, headers, body)
    assert error.code in (Code.UNKNOWN_SERIAL, Code.CONNECT_FAILED)
    assert [url.rpartition("/")[2] for url in asked][:1] == ["certificates"]
    assert now_ms() == NOW * 1000
