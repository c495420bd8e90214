"""Publishers of the outbox: one module a broker, which imports the broker's client.

::

    from payseal.publishers.rabbitmq import RabbitMqPublisher

    publisher = RabbitMqPublisher("amqps://user:password@mq.example/", exchange="payments")
    Runner(payments, publisher=publisher)

Each has a class for threads and one for asyncio. All connect when there is something to publish, and anew after a connection was lost
or a confirmation did not come; wait for the broker's confirmation, within ``timeout_s`` a call, which belongs below the lease of
messages; and say of each message whether it came. What was not confirmed may have arrived all the same: it comes again, and consumers
drop what they have seen, by ``message_id``. The classes for threads may be called on any thread, those for asyncio by any task of one
loop; only Redis then publishes for several callers at once.

``docs/abi.md`` says what arrives where, and what a broker has to be set to. Nothing is created on it.
"""

from __future__ import annotations

from payseal.publishers._outcome import NotConfirmed

__all__ = ["NotConfirmed"]
