"""Finding, loading and declaring the native library.

The library is ``payseal/_lib/libpayseal.so`` (``.dylib``, ``.dll``) inside this package, where the build puts it, or the file
given to :func:`load`. No environment variable and no system path takes part: which code handles a private key is not
decided by the surroundings of the process.
"""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_void_p
from pathlib import Path
from typing import Any, Optional, Union

ABI_VERSION = 1
"""The version of the C ABI that this package speaks."""

# ctypes' own names are kept, for whoever reads this beside payseal.h.
Log = CFUNCTYPE(None, c_void_p, c_int32, c_void_p, c_size_t)
NowMs = CFUNCTYPE(c_int64, c_void_p)
Random = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t)
Sign = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t, c_void_p, POINTER(c_size_t))
Drop = CFUNCTYPE(None, c_void_p)
CacheGet = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t, c_void_p, POINTER(c_size_t))
CachePut = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_int64)


class Buffer(ctypes.Structure):
    """``payseal_buffer``. Freed with the last reference, so that no exception on the way can leak one."""

    _fields_ = [("data", c_void_p), ("len", c_size_t)]

    def __del__(self) -> None:
        """Zeroize and free what the library wrote."""
        if self.data:
            library().buffer_free(ctypes.byref(self))


class Callbacks(ctypes.Structure):
    """``payseal_callbacks``."""

    _fields_ = [
        ("size", c_size_t),
        ("user", c_void_p),
        ("log", Log),
        ("now_ms", NowMs),
        ("random", Random),
        ("sign", Sign),
        ("drop", Drop),
        ("cache_get", CacheGet),
        ("cache_put", CachePut),
    ]


_HANDLE = c_void_p
_BYTES = (c_char_p, c_size_t)
_OUT = c_void_p  # a pointer to whatever is written: byref() passes, and costs nothing to check
_ERROR = c_void_p

_FALLIBLE = {
    "client_new": (*_BYTES, c_void_p, _OUT),
    "client_metrics": (_HANDLE, _OUT),
    "operations": (*_BYTES, _OUT),
    "client_execute": (_HANDLE, *_BYTES, *_BYTES, *_BYTES, _HANDLE, _OUT, _OUT),
    "client_run": (_HANDLE, *_BYTES, *_BYTES, _HANDLE, _OUT, _OUT),
    "call_new_flow": (_HANDLE, *_BYTES, *_BYTES, _OUT),
    "payments_new": (*_BYTES, c_void_p, c_size_t, c_void_p, _OUT),
    "payments_execute": (_HANDLE, *_BYTES, *_BYTES, _HANDLE, _OUT, _OUT),
    "payments_accept": (_HANDLE, *_BYTES, *_BYTES, *_BYTES, *_BYTES, _OUT, _OUT),
    "call_new_payments": (_HANDLE, *_BYTES, *_BYTES, _OUT),
    "call_new_accept": (_HANDLE, *_BYTES, *_BYTES, *_BYTES, *_BYTES, _OUT),
    "qr_encode": (*_BYTES, *_BYTES, _OUT),
    "client_invoke": (_HANDLE, *_BYTES, *_BYTES, _OUT),
    "return_open": (_HANDLE, *_BYTES, _OUT),
    "cancel_new": (_OUT,),
    "cancel_trigger": (_HANDLE,),
    "call_new": (_HANDLE, *_BYTES, *_BYTES, *_BYTES, _OUT),
    "call_new_notification": (_HANDLE, *_BYTES, *_BYTES, *_BYTES, _OUT),
    "call_step": (_HANDLE, _OUT, _OUT),
    "call_request": (_HANDLE, _OUT),
    "call_body": (_HANDLE, _OUT),
    "call_respond": (_HANDLE, c_uint32, *_BYTES, *_BYTES),
    "call_fail": (_HANDLE, c_int32, *_BYTES),
    "call_result": (_HANDLE, _OUT, _OUT),
    "download_new": (_HANDLE, *_BYTES, _HANDLE, _OUT),
    "download_read": (_HANDLE, c_void_p, c_size_t, _OUT),
    "download_save": (_HANDLE, *_BYTES, _OUT),
    "download_info": (_HANDLE, _OUT),
    "download_step": (_HANDLE, _OUT, _OUT),
    "download_request": (_HANDLE, _OUT),
    "download_body": (_HANDLE, _OUT),
    "download_respond": (_HANDLE, c_uint32, *_BYTES),
    "download_receive": (_HANDLE, *_BYTES),
    "download_end": (_HANDLE,),
    "download_fail": (_HANDLE, c_int32, *_BYTES),
    "download_take": (_HANDLE, c_void_p, c_size_t, _OUT),
    "download_save_to": (_HANDLE, *_BYTES),
    "notification_open": (_HANDLE, *_BYTES, *_BYTES, *_BYTES, _OUT, _OUT),
    "notification_explain": (_HANDLE, *_BYTES, *_BYTES, _OUT),
    "notification_route": (c_void_p, c_size_t, *_BYTES, *_BYTES, _OUT),
    "doctor": (*_BYTES, c_void_p, *_BYTES, _OUT),
    "notification_reply": (_HANDLE, c_int32, _OUT, _OUT),
    "crypto_sign": (*_BYTES, *_BYTES, *_BYTES, _OUT),
    "crypto_verify": (*_BYTES, *_BYTES, *_BYTES, *_BYTES),
    "crypto_seal": (*_BYTES, *_BYTES, *_BYTES, *_BYTES, *_BYTES, _OUT),
    "crypto_open": (*_BYTES, *_BYTES, *_BYTES, *_BYTES, *_BYTES, _OUT),
    "crypto_digest": (*_BYTES, *_BYTES, *_BYTES, _OUT),
}
_INFALLIBLE = {
    "abi_version": (c_uint32, ()),
    "version": (c_char_p, ()),
    "buffer_free": (None, (_OUT,)),
    "error_code": (c_int32, (_ERROR,)),
    "error_outcome": (c_int32, (_ERROR,)),
    "error_message": (c_void_p, (_ERROR, _OUT)),
    "error_details": (c_void_p, (_ERROR, _OUT)),
    "error_free": (None, (_ERROR,)),
    "client_free": (None, (_HANDLE,)),
    "cancel_free": (None, (_HANDLE,)),
    "call_free": (None, (_HANDLE,)),
    "payments_free": (None, (_HANDLE,)),
    "download_free": (None, (_HANDLE,)),
}


