"""The keys of the configuration of payments, for editors and type checkers. The library checks the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict


class Work(TypedDict, total=False):
    """How claims last and are repeated."""

    lease_ms: int
    """How long what was claimed belongs to whoever claimed it, milliseconds."""
    max_attempts: int
    """After how many attempts work is dead."""
    base_ms: int
    """The most that the first pause between attempts takes, milliseconds. Pauses are random, and their most doubles."""
    cap_ms: int
    """The most that any pause takes, milliseconds."""


class Keep(TypedDict, total=False):
    """How long what is done is kept, milliseconds."""

    inbox_ms: int
    """Of events; two days at least, for providers repeat themselves that long."""
    outbox_ms: int
    """Of messages."""


class Configuration(TypedDict, total=False):
    """Where payments are kept, and how long things last. ``store`` is required."""

    store: str
    """The URL of the database, a secret: ``sqlite:PATH``, ``postgres://user:password@host:port/database`` or
    ``mysql://user:password@host:port/database``."""
    notify_urls: Mapping[str, str]
    """By account, the ``notify_url`` of its orders and refunds, unless they have one of their own."""
    expires_ms: int
    """How long an order may be paid, milliseconds."""
    query_schedule_ms: Sequence[int]
    """The pauses between queries of an order that waits for money, the last repeated."""
    refund_schedule_ms: Sequence[int]
    """The same of refunds."""
    work: Work
    outbox: bool
    """Whether what takes effect is put into the outbox, for a publisher that tells other services. Left out: it is not."""
    unknown_orders: Literal["exception", "ignore"]
    """What money for an order that is not here is; ignored where the service keeps orders elsewhere too."""
    keep: Keep


class CallOptions(TypedDict, total=False):
    """Options of a call that asks providers. All may be left out."""

    timeout_ms: int
    """Total time of each request with all its attempts, milliseconds."""
    max_attempts: int
    """How often to send each request at most; 1 means no retry."""
    trace_id: str
    """Copied into log records; visible ASCII, at most 64 characters."""
