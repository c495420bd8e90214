"""Payments for :mod:`asyncio`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Callable, Optional, TypeVar, Union

from payseal._call import Call, drive_async
from payseal._callbacks import Clock, RandomSource
from payseal._native import from_json
from payseal._threads import Threads
from payseal.aio import AsyncClient
from payseal.cancellation import Cancellation
from payseal.notification import Headers, NotificationOptions
from payseal.payments import _actions, statements
from payseal.payments._actions import Action
from payseal.payments.accepted import Accepted, accepted
from payseal.payments.configuration import CallOptions, Configuration
from payseal.payments.order import ExceptionRecord, File, Inquiry, Order, Payment, Refunded, Stats, Ticked
from payseal.payments.request import PayRequest, RefundRequest, Report
from payseal.payments.statements import AsyncCursor, Placeholders, Statement
from payseal.payments.sync import Payments, transports
from payseal.payments.words import Queue, State
from payseal.payments.work import Claimed, DeadLetter, Event, Message, Nacked
from payseal.transport import AsyncStreamedResponse, AsyncTransport, HttpRequest, HttpResponse

_T = TypeVar("_T")
_W = TypeVar("_W", Event, Message)


class AsyncPayments:
    """:class:`~payseal.payments.Payments` whose calls are coroutines: the same arguments, the same errors.

    Calls run on a bounded pool of threads that belongs to these payments: the database is waited for there. Where the clients have
    transports, the network is waited for on the event loop.

    Cancelling the task cancels the call; what was stored stays, and the same call again goes on.
    """

    def __init__(
        self,
        config: Union[Configuration, Mapping[str, object]],
        accounts: Mapping[str, AsyncClient],
        *,
        logger: Optional[logging.Logger] = None,
        now_ms: Optional[Clock] = None,
        random_bytes: Optional[RandomSource] = None,
        max_workers: Optional[int] = None,
    ) -> None:
        """Open the store, as :class:`~payseal.payments.Payments` does; this blocks, and needs no event loop.

        Args:
            config: ``store``, and how long things last.
            accounts: The merchants, by the names under which their orders are stored.
            logger: Receives the log records of payments.
            now_ms: The clock, called on the threads of the pool.
            random_bytes: The random source, called on the threads of the pool.
            max_workers: How many threads at most. Left out: :class:`~concurrent.futures.ThreadPoolExecutor`'s own number.
        """
        self._transports = transports([client._transport for client in accounts.values()])
        clients = {name: client.client for name, client in accounts.items()}
        self._payments = Payments(config, clients, logger=logger, now_ms=now_ms, random_bytes=random_bytes)
        self._threads = Threads(max_workers)

    @property
    def payments(self) -> Payments:
        """The same payments for threads; its requests go through the built-in HTTP client. It is closed together with this one."""
        return self._payments

    async def create(self, request: PayRequest, *, options: Optional[CallOptions] = None) -> Payment:
        """See :meth:`Payments.create`."""
        return await self._do(_actions.create(request, options))

    async def query(self, order_no: str, *, options: Optional[CallOptions] = None) -> Inquiry:
        """See :meth:`Payments.query`."""
        return await self._do(_actions.query(order_no, options))

    async def close_order(self, order_no: str, *, options: Optional[CallOptions] = None) -> Inquiry:
        """See :meth:`Payments.close_order`."""
        return await self._do(_actions.close(order_no, options))

    async def refund(self, request: RefundRequest, *, options: Optional[CallOptions] = None) -> Refunded:
        """See :meth:`Payments.refund`."""
        return await self._do(_actions.refund(request, options))

    async def query_refund(self, refund_no: str, *, options: Optional[CallOptions] = None) -> Refunded:
        """See :meth:`Payments.query_refund`."""
        return await self._do(_actions.query_refund(refund_no, options))

    async def tick(self, most: Optional[int] = None, *, options: Optional[CallOptions] = None) -> Ticked:
        """See :meth:`Payments.tick`."""
        return await self._do(_actions.tick(most, options))

    async def accept(
        self, account: Optional[str], headers: Headers, body: bytes, *, options: Optional[NotificationOptions] = None
    ) -> Accepted:
        """Take in a notification; see :meth:`Payments.accept`."""
        message = self._payments._message(account, headers, body, options)
        if isinstance(message, Accepted):
            return message
        if self._transports is None:
            return await self._run(partial(self._payments.accept, account, headers, body, options=options))
        call = await self._run(partial(Call, self._payments._handle(), "call_new_accept", *message))
        taken = accepted(*await drive_async(call, self._send(call), self._run), call.raised)
        if taken.error is None:
            self._payments._bells.ring(Queue.INBOX)
        return taken

    async def order(self, order_no: str) -> File:
        """See :meth:`Payments.order`."""
        return await self._do(_actions.order(order_no))

    async def orders(
        self,
        state: Optional[Union[State, str]] = None,
        *,
        before_ms: Optional[int] = None,
        before_order_no: Optional[str] = None,
        most: Optional[int] = None,
    ) -> list[Order]:
        """See :meth:`Payments.orders`."""
        return await self._do(_actions.orders(state, before_ms, before_order_no, most))

    async def exceptions(
        self, *, resolved_too: bool = False, before_id: Optional[int] = None, most: Optional[int] = None
    ) -> list[ExceptionRecord]:
        """See :meth:`Payments.exceptions`."""
        return await self._do(_actions.exceptions(resolved_too, before_id, most))

    async def resolve(self, exception_id: int, note: str, state: Optional[Union[State, str]] = None) -> Optional[Order]:
        """See :meth:`Payments.resolve`."""
        return await self._do(_actions.resolve(exception_id, note, state))

    async def report(self, payment: Report) -> Optional[Order]:
        """See :meth:`Payments.report`."""
        return await self._do(_actions.report(payment))

    async def stats(self) -> Stats:
        """See :meth:`Payments.stats`."""
        return await self._do(_actions.stats())

    async def claim_events(self, most: Optional[int] = None, *, lease_ms: Optional[int] = None) -> list[Event]:
        """See :meth:`Payments.claim_events`."""
        return await self._do(_actions.claim_events(most, lease_ms))

    async def claim_messages(self, most: Optional[int] = None, *, lease_ms: Optional[int] = None) -> list[Message]:
        """See :meth:`Payments.claim_messages`."""
        return await self._do(_actions.claim_messages(most, lease_ms))

    async def extend(self, work: Claimed, *, lease_ms: Optional[int] = None) -> int:
        """See :meth:`Payments.extend`."""
        return await self._do(_actions.extend(work, lease_ms))

    async def ack(self, work: Claimed, also: Sequence[Statement] = ()) -> None:
        """See :meth:`Payments.ack`."""
        await self._do(_actions.ack(work, also))

    async def ack_all(self, work: Sequence[_W]) -> list[_W]:
        """See :meth:`Payments.ack_all`."""
        return await self._do(_actions.ack_all(work)) if work else []

    async def nack(self, work: Claimed, *, reason: Optional[str] = None, delay_ms: Optional[int] = None) -> Nacked:
        """See :meth:`Payments.nack`."""
        return await self._do(_actions.nack(work, reason, delay_ms))

    async def dead(self, work: Claimed, reason: str) -> None:
        """See :meth:`Payments.dead`."""
        await self._do(_actions.dead(work, reason))

    async def dead_letters(self, queue: Union[Queue, str], *, most: Optional[int] = None) -> list[DeadLetter]:
        """See :meth:`Payments.dead_letters`."""
        return await self._do(_actions.dead_letters(queue, most))

    async def redrive(self, queue: Union[Queue, str], ids: Optional[Sequence[int]] = None) -> int:
        """See :meth:`Payments.redrive`."""
        return await self._do(_actions.redrive(queue, ids))

    async def ack_statements(self, event: Event, placeholders: Optional[Placeholders] = None) -> list[Statement]:
        """See :meth:`Payments.ack_statements`."""
        return await self._do(_actions.ack_statements(event, placeholders))

    async def ack_in(self, cursor: AsyncCursor, event: Event, placeholders: Optional[Placeholders] = None) -> None:
        """See :meth:`Payments.ack_in`: here by a cursor whose ``execute`` is a coroutine, as those of psycopg and aiomysql are.

        The statements of a driver without such cursors, as asyncpg is, come from :meth:`ack_statements`.
        """
        await statements.run_async(cursor, await self.ack_statements(event, placeholders))

    async def aclose(self) -> None:
        """End the payments and wait for calls under way. May be repeated."""
        self._payments.close()
        await self._threads.end()

    @property
    def closed(self) -> bool:
        """Whether :meth:`aclose` was called."""
        return self._payments.closed

    async def __aenter__(self) -> AsyncPayments:
        """The payments themselves; leaving the block closes them."""
        self._payments.__enter__()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Close the payments."""
        await self.aclose()

    async def _do(self, action: Action[_T]) -> _T:
        if self._transports is None:
            cancellation = Cancellation()
            try:
                return await self._run(partial(self._payments._do, action, cancellation))
            except asyncio.CancelledError:
                cancellation.trigger()
                raise
        try:
            call = await self._run(partial(Call, self._payments._handle(), "call_new_payments", action.name, action.text()))
            result, _ = await drive_async(call, self._send(call), self._run)
        finally:
            self._payments._bells.ring(*action.rings)
        return action.read(from_json(result))

    def _send(self, call: Call) -> AsyncTransport:
        """Each request goes through the transport of its merchant."""
        transports = self._transports

        async def send(request: HttpRequest, /) -> Union[HttpResponse, AsyncStreamedResponse]:
            answer: Union[HttpResponse, AsyncStreamedResponse] = await transports[call.client](request)
            return answer

        return send

    async def _run(self, function: Callable[[], _T]) -> _T:
        self._payments._handle()
        return await self._threads.run(function)
