"""Notifications as the platform posts them, and as it never would."""

import json
from collections.abc import Iterator
from typing import Any

from exchange import compact
from merchant import APIV3_KEY, APPID, MCHID, NOW, PLATFORM_SERIAL, PUBLIC_KEY_ID, Case, Merchant, b64, case, error, lines, platform_message, signed_headers
from openssl import Key, seal_aes_256_gcm

PAID = {
    "mchid": MCHID,
    "appid": APPID,
    "out_trade_no": "1217752501201407033233368018",
    "transaction_id": "1217752501201407033233368018",
    "trade_type": "NATIVE",
    "trade_state": "SUCCESS",
    "trade_state_desc": "支付成功",
    "bank_type": "CMC",
    "success_time": "2023-11-15T06:13:20+08:00",
    "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
    "amount": {"total": 100, "payer_total": 100, "currency": "CNY", "payer_currency": "CNY"},
}
REFUNDED = {
    "mchid": MCHID,
    "out_trade_no": "1217752501201407033233368018",
    "out_refund_no": "R1",
    "refund_id": "50000000382019052709732678859",
    "refund_status": "SUCCESS",
    "amount": {"total": 100, "refund": 100, "payer_total": 100, "payer_refund": 100},
}


def resource(
    plaintext: bytes, key: str = APIV3_KEY, nonce: str = "fdasflkja484", aad: str | None = "transaction", original_type: str = "transaction"
) -> dict[str, str]:
    sealed = seal_aes_256_gcm(key.encode(), nonce.encode(), (aad or "").encode(), plaintext)
    box = {"original_type": original_type, "algorithm": "AEAD_AES_256_GCM", "ciphertext": b64(sealed), "nonce": nonce}
    return box if aad is None else box | {"associated_data": aad}


def envelope(box: dict[str, str], event_type: str = "TRANSACTION.SUCCESS", summary: str = "支付成功") -> dict[str, Any]:
    return {
        "id": "EV-2018022511223320873",
        "create_time": "2023-11-15T06:13:20+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event_type,
        "summary": summary,
        "resource": box,
    }


