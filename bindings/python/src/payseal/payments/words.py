"""Words of the library and of the providers, as enumerations that a newer library may extend."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Word(str, Enum):
    """A text with a known set of values. One that is not known yet becomes a member named like itself."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    def __str__(self) -> str:
        """The text itself."""
        return str(self.value)


class Method(Word):
    """How the payer pays, in the provider's word."""

    NATIVE = "native"
    """WeChat Pay: a QR code."""
    JSAPI = "jsapi"
    """WeChat Pay: in a mini-program or a page inside WeChat; ``payer.id`` is the openid."""
    H5 = "h5"
    """WeChat Pay: from a phone's browser; ``payer.client_ip`` is the payer's."""
    CODEPAY = "codepay"
    """WeChat Pay: the code that the shop scanned, ``payer.auth_code``."""
    APP = "app"
    """WeChat Pay and Alipay: in an app."""
    PRECREATE = "precreate"
    """Alipay: a QR code."""
    PAGE = "page"
    """Alipay: a page for computers."""
    WAP = "wap"
    """Alipay: a page for phones."""
    CREATE = "create"
    """Alipay: in a mini-program; ``payer.id`` is the buyer's."""
    PAY = "pay"
    """Alipay: the code that the shop scanned, ``payer.auth_code``."""


class State(Word):
    """Where an order stands."""

    CREATED = "created"
    """Stored; the provider has not confirmed it."""
    PAYING = "paying"
    """It can be paid."""
    PAID = "paid"
    CLOSING = "closing"
    """It is being closed; money that comes now came in time."""
    CLOSED = "closed"
    """It was not paid and cannot be any more."""
    REFUNDING = "refunding"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    EXCEPTION = "exception"
    """Something does not fit, and a person has to look."""


class RefundState(Word):
    """Where a refund stands."""

    CREATED = "created"
    """Stored; the provider has not confirmed it."""
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """It did not and will not happen."""
    ABNORMAL = "abnormal"
    """The money is on neither side until somebody acts at the provider."""


class PaymentState(Word):
    """Where a payment stands, by the provider."""

    MISSING = "missing"
    """The provider has no such order, yet."""
    UNPAID = "unpaid"
    PAID = "paid"
    CLOSED = "closed"
    """Nothing was paid and nothing can be any more."""


class Source(Word):
    """How something was learned."""

    ANSWER = "answer"
    """The provider's answer to an order or a refund."""
    NOTIFICATION = "notification"
    QUERY = "query"
    BILL = "bill"
    HOST = "host"
    """The service itself."""


class ClientKind(Word):
    """Which member of :class:`~payseal.payments.ClientAction` is there."""

    QR = "qr"
    REDIRECT = "redirect"
    INVOKE = "invoke"
    ORDER_STRING = "order_string"


class ExceptionKind(Word):
    """What does not fit."""

    UNKNOWN_ORDER = "unknown_order"
    """Money came for an order that is not here."""
    ACCOUNT_MISMATCH = "account_mismatch"
    MERCHANT_MISMATCH = "merchant_mismatch"
    APPLICATION_MISMATCH = "application_mismatch"
    AMOUNT_MISMATCH = "amount_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    SECOND_TRANSACTION = "second_transaction"
    """The order was paid twice."""
    PAID_AFTER_CLOSE = "paid_after_close"
    CLOSED_AFTER_PAID = "closed_after_paid"
    UNKNOWN_REFUND = "unknown_refund"
    """A refund that was not asked for here."""
    REFUND_AMOUNT_MISMATCH = "refund_amount_mismatch"
    REFUND_CONTRADICTION = "refund_contradiction"
    """The provider says of a refund that ended the contrary of what it had said."""
    REFUND_ABNORMAL = "refund_abnormal"


class Queue(Word):
    """The inbox or the outbox."""

    INBOX = "inbox"
    """Events: what was learned and has yet to take effect."""
    OUTBOX = "outbox"
    """Messages: what took effect and the rest of the service has yet to hear of."""


class EventKind(Word):
    """The kinds of events about orders and refunds; other events have the provider's event type."""

    PAYMENT_PAID = "payment.paid"
    PAYMENT_CLOSED = "payment.closed"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    REFUND_ABNORMAL = "refund.abnormal"
    EXCEPTION_RAISED = "exception.raised"


class Topic(Word):
    """What a message is about."""

    PAYMENT_PAID = "payment.paid"
    PAYMENT_CLOSED = "payment.closed"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    EXCEPTION_RAISED = "exception.raised"
