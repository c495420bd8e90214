"""Sending requests with an HTTP client of your own.

Give a :class:`Transport` to :class:`~payseal.Client`, or an :class:`AsyncTransport` to :class:`~payseal.AsyncClient`, and the library opens
no connection itself: it still decides what is sent, checks what comes back, retries, fails over and refreshes keys.
:mod:`payseal.contrib.httpx` has both for ``httpx``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Optional, Protocol, TypeVar, Union

from payseal.notification import Headers

T = TypeVar("T")


@dataclass(frozen=True)
class HttpRequest:
    """A signed request. Send exactly this: follow no redirect, ask for no compression, add no header but framing.

    Attributes:
        method: ``"GET"``, ``"POST"`` …
        url: The absolute URL, already percent-encoded.
        headers: Pairs of name and value.
        body: The exact bytes; may be empty.
        timeout_ms: Milliseconds this attempt may take from connecting to the last byte of the answer.
        max_response_bytes: Stop reading a body at this many bytes.
        head_timeout_ms: There when the answer is a file: milliseconds until its headers are there. Best answered with a
            :class:`StreamedResponse`.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout_ms: int
    max_response_bytes: int
    head_timeout_ms: Optional[int] = None

    def __repr__(self) -> str:
        """Without headers and body: they hold a signature and personal data."""
        return f"HttpRequest({self.method} {self.url.partition('?')[0]})"


@dataclass(frozen=True)
class HttpResponse:
    """What came back, as received.

    Attributes:
        status: The HTTP status.
        headers: A mapping or pairs; prefer pairs, which show a header that came twice.
        body: The raw bytes, not decompressed.
    """

    status: int
    headers: Headers
    body: bytes

    def __repr__(self) -> str:
        """Without headers and body: they may hold a token and personal data."""
        return f"HttpResponse({self.status})"


@dataclass(frozen=True)
class StreamedResponse:
    """What comes back where the answer is a file that may be larger than memory.

    Attributes:
        status: The HTTP status.
        headers: A mapping or pairs.
        pieces: The raw bytes as they come, not decompressed. Closed, where it can be, when the rest is not wanted. It may raise
            :class:`TransportFailure`.
    """

    status: int
    headers: Headers
    pieces: Iterator[bytes]


@dataclass(frozen=True)
class AsyncStreamedResponse:
    """The same for ``asyncio``.

    Attributes:
        status: The HTTP status.
        headers: A mapping or pairs.
        pieces: The raw bytes as they come.
    """

    status: int
    headers: Headers
    pieces: AsyncIterator[bytes]


class Failure(IntEnum):
    """How far a request came that got no answer."""

    NOT_SENT = 1
    """No byte of the request left: name resolution, connect, TLS handshake."""
    SENT = 2
    """Bytes may have left, no complete answer; say this when in doubt."""
    TIMEOUT = 3
    """Bytes may have left and the time is over."""
    CANCELLED = 4
    """Bytes may have left; given up on purpose: no retry follows."""


class TransportFailure(Exception):
    """Raised by a transport to say how far the request came. Anything else it raises counts as ``SENT``."""

    def __init__(self, failure: Failure, reason: str) -> None:
        """``reason`` is a short text for the error's message, without secrets."""
        super().__init__(failure, reason)
        self.failure = failure
        self.reason = reason


class Transport(Protocol):
    """Sends a request and returns the answer; called from any thread that uses the client."""

    def __call__(self, request: HttpRequest, /) -> Union[HttpResponse, StreamedResponse]:
        """Send it once. A :class:`StreamedResponse` may come back where ``request.head_timeout_ms`` is there.

        Raises:
            TransportFailure: No complete answer came.
        """
        ...


class AsyncTransport(Protocol):
    """The same for ``asyncio``; called on the event loop that uses the client."""

    async def __call__(self, request: HttpRequest, /) -> Union[HttpResponse, AsyncStreamedResponse]:
        """Send it once. An :class:`AsyncStreamedResponse` may come back where ``request.head_timeout_ms`` is there.

        Raises:
            TransportFailure: No complete answer came.
        """
        ...


async def within(seconds: float, answer: Awaitable[T]) -> T:
    """What comes of it in so many seconds. Before Python 3.12 ``asyncio.wait_for`` loses a cancellation that comes with the answer."""
    task = asyncio.ensure_future(answer)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not task.done():
        task.cancel()
        raise asyncio.TimeoutError
    return task.result()
