"""The callbacks through which the library asks its host: log, clock, random source, signer.

A callback runs on the thread of the call it belongs to, before that call returns. What it raises cannot cross native frames, so
it is kept for that thread, the callback reports failure, and the exception becomes the ``__cause__`` of the call's error.
"""

from __future__ import annotations

import ctypes
import logging
import operator
import threading
from collections.abc import Sequence
from typing import Any, Callable, Optional, Protocol

from payseal._library import CacheGet, CachePut, Callbacks, Log, NowMs, Random, Sign, library
from payseal._logging import emit
from payseal._native import check

Clock = Callable[[], int]
RandomSource = Callable[[int], bytes]
Signer = Callable[[bytes], bytes]

_FAILED = 1
_NOT_THERE = 1  # of cache_get
_CACHE_FAILED = -1

_cache_log = logging.getLogger("payseal.cache")


class Cache(Protocol):
    """Keeps tokens while they are good, for all processes of a service: Redis, memcached. The values are secrets.

    Called from every thread that uses the client. A cache that fails costs a request and fails nothing.
    """

    def get(self, key: str) -> Optional[bytes]:
        """What was put under this key, or ``None`` where there is nothing (any more)."""

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """Keep the value for so many seconds."""


class CallbackTable:
    """A ``payseal_callbacks`` and the Python functions behind it; lives at least as long as its client."""

    def __init__(
        self,
        logger: Optional[logging.Logger],
        now_ms: Optional[Clock],
        random_bytes: Optional[RandomSource],
        signer: Optional[Signer],
        cache: Optional[Cache] = None,
    ) -> None:
        """Leave out what the library shall do itself."""
        self._raised = raised = threading.local()
        self.native = Callbacks(size=ctypes.sizeof(Callbacks))
        if logger is not None:
            self.native.log = Log(_log(logger, raised))
        if now_ms is not None:
            self.native.now_ms = NowMs(_now_ms(now_ms, raised))
        if random_bytes is not None:
            self.native.random = Random(_random(random_bytes, raised))
        if signer is not None:
            self.native.sign = Sign(_sign(signer, raised))
        if cache is not None:
            self.native.cache_get = CacheGet(_cache_get(cache, raised))
            self.native.cache_put = CachePut(_cache_put(cache, raised))

    def invoke(self, function: Any, *arguments: object, cause: Optional[BaseException] = None) -> Optional[Exception]:
        """Call a native function that may run these callbacks, and raise what went wrong in either.

        ``cause`` is what led to an error, unless a callback did. Returned is what a callback raised when the function itself
        did not fail: a call without I/O tells of it later.
        """
        return invoke((self,), function, *arguments, cause=cause)

    def take(self) -> Optional[BaseException]:
        """What a callback raised on this thread."""
        raised: Optional[BaseException] = self._raised.__dict__.pop("exception", None)
        return raised


def invoke(
    tables: Sequence[CallbackTable], function: Any, *arguments: object, cause: Optional[BaseException] = None
) -> Optional[Exception]:
    """The same of a function that may run the callbacks of several tables."""
    error = ctypes.c_void_p()
    code = function(*arguments, ctypes.byref(error))
    raised: Optional[Exception] = None
    interrupt: Optional[BaseException] = None
    for exception in [table.take() for table in tables]:
        if isinstance(exception, Exception):
            raised = exception
        elif exception is not None:
            interrupt = exception
    if interrupt is not None:
        library().error_free(error)
        raise interrupt  # which happened to arrive inside a callback
    check(code, error, raised or cause)
    return raised


def _log(logger: logging.Logger, raised: threading.local) -> Any:
    def log(_user: object, level: int, record: int, length: int) -> None:
        try:
            emit(logger, level, record, length)
        except Exception:
            raise  # into sys.unraisablehook: a broken log handler fails no payment
        except BaseException as interrupt:
            raised.exception = interrupt

    return log


def _now_ms(clock: Clock, raised: threading.local) -> Any:
    def now_ms(_user: object) -> int:
        try:
            return operator.index(clock())
        except BaseException as exception:
            raised.exception = exception
            return -1

    return now_ms


def _random(source: RandomSource, raised: threading.local) -> Any:
    def random(_user: object, out: int, length: int) -> int:
        try:
            data = _bytes(source(length))
            if len(data) != length:
                raise ValueError(f"the random source gave {len(data)} bytes instead of {length}")
            ctypes.memmove(out, data, length)
            return 0
        except BaseException as exception:
            raised.exception = exception
            return _FAILED

    return random


def _sign(signer: Signer, raised: threading.local) -> Any:
    def sign(_user: object, message: int, message_len: int, out: int, out_len: Any) -> int:
        try:
            signature = _bytes(signer(ctypes.string_at(message, message_len)))
            if len(signature) > out_len[0]:
                raise ValueError(f"the signature has {len(signature)} bytes, more than the {out_len[0]} there is room for")
            ctypes.memmove(out, signature, len(signature))
            out_len[0] = len(signature)
            return 0
        except BaseException as exception:
            raised.exception = exception
            return _FAILED

    return sign


def _cache_get(cache: Cache, raised: threading.local) -> Any:
    def get(_user: object, key: int, key_len: int, out: int, out_len: Any) -> int:
        try:
            found = cache.get(ctypes.string_at(key, key_len).decode())
            if found is None:
                return _NOT_THERE
            value = _bytes(found)
            if len(value) > out_len[0]:
                raise ValueError(f"the cache has {len(value)} bytes, more than what was put there")
            ctypes.memmove(out, value, len(value))
            out_len[0] = len(value)
            return 0
        except Exception:
            _cache_log.exception("the cache failed")
            return _CACHE_FAILED
        except BaseException as interrupt:
            raised.exception = interrupt
            return _CACHE_FAILED

    return get


def _cache_put(cache: Cache, raised: threading.local) -> Any:
    def put(_user: object, key: int, key_len: int, value: int, value_len: int, ttl_s: int) -> int:
        try:
            cache.put(ctypes.string_at(key, key_len).decode(), ctypes.string_at(value, value_len), ttl_s)
            return 0
        except Exception:
            _cache_log.exception("the cache failed")
            return _CACHE_FAILED
        except BaseException as interrupt:
            raised.exception = interrupt
            return _CACHE_FAILED

    return put


def _bytes(data: object) -> bytes:
    return bytes(memoryview(data))  # type: ignore[arg-type]  # raises TypeError for what is no bytes: memmove would take a text
