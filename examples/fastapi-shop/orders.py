"""What the shop sells, and its orders."""

from __future__ import annotations

import logging
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import date
from typing import Optional

from tracing import trace_id

PRODUCT_NAME = "山间清茶"
PRODUCT_DESCRIPTION = "一杯手作的高山绿茶"
PRICE_FEN = 1

logger = logging.getLogger("shop")


@dataclass(frozen=True)
class Order:
    """A value: what the store hands out never changes under its reader."""

    id: str
    method: str
    amount_fen: int
    code_url: Optional[str] = None
    state: str = "paying"
    transaction_id: Optional[str] = None
    paid_at: Optional[str] = None


class Orders:
    """Keeps the orders in memory. A real shop keeps them in a database, and writes the order before it asks for money."""

    def __init__(self) -> None:
        self._by_id: dict[str, Order] = {}
        self._lock = threading.Lock()

    def create(self, method: str, amount_fen: int) -> Order:
        """Store a new order under a number of its own, of the 32 characters that out_trade_no allows."""
        order = Order(f"{date.today():%y%m%d}{secrets.token_hex(13)}", method, amount_fen)
        with self._lock:
            self._by_id[order.id] = order
        return order

    def get(self, id: str) -> Optional[Order]:
        with self._lock:
            return self._by_id.get(id)

    def set_code_url(self, id: str, code_url: str) -> None:
        """Remember what the order's QR code says."""
        with self._lock:
            self._by_id[id] = replace(self._by_id[id], code_url=code_url)

    def mark_paid(self, id: Optional[str], transaction_id: Optional[str], paid_at: Optional[str], amount_fen: Optional[int]) -> None:
        """Called for every word of a payment, repetitions included, with what the provider says. Only the first changes the order."""
        with self._lock:
            order = self._by_id.get(id or "")
            if order is None:
                raise ValueError(f"order {id} is not ours")
            if order.amount_fen != amount_fen:
                raise ValueError(f"order {id} costs {order.amount_fen} fen, {amount_fen} were paid")
            if order.state == "paid":
                return
            self._by_id[order.id] = replace(order, state="paid", transaction_id=transaction_id, paid_at=paid_at)
        logger.info("trace_id=%s order %s is paid", trace_id.get(), id)
