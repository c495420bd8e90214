"""Clock, random source, signer and logger of the host."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from typing import Any, Callable

import pytest

import payseal
from payseal import Code, Outcome
from provider import NATIVE, ORDER, TRANSACTION, Provider

MakeClient = Callable[..., payseal.Client]
PREPAY = {"prepay_id": "wx201410272009395522657a690389285100"}


class Broken(Exception):
    pass


def broken(*_arguments: object) -> Any:
    raise Broken("the device is on fire")


def test_a_signer_keeps_the_key_elsewhere(make_client: MakeClient, provider: Provider) -> None:
    messages: list[bytes] = []

    def signer(message: bytes) -> bytes:
        messages.append(message)
        return provider.sign(message)

    client = make_client({"private_key": None}, signer=signer)
    values = client.invoke("jsapi", PREPAY)
    (message,) = messages
    assert message.decode() == f"{values['appId']}\n{values['timeStamp']}\n{values['nonceStr']}\n{values['package']}\n"
    provider.check_merchant_signature(message, values["paySign"])


@pytest.mark.parametrize(
    ("callback", "code"),
    [("now_ms", Code.CALLBACK_FAILED), ("random_bytes", Code.CALLBACK_FAILED), ("signer", Code.SIGNER_FAILED)],
)
def test_an_exception_in_a_callback_is_the_cause_of_the_calls_error(make_client: MakeClient, callback: str, code: Code) -> None:
    for _ in range(2):
        with pytest.raises(payseal.ArgumentError) as failed:  # a broken clock is noticed as soon as the client is made
            make_client({"private_key": None} if callback == "signer" else {}, **{callback: broken}).invoke("jsapi", PREPAY)
        assert (failed.value.code, failed.value.outcome) == (code, Outcome.NOT_SENT)
        assert isinstance(failed.value.__cause__, Broken)
        assert "on fire" not in str(failed.value)


def test_a_failed_signer_means_that_nothing_was_sent(make_client: MakeClient) -> None:
    def transport(_request: payseal.HttpRequest) -> payseal.HttpResponse:
        pytest.fail("something was sent")

    client = make_client({"private_key": None}, signer=broken, transport=transport)
    with pytest.raises(payseal.ArgumentError) as failed:
        client.execute(NATIVE, body=ORDER)
    assert (failed.value.code, failed.value.outcome) == (Code.SIGNER_FAILED, Outcome.NOT_SENT)
    assert isinstance(failed.value.__cause__, Broken)


def test_a_call_after_a_failed_one_has_no_stale_cause(make_client: MakeClient) -> None:
    failing = True
    client = make_client(random_bytes=lambda length: broken() if failing else bytes(length))
    with pytest.raises(payseal.ArgumentError):
        client.invoke("jsapi", PREPAY)
    failing = False
    client.invoke("jsapi", PREPAY)
    with pytest.raises(payseal.ArgumentError) as failed:
        client.invoke("jsapi", {})
    assert failed.value.__cause__ is None


@pytest.mark.parametrize(
    ("callback", "function", "kind"),
    [
        ("now_ms", lambda: "now", TypeError),
        ("now_ms", lambda: 1.5, TypeError),
        ("now_ms", lambda: -1, type(None)),
        ("random_bytes", lambda length: bytes(length - 1), ValueError),
        ("random_bytes", lambda length: bytes(length + 1), ValueError),
        ("random_bytes", lambda _length: None, TypeError),
        ("signer", lambda _message: bytes(2000), ValueError),
        ("signer", lambda _message: b"", type(None)),
        ("signer", lambda _message: "text", TypeError),
    ],
)
def test_what_a_callback_must_not_return_is_refused(make_client: MakeClient, callback: str, function: Any, kind: type) -> None:
    with pytest.raises(payseal.ArgumentError) as failed:
        make_client({"private_key": None} if callback == "signer" else {}, **{callback: function}).invoke("jsapi", PREPAY)
    assert failed.value.code in (Code.CALLBACK_FAILED, Code.SIGNER_FAILED)
    assert isinstance(failed.value.__cause__, kind)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_callback_passes(make_client: MakeClient, interrupt: type[BaseException]) -> None:
    def stop(_length: int) -> bytes:
        raise interrupt

    with pytest.raises(interrupt):
        make_client(random_bytes=stop).invoke("jsapi", PREPAY)


def test_an_interrupt_in_a_log_handler_passes(make_client: MakeClient, provider: Provider) -> None:
    class Interrupting(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            raise KeyboardInterrupt

    logger = logging.Logger("interrupting")
    logger.addHandler(Interrupting())
    client = make_client(logger=logger)
    with pytest.raises(KeyboardInterrupt):
        client.open_notification(*provider.notification(TRANSACTION))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broken_log_filter_fails_no_payment(make_client: MakeClient, provider: Provider) -> None:
    logger = logging.Logger("broken")
    logger.addFilter(broken)
    client = make_client(logger=logger)
    assert client.open_notification(*provider.notification(TRANSACTION)).json() == TRANSACTION


def test_callbacks_run_on_the_calling_thread(make_client: MakeClient) -> None:
    threads: set[threading.Thread] = set()

    def random_bytes(length: int) -> bytes:
        threads.add(threading.current_thread())
        return os.urandom(length)

    client = make_client(random_bytes=random_bytes)
    workers = [threading.Thread(target=client.invoke, args=("jsapi", PREPAY)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert threads == set(workers)


def test_a_callback_may_use_another_client(make_client: MakeClient, provider: Provider) -> None:
    vault = make_client()
    nested = make_client(random_bytes=lambda length: vault.invoke("jsapi", PREPAY)["nonceStr"].encode()[:length])
    nested.invoke("jsapi", PREPAY)


def test_callbacks_live_as_long_as_the_client(make_client: MakeClient) -> None:
    import gc

    client = make_client(random_bytes=(lambda fill: lambda length: fill * length)(b"\1"))
    for _ in range(5):
        gc.collect()
        assert client.invoke("jsapi", PREPAY)["nonceStr"] == "01" * 16


def test_log_records_are_python_log_records(make_client: MakeClient, provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("payseal.test")
    client = make_client(logger=logger, transport=lambda _request: provider.answer({"code_url": "weixin://"}))
    with caplog.at_level(logging.DEBUG, "payseal.test"):
        client.execute(NATIVE, body=ORDER, options={"trace_id": "trace-1"})
        with pytest.raises(payseal.TrustError):
            client.open_notification([], b"")
    done = next(record for record in caplog.records if record.payseal["event"] == "call.done")  # type: ignore[attr-defined]
    fields = done.payseal  # type: ignore[attr-defined]
    assert done.levelno == logging.INFO
    assert fields["trace_id"] == "trace-1"
    assert fields["operation"] == NATIVE
    assert fields["out_trade_no"] == ORDER["out_trade_no"]
    assert fields["outcome"] == "ok"
    assert re.match(r"call\.done .*operation=POST /v3/pay/transactions/native", done.getMessage())
    refused = caplog.records[-1]
    assert (refused.levelno, refused.payseal["event"]) == (logging.WARNING, "notification.refused")  # type: ignore[attr-defined]
    json.dumps([record.payseal for record in caplog.records])  # type: ignore[attr-defined]


def test_a_level_that_is_off_costs_nothing_and_shows_nothing(make_client: MakeClient, provider: Provider) -> None:
    seen: list[logging.LogRecord] = []
    logger = logging.Logger("quiet", logging.ERROR)

    def see(record: logging.LogRecord) -> bool:
        seen.append(record)
        return True

    logger.addFilter(see)
    make_client(logger=logger).open_notification(*provider.notification(TRANSACTION))
    assert seen == []
