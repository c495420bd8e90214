"""Notifications in Starlette and FastAPI.

::

    client = payseal.AsyncClient(config)

    async def paid(notification: payseal.Notification) -> None:
        if notification.event.event_type == "TRANSACTION.SUCCESS":
            await orders.mark_paid(notification.json())

    app.add_route("/notify/wechat", notification_endpoint(client, paid), methods=["POST"])
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Callable, Optional

from starlette.requests import Request
from starlette.responses import Response

from payseal.contrib._answer import MAX_BODY_BYTES, AsyncHandler, AsyncOpener, answer_async
from payseal.notification import NotificationOptions
from payseal.payments import AsyncPayments


def notification_endpoint(
    client: AsyncOpener, handler: AsyncHandler, *, options: Optional[NotificationOptions] = None
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for the address in ``notify_url``; register it for POST.

    It reads the raw body once, opens the notification, awaits the handler and writes the reply the provider expects: success when
    the handler returns, otherwise a failure, so that the provider sends it again. The handler must be quick (the provider
    waits 5 seconds) and idempotent (notifications are repeated); what it raises is logged to ``payseal.contrib``.

    Args:
        client: The merchant's client, or a router for many merchants.
        handler: Called with what was verified and decrypted, and with nothing else.
        options: Of opening: what to expect, and whether to accept what nobody signed.

    Returns:
        The endpoint, for ``add_route``, ``Route`` or FastAPI's ``add_api_route``.
    """

    async def endpoint(request: Request) -> Response:
        reply = await answer_async(client, request.headers.raw, await _raw_body(request), handler, options)
        return Response(reply.body, reply.status, dict(reply.headers))

    return endpoint


def accept_endpoint(
    payments: AsyncPayments, account: Optional[str] = None, *, options: Optional[NotificationOptions] = None
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for the address in ``notify_url`` whose notifications payments take in; register it for POST.

    It reads the raw body once, and answers with success when the notification is stored. An :class:`~payseal.payments.AsyncRunner` has the
    event afterwards.

    Args:
        payments: The payments.
        account: Whose address it is; left out, that of all accounts.
        options: Of opening: what to expect.
    """

    async def endpoint(request: Request) -> Response:
        reply = (await payments.accept(account, request.headers.raw, await _raw_body(request), options=options)).reply
        return Response(reply.body, reply.status, dict(reply.headers))

    return endpoint


async def _raw_body(request: Request) -> bytes:
    """The body as received, or as much of it as shows that it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            break
    return bytes(body[: MAX_BODY_BYTES + 1])
