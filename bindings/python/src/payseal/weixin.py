"""WeChat's platform for mini-programs and official accounts: who a user is, and what a page needs to call WeChat.

::

    client = payseal.Client({"provider": "weixin", "appid": "wx…", "secret": "…"}, cache=RedisCache(redis))
    session = payseal.weixin.jscode2session(client, code)

The platform signs nothing, so ``info.verified`` is false: an answer is as trustworthy as the TLS connection it came over, and never says
that money moved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from payseal._callbacks import Cache
from payseal.aio import AsyncClient
from payseal.client import Client
from payseal.result import Result, known

__all__ = [
    "Cache",
    "JsConfig",
    "Session",
    "access_token",
    "access_token_async",
    "js_config",
    "js_config_async",
    "jscode2session",
    "jscode2session_async",
]

_SESSION = "GET /sns/jscode2session"


@dataclass(frozen=True)
class Session:
    """Who the user of a mini-program is.

    Attributes:
        openid: The user at this app.
        session_key: The key of the session; never for the mini-program.
        unionid: The user at all apps of the account.
    """

    openid: str
    session_key: str = field(repr=False)
    unionid: Optional[str] = None


@dataclass(frozen=True)
class JsConfig:
    """What a page gives to ``wx.config``. The attributes have the names it wants.

    Attributes:
        appId: The official account.
        timestamp: When it was signed, Unix seconds.
        nonceStr: Random.
        signature: The SHA-1 over ticket, nonce, time and address, hex.
    """

    appId: str
    timestamp: int
    nonceStr: str
    signature: str


def jscode2session(client: Client, code: str) -> Session:
    """Exchange the code of ``wx.login``, which is good once."""
    return _session(client.execute(_SESSION, query={"js_code": code}))


async def jscode2session_async(client: AsyncClient, code: str) -> Session:
    """The same with a coroutine."""
    return _session(await client.execute(_SESSION, query={"js_code": code}))


def access_token(client: Client, *, invalid_token: Optional[str] = None) -> str:
    """The app's access token, from the cache while it is good.

    Args:
        client: A client of the provider ``weixin``.
        invalid_token: The token that the platform refused in a call of your own (errcode 40001, 40014, 42001). It is dropped from the
            cache, and another one comes back. One that leaked can be ended this way.
    """
    return _access_token(client.run("access_token", body=_without(invalid_token)))


async def access_token_async(client: AsyncClient, *, invalid_token: Optional[str] = None) -> str:
    """The same with a coroutine."""
    return _access_token(await client.run("access_token", body=_without(invalid_token)))


def js_config(client: Client, url: str) -> JsConfig:
    """Sign the page at ``url``, its address as the browser shows it, with the ticket of the app, from the cache while it is good."""
    return _js_config(client.run("js_config", body={"url": url}))


async def js_config_async(client: AsyncClient, url: str) -> JsConfig:
    """The same with a coroutine."""
    return _js_config(await client.run("js_config", body={"url": url}))


def _without(invalid_token: Optional[str]) -> Optional[dict[str, str]]:
    return None if invalid_token is None else {"invalid_token": invalid_token}


def _access_token(result: Result) -> str:
    return str(result.json()["access_token"])


def _session(result: Result) -> Session:
    session: Session = known(Session, result.json())
    return session


def _js_config(result: Result) -> JsConfig:
    config: JsConfig = known(JsConfig, result.json())
    return config
