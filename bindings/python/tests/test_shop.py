"""The FastAPI shop in examples/, run as its own program against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest

import payseal
from payseal.alipay import trade
from sandbox import Sandbox
from test_readme import ask, wait_for

ROOT = Path(__file__).resolve().parents[3]
MAIN = ROOT / "examples" / "fastapi-shop" / "main.py"


@pytest.fixture(scope="module")
def shop(sandbox_process: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The shop's address."""
    library = os.environ.get("PAYSEAL_LIBRARY")
    start = f"import payseal, runpy, sys\nif {library!r}: payseal.load({library!r})\n"
    start += f"sys.path.insert(0, {str(MAIN.parent)!r})\nrunpy.run_path({str(MAIN)!r}, run_name='__main__')"
    keys = sandbox_process.folder
    command = [sys.executable, "-c", start, "--wechat", str(keys / "config.json"), "--alipay", str(keys / "config-alipay.json")]
    environment = {**os.environ, "PYTHONPATH": str(Path(payseal.__file__).resolve().parents[1])}
    log = (tmp_path_factory.mktemp("shop") / "shop.log").open("w+")
    with log, subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            log.seek(0)
            assert line.startswith("shop: http://127.0.0.1:"), log.read()
            yield line.split()[1]
        finally:
            process.terminate()
            process.wait(10)


def request(method: str, url: str, value: Optional[object] = None) -> tuple[int, Any]:
    data = None if value is None else json.dumps(value).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.parametrize("method", ["native", "jsapi", "precreate"])
def test_an_order_turns_to_paid(shop: str, sandbox: Sandbox, method: str) -> None:
    status, order = request("POST", f"{shop}/api/orders", {"method": method})
    assert (status, order["state"], order["amount_fen"], order["method"]) == (201, "paying", 1, method)
    assert order["pay_url"] is None
    if method != "jsapi":
        assert order["code_url"].startswith(sandbox.address)
        assert order["invoke"] is None
        with urllib.request.urlopen(f"{shop}/api/orders/{order['id']}/qr", timeout=10) as picture:
            assert picture.headers["Content-Type"].startswith("image/svg+xml")
            assert b"<svg" in picture.read()
    else:
        assert order["code_url"] is None
        assert order["invoke"]["package"].startswith("prepay_id=")
        checked = sandbox.control("POST", "/sandbox/wx/request-payment", order["invoke"])
        assert "cashier" in json.dumps(checked)
    unpaid = {"id": order["id"], "state": "paying", "amount_fen": 1, "method": method, "transaction_id": None, "paid_at": None}
    assert ask("GET", f"{shop}/api/orders/{order['id']}") == unpaid
    sandbox.pay(order["id"])
    known = sandbox.control("GET", f"/sandbox/orders/{order['id']}")
    paid_at = known["paid_at"] if method != "precreate" else known["paid_at"][:19].replace("T", " ")  # each as its provider writes it
    paid = {**unpaid, "state": "paid", "transaction_id": known["transaction_id"], "paid_at": paid_at}
    wait_for(f"{shop}/api/orders/{order['id']}", paid)


def test_what_is_wrong_is_said(shop: str, sandbox: Sandbox) -> None:
    wrongs: list[object] = [{"method": "cash"}, {}, [], None]
    for wrong in wrongs:
        status, answer = request("POST", f"{shop}/api/orders", wrong)
        assert status == 400
        assert "method" in answer["error"]
    for path in ("/api/orders/nobody", "/api/orders/nobody/qr"):
        status, answer = request("GET", shop + path)
        assert (status, list(answer)) == (404, ["error"])
    sandbox.control("POST", "/sandbox/faults", {"fault": "wrong_signature", "times": 0})
    status, answer = request("POST", f"{shop}/api/orders", {"method": "native"})
    assert (status, answer["outcome"]) == (502, "UNKNOWN")
    status, answer = request("POST", f"{shop}/notify/wechat", {"forged": True})
    assert (status, answer["code"]) == (401, "FAIL")


