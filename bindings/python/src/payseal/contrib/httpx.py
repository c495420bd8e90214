"""Sending requests with an ``httpx`` client that the application already has: its proxies, its TLS settings, its instrumentation.

::

    payseal.Client(config, transport=HttpxTransport(httpx.Client()))
    payseal.AsyncClient(config, transport=AsyncHttpxTransport(httpx.AsyncClient()))

The ``httpx`` client stays the application's: it is not closed here. It must not be shared over a fork.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Union

import httpx

from payseal.transport import (
    AsyncStreamedResponse,
    Failure,
    HttpRequest,
    HttpResponse,
    StreamedResponse,
    TransportFailure,
)


class HttpxTransport:
    """A :class:`~payseal.Transport` over an ``httpx.Client``."""

    def __init__(self, client: httpx.Client) -> None:
        """Use this client; its default headers, cookies, authentication and redirects take no part."""
        self._client = client

    def __call__(self, request: HttpRequest, /) -> Union[HttpResponse, StreamedResponse]:
        """Send it once. ``httpx`` bounds each read; the sum is bounded between two of them."""
        deadline = time.monotonic() + request.timeout_ms / 1000
        if request.head_timeout_ms is not None:
            return self._stream(request, deadline)
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

    def _stream(self, request: HttpRequest, deadline: float) -> StreamedResponse:
        with _failures():
            response = self._client.send(_outgoing(request), stream=True, auth=_AS_SIGNED, follow_redirects=False)

        def pieces() -> Iterator[bytes]:
            with _failures():
                try:
                    for piece in response.iter_raw():
                        yield piece
                        if time.monotonic() > deadline:
                            raise TransportFailure(Failure.TIMEOUT, "the answer took too long")
                finally:
                    response.close()

        return StreamedResponse(response.status_code, response.headers.raw, pieces())


class AsyncHttpxTransport:
    """A :class:`~payseal.AsyncTransport` over an ``httpx.AsyncClient``."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Use this client; its default headers, cookies, authentication and redirects take no part."""
        self._client = client

    async def __call__(self, request: HttpRequest, /) -> Union[HttpResponse, AsyncStreamedResponse]:
        """Send it once. The caller bounds the whole time."""
        if request.head_timeout_ms is not None:
            return await self._stream(request)
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

    async def _stream(self, request: HttpRequest) -> AsyncStreamedResponse:
        with _failures():
            response = await self._client.send(_outgoing(request), stream=True, auth=_AS_SIGNED, follow_redirects=False)

        async def pieces() -> AsyncIterator[bytes]:
            with _failures():
                try:
                    async for piece in response.aiter_raw():
                        yield piece
                finally:
                    await response.aclose()

        return AsyncStreamedResponse(response.status_code, response.headers.raw, pieces())


def _as_signed(request: httpx.Request) -> httpx.Request:
    return request


# Given as an authentication that changes nothing, because None would let httpx look for user names in the URL and in .netrc.
_AS_SIGNED = _as_signed


def _outgoing(request: HttpRequest) -> httpx.Request:
    """Built without the client, which would add its own headers."""
    # A file may take its time, but not to begin, nor to go on.
    timeout = httpx.Timeout((request.head_timeout_ms or request.timeout_ms) / 1000).as_dict()
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
