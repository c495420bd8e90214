"""What payments are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Optional, Union

from payseal._model import Model
from payseal.payments.words import Method


@dataclass(frozen=True, repr=False)
class Payer(Model):
    """Who pays, as far as the method needs to know. Printing one shows nothing.

    Attributes:
        id: The payer's at the provider: ``openid``, ``buyer_open_id``.
        auth_code: The code that the shop scanned. It is spent once and never stored.
        client_ip: The address of the payer's device.
    """

    id: Optional[str] = None
    auth_code: Optional[str] = None
    client_ip: Optional[str] = None

    def __repr__(self) -> str:
        """Without what is in it: the code is money."""
        return "Payer(…)"


@dataclass(frozen=True)
class PayRequest(Model):
    """A wish to be paid.

    Attributes:
        order_no: The merchant's number. The same again is the same order.
        method: How the payer pays, in the provider's word.
        amount: In the currency's minor unit: fen.
        subject: What the payer reads.
        account: The name of the merchant's; not needed where there is one account.
        provider: Or ``"wechat"``, ``"alipay"`` …, where one account only is of that provider.
        currency: ISO 4217; left out ``CNY``.
        notify_url: Takes the place of the account's.
        return_url: Where the payer's browser goes afterwards.
        expires_in_ms: How long it may be paid, milliseconds; takes the place of the configuration's ``expires_ms``.
        payer: Who pays.
        extra: Members of the provider's own request that have no common name.
    """

    order_no: str
    method: Union[Method, str]
    amount: int
    subject: str
    account: Optional[str] = None
    provider: Optional[str] = None
    currency: Optional[str] = None
    notify_url: Optional[str] = None
    return_url: Optional[str] = None
    expires_in_ms: Optional[int] = None
    payer: Optional[Payer] = None
    extra: Optional[dict[str, Any]] = field(default=None, repr=False)


@dataclass(frozen=True)
class RefundRequest(Model):
    """A wish to give money back.

    Attributes:
        order_no: The order's number.
        refund_no: The merchant's number. The same again is the same refund.
        amount: In the minor unit of the order's currency: fen.
        reason: What the payer reads.
        notify_url: Takes the place of the account's.
        extra: Members of the provider's own request that have no common name.
    """

    order_no: str
    refund_no: str
    amount: int
    reason: Optional[str] = None
    notify_url: Optional[str] = None
    extra: Optional[dict[str, Any]] = field(default=None, repr=False)


@dataclass(frozen=True)
class Report(Model):
    """A payment that was learned otherwise: from a bill, or by a person at the provider.

    Attributes:
        source: Which of both.
        order_no: The order's number.
        transaction_id: The provider's number of the payment.
        amount: In the currency's minor unit: fen.
        account: Left out, that of the order.
        currency: Left out, ``CNY``.
        merchant: Compared with the order's where it is given.
        application: The same.
        paid_ms: When it was paid, Unix milliseconds.
    """

    source: Literal["bill", "host"]
    order_no: str
    transaction_id: str
    amount: int
    account: Optional[str] = None
    currency: Optional[str] = None
    merchant: Optional[str] = None
    application: Optional[str] = None
    paid_ms: Optional[int] = None
