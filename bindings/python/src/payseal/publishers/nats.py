"""Publishing the outbox to NATS JetStream, with ``nats-py`` (``pip install payseal[nats]``).

A message is confirmed once a stream has it, as many times as the stream has replicas. A message whose subject no stream listens to is
not confirmed. The stream drops what it has seen within its duplicate window.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Optional
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.js.errors import APIError, NoStreamResponseError

from payseal.payments.work import Message
from payseal.publishers._blocking import Blocking
from payseal.publishers._outcome import NotConfirmed
from payseal.publishers._session import Session, SessionPublisher


class AsyncNatsPublisher(SessionPublisher):
    """An :class:`~payseal.payments.AsyncPublisher`."""

    def __init__(self, url: str, *, prefix: str = "", timeout_s: float = 10, options: Optional[Mapping[str, Any]] = None) -> None:
        """Check the address; do not connect.

        Args:
            url: ``nats://host:port``, ``tls://`` for TLS, or several with commas between them.
            prefix: What comes before the topic in a message's subject.
            timeout_s: For a call, with all that it takes.
            options: For :meth:`nats.aio.client.Client.connect`, such as ``tls`` and ``user_credentials``. Its own reconnection is not used.

        Raises:
            ValueError: An address is none; its text is not shown, since it may hold a password.
        """
        super().__init__(timeout_s)
        self._urls = [_checked(address.strip()) for address in url.split(",")]
        self._prefix = prefix
        self._options = dict(options or {})

    async def _connect(self) -> Session:
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def ended() -> None:
            if not lost.done():
                lost.set_result(None)

        async def told(error: Exception) -> None:
            """It is told of the error as well, and would otherwise write it to the log."""

        own = {"allow_reconnect": False, "connect_timeout": self._timeout_s, "closed_cb": ended, "error_cb": told}
        client = Client()
        try:
            await client.connect(self._urls, **{**self._options, **own})
        except BaseException:
            await _closed(client)
            raise
        return _NatsSession(client, self._prefix, self._timeout_s, lost)


class NatsPublisher(Blocking):
    """A :class:`~payseal.payments.Publisher`."""

    def __init__(self, url: str, *, prefix: str = "", timeout_s: float = 10, options: Optional[Mapping[str, Any]] = None) -> None:
        """See :class:`AsyncNatsPublisher`."""
        super().__init__(AsyncNatsPublisher(url, prefix=prefix, timeout_s=timeout_s, options=options))


class _NatsSession(Session):
    def __init__(self, client: Client, prefix: str, timeout_s: float, lost: asyncio.Future[None]) -> None:
        self._client = client
        self._stream = client.jetstream()
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._lost = lost

    def is_lost(self) -> bool:
        return self._lost.done() or not self._client.is_connected

    async def send(self, message: Message) -> None:
        subject = self._prefix + message.topic
        headers = {
            "Nats-Msg-Id": message.message_id,
            "topic": str(message.topic),
            "order_no": message.order_no,
            "created_ms": str(message.created_ms),
        }
        answer: asyncio.Future[Any] = asyncio.ensure_future(
            self._stream.publish(subject, message.payload.encode(), timeout=self._timeout_s, headers=headers)
        )
        try:
            await asyncio.wait({answer, self._lost}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ConnectionError("the connection was lost")
            answer.result()
        except (APIError, NoStreamResponseError) as error:
            raise NotConfirmed(f"subject {subject!r}: {error}") from error
        finally:
            answer.cancel()

    async def close(self) -> None:
        await _closed(self._client)


async def _closed(client: Client) -> None:
    with suppress(Exception):
        await client.close()


def _checked(url: str) -> str:
    try:
        address = urlsplit(url)
        _ = address.port
        if address.scheme and address.hostname:
            return url
    except ValueError:
        pass
    raise ValueError("url is no address of NATS: nats://user:password@host:port, with reserved characters percent-encoded") from None
