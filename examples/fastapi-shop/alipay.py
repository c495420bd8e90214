"""What the shop asks of Alipay, and what it is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Optional

import payseal
from payseal.alipay import trade

from orders import PRODUCT_NAME, Order, Orders
from tracing import trace_id

PAID = {"TRADE_SUCCESS", "TRADE_FINISHED"}  # the latter can be refunded no more


class Alipay:
    """Collects orders. app_id comes from the client's configuration."""

    def __init__(self, client: payseal.AsyncClient, orders: Orders, notify_url: str, return_url: str) -> None:
        self._client = client
        self._orders = orders
        self._notify_url = notify_url
        self._return_url = return_url

    async def precreate(self, order: Order) -> str:
        """What the order's QR code says, to be scanned face to face."""
        request = trade.PrecreateRequest(out_trade_no=order.id, total_amount=yuan(order.amount_fen), subject=PRODUCT_NAME)
        options: payseal.Options = {"trace_id": trace_id.get()}
        answer = await trade.precreate_async(self._client, request, notify_url=self._notify_url, options=options)
        if answer.qr_code is None:
            raise ValueError("Alipay has taken the order and given no qr_code")
        return answer.qr_code

    async def page_pay(self, order: Order) -> str:
        """The address of Alipay's cashier page. Nothing is sent: the buyer's browser brings the order to Alipay."""
        request = trade.PagePayRequest(
            out_trade_no=order.id, total_amount=yuan(order.amount_fen), subject=PRODUCT_NAME, product_code="FAST_INSTANT_TRADE_PAY"
        )
        return await trade.page_pay_url_async(self._client, request, notify_url=self._notify_url, return_url=self._return_url)

    async def notified(self, notification: payseal.Notification) -> None:
        """Called with verified events only, which are of this app. Alipay repeats one until this returns, so it must be idempotent."""
        payment = trade.TradeNotification.from_json(notification.json())
        if payment.trade_status in PAID:  # else an order that was closed, say: acknowledged, this shop has no use for it
            self._orders.mark_paid(payment.out_trade_no, payment.trade_no, payment.gmt_payment, fen(payment.total_amount))

    def returned(self, query: bytes) -> str:
        """The number of the order from whose page the buyer comes back. That he comes proves nothing about the money.

        Args:
            query: The query string as it came.

        Raises:
            payseal.PaysealError: Alipay has not signed it.
        """
        return self._client.open_return(query).fields["out_trade_no"]

    async def query(self, number: str) -> None:
        """Ask Alipay what became of an order."""
        options: payseal.Options = {"trace_id": trace_id.get()}
        payment = await trade.query_async(self._client, trade.QueryRequest(out_trade_no=number), options=options)
        if payment.trade_status in PAID:
            self._orders.mark_paid(payment.out_trade_no, payment.trade_no, payment.send_pay_date, fen(payment.total_amount))


def yuan(fen: int) -> str:
    """An amount as Alipay wants it: 88.88."""
    return f"{Decimal(fen).scaleb(-2):.2f}"


def fen(yuan: Optional[str]) -> int:
    """What Alipay wrote, which payseal lets pass only with two places at most."""
    amount = Decimal(yuan or "NaN").scaleb(2)
    if amount != amount.to_integral_value():
        raise ValueError(f"{yuan} yuan is no amount in fen")
    return int(amount)
