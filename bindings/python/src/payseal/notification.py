"""Messages from the provider: verified, decrypted, and the answer to write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Optional, TypedDict, Union

from payseal.result import known

HeaderText = Union[str, bytes]
Headers = Union[Mapping[str, str], Iterable[tuple[HeaderText, HeaderText]]]
"""Headers as a framework hands them out: a mapping, or pairs of texts or bytes. Give pairs where the framework can, because
they show a header that came twice."""


class NotificationOptions(TypedDict, total=False):
    """Options of opening a notification. All may be left out."""

    timeout_ms: int
    """Bounds a refresh of the platform certificates, milliseconds."""
    trace_id: str
    """Copied into log records; visible ASCII, at most 64 characters."""
    expect: Mapping[str, object]
    """What the plaintext must say, by dotted path: ``{"amount.total": 1}``. Otherwise ``RESPONSE_MISMATCH`` is raised."""
    accept_unauthenticated: bool
    """Open also what is encrypted but not signed (refunds of WeChat Pay APIv2), which is ``SIGNATURE_MISSING`` otherwise. Whoever sets
    it executes ``event.confirm_with`` before acting on an event that is ``"encrypted_only"``."""


@dataclass(frozen=True)
class Event:
    """What a notification says about itself.

    Attributes:
        id: The provider's id of the notification; repetitions carry the same.
        event_type: For example ``"TRANSACTION.SUCCESS"``. An open set: treat what you do not know as nothing.
        create_time: When it was made, RFC 3339.
        resource_type: Usually ``"encrypt-resource"``.
        original_type: What the plaintext is, for example ``"transaction"`` or ``"refund"``.
        summary: A short text of the provider.
        provider: For example ``"wechat"``.
        merchant: Whom the client that opened it is for: a merchant id or, of Alipay, an app id.
        serial: The serial number of the key that signed it; empty where keys have none.
        timestamp: Unix time of the signature, seconds; 0 where the provider signs no time.
        authenticity: ``"signed"``, or ``"encrypted_only"`` for what was opened with ``accept_unauthenticated``: it proves nothing.
        confirm_with: The operation that tells whether such an event is true, for example ``"POST /pay/refundquery"``.
        replay: Whether this very message was opened before; always false without a ``replay_guard`` in the configuration.
    """

    id: str
    event_type: str
    create_time: Optional[str] = None
    resource_type: Optional[str] = None
    original_type: Optional[str] = None
    summary: Optional[str] = None
    provider: Optional[str] = None
    merchant: Optional[str] = None
    serial: Optional[str] = None
    timestamp: Optional[int] = None
    authenticity: Optional[str] = None
    confirm_with: Optional[str] = None
    replay: bool = False


@dataclass(frozen=True)
class Returned:
    """What the payer's browser brought back and the provider had signed. It never says that an order is paid: ask.

    Attributes:
        provider: ``"alipay"``.
        merchant: Whom the client is for, the app id.
        confirm_with: The operation that tells whether the order is paid, ``"alipay.trade.query"``.
        fields: The signed ones, such as ``out_trade_no``.
    """

    provider: str
    merchant: str
    confirm_with: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Notification:
    """A message that is the provider's.

    There is no way to get one whose signature was not checked, but for ``accept_unauthenticated``; ``event.authenticity`` then says so.

    Attributes:
        plaintext: The decrypted resource, byte for byte.
    """

    plaintext: bytes
    _about: bytes = field(repr=False)

    @cached_property
    def event(self) -> Event:
        """What it says about itself."""
        event: Event = known(Event, json.loads(self._about))
        return event

    def json(self) -> Any:
        """The value of the plaintext, for example a transaction. Amounts are integers in fen.

        Raises:
            ValueError: The plaintext is not JSON in UTF-8.
        """
        return json.loads(self.plaintext.decode("utf-8"))


@dataclass(frozen=True)
class Explanation:
    """Why a notification is refused.

    Attributes:
        accepted: It is not.
        code: That of the error that opening it raises.
        message: That error's.
        cause: One word for the likely mistake, for example ``"body_reencoded"``.
        hint: What to do about it.
    """

    accepted: bool
    code: Optional[int] = None
    message: Optional[str] = None
    cause: Optional[str] = None
    hint: Optional[str] = None


@dataclass(frozen=True)
class Reply:
    """The answer to a notification. Write it exactly like this.

    Attributes:
        status: The HTTP status.
        headers: Pairs of name and value.
        body: The bytes of the body; may be empty.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
