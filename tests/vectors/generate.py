"""Writes target/vectors/: see README.md beside this file. Usage: generate.py FOLDER"""

import base64
import collections
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from exchange import answer_cases, request_cases
from merchant import Case, Merchant
from notification import notification_cases
from primitives import client_cases, crypto_cases, invoke_cases
from shangmi import shangmi_cases
from v2 import v2_cases

from alipay import alipay_cases


def write_fields(folder: Path, fields: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    for name, value in fields.items():
        if value is None:
            continue
        if name.endswith("_base64"):
            (folder / name.removesuffix("_base64")).write_bytes(base64.b64decode(value))
        elif name.endswith("_hex"):
            (folder / name.removesuffix("_hex")).write_bytes(bytes.fromhex(value))
        elif isinstance(value, dict):
            (folder / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), encoding="utf-8", newline="")
        else:
            (folder / name).write_text(str(value), encoding="utf-8", newline="")


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        merchant = Merchant(Path(folder))
        sources = (client_cases, request_cases, answer_cases, notification_cases, invoke_cases, crypto_cases, shangmi_cases, v2_cases, alipay_cases)
        cases: list[Case] = [case for source in sources for case in source(merchant)]

    kinds = collections.Counter(case["kind"] for case in cases)
    if len({case["id"] for case in cases}) != len(cases):
        raise SystemExit("two cases have one id")
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for case in cases:
        write_fields(fresh / case["id"] / "input", case["input"])
        write_fields(fresh / case["id"] / "expect", case["expect"])
    (fresh / "vectors.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    print(f"{target}: {len(cases)} cases:", ", ".join(f"{count} {kind}" for kind, count in kinds.items()))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    main(target)
