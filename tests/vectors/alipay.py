"""Alipay: answers, notifications and order strings, signed by openssl over what is put together here, in UTF-8 and in GBK."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import openssl
from exchange import compact, exchange_input
from merchant import NOW, Case, Merchant, b64, case, error

APP_ID = "2021000000000001"
QUERY = "alipay.trade.query"
NODE = "alipay_trade_query_response"
NUMBER = "1217752501201407033233368018"
ENCRYPT_KEY = b"0123456789abcdef"
IN_BEIJING = "2023-11-15 06:13:20"

TRADE = {
    "code": "10000",
    "msg": "Success",
    "out_trade_no": NUMBER,
    "trade_no": "2023111522001499999",
    "total_amount": "88.88",
    "trade_status": "TRADE_SUCCESS",
    "subject": '}\\"sign\\":\\"五',
}
PAID = {
    "app_id": APP_ID,
    "charset": "utf-8",
    "notify_id": "2023111500222061320099999999",
    "notify_time": IN_BEIJING,
    "notify_type": "trade_status_sync",
    "out_trade_no": NUMBER,
    "subject": "茶 & Tee + = %",
    "total_amount": "88.88",
    "trade_no": "2023111522001499999",
    "trade_status": "TRADE_SUCCESS",
}


def canonical(fields: dict[str, str], charset: str = "utf-8") -> bytes:
    return "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value).encode(charset)


def alipay_cases(merchant: Merchant) -> Iterator[Case]:
    def config(**changes: Any) -> dict[str, Any]:
        values = {"provider": "alipay", "app_id": APP_ID, "private_key": merchant.key.pkcs8, "alipay_public_key": merchant.platform.public} | changes
        return {name: value for name, value in values.items() if value is not None}

    def client(name: str, what: str, expect: dict[str, Any], **changes: Any) -> Case:
        return case("client", f"alipay_{name}", what, {"config": config(**changes)}, expect)

    bare = "".join(merchant.platform.public.splitlines()[1:-1])
    yield client("complete", "a complete configuration of key mode", {})
    yield client("bare", "the key as the console shows it", {}, alipay_public_key=bare)
    yield client("own_key", "the app's own key as Alipay's", error("KEY_ROLE", field="alipay_public_key"), alipay_public_key=merchant.key.public)
    yield client("no_key", "nothing to verify with", error("CONFIG_INVALID", field="alipay_public_key"), alipay_public_key=None)
    yield client("half_mode", "certificate mode without its root", error("CONFIG_INVALID", field="alipay_certificate"), app_certificate=merchant.certificate)
    yield client("short_aes", "an AES key has 16 bytes", error("KEY_INVALID", field="encrypt_key"), encrypt_key=b64(b"short"))

    def signed(content: bytes, key: openssl.Key = merchant.platform) -> bytes:
        return b'{"%s":%s,"sign":"%s"}' % (NODE.encode(), content, b64(key.sign(content)).encode())

    def answer(name: str, what: str, body: bytes, expect: dict[str, Any] | bytes, **changes: Any) -> Case:
        given = exchange_input(merchant, QUERY, {"body": {"out_trade_no": NUMBER}, "$": {"max_attempts": 1}}, config=config(**changes))
        given |= {"status": 200, "headers": "Content-Type: text/html;charset=utf-8\n", "answer_base64": b64(body)}
        return case("answer", f"alipay_{name}", what, given, {"body_base64": b64(expect)} if isinstance(expect, bytes) else expect)

    trade = json.dumps(TRADE, ensure_ascii=False).replace('\\\\\\"', '\\"').encode()
    yield answer("paid", "the span that was signed, to the byte", signed(trade), trade)
    yield answer("gbk", "in GBK, handed out in UTF-8", signed(trade.decode().encode("gbk")), trade, charset="GBK")
    slashes = compact({"code": "10000", "out_trade_no": NUMBER, "url": "https://a/b"})
    escaped = signed(slashes).replace(slashes, slashes.replace(b"/", b"\\/"))
    yield answer("slashes", "slashes that are escaped after they were signed", escaped, slashes)
    sealed = b64(openssl.run("enc", "-aes-128-cbc", "-K", ENCRYPT_KEY.hex(), "-iv", "0" * 32, stdin=trade))
    yield answer("encrypted", "verified with its quotes, then opened", signed(f'"{sealed}"'.encode()), trade, encrypt_key=b64(ENCRYPT_KEY))
    yield answer("forged", "another key", signed(trade, merchant.stranger), error("SIGNATURE_INVALID", "UNKNOWN"))
    yield answer("unsigned", "no signature", b'{"%s":%s}' % (NODE.encode(), trade), error("SIGNATURE_MISSING", "UNKNOWN"))
    two = signed(trade).replace(b'{"alipay', b'{"error_response":{"code":"10000"},"alipay', 1)
    yield answer("two_nodes", "two nodes", two, error("BODY_INVALID", "UNKNOWN"))
    other = trade.replace(NUMBER.encode(), b"other")
    yield answer("of_another_order", "a genuine answer to another query", signed(other), error("RESPONSE_MISMATCH", "UNKNOWN", "out_trade_no"))
    no = compact({"code": "40004", "msg": "Business Failed", "sub_code": "ACQ.TRADE_NOT_EXIST", "sub_msg": "交易不存在"})
    yield answer("refused", "a signed no", signed(no), error("PROVIDER_REJECTED", "REJECTED"))
    yield answer("waiting", "the payer has yet to confirm", signed(compact({"code": "10003", "msg": "m"})), error("PROVIDER_UNAVAILABLE", "UNKNOWN"))
    failed = b'{"error_response":%s}' % no
    yield answer("failed", "a no that nobody signed", failed, error("PROVIDER_REJECTED", "UNKNOWN"))

    def form(fields: dict[str, str], key: openssl.Key = merchant.platform, charset: str = "utf-8") -> bytes:
        return urlencode(fields | {"sign_type": "RSA2", "sign": b64(key.sign(canonical(fields, charset)))}, encoding=charset).encode()

    def notification(name: str, what: str, body: bytes, expect: dict[str, Any], **changes: Any) -> Case:
        headers = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n"
        given = {"config": config(**changes), "now_ms": NOW * 1000, "headers": headers, "body_base64": b64(body)}
        return case("notification", f"alipay_{name}", what, given, expect)

    event = {
        "event_type": "trade_status_sync.TRADE_SUCCESS",
        "provider": "alipay",
        "merchant": APP_ID,
        "authenticity": "signed",
        "create_time": "2023-11-15T06:13:20+08:00",
        "timestamp": NOW,
    }
    read = {"plaintext": compact(dict(sorted(PAID.items()))).decode(), "event": event}
    yield notification("paid", "a payment", form(PAID), read)
    gbk = PAID | {"charset": "GBK"}
    yield notification("paid_gbk", "the same in GBK", form(gbk, charset="gbk"), read | {"plaintext": compact(gbk).decode()}, charset="GBK")
    yield notification("forged", "another key", form(PAID, merchant.stranger), error("SIGNATURE_INVALID", "UNAUTHENTIC"))
    unsigned = urlencode(PAID).encode()
    yield notification("unsigned", "no signature", unsigned, error("SIGNATURE_MISSING", "UNAUTHENTIC", "sign"))
    yield notification("twice", "a field that stands twice", form(PAID) + b"&total_amount=88.88", error("BODY_INVALID", "UNAUTHENTIC"))
    split = PAID | {"subject": "x&total_amount=9999", "total_amount": "0.01"}
    yield notification("split_anew", "what could be read in two ways", form(split), error("BODY_INVALID", "MALFORMED", "subject"))
    strange = PAID | {"total_amount": "1e2"}
    yield notification("amount", "an amount that is none", form(strange), error("BODY_INVALID", "MALFORMED", "total_amount"))
    elsewhere = PAID | {"app_id": "2021999999999999"}
    yield notification("other_app", "another app's", form(elsewhere), error("RESPONSE_MISMATCH", "MALFORMED", "app_id"))
    old = PAID | {"notify_time": "2023-11-13 06:13:20"}
    yield notification("old", "two days old", form(old), error("CLOCK_SKEW", "UNAUTHENTIC"))

    order = {"out_trade_no": NUMBER, "total_amount": "88.88", "subject": "茶 & Tee", "product_code": "QUICK_MSECURITY_PAY"}
    for charset in ("utf-8", "GBK"):
        fields = {
            "app_id": APP_ID,
            "method": "alipay.trade.app.pay",
            "format": "JSON",
            "charset": charset,
            "sign_type": "RSA2",
            "timestamp": IN_BEIJING,
            "version": "1.0",
            "notify_url": "https://shop.example/notify",
            "biz_content": compact(order).decode(),
        }
        fields["sign"] = b64(merchant.key.sign(canonical(fields, charset)))
        result = {"order_string": "&".join(f"{name}={quote(value, safe='', encoding=charset)}" for name, value in fields.items())}
        params = {"operation": fields["method"], "query": {"notify_url": fields["notify_url"]}, "body": order}
        given = {"config": config(charset=charset), "now_ms": NOW * 1000, "random_hex": "00", "invoke": "order_string", "params": params}
        yield case("invoke", f"alipay_order_string_{charset.lower().replace('-', '')}", "an order for the app", given, {"result": result})
