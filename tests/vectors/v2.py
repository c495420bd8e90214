"""APIv2: answers, notifications and parameters of the cashier, signed by openssl over a string put together here."""

from collections.abc import Iterator
from typing import Any

import openssl
from exchange import compact, exchange_input
from merchant import APPID, MCHID, NONCE, NOW, Case, Merchant, b64, case, error

APIV2_KEY = "Kf7Jq2LsW9xB4mT8rYcV1nZ5hG3dP6aE"
QUERY = "POST /pay/orderquery"
NUMBER = "1217752501201407033233368018"

Fields = dict[str, str]

PAID: Fields = {
    "return_code": "SUCCESS",
    "appid": APPID,
    "mch_id": MCHID,
    "nonce_str": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
    "result_code": "SUCCESS",
    "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    "trade_type": "JSAPI",
    "bank_type": "CMC",
    "total_fee": "100",
    "transaction_id": "1004400740201409030005092168",
    "out_trade_no": NUMBER,
    "attach": '{"五":"<&>"}',
    "time_end": "20231115061320",
}


def sign(fields: Fields, algorithm: str = "HMAC-SHA256", key: str = APIV2_KEY) -> str:
    pairs = sorted((name, value) for name, value in fields.items() if value and name != "sign")
    message = ("&".join(f"{name}={value}" for name, value in pairs) + f"&key={key}").encode()
    digest = openssl.digest("md5", message) if algorithm == "MD5" else openssl.hmac_sha256(key.encode(), message)
    return digest.hex().upper()


def xml(fields: Fields, root: str = "xml") -> bytes:
    return (f"<{root}>" + "".join(f"<{name}><![CDATA[{value}]]></{name}>\n" for name, value in fields.items()) + f"</{root}>").encode()


def signed(fields: Fields, algorithm: str = "HMAC-SHA256", key: str = APIV2_KEY) -> bytes:
    return xml(fields | {"sign": sign(fields, algorithm, key)})


def sealed(plaintext: bytes) -> str:
    secret = openssl.digest("md5", APIV2_KEY.encode()).hex().encode()
    return b64(openssl.run("enc", "-aes-256-ecb", "-K", secret.hex(), stdin=plaintext))


