"""Mini-programs and pages, with a cache that is a dictionary."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Optional

import payseal
from payseal import HttpRequest, HttpResponse, weixin

CONFIG = {"provider": "weixin", "appid": "wxd678efh567hg6787", "secret": "5eCreT0fTheApp5eCreT0fTheApp5eCr"}
ANSWERS = {
    "/sns/jscode2session": {"openid": "oUpF8uMuAJO", "session_key": "HyVFkGl5F5OQWJZZaNzBBg=="},
    "/cgi-bin/stable_token": {"access_token": "72_token", "expires_in": 7200},
    "/cgi-bin/ticket/getticket": {"errcode": 0, "errmsg": "ok", "ticket": "a-ticket", "expires_in": 7200},
}


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
    """Answers, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.url.split("?")[0].removeprefix("https://api.weixin.qq.com")
        self.asked.append(path)
        return HttpResponse(200, [("Content-Type", "application/json")], json.dumps(ANSWERS[path]).encode())


def test_two_clients_with_one_cache_fetch_a_token_once() -> None:
    cache, platform = Dictionary(), Platform()
    for _ in range(2):
        with payseal.Client(CONFIG, cache=cache, transport=platform) as client:
            assert weixin.access_token(client) == "72_token"
    assert platform.asked == ["/cgi-bin/stable_token"]
    assert list(cache.values) == ["payseal:weixin:wxd678efh567hg6787:access_token"]


def test_a_cache_that_fails_fails_nothing() -> None:
    with payseal.Client(CONFIG, cache=Dictionary(broken=True), transport=Platform()) as client:
        assert weixin.access_token(client) == "72_token"


def test_a_page_is_signed() -> None:
    with payseal.Client(CONFIG, transport=Platform()) as client:
        config = weixin.js_config(client, "https://shop.example.com/cart?a=1#top")
    text = f"jsapi_ticket=a-ticket&noncestr={config.nonceStr}&timestamp={config.timestamp}&url=https://shop.example.com/cart?a=1"
    assert config.signature == hashlib.sha1(text.encode()).hexdigest()


def test_a_code_is_exchanged_for_the_user_also_with_coroutines() -> None:
    platform = Platform()
    with payseal.Client(CONFIG, transport=platform) as client:
        session = weixin.jscode2session(client, "033abc")
    assert (session.openid, "HyVF" in repr(session)) == ("oUpF8uMuAJO", False)

    async def run() -> weixin.Session:
        async def transport(request: HttpRequest) -> HttpResponse:
            return platform(request)

        async with payseal.AsyncClient(CONFIG, transport=transport) as client:
            assert await weixin.access_token_async(client) == "72_token"
            return await weixin.jscode2session_async(client, "033abc")

    assert asyncio.run(run()) == session
