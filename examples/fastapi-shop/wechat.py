"""What the shop asks of WeChat Pay, and what it is told."""

from __future__ import annotations

from typing import Any

import payseal
from payseal.wechat import pay

from orders import PRODUCT_NAME, Order, Orders
from tracing import trace_id

# A mini-program learns its buyer's openid when the buyer logs in; this shop has one buyer.
DEMO_OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


class WeChatPay:
    """Collects orders. mchid and appid come from the client's configuration."""

    def __init__(self, client: payseal.AsyncClient, orders: Orders, notify_url: str) -> None:
        self._client = client
        self._orders = orders
        self._notify_url = notify_url

    async def native(self, order: Order) -> str:
        """What the order's QR code says."""
        request = pay.NativeRequest(
            description=PRODUCT_NAME,
            out_trade_no=order.id,
            notify_url=self._notify_url,
            amount=pay.OrderAmount(total=order.amount_fen, currency="CNY"),
        )
        answer = await pay.native_async(self._client, request, options={"trace_id": trace_id.get()})
        code_url: str = (await self._client.invoke("native", {"code_url": answer.code_url}))["code_url"]
        return code_url

    async def jsapi(self, order: Order) -> dict[str, Any]:
        """What wx.requestPayment needs."""
        request = pay.JsapiRequest(
            description=PRODUCT_NAME,
            out_trade_no=order.id,
            notify_url=self._notify_url,
            amount=pay.OrderAmount(total=order.amount_fen, currency="CNY"),
            payer=pay.Payer(openid=DEMO_OPENID),
        )
        answer = await pay.jsapi_async(self._client, request, options={"trace_id": trace_id.get()})
        return await self._client.invoke("jsapi", {"prepay_id": answer.prepay_id})

    async def notified(self, notification: payseal.Notification) -> None:
        """Called with verified events only. WeChat Pay repeats an event until this returns, so it must be idempotent."""
        if notification.event.event_type != "TRANSACTION.SUCCESS":
            return  # a refund, say: acknowledged, this shop has no use for it
        payment = pay.Transaction.from_json(notification.json())
        if payment.trade_state != "SUCCESS" or payment.amount is None:
            raise ValueError(f"order {payment.out_trade_no} is {payment.trade_state} in an event of success")
        self._orders.mark_paid(payment.out_trade_no, payment.transaction_id, payment.success_time, payment.amount.total)
