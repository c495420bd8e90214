"""Publishing the outbox to Kafka, with ``confluent-kafka`` (``pip install payseal[kafka]``).

A message is confirmed once all replicas that are in sync have it (``acks=all``, an idempotent producer). How many those must be is the
topic's ``min.insync.replicas``: 2 of 3 outlive any one broker. All messages go to one topic of Kafka, with the order's number as their
key.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Callable, Optional, Union

from confluent_kafka import KafkaError, KafkaException, Producer

from payseal.payments.work import Message
from payseal.publishers._outcome import CLOSED, NotConfirmed, Outcomes, not_confirmed

_logger = logging.getLogger(__name__)


class KafkaPublisher:
    """A :class:`~payseal.payments.Publisher`."""

    def __init__(self, brokers: str, topic: str, *, timeout_s: float = 10, options: Optional[Mapping[str, Any]] = None) -> None:
        """Check the configuration; do not connect.

        Args:
            brokers: A few of the cluster, ``host:port`` with commas between them.
            topic: That of Kafka, which has to exist.
            timeout_s: For a call, with all that it takes.
            options: For the producer, such as ``security.protocol``. They do not make it confirm less, or choose other partitions.

        Raises:
            ValueError: What the producer does not take.
        """
        self._topic = topic
        self._timeout_s = timeout_s
        self._options = {
            "logger": _logger,  # which otherwise is standard error
            **(options or {}),
            "bootstrap.servers": brokers,
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",  # as all other bindings
            "linger.ms": 0,  # a call brings all there is
            "message.timeout.ms": max(1, int(timeout_s * 1000)),
        }
        self._turn = threading.Lock()
        self._closed = False
        try:
            self._producer: Optional[Producer] = Producer(self._options)
        except KafkaException as error:
            raise ValueError(f"kafka: {error}") from error

    def publish(self, messages: Sequence[Message], /) -> Outcomes:
        """Return for each message None, or why it was not confirmed.

        Raises:
            NotConfirmed: It holds for all of them.
        """
        with self._turn:
            if self._closed:
                raise NotConfirmed(CLOSED)
            if self._producer is None:
                self._producer = Producer(self._options)
            outcomes: list[Optional[BaseException]] = [NotConfirmed(f"not confirmed in time by topic {self._topic!r}") for _ in messages]
            try:
                for at, message in enumerate(messages):
                    self._produce(self._producer, message, outcomes, at)
                self._producer.flush(self._timeout_s)
            finally:
                if any(outcomes):
                    self._drop()
            return outcomes

    def close(self) -> None:
        """Disconnect, once what is being published is. What is published later is not confirmed."""
        with self._turn:
            self._closed = True
            self._drop()

    def __enter__(self) -> KafkaPublisher:
        """Itself."""
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        """Close."""
        self.close()

    def _produce(self, producer: Producer, message: Message, outcomes: list[Optional[BaseException]], at: int) -> None:
        headers: list[tuple[str, Union[str, bytes, None]]] = [
            ("message_id", message.message_id.encode()),
            ("topic", message.topic.encode()),
            ("created_ms", str(message.created_ms).encode()),
        ]
        try:
            producer.produce(
                self._topic,
                value=message.payload.encode(),
                key=message.order_no.encode(),
                headers=headers,
                timestamp=message.created_ms,
                on_delivery=self._noting(outcomes, at),
            )
        except (KafkaException, BufferError) as error:
            outcomes[at] = self._failure(error, error)

    def _noting(self, outcomes: list[Optional[BaseException]], at: int) -> Callable[[Optional[KafkaError], Any], None]:
        def note(error: Optional[KafkaError], _message: Any) -> None:
            outcomes[at] = None if error is None else self._failure(error, KafkaException(error))

        return note

    def _failure(self, why: object, cause: Exception) -> NotConfirmed:
        return not_confirmed(f"not confirmed by topic {self._topic!r}: {why}", cause)

    def _drop(self) -> None:
        """Forget what the producer still holds: it does not give up what it has sent, and the next call would wait behind it."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.flush(0)


class AsyncKafkaPublisher:
    """An :class:`~payseal.payments.AsyncPublisher`: the other one, on a thread of the loop's executor."""

    def __init__(self, brokers: str, topic: str, *, timeout_s: float = 10, options: Optional[Mapping[str, Any]] = None) -> None:
        """See :class:`KafkaPublisher`."""
        self._blocking = KafkaPublisher(brokers, topic, timeout_s=timeout_s, options=options)

    async def publish(self, messages: Sequence[Message], /) -> Outcomes:
        """See :meth:`KafkaPublisher.publish`. It goes on when the task is cancelled."""
        return await asyncio.to_thread(self._blocking.publish, messages)

    async def close(self) -> None:
        """See :meth:`KafkaPublisher.close`."""
        await asyncio.to_thread(self._blocking.close)

    async def __aenter__(self) -> AsyncKafkaPublisher:
        """Itself."""
        return self

    async def __aexit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        """Close."""
        await self.close()
