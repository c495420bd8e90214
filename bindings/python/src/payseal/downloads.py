"""Files: bills, receipts and whatever else the provider hands out, which may be larger than memory."""

from __future__ import annotations

import asyncio
import ctypes
import io
import os
import time
from collections.abc import AsyncIterator, Iterator
from ctypes import byref, c_char, c_int32, c_size_t, c_uint64, c_void_p
from dataclasses import dataclass
from functools import partial
from operator import index
from typing import Any, Callable, Optional, TypedDict, Union

from payseal._client import ClientHandle
from payseal._library import Buffer, library
from payseal._native import Handle, closed, copy, from_json, inputs, lines, to_json
from payseal.cancellation import Cancellation
from payseal.result import known
from payseal.transport import (
    AsyncStreamedResponse,
    AsyncTransport,
    Failure,
    HttpRequest,
    HttpResponse,
    StreamedResponse,
    Transport,
    TransportFailure,
    within,
)

_SEND, _WAIT, _DONE, _RECEIVE = 1, 2, 3, 4  # and 5: take
_PIECE = 64 << 10


class FileAddress(TypedDict, total=False):
    """What the provider says about a file, under the provider's names. What does not apply is left out."""

    download_url: str
    """Where it is."""
    hash_type: str
    """``"SHA1"`` or ``"SHA256"``."""
    hash_value: str
    """The hash of the unpacked file, hexadecimal."""
    encrypt_key: str
    """The key of an encrypted file, itself encrypted to the merchant."""
    nonce: str
    """The nonce of an encrypted file."""
    tar_type: str
    """``"GZIP"`` where the file is compressed."""
    algorithm: str
    """The algorithm of an encrypted file, ``"AEAD_AES_256_GCM"``."""


class DownloadOptions(TypedDict, total=False):
    """Options of one download. All may be left out."""

    timeout_ms: int
    """Time of the download with all its requests, milliseconds; one hour where it is left out."""
    wait_ms: int
    """How long to wait for a file that is still being made, such as a receipt, milliseconds."""
    max_attempts: int
    """How often to send each request at most; 1 means no retry."""
    max_bytes: int
    """The longest that the file may become when it is unpacked."""
    max_ratio: int
    """How many bytes one received byte may become."""
    allow_unverified: bool
    """Take a file for which the provider gives no hash, and nobody vouches."""
    trace_id: str
    """Copied into log records; visible ASCII, at most 64 characters."""


@dataclass(frozen=True)
class DownloadInfo:
    """How far a download is.

    Attributes:
        complete: All of the file came and every check has passed.
        verified: It has the hash that the provider gave for it; False only with ``allow_unverified``.
        bytes: Bytes of the file so far, unpacked.
        received_bytes: Bytes that came over the network.
        attempts: Requests for files that came.
        host: Where the last part came from.
    """

    complete: bool
    verified: bool
    bytes: int
    received_bytes: int
    attempts: int
    host: Optional[str] = None


def request(*, file: Optional[FileAddress], options: Optional[DownloadOptions], **parts: object) -> bytes:
    """The JSON of a download's parameters; what is ``None`` is left out."""
    given: dict[str, object] = {**parts, **(file or {}), "$": options}
    return to_json({name: part for name, part in given.items() if part is not None})


class Download(io.BufferedReader):
    """A file on its way: decrypted, decompressed and hashed while it is read, in bounded memory. For one thread at a time.

    It is a binary stream like an open file, also for ``for line in download``, :class:`io.TextIOWrapper` and :func:`shutil.copyfileobj`.
    It is at its end only when all of the file came and every check has passed; before that nothing that was read may be relied
    on. Any other end raises a :class:`~payseal.PaysealError`, again with every further read.
    """

    def __init__(self, client: ClientHandle, params: bytes, transport: Optional[Transport], cancellation: Optional[Cancellation]) -> None:
        """Made by :meth:`payseal.Client.download`."""
        self._machine = _Machine(client, params, cancellation)
        source: _Source = _BuiltIn(self._machine) if transport is None else _Hosted(self._machine, transport, cancellation)
        self._source = source
        super().__init__(_Raw(source), _PIECE)

    def save(self, path: Union[str, os.PathLike[str]]) -> DownloadInfo:
        """Read all of it into a file, which only its owner may read.

        Until every check has passed the file has another name, beside its place; then it replaces what was there. On failure
        nothing stays, and what was there is untouched.

        Raises:
            PaysealError: The file did not come, is not what it should be, or cannot be written.
        """
        if self.closed:
            raise closed("download")
        self._source.save(os.fsencode(path))
        return self.info

    @property
    def info(self) -> DownloadInfo:
        """How far it is."""
        return self._machine.info()


