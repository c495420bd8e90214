"""What goes wrong, by kind: every failure of the library is a :class:`PaysealError`.

The subclass says whose fault it is, :attr:`PaysealError.code` says what exactly, and
:attr:`PaysealError.outcome` says what a payment service must know first: whether money may have moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class Code(IntEnum):
    """The code of an error, as in ``payseal.h``. Codes are never renumbered.

    A code that a newer library reports and this enumeration does not know yet becomes a member named ``CODE_<number>``.
    """

    OK = 0
    # 1xx: the caller's mistake; nothing left the machine
    INVALID_ARGUMENT = 101
    INVALID_HANDLE = 102
    INVALID_STATE = 103
    CONFIG_INVALID = 110
    CONFIG_UNKNOWN_KEY = 111
    CONFIG_EMPTY_SECRET = 112
    KEY_INVALID = 113
    KEY_UNSUPPORTED = 114
    KEY_ROLE = 115
    KEY_MISMATCH = 116
    UNKNOWN_OPERATION = 120
    PARAMS_INVALID = 121
    SIGNER_FAILED = 130
    CALLBACK_FAILED = 131
    FILE_FAILED = 132
    ORDER_CONFLICT = 140
    ORDER_UNKNOWN = 141
    ORDER_STATE = 142
    LEASE_LOST = 143
    # 2xx: trust; what came in must not be believed
    SIGNATURE_MISSING = 201
    SIGNATURE_INVALID = 202
    SIGNATURE_PROBE = 203
    ALGORITHM_MISMATCH = 204
    HEADER_INVALID = 205
    UNKNOWN_SERIAL = 206
    CLOCK_SKEW = 207
    DECRYPTION_FAILED = 208
    CERTIFICATE_INVALID = 209
    RESPONSE_MISMATCH = 210
    BODY_INVALID = 211
    HASH_MISMATCH = 212
    # 3xx: transport
    CONNECT_FAILED = 301
    TLS_FAILED = 302
    TIMEOUT = 303
    CONNECTION_LOST = 304
    RESPONSE_INVALID = 305
    RESPONSE_TOO_LARGE = 306
    CIRCUIT_OPEN = 307
    CANCELLED = 308
    # 4xx: the provider answered no
    PROVIDER_REJECTED = 401
    PROVIDER_RATE_LIMITED = 402
    PROVIDER_UNAVAILABLE = 403
    # 5xx: a bug in the library
    INTERNAL = 501
    # 6xx: the database of payments; nothing was acknowledged
    STORE_UNAVAILABLE = 601
    STORE_FULL = 602
    STORE_READ_ONLY = 603
    STORE_LOCKED = 604
    STORE_SCHEMA = 605
    STORE_FAILED = 606

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return _newer(cls, "CODE", value)


class Outcome(IntEnum):
    """Whether money may have moved."""

    NOT_SENT = 1
    """No byte of the request left this machine."""
    REJECTED = 2
    """A verified answer says no."""
    UNKNOWN = 3
    """Bytes left and no verified answer came back: query before you retry."""
    UNAUTHENTIC = 4
    """An incoming message is not the provider's."""
    MALFORMED = 5
    """An incoming message is the provider's, but cannot be read."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return _newer(cls, "OUTCOME", value)


class PaysealError(Exception):
    """The base of everything this package raises for a failure of the library.

    An error can be pickled, so it survives a process pool. It never contains a secret.

    Attributes:
        code: What went wrong.
        outcome: Whether money may have moved.
        message: One English sentence for a developer.
        details: What else is known: ``field``, ``hint``, ``http_status``, ``request_id``, ``provider_code``,
            ``provider_message``, ``advice``, ``authenticated``, ``skew_s`` (seconds), ``serial`` …
    """

    def __init__(self, code: Code, outcome: Outcome, message: str, details: Mapping[str, Any]) -> None:
        """Usually made by the library itself; tests of an application may make one too."""
        super().__init__(code, outcome, message, details)
        self.code = code
        self.outcome = outcome
        self.message = message
        self.details = details

    def __str__(self) -> str:
        """The message, the code and the outcome in one line."""
        return f"{self.message} [{self.code.name}, {self.outcome.name}]"


class ArgumentError(PaysealError):
    """The caller's mistake (codes 1xx): a wrong parameter, an unknown operation, a failed callback. Nothing was sent."""


class ClosedError(ArgumentError):
    """The client was used after it was closed. Nothing was sent."""


class ConfigurationError(ArgumentError):
    """The configuration is wrong (codes 110 to 116). ``details["field"]`` names the key."""


class OrderError(ArgumentError):
    """What was asked does not fit where an order, a refund or claimed work stands (codes 140 to 143)."""


class TrustError(PaysealError):
    """What came in must not be believed (codes 2xx)."""


class TransportError(PaysealError):
    """The exchange failed on its way (codes 3xx). Look at the outcome before doing anything again."""


class ProviderError(PaysealError):
    """The provider answered no (codes 4xx). ``details["authenticated"]`` says whether that answer was signed."""


class InternalError(PaysealError):
    """A bug in the library (codes 5xx). Please report it."""


class StoreError(PaysealError):
    """The database of payments failed (codes 6xx): gone, full, read-only, locked or of another version.

    Nothing was acknowledged and nothing is lost. Where the outcome is ``UNKNOWN`` the provider was asked already, and the same call again
    goes on from there.
    """


def kind_of(code: int) -> type[PaysealError]:
    """The class of the exception for a code."""
    if 110 <= code <= 116:
        return ConfigurationError
    if 140 <= code <= 143:
        return OrderError
    return _KINDS.get(code // 100, PaysealError)


_KINDS: Mapping[int, type[PaysealError]] = {
    1: ArgumentError,
    2: TrustError,
    3: TransportError,
    4: ProviderError,
    5: InternalError,
    6: StoreError,
}


def _newer(cls: Any, prefix: str, value: object) -> Any:
    """A member for a number that only a newer library knows: additions do not change the ABI version."""
    if not isinstance(value, int):
        return None
    member = int.__new__(cls, value)
    member._name_ = f"{prefix}_{value}"
    member._value_ = value
    return member
