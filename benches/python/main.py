"""payseal beside wechatpayv3 and python-alipay-sdk. Usage: main.py FOLDER prints a JSON line for each measurement, main.py FOLDER memory ours|peer
resident KiB."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bindings" / "python" / "src"))

ORDER = {
    "appid": "wxd678efh567hg6787",
    "mchid": "1900007291",
    "description": "Image形象店-深圳腾大-QQ公仔",
    "out_trade_no": "1217752501201407033233368018",
    "notify_url": "https://www.weixin.qq.com/wxpay/pay.php",
    "amount": {"total": 100, "currency": "CNY"},
    "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
}
APP_ORDER = {
    "out_trade_no": "1217752501201407033233368018",
    "total_amount": "88.88",
    "subject": "Image形象店-深圳腾大-QQ公仔",
    "product_code": "QUICK_MSECURITY_PAY",
}
OPERATION = "POST /v3/pay/transactions/jsapi"
CALLERS = 8
ROUNDS, TURN = 40, 0.05  # seconds

Work = Callable[[], Any]


class Ours:
    def __init__(self, folder: Path) -> None:
        import payseal

        config = (folder / "config.json").read_bytes()
        self.config, self.new = config, payseal.Client
        self.client = payseal.Client(config)
        self.signing = payseal.Client(config, transport=refuse)
        self.message = json.loads((folder / "notification.json").read_text())
        self.headers, self.body = self.message["headers"], self.message["body"].encode()

    def client_new(self) -> None:
        """From the text of a configuration to a client that can sign and verify."""
        self.new(self.config).close()

    def sign_request(self) -> None:
        with suppress(Door):
            self.signing.execute(OPERATION, body=ORDER)
            raise AssertionError("a request went through a door that is closed")

    def open_notification(self) -> None:
        assert self.client.open_notification(self.headers, self.body).json()["trade_state"] == "SUCCESS"

    def round_trip(self) -> None:
        assert self.client.execute(OPERATION, body=ORDER).json()["prepay_id"]


class Peer:
    def __init__(self, folder: Path) -> None:
        import wechatpayv3
        from wechatpayv3 import WeChatPay, WeChatPayType

        config = json.loads((folder / "config.json").read_text())
        [(key_id, key)] = config["platform_public_keys"].items()
        self.client_new: Work = lambda: WeChatPay(
            wechatpay_type=WeChatPayType.JSAPI,
            mchid=config["mchid"],
            private_key=config["private_key"],
            cert_serial_no=config["merchant_serial"],
            apiv3_key=config["apiv3_key"],
            appid=ORDER["appid"],
            notify_url=ORDER["notify_url"],
            public_key=key,
            public_key_id=key_id,
        )
        self.pay = self.client_new()
        self.core = self.pay._core
        self.core._gate_way = config["hosts"][0]
        self.requests = wechatpayv3.core.requests
        self.type = WeChatPayType.JSAPI
        self.message = json.loads((folder / "notification.json").read_text())
        self.headers, self.body = self.message["headers"], self.message["body"]

    def order(self) -> tuple[int, str]:
        answer: tuple[int, str] = self.pay.pay(
            description=ORDER["description"], out_trade_no=ORDER["out_trade_no"], amount=ORDER["amount"], payer=ORDER["payer"], pay_type=self.type
        )
        return answer

    def sign_request(self) -> None:
        with suppress(Door):
            self.order()
            raise AssertionError("a request went through a door that is closed")

    def open_notification(self) -> None:
        assert self.pay.callback(self.headers, self.body)["resource"]["trade_state"] == "SUCCESS"

    def round_trip(self) -> None:
        assert json.loads(self.order()[1])["prepay_id"]

    def close_door(self, closed: bool) -> None:
        self.core_requests = getattr(self, "core_requests", self.requests.post)
        self.requests.post = refuse if closed else self.core_requests


class AlipayOurs:
    def __init__(self, folder: Path) -> None:
        import payseal

        self.client = payseal.Client((folder / "alipay.json").read_bytes())
        self.body = (folder / "alipay-notification.txt").read_bytes()

    def sign(self) -> None:
        """An order for the app, from its parameters to the order string."""
        params = {"operation": "alipay.trade.app.pay", "query": {"notify_url": ORDER["notify_url"]}, "body": APP_ORDER}
        assert self.client.invoke("order_string", params)["order_string"]

    def open_notification(self) -> None:
        assert self.client.open_notification([], self.body).json()["trade_status"] == "TRADE_SUCCESS"


class AlipayPeer:
    def __init__(self, folder: Path) -> None:
        from alipay import AliPay

        config = json.loads((folder / "alipay.json").read_text())
        armour = "-----BEGIN {0}-----\n{1}\n-----END {0}-----"
        self.client = AliPay(
            appid=config["app_id"],
            app_notify_url=ORDER["notify_url"],
            app_private_key_string=armour.format("PRIVATE KEY", config["private_key"]),
            alipay_public_key_string=armour.format("PUBLIC KEY", config["alipay_public_key"]),
            sign_type="RSA2",
        )
        self.body = (folder / "alipay-notification.txt").read_text()

    def sign(self) -> None:
        assert self.client.api_alipay_trade_app_pay(**APP_ORDER)

    def open_notification(self) -> None:
        fields = dict(parse_qsl(self.body))
        assert self.client.verify(fields, fields.pop("sign"))
        assert fields["trade_status"] == "TRADE_SUCCESS"


class Door(BaseException):
    """The door of the HTTP client, which stays closed while signing is measured."""


def refuse(*_: Any, **__: Any) -> Any:
    raise Door


def report(name: str, ours: float, peer: float, unit: str) -> None:
    print(json.dumps({"name": f"{name}.python", "ours": round(ours, 1), "peer": round(peer, 1), "unit": unit, "ratio": round(ours / peer, 3)}), flush=True)


def batch(work: Work) -> float:
    """Calls per second over one turn."""
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < TURN:
        work()
        calls += 1
    return calls / (time.perf_counter() - start)


def in_turns(ours: Work, peer: Work) -> tuple[float, float]:
    """The best batch of each; they take turns, so that what else the machine does falls on both alike."""
    rates = [(batch(ours), batch(peer)) for _ in range(ROUNDS)]
    return max(rate for rate, _ in rates), max(rate for _, rate in rates)


def concurrently(work: Work) -> float:
    calls = 150 * CALLERS
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(lambda _: work(), range(CALLERS)))
        start = time.perf_counter()
        for result in [pool.submit(work) for _ in range(calls)]:
            result.result()
        return calls / (time.perf_counter() - start)


def resident_kib() -> int:
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))


def main() -> None:
    logging.disable(logging.CRITICAL)
    folder = Path(sys.argv[1])
    if sys.argv[2:3] == ["memory"]:
        subject: Ours | Peer = Ours(folder) if sys.argv[3] == "ours" else Peer(folder)
        for _ in range(200):
            subject.open_notification()
            subject.round_trip()
        print(resident_kib())
        return
    ours, peer = Ours(folder), Peer(folder)
    report("client_new", *in_turns(ours.client_new, peer.client_new), "clients/s")
    peer.close_door(True)
    report("sign_request", *in_turns(ours.sign_request, peer.sign_request), "requests/s")
    peer.close_door(False)
    report("open_notification", *in_turns(ours.open_notification, peer.open_notification), "notifications/s")
    rounds = [(concurrently(ours.round_trip), concurrently(peer.round_trip)) for _ in range(5)]
    report("round_trip", max(rate for rate, _ in rounds), max(rate for _, rate in rounds), "requests/s")
    app, app_peer = AlipayOurs(folder), AlipayPeer(folder)
    report("alipay_sign", *in_turns(app.sign, app_peer.sign), "orders/s")
    report("alipay_notification", *in_turns(app.open_notification, app_peer.open_notification), "notifications/s")


if __name__ == "__main__":
    main()
