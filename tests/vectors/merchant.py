"""One merchant, its platform, and the two sentences of WeChat Pay v3 that are signed."""

import base64
from pathlib import Path
from typing import Any

from openssl import Key

NOW = 1_700_000_000  # seconds; the injected clock of every case
NONCE_BYTES = bytes.fromhex("593bec0c930bf1afeb40b4a08c8fb242")
NONCE = NONCE_BYTES.hex().upper()
HOST = "https://api.mch.weixin.qq.com"

MCHID = "1900007291"
APPID = "wxd678efh567hg6787"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
APIV3_KEY = "Wj7pGq2ZsX9vB4nR8tYcL1mK5hD3fA6u"

# Serials of certificates: two with a leading zero, which a big integer in hex loses, and one whose first bit makes DER prepend a zero byte.
MERCHANT_SERIAL = "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10"
PLATFORM_SERIAL = "0761F9C719728A8C2B47B8A2D4D1E92F5B3C7A15"
HIGH_BIT_SERIAL = "F5765756002FDD77AB3CD6E1F9C0B0E41D8A6B32"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000072912024111300111600002187"

Case = dict[str, Any]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Merchant:
    """Keys of both sides. `self.config()` is a complete configuration that fits them."""

    def __init__(self, folder: Path) -> None:
        self.key = Key(folder, "merchant")
        self.stranger = Key(folder, "stranger")
        self.platform = Key(folder, "platform")
        self.platform_certified = Key(folder, "platform-certified")
        self.certificate = self.key.certificate(MERCHANT_SERIAL, "payseal test merchant")
        self.platform_certificate = self.platform_certified.certificate(PLATFORM_SERIAL, "payseal test platform")
        self.folder = folder

    def config(self, **changes: Any) -> dict[str, Any]:
        """The default configuration; a change to None removes the member."""
        config = {
            "provider": "wechat",
            "mchid": MCHID,
            "merchant_serial": MERCHANT_SERIAL,
            "private_key": self.key.pkcs8,
            "apiv3_key": APIV3_KEY,
            "platform_public_keys": {PUBLIC_KEY_ID: self.platform.public},
            "platform_certificates": [self.platform_certificate],
            "certificate_refresh": {"enabled": False},
            "hosts": [HOST],
            "appid": APPID,
        } | changes
        return {name: value for name, value in config.items() if value is not None}


def request_message(method: str, target: str, body: bytes, nonce: str = NONCE) -> bytes:
    """What a merchant signs: five lines, each ended by a line feed, the last too."""
    return f"{method}\n{target}\n{NOW}\n{nonce}\n".encode() + body + b"\n"


def authorization(key: Key, message: bytes, serial: str = MERCHANT_SERIAL, nonce: str = NONCE) -> str:
    return f'WECHATPAY2-SHA256-RSA2048 mchid="{MCHID}",nonce_str="{nonce}",signature="{b64(key.sign(message))}",timestamp="{NOW}",serial_no="{serial}"'


def platform_message(timestamp: str, nonce: str, body: bytes) -> bytes:
    """What the platform signs, in answers and notifications: three lines."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def signed_headers(key: Key, serial: str, body: bytes, timestamp: int | str = NOW, nonce: str = "c5ac7061fccab6bf3e254dcf98995b8c") -> dict[str, str]:
    return {
        "Wechatpay-Timestamp": str(timestamp),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": b64(key.sign(platform_message(str(timestamp), nonce, body))),
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        "Wechatpay-Serial": serial,
    }


def lines(headers: dict[str, str], end: str = "\n") -> str:
    return "".join(f"{name}: {value}{end}" for name, value in headers.items())


CODES = {
    "CONFIG_INVALID": 110,
    "CONFIG_UNKNOWN_KEY": 111,
    "CONFIG_EMPTY_SECRET": 112,
    "KEY_INVALID": 113,
    "KEY_UNSUPPORTED": 114,
    "KEY_ROLE": 115,
    "KEY_MISMATCH": 116,
    "PARAMS_INVALID": 121,
    "SIGNATURE_MISSING": 201,
    "SIGNATURE_INVALID": 202,
    "SIGNATURE_PROBE": 203,
    "ALGORITHM_MISMATCH": 204,
    "HEADER_INVALID": 205,
    "UNKNOWN_SERIAL": 206,
    "CLOCK_SKEW": 207,
    "DECRYPTION_FAILED": 208,
    "RESPONSE_MISMATCH": 210,
    "BODY_INVALID": 211,
    "PROVIDER_REJECTED": 401,
    "PROVIDER_RATE_LIMITED": 402,
    "PROVIDER_UNAVAILABLE": 403,
    "INVALID_ARGUMENT": 101,
}
OUTCOMES = {"NOT_SENT": 1, "REJECTED": 2, "UNKNOWN": 3, "UNAUTHENTIC": 4, "MALFORMED": 5}


def error(code_name: str, outcome: str | None = None, field: str | None = None) -> dict[str, Any]:
    expect: dict[str, Any] = {"code": CODES[code_name], "code_name": code_name}
    if outcome:
        expect["outcome"] = OUTCOMES[outcome]
    if field:
        expect["field"] = field
    return expect


def case(kind: str, name: str, what: str, given: dict[str, Any], expect: dict[str, Any]) -> Case:
    return {"id": f"{kind}/{name}", "kind": kind, "what": what, "input": given, "expect": expect}