def notification_cases(merchant: Merchant) -> Iterator[Case]:
    platform = merchant.platform
    plaintext = compact(PAID)
    body = compact(envelope(resource(plaintext)))

    def notification(name: str, what: str, headers: str, raw: bytes, expect: dict[str, Any], **config: Any) -> Case:
        given = {"config": merchant.config(**config), "now_ms": NOW * 1000, "headers": headers, "body_base64": b64(raw)}
        return case("notification", name, what, given, expect)

    def opened(
        name: str,
        what: str,
        raw: bytes = body,
        inside: bytes = plaintext,
        key: Key = platform,
        serial: str = PUBLIC_KEY_ID,
        timestamp: int = NOW,
        end: str = "\n",
        **config: Any,
    ) -> Case:
        headers = signed_headers(key, serial, raw, timestamp)
        outer = json.loads(raw)
        event = {name: outer[name] for name in ("id", "create_time", "event_type", "resource_type", "summary")}
        event |= {"original_type": outer["resource"]["original_type"], "provider": "wechat", "merchant": MCHID, "timestamp": timestamp, "replay": False}
        message = platform_message(str(timestamp), headers["Wechatpay-Nonce"], raw).decode()
        return notification(name, what, lines(headers, end), raw, {"plaintext": inside.decode(), "event": event, "message": message}, **config)

    yield opened("paid", "a payment, signed by the platform's public key")
    yield opened("by_certificate", "…by a certificate whose serial begins with zeros", key=merchant.platform_certified, serial=PLATFORM_SERIAL)
    yield opened("crlf_headers", "header lines may end as on the wire", end="\r\n")
    yield opened(
        "pretty_body",
        "spaces and a final line feed are signed too",
        raw=json.dumps(envelope(resource(plaintext)), indent=2, ensure_ascii=False).encode() + b"\n",
    )
    refunded = compact(REFUNDED)
    yield opened(
        "refund", "a refund", inside=refunded, raw=compact(envelope(resource(refunded, aad="refund", original_type="refund"), "REFUND.SUCCESS", "退款成功"))
    )
    yield opened(
        "unheard_of_type",
        "the event's type is open text",
        inside=b"{}",
        raw=compact(envelope(resource(b"{}", original_type="newborn"), "NEWBORN.ARRIVED", "new")),
    )
    yield opened("empty_associated_data", "associated data may be empty", raw=compact(envelope(resource(plaintext, aad=""))))
    yield opened("absent_associated_data", "…or absent, which is the same", raw=compact(envelope(resource(plaintext, aad=None))))
    yield opened("previous_key", "while the APIv3 key is replaced, the previous one opens too", apiv3_key="q" * 32, previous_apiv3_key=APIV3_KEY)
    yield opened("300_seconds_old", "the edge of the window is inside", timestamp=NOW - 300)

    def refused(
        name: str,
        what: str,
        code: str,
        outcome: str,
        raw: bytes = body,
        signed: bytes | None = None,
        timestamp: int | str = NOW,
        serial: str = PUBLIC_KEY_ID,
        drop: str = "",
        extra: str = "",
        replace: dict[str, str] | None = None,
        **config: Any,
    ) -> Case:
        headers = signed_headers(platform, serial, raw if signed is None else signed, timestamp) | (replace or {})
        headers.pop(drop, None)
        return notification(name, what, lines(headers) + extra, raw, error(code, outcome), **config)

    good = signed_headers(platform, PUBLIC_KEY_ID, body)
    yield refused("stale", "301 seconds old", "CLOCK_SKEW", "UNAUTHENTIC", timestamp=NOW - 301)
    yield refused("from_the_future", "301 seconds ahead", "CLOCK_SKEW", "UNAUTHENTIC", timestamp=NOW + 301)
    yield refused("window_of_zero", "a window of 0 is 0 seconds, not no window", "CLOCK_SKEW", "UNAUTHENTIC", timestamp=NOW - 1, timestamp_window_s=0)
    yield refused("no_signature", "unsigned", "SIGNATURE_MISSING", "UNAUTHENTIC", drop="Wechatpay-Signature")
    yield refused("no_serial", "signed by nobody in particular", "SIGNATURE_MISSING", "UNAUTHENTIC", drop="Wechatpay-Serial")
    yield refused("body_changed", "one byte differs", "SIGNATURE_INVALID", "UNAUTHENTIC", raw=body.replace(b"TRANSACTION", b"TRANSACTIoN"), signed=body)
    yield refused(
        "body_reserialized",
        "the same JSON in other bytes",
        "SIGNATURE_INVALID",
        "UNAUTHENTIC",
        raw=json.dumps(json.loads(body), ensure_ascii=False).encode(),
        signed=body,
    )
    yield refused("unknown_serial", "a serial that nobody configured", "UNKNOWN_SERIAL", "UNAUTHENTIC", serial="7132D72A03E93CDDF8C03BBD1F37EEDF51C8C8E0")
    yield refused(
        "probe",
        "the platform's deliberate wrong signature",
        "SIGNATURE_PROBE",
        "UNAUTHENTIC",
        replace={"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + good["Wechatpay-Signature"][:200]},
    )
    yield refused(
        "probe_with_unknown_serial",
        "…which may name a serial that does not exist",
        "SIGNATURE_PROBE",
        "UNAUTHENTIC",
        replace={"Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc", "Wechatpay-Serial": "7132D72A03E93CDDF8C03BBD1F37EEDF51C8C8E0"},
    )
    yield refused("duplicate_timestamp", "two timestamps", "HEADER_INVALID", "UNAUTHENTIC", extra=f"WECHATPAY-TIMESTAMP: {NOW}\n")
    yield refused(
        "sm2_type", "the algorithm is the configuration's", "ALGORITHM_MISMATCH", "UNAUTHENTIC", replace={"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"}
    )

    def malformed(name: str, what: str, code: str, raw: bytes) -> Case:
        return refused(name, what, code, "MALFORMED", raw=raw)

    tampered = envelope(resource(plaintext))
    tampered["resource"]["ciphertext"] = b64(seal_aes_256_gcm(b"x" * 32, b"fdasflkja484", b"transaction", plaintext))
    yield malformed("sealed_with_another_key", "signed, but the APIv3 key does not fit", "DECRYPTION_FAILED", compact(tampered))
    other_aad = envelope(resource(plaintext) | {"associated_data": "refund"})
    yield malformed("other_associated_data", "associated data are authenticated", "DECRYPTION_FAILED", compact(other_aad))
    yield malformed("short_ciphertext", "shorter than a tag", "DECRYPTION_FAILED", compact(envelope(resource(plaintext) | {"ciphertext": b64(b"x" * 15)})))
    for length in (0, 11, 13):
        yield malformed(f"nonce_of_{length}", "a nonce is 12 bytes", "BODY_INVALID", compact(envelope(resource(plaintext) | {"nonce": "n" * length})))
    yield malformed(
        "other_algorithm", "the box names another algorithm", "ALGORITHM_MISMATCH", compact(envelope(resource(plaintext) | {"algorithm": "AEAD_SM4_GCM"}))
    )
    yield malformed("not_json", "signed text that is not JSON", "BODY_INVALID", b"hello")
    yield malformed("empty_body", "signed nothing", "BODY_INVALID", b"")
    yield malformed("no_resource", "an envelope without its box", "BODY_INVALID", compact({"id": "1", "event_type": "X"}))
    yield malformed("duplicate_member", "JSON with a member twice", "BODY_INVALID", body[:-1] + b',"id":"2"}')
