"""Clients over a fork: what gunicorn with --preload and multiprocessing do."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable

import pytest

import payseal
from provider import NATIVE, QUERY, Provider
from sandbox import Sandbox
from test_sandbox import order

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    # From Python 3.12 on: a fork beside threads is what is tested here.
    pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning"),
]
FORK = multiprocessing.get_context("fork") if hasattr(os, "fork") else None


def in_child(work: Callable[[], Any]) -> Any:
    """What the function returns in a forked child."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # a child that hangs must not outlive its test
        try:
            os.close(read)
            os.write(write, json.dumps(work()).encode())
            os._exit(0)
        except BaseException as failure:
            os.write(write, json.dumps(f"{type(failure).__name__}: {failure}").encode())
            os._exit(1)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        text = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, text
    return json.loads(text)


@pytest.mark.timeout(300)  # each child seeds its random generator from the processor's jitter, which takes its time
def test_a_thousand_children_never_share_a_nonce(provider: Provider) -> None:
    with payseal.Client(provider.config()) as client:

        def nonce() -> Any:
            return client.invoke("jsapi", {"prepay_id": "wx1"})["nonceStr"]

        nonces = {nonce()}
        for _ in range(1000):
            nonces.add(in_child(nonce))
        assert len(nonces) == 1001


def test_both_sides_of_a_fork_talk_to_the_provider(sandbox: Sandbox) -> None:
    """The parent has a pooled connection when it forks; both go on, and neither reads the other's answers."""
    with payseal.Client(sandbox.config()) as client:

        def round_trip() -> Any:
            body = order()
            client.execute(NATIVE, body=body)
            number = body["out_trade_no"]
            return client.execute(QUERY, path={"out_trade_no": number}).json()["out_trade_no"] == number

        assert round_trip()
        for _ in range(10):
            assert in_child(round_trip) is True
            assert round_trip()
        with ThreadPoolExecutor(4) as pool:
            both = [pool.submit(round_trip) for _ in range(20)]
            assert in_child(lambda: [round_trip() for _ in range(20)]) == [True] * 20
            assert all(future.result() for future in both)


def test_a_fork_amid_running_calls_leaves_the_child_usable(sandbox: Sandbox) -> None:
    """Whatever the other threads of the parent hold at that moment is not held in the child."""
    stop = threading.Event()
    with payseal.Client(sandbox.config()) as client:

        def hammer() -> None:
            while not stop.is_set():
                client.execute(QUERY, path={"out_trade_no": number})
                client.invoke("jsapi", {"prepay_id": "wx1"})
                client.metrics()

        body = order()
        number = body["out_trade_no"]
        client.execute(NATIVE, body=body)
        with ThreadPoolExecutor(4) as pool:
            hammers = [pool.submit(hammer) for _ in range(4)]
            try:
                for _ in range(30):
                    assert in_child(lambda: client.execute(QUERY, path={"out_trade_no": number}).json()["trade_state"]) == "NOTPAY"
            finally:
                stop.set()
            for future in hammers:
                future.result()


def test_a_child_may_close_what_the_parent_made(provider: Provider) -> None:
    with payseal.Client(provider.config()) as client:

        def close() -> Any:
            client.close()
            return client.closed

        assert in_child(close) is True
        assert client.invoke("jsapi", {"prepay_id": "wx1"})


def test_an_asyncio_client_makes_new_threads_in_the_child(provider: Provider) -> None:
    import asyncio

    client = payseal.AsyncClient(provider.config(), max_workers=2)

    def sign() -> Any:
        return asyncio.run(client.invoke("jsapi", {"prepay_id": "wx1"}))["signType"]

    assert sign() == "RSA"
    assert in_child(sign) == "RSA"
    assert sign() == "RSA"
    asyncio.run(client.aclose())


def call_in_pool(_turn: int) -> tuple[int, int]:
    """Runs in a worker of multiprocessing, with the client it inherited."""
    body = order(out_trade_no=f"fork{os.getpid()}n{os.urandom(6).hex()}")
    return os.getpid(), POOL_CLIENT[0].execute(NATIVE, body=body).info.http_status


POOL_CLIENT: list[payseal.Client] = []


def test_a_multiprocessing_pool_inherits_the_client(sandbox: Sandbox) -> None:
    assert FORK is not None
    with payseal.Client(sandbox.config()) as client:
        POOL_CLIENT[:] = [client]
        with FORK.Pool(3) as pool:
            answers = pool.map(call_in_pool, range(30), chunksize=1)
    assert {status for _, status in answers} == {200}
    assert os.getpid() not in {process for process, _ in answers}


APPLICATION = """
import json, os, sys
sys.path[:0] = {paths!r}
import payseal
if {library!r}: payseal.load({library!r})
client = payseal.Client(open({config!r}, "rb").read())
client.execute("GET /v3/pay/transactions/out-trade-no/{{out_trade_no}}", path={{"out_trade_no": {number!r}}})

def app(environ, start_response):
    answer = client.execute("GET /v3/pay/transactions/out-trade-no/{{out_trade_no}}", path={{"out_trade_no": {number!r}}})
    nonce = client.invoke("jsapi", {{"prepay_id": "wx1"}})["nonceStr"]
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([os.getpid(), nonce, answer.json()["trade_state"]]).encode()]
"""


def test_gunicorn_preloads_the_client(sandbox: Sandbox, tmp_path: Path) -> None:
    """Made and used in the arbiter, then used by its workers."""
    import urllib.request

    with payseal.Client(sandbox.config()) as client:
        body = order()
        client.execute(NATIVE, body=body)
    source = Path(payseal.__file__).resolve().parents[1]
    (tmp_path / "application.py").write_text(
        APPLICATION.format(
            paths=[str(source)],
            library=os.environ.get("PAYSEAL_LIBRARY", ""),
            config=str(sandbox.folder / "config.json"),
            number=body["out_trade_no"],
        )
    )
    options = ["--preload", "--workers=3", "--bind=127.0.0.1:0", "--chdir", str(tmp_path), "--worker-tmp-dir", str(tmp_path)]
    gunicorn = subprocess.Popen([sys.executable, "-m", "gunicorn", *options, "application:app"], stderr=subprocess.PIPE, text=True)
    try:
        assert gunicorn.stderr is not None
        lines = iter(gunicorn.stderr.readline, "")
        address = next(line.split("Listening at: ")[1].split(" ")[0] for line in lines if "Listening at: " in line)
        seen: dict[int, set[str]] = {}
        while len(seen) < 2 or sum(map(len, seen.values())) < 30:
            with urllib.request.urlopen(address, timeout=10) as answer:
                worker, nonce, state = json.loads(answer.read())
            assert state == "NOTPAY"
            assert not any(nonce in nonces for nonces in seen.values())
            seen.setdefault(worker, set()).add(nonce)
        assert gunicorn.pid not in seen
    finally:
        gunicorn.terminate()
        gunicorn.wait(10)
        assert gunicorn.stderr is not None
        gunicorn.stderr.close()
