"""Writes the table of both READMEs from target/bench/report.json, which `make bench` leaves. Usage: measured.py"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What the peers are, and how each measurement is called.
PEERS = {"go": "wechatpay-go", "java": "wechatpay-java", "python": "wechatpayv3", "sign_engine": "aws-lc-rs"}
ALIPAY_PEERS = {"go": "smartwalle/alipay", "java": "alipay-sdk-java", "python": "python-alipay-sdk"}
LIMIT = {"README.md": "the limit", "README.zh-CN.md": "上限"}
PAYMENTS = ("inbox_", "claim_ack")
PAYMENTS_PEERS = {
    "README.md": {"inbox_accept": "a bare insert loop", "inbox_group": "one commit a row", "claim_ack": "River"},
    "README.zh-CN.md": {"inbox_accept": "裸插入循环", "inbox_group": "每行一次提交", "claim_ack": "River"},
}
LANGUAGES = {"go": "Go", "java": "Java", "python": "Python"}
NAMES = {
    "README.md": {
        "client_new": "from a configuration to a ready client",
        "sign_request": "sign a request",
        "open_notification": "verify and decrypt a notification",
        "round_trip": "place orders on a loopback server, 8 callers",
        "resident_memory": "memory of the process",
        "sign_engine": "a request through the core beside a bare signature",
        "alipay_sign": "Alipay: an order string",
        "alipay_notification": "Alipay: read and verify a notification",
        "bill_stream": "read a bill of 2 GB",
        "bill_memory": "memory of the process that reads it",
        "operation_check": "check the parameters of an order",
        "client_catalogue": "what the catalogue adds to making a client",
        "inbox_accept.sqlite.1": "store a callback durably, SQLite, 1 caller",
        "inbox_accept.sqlite.32": "store callbacks durably, SQLite, 32 callers",
        "inbox_accept.postgres.32": "store callbacks durably, PostgreSQL, 32 callers",
        "inbox_accept.mariadb.32": "store callbacks durably, MariaDB, 32 callers",
        "inbox_group.sqlite": "32 callers share commits, SQLite",
        "inbox_group.postgres": "32 callers share commits, PostgreSQL",
        "inbox_group.mariadb": "32 callers share commits, MariaDB",
        "claim_ack.single": "the Go runner hands out an event and acknowledges it, PostgreSQL, 32 workers",
        "claim_ack.batch": "claim and acknowledge in batches of 100, PostgreSQL",
    },
    "README.zh-CN.md": {
        "client_new": "由配置创建可用的客户端",
        "sign_request": "请求签名",
        "open_notification": "通知验签并解密",
        "round_trip": "向回环服务器下单，8 个并发调用方",
        "resident_memory": "进程内存",
        "sign_engine": "经过核心的一次请求与裸签名相比",
        "alipay_sign": "支付宝：生成 orderString",
        "alipay_notification": "支付宝：解析通知并验签",
        "bill_stream": "读取 2 GB 的账单",
        "bill_memory": "读取时的进程内存",
        "operation_check": "检查一笔下单的参数",
        "client_catalogue": "接口目录给创建客户端增加的时间",
        "inbox_accept.sqlite.1": "回调持久化入库，SQLite，1 个调用方",
        "inbox_accept.sqlite.32": "回调持久化入库，SQLite，32 个调用方",
        "inbox_accept.postgres.32": "回调持久化入库，PostgreSQL，32 个调用方",
        "inbox_accept.mariadb.32": "回调持久化入库，MariaDB，32 个调用方",
        "inbox_group.sqlite": "32 个调用方合并提交，SQLite",
        "inbox_group.postgres": "32 个调用方合并提交，PostgreSQL",
        "inbox_group.mariadb": "32 个调用方合并提交，MariaDB",
        "claim_ack.single": "Go Runner 逐条分发并确认事件，PostgreSQL，32 个工作者",
        "claim_ack.batch": "每批领取并确认 100 条，PostgreSQL",
    },
}
# What a reader would ask about the table.
NOTES = {
    "README.md": "A client is made once, and that is where payseal takes its time: it proves every key by a signature and reads the web's root certificates.\n",
    "README.zh-CN.md": "客户端只创建一次，payseal 把时间花在这里：用一次签名验证每把密钥，并加载全部网站根证书。\n",
}
TITLES = {
    "README.md": "## Measured\n\n`make bench` measures the same work side by side in one run. Ratios above 1 mean that payseal is faster or smaller. "
    "This was on {machine}.\n\n"
    "| what | beside | payseal | the other | ratio |\n|---|---|---:|---:|---:|\n",
    "README.zh-CN.md": "## 实测\n\n`make bench` 在同一次运行里用同样的工作量逐项对比；比值大于 1 表示 payseal 更快或更省内存。以下数据测自 {machine}。\n\n"
    "| 项目 | 对比对象 | payseal | 对方 | 比值 |\n|---|---|---:|---:|---:|\n",
}


def machine() -> str:
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    name = re.sub(r"\((R|TM)\)|CPU|Processor", "", model.group(1)) if model else "?"
    return f"{' '.join(name.split())} × {os.cpu_count()}"


def figure(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:,.1f} {unit}"


def table(readme: str, report: list[dict[str, str | float | None]]) -> str:
    rows = []
    for entry in report:
        name, _, language = str(entry["name"]).partition(".")
        if entry["peer"] is None:
            continue  # nothing stands beside it
        if name.startswith(PAYMENTS):
            if entry["name"] not in NAMES[readme]:
                continue  # there are many; these say most
            what, peer = NAMES[readme][str(entry["name"])], PAYMENTS_PEERS[readme][name]
        else:
            what = NAMES[readme][name] + (f" ({LANGUAGES[language]})" if language else "")
            peers = ALIPAY_PEERS if name.startswith("alipay_") else PEERS
            peer = peers.get(language or name, LIMIT[readme])
        unit = str(entry["unit"])
        ours, theirs, ratio = (float(str(entry[key])) for key in ("ours", "peer", "ratio"))
        rows.append(f"| {what} | {peer} | {figure(ours, unit)} | {figure(theirs, unit)} | **{ratio:.2f}** |\n")
    return TITLES[readme].format(machine=machine()) + "".join(rows) + "\n" + NOTES[readme]


def main() -> None:
    report = json.loads((ROOT / "target" / "bench" / "report.json").read_text())
    for readme in NAMES:
        path = ROOT / readme
        before, rest = path.read_text().split("<!-- measured -->\n", 1)
        after = rest.split("<!-- /measured -->\n", 1)[1]
        path.write_text(f"{before}<!-- measured -->\n{table(readme, report)}\n<!-- /measured -->\n{after}")
        print(f"{readme}: {len(report)} rows")


if __name__ == "__main__":
    main()
