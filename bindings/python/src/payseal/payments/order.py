"""What payments know of orders. Times are Unix milliseconds, amounts integers in the currency's minor unit (fen)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from payseal._model import Model
from payseal.errors import Code
from payseal.payments.words import ClientKind, ExceptionKind, Method, PaymentState, RefundState, Source, State


@dataclass(frozen=True)
class Refusal(Model):
    """A provider's no.

    Attributes:
        code: That of the error.
        code_name: Its name, ``"PROVIDER_REJECTED"``.
        outcome: ``"not_sent"``, ``"rejected"`` or ``"unknown"``.
        message: One English sentence for a developer.
        provider_code: The provider's own.
    """

    code: Code
    code_name: str
    outcome: str
    message: str
    provider_code: Optional[str] = None


@dataclass(frozen=True)
class Order(Model):
    """An order as it is stored.

    Attributes:
        order_no: The merchant's number.
        account: Under which name its merchant is configured.
        provider: ``"wechat"``, ``"alipay"`` …
        method: How the payer pays.
        merchant: Whom a payment must name.
        amount: How much is to be paid.
        currency: ISO 4217.
        subject: What the payer reads.
        state: Where it stands.
        created_ms: When it was stored.
        updated_ms: When it was last changed.
        expires_ms: Until when it may be paid.
        refunding: The sum of the refunds that are under way.
        refunded: The sum of those that have succeeded.
        polls: How often the provider was asked about it.
        sub_merchant: Who is paid through a service provider.
        application: The app that a payment must name.
        transaction_id: The provider's number of the payment.
        refusal: The provider's last no.
        paid_ms: When it was paid.
        due_ms: When the provider is asked again.
    """

    order_no: str
    account: str
    provider: str
    method: Method
    merchant: str
    amount: int
    currency: str
    subject: str
    state: State
    created_ms: int
    updated_ms: int
    expires_ms: int
    refunding: int
    refunded: int
    polls: int
    sub_merchant: Optional[str] = None
    application: Optional[str] = None
    transaction_id: Optional[str] = None
    refusal: Optional[Refusal] = None
    paid_ms: Optional[int] = None
    due_ms: Optional[int] = None


@dataclass(frozen=True)
class Refund(Model):
    """A refund as it is stored.

    Attributes:
        refund_no: The merchant's number.
        order_no: The order's.
        amount: How much is given back.
        state: Where it stands.
        created_ms: When it was stored.
        updated_ms: When it was last changed.
        polls: How often the provider was asked about it.
        refund_id: The provider's number.
        refusal: The provider's last no.
        due_ms: When the provider is asked again.
    """

    refund_no: str
    order_no: str
    amount: int
    state: RefundState
    created_ms: int
    updated_ms: int
    polls: int
    refund_id: Optional[str] = None
    refusal: Optional[Refusal] = None
    due_ms: Optional[int] = None


@dataclass(frozen=True)
class ClientAction(Model):
    """What the payer's client needs, by ``kind``. ``to_json()`` is what to hand to a page or an app.

    Attributes:
        kind: Which of the following is there.
        code_url: The text of the QR code to show; :mod:`payseal.qr` draws it.
        url: Where to send the payer's browser.
        params: What to hand to the provider's JavaScript or app.
        order_string: What to hand to the provider's app.
    """

    kind: ClientKind
    code_url: Optional[str] = None
    url: Optional[str] = None
    params: Optional[dict[str, Any]] = field(default=None, repr=False)
    order_string: Optional[str] = field(default=None, repr=False)


@dataclass(frozen=True)
class Payment(Model):
    """An order, and what the payer needs to pay it.

    Attributes:
        order: The order.
        client: None for scanned codes, and once the order is no longer to be paid.
    """

    order: Order
    client: Optional[ClientAction] = None


@dataclass(frozen=True)
class Inquiry(Model):
    """What became of an order.

    Attributes:
        order: As it is now.
        payment_state: What the provider said last; None where it was not asked.
        provider_state: The provider's own word for it.
    """

    order: Order
    payment_state: Optional[PaymentState] = None
    provider_state: Optional[str] = None


@dataclass(frozen=True)
class Refunded(Model):
    """A refund and its order."""

    order: Order
    refund: Refund


@dataclass(frozen=True)
class Transition(Model):
    """A step in the history of an order.

    Attributes:
        id: Steps are counted.
        at_ms: When.
        to_state: Where the order stood from then on.
        source: How that was learned.
        from_state: Where it stood before; None where it began.
        refund_no: Which refund it is about.
        detail: What is known besides.
    """

    id: int
    at_ms: int
    to_state: State = field(metadata={"name": "to"})
    source: Source
    from_state: Optional[State] = field(default=None, metadata={"name": "from"})
    refund_no: Optional[str] = None
    detail: Optional[dict[str, Any]] = field(default=None, repr=False)


@dataclass(frozen=True)
class ExceptionRecord(Model):
    """What does not fit, with all evidence. A person has to look.

    Attributes:
        id: For ``resolve``.
        account: Whose notification, query or bill it was.
        order_no: The order's number.
        kind: What does not fit.
        source: How it was learned.
        at_ms: When.
        evidence: ``fact`` and ``order``, as they were.
        resolved_ms: None while it is open.
        resolution: The note with which it was resolved.
    """

    id: int
    account: str
    order_no: str
    kind: ExceptionKind
    source: Source
    at_ms: int
    evidence: Optional[dict[str, Any]] = field(default=None, repr=False)
    resolved_ms: Optional[int] = None
    resolution: Optional[str] = None


@dataclass(frozen=True)
class File(Model):
    """All that is known of an order.

    Attributes:
        order: The order.
        refunds: Its refunds, oldest first.
        history: In the order in which it happened.
        exceptions: Newest first.
        client: As in :class:`Payment`.
    """

    order: Order
    refunds: list[Refund]
    history: list[Transition]
    exceptions: list[ExceptionRecord]
    client: Optional[ClientAction] = None


@dataclass(frozen=True)
class Ticked(Model):
    """What a tick did.

    Attributes:
        orders: How many orders the providers were asked about.
        refunds: The same of refunds.
        failed: How many of these could not be found out; they come again.
        purged: How many events and messages were removed because they had been done long enough ago.
        next_due_ms: When there is something to do again; None where nothing waits.
    """

    orders: int
    refunds: int
    failed: int
    purged: int
    next_due_ms: Optional[int] = None


@dataclass(frozen=True)
class QueueStats(Model):
    """Counts of a queue.

    Attributes:
        waiting: All that is not done.
        due: What could be claimed now.
        dead: What waits for ``redrive``.
    """

    waiting: int
    due: int
    dead: int


@dataclass(frozen=True)
class Stats(Model):
    """Counts, for dashboards.

    Attributes:
        orders: By state.
        inbox: Of events.
        outbox: Of messages.
        exceptions: The open ones.
    """

    orders: dict[str, int]
    inbox: QueueStats
    outbox: QueueStats
    exceptions: int
