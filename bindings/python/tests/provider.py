"""WeChat Pay and a merchant as `cryptography` (OpenSSL) plays them: the independent oracle of these tests.

Nothing here uses payseal's own crypto.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from typing import Any, Optional

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from payseal import HttpRequest, HttpResponse

NOW = 1_700_000_000
"""What the injected clock answers, seconds."""
MCHID = "1900007291"
APPID = "wx8888888888888888"
MERCHANT_SERIAL = "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000072912023111400000001"

_PKCS1 = padding.PKCS1v15()
_SHA256 = hashes.SHA256()


def now_ms() -> int:
    return NOW * 1000


def private_pem(key: rsa.RSAPrivateKey) -> str:
    pkcs8 = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, info).decode()


class Provider:
    """Keys of both sides, and what each of them signs, checks and encrypts."""

    def __init__(self) -> None:
        self.merchant_key = rsa.generate_private_key(65537, 2048)
        self.platform_key = rsa.generate_private_key(65537, 2048)
        self.apiv3_key = secrets.token_hex(16)

    def config(self, **changes: Any) -> dict[str, Any]:
        """A complete configuration; a change of None leaves a key out."""
        values = {
            "provider": "wechat",
            "mchid": MCHID,
            "merchant_serial": MERCHANT_SERIAL,
            "private_key": private_pem(self.merchant_key),
            "apiv3_key": self.apiv3_key,
            "platform_public_keys": {PUBLIC_KEY_ID: public_pem(self.platform_key)},
            "appid": APPID,
            "notify_url": "https://shop.example/notify/wechat",
            **changes,
        }
        return {key: value for key, value in values.items() if value is not None}

    def secrets(self) -> list[str]:
        """Texts that must never be seen: the keys, line by line."""
        lines = private_pem(self.merchant_key).splitlines()[1:-1]
        return [self.apiv3_key, *lines]

    def sign(self, message: bytes) -> bytes:
        """What a merchant's signer does, for example in an HSM."""
        return self.merchant_key.sign(message, _PKCS1, _SHA256)

    def check_merchant_signature(self, message: bytes, signature: str) -> None:
        self.merchant_key.public_key().verify(base64.b64decode(signature, validate=True), message, _PKCS1, _SHA256)

    def check_request(self, request: HttpRequest) -> dict[str, str]:
        """Verify a request's Authorization over the exact bytes sent, as the provider does; its fields."""
        scheme, _, rest = dict(request.headers)["Authorization"].partition(" ")
        assert scheme == "WECHATPAY2-SHA256-RSA2048"
        fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        target = "/" + request.url.split("/", 3)[3]
        message = f"{request.method}\n{target}\n{fields['timestamp']}\n{fields['nonce_str']}\n".encode() + request.body + b"\n"
        self.check_merchant_signature(message, fields["signature"])
        assert (fields["mchid"], fields["serial_no"]) == (MCHID, MERCHANT_SERIAL)
        return fields

    def signed_headers(self, body: bytes, timestamp: object = NOW, **changes: Optional[str]) -> list[tuple[str, str]]:
        """The headers of an answer or notification; a change replaces one, None leaves it out."""
        nonce = secrets.token_hex(16)
        message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        headers: dict[str, Optional[str]] = {
            "Content-Type": "application/json",
            "Wechatpay-Timestamp": str(timestamp),
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": PUBLIC_KEY_ID,
            "Wechatpay-Signature": base64.b64encode(self.platform_key.sign(message, _PKCS1, _SHA256)).decode(),
        }
        headers.update({f"Wechatpay-{name.capitalize()}": value for name, value in changes.items()})
        return [(name, value) for name, value in headers.items() if value is not None]

    def answer(self, value: object, status: int = 200, timestamp: int = NOW, **changes: Optional[str]) -> HttpResponse:
        """A signed answer."""
        body = b"" if value is None else json.dumps(value, ensure_ascii=False, indent=1).encode()
        return HttpResponse(status, self.signed_headers(body, timestamp, **changes), body)

    def notification(
        self, resource: object, event_type: str = "TRANSACTION.SUCCESS", timestamp: object = NOW, **changes: Optional[str]
    ) -> tuple[list[tuple[str, str]], bytes]:
        """A signed and encrypted notification: headers and body."""
        nonce, aad = secrets.token_hex(6), "transaction"
        plaintext = json.dumps(resource, ensure_ascii=False).encode()
        ciphertext = AESGCM(self.apiv3_key.encode()).encrypt(nonce.encode(), plaintext, aad.encode())
        envelope = {
            "id": secrets.token_hex(16),
            "create_time": "2023-11-15T06:13:20+08:00",
            "event_type": event_type,
            "resource_type": "encrypt-resource",
            "summary": "支付成功",
            "resource": {
                "original_type": "transaction",
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": nonce,
                "associated_data": aad,
                "ciphertext": base64.b64encode(ciphertext).decode(),
            },
        }
        body = json.dumps(envelope, ensure_ascii=False, indent=2).encode()
        return self.signed_headers(body, timestamp, **changes), body


TRANSACTION = {
    "mchid": MCHID,
    "appid": APPID,
    "out_trade_no": "20231115061320A",
    "transaction_id": "4200001234202311150000000001",
    "trade_type": "NATIVE",
    "trade_state": "SUCCESS",
    "trade_state_desc": "支付成功",
    "success_time": "2023-11-15T06:13:20+08:00",
    "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
    "amount": {"total": 1, "payer_total": 1, "currency": "CNY", "payer_currency": "CNY"},
}

ORDER = {"description": "山间清茶", "out_trade_no": "20231115061320A", "amount": {"total": 1, "currency": "CNY"}}
NATIVE = "POST /v3/pay/transactions/native"
JSAPI = "POST /v3/pay/transactions/jsapi"
QUERY = "GET /v3/pay/transactions/out-trade-no/{out_trade_no}"
CLOSE = "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close"
REFUND = "POST /v3/refund/domestic/refunds"
