"""The native client that :class:`~payseal.Client` and :class:`~payseal.AsyncClient` stand on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ctypes import byref, c_void_p
from operator import index
from pathlib import Path
from typing import Optional, Union

from payseal._callbacks import CallbackTable
from payseal._library import Buffer, library
from payseal._native import Handle, copy, from_json, to_bytes, to_json
from payseal.notification import Notification, Reply
from payseal.result import Info, Options, Result, known


class ClientHandle(Handle):
    """A ``payseal_client`` with its callbacks."""

    def __init__(self, pointer: c_void_p, callbacks: CallbackTable) -> None:
        """Own a native client that was made with these callbacks."""
        super().__init__(pointer, library().client_free)
        self.callbacks = callbacks
        self.invoke = callbacks.invoke


def new_client(config: Union[Mapping[str, object], str, bytes], callbacks: CallbackTable) -> ClientHandle:
    """Make a native client; nothing is sent."""
    text = to_json(config) if isinstance(config, Mapping) else to_bytes(config)
    pointer = c_void_p()
    callbacks.invoke(library().client_new, text, len(text), byref(callbacks.native), byref(pointer))
    return ClientHandle(pointer, callbacks)


def params(path: object, query: object, body: object, options: object) -> bytes:
    """The JSON of a call's parameters; what is ``None`` is left out."""
    parts = {"path": path, "query": query, "body": body, "$": options}
    return to_json({name: part for name, part in parts.items() if part is not None})


def upload(file: Union[str, os.PathLike[str], bytes], filename: Optional[str], options: Optional[Options]) -> tuple[bytes, Options]:
    """The payload and the options of an upload."""
    content = file if isinstance(file, bytes) else Path(file).read_bytes()
    name = filename if filename is not None or isinstance(file, bytes) else Path(file).name
    given: Options = {**(options or {})}
    if name is not None:
        given["filename"] = name
    return content, given


def result(body: Buffer, info: Buffer) -> Result:
    """The outputs of an operation."""
    return Result(copy(body), known(Info, from_json(info)))


def notification(plaintext: Buffer, event: Buffer) -> Notification:
    """The outputs of opening a notification."""
    return Notification(copy(plaintext), copy(event))


def reply(client: ClientHandle, code: int) -> Reply:
    """The answer to write for a code."""
    head, body = Buffer(), Buffer()
    client.invoke(library().notification_reply, client.pointer, index(code), byref(head), byref(body))
    values = from_json(head)
    return Reply(values["status"], tuple((name, value) for name, value in values["headers"]), copy(body))
