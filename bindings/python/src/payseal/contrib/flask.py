"""Notifications in Flask.

::

    client = payseal.Client(config)

    def paid(notification: payseal.Notification) -> None:
        if notification.event.event_type == "TRANSACTION.SUCCESS":
            orders.mark_paid(notification.json())

    app.add_url_rule("/notify/wechat", view_func=notification_view(client, paid), methods=["POST"])
"""

from __future__ import annotations

from typing import Callable, Optional

from flask import Response, request

from payseal.contrib._answer import MAX_BODY_BYTES, Handler, Opener, answer
from payseal.notification import NotificationOptions
from payseal.payments import Payments


def notification_view(client: Opener, handler: Handler, *, options: Optional[NotificationOptions] = None) -> Callable[[], Response]:
    """A view for the address in ``notify_url``; register it for POST.

    It reads the raw body once, opens the notification, calls the handler and writes the reply the provider expects: success when
    the handler returns, otherwise a failure, so that the provider sends it again. The handler must be quick (the provider
    waits 5 seconds) and idempotent (notifications are repeated); what it raises is logged to ``payseal.contrib``.

    Args:
        client: The merchant's client, or a router for many merchants.
        handler: Called with what was verified and decrypted, and with nothing else.
        options: Of opening: what to expect, and whether to accept what nobody signed.

    Returns:
        The view function, for ``add_url_rule`` or ``app.post``.
    """

    def payseal_notification() -> Response:
        request.max_content_length = MAX_BODY_BYTES  # a longer body is answered with 413
        reply = answer(client, list(request.headers), request.get_data(), handler, options)
        return Response(reply.body, reply.status, reply.headers)

    return payseal_notification


def accept_view(
    payments: Payments, account: Optional[str] = None, *, options: Optional[NotificationOptions] = None
) -> Callable[[], Response]:
    """A view for the address in ``notify_url`` whose notifications payments take in; register it for POST.

    It reads the raw body once, and answers with success when the notification is stored. A :class:`~payseal.payments.Runner` has the event
    afterwards.

    Args:
        payments: The payments.
        account: Whose address it is; left out, that of all accounts.
        options: Of opening: what to expect.
    """

    def payseal_accept() -> Response:
        request.max_content_length = MAX_BODY_BYTES  # a longer body is answered with 413
        reply = payments.accept(account, list(request.headers), request.get_data(), options=options).reply
        return Response(reply.body, reply.status, reply.headers)

    return payseal_accept
