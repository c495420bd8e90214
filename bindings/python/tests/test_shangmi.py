"""A merchant whose scheme is 国密: SM2, SM3 and SM4 in place of RSA and AES, by configuration alone."""

from __future__ import annotations

import pytest

from provider import QUERY
from sandbox import Sandbox
from test_deliveries import Service


@pytest.mark.parametrize("file", ["config.json", "config-certificate.json"])
def test_a_payment_is_ordered_queried_and_told(sm2_sandbox: Sandbox, file: str) -> None:
    config = sm2_sandbox.config(file)
    assert config["scheme"] == "WECHATPAY2-SM2-WITH-SM3"
    service = Service(config)
    try:
        number = service.order()
        answer = service.client.execute(QUERY, path={"out_trade_no": number})
        assert answer.info.verified
        sm2_sandbox.pay(number)
        (delivery,) = sm2_sandbox.control("GET", f"/sandbox/notifications?out_trade_no={number}")
        sm2_sandbox.control("POST", f"/sandbox/notifications/{delivery['id']}/resend")
        assert set(service.numbers()) == {number}
    finally:
        service.close()
