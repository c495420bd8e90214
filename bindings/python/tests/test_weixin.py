"""Mini-programs and pages: with a transport of the test's own, and over real connections with a platform on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Optional
from urllib.parse import parse_qs, urlsplit

import pytest

import payseal
from payseal import HttpRequest, HttpResponse, weixin

APPID = "wxd678efh567hg6787"
SECRET = "5eCreT0fTheApp5eCreT0fTheApp5eCr"
CONFIG = {"provider": "weixin", "appid": APPID, "secret": SECRET}
SESSION_KEY = "HyVFkGl5F5OQWJZZaNzBBg=="
TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVy4wWdAL"


class Dictionary:
    """A cache; or one that fails."""

    def __init__(self, broken: bool = False) -> None:
        self.values: dict[str, bytes] = {}
        self.broken = broken

    def get(self, key: str) -> Optional[bytes]:
        if self.broken:
            raise ConnectionError("not there")
        return self.values.get(key)

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        if self.broken:
            raise ConnectionError("not there")
        assert ttl_s > 0
        self.values[key] = value


class Platform:
    """Knows the app's secret and which of its tokens is good now, answers, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.number = 1
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.was_asked = threading.Event()

    def answer(self, target: str, body: bytes) -> dict[str, Any]:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        self.asked.append(path)
        self.was_asked.set()
        assert self.may_answer.wait(30)
        given = json.loads(body) if body else {key: values[0] for key, values in query.items()}
        if path != "/cgi-bin/ticket/getticket" and given["secret"] != SECRET:
            return {"errcode": 40125, "errmsg": f"invalid appsecret {given['secret']}"}
        if path == "/sns/jscode2session":
            return {"openid": "oUpF8uMuAJO", "session_key": SESSION_KEY}
        if path == "/cgi-bin/stable_token":
            return {"access_token": f"72_token-{self.number}", "expires_in": 7200}
        if given["access_token"] != f"72_token-{self.number}":
            return {"errcode": 40001, "errmsg": "not latest"}
        return {"errcode": 0, "errmsg": "ok", "ticket": TICKET, "expires_in": 7200}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = json.dumps(self.answer(request.url, request.body)).encode()
        return HttpResponse(200, [("Content-Type", "application/json")], answer)

    @contextmanager
    def listening(self) -> Iterator[dict[str, Any]]:
        """A configuration with which the built-in transport comes here."""
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                answer = json.dumps(platform.answer(self.path, self.rfile.read(length))).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield {**CONFIG, "hosts": [f"http://127.0.0.1:{server.server_port}"]}
        finally:
            self.may_answer.set()
            server.shutdown()
            thread.join()
            server.server_close()


def sha1(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """hashlib's SHA-1 over the text that the platform's documentation describes."""
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}"
    return hashlib.sha1(text.encode()).hexdigest()


def test_hashlib_signs_the_published_example_as_the_platform_says() -> None:
    ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    signature = sha1(ticket, "Wm3WZYTPz0wzccnW", 1414587457, "http://mp.weixin.qq.com?params=value")
    assert signature == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"


def test_two_clients_with_one_cache_fetch_a_token_once() -> None:
    cache, platform = Dictionary(), Platform()
    for _ in range(2):
        with payseal.Client(CONFIG, cache=cache, transport=platform) as client:
            assert weixin.access_token(client) == "72_token-1"
    assert platform.asked == ["/cgi-bin/stable_token"]
    assert list(cache.values) == [f"payseal:weixin:{APPID}:access_token"]


def test_a_cache_that_fails_fails_nothing() -> None:
    with payseal.Client(CONFIG, cache=Dictionary(broken=True), transport=Platform()) as client:
        assert weixin.access_token(client) == "72_token-1"


def test_a_page_is_signed_over_a_real_connection_as_hashlib_says() -> None:
    platform = Platform()
    with platform.listening() as config, payseal.Client(config) as client:
        page = weixin.js_config(client, "https://shop.example.com/cart?a=1#top")
    assert page.appId == APPID
    assert page.signature == sha1(TICKET, page.nonceStr, page.timestamp, "https://shop.example.com/cart?a=1")
    assert platform.asked == ["/cgi-bin/stable_token", "/cgi-bin/ticket/getticket"]


def test_threads_that_miss_a_token_together_ask_once() -> None:
    platform = Platform()
    platform.may_answer.clear()
    with platform.listening() as config, payseal.Client(config) as client, ThreadPoolExecutor(8) as pool:
        tokens = [pool.submit(weixin.access_token, client) for _ in range(8)]
        assert platform.was_asked.wait(30)
        platform.may_answer.set()
        assert [token.result(30) for token in tokens] == ["72_token-1"] * 8
    assert platform.asked == ["/cgi-bin/stable_token"]


def test_a_token_that_was_refused_elsewhere_is_replaced() -> None:
    platform = Platform()
    with platform.listening() as config, payseal.Client(config, cache=Dictionary()) as client:
        assert weixin.access_token(client) == "72_token-1"
        platform.number = 2
        assert weixin.access_token(client) == "72_token-1"  # nobody has said that it was ended
        assert weixin.access_token(client, invalid_token="72_token-1") == "72_token-2"
        assert weixin.access_token(client) == "72_token-2"
        assert weixin.access_token(client, invalid_token="72_token-1") == "72_token-2"
        with pytest.raises(payseal.ArgumentError) as refused:
            weixin.access_token(client, invalid_token="")
    assert refused.value.details["field"] == "body.invalid_token"
    assert len(platform.asked) == 2


def test_a_code_is_exchanged_for_the_user_also_with_coroutines() -> None:
    platform = Platform()
    with platform.listening() as config, payseal.Client(config) as client:
        session = weixin.jscode2session(client, "033abc")
    assert (session.openid, session.session_key) == ("oUpF8uMuAJO", SESSION_KEY)

    async def run() -> weixin.Session:
        async def transport(request: HttpRequest) -> HttpResponse:
            return platform(request)

        async with payseal.AsyncClient(CONFIG, transport=transport) as client:
            assert await weixin.access_token_async(client) == "72_token-1"
            platform.number = 2
            assert await weixin.access_token_async(client, invalid_token="72_token-1") == "72_token-2"
            page = await weixin.js_config_async(client, "https://shop.example.com/")
            assert page.signature == sha1(TICKET, page.nonceStr, page.timestamp, "https://shop.example.com/")
            return await weixin.jscode2session_async(client, "033abc")

    assert asyncio.run(run()) == session


def test_nothing_that_is_printed_holds_a_secret() -> None:
    platform, seen = Platform(), []
    other = "0therSecret0therSecret0therSecre"

    def transport(request: HttpRequest) -> HttpResponse:
        response = platform(request)
        seen.extend([repr(request), repr(response)])
        return response

    with payseal.Client(CONFIG, transport=transport) as client:
        seen.append(repr(client.run("access_token")))
        seen.append(repr(weixin.jscode2session(client, "033abc")))
        weixin.js_config(client, "https://shop.example.com/")
    with payseal.Client({**CONFIG, "secret": other}, transport=transport) as client, pytest.raises(payseal.ProviderError) as refused:
        weixin.jscode2session(client, "033abc")
    error = refused.value
    assert error.details["provider_code"] == "40125"
    seen.extend([repr(error), str(error), str(error.details), *traceback.format_exception_only(type(error), error)])
    for text in seen:
        for secret in (SECRET, other, SESSION_KEY, TICKET, "72_token"):
            assert secret not in text, text
