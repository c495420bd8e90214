"""Sending requests with an ``httpx`` client that the application already has: its proxies, its TLS settings, its instrumentation.

::

    payseal.Client(config, transport=HttpxTransport(httpx.Client()))
    payseal.AsyncClient(config, transport=AsyncHttpxTransport(httpx.AsyncClient()))

The ``httpx`` client stays the application's: it is not closed here. It must not be shared over a fork.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from payseal.transport import Failure, HttpRequest, HttpResponse, TransportFailure


class HttpxTransport:
    """A :class:`~payseal.Transport` over an ``httpx.Client``."""

    def __init__(self, client: httpx.Client) -> None:
        """Use this client; its default headers, cookies, authentication and redirects take no part."""
        self._client = client

    def __call__(self, request: HttpRequest, /) -> HttpResponse:
        """Send it once. ``httpx`` bounds each read; the sum is bounded between two of them."""
        deadline = time.monotonic() + request.timeout_ms / 1000
        with _failures():
            response = self._client.send(_outgoing(request), stream=True, auth=_AS_SIGNED, follow_redirects=False)
            try:
                body = bytearray()
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > request.max_response_bytes:
                        break
                    if time.monotonic() > deadline:
                        raise TransportFailure(Failure.TIMEOUT, "the answer took too long")
            finally:
                response.close()
        return HttpResponse(response.status_code, response.headers.raw, bytes(body))


class AsyncHttpxTransport:
    """A :class:`~payseal.AsyncTransport` over an ``httpx.AsyncClient``."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Use this client; its default headers, cookies, authentication and redirects take no part."""
        self._client = client

    async def __call__(self, request: HttpRequest, /) -> HttpResponse:
        """Send it once. The caller bounds the whole time."""
        with _failures():
            response = await self._client.send(_outgoing(request), stream=True, auth=_AS_SIGNED, follow_redirects=False)
            try:
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > request.max_response_bytes:
                        break
            finally:
                await response.aclose()
        return HttpResponse(response.status_code, response.headers.raw, bytes(body))


def _as_signed(request: httpx.Request) -> httpx.Request:
    return request


# Given as an authentication that changes nothing, because None would let httpx look for user names in the URL and in .netrc.
_AS_SIGNED = _as_signed


def _outgoing(request: HttpRequest) -> httpx.Request:
    """Built without the client, which would add its own headers."""
    timeout = httpx.Timeout(request.timeout_ms / 1000).as_dict()
    return httpx.Request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.body or None,
        extensions={"timeout": timeout},
    )


@contextmanager
def _failures() -> Iterator[None]:
    """Say how far the request came. The name of the exception is the reason: its text may quote a header."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError) as error:
        raise TransportFailure(Failure.NOT_SENT, type(error).__name__) from error
    except httpx.TimeoutException as error:
        raise TransportFailure(Failure.TIMEOUT, type(error).__name__) from error
    except httpx.TransportError as error:
        raise TransportFailure(Failure.SENT, type(error).__name__) from error
