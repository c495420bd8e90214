"""Publishing the outbox to a stream of Redis, with ``redis`` (``pip install payseal[redis]``).

A message is confirmed once Redis has added it to the stream, and as many replicas as are asked for have it too. Whether that outlives
the machine is a setting of Redis: only with ``appendfsync always`` is it on the disk by then. The stream has to exist, as it does from
the time on at which a consumer group was made (``XGROUP CREATE payments warehouse $ MKSTREAM``); without it a message would have no
reader, and is not confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Optional

import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from payseal.payments.work import Message
from payseal.publishers._outcome import CLOSED, NotConfirmed, Outcomes, not_confirmed


class _Stream:
    """What is asked of Redis, and what its answers mean."""

    def __init__(self, url: str, stream: str, max_len: Optional[int], replicas: int, timeout_s: float) -> None:
        if not stream:
            raise ValueError("stream is required")
        self.url = url
        self.name = stream
        self.max_len = max_len
        self.replicas = replicas
        self.timeout_s = timeout_s
        self.closed = False

    def options(self, given: Optional[Mapping[str, Any]], retry: Any) -> dict[str, Any]:
        # Without attempts of the client's own: a pipeline that is sent again is all there twice.
        bounds = {"socket_timeout": self.timeout_s, "socket_connect_timeout": self.timeout_s}
        return {**(given or {}), **bounds, "retry": retry, "retry_on_timeout": False}

    def fill(self, pipeline: Any, messages: Sequence[Message]) -> None:
        if self.closed:
            raise NotConfirmed(CLOSED)
        for message in messages:
            pipeline.xadd(self.name, _fields(message), maxlen=self.max_len, approximate=True, nomkstream=True)
        if self.replicas > 0:
            pipeline.execute_command("WAIT", self.replicas, max(1, int(self.timeout_s * 500)))  # half, so that the answer comes in time

    def outcomes(self, answers: list[Any]) -> Outcomes:
        if self.replicas > 0:
            copies = answers.pop()
            if copies != self.replicas and not (isinstance(copies, int) and copies > self.replicas):
                raise NotConfirmed(f"confirmed by {copies} of {self.replicas} replicas")
        return [self._outcome(answer) for answer in answers]

    def _outcome(self, answer: Any) -> Optional[BaseException]:
        if answer is None:
            return NotConfirmed(f"there is no stream {self.name!r}: it is made by XGROUP CREATE with MKSTREAM")
        if isinstance(answer, Exception):
            return not_confirmed(f"not confirmed by stream {self.name!r}: {answer}", answer)
        return None

    def failure(self, error: Exception) -> NotConfirmed:
        return not_confirmed(f"not confirmed by stream {self.name!r}: {error}", error)


class RedisPublisher:
    """A :class:`~payseal.payments.Publisher`."""

    def __init__(
        self,
        url: str,
        stream: str,
        *,
        max_len: Optional[int] = None,
        replicas: int = 0,
        timeout_s: float = 10,
        options: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Check the address; do not connect.

        Args:
            url: ``redis://user:password@host:port/0``, or ``rediss://`` for TLS.
            stream: The key of the stream.
            max_len: How many entries the stream keeps, or somewhat more; older ones are gone, read or not. None keeps all.
            replicas: How many of them must have a message.
            timeout_s: For connecting, and for the answer.
            options: For the client, such as ``ssl_ca_certs``.

        Raises:
            ValueError: The address is none; its text is not shown, since it may hold a password.
        """
        self._stream = _Stream(url, stream, max_len, replicas, timeout_s)
        try:
            self._client = redis.Redis.from_url(url, **self._stream.options(options, Retry(NoBackoff(), 0)))
        except ValueError:
            raise ValueError(_NO_ADDRESS) from None

    def publish(self, messages: Sequence[Message], /) -> Outcomes:
        """Return for each message None, or why it was not confirmed.

        Raises:
            NotConfirmed: It holds for all of them.
        """
        with self._client.pipeline(transaction=False) as pipeline:
            self._stream.fill(pipeline, messages)
            try:
                answers = pipeline.execute(raise_on_error=False)
            except (RedisError, OSError) as error:
                raise self._stream.failure(error) from error
        return self._stream.outcomes(answers)

    def close(self) -> None:
        """Disconnect. What is being published, or later, is not confirmed."""
        self._stream.closed = True
        self._client.close()

    def __enter__(self) -> RedisPublisher:
        """Itself."""
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        """Close."""
        self.close()


class AsyncRedisPublisher:
    """An :class:`~payseal.payments.AsyncPublisher`."""

    def __init__(
        self,
        url: str,
        stream: str,
        *,
        max_len: Optional[int] = None,
        replicas: int = 0,
        timeout_s: float = 10,
        options: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """See :class:`RedisPublisher`."""
        self._stream = _Stream(url, stream, max_len, replicas, timeout_s)
        try:
            self._client = redis.asyncio.Redis.from_url(url, **self._stream.options(options, AsyncRetry(NoBackoff(), 0)))
        except ValueError:
            raise ValueError(_NO_ADDRESS) from None

    async def publish(self, messages: Sequence[Message], /) -> Outcomes:
        """See :meth:`RedisPublisher.publish`."""
        async with self._client.pipeline(transaction=False) as pipeline:
            self._stream.fill(pipeline, messages)
            try:
                answers = await pipeline.execute(raise_on_error=False)
            except (RedisError, OSError) as error:
                raise self._stream.failure(error) from error
        return self._stream.outcomes(answers)

    async def close(self) -> None:
        """See :meth:`RedisPublisher.close`."""
        self._stream.closed = True
        await self._client.aclose()

    async def __aenter__(self) -> AsyncRedisPublisher:
        """Itself."""
        return self

    async def __aexit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        """Close."""
        await self.close()


_NO_ADDRESS = "url is no address of Redis: redis://user:password@host:port/0, with reserved characters percent-encoded"


def _fields(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.message_id,
        "topic": str(message.topic),
        "order_no": message.order_no,
        "created_ms": message.created_ms,
        "payload": message.payload,
    }
