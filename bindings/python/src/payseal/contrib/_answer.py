"""What the handlers of all frameworks do: open, call the user's function, give the reply to write."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Callable, Optional, Union

from payseal.aio import AsyncClient
from payseal.client import Client
from payseal.errors import Code, PaysealError
from payseal.notification import Headers, Notification, NotificationOptions, Reply
from payseal.routing import AsyncNotificationRouter, NotificationRouter

Handler = Callable[[Notification], object]
AsyncHandler = Callable[[Notification], Awaitable[object]]
Opener = Union[Client, NotificationRouter]
AsyncOpener = Union[AsyncClient, AsyncNotificationRouter]

MAX_BODY_BYTES = 1 << 20
"""The library refuses longer notifications, so there is no use in reading more of what anyone may send."""

_logger = logging.getLogger("payseal.contrib")


def answer(client: Opener, headers: Headers, body: bytes, handler: Handler, options: Optional[NotificationOptions] = None) -> Reply:
    """Only what is the provider's reaches the handler; what the handler raises is logged, and the provider asked to repeat."""
    try:
        notification = client.open_notification(headers, body, options=options)
    except PaysealError as error:
        return client.notification_reply(error.code)
    try:
        handler(notification)
    except Exception:
        return client.notification_reply(_failed(notification))
    return client.notification_reply()


async def answer_async(
    client: AsyncOpener, headers: Headers, body: bytes, handler: AsyncHandler, options: Optional[NotificationOptions] = None
) -> Reply:
    """The same with coroutines."""
    try:
        notification = await client.open_notification(headers, body, options=options)
    except PaysealError as error:
        return client.notification_reply(error.code)
    try:
        await handler(notification)
    except Exception:
        return client.notification_reply(_failed(notification))
    return client.notification_reply()


def _failed(notification: Notification) -> Code:
    event = notification.event
    _logger.exception("the handler of notification %s (%s) failed; the provider will send it again", event.id, event.event_type)
    return Code.INTERNAL
