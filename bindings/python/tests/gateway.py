"""Alipay's gateway and an app as `cryptography` (OpenSSL) plays them. Nothing here uses payseal's own crypto."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa

from payseal import HttpRequest, HttpResponse
from provider import _PKCS1, _SHA256, private_pem, public_pem

APP_ID = "2021000000000001"


class Gateway:
    """Checks what an app has signed, and answers with what it is given; to be used as a transport."""

    def __init__(self, **answer: Any) -> None:
        self.app_key = rsa.generate_private_key(65537, 2048)
        self.alipay_key = rsa.generate_private_key(65537, 2048)
        self.answer: dict[str, Any] = answer
        self.requests: list[HttpRequest] = []
        self.fields: dict[str, str] = {}

    def config(self, **changes: str) -> dict[str, str]:
        keys = {"private_key": private_pem(self.app_key), "alipay_public_key": public_pem(self.alipay_key)}
        return {"provider": "alipay", "app_id": APP_ID, **keys, **changes}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        is_form = dict(request.headers)["Content-Type"].startswith("application/x-www-form-urlencoded")
        self.fields = self.check(urlsplit(request.url).query, request.body.decode() if is_form else "")
        content = json.dumps({"code": "10000", "msg": "Success", **self.answer}, ensure_ascii=False)
        node = self.fields["method"].replace(".", "_") + "_response"
        body = f'{{"{node}":{content},"sign":"{self.sign(content.encode())}"}}'
        return HttpResponse(200, [("Content-Type", "text/html;charset=utf-8")], body.encode())

    def check(self, *encoded: str) -> dict[str, str]:
        """The fields of what the app has signed; a file is not among them."""
        fields = dict(pair for part in encoded for pair in parse_qsl(part, keep_blank_values=True, strict_parsing=bool(part)))
        signature = base64.b64decode(fields.pop("sign"), validate=True)
        if "file" not in fields["method"]:
            self.app_key.public_key().verify(signature, canonical(fields), _PKCS1, _SHA256)
        return fields

    def sign(self, message: bytes) -> str:
        return base64.b64encode(self.alipay_key.sign(message, _PKCS1, _SHA256)).decode()

    def notification(self, **fields: str) -> bytes:
        """The body of a notification, as payments are signed."""
        signed = {**fields, "sign_type": "RSA2", "sign": self.sign(canonical(fields))}
        return "&".join(f"{name}={quote(value, safe='')}" for name, value in signed.items()).encode()


def canonical(fields: dict[str, str]) -> bytes:
    return "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value).encode()
