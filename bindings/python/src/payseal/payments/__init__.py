"""Orders, notifications and messages in one database, so that no payment is lost.

Not in a crash, not where two machines work at once, not where the provider tells the same twice or never. :class:`Payments` stores an
order before its provider hears of it, and a notification before its provider is told that all is well; a :class:`Runner` hands what came to
the service until the service has taken care of it, asks about what does not come, and closes what has expired. :class:`AsyncPayments` and
:class:`AsyncRunner` are the same for :mod:`asyncio`.

What does not fit, such as another amount, a second payment or money after closing, is never dropped: it is an :class:`ExceptionRecord` with
all evidence, for a person to resolve.
"""

from payseal.payments._running import ACKED, Permanent
from payseal.payments.accepted import Accepted
from payseal.payments.aio import AsyncPayments
from payseal.payments.aio_runner import AsyncHandler, AsyncRunner
from payseal.payments.configuration import CallOptions, Configuration, Keep, Work
from payseal.payments.order import (
    ClientAction,
    ExceptionRecord,
    File,
    Inquiry,
    Order,
    Payment,
    QueueStats,
    Refund,
    Refunded,
    Refusal,
    Stats,
    Ticked,
    Transition,
)
from payseal.payments.publisher import AsyncPublisher, Published, Publisher
from payseal.payments.request import Payer, PayRequest, RefundRequest, Report
from payseal.payments.runner import Handler, Runner
from payseal.payments.statements import AsyncCursor, Cursor, Placeholders, Statement
from payseal.payments.sync import Payments
from payseal.payments.words import (
    ClientKind,
    EventKind,
    ExceptionKind,
    Method,
    PaymentState,
    Queue,
    RefundState,
    Source,
    State,
    Topic,
)
from payseal.payments.work import Claimed, DeadLetter, Event, Fact, Message, Nacked

__all__ = [
    "ACKED",
    "Accepted",
    "AsyncCursor",
    "AsyncHandler",
    "AsyncPayments",
    "AsyncPublisher",
    "AsyncRunner",
    "CallOptions",
    "Claimed",
    "ClientAction",
    "ClientKind",
    "Configuration",
    "Cursor",
    "DeadLetter",
    "Event",
    "EventKind",
    "ExceptionKind",
    "ExceptionRecord",
    "Fact",
    "File",
    "Handler",
    "Inquiry",
    "Keep",
    "Message",
    "Method",
    "Nacked",
    "Order",
    "PayRequest",
    "Payer",
    "Payment",
    "PaymentState",
    "Payments",
    "Permanent",
    "Placeholders",
    "Published",
    "Publisher",
    "Queue",
    "QueueStats",
    "Refund",
    "RefundRequest",
    "RefundState",
    "Refunded",
    "Refusal",
    "Report",
    "Runner",
    "Source",
    "State",
    "Statement",
    "Stats",
    "Ticked",
    "Topic",
    "Transition",
    "Work",
]
