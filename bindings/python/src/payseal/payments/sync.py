"""Payments for threads."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from ctypes import byref
from typing import Any, Optional, TypeVar, Union

from payseal import _client
from payseal._call import Call, drive
from payseal._callbacks import CallbackTable, Clock, RandomSource
from payseal._library import Buffer, library
from payseal._native import closed, from_json, inputs, lines, to_json
from payseal.cancellation import Cancellation
from payseal.client import Client
from payseal.errors import TrustError
from payseal.notification import Headers, NotificationOptions
from payseal.payments import _actions, statements
from payseal.payments._actions import Action
from payseal.payments._handle import Bells, PaymentsHandle, new_payments
from payseal.payments.accepted import Accepted, accepted
from payseal.payments.configuration import CallOptions, Configuration
from payseal.payments.order import ExceptionRecord, File, Inquiry, Order, Payment, Refunded, Stats, Ticked
from payseal.payments.request import PayRequest, RefundRequest, Report
from payseal.payments.statements import Cursor, Placeholders, Statement
from payseal.payments.words import Queue, State
from payseal.payments.work import Claimed, DeadLetter, Event, Message, Nacked
from payseal.transport import HttpRequest, HttpResponse, StreamedResponse, Transport

_T = TypeVar("_T")
_W = TypeVar("_W", Event, Message)


class Payments:
    """Orders, inbox and outbox of several merchants in one database; for any number of threads, processes and machines at once.

    Make one when the service starts, and keep it. One that was made before a fork works in the children.

    ::

        with payments.Payments({"store": "sqlite:payments.db"}, {"wechat": client}) as shop:
            payment = shop.create(PayRequest(order_no="T1", method=Method.NATIVE, amount=100, subject="Tea"))

    Every method raises :class:`~payseal.StoreError` where the database fails, :class:`~payseal.ArgumentError` where a parameter is wrong
    and :class:`~payseal.ClosedError` once the payments are closed. A call releases the interpreter lock while it waits.
    """

    def __init__(
        self,
        config: Union[Configuration, Mapping[str, object]],
        accounts: Mapping[str, Client],
        *,
        logger: Optional[logging.Logger] = None,
        now_ms: Optional[Clock] = None,
        random_bytes: Optional[RandomSource] = None,
    ) -> None:
        """Open the store and make its tables, or bring them up to date.

        Args:
            config: ``store``, and how long things last.
            accounts: The merchants, by the names under which their orders are stored. The clients may be closed before the payments.
                Requests go through the clients' own transports; all of them have one, or none.
            logger: Receives the log records of payments; those of requests go to the clients' loggers.
            now_ms: The clock: Unix time in milliseconds. Left out: the system's.
            random_bytes: The random source, for example ``os.urandom``. Left out: the system's.

        Raises:
            ConfigurationError: A key is unknown, missing or wrong; ``details["field"]`` names it.
            StoreError: The database cannot be used.
            ValueError: Some clients have a transport, and some have none.
        """
        self._transports = transports([client._transport for client in accounts.values()])
        self._bells = Bells()
        self._has_outbox = bool(config.get("outbox"))
        self._now_ms = now_ms or _system_now_ms
        self._clients = {name: client._handle() for name, client in accounts.items()}
        callbacks = CallbackTable(logger, now_ms, random_bytes, None)
        self._open: Optional[PaymentsHandle] = new_payments(config, self._clients, callbacks)

    def create(self, request: PayRequest, *, options: Optional[CallOptions] = None, cancellation: Optional[Cancellation] = None) -> Payment:
        """Store an order, ask the provider for it and return what the payer needs.

        It may be called again with the same number, after whatever error or crash: what is there is given back, and what broke off is
        gone on with.

        Raises:
            OrderError: The number is that of another order (``ORDER_CONFLICT``), or of one that is closed (``ORDER_STATE``).
            PaysealError: Of the provider or of the way to it, as for :meth:`payseal.Client.execute`. The order stays stored.
        """
        return self._do(_actions.create(request, options), cancellation)

    def query(self, order_no: str, *, options: Optional[CallOptions] = None, cancellation: Optional[Cancellation] = None) -> Inquiry:
        """Ask the provider. What it says takes effect.

        Raises:
            OrderError: There is no such order (``ORDER_UNKNOWN``).
            PaysealError: There is no verified answer.
        """
        return self._do(_actions.query(order_no, options), cancellation)

    def close_order(self, order_no: str, *, options: Optional[CallOptions] = None, cancellation: Optional[Cancellation] = None) -> Inquiry:
        """Close an order that nobody has paid. The provider is asked first: what was paid is paid, and the answer says so.

        Raises:
            OrderError: There is no such order (``ORDER_UNKNOWN``).
            PaysealError: There is no verified answer.
        """
        return self._do(_actions.close(order_no, options), cancellation)

    def refund(
        self, request: RefundRequest, *, options: Optional[CallOptions] = None, cancellation: Optional[Cancellation] = None
    ) -> Refunded:
        """Store a refund and ask the provider for it. Where it is still processing, ticks follow it to its end.

        It may be called again with the same number, as :meth:`create` may.

        Raises:
            OrderError: It is more than is left of what was paid (``ORDER_STATE``), or the number is another refund's (``ORDER_CONFLICT``).
            PaysealError: Of the provider or of the way to it. The refund stays stored.
        """
        return self._do(_actions.refund(request, options), cancellation)

    def query_refund(
        self, refund_no: str, *, options: Optional[CallOptions] = None, cancellation: Optional[Cancellation] = None
    ) -> Refunded:
        """Ask the provider what became of a refund. What it says takes effect.

        Raises:
            OrderError: There is no such refund (``ORDER_UNKNOWN``).
            PaysealError: There is no verified answer.
        """
        return self._do(_actions.query_refund(refund_no, options), cancellation)

    def tick(
        self, most: Optional[int] = None, *, options: Optional[CallOptions] = None, cancellation: Optional[Cancellation] = None
    ) -> Ticked:
        """Do what is due, ``most`` orders and ``most`` refunds: 1 to 10,000, left out 100.

        Orders that wait for money are asked about, expired ones closed with the provider asked first, refunds followed to their end. Safe
        on many machines at once: what one has taken up no other does. A :class:`~payseal.payments.Runner` ticks by itself.
        """
        return self._do(_actions.tick(most, options), cancellation)

    def accept(self, account: Optional[str], headers: Headers, body: bytes, *, options: Optional[NotificationOptions] = None) -> Accepted:
        """Take in a notification: it is verified, and stored with a durable commit, before there is a reply that says success.

        Any number of threads share one commit. The handlers of :mod:`payseal.contrib` call this.

        Args:
            account: Whom it is for; None finds out.
            headers: The headers as received, best as pairs.
            body: The raw body as received. Never a body that was parsed and encoded again.
            options: ``timeout_ms``, ``trace_id``, ``expect``.

        Returns:
            The reply to write, whatever became of the notification.

        Raises:
            ArgumentError: The call itself is wrong: there is no such account.
        """
        payments = self._handle()
        message = self._message(account, headers, body, options)
        if isinstance(message, Accepted):
            return message
        if self._transports is not None:
            call = Call(payments, "call_new_accept", *message)
            taken = accepted(*drive(call, self._send(call), None), call.raised)
        else:
            reply, info = Buffer(), Buffer()
            raised = payments.invoke(library().payments_accept, payments.pointer, *inputs(*message), byref(reply), byref(info))
            taken = accepted(reply, info, raised)
        if taken.error is None:
            self._bells.ring(Queue.INBOX)
        return taken

    def order(self, order_no: str) -> File:
        """An order with its refunds, its history and its exceptions. Nobody is asked.

        Raises:
            OrderError: There is no such order (``ORDER_UNKNOWN``).
        """
        return self._do(_actions.order(order_no))

    def orders(
        self,
        state: Optional[Union[State, str]] = None,
        *,
        before_ms: Optional[int] = None,
        before_order_no: Optional[str] = None,
        most: Optional[int] = None,
    ) -> list[Order]:
        """Orders, newest first.

        Args:
            state: Only those that stand there.
            before_ms: Only those that were created earlier, Unix milliseconds: to page, give the ``created_ms`` of the last one seen.
            before_order_no: With ``before_ms``, also those of the same millisecond that come behind this number: the ``order_no`` of
                the last one seen.
            most: How many there are at most, 1 to 1000; left out, 100.
        """
        return self._do(_actions.orders(state, before_ms, before_order_no, most))

    def exceptions(
        self, *, resolved_too: bool = False, before_id: Optional[int] = None, most: Optional[int] = None
    ) -> list[ExceptionRecord]:
        """What does not fit, newest first.

        Args:
            resolved_too: Not only what is open.
            before_id: Only older ones: to page, give the ``id`` of the last one seen.
            most: How many there are at most, 1 to 1000; left out, 100.
        """
        return self._do(_actions.exceptions(resolved_too, before_id, most))

    def resolve(self, exception_id: int, note: str, state: Optional[Union[State, str]] = None) -> Optional[Order]:
        """A person has looked at an exception, and says why it is settled and what the order is.

        Args:
            exception_id: The exception's.
            note: Why.
            state: ``State.PAID``, ``State.CLOSED``, or None where the order keeps what it has.

        Returns:
            The order; None where there is none.

        Raises:
            OrderError: There is no such exception (``ORDER_UNKNOWN``), or the order cannot be that (``ORDER_STATE``).
        """
        return self._do(_actions.resolve(exception_id, note, state))

    def report(self, payment: Report) -> Optional[Order]:
        """Let a payment take effect that was learned otherwise, once.

        Returns:
            The order; None where there is none.

        Raises:
            OrderError: There is none, and the report names no account (``ORDER_UNKNOWN``).
        """
        return self._do(_actions.report(payment))

    def stats(self) -> Stats:
        """Counts, for dashboards."""
        return self._do(_actions.stats())

    def claim_events(self, most: Optional[int] = None, *, lease_ms: Optional[int] = None) -> list[Event]:
        """Take events that are due out of the inbox, oldest first. No two callers get the same one while its lease lasts.

        Args:
            most: How many there are at most, 1 to 1000; left out, one.
            lease_ms: Takes the place of the configuration's, milliseconds: a tenth of a second to a day.
        """
        return self._do(_actions.claim_events(most, lease_ms))

    def claim_messages(self, most: Optional[int] = None, *, lease_ms: Optional[int] = None) -> list[Message]:
        """The same of messages out of the outbox."""
        return self._do(_actions.claim_messages(most, lease_ms))

    def extend(self, work: Claimed, *, lease_ms: Optional[int] = None) -> int:
        """Let the lease last anew from now on; until when, Unix milliseconds.

        Raises:
            OrderError: Somebody else has the work (``LEASE_LOST``).
        """
        return self._do(_actions.extend(work, lease_ms))

    def ack(self, work: Claimed, also: Sequence[Statement] = ()) -> None:
        """End work that is done. An event takes effect in the same transaction.

        Args:
            work: An event or a message.
            also: Statements of the service's own on the same database that are written with it: INSERT, UPDATE or DELETE, with ``?`` for
                values that are ``str``, ``int`` or None.

        Raises:
            OrderError: Somebody else has the work (``LEASE_LOST``), or one of the statements changed another number of rows than it must
                (``ORDER_STATE``). Nothing took effect, and nothing was written.
        """
        self._do(_actions.ack(work, also))

    def ack_all(self, work: Sequence[_W]) -> list[_W]:
        """The same for many of one queue, up to 1000, in one transaction.

        Returns:
            Those that somebody else has by now, of which nothing took effect.
        """
        return self._do(_actions.ack_all(work)) if work else []

    def nack(self, work: Claimed, *, reason: Optional[str] = None, delay_ms: Optional[int] = None) -> Nacked:
        """Give work back, to be claimed again. After too many attempts it is dead.

        Args:
            work: What was claimed.
            reason: For people; of a long one the first 1000 characters are kept.
            delay_ms: In so many milliseconds, up to 30 days; left out: after a random pause that grows with the attempts.

        Raises:
            OrderError: Somebody else has the work (``LEASE_LOST``).
        """
        return self._do(_actions.nack(work, reason, delay_ms))

    def dead(self, work: Claimed, reason: str) -> None:
        """Give work up: it waits for a person and for :meth:`redrive`.

        Of an event, what a notification told has not taken effect; what was learned otherwise has.

        Raises:
            OrderError: Somebody else has the work (``LEASE_LOST``).
        """
        self._do(_actions.dead(work, reason))

    def dead_letters(self, queue: Union[Queue, str], *, most: Optional[int] = None) -> list[DeadLetter]:
        """What was given up, newest first: ``most`` of it, 1 to 1000; left out, 100."""
        return self._do(_actions.dead_letters(queue, most))

    def redrive(self, queue: Union[Queue, str], ids: Optional[Sequence[int]] = None) -> int:
        """Let what was given up be claimed again, with as many attempts as it had at first; how many it was.

        Args:
            queue: Which.
            ids: Which of it. None is all, the 1000 oldest of it at once: while it returns 1000 there may be more.
        """
        return self._do(_actions.redrive(queue, ids))

    def ack_statements(self, event: Event, placeholders: Optional[Placeholders] = None) -> list[Statement]:
        """What :meth:`ack` would run, for a transaction of the service's own on the same database.

        Run them in their order; where one changes another number of rows than it must, roll back.

        Args:
            event: What was claimed.
            placeholders: How the database driver marks places; left out: as the database does.
        """
        return self._do(_actions.ack_statements(event, placeholders))

    def ack_in(self, cursor: Cursor, event: Event, placeholders: Optional[Placeholders] = None) -> None:
        """:meth:`ack` in a transaction of the service's own on the same database, by a cursor of its driver (PEP 249).

        The event takes effect when that transaction commits, together with what the service itself writes. A handler of a runner then
        returns :data:`~payseal.payments.ACKED`.

        Of PostgreSQL and MySQL only: the :mod:`sqlite3` of Python is another SQLite than the library's, and two of them in one process do
        not see each other's locks.

        Args:
            cursor: Inside of a transaction, which this neither commits nor rolls back.
            event: What was claimed.
            placeholders: How the driver marks places: ``"%s"`` for psycopg and PyMySQL. Left out: as the database does.

        Raises:
            Exception: Whatever the driver raises: roll back.
            OrderError: Roll back: somebody else has the work or got on with its order (``LEASE_LOST``).
        """
        statements.run(cursor, self.ack_statements(event, placeholders))

    def close(self) -> None:
        """End the payments. Calls that run on other threads finish; new ones raise :class:`~payseal.ClosedError`. May be repeated."""
        self._open = None

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._open is None

    def __enter__(self) -> Payments:
        """The payments themselves; leaving the block closes them."""
        self._handle()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Close the payments."""
        self.close()

    def _do(self, action: Action[_T], cancellation: Optional[Cancellation] = None) -> _T:
        payments = self._handle()
        try:
            if self._transports is not None:
                call = Call(payments, "call_new_payments", action.name, action.text())
                result, _ = drive(call, self._send(call), cancellation)
            else:
                result = Buffer()
                cancel = cancellation._handle.pointer if cancellation is not None else None
                arguments = (*inputs(action.name, action.text()), cancel, byref(result), None)
                payments.invoke(library().payments_execute, payments.pointer, *arguments)
        finally:
            self._bells.ring(*action.rings)
        return action.read(from_json(result))

    def _send(self, call: Call) -> Transport:
        """Each request goes through the transport of its merchant."""
        transports = self._transports
        assert transports is not None

        def send(request: HttpRequest, /) -> Union[HttpResponse, StreamedResponse]:
            answer: Union[HttpResponse, StreamedResponse] = transports[call.client](request)
            return answer

        return send

    def _message(
        self, account: Optional[str], headers: Headers, body: bytes, options: Optional[NotificationOptions]
    ) -> Union[tuple[object, ...], Accepted]:
        """What the library is given; or, of headers that it cannot be given, what the account's provider expects to hear of that."""
        try:
            return (account, lines(headers), body, None if options is None else to_json(options))
        except TrustError as error:
            client = self._clients.get(account or "") or next(iter(self._clients.values()))
            return Accepted(_client.reply(client, error.code), error, account)

    def _left_ms(self, until_ms: int) -> int:
        """The time until a moment, by the clock of the payments."""
        return until_ms - self._now_ms()

    def _handle(self) -> PaymentsHandle:
        handle = self._open
        if handle is None:
            raise closed("payments")
        return handle


def _system_now_ms() -> int:
    return time.time_ns() // 1_000_000


def transports(each: Sequence[Any]) -> Any:
    """The clients' transports; None where no client has one.

    Raises:
        ValueError: Some clients have one, and some have none.
    """
    if all(transport is None for transport in each):
        return None
    if any(transport is None for transport in each):
        raise ValueError("either all clients have a transport, or none has")
    return tuple(each)
