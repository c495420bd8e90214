"""The FastAPI shop in examples/, run as its own program against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest

import payseal
from payseal.alipay import trade
from sandbox import Sandbox
from test_readme import ask

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
    folder = tmp_path_factory.mktemp("shop")
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(payseal.__file__).resolve().parents[1]),
        "DATABASE_URL": f"sqlite:{folder / 'shop.db'}",
    }
    log = (folder / "shop.log").open("w+")
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


def state(shop: str, number: str) -> str:
    return str(ask("GET", f"{shop}/api/orders/{number}")["order"]["state"])


def file(shop: str, number: str) -> Any:
    """All that the operator sees of an order."""
    return ask("GET", f"{shop}/api/operator/orders/{number}")


def until(shop: str, number: str, expected: str) -> Any:
    """The order, once it is in a state."""
    deadline = time.monotonic() + 20
    while (seen := ask("GET", f"{shop}/api/orders/{number}"))["order"]["state"] != expected:
        assert time.monotonic() < deadline, f"{seen} instead of {expected}"
        time.sleep(0.02)
    return seen["order"]


def ordered(shop: str, method: str) -> str:
    """The number of a new order."""
    status, created = request("POST", f"{shop}/api/orders", {"method": method})
    assert status == 201, created
    return str(created["order"]["order_no"])


def exception_of(shop: str, number: str) -> Any:
    """The open exception of an order."""
    (found,) = (each for each in ask("GET", f"{shop}/api/operator/exceptions")["exceptions"] if each["order_no"] == number)
    return found


@pytest.mark.parametrize("method", ["native", "jsapi", "precreate"])
def test_an_order_turns_to_paid(shop: str, sandbox: Sandbox, method: str) -> None:
    status, created = request("POST", f"{shop}/api/orders", {"method": method})
    order, client = created["order"], created["client"]
    assert (status, order["state"], order["amount"], order["method"]) == (201, "paying", 1, method)
    number = order["order_no"]
    assert len(number) <= 32
    if method != "jsapi":
        assert client["kind"] == "qr"
        assert client["code_url"].startswith(sandbox.address)
        with urllib.request.urlopen(f"{shop}/api/orders/{number}/qr", timeout=10) as picture:
            assert picture.headers["Content-Type"].startswith("image/svg+xml")
            assert b"<svg" in picture.read()
    else:
        assert client["kind"] == "invoke"
        assert client["params"]["package"].startswith("prepay_id=")
        checked = sandbox.control("POST", "/sandbox/wx/request-payment", client["params"])
        assert "cashier" in json.dumps(checked)
        assert request("GET", f"{shop}/api/orders/{number}/qr")[0] == 404
    assert ask("GET", f"{shop}/api/orders/{number}") == created
    sandbox.pay(number)
    paid = until(shop, number, "paid")
    assert paid["transaction_id"] == sandbox.control("GET", f"/sandbox/orders/{number}")["transaction_id"]
    assert paid["paid_ms"] > 0
    assert "client" not in ask("GET", f"{shop}/api/orders/{number}")
    last = file(shop, number)["history"][-1]
    assert (last["to"], last["source"]) == ("paid", "notification")


def test_what_is_wrong_is_said(shop: str, sandbox: Sandbox) -> None:
    wrongs: list[object] = [{"method": "cash"}, {}, [], None]
    for wrong in wrongs:
        status, answer = request("POST", f"{shop}/api/orders", wrong)
        assert status == 400
        assert ("method" if isinstance(wrong, dict) else "body") in answer["error"]
    for path in ("/api/orders/nobody", "/api/orders/nobody/qr"):
        status, answer = request("GET", shop + path)
        assert (status, answer["outcome"]) == (404, "NOT_SENT")
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
    bought, unpaid = ordered(shop, "precreate"), ordered(shop, "precreate")
    sandbox.pay(bought)
    assert told_again(sandbox, bought) == "success"
    told = sandbox.control("GET", f"/sandbox/exchanges?kind=notification&number={bought}")[0]["body"]
    assert bought in told
    for form in (told.replace(bought, unpaid), f"out_trade_no={unpaid}", ""):
        with urllib.request.urlopen(f"{shop}/notify/alipay", form.encode(), timeout=10) as answer:
            assert answer.read() == b"fail"
    assert state(shop, unpaid) == "paying"


def test_a_genuine_notification_of_another_amount_is_for_a_person_to_resolve(shop: str, sandbox: Sandbox) -> None:
    order = ordered(shop, "page")  # signed, and at Alipay only when the buyer comes
    with payseal.Client((sandbox.folder / "config-alipay.json").read_bytes()) as client:
        dearer = trade.PrecreateRequest(out_trade_no=order, total_amount="0.02", subject="tea")
        trade.precreate(client, dearer, notify_url=f"{shop}/notify/alipay")
    sandbox.pay(order)
    until(shop, order, "exception")
    exception = exception_of(shop, order)
    assert exception["kind"] == "amount_mismatch"
    resolve = f"{shop}/api/operator/exceptions/{exception['id']}/resolve"
    wrongs: list[object] = [{}, {"note": "x", "state": "rich"}, {"note": 1}, []]
    for wrong in wrongs:
        assert request("POST", resolve, wrong)[0] == 400
    status, answer = request("POST", resolve, {"note": "given back by hand", "state": "closed"})
    assert (status, answer["order"]["state"]) == (200, "closed")
    assert request("POST", resolve, {"note": "once more"})[0] == 409


def test_a_second_payment_waits_for_the_operator(shop: str, sandbox: Sandbox) -> None:
    number = ordered(shop, "native")
    sandbox.pay(number)
    until(shop, number, "paid")
    order = file(shop, number)["order"]
    second = {
        "mchid": order["merchant"],
        "appid": order["application"],
        "out_trade_no": number,
        "transaction_id": "4200000000000000000000000002",
        "trade_state": "SUCCESS",
        "success_time": "2025-06-08T10:34:56+08:00",
        "amount": {"total": 1, "currency": "CNY"},
    }
    event = {"event_type": "TRANSACTION.SUCCESS", "original_type": "transaction", "notify_url": f"{shop}/notify/wechat", "resource": second}
    sandbox.control("POST", "/sandbox/notifications", event)
    until(shop, number, "exception")
    exception = exception_of(shop, number)
    assert exception["kind"] == "second_transaction"
    assert request("POST", f"{shop}/api/operator/exceptions/{exception['id']}/resolve", {"note": "given back"})[0] == 200
    assert until(shop, number, "paid")["transaction_id"] == order["transaction_id"]


@pytest.mark.parametrize("method", ["native", "precreate"])
def test_the_operator_gives_money_back(shop: str, sandbox: Sandbox, method: str) -> None:
    number = ordered(shop, method)
    refund = f"{shop}/api/operator/orders/{number}/refund"
    assert request("POST", refund, {})[0] == 409
    sandbox.pay(number)
    until(shop, number, "paid")
    wrongs: list[object] = [{"amount": "1"}, {"amount": 0.5}, {"amount": 0}, {"amount": -1}, None]
    for wrong in wrongs:
        assert request("POST", refund, wrong)[0] == 400
    assert request("POST", refund, {"amount": 2})[0] == 409
    assert request("POST", refund, {})[0] == 200
    until(shop, number, "refunded")
    (given_back,) = file(shop, number)["refunds"]
    assert (given_back["state"], given_back["amount"]) == ("succeeded", 1)
    assert request("POST", refund, {})[0] >= 400


def test_the_operator_finds_orders(shop: str) -> None:
    older, newer = ordered(shop, "native"), ordered(shop, "jsapi")
    newest = ask("GET", f"{shop}/api/operator/orders?state=paying")["orders"]
    assert [order["order_no"] for order in newest[:2]] == [newer, older]
    earlier = ask("GET", f"{shop}/api/operator/orders?before_ms={newest[0]['created_ms']}")["orders"]
    assert newer not in (order["order_no"] for order in earlier)
    assert ask("GET", f"{shop}/api/operator/stats")["orders"]["paying"] >= 2
    assert ask("GET", f"{shop}/api/operator/dead-letters") == {"dead": []}
    for method, path, expected in (
        ("GET", "orders?before_ms=x", 400),
        ("GET", "orders?state=lost", 400),
        ("GET", "orders/nobody", 404),
        ("POST", "exceptions/x/resolve", 400),
        ("POST", "dead-letters/x/redrive", 400),
    ):
        status, answer = request(method, f"{shop}/api/operator/{path}", {"note": "x"} if method == "POST" else None)
        assert (status, bool(answer["error"])) == (expected, True), path


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
    created = request("POST", f"{shop}/api/orders", {"method": "page"})[1]
    number = created["order"]["order_no"]
    assert created["client"]["kind"] == "redirect"
    with urllib.request.urlopen(created["client"]["url"], timeout=10) as page:
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
    assert state(shop, number) == "paying"
    assert come_back(back) == (303, f"/?order={number}")
    assert state(shop, number) == "paid"
    assert file(shop, number)["history"][-1]["source"] == "query"


def test_page_product_metrics_and_trace(shop: str, sandbox: Sandbox) -> None:
    assert ask("GET", f"{shop}/api/product")["sandbox"] == sandbox.address
    for path, script in (("/", b"shop.js"), ("/operator/", b"operator.js")):
        with urllib.request.urlopen(shop + path, timeout=10) as page:
            assert script in page.read()
    for provider, method in (("wechat", "native"), ("alipay", "precreate")):
        assert request("POST", f"{shop}/api/orders", {"method": method})[0] == 201
        asked = urllib.request.Request(f"{shop}/metrics/{provider}", headers={"X-Trace-Id": "trace-7"})
        with urllib.request.urlopen(asked, timeout=10) as metrics:
            assert metrics.headers["X-Trace-Id"] == "trace-7"
            assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert f'payseal_requests_total{{provider="{provider}"' in metrics.read().decode()
    assert request("GET", f"{shop}/metrics/nobody")[0] == 404
