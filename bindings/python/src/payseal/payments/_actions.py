"""The actions of the library, and how their results are read: the same for threads and for asyncio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Generic, Optional, TypeVar, Union

from payseal._model import given
from payseal._native import to_json
from payseal.payments.configuration import CallOptions
from payseal.payments.order import ExceptionRecord, File, Inquiry, Order, Payment, Refunded, Stats, Ticked
from payseal.payments.request import PayRequest, RefundRequest, Report
from payseal.payments.statements import Placeholders, Statement
from payseal.payments.words import Queue, State
from payseal.payments.work import Claimed, DeadLetter, Event, Message, Nacked

_T = TypeVar("_T")
_W = TypeVar("_W", Event, Message)


@dataclass(frozen=True)
class Action(Generic[_T]):
    """One action: ``read`` makes of its result what the caller gets.

    ``rings`` names the queues into which it may put something to claim.
    """

    name: str
    params: Mapping[str, object]
    read: Callable[[Any], _T]
    rings: tuple[Queue, ...] = ()

    def text(self) -> bytes:
        """The parameters for the library."""
        return to_json(self.params)


_BOTH = (Queue.INBOX, Queue.OUTBOX)


def create(request: PayRequest, options: Optional[CallOptions]) -> Action[Payment]:
    return Action("create", _with(request.to_json(), options), Payment.from_json, _BOTH)


def query(order_no: str, options: Optional[CallOptions]) -> Action[Inquiry]:
    return Action("query", _with({"order_no": order_no}, options), Inquiry.from_json, _BOTH)


def close(order_no: str, options: Optional[CallOptions]) -> Action[Inquiry]:
    return Action("close", _with({"order_no": order_no}, options), Inquiry.from_json, _BOTH)


def refund(request: RefundRequest, options: Optional[CallOptions]) -> Action[Refunded]:
    return Action("refund", _with(request.to_json(), options), Refunded.from_json, _BOTH)


def query_refund(refund_no: str, options: Optional[CallOptions]) -> Action[Refunded]:
    return Action("query_refund", _with({"refund_no": refund_no}, options), Refunded.from_json, _BOTH)


def tick(most: Optional[int], options: Optional[CallOptions]) -> Action[Ticked]:
    return Action("tick", _with(given(("most", most)), options), Ticked.from_json, _BOTH)


def order(order_no: str) -> Action[File]:
    return Action("order", {"order_no": order_no}, File.from_json)


def orders(
    state: Optional[Union[State, str]], before_ms: Optional[int], before_order_no: Optional[str], most: Optional[int]
) -> Action[list[Order]]:
    params = given(("state", state), ("before_ms", before_ms), ("before_order_no", before_order_no), ("most", most))
    return Action("orders", params, lambda result: [Order.from_json(each) for each in result["orders"]])


def exceptions(resolved_too: bool, before_id: Optional[int], most: Optional[int]) -> Action[list[ExceptionRecord]]:
    params = given(("all", resolved_too), ("before_id", before_id), ("most", most))
    return Action("exceptions", params, lambda result: [ExceptionRecord.from_json(each) for each in result["exceptions"]])


def resolve(exception_id: int, note: str, state: Optional[Union[State, str]]) -> Action[Optional[Order]]:
    return Action("resolve", given(("id", exception_id), ("note", note), ("state", state)), _order, _BOTH)


def report(payment: Report) -> Action[Optional[Order]]:
    return Action("report", payment.to_json(), _order, _BOTH)


def stats() -> Action[Stats]:
    return Action("stats", {}, Stats.from_json)


def claim_events(most: Optional[int], lease_ms: Optional[int]) -> Action[list[Event]]:
    params = given(("queue", Queue.INBOX), ("most", most), ("lease_ms", lease_ms))
    return Action("claim", params, lambda result: [Event.from_json(each) for each in result["events"]])


def claim_messages(most: Optional[int], lease_ms: Optional[int]) -> Action[list[Message]]:
    params = given(("queue", Queue.OUTBOX), ("most", most), ("lease_ms", lease_ms))
    return Action("claim", params, lambda result: [Message.from_json(each) for each in result["messages"]])


def extend(work: Claimed, lease_ms: Optional[int]) -> Action[int]:
    return Action("extend", _held(work, ("lease_ms", lease_ms)), lambda result: int(result["lease_until_ms"]))


def ack(work: Claimed, also: Sequence[Statement]) -> Action[None]:
    statements = [each.to_json() for each in also] or None
    return Action("ack", _held(work, ("also", statements)), _nothing, (Queue.OUTBOX,))


def ack_all(work: Sequence[_W]) -> Action[list[_W]]:
    """``work`` is of one queue, and not empty."""
    params = {"queue": work[0].queue, "work": [{"id": each.id, "token": each.token} for each in work]}

    def lost(result: Any) -> list[_W]:
        gone = {(each["id"], each["token"]) for each in result["lost"]}
        return [each for each in work if (each.id, each.token) in gone]

    return Action("ack", params, lost, (Queue.OUTBOX,))


def nack(work: Claimed, reason: Optional[str], delay_ms: Optional[int]) -> Action[Nacked]:
    return Action("nack", _held(work, ("reason", _readable(reason)), ("delay_ms", delay_ms)), Nacked.from_json)


def dead(work: Claimed, reason: str) -> Action[None]:
    return Action("dead", _held(work, ("reason", _readable(reason))), _nothing)


def dead_letters(queue: Union[Queue, str], most: Optional[int]) -> Action[list[DeadLetter]]:
    params = given(("queue", queue), ("most", most))
    return Action("dead_letters", params, lambda result: [DeadLetter.from_json(each) for each in result["dead"]])


def redrive(queue: Union[Queue, str], ids: Optional[Sequence[int]]) -> Action[int]:
    params = given(("queue", queue), ("ids", None if ids is None else list(ids)))
    return Action("redrive", params, lambda result: int(result["redriven"]), _BOTH)


def ack_statements(event: Event, placeholders: Optional[Placeholders]) -> Action[list[Statement]]:
    params = given(("id", event.id), ("token", event.token), ("placeholders", placeholders))
    return Action("ack_statements", params, _statements)


def _with(params: dict[str, Any], options: Optional[CallOptions]) -> dict[str, Any]:
    return params if options is None else {**params, "$": options}


def _held(work: Claimed, *more: tuple[str, object]) -> dict[str, object]:
    return given(("queue", work.queue), ("id", work.id), ("token", work.token), *more)


def _order(result: Any) -> Optional[Order]:
    return None if result["order"] is None else Order.from_json(result["order"])


def _statements(result: Any) -> list[Statement]:
    return [Statement(each["sql"], each["values"], each["changes"]) for each in result["statements"]]


def _nothing(_result: Any) -> None:
    return None


def _readable(reason: Optional[str]) -> Optional[str]:
    """Whatever an exception's text has in it: a lone surrogate has no UTF-8."""
    return None if reason is None else reason.encode(errors="replace").decode()
