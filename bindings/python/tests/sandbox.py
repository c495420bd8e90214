"""Runs the sandbox program and speaks to its control API."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any, Optional


class Sandbox:
    """A simulated WeChat Pay on loopback; it stops when its standard input closes, so it never outlives the tests."""

    def __init__(self, program: Path, folder: Path, *options: str) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [program, "--dir", folder, "--exit-with-stdin", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line.startswith("sandbox: "), f"the sandbox said {line!r}"
        self.address = line.partition(" ")[2]

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def config(self, name: str = "config.json", **changes: Any) -> dict[str, Any]:
        """The configuration it wrote, with changes."""
        values: dict[str, Any] = json.loads((self.folder / name).read_bytes())
        return {**values, **changes}

    def control(self, method: str, path: str, value: Optional[object] = None) -> Any:
        """Ask the control API."""
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def clear_faults(self) -> None:
        self.control("DELETE", "/sandbox/faults")

    def pay(self, out_trade_no: str) -> None:
        self.control("POST", f"/sandbox/orders/{out_trade_no}/pay")