class Library:
    """The functions of ``payseal.h`` as attributes without their prefix, typed and checked for the ABI version."""

    def __init__(self, path: Path) -> None:
        """Load the file and declare its functions."""
        self.path = path
        native = ctypes.CDLL(str(path))
        self._declare(native, "abi_version", *_INFALLIBLE["abi_version"])
        if self.abi_version() != ABI_VERSION:
            raise ImportError(
                f"{path} speaks version {self.abi_version()} of the payseal ABI, this package speaks {ABI_VERSION}: "
                "install the library and the package from the same release"
            )
        for name, arguments in _FALLIBLE.items():
            self._declare(native, name, c_int32, (*arguments, _OUT))
        for name, (result, arguments) in _INFALLIBLE.items():
            self._declare(native, name, result, arguments)

    def _declare(self, native: ctypes.CDLL, name: str, result: Any, arguments: tuple[Any, ...]) -> None:
        function = getattr(native, f"payseal_{name}")
        function.restype = result
        function.argtypes = arguments
        setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        """Only for type checkers: every function is set by the constructor."""
        raise AttributeError(name)


_loaded: Optional[Library] = None


def load(path: Union[str, os.PathLike[str]]) -> None:
    """Use the native library in this file instead of the one inside the package.

    Call it before anything else of this package, once per process; the same file again does nothing.

    Args:
        path: The file, for example ``target/release/libpayseal.so``.

    Raises:
        OSError: The file cannot be loaded.
        ImportError: It speaks another version of the ABI.
        RuntimeError: Another file is already in use.
    """
    global _loaded
    file = Path(path).resolve()
    if _loaded is None:
        _loaded = Library(file)
    elif _loaded.path != file:
        raise RuntimeError(f"the native library is already loaded from {_loaded.path}")


def library() -> Library:
    """The loaded library; the one inside the package when :func:`load` was not called."""
    if _loaded is None:
        bundled = Path(__file__).resolve().parent / "_lib" / _FILE_NAMES.get(sys.platform, "libpayseal.so")
        if not bundled.exists():
            raise ImportError(f"the native library is missing at {bundled}: build it, or name it with payseal.load(path)")
        load(bundled)
    assert _loaded is not None
    return _loaded


def version() -> str:
    """The version of the native library, for example ``"0.1.0"``."""
    return str(library().version(), "ascii")


_FILE_NAMES = {"darwin": "libpayseal.dylib", "win32": "payseal.dll"}
