"""One address for the notifications of many merchants: a notification of WeChat Pay names no merchant.

A router opens notifications as a client does, so the handlers of :mod:`payseal.contrib` take one in a client's place; ``event.merchant``
says whose a notification is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ctypes import byref, c_size_t, c_void_p
from typing import Optional, TypeVar

from payseal._library import library
from payseal._native import check, inputs, lines
from payseal.aio import AsyncClient
from payseal.client import Client
from payseal.errors import Code
from payseal.notification import Headers, Notification, NotificationOptions, Reply

_C = TypeVar("_C")


class NotificationRouter:
    """Opens each notification with the client that it is for; immutable, for any number of threads at once.

    Make another when merchants come or go. The clients stay the caller's to close.
    """

    def __init__(self, clients: Iterable[Client]) -> None:
        """Keep the clients, of which there must be at least one.

        Raises:
            ValueError: There is none.
        """
        self._clients = _some(tuple(clients))

    def route(self, headers: Headers, body: bytes) -> Client:
        """The client that a notification is for.

        Only a genuine one is assigned, or one whose signature needs a certificate that its merchant can fetch; opening it then decides.

        Raises:
            TrustError: It is nobody's.
            ClosedError: A client is closed.
        """
        return self._clients[_route(self._clients, headers, body)]

    def open_notification(self, headers: Headers, body: bytes, *, options: Optional[NotificationOptions] = None) -> Notification:
        """Find the client and open the notification with it; see :meth:`payseal.Client.open_notification`."""
        pairs = _again(headers)
        return self.route(pairs, body).open_notification(pairs, body, options=options)

    def notification_reply(self, code: int = Code.OK) -> Reply:
        """The answer to write; see :meth:`payseal.Client.notification_reply`."""
        return self._clients[0].notification_reply(code)


class AsyncNotificationRouter:
    """A :class:`NotificationRouter` whose blocking calls are coroutines."""

    def __init__(self, clients: Iterable[AsyncClient]) -> None:
        """Keep the clients, of which there must be at least one.

        Raises:
            ValueError: There is none.
        """
        self._clients = _some(tuple(clients))

    def route(self, headers: Headers, body: bytes) -> AsyncClient:
        """The client that a notification is for; see :meth:`NotificationRouter.route`. Does not wait for anything."""
        return self._clients[_route([client.client for client in self._clients], headers, body)]

    async def open_notification(self, headers: Headers, body: bytes, *, options: Optional[NotificationOptions] = None) -> Notification:
        """Find the client and open the notification with it; see :meth:`payseal.AsyncClient.open_notification`."""
        pairs = _again(headers)
        return await self.route(pairs, body).open_notification(pairs, body, options=options)

    def notification_reply(self, code: int = Code.OK) -> Reply:
        """The answer to write; see :meth:`payseal.Client.notification_reply`. Does not block."""
        return self._clients[0].notification_reply(code)


def _route(clients: Sequence[Client], headers: Headers, body: bytes) -> int:
    # The handles are held until the call returned, so that a client closed meanwhile is not freed under it.
    handles = [client._handle() for client in clients]
    pointers = (c_void_p * len(handles))(*(handle.pointer for handle in handles))
    place, error = c_size_t(), c_void_p()
    check(library().notification_route(pointers, len(handles), *inputs(lines(headers), body), byref(place), byref(error)), error)
    return place.value


def _again(headers: Headers) -> Headers:
    """Headers that can be read twice: pairs may come from an iterator."""
    return headers if isinstance(headers, (dict, list, tuple)) or hasattr(headers, "items") else list(headers)


def _some(clients: tuple[_C, ...]) -> tuple[_C, ...]:
    if not clients:
        raise ValueError("a router needs a client")
    return clients
