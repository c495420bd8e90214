"""Handing messages of the outbox to the rest of the service: a broker, a table, another service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Protocol

from payseal.payments.work import Message

Published = Optional[Sequence[Optional[BaseException]]]
"""None where all messages are where they belong; otherwise for each message, in their order, None or why it is not."""


class Publisher(Protocol):
    """Hands on messages; called on one thread at a time by each runner."""

    def publish(self, messages: Sequence[Message], /) -> Published:
        """Return when every message is durably where it belongs, or is not.

        What is not comes again, and so may what is: consumers tell them apart by ``message_id``. What is raised counts for all messages.
        """
        ...


class AsyncPublisher(Protocol):
    """The same for asyncio."""

    async def publish(self, messages: Sequence[Message], /) -> Published:
        """See :meth:`Publisher.publish`."""
        ...


def failures(messages: Sequence[Message], published: Published) -> list[Optional[BaseException]]:
    """What a publisher says, for each message."""
    if published is None:
        return [None] * len(messages)
    if len(published) != len(messages):
        return [ValueError(f"the publisher gave {len(published)} results for {len(messages)} messages")] * len(messages)
    return list(published)