class AsyncDownload:
    """The same for :mod:`asyncio`: an asynchronous iterator over pieces of the file, and a context manager.

    Cancelling a task that reads ends the download.
    """

    def __init__(
        self, client: ClientHandle, params: bytes, transport: Optional[AsyncTransport], run: Callable[[Callable[[], Any]], Any]
    ) -> None:
        """Made by :meth:`payseal.AsyncClient.download`."""
        self._cancellation = Cancellation()
        self._machine = _Machine(client, params, self._cancellation)
        self._transport = transport
        self._run = run
        self._pieces: Optional[AsyncIterator[bytes]] = None
        self._cause: Optional[BaseException] = None

    async def read(self, size: int = _PIECE) -> bytes:
        """The next bytes, some but at most so many; none at the verified end.

        Raises:
            PaysealError: The file did not come or is not what it should be.
        """
        if self._transport is None:
            return bytes(await self._whole(partial(self._machine.read_bytes, size)))
        return await self._go_on(size)

    async def save(self, path: Union[str, os.PathLike[str]]) -> DownloadInfo:
        """Read all of it into a file, as :meth:`Download.save` does."""
        name = os.fsencode(path)
        if self._transport is None:
            await self._whole(partial(self._machine.save, name))
        else:
            self._machine.save_to(name)
            await self._go_on(0)
        return self.info

    @property
    def info(self) -> DownloadInfo:
        """How far it is."""
        return self._machine.info()

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces up to the verified end."""
        return self

    async def __anext__(self) -> bytes:
        """The next piece."""
        piece = await self.read()
        if not piece:
            raise StopAsyncIteration
        return piece

    async def __aenter__(self) -> AsyncDownload:
        """The download itself; leaving the block closes it."""
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Close it."""
        await self.aclose()

    async def aclose(self) -> None:
        """Hang up if the file is not at its end. May be repeated."""
        await self._hang_up()
        self._machine.close()

    async def _whole(self, work: Callable[[], Any]) -> Any:
        try:
            return await self._run(work)
        except asyncio.CancelledError:
            self._cancellation.trigger()
            raise

    async def _go_on(self, size: int) -> bytes:
        """What the machine asks for, until there are bytes or the end."""
        try:
            while True:
                action, wait_ms = await self._run(partial(self._machine.step, self._cause))
                if action == _DONE:
                    return b""
                if action == _SEND:
                    await self._send()
                elif action == _RECEIVE:
                    await self._receive()
                elif action == _WAIT:
                    await asyncio.sleep(wait_ms / 1000)
                elif piece := await self._run(partial(self._machine.take_bytes, size)):
                    return bytes(piece)
        except BaseException as ended:
            if not isinstance(ended, Exception):
                self._machine.fail(Failure.CANCELLED, "cancelled")
            await self._hang_up()
            raise

    async def _send(self) -> None:
        assert self._transport is not None
        await self._hang_up()
        asked = self._machine.request()
        limit = asked.head_timeout_ms or asked.timeout_ms
        try:
            response = await within(limit / 1000, self._transport(asked))
            self._pieces = response.pieces if isinstance(response, AsyncStreamedResponse) else _once(response.body)
            self._machine.respond(response)
        except Exception as exception:
            await self._failed(exception)

    async def _receive(self) -> None:
        assert self._pieces is not None
        try:
            piece = await self._pieces.__anext__()
        except StopAsyncIteration:
            self._machine.end()
        except Exception as exception:
            await self._failed(exception)
        else:
            await self._run(partial(self._machine.receive, piece))

    async def _failed(self, exception: Exception) -> None:
        self._cause = exception
        await self._hang_up()
        self._machine.fail(*_why(exception))

    async def _hang_up(self) -> None:
        pieces, self._pieces = self._pieces, None
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()


async def _once(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]


