"""What the operator's page asks for."""

from __future__ import annotations

from typing import Any, Optional

from fastapi import APIRouter
from payseal.payments import AsyncPayments, Queue, RefundRequest
from pydantic import BaseModel, StrictInt, StrictStr

from tracing import trace_id


class Refund(BaseModel):
    """How much to give back, in fen; left out, all that is left."""

    amount: Optional[StrictInt] = None


class Resolution(BaseModel):
    """What a person says about an exception."""

    note: StrictStr = ""
    state: Optional[StrictStr] = None


def back_office(payments: AsyncPayments) -> APIRouter:
    """The routes below /api/operator. A real shop lets only its people here; the demo listens on loopback."""
    router = APIRouter()

    @router.get("/stats")
    async def stats() -> dict[str, Any]:
        return (await payments.stats()).to_json()

    @router.get("/orders")
    async def orders(state: Optional[str] = None, before_ms: Optional[int] = None) -> dict[str, Any]:
        return {"orders": [order.to_json() for order in await payments.orders(state, before_ms=before_ms)]}

    @router.get("/orders/{number}")
    async def order(number: str) -> dict[str, Any]:
        return (await payments.order(number)).to_json()

    @router.post("/orders/{number}/refund")
    async def refund(number: str, asked: Refund) -> dict[str, Any]:
        file = await payments.order(number)
        left = file.order.amount - file.order.refunding - file.order.refunded
        request = RefundRequest(
            order_no=number,
            refund_no=f"{number}R{len(file.refunds) + 1}",  # of two who press the button at once both mean the same refund
            amount=left if asked.amount is None else asked.amount,
        )
        return (await payments.refund(request, options={"trace_id": trace_id.get()})).to_json()

    @router.get("/exceptions")
    async def exceptions() -> dict[str, Any]:
        return {"exceptions": [each.to_json() for each in await payments.exceptions()]}

    @router.post("/exceptions/{number}/resolve")
    async def resolve(number: int, said: Resolution) -> dict[str, Any]:
        order = await payments.resolve(number, said.note, said.state)
        return {"order": order and order.to_json()}

    @router.get("/dead-letters")
    async def dead_letters() -> dict[str, Any]:
        return {"dead": [letter.to_json() for letter in await payments.dead_letters(Queue.INBOX)]}

    @router.post("/dead-letters/{number}/redrive")
    async def redrive(number: int) -> dict[str, Any]:
        return {"redriven": await payments.redrive(Queue.INBOX, [number])}

    return router
