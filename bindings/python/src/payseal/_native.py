"""Crossing the border: bytes in, bytes out, error objects into exceptions, handles that free themselves."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping
from ctypes import byref, c_size_t, c_void_p
from typing import Any, Callable, NoReturn, Optional, Union

from payseal._library import Buffer, library
from payseal.errors import ClosedError, Code, Outcome, TrustError, kind_of


class Handle:
    """Owns one native object and frees it when the last reference is gone.

    Closing drops the owner's reference; a call on another thread holds one of its own while it runs. So the
    reference count of Python is what keeps a native object from being freed under a running call, without a lock that a
    fork could leave behind locked.
    """

    def __init__(self, pointer: c_void_p, free: Callable[[c_void_p], None], keep: object = None) -> None:
        """``keep`` is anything that must live as long as the native object: its callbacks, its client."""
        self.pointer = pointer
        self._free = free
        self._keep = keep

    def __del__(self) -> None:
        """Free the native object."""
        self._free(self.pointer)


def closed(what: str) -> ClosedError:
    """The error for using an object after it was closed."""
    return ClosedError(Code.INVALID_STATE, Outcome.NOT_SENT, f"the {what} is closed", {"code_name": Code.INVALID_STATE.name})


def check(code: int, error: c_void_p, cause: Optional[BaseException] = None) -> None:
    """Raise what a native function reported; ``cause`` is what a callback raised while it ran."""
    if code != Code.OK:
        throw(code, error, cause)


def throw(code: int, error: c_void_p, cause: Optional[BaseException]) -> NoReturn:
    """Turn a native error object into an exception, and free it."""
    native = library()
    try:
        outcome = Outcome(native.error_outcome(error))
        message = _view(native.error_message, error).decode()
        details = json.loads(_view(native.error_details, error))
    finally:
        native.error_free(error)
    raise kind_of(code)(Code(code), outcome, message, details) from cause


def inputs(*values: object) -> list[Union[bytes, int, None]]:
    """Each text or bytes as the (pointer, length) that the header asks for; ``None`` is (NULL, 0).

    Raises:
        TypeError: A value is neither text nor bytes.
    """
    arguments: list[Union[bytes, int, None]] = []
    for value in values:
        data = None if value is None else to_bytes(value)
        arguments += (data, len(data) if data else 0)
    return arguments


def to_bytes(value: object) -> bytes:
    """Bytes as they are, text as UTF-8.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"text or bytes are needed, not {type(value).__name__}")


def copy(buffer: Buffer) -> bytes:
    """The bytes of a returned buffer."""
    return ctypes.string_at(buffer.data, buffer.len) if buffer.len else b""


def from_json(buffer: Buffer) -> Any:
    """The value of a returned JSON text."""
    return json.loads(copy(buffer))


def to_json(value: object) -> bytes:
    """JSON text for the library: UTF-8, no NaN, any mapping where Python's encoder only knows ``dict``.

    Raises:
        TypeError: Something in the value has no JSON form.
        ValueError: A float is not finite, a text is not Unicode, or the value contains itself.
    """
    return _ENCODER.encode(value).encode()


def lines(headers: object) -> bytes:
    """Header lines ``Name: value`` from a mapping or from pairs; texts or bytes, as received.

    A line break inside a name or value would add a header that nobody sent, so it is refused.

    Raises:
        TrustError: A name or value contains a line break (``HEADER_INVALID``).
    """
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    fields = [f"{_text(name)}: {_text(value)}" for name, value in pairs]  # type: ignore[attr-defined]
    text = "\n".join(fields)
    if text.count("\n") >= max(len(fields), 1) or "\r" in text:
        code = Code.HEADER_INVALID
        raise TrustError(code, Outcome.UNAUTHENTIC, "a header contains a line break", {"code_name": code.name})
    return text.encode()


def _text(field: object) -> str:
    """Header bytes are Latin-1 (RFC 9110, PEP 3333, ASGI), the library takes UTF-8; what is signed is ASCII, the same in both."""
    return field if isinstance(field, str) else to_bytes(field).decode("latin-1")


def _view(accessor: Any, error: c_void_p) -> bytes:
    length = c_size_t()
    data = accessor(error, byref(length))
    return ctypes.string_at(data, length.value) if data else b""


def _mapping(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_mapping)
