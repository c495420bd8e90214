"""The native payments that both faces stand on."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import byref, c_void_p
from functools import partial
from typing import Any, Callable

from payseal._callbacks import CallbackTable, invoke
from payseal._client import ClientHandle
from payseal._library import library
from payseal._native import Handle, to_json
from payseal.payments.words import Queue


class PaymentsHandle(Handle):
    """A ``payseal_payments`` with its callbacks and those of its clients, which it goes on using when they are closed."""

    def __init__(self, pointer: c_void_p, tables: tuple[CallbackTable, ...]) -> None:
        """Own native payments that were made with these callbacks."""
        super().__init__(pointer, library().payments_free, keep=tables)
        self.invoke: Callable[..., Any] = partial(invoke, tables)


def new_payments(config: Mapping[str, object], clients: Mapping[str, ClientHandle], callbacks: CallbackTable) -> PaymentsHandle:
    """Open the store. The clients are held until the library has taken what it needs of them."""
    text = to_json({**config, "accounts": list(clients)})
    pointers = (c_void_p * len(clients))(*(client.pointer for client in clients.values()))
    tables = (callbacks, *(client.callbacks for client in clients.values()))
    pointer = c_void_p()
    invoke(tables, library().payments_new, text, len(text), pointers, len(clients), byref(callbacks.native), byref(pointer))
    return PaymentsHandle(pointer, tables)


class Bells:
    """Tells the runners of this process that there may be something to claim."""

    def __init__(self) -> None:
        """Nobody listens yet."""
        self._listeners: dict[object, tuple[Queue, Callable[[], object]]] = {}

    def listen(self, queue: Queue, listener: Callable[[], object]) -> Callable[[], object]:
        """Call this whenever the queue rings, from any thread; calling what comes back ends that."""
        key = object()
        self._listeners[key] = (queue, listener)
        return lambda: self._listeners.pop(key, None)

    def ring(self, *queues: Queue) -> None:
        """Tell all who listen."""
        for queue, listener in tuple(self._listeners.values()):
            if queue in queues:
                listener()
