"""The shop's orders."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, replace
from datetime import date
from typing import Optional


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

    def mark_paid(self, id: str, transaction_id: str, paid_at: str, amount_fen: int) -> bool:
        """Called for every notification of a payment, repeated ones included. Whether this was the first, which changed the order."""
        with self._lock:
            order = self._by_id.get(id)
            if order is None:
                raise ValueError(f"order {id} is not ours")
            if order.amount_fen != amount_fen:
                raise ValueError(f"order {id} costs {order.amount_fen} fen, {amount_fen} were paid")
            if order.state == "paid":
                return False
            self._by_id[id] = replace(order, state="paid", transaction_id=transaction_id, paid_at=paid_at)
            return True
