"""A host's own HTTP client: what it is given, and what becomes of what it does."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Callable

import httpx
import pytest

import payseal
from payseal import Code, Failure, Outcome, TransportFailure
from payseal.contrib.httpx import HttpxTransport
from provider import NATIVE, ORDER, Provider

MakeClient = Callable[..., payseal.Client]


@pytest.mark.parametrize(
    ("failure", "code", "outcome"),
    [
        (TransportFailure(Failure.NOT_SENT, "no route"), Code.CONNECT_FAILED, Outcome.NOT_SENT),
        (TransportFailure(Failure.SENT, "reset"), Code.CONNECTION_LOST, Outcome.UNKNOWN),
        (TransportFailure(Failure.TIMEOUT, "too late"), Code.TIMEOUT, Outcome.UNKNOWN),
        (TransportFailure(Failure.CANCELLED, "enough"), Code.CANCELLED, Outcome.UNKNOWN),
        (ZeroDivisionError("a secret of the host"), Code.CONNECTION_LOST, Outcome.UNKNOWN),
    ],
    ids=str,
)
def test_a_failure_says_how_far_the_request_came(make_client: MakeClient, failure: Exception, code: Code, outcome: Outcome) -> None:
    def transport(_request: payseal.HttpRequest) -> payseal.HttpResponse:
        raise failure

    with pytest.raises(payseal.TransportError) as failed:
        make_client(transport=transport).execute(NATIVE, body=ORDER, options={"max_attempts": 1})
    assert (failed.value.code, failed.value.outcome) == (code, outcome)
    assert failed.value.__cause__ is failure
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        payseal.HttpResponse(99, {}, b""),
        payseal.HttpResponse(1 << 40, {}, b""),
        payseal.HttpResponse("200", {}, b""),  # type: ignore[arg-type]
        payseal.HttpResponse(200, {"A": "b\r\nWechatpay-Serial: x"}, b""),
        payseal.HttpResponse(200, {}, None),  # type: ignore[arg-type]
        payseal.HttpResponse(200, [("no pair",)], b""),  # type: ignore[list-item]
    ],
    ids=str,
)
def test_an_answer_that_is_none_leaves_the_outcome_unknown(make_client: MakeClient, answer: Any) -> None:
    """The request has left, whatever a broken transport makes of the answer."""
    with pytest.raises(payseal.PaysealError) as failed:
        make_client(transport=lambda _request: answer).execute(NATIVE, body=ORDER, options={"max_attempts": 1})
    assert failed.value.outcome == Outcome.UNKNOWN


def test_an_interrupt_passes_and_is_counted(make_client: MakeClient) -> None:
    def transport(_request: payseal.HttpRequest) -> payseal.HttpResponse:
        raise KeyboardInterrupt

    client = make_client(transport=transport)
    with pytest.raises(KeyboardInterrupt):
        client.execute(NATIVE, body=ORDER)
    assert 'outcome="unknown"} 1' in client.metrics()


def test_a_cancellation_before_the_call_sends_nothing(make_client: MakeClient) -> None:
    cancellation = payseal.Cancellation()
    cancellation.trigger()
    cancellation.trigger()
    for arguments in ({"transport": lambda _request: pytest.fail("something was sent")}, {}):
        with pytest.raises(payseal.TransportError) as failed:
            make_client(**arguments).execute(NATIVE, body=ORDER, cancellation=cancellation)
        assert (failed.value.code, failed.value.outcome) == (Code.CANCELLED, Outcome.NOT_SENT)


def test_a_cancellation_ends_the_pause_before_a_retry(make_client: MakeClient) -> None:
    cancellation = payseal.Cancellation()
    sent: list[payseal.HttpRequest] = []

    def transport(request: payseal.HttpRequest) -> payseal.HttpResponse:
        sent.append(request)
        threading.Timer(0.05, cancellation.trigger).start()
        raise TransportFailure(Failure.SENT, "reset")

    client = make_client({"retry": {"base_ms": 10_000, "cap_ms": 10_000}, "timeouts": {"total_ms": 60_000}}, transport=transport)
    with pytest.raises(payseal.TransportError) as failed:
        client.execute(NATIVE, body=ORDER, cancellation=cancellation)
    assert (failed.value.code, failed.value.outcome) == (Code.CANCELLED, Outcome.UNKNOWN)
    assert len(sent) == 1


def test_a_request_shows_no_secret() -> None:
    request = payseal.HttpRequest("GET", "https://h/v3/a?openid=o", (("Authorization", "secret"),), b"secret", 1, 1)
    assert repr(request) == "HttpRequest(GET https://h/v3/a)"


class Recorder(BaseHTTPRequestHandler):
    """Keeps what arrives, byte for byte."""

    seen: list[tuple[str, list[tuple[str, str]], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.requestline, self.headers.items(), body))
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def recorder() -> Any:
    server = HTTPServer(("127.0.0.1", 0), Recorder)
    Recorder.seen = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("own", [True, False], ids=["httpx", "built-in"])
def test_what_is_signed_is_what_arrives(provider: Provider, recorder: HTTPServer, own: bool) -> None:
    """Path and query are not encoded again, no header of the HTTP client is added, no redirect is followed."""
    address = f"http://127.0.0.1:{recorder.server_port}"
    http = httpx.Client(headers={"X-Mine": "1"}, cookies={"a": "b"}, auth=("user", "password"), follow_redirects=True, trust_env=False)
    config = provider.config(hosts=[address])
    query = {"q": "a b+c&d=e'(f)*~!@:,;$[]{}|\\^`<>\"%41%zz/?#茶"}
    with (
        http,
        payseal.Client(config, transport=HttpxTransport(http) if own else None) as client,
        pytest.raises(payseal.TransportError) as failed,
    ):
        client.execute("GET /v3/x/{a}", path={"a": "b'(c)*~!@:,;$&=+ %41茶"}, query=query)
    assert failed.value.code == Code.RESPONSE_INVALID
    ((line, headers, body),) = Recorder.seen
    target = line.split(" ")[1]
    arrived = tuple((name.title(), value) for name, value in headers)
    provider.check_request(payseal.HttpRequest("GET", address + target, arrived, body, 0, 0))
    names = [name for name, _ in arrived]
    assert len(names) == len(set(names))
    assert not {"X-Mine", "Cookie", "Accept-Encoding"} & set(names)
