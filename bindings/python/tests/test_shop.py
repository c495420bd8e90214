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
    command = [sys.executable, "-c", start, "--config", str(sandbox_process.folder / "config.json"), "--listen", "127.0.0.1:0"]
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


@pytest.mark.parametrize("method", ["native", "jsapi"])
def test_an_order_turns_to_paid(shop: str, sandbox: Sandbox, method: str) -> None:
    status, order = request("POST", f"{shop}/api/orders", {"method": method})
    assert (status, order["state"], order["amount_fen"], order["method"]) == (201, "paying", 1, method)
    if method == "native":
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
    paid = {**unpaid, "state": "paid", "transaction_id": known["transaction_id"], "paid_at": known["paid_at"]}
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


def test_page_product_metrics_and_trace(shop: str, sandbox: Sandbox) -> None:
    assert ask("GET", f"{shop}/api/product")["sandbox"] == sandbox.address
    with urllib.request.urlopen(f"{shop}/", timeout=10) as page:
        assert b"shop.js" in page.read()
    asked = urllib.request.Request(f"{shop}/metrics", headers={"X-Trace-Id": "trace-7"})
    with urllib.request.urlopen(asked, timeout=10) as metrics:
        assert metrics.headers["X-Trace-Id"] == "trace-7"
        assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert b"payseal_requests_total" in metrics.read()