def v2_cases(merchant: Merchant) -> Iterator[Case]:
    def config(**changes: Any) -> dict[str, Any]:
        values = {
            "provider": "wechat-v2",
            "mchid": MCHID,
            "apiv2_key": APIV2_KEY,
            "appid": APPID,
            "client_certificate": merchant.certificate,
            "client_key": merchant.key.pkcs8,
        } | changes
        return {name: value for name, value in values.items() if value is not None}

    def client(name: str, what: str, expect: dict[str, Any], **changes: Any) -> Case:
        return case("client", f"v2_{name}", what, {"config": config(**changes)}, expect)

    yield client("complete", "a complete configuration of APIv2", {})
    yield client("short_key", "an APIv2 key has 32 bytes", error("KEY_INVALID", field="apiv2_key"), apiv2_key="short")
    yield client("foreign_key", "certificate and key of two merchants", error("KEY_MISMATCH", field="client_key"), client_key=merchant.stranger.pkcs8)
    yield client("half_identity", "a certificate without its key", error("CONFIG_INVALID", field="client_key"), client_key=None)
    yield client("v3_key", "a key of APIv3", error("CONFIG_UNKNOWN_KEY", field="apiv3_key"), apiv3_key="x" * 32)

    def answer(name: str, what: str, body: bytes, expect: dict[str, Any] | Fields, **changes: Any) -> Case:
        given = exchange_input(merchant, QUERY, {"body": {"out_trade_no": NUMBER}, "$": {"max_attempts": 1}}, config=config(**changes))
        given |= {"status": 200, "headers": "Content-Type: text/xml\n", "answer_base64": b64(body)}
        read = expect if "code" in expect else {"body_base64": b64(compact(expect))}
        return case("answer", f"v2_{name}", what, given, read)

    yield answer("hmac", "the verified fields, in their order", signed(PAID), PAID)
    yield answer("md5", "the same by MD5", signed(PAID, "MD5"), PAID, sign_type="MD5")
    yield answer("empty_fields", "what is empty is not signed, and not handed out", signed(PAID | {"coupon_fee": ""}), PAID)
    yield answer("unsigned", "no signature", xml(PAID), error("SIGNATURE_MISSING", "UNKNOWN", "sign"))
    yield answer("forged", "another key", signed(PAID, key="0" * 32), error("SIGNATURE_INVALID", "UNKNOWN", "sign"))
    yield answer("downgraded", "MD5 where HMAC was asked for", signed(PAID, "MD5"), error("ALGORITHM_MISMATCH", "UNKNOWN", "sign_type"))
    yield answer(
        "of_another_order", "a genuine answer to another query", signed(PAID | {"out_trade_no": "other"}), error("RESPONSE_MISMATCH", "UNKNOWN", "out_trade_no")
    )
    refused = {name: PAID[name] for name in ("return_code", "appid", "mch_id", "nonce_str")} | {"result_code": "FAIL", "err_code": "ORDERNOTEXIST"}
    yield answer("refused", "a signed no", signed(refused), error("PROVIDER_REJECTED", "REJECTED"))
    failed = {"return_code": "FAIL", "return_msg": "签名错误"}
    yield answer("failed", "a no that nobody signed", xml(failed), error("PROVIDER_REJECTED", "UNKNOWN"))

    def notification(name: str, what: str, body: bytes, expect: dict[str, Any], **changes: Any) -> Case:
        given = {"config": config(**changes), "now_ms": NOW * 1000, "headers": "Content-Type: text/xml\n", "body_base64": b64(body)}
        return case("notification", f"v2_{name}", what, given, expect)

    paid = {"event_type": "TRANSACTION.SUCCESS", "authenticity": "signed", "provider": "wechat-v2", "create_time": "2023-11-15T06:13:20+08:00"}
    yield notification("paid", "a payment", signed(PAID), {"plaintext": compact(PAID).decode(), "event": paid})
    yield notification("paid_md5", "the same by MD5", signed(PAID, "MD5"), {"plaintext": compact(PAID).decode(), "event": paid}, sign_type="MD5")
    yield notification("unsigned", "no signature", xml(PAID), error("SIGNATURE_MISSING", "UNAUTHENTIC", "sign"))
    yield notification("forged", "another key", signed(PAID, key="0" * 32), error("SIGNATURE_INVALID", "UNAUTHENTIC", "sign"))
    doctype = b'<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + signed(PAID)
    yield notification("doctype", "a document type", doctype, error("BODY_INVALID", "UNAUTHENTIC"))
    twice = signed(PAID).replace(b"</xml>", b"<total_fee>1</total_fee></xml>")
    yield notification("twice", "an element that stands twice", twice, error("BODY_INVALID", "UNAUTHENTIC"))
    refund = {"out_refund_no": "R1", "out_trade_no": NUMBER, "refund_fee": "60", "refund_status": "SUCCESS"}
    around = {"return_code": "SUCCESS", "appid": APPID, "mch_id": MCHID, "nonce_str": "n", "req_info": sealed(xml(refund, "root"))}
    yield notification("refunded", "nobody signs refunds", xml(around), error("SIGNATURE_MISSING", "UNAUTHENTIC", "accept_unauthenticated"))

    def invoke(kind: str, name: str, what: str, params: dict[str, Any], result: Fields, **changes: Any) -> Case:
        given = {"config": config(**changes), "now_ms": NOW * 1000, "random_hex": bytes.fromhex(NONCE).hex(), "invoke": kind, "params": params}
        return case("invoke", f"v2_{name}", what, given, {"result": result})

    for algorithm in ("HMAC-SHA256", "MD5"):
        jsapi = {"appId": APPID, "timeStamp": str(NOW), "nonceStr": NONCE, "package": "prepay_id=wx1", "signType": algorithm}
        suffix = algorithm[:4].strip("-").lower()
        result = jsapi | {"paySign": sign(jsapi, algorithm)}
        yield invoke("jsapi", f"jsapi_{suffix}", "a page", {"prepay_id": "wx1"}, result, sign_type=algorithm)
        app = {"appid": APPID, "partnerid": MCHID, "prepayid": "wx1", "package": "Sign=WXPay", "noncestr": NONCE, "timestamp": str(NOW)}
        result = app | {"sign": sign(app, algorithm)}
        yield invoke("app", f"app_{suffix}", "an app", {"prepay_id": "wx1"}, result, sign_type=algorithm)
