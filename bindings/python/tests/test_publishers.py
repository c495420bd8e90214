"""Publishers of the outbox, against real brokers."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from broker import Broker, ClosingPublisher, Kafka, Nats, RabbitMq, Received, Redis, Server, new_messages
from payseal.payments import AsyncPublisher, Message, Publisher, Topic
from payseal.publishers import NotConfirmed
from payseal.publishers._outcome import Outcomes
from payseal.publishers.kafka import KafkaPublisher
from payseal.publishers.redis import RedisPublisher

BROKERS: Sequence[Broker] = (RabbitMq(), Kafka(), Nats(), Redis())
every_broker = pytest.mark.parametrize("broker", BROKERS, ids=lambda broker: broker.name)


@pytest.fixture
def place() -> str:
    return f"payments-{uuid.uuid4().hex}"


def outcomes(publisher: ClosingPublisher, messages: Sequence[Message]) -> Outcomes:
    """For each message, also where the publisher has raised."""
    try:
        return publisher.publish(messages)
    except NotConfirmed as error:
        return [error] * len(messages)


def confirm(publisher: ClosingPublisher, messages: Sequence[Message]) -> None:
    assert outcomes(publisher, messages) == [None] * len(messages)


def refuse(publisher: ClosingPublisher, messages: Sequence[Message]) -> str:
    """The first reason."""
    found = outcomes(publisher, messages)
    assert [type(outcome) for outcome in found] == [NotConfirmed] * len(messages)
    return str(found[0])


def arrived(messages: Sequence[Message]) -> list[Received]:
    return [Received.of(message) for message in messages]


@every_broker
def test_a_message_is_confirmed_and_arrives_whole_and_in_order(broker: Broker, place: str) -> None:
    url = broker.shared()
    broker.make(url, place)
    messages = new_messages(300)
    publisher = broker.publisher(url, place)
    for_a_runner: Publisher = publisher
    try:
        assert for_a_runner.publish(messages[:299]) == [None] * 299
        confirm(publisher, [])
        confirm(publisher, messages[299:])
    finally:
        publisher.close()
    assert broker.received(url, place) == arrived(messages)


@every_broker
def test_the_same_holds_with_asyncio(broker: Broker, place: str) -> None:
    url = broker.shared()
    broker.make(url, place)
    messages = new_messages(60)

    async def publish() -> list[Outcomes]:
        publisher = broker.async_publisher(url, place)
        for_a_runner: AsyncPublisher = publisher
        assert await for_a_runner.publish(messages[:20]) == [None] * 20
        both = await asyncio.gather(publisher.publish(messages[20:40]), publisher.publish(messages[40:]))
        await publisher.close()
        with pytest.raises(NotConfirmed):
            await publisher.publish(messages)
        return list(both)

    assert asyncio.run(publish()) == [[None] * 20] * 2
    assert sorted(broker.received(url, place)) == sorted(arrived(messages))


@every_broker
def test_a_message_that_would_reach_nobody_is_not_confirmed(broker: Broker, place: str) -> None:
    url = broker.shared()
    if isinstance(broker, Kafka):
        place = "no topic has such a name"  # any other is made, unless the broker is set otherwise
    publisher = broker.publisher(url, place, timeout_s=5)
    try:
        assert place in refuse(publisher, new_messages(3))
        if not isinstance(broker, Kafka):
            broker.make(url, place)
            messages = new_messages(3)
            confirm(publisher, messages)
            assert broker.received(url, place) == arrived(messages)
    finally:
        publisher.close()


@pytest.mark.parametrize("broker", [RabbitMq(), Nats()], ids=lambda broker: broker.name)
def test_a_message_that_nobody_takes_does_not_hide_among_others(broker: Broker, place: str) -> None:
    url = broker.shared()
    broker.make(url, place)
    messages = new_messages(5)
    for at in (1, 3):
        messages[at] = dataclasses.replace(messages[at], topic=Topic.EXCEPTION_RAISED)
    publisher = broker.publisher(url, place)
    try:
        found = outcomes(publisher, messages)
    finally:
        publisher.close()
    assert [outcome is None for outcome in found] == [True, False, True, False, True]
    assert "exception.raised" in str(found[1])
    assert broker.received(url, place) == arrived(messages[::2])


@pytest.mark.timeout(180)
@every_broker
def test_a_broker_that_is_killed_while_it_is_published_to_loses_nothing(broker: Broker, place: str) -> None:
    broker.shared()
    with Server(broker) as server:
        broker.make(server.url, place)
        publisher = broker.publisher(server.url, place, timeout_s=5)
        confirmed: list[Message] = []
        failed: list[Message] = []
        killing = threading.Thread(target=server.kill)
        while not failed:
            batch = new_messages(20)
            for message, outcome in zip(batch, outcomes(publisher, batch)):
                (confirmed if outcome is None else failed).append(message)
            if confirmed and killing.ident is None:
                killing.start()
        killing.join()
        refuse(publisher, failed)

        server.restart()
        if broker.forgets:
            broker.make(server.url, place)
        confirm(publisher, failed)
        publisher.close()
        found = broker.received(server.url, place)
    assert set(arrived(confirmed + failed)) <= set(found), "each is there"
    first = list(dict.fromkeys(found))
    assert first[: len(confirmed)] == arrived(confirmed), "in its order"


@every_broker
def test_a_broker_that_does_not_answer_costs_no_more_than_the_timeout(broker: Broker, place: str) -> None:
    scheme = {"rabbitmq": "amqp://guest:secret@", "nats": "nats://guest:secret@", "redis": "redis://:secret@", "kafka": ""}[broker.name]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        publisher = broker.publisher(f"{scheme}127.0.0.1:{silent.getsockname()[1]}", place, timeout_s=0.3)
        started = time.monotonic()
        reason = refuse(publisher, new_messages(2))
        publisher.close()
    assert time.monotonic() - started < 5
    assert "secret" not in reason


@every_broker
def test_a_publisher_that_is_closed_confirms_nothing(broker: Broker, place: str) -> None:
    url = broker.shared()
    broker.make(url, place)
    publisher = broker.publisher(url, place)
    confirm(publisher, new_messages(1))
    publisher.close()
    publisher.close()
    refuse(publisher, new_messages(1))
    assert len(broker.received(url, place)) == 1


@pytest.mark.parametrize("broker", [RabbitMq(), Nats(), Redis()], ids=lambda broker: broker.name)
@pytest.mark.parametrize("url", ["", "mq.example", "{scheme}://user:secret/@mq.example", "{scheme}://user:x@mq.example:secret"])
def test_an_address_that_is_none_is_refused_without_its_password(broker: Broker, url: str) -> None:
    with pytest.raises(ValueError, match="url is no") as refused:
        broker.publisher(url.format(scheme={"rabbitmq": "amqp"}.get(broker.name, broker.name)), "payments")
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_what_jetstream_has_seen_it_drops(place: str) -> None:
    broker = Nats()
    url = broker.shared()
    broker.make(url, place)
    messages = new_messages(3)
    for count in (2, 3):
        publisher = broker.publisher(url, place)
        confirm(publisher, messages[:count])
        publisher.close()
    assert broker.received(url, place) == arrived(messages)


# Kafka's own test vectors of murmur2, with the sign bit taken off.
@pytest.mark.parametrize(("order_no", "digest"), [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536)])
def test_an_order_is_in_the_partition_that_every_binding_chooses(order_no: str, digest: int, place: str) -> None:
    broker = Kafka()
    url = broker.shared()
    broker.make(url, place, partitions=7)
    messages = new_messages(5, order_no)
    publisher = broker.publisher(url, place)
    confirm(publisher, messages)
    publisher.close()
    partition = (digest & 0x7FFF_FFFF) % 7
    assert broker.by_partition(url, place, partitions=7) == [(partition, message) for message in arrived(messages)]


@pytest.mark.parametrize("options", [{"acks": "1"}, {"enable.idempotence": False}, {"partitioner": "random"}])
def test_options_do_not_make_kafka_confirm_less(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    monkeypatch.setattr("payseal.publishers.kafka.Producer", made.append)
    KafkaPublisher("127.0.0.1:1", "payments", options=options)
    (configuration,) = made
    assert (configuration["acks"], configuration["enable.idempotence"], configuration["partitioner"]) == ("all", True, "murmur2_random")


def test_an_option_that_kafka_does_not_know_is_named() -> None:
    with pytest.raises(ValueError, match="no such option"):
        KafkaPublisher("127.0.0.1:1", "payments", options={"no such option": 1})


def test_replicas_of_redis_that_are_missing_confirm_nothing(place: str) -> None:
    Redis().make(Redis().shared(), place)
    with RedisPublisher(Redis().shared(), place, replicas=1, timeout_s=0.4) as publisher:
        assert "0 of 1 replicas" in refuse(publisher, new_messages(2))


def test_a_stream_of_redis_keeps_as_much_as_it_is_told(place: str) -> None:
    Redis().make(Redis().shared(), place)
    messages = new_messages(1000)
    with RedisPublisher(Redis().shared(), place, max_len=100) as publisher:
        confirm(publisher, messages)
    kept = Redis().received(Redis().shared(), place)
    assert 100 <= len(kept) <= 300
    assert kept == arrived(messages)[-len(kept) :]
