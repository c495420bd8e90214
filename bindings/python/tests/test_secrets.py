"""No secret and no personal data in any error, log record, metric or representation."""

from __future__ import annotations

import logging
import re
import traceback
from pathlib import Path
from typing import Any

import payseal
from provider import JSAPI, NATIVE, ORDER, TRANSACTION, Provider, now_ms, private_pem, public_pem

OPENID = "oCANARYuMuAJO_M2pxb1Q9zNjWeS6o"
CARD = "6222021234567890123"


class Everything(logging.Handler):
    """Keeps the text of every record."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts += [record.getMessage(), str(vars(record))]


def described(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__)) + repr(error) + str(vars(error))


def test_no_secret_is_seen_anywhere(provider: Provider) -> None:
    handler = Everything()
    logger = logging.Logger("everything", logging.DEBUG)
    logger.addHandler(handler)
    canaries = [*provider.secrets(), OPENID, CARD]
    texts = handler.texts
    answers: list[Any] = [
        payseal.TransportFailure(payseal.Failure.SENT, "reset"),
        provider.answer({"code": "PARAM_ERROR", "message": "no", "detail": {"value": "x"}}, status=400),
        provider.answer({"prepay_id": "wx1"}, signature="AAAA"),
        provider.answer({"payer": {"openid": OPENID}, "bank": CARD}, timestamp=1),
        payseal.HttpResponse(502, {}, f"<html>{OPENID}</html>".encode()),
        provider.answer({"prepay_id": "wx1"}),
    ]

    def transport(request: payseal.HttpRequest) -> payseal.HttpResponse:
        texts.append(repr(request))
        canaries.append(re.search(r'signature="([^"]+)"', str(request.headers)).group(1))  # type: ignore[union-attr]
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    def attempt(call: Any) -> None:
        try:
            texts.append(repr(call()))
        except (payseal.PaysealError, TypeError, ValueError) as error:
            texts.append(described(error))

    with payseal.Client(provider.config(), now_ms=now_ms, logger=logger, transport=transport) as client:
        body = {**ORDER, "payer": {"openid": OPENID}, "attach": CARD}
        for _ in range(len(answers)):
            attempt(lambda: client.execute(JSAPI, body=body, options={"max_attempts": 1}))
        attempt(lambda: client.execute(NATIVE, body={**body, "unknown": CARD}))
        attempt(lambda: client.execute(NATIVE, body={**body, "amount": {"total": CARD}}))
        headers, message = provider.notification({**TRANSACTION, "payer": {"openid": OPENID}, "attach": CARD})
        texts.append(str(client.open_notification(headers, message).event))
        attempt(lambda: client.open_notification(headers, message + b" "))
        attempt(lambda: client.open_notification([], message))
        texts += [client.metrics(), repr(client), str(vars(client))]
    for change in (
        {"merchant_serial": "zz"},
        {"private_key": private_pem(provider.merchant_key)[:-200]},
        {"private_key": private_pem(provider.merchant_key) + private_pem(provider.platform_key)},
        {"platform_public_keys": {"PUB_KEY_ID_1": private_pem(provider.merchant_key)}},
        {"platform_public_keys": {"PUB_KEY_ID_1": public_pem(provider.merchant_key)}},
        {"apiv3_key": provider.apiv3_key + "x"},
        {"proxy": f"http://user:{provider.apiv3_key}@[bad"},
        {"hosts": [f"https://user:{provider.apiv3_key}@h"]},
        {provider.apiv3_key[:20]: "the key in the wrong place"},
    ):
        attempt(lambda change=change: payseal.Client(provider.config(**change)))
    attempt(lambda: payseal.Client('{"apiv3_key": "' + provider.apiv3_key + '", oops}'))
    attempt(lambda: payseal.crypto.sign("RSA-SHA256", private_pem(provider.merchant_key)[:-100], b""))
    assert len(texts) > 40
    seen = "\n".join(texts)
    for canary in canaries:
        assert canary not in seen


def test_the_package_prints_nothing() -> None:
    source = Path(payseal.__file__).parent
    for file in source.rglob("*.py"):
        assert not re.search(r"^\s*print\(|sys\.std(out|err)|os\.environ|getenv", file.read_text(), re.MULTILINE), file
