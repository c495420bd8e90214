"""Real brokers for the tests of publishers: those that all tests share, and one of their own that they may kill."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Optional, Protocol

import aio_pika
import confluent_kafka
import nats
import pytest
import redis
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from payseal.payments import Message, Topic
from payseal.publishers._outcome import Outcomes
from payseal.publishers.kafka import AsyncKafkaPublisher, KafkaPublisher
from payseal.publishers.nats import AsyncNatsPublisher, NatsPublisher
from payseal.publishers.rabbitmq import AsyncRabbitMqPublisher, RabbitMqPublisher
from payseal.publishers.redis import AsyncRedisPublisher, RedisPublisher

SERVICES = Path(__file__).resolve().parents[3] / "scripts" / "services.py"


class Received(NamedTuple):
    """What a consumer finds of a message."""

    message_id: str
    topic: str
    order_no: str
    payload: str
    created_ms: int

    @classmethod
    def of(cls, message: Message) -> Received:
        return cls(message.message_id, str(message.topic), message.order_no, message.payload, message.created_ms)


def new_messages(count: int, order_no: Optional[str] = None) -> list[Message]:
    """In turn about three orders, unless it is said about which."""
    return [
        Message(
            id=at + 1,
            token=1,
            message_id=uuid.uuid4().hex,
            topic=Topic.PAYMENT_PAID,
            order_no=order_no or f"ORDER{at % 3}",
            payload=f'{{"type":"payment.paid","subject":"一杯茶","at":{at}}}',
            created_ms=1_750_000_000_123 + at,
            lease_until_ms=0,
        )
        for at in range(count)
    ]


class ClosingPublisher(Protocol):
    def publish(self, messages: Sequence[Message], /) -> Outcomes: ...

    def close(self) -> None: ...


class ClosingAsyncPublisher(Protocol):
    async def publish(self, messages: Sequence[Message], /) -> Outcomes: ...

    async def close(self) -> None: ...


class Broker(ABC):
    """One kind of broker. A `place` is where messages go: an exchange with its queue, a topic, a stream."""

    name: str
    variable: str
    forgets = False
    """After a crash, a place that was made moments before."""

    def shared(self) -> str:
        """Its address; without it, which make test gives, the test is skipped."""
        return os.environ.get(self.variable) or pytest.skip(f"{self.variable} is not set: run it below scripts/services.py")

    @abstractmethod
    def publisher(self, url: str, place: str, timeout_s: float = 10) -> ClosingPublisher: ...

    @abstractmethod
    def async_publisher(self, url: str, place: str, timeout_s: float = 10) -> ClosingAsyncPublisher: ...

    @abstractmethod
    def make(self, url: str, place: str) -> None:
        """Make the place."""

    @abstractmethod
    def received(self, url: str, place: str) -> list[Received]:
        """All that is there, as it came."""


class RabbitMq(Broker):
    name, variable, forgets = "rabbitmq", "PAYSEAL_TEST_RABBITMQ", True

    def publisher(self, url: str, place: str, timeout_s: float = 10) -> RabbitMqPublisher:
        return RabbitMqPublisher(url, exchange=place, timeout_s=timeout_s)

    def async_publisher(self, url: str, place: str, timeout_s: float = 10) -> AsyncRabbitMqPublisher:
        return AsyncRabbitMqPublisher(url, exchange=place, timeout_s=timeout_s)

    def make(self, url: str, place: str) -> None:
        async def make() -> None:
            async with await aio_pika.connect(url) as connection:
                channel = await connection.channel()
                exchange = await channel.declare_exchange(place, aio_pika.ExchangeType.TOPIC, durable=True)
                queue = await channel.declare_queue(place, durable=True)
                await queue.bind(exchange, "payment.*")

        asyncio.run(make())

    def received(self, url: str, place: str) -> list[Received]:
        async def drain() -> list[Received]:
            found = []
            async with await aio_pika.connect(url) as connection:
                queue = await (await connection.channel()).get_queue(place, ensure=False)
                while (message := await queue.get(no_ack=True, fail=False)) is not None:
                    found.append(self.read(message))
            return found

        return asyncio.run(drain())

    @staticmethod
    def read(message: Any) -> Received:
        assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
        assert message.content_type == "application/json"
        assert message.routing_key == message.type
        headers = message.headers
        assert message.timestamp.timestamp() == headers["created_ms"] // 1000
        return Received(message.message_id, message.type, headers["order_no"], message.body.decode(), headers["created_ms"])


class Kafka(Broker):
    name, variable = "kafka", "PAYSEAL_TEST_KAFKA"

    def publisher(self, url: str, place: str, timeout_s: float = 10) -> KafkaPublisher:
        return KafkaPublisher(url, place, timeout_s=timeout_s)

    def async_publisher(self, url: str, place: str, timeout_s: float = 10) -> AsyncKafkaPublisher:
        return AsyncKafkaPublisher(url, place, timeout_s=timeout_s)

    def make(self, url: str, place: str, partitions: int = 1) -> None:
        client = AdminClient({"bootstrap.servers": url})
        for made in client.create_topics([NewTopic(place, num_partitions=partitions, replication_factor=1)]).values():
            made.result(30)

    def received(self, url: str, place: str) -> list[Received]:
        return [message for _, message in self.by_partition(url, place)]

    def by_partition(self, url: str, place: str, partitions: int = 1) -> list[tuple[int, Received]]:
        consumer = confluent_kafka.Consumer({"bootstrap.servers": url, "group.id": place, "enable.auto.commit": False})
        found = []
        for partition in range(partitions):
            at = confluent_kafka.TopicPartition(place, partition, 0)
            _, end = consumer.get_watermark_offsets(at, timeout=30)
            consumer.assign([at])
            for _ in range(end):
                record = consumer.poll(30)
                assert record is not None
                found.append((partition, self.read(record)))
        consumer.close()
        return found

    @staticmethod
    def read(record: Any) -> Received:
        headers = {name: value.decode() for name, value in record.headers()}
        created_ms = int(headers["created_ms"])
        assert record.timestamp()[1] == created_ms
        return Received(headers["message_id"], headers["topic"], record.key().decode(), record.value().decode(), created_ms)


class Nats(Broker):
    name, variable = "nats", "PAYSEAL_TEST_NATS"

    def publisher(self, url: str, place: str, timeout_s: float = 10) -> NatsPublisher:
        return NatsPublisher(url, prefix=f"{place}.", timeout_s=timeout_s)

    def async_publisher(self, url: str, place: str, timeout_s: float = 10) -> AsyncNatsPublisher:
        return AsyncNatsPublisher(url, prefix=f"{place}.", timeout_s=timeout_s)

    def make(self, url: str, place: str) -> None:
        async def make() -> None:
            client = await nats.connect(url)
            await client.jetstream().add_stream(name=place, subjects=[f"{place}.payment.*"])
            await client.close()

        asyncio.run(make())

    def received(self, url: str, place: str) -> list[Received]:
        async def read() -> list[Received]:
            client = await nats.connect(url)
            stream = client.jetstream()
            state = (await stream.stream_info(place)).state
            found = [await stream.get_msg(place, seq) for seq in range(state.first_seq, state.last_seq + 1)] if state.messages else []
            await client.close()
            return [self.read(place, message) for message in found]

        return asyncio.run(read())

    @staticmethod
    def read(place: str, message: Any) -> Received:
        headers = message.headers
        assert message.subject == f"{place}.{headers['topic']}"
        return Received(headers["Nats-Msg-Id"], headers["topic"], headers["order_no"], message.data.decode(), int(headers["created_ms"]))


class Redis(Broker):
    name, variable = "redis", "PAYSEAL_TEST_REDIS"

    def publisher(self, url: str, place: str, timeout_s: float = 10) -> RedisPublisher:
        return RedisPublisher(url, place, timeout_s=timeout_s)

    def async_publisher(self, url: str, place: str, timeout_s: float = 10) -> AsyncRedisPublisher:
        return AsyncRedisPublisher(url, place, timeout_s=timeout_s)

    def make(self, url: str, place: str) -> None:
        with redis.Redis.from_url(url) as client:
            client.xgroup_create(place, "warehouse", mkstream=True)

    def received(self, url: str, place: str) -> list[Received]:
        with redis.Redis.from_url(url, decode_responses=True) as client:
            entries: Any = client.xrange(place)
        return [Received(**{**fields, "created_ms": int(fields["created_ms"])}) for _, fields in entries]


class Server:
    """A broker that the test alone uses. After a restart it has its data and its address."""

    def __init__(self, broker: Broker) -> None:
        self._name = broker.name
        command = [sys.executable, str(SERVICES), broker.name, "--obey"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self._answer().removeprefix(f"export {broker.variable}=")

    def kill(self) -> None:
        self._order("kill")

    def restart(self) -> None:
        self._order("restart")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self._process.communicate()  # at the end of its input it stops the broker

    def _order(self, order: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order} {self._name}\n")
        self._process.stdin.flush()
        assert self._answer() == "done"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
