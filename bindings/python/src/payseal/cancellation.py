"""Giving up on a call from another thread."""

from __future__ import annotations

import threading
from ctypes import byref, c_void_p

from payseal._library import library
from payseal._native import Handle, check


class Cancellation:
    """A switch that ends the calls it was given to; it can be thrown once, from any thread.

    A cancelled call raises :class:`~payseal.TransportError` with code ``CANCELLED``. Its outcome tells whether money may have
    moved, as always. One cancellation may be given to several calls; once triggered, every later call with it fails
    at once, before anything is sent.
    """

    def __init__(self) -> None:
        """A new, untriggered cancellation."""
        native, error, pointer = library(), c_void_p(), c_void_p()
        check(native.cancel_new(byref(pointer), byref(error)), error)
        self._handle = Handle(pointer, native.cancel_free)
        self._event = threading.Event()

    def trigger(self) -> None:
        """Cancel. Doing it again changes nothing."""
        error = c_void_p()
        self._event.set()
        check(library().cancel_trigger(self._handle.pointer, byref(error)), error)

    @property
    def triggered(self) -> bool:
        """Whether :meth:`trigger` was called."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is triggered, at most so many seconds; whether it was."""
        return self._event.wait(seconds)
