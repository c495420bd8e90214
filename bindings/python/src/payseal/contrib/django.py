"""Notifications in Django.

::

    client = payseal.Client(config)

    def paid(notification: payseal.Notification) -> None:
        if notification.event.event_type == "TRANSACTION.SUCCESS":
            orders.mark_paid(notification.json())

    urlpatterns = [path("notify/wechat", notification_view(client, paid))]
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Callable, Optional

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed

from payseal.contrib._answer import AsyncHandler, AsyncOpener, Handler, Opener, answer, answer_async
from payseal.notification import NotificationOptions, Reply
from payseal.payments import AsyncPayments, Payments


def notification_view(
    client: Opener, handler: Handler, *, options: Optional[NotificationOptions] = None
) -> Callable[[HttpRequest], HttpResponseBase]:
    """A view for the address in ``notify_url``: POST only, and exempt from the CSRF check, for the signature takes its place.

    It reads the raw body once, opens the notification, calls the handler and writes the reply the provider expects: success when
    the handler returns, otherwise a failure, so that the provider sends it again. The handler must be quick (the provider
    waits 5 seconds) and idempotent (notifications are repeated); what it raises is logged to ``payseal.contrib``.
    ``DATA_UPLOAD_MAX_MEMORY_SIZE`` bounds the body.

    Args:
        client: The merchant's client, or a router for many merchants.
        handler: Called with what was verified and decrypted, and with nothing else.
        options: Of opening: what to expect, and whether to accept what nobody signed.
    """

    def view(request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return _response(answer(client, request.headers, request.body, handler, options))

    view.csrf_exempt = True  # type: ignore[attr-defined]  # what Django's decorator does, which before 5.0 takes no coroutine
    return view


def async_notification_view(
    client: AsyncOpener, handler: AsyncHandler, *, options: Optional[NotificationOptions] = None
) -> Callable[[HttpRequest], Awaitable[HttpResponseBase]]:
    """The same as an asynchronous view, with a coroutine as the handler."""

    async def view(request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return _response(await answer_async(client, request.headers, request.body, handler, options))

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def accept_view(
    payments: Payments, account: Optional[str] = None, *, options: Optional[NotificationOptions] = None
) -> Callable[[HttpRequest], HttpResponseBase]:
    """A view for the address in ``notify_url`` whose notifications payments take in: POST only, and exempt from the CSRF check.

    It reads the raw body once, and answers with success when the notification is stored. A :class:`~payseal.payments.Runner` has the event
    afterwards. ``DATA_UPLOAD_MAX_MEMORY_SIZE`` bounds the body.

    Args:
        payments: The payments.
        account: Whose address it is; left out, that of all accounts.
        options: Of opening: what to expect.
    """

    def view(request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return _response(payments.accept(account, request.headers, request.body, options=options).reply)

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def async_accept_view(
    payments: AsyncPayments, account: Optional[str] = None, *, options: Optional[NotificationOptions] = None
) -> Callable[[HttpRequest], Awaitable[HttpResponseBase]]:
    """The same as an asynchronous view."""

    async def view(request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return _response((await payments.accept(account, request.headers, request.body, options=options)).reply)

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def _response(reply: Reply) -> HttpResponse:
    return HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))