class _Machine:
    """A ``payseal_download``."""

    def __init__(self, client: ClientHandle, params: bytes, cancellation: Optional[Cancellation]) -> None:
        native, pointer = library(), c_void_p()
        cancel = cancellation._handle.pointer if cancellation is not None else None
        client.invoke(native.download_new, client.pointer, *inputs(params), cancel, byref(pointer))
        self._client = client
        self._open: Optional[Handle] = Handle(pointer, native.download_free, keep=(client, cancellation))

    def close(self) -> None:
        self._open = None

    def _call(self, name: str, *arguments: object, cause: Optional[BaseException] = None) -> None:
        handle = self._open
        if handle is None:
            raise closed("download")
        self._client.invoke(getattr(library(), f"download_{name}"), handle.pointer, *arguments, cause=cause)

    def read(self, out: ctypes.Array[c_char]) -> int:
        count = c_size_t()
        self._call("read", ctypes.addressof(out), len(out), byref(count))
        return count.value

    def take(self, out: ctypes.Array[c_char]) -> int:
        count = c_size_t()
        self._call("take", ctypes.addressof(out), len(out), byref(count))
        return count.value

    def read_bytes(self, size: int) -> bytes:
        out = (c_char * size)()
        return ctypes.string_at(out, self.read(out))

    def take_bytes(self, size: int) -> bytes:
        out = (c_char * max(size, 1))()
        return ctypes.string_at(out, self.take(out))

    def save(self, path: bytes) -> None:
        self._call("save", *inputs(path), None)

    def save_to(self, path: bytes) -> None:
        self._call("save_to", *inputs(path))

    def info(self) -> DownloadInfo:
        output = Buffer()
        self._call("info", byref(output))
        info: DownloadInfo = known(DownloadInfo, from_json(output))
        return info

    def step(self, cause: Optional[BaseException]) -> tuple[int, int]:
        action, wait_ms = c_int32(), c_uint64()
        self._call("step", byref(action), byref(wait_ms), cause=cause)
        return action.value, wait_ms.value

    def request(self) -> HttpRequest:
        head, body = Buffer(), Buffer()
        self._call("request", byref(head))
        self._call("body", byref(body))
        values = from_json(head)
        return HttpRequest(
            method=values["method"],
            url=values["url"],
            headers=tuple((name, value) for name, value in values["headers"]),
            body=copy(body),
            timeout_ms=values["timeout_ms"],
            max_response_bytes=values["max_response_bytes"],
            head_timeout_ms=values.get("head_timeout_ms"),
        )

    def respond(self, response: Union[HttpResponse, StreamedResponse, AsyncStreamedResponse]) -> None:
        self._call("respond", index(response.status), *inputs(lines(response.headers)))

    def receive(self, piece: bytes) -> None:
        self._call("receive", *inputs(piece))

    def end(self) -> None:
        self._call("end")

    def fail(self, failure: Failure, reason: str) -> None:
        self._call("fail", failure, *inputs(reason))


class _Source:
    """Where the bytes come from."""

    def __init__(self, machine: _Machine) -> None:
        self.machine = machine

    def read(self, out: ctypes.Array[c_char]) -> int:
        raise NotImplementedError

    def save(self, path: bytes) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.machine.close()


class _BuiltIn(_Source):
    """The library's own HTTP client."""

    def read(self, out: ctypes.Array[c_char]) -> int:
        return self.machine.read(out)

    def save(self, path: bytes) -> None:
        self.machine.save(path)


class _Hosted(_Source):
    """The application's HTTP client."""

    def __init__(self, machine: _Machine, transport: Transport, cancellation: Optional[Cancellation]) -> None:
        super().__init__(machine)
        self._transport = transport
        self._cancellation = cancellation
        self._pieces: Optional[Iterator[bytes]] = None
        self._cause: Optional[BaseException] = None

    def read(self, out: ctypes.Array[c_char]) -> int:
        try:
            return self._go_on(out)
        except BaseException as ended:
            if not isinstance(ended, Exception):
                self.machine.fail(Failure.CANCELLED, "cancelled")
            self._hang_up()
            raise

    def save(self, path: bytes) -> None:
        self.machine.save_to(path)
        self.read((c_char * 1)())

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _go_on(self, out: ctypes.Array[c_char]) -> int:
        while True:
            action, wait_ms = self.machine.step(self._cause)
            if action == _DONE:
                return 0
            if self._cancellation is not None and self._cancellation.triggered:
                self.machine.fail(Failure.CANCELLED, "cancelled")
            elif action == _SEND:
                self._send()
            elif action == _RECEIVE:
                self._receive()
            elif action == _WAIT and self._cancellation is not None:
                self._cancellation.wait(wait_ms / 1000)
            elif action == _WAIT:
                time.sleep(wait_ms / 1000)
            elif count := self.machine.take(out):
                return count

    def _send(self) -> None:
        self._hang_up()
        try:
            response = self._transport(self.machine.request())
            self._pieces = iter(_cut(response.body)) if isinstance(response, HttpResponse) else response.pieces
            self.machine.respond(response)
        except Exception as exception:
            self._failed(exception)

    def _receive(self) -> None:
        assert self._pieces is not None
        try:
            piece = next(self._pieces, None)
        except Exception as exception:
            self._failed(exception)
            return
        if piece is None:
            self.machine.end()
        else:
            self.machine.receive(piece)

    def _failed(self, exception: Exception) -> None:
        self._cause = exception
        self._hang_up()
        self.machine.fail(*_why(exception))

    def _hang_up(self) -> None:
        pieces, self._pieces = self._pieces, None
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


def _cut(body: bytes) -> Iterator[bytes]:
    return (body[start : start + _PIECE] for start in range(0, len(body), _PIECE))


def _why(exception: Exception) -> tuple[Failure, str]:
    if isinstance(exception, TransportFailure):
        return exception.failure, exception.reason
    if isinstance(exception, asyncio.TimeoutError):
        return Failure.TIMEOUT, "timeout"
    return Failure.SENT, type(exception).__name__


class _Raw(io.RawIOBase):
    """What is read without a buffer."""

    def __init__(self, source: _Source) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, out: Any) -> int:
        return self._source.read((c_char * len(out)).from_buffer(out)) if len(out) else 0

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()
