"""Publishing the outbox to RabbitMQ, with ``aio-pika`` (``pip install payseal[rabbitmq]``).

A message is confirmed once every queue that it was routed to has it: on the disk where the queue is durable, with a majority of the
replicas where it is a quorum queue. A message that no queue takes is not confirmed. Its routing key is its topic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, Optional
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.exceptions import DeliveryError

from payseal.payments.work import Message
from payseal.publishers._blocking import Blocking
from payseal.publishers._outcome import NotConfirmed
from payseal.publishers._session import Session, SessionPublisher

_CLOSING_S = 1  # how long the broker may take to agree to the end


class AsyncRabbitMqPublisher(SessionPublisher):
    """An :class:`~payseal.payments.AsyncPublisher`."""

    def __init__(self, url: str, *, exchange: str = "", timeout_s: float = 10, options: Optional[Mapping[str, Any]] = None) -> None:
        """Check the address; do not connect.

        Args:
            url: ``amqp://user:password@host:port/vhost``, or ``amqps://`` for TLS.
            exchange: It has to exist, and so have its bindings. Without it a message goes to the queue that is called like its topic.
            timeout_s: For a call, with all that it takes.
            options: For :func:`aio_pika.connect`, such as ``ssl_context``.

        Raises:
            ValueError: The address is none; its text is not shown, since it may hold a password.
        """
        super().__init__(timeout_s)
        self._url = _checked(url)
        self._exchange = exchange
        self._options = dict(options or {})

    async def _connect(self) -> Session:
        connection = await aio_pika.connect(self._url, **self._options)
        try:
            channel = await connection.channel(on_return_raises=True)
            return _RabbitMqSession(connection, channel, await _existing(channel, self._exchange))
        except BaseException:
            await _closed(connection)
            raise


class RabbitMqPublisher(Blocking):
    """A :class:`~payseal.payments.Publisher`."""

    def __init__(self, url: str, *, exchange: str = "", timeout_s: float = 10, options: Optional[Mapping[str, Any]] = None) -> None:
        """See :class:`AsyncRabbitMqPublisher`."""
        super().__init__(AsyncRabbitMqPublisher(url, exchange=exchange, timeout_s=timeout_s, options=options))


class _RabbitMqSession(Session):
    def __init__(self, connection: AbstractConnection, channel: AbstractChannel, exchange: AbstractExchange) -> None:
        self._connection = connection
        self._channel = channel
        self._exchange = exchange

    def is_lost(self) -> bool:
        return self._channel.is_closed

    async def send(self, message: Message) -> None:
        try:
            await self._exchange.publish(_encoded(message), message.topic, mandatory=True)
        except DeliveryError as error:
            raise NotConfirmed(f"exchange {self._exchange.name!r} with routing key {message.topic!r}: {_reason(error)}") from error

    async def close(self) -> None:
        await _closed(self._connection)


async def _existing(channel: AbstractChannel, name: str) -> AbstractExchange:
    return await channel.get_exchange(name, ensure=False) if name else channel.default_exchange


async def _closed(connection: AbstractConnection) -> None:
    with suppress(Exception):
        await asyncio.wait_for(connection.close(), _CLOSING_S)


def _encoded(message: Message) -> aio_pika.Message:
    return aio_pika.Message(
        message.payload.encode(),
        message_id=message.message_id,
        type=message.topic,
        timestamp=datetime.fromtimestamp(message.created_ms // 1000, timezone.utc),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        headers={"order_no": message.order_no, "created_ms": message.created_ms},
    )


def _reason(error: DeliveryError) -> str:
    """What the broker says of a message that it has returned."""
    return str(getattr(error.frame, "reply_text", "")) or "refused by the broker"


def _checked(url: str) -> str:
    try:
        address = urlsplit(url)
        _ = address.port
        if address.scheme in ("amqp", "amqps") and address.hostname:
            return url
    except ValueError:
        pass
    raise ValueError("url is no AMQP address: amqp://user:password@host:port/vhost, with reserved characters percent-encoded") from None
