"""Memory: nothing is kept, also on the ways that end in an error; and a limit of it is an error, not a crash."""

from __future__ import annotations

import sys

import pytest

from test_loading import TESTS, python

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

PRELUDE = f"""
sys.path.insert(0, {str(TESTS)!r})
import gc, resource
import payseal
payseal.load(sys.argv[1])
from provider import NATIVE, ORDER, TRANSACTION, Provider, now_ms
provider = Provider()
answer = provider.answer({{"code_url": "weixin://"}})
client = payseal.Client(provider.config(), now_ms=now_ms, transport=lambda request: answer)
message = provider.notification(TRANSACTION)

def refused(call):
    try:
        call()
    except payseal.PaysealError:
        return
    raise AssertionError("it was not refused")
"""


def test_calls_keep_no_memory() -> None:
    result = python(
        PRELUDE
        + """
def resident():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

config = provider.config()
blob = bytes(100_000)

def everything():
    client.execute(NATIVE, body=ORDER)
    client.open_notification(*message)
    client.notification_reply()
    client.metrics()
    client.invoke("native", {"code_url": "weixin://x"})
    refused(lambda: client.open_notification([], blob))
    refused(lambda: client.execute("no operation"))
    refused(lambda: payseal.Client({"provider": "wechat"}))
    payseal.crypto.digest("SHA-256", blob)
    payseal.crypto.seal("AES-256-GCM", bytes(32), blob, nonce=bytes(12))
    payseal.operations()
    payseal.Cancellation()

for _ in range(300):
    everything()
before = resident()
for _ in range(2000):
    everything()
grown = resident() - before
assert grown < 4_000_000, f"{grown} bytes in 2000 rounds"
for _ in range(10):
    payseal.Client(config).close()
before = resident()
for _ in range(100):
    payseal.Client(config).close()
grown = resident() - before
assert grown < 4_000_000, f"{grown} bytes in 100 clients"
"""
    )
    assert result.returncode == 0, result.stderr


def test_a_notification_opens_within_little_memory() -> None:
    result = python(
        PRELUDE
        + """
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 8_000_000, used + 8_000_000))
for _ in range(2000):
    assert client.open_notification(*message).json() == TRANSACTION
    refused(lambda: client.open_notification([], b"{}"))
"""
    )
    assert result.returncode == 0, result.stderr