def told_again(sandbox: Sandbox, number: str) -> str:
    """What the shop answers when the provider tells of the order once more."""
    (notification,) = sandbox.control("GET", f"/sandbox/notifications?out_trade_no={number}")
    delivery = sandbox.control("POST", f"/sandbox/notifications/{notification['id']}/resend")
    return str(delivery["attempts"][-1]["answer"])


def test_a_notification_of_alipay_whose_order_was_changed_pays_nothing(shop: str, sandbox: Sandbox) -> None:
    bought, unpaid = (request("POST", f"{shop}/api/orders", {"method": "precreate"})[1]["id"] for _ in range(2))
    sandbox.pay(bought)
    assert told_again(sandbox, bought) == "success"
    told = sandbox.control("GET", f"/sandbox/exchanges?kind=notification&number={bought}")[0]["body"]
    assert bought in told
    for form in (told.replace(bought, unpaid), f"out_trade_no={unpaid}", ""):
        with urllib.request.urlopen(f"{shop}/notify/alipay", form.encode(), timeout=10) as answer:
            assert answer.read() == b"fail"
    assert ask("GET", f"{shop}/api/orders/{unpaid}")["state"] == "paying"


def test_a_genuine_notification_of_another_amount_pays_nothing(shop: str, sandbox: Sandbox) -> None:
    order = request("POST", f"{shop}/api/orders", {"method": "page"})[1]["id"]  # signed, and at Alipay only when the buyer comes
    with payseal.Client((sandbox.folder / "config-alipay.json").read_bytes()) as client:
        dearer = trade.PrecreateRequest(out_trade_no=order, total_amount="0.02", subject="tea")
        trade.precreate(client, dearer, notify_url=f"{shop}/notify/alipay")
    sandbox.pay(order)
    assert told_again(sandbox, order) == "fail"
    assert ask("GET", f"{shop}/api/orders/{order}")["state"] == "paying"


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirect is an :class:`~urllib.error.HTTPError`."""

    def redirect_request(self, *_: object) -> None:
        return None


def come_back(address: str) -> tuple[int, str]:
    """The status and the location that the buyer's browser gets."""
    with pytest.raises(urllib.error.HTTPError) as answered:
        urllib.request.build_opener(Stay).open(address, timeout=10)
    with answered.value as answer:
        return answer.code, answer.headers.get("Location", "")


def test_a_buyer_who_comes_back_makes_the_shop_ask(shop: str, sandbox: Sandbox) -> None:
    order = request("POST", f"{shop}/api/orders", {"method": "page"})[1]
    number = order["id"]
    assert order["code_url"] is None
    with urllib.request.urlopen(order["pay_url"], timeout=10) as page:
        cashier = page.url
    sandbox.control("POST", "/sandbox/faults", {"fault": "reset_before", "target": "notification", "times": 0})
    sandbox.pay(number)
    back = ask("GET", f"{cashier}/state")["return_url"]

    for forged in (
        back.replace("total_amount=0.01", "total_amount=0.02"),
        f"{shop}/return/alipay?out_trade_no={number}",
        f"{shop}/return/alipay",
    ):
        assert come_back(forged) == (400, "")
    assert ask("GET", f"{shop}/api/orders/{number}")["state"] == "paying"
    assert come_back(back) == (303, f"/?order={number}")
    assert ask("GET", f"{shop}/api/orders/{number}")["state"] == "paid"


def test_page_product_metrics_and_trace(shop: str, sandbox: Sandbox) -> None:
    assert ask("GET", f"{shop}/api/product")["sandbox"] == sandbox.address
    with urllib.request.urlopen(f"{shop}/", timeout=10) as page:
        assert b"shop.js" in page.read()
    for provider, method in (("wechat", "native"), ("alipay", "precreate")):
        assert request("POST", f"{shop}/api/orders", {"method": method})[0] == 201
        asked = urllib.request.Request(f"{shop}/metrics/{provider}", headers={"X-Trace-Id": "trace-7"})
        with urllib.request.urlopen(asked, timeout=10) as metrics:
            assert metrics.headers["X-Trace-Id"] == "trace-7"
            assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert f'payseal_requests_total{{provider="{provider}"' in metrics.read().decode()
    assert request("GET", f"{shop}/metrics/nobody")[0] == 404
