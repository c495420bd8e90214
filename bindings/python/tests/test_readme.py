"""The README's example, run as a reader would."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

import payseal
from sandbox import Sandbox

README = Path(__file__).resolve().parents[1] / "README.md"


def ask(method: str, url: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as answer:
        return json.loads(answer.read())


def wait_for(url: str, expected: object) -> None:
    deadline = time.monotonic() + 10
    while (seen := ask("GET", url)) != expected:
        assert time.monotonic() < deadline, f"{seen} instead of {expected}"
        time.sleep(0.02)


def test_the_example_takes_an_order_and_hears_that_it_was_paid(sandbox: Sandbox, tmp_path: Path) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    library = os.environ.get("PAYSEAL_LIBRARY")
    (tmp_path / "main.py").write_text(f"import payseal\nif {library!r}: payseal.load({library!r})\nfrom shop import app\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert "http://127.0.0.1:8080" in example
        (tmp_path / "shop.py").write_text(example.replace("http://127.0.0.1:8080", address))
        (tmp_path / "config.json").write_text(json.dumps(sandbox.config()))
        command = [sys.executable, "-m", "uvicorn", "--fd", str(listener.fileno()), "--log-level", "warning", "main:app"]
        environment = {**os.environ, "PYTHONPATH": str(Path(payseal.__file__).resolve().parents[1])}
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, pass_fds=[listener.fileno()])
        try:
            number = f"readme{secrets.token_hex(8)}"
            assert ask("POST", f"{address}/orders/{number}")["code_url"].startswith("http")
            assert ask("GET", f"{address}/orders/{number}") == {"state": "paying"}
            with pytest.raises(HTTPError, match="404"):
                ask("GET", f"{address}/orders/another")
            sandbox.pay(number)
            wait_for(f"{address}/orders/{number}", {"state": "paid"})
        finally:
            server.terminate()
            server.wait(10)
