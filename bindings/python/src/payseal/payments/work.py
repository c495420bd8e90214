"""Work that is claimed: events out of the inbox, messages out of the outbox."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Optional, Union

from payseal._model import Model
from payseal.notification import Event as NotificationEvent
from payseal.payments.order import Order
from payseal.payments.words import EventKind, ExceptionKind, Queue, Source, Topic
from payseal.result import known


@dataclass(frozen=True)
class Fact(Model):
    """What a provider said, verified, in terms that all providers share. What it did not say is None.

    Attributes:
        of: ``"payment"`` or ``"refund"``.
        order_no: The merchant's number.
        state: A :class:`~payseal.payments.PaymentState`; of a refund ``"missing"`` or a :class:`~payseal.payments.RefundState`.
        provider_state: The provider's own word.
        refund_no: The merchant's number of a refund.
        transaction_id: The provider's number of the payment.
        refund_id: The provider's number of a refund.
        amount: Of the order, or of the refund, in the minor unit (fen).
        currency: ISO 4217.
        merchant: Who was paid.
        sub_merchant: Who was paid through a service provider.
        application: In which app.
        paid_ms: When, Unix milliseconds.
    """

    of: str
    order_no: str
    state: str
    provider_state: str
    refund_no: Optional[str] = None
    transaction_id: Optional[str] = None
    refund_id: Optional[str] = None
    amount: Optional[int] = None
    currency: Optional[str] = None
    merchant: Optional[str] = None
    sub_merchant: Optional[str] = None
    application: Optional[str] = None
    paid_ms: Optional[int] = None


@dataclass(frozen=True)
class Event(Model):
    """Something that was learned about money, claimed from the inbox.

    What a notification told takes effect when the event is acknowledged, in the same transaction; kind, exception and order are what is
    known until then. All other events tell what has taken effect already.

    Attributes:
        id: Names it.
        token: Proves that it was claimed: whoever's lease ran out, while somebody else claimed it, changes nothing any more.
        account: Whose it is.
        kind: One of :class:`~payseal.payments.EventKind`, or the provider's event type for what is about something else.
        order_no: Empty for what is about something else.
        source: How it was learned.
        received_ms: When, Unix milliseconds.
        lease_until_ms: Until when it belongs to whoever claimed it.
        fact: What takes effect, or took; None for what is about something else.
        exception: What does not fit, where the kind is ``"exception.raised"``. Nothing may be delivered for it.
        order: The order as it is once the event has taken effect, by what is known now; None where it is about none.
        resource: The decrypted text, as the library writes it; see :attr:`plaintext`.
        envelope: What the notification says about itself; see :attr:`notification`.
    """

    id: int
    token: int
    account: str
    kind: EventKind
    order_no: str
    source: Source
    received_ms: int
    lease_until_ms: int
    fact: Optional[Fact] = None
    exception: Optional[ExceptionKind] = None
    order: Optional[Order] = None
    resource: Optional[str] = field(default=None, repr=False)
    envelope: Optional[dict[str, Any]] = field(default=None, repr=False)

    queue = Queue.INBOX

    @cached_property
    def plaintext(self) -> bytes:
        """The decrypted resource of a notification; empty where the fact was learned otherwise."""
        if self.resource is None:
            return b""
        # What is no text is base64 behind a prefix that no JSON has.
        prefix, is_encoded, encoded = self.resource.partition("base64:")
        return base64.b64decode(encoded, validate=True) if is_encoded and not prefix else self.resource.encode()

    def json(self) -> Any:
        """The value of the plaintext, for example a transaction. Amounts are in the provider's unit.

        Raises:
            ValueError: The plaintext is not JSON in UTF-8.
        """
        return json.loads(self.plaintext.decode("utf-8"))

    @cached_property
    def notification(self) -> Optional[NotificationEvent]:
        """What the notification says about itself; None where the fact was learned otherwise."""
        event: Optional[NotificationEvent] = known(NotificationEvent, self.envelope) if self.envelope else None
        return event


@dataclass(frozen=True)
class Message(Model):
    """Tells the rest of the service what took effect. It may come more than once, and not in order.

    Attributes:
        id: Names it in the outbox.
        token: Proves that it was claimed.
        message_id: Unique for ever: consumers drop what they have seen.
        topic: What it is about.
        order_no: The key to order by.
        payload: A JSON object: ``type``, ``order_no``, ``account``, ``source``, ``at_ms``, ``exception``, ``fact``, ``order``.
        created_ms: When it took effect, Unix milliseconds.
        lease_until_ms: Until when it belongs to whoever claimed it.
    """

    id: int
    token: int
    message_id: str
    topic: Topic
    order_no: str
    payload: str = field(repr=False)
    created_ms: int
    lease_until_ms: int

    queue = Queue.OUTBOX

    def json(self) -> Any:
        """The value of the payload."""
        return json.loads(self.payload)


Claimed = Union[Event, Message]
"""Work under a lease."""


@dataclass(frozen=True)
class Nacked(Model):
    """What became of work that was given back.

    Attributes:
        dead: True after too many attempts.
        due_ms: When it can be claimed again, Unix milliseconds.
    """

    dead: bool
    due_ms: Optional[int] = None


@dataclass(frozen=True)
class DeadLetter(Model):
    """Work that was given up.

    Attributes:
        id: For ``redrive``.
        kind: An event's, or a message's topic.
        order_no: The order's number.
        attempts: How often it was claimed.
        ended_ms: When it was given up, Unix milliseconds.
        reason: For people.
    """

    id: int
    kind: str
    order_no: str
    attempts: int
    ended_ms: Optional[int] = None
    reason: Optional[str] = None
