"""Requests that are signed, and answers that are believed or not."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from merchant import (
    APPID,
    HIGH_BIT_SERIAL,
    HOST,
    MCHID,
    MERCHANT_SERIAL,
    NONCE_BYTES,
    NOW,
    OPENID,
    PLATFORM_SERIAL,
    PUBLIC_KEY_ID,
    Case,
    Merchant,
    authorization,
    b64,
    case,
    error,
    lines,
    platform_message,
    request_message,
    signed_headers,
)
from openssl import Key

ORDER = {
    "appid": APPID,
    "mchid": MCHID,
    "description": "Image形象店-深圳腾大-QQ公仔",
    "out_trade_no": "1217752501201407033233368018",
    "notify_url": "https://pay.example.com/notify/wechat",
    "amount": {"total": 100, "currency": "CNY"},
    "payer": {"openid": OPENID},
}
JSAPI = "POST /v3/pay/transactions/jsapi"
QUERY = "GET /v3/pay/transactions/out-trade-no/{out_trade_no}"
QUERY_TARGET = f"/v3/pay/transactions/out-trade-no/1217752501201407033233368018?mchid={MCHID}"
QUERY_PARAMS = {"path": {"out_trade_no": "1217752501201407033233368018"}, "query": {"mchid": MCHID}}


def compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def exchange_input(
    merchant: Merchant, operation: str, params: dict[str, Any], payload: bytes | None = None, config: dict[str, Any] | None = None, random: bytes = NONCE_BYTES
) -> dict[str, Any]:
    return {
        "config": config or merchant.config(),
        "now_ms": NOW * 1000,
        "random_hex": random.hex(),
        "operation": operation,
        "params": params,
        "payload_base64": None if payload is None else b64(payload),
    }


def request_cases(merchant: Merchant) -> Iterator[Case]:
    def request(
        name: str,
        what: str,
        operation: str,
        target: str,
        params: dict[str, Any],
        body: bytes = b"",
        payload: bytes | None = None,
        config: dict[str, Any] | None = None,
        random: bytes = NONCE_BYTES,
        key: Key = merchant.key,
        serial: str = MERCHANT_SERIAL,
        platform: str = PUBLIC_KEY_ID,
        multipart: bool = False,
    ) -> Case:
        method, nonce = operation.split(" ")[0], random.hex().upper()
        message = request_message(method, target, body, nonce)
        expect = {
            "method": method,
            "url": HOST + target,
            "message": message.decode(),
            "signature": b64(key.sign(message)),
            "authorization": authorization(key, message, serial, nonce),
            "wechatpay_serial": platform,
            "body_base64": None if multipart else b64(body),
        }
        return case("request", name, what, exchange_input(merchant, operation, params, payload, config, random), expect)

    def order(name: str, what: str, **more: Any) -> Case:
        return request(name, what, JSAPI, "/v3/pay/transactions/jsapi", {"body": ORDER}, compact(ORDER), **more)

    yield order("jsapi_order", "the body is serialized once, compact, in the caller's order, and those bytes are signed")
    yield order("nonce_of_zero_bytes", "a nonce is the upper-case hex of 16 random bytes, leading zeros kept", random=bytes(16))
    yield order("nonce_of_ff_bytes", "…and never shortened", random=b"\xff" * 16)
    native = {name: value for name, value in ORDER.items() if name != "payer"} | {"description": "咖啡豆 250 克 · Ünïcödé"}
    yield request(
        "native_order",
        "text outside ASCII stays UTF-8, not \\u escapes",
        "POST /v3/pay/transactions/native",
        "/v3/pay/transactions/native",
        {"body": native},
        compact(native),
    )
    yield request("query_order", "a GET signs path and query, and an empty last line", QUERY, QUERY_TARGET, QUERY_PARAMS)
    yield request(
        "close_order",
        "the path is signed with its placeholder filled",
        "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close",
        "/v3/pay/transactions/out-trade-no/A_b-0009/close",
        {"path": {"out_trade_no": "A_b-0009"}, "body": {"mchid": MCHID}},
        compact({"mchid": MCHID}),
    )
    refund = {"out_trade_no": "1217752501201407033233368018", "out_refund_no": "R1", "amount": {"refund": 1, "total": 100, "currency": "CNY"}}
    yield request("refund", "amounts are integers of fen", "POST /v3/refund/domestic/refunds", "/v3/refund/domestic/refunds", {"body": refund}, compact(refund))
    yield request(
        "uncatalogued_query",
        "query values are percent-encoded before signing, only RFC 3986's unreserved stay",
        "GET /v3/example/{name}",
        "/v3/example/a%20b%2F%E9%85%92?q=%7B%22k%22%3A%20%22v%22%7D%26x%3D1%2B1~-._",
        {"path": {"name": "a b/酒"}, "query": {"q": '{"k": "v"}&x=1+1~-._'}},
    )
    raw = b'{ "out_refund_no" : "R1",\n  "note" : "kept byte for byte" }\n'
    yield request(
        "raw_payload", "a ready body is signed and sent as it is, its final line feed too", "POST /v3/example/echo", "/v3/example/echo", {}, raw, payload=raw
    )
    file = bytes(range(256)) * 4
    meta = compact({"filename": "shop.png", "sha256": hashlib.sha256(file).hexdigest()})
    yield request(
        "upload",
        "a multipart upload signs only its part `meta`",
        "POST /v3/merchant/media/upload",
        "/v3/merchant/media/upload",
        {"$": {"filename": "shop.png"}},
        meta,
        payload=file,
        multipart=True,
    )

    yield order("pkcs1_key", "the same key as PKCS#1 PEM", config=merchant.config(private_key=merchant.key.pkcs1))
    yield order("bare_base64_key", "the same key as base64 without armour", config=merchant.config(private_key=merchant.key.bare))
    yield order("crlf_key", "the same key with Windows line ends", config=merchant.config(private_key=merchant.key.pkcs8.replace("\n", "\r\n")))
    yield order(
        "serial_from_certificate",
        "the serial is read from the certificate and keeps its leading zero",
        config=merchant.config(merchant_serial=None, merchant_certificate=merchant.certificate),
    )
    high = merchant.key.certificate(HIGH_BIT_SERIAL, "payseal test merchant")
    yield order(
        "serial_with_high_bit",
        "…and gains none where DER had to prepend a zero byte",
        serial=HIGH_BIT_SERIAL,
        config=merchant.config(merchant_serial=None, merchant_certificate=high),
    )
    yield order(
        "certificate_pinned",
        "platform_serial says which key is asked to sign the answer",
        platform=PLATFORM_SERIAL,
        config=merchant.config(platform_serial=PLATFORM_SERIAL),
    )
    yield order(
        "certificate_only", "without a public key the newest certificate is asked", platform=PLATFORM_SERIAL, config=merchant.config(platform_public_keys=None)
    )
    for bits in (3072, 4096):
        key = Key(merchant.folder, f"merchant-{bits}", bits)
        yield order(f"rsa_{bits}", f"a key of {bits} bits", key=key, config=merchant.config(private_key=key.pkcs8))

    def refused(name: str, what: str, params: dict[str, Any]) -> Case:
        return case("request", name, what, exchange_input(merchant, QUERY, params), error("PARAMS_INVALID", "NOT_SENT"))

    yield refused("missing_path_parameter", "a placeholder without a value never leaves the machine", {"query": {"mchid": MCHID}})
    yield refused("unknown_member", "a misspelled member is refused, not ignored", QUERY_PARAMS | {"qeury": {}})
    yield refused("unknown_option", "…nor a misspelled option", QUERY_PARAMS | {"$": {"timeout": 5}})


def answer_cases(merchant: Merchant) -> Iterator[Case]:
    platform, certified = merchant.platform, merchant.platform_certified
    good = compact({"mchid": MCHID, "out_trade_no": "1217752501201407033233368018", "trade_state": "SUCCESS", "amount": {"total": 100}})

    def answer(
        name: str, what: str, status: int, headers: str, body: bytes, expect: dict[str, Any], operation: str = QUERY, params: dict[str, Any] | None = None
    ) -> Case:
        params = (QUERY_PARAMS if params is None else params) | {"$": {"max_attempts": 1}}
        given = exchange_input(merchant, operation, params) | {"status": status, "headers": headers, "answer_base64": b64(body)}
        return case("answer", name, what, given, expect)

    def believed(name: str, what: str, headers: dict[str, str], body: bytes = good, status: int = 200, **more: Any) -> Case:
        message = platform_message(headers.get("Wechatpay-Timestamp", str(NOW)), headers.get("Wechatpay-Nonce", ""), body)
        return answer(name, what, status, lines(headers), body, {"body_base64": b64(body), "message": message.decode()}, **more)

    def refused(name: str, what: str, code: str, headers: dict[str, str] | str, body: bytes = good, status: int = 200, outcome: str | None = "UNKNOWN") -> Case:
        text = headers if isinstance(headers, str) else lines(headers)
        return answer(name, what, status, text, body, error(code, outcome))

    def signed(body: bytes = good, timestamp: int | str = NOW, **changes: str | None) -> dict[str, str]:
        headers: dict[str, str | None] = {
            **signed_headers(platform, PUBLIC_KEY_ID, body, timestamp),
            **{f"Wechatpay-{name}".replace("_", "-"): value for name, value in changes.items()},
        }
        return {name: value for name, value in headers.items() if value is not None}

    yield believed("by_public_key", "signed by the platform's public key", signed())
    yield believed("by_certificate", "signed by the certificate though the public key was asked: migration", signed_headers(certified, PLATFORM_SERIAL, good))
    yield believed("lower_case_names", "header names have no case", {name.lower(): value for name, value in signed().items()})
    yield believed("lower_case_serial", "nor have the hex digits of a serial", signed_headers(certified, PLATFORM_SERIAL.lower(), good))
    yield believed("no_signature_type", "an absent type means RSA", signed(Signature_Type=None))
    yield believed(
        "empty_204",
        "204 signs an empty third line",
        signed(b""),
        b"",
        204,
        operation="POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close",
        params={"path": {"out_trade_no": "A_b-0009"}, "body": {"mchid": MCHID}},
    )
    yield believed("spaces_and_line_feed", "the bytes are verified as they came", signed(b'{ "a" : 1 }\n'), b'{ "a" : 1 }\n')
    yield believed("300_seconds_old", "the edge of the window is inside", signed(timestamp=NOW - 300))
    yield believed("300_seconds_ahead", "on both sides", signed(timestamp=NOW + 300))

    yield refused("301_seconds_old", "one second more is not", "CLOCK_SKEW", signed(timestamp=NOW - 301))
    yield refused("301_seconds_ahead", "on both sides", "CLOCK_SKEW", signed(timestamp=NOW + 301))
    yield refused("unsigned", "a 2xx without signature is a forgery", "SIGNATURE_MISSING", "Content-Type: application/json\n")
    yield refused("signature_missing", "one header of the four is enough to miss", "SIGNATURE_MISSING", signed(Signature=None))
    yield refused("signature_empty", "an empty signature is no signature", "SIGNATURE_MISSING", signed(Signature=""))
    yield refused("body_changed", "one byte of the body differs", "SIGNATURE_INVALID", signed(), good.replace(b"100", b"101"))
    yield refused("by_stranger", "signed by somebody else's key", "SIGNATURE_INVALID", signed_headers(merchant.stranger, PUBLIC_KEY_ID, good))
    yield refused(
        "serial_of_the_other_key",
        "the key is chosen by the serial, and no other is tried",
        "SIGNATURE_INVALID",
        signed_headers(platform, PLATFORM_SERIAL, good),
    )
    yield refused(
        "unknown_serial", "a serial that nobody configured", "UNKNOWN_SERIAL", signed_headers(platform, "PUB_KEY_ID_9999999999999999999999999999999999", good)
    )
    yield refused(
        "probe",
        "the platform's deliberate wrong signature has a code of its own",
        "SIGNATURE_PROBE",
        signed(Signature="WECHATPAY/SIGNTEST/" + signed()["Wechatpay-Signature"][:300]),
    )
    yield refused(
        "sm2_type", "the algorithm comes from the configuration, not from the message", "ALGORITHM_MISMATCH", signed(Signature_Type="WECHATPAY2-SM2-WITH-SM3")
    )
    yield refused(
        "sha1_signature",
        "a SHA-1 signature under the right name",
        "SIGNATURE_INVALID",
        signed(Signature=b64(platform.sign(platform_message(str(NOW), signed()["Wechatpay-Nonce"], good), "sha1"))),
    )
    yield refused(
        "duplicate_signature",
        "two signatures: which one was meant?",
        "HEADER_INVALID",
        lines(signed()) + f"wechatpay-signature: {signed()['Wechatpay-Signature']}\n",
    )
    for name, timestamp in {"plus": f"+{NOW}", "leading_zero": f"0{NOW}", "decimal": f"{NOW}.0", "negative": f"-{NOW}", "digits_20": "1" * 20}.items():
        yield refused(f"timestamp_{name}", "a timestamp is [1-9][0-9]{0,10}", "HEADER_INVALID", signed(timestamp=timestamp))
    signature = signed()["Wechatpay-Signature"]
    for name, text in {
        "unpadded": signature.rstrip("="),
        "url_safe": signature.replace("+", "-").replace("/", "_").replace("=", "") + "-_==",
        "with_space": signature[:40] + " " + signature[40:],
        "twice": signature + signature,
        "truncated": signature[:-8],
    }.items():
        yield refused(f"base64_{name}", "base64 is RFC 4648, strict", "SIGNATURE_INVALID", signed(Signature=text))

    absent = compact({"code": "ORDER_NOT_EXIST", "message": "订单不存在"})
    yield refused("no_signed", "a signed no is a no", "PROVIDER_REJECTED", signed(absent), absent, 404, "REJECTED")
    yield refused(
        "no_unsigned", "an unsigned no is reported as such, and proves nothing", "PROVIDER_REJECTED", "Content-Type: application/json\n", absent, 404, None
    )
    limited = compact({"code": "FREQUENCY_LIMITED", "message": "频率超限"})
    yield refused("rate_limited", "429 has a code of its own", "PROVIDER_RATE_LIMITED", signed(limited), limited, 429, None)
    yield refused(
        "html_502",
        "a gateway's HTML is no answer of the provider",
        "PROVIDER_UNAVAILABLE",
        "Content-Type: text/html\n",
        b"<html><h1>502 Bad Gateway</h1></html>",
        502,
    )
