"""The native client that :class:`~payseal.Client` and :class:`~payseal.AsyncClient` stand on."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from ctypes import byref, c_void_p
from typing import Any, Optional, Union

from payseal._callbacks import CallbackTable
from payseal._library import Buffer, library
from payseal._native import Handle, check, copy, from_json, to_bytes, to_json
from payseal.notification import Event, Notification, Reply
from payseal.result import Info, Result, known


class ClientHandle(Handle):
    """A ``payseal_client`` with its callbacks."""

    def __init__(self, config: Union[Mapping[str, object], str, bytes], callbacks: CallbackTable) -> None:
        """Make it; nothing is sent."""
        text = to_json(config) if isinstance(config, Mapping) else to_bytes(config)
        native, pointer = library(), c_void_p()
        super().__init__(pointer, native.client_free)
        self._callbacks = callbacks
        table = ctypes.cast(ctypes.pointer(callbacks.native), c_void_p)
        self.invoke(native.client_new, text, len(text), table, byref(pointer))

    def invoke(self, function: Any, *arguments: object, cause: Optional[BaseException] = None) -> None:
        """Call a native function that may run callbacks, and raise what went wrong in either."""
        error = c_void_p()
        code = function(*arguments, byref(error))
        raised = self._callbacks.raised()
        if raised is not None and not isinstance(raised, Exception):
            library().error_free(error)
            raise raised  # an interrupt that happened to arrive inside a callback
        check(code, error, raised or cause)


def params(path: object, query: object, body: object, options: object) -> bytes:
    """The JSON of a call's parameters; what is ``None`` is left out."""
    parts = {"path": path, "query": query, "body": body, "$": options}
    return to_json({name: part for name, part in parts.items() if part is not None})


def result(body: Buffer, info: Buffer) -> Result:
    """The outputs of an operation."""
    return Result(copy(body), known(Info, from_json(info)))


def notification(plaintext: Buffer, event: Buffer) -> Notification:
    """The outputs of opening a notification."""
    return Notification(known(Event, from_json(event)), copy(plaintext))


def reply(client: ClientHandle, code: int) -> Reply:
    """The answer to write for a code."""
    head, body = Buffer(), Buffer()
    client.invoke(library().notification_reply, client.pointer, code, byref(head), byref(body))
    values = from_json(head)
    return Reply(values["status"], tuple((name, value) for name, value in values["headers"]), copy(body))
