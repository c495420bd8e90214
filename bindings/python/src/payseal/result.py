"""What an operation answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, TypedDict


@dataclass(frozen=True)
class Info:
    """About the exchange that led to a result.

    Attributes:
        http_status: The HTTP status of the answer.
        request_id: The provider's id of the request, for its support.
        verified: Whether the provider's signature over the body was checked. False only for the few downloads that the
            provider never signs.
        serial: The serial number of the key that signed the answer.
        skew_s: The provider's clock minus ours, seconds, as the signature's time tells it.
        attempts: How often the request was sent.
        duration_ms: Milliseconds from the first attempt to the answer.
        final: Of a flow, whether the state is final; false where the deadline passed first.
        polls: Of a flow, how many answers there were.
        host: The host that answered.
        content_type: The ``Content-Type`` of the body.
        decrypted: The sensitive fields of the body that were decrypted: ``data[].payer_phone``.
        encrypted: The sensitive fields of the body that are encrypted still, for only the signer has the key.
    """

    http_status: int
    request_id: Optional[str] = None
    verified: bool = False
    serial: Optional[str] = None
    attempts: int = 1
    duration_ms: int = 0
    final: Optional[bool] = None
    polls: Optional[int] = None
    host: Optional[str] = None
    skew_s: Optional[int] = None
    content_type: Optional[str] = None
    decrypted: Sequence[str] = ()
    encrypted: Sequence[str] = ()


@dataclass(frozen=True)
class Result:
    """A verified answer.

    Attributes:
        body: The verified bytes, exactly as received; empty when the provider answers without a body.
        info: About the exchange.
    """

    body: bytes = field(repr=False)
    info: Info

    def json(self) -> Any:
        """The value of the body, read from the very bytes whose signature was checked. Amounts are integers in fen.

        Raises:
            ValueError: The body is empty or is not JSON in UTF-8.
        """
        return json.loads(self.body.decode("utf-8"))


class FlowOptions(TypedDict, total=False):
    """Options of a flow. All may be left out."""

    deadline_ms: int
    """How long it is asked again, milliseconds; a request under way may take its own time."""
    schedule_ms: Sequence[int]
    """The pauses between looks in place of the provider's, milliseconds; the last one is repeated until the deadline."""
    timeout_ms: int
    """Bounds each exchange with all its attempts, milliseconds."""
    max_attempts: int
    """How often to send each request at most; 1 means no retry."""
    trace_id: str
    """Copied into log records; visible ASCII, at most 64 characters."""
    expect: Mapping[str, object]
    """What the final answer must say, by dotted path. Otherwise ``RESPONSE_MISMATCH`` is raised."""


class Options(TypedDict, total=False):
    """Options of one call. All may be left out."""

    timeout_ms: int
    """Total time of the call with all its attempts, milliseconds."""
    max_attempts: int
    """How often to send at most; 1 means no retry."""
    idempotency_key: str
    """Sent as ``Idempotency-Key``, and the operation is repeated. Only where the provider's documentation names this header."""
    trace_id: str
    """Copied into log records; visible ASCII, at most 64 characters."""
    accept: str
    """The ``Accept`` header."""
    content_type: str
    """The type of ``payload``."""
    filename: str
    """Makes the request a multipart upload of ``payload`` under this name."""
    unchecked: bool
    """Sends the parameters of a catalogued operation without checking them: for what the provider has added since this version of
    the library. They are placed, completed and encrypted all the same."""
    expect: Mapping[str, object]
    """What the answer must say, by dotted path: ``{"out_trade_no": …, "amount.total": …}``. Otherwise ``RESPONSE_MISMATCH`` is raised."""


def known(cls: Any, values: Mapping[str, Any]) -> Any:
    """An instance of a data class from a native JSON object, which may gain members at any time."""
    members = cls.__dataclass_fields__
    return cls(**{name: value for name, value in values.items() if name in members})
