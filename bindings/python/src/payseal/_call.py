"""One exchange without I/O: the library says what to send and what to do next, the host's HTTP client moves the bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from ctypes import byref, c_int32, c_uint64, c_void_p
from operator import index
from typing import Any, Callable, Optional, Protocol

from payseal._library import Buffer, library
from payseal._native import Handle, copy, from_json, inputs, lines
from payseal.cancellation import Cancellation
from payseal.transport import AsyncTransport, Failure, HttpRequest, HttpResponse, Transport, TransportFailure, within

SEND, DONE = 1, 3  # and 2: wait


Runs = Callable[[Callable[[], Any]], Awaitable[Any]]


class Owner(Protocol):
    """What a call is made of: a native client, or native payments."""

    pointer: c_void_p
    invoke: Any


class Call:
    """A ``payseal_call``; used by one thread at a time."""

    def __init__(self, owner: Owner, function: str, *arguments: object) -> None:
        """``function`` makes the call, such as ``call_new`` or ``call_new_payments``."""
        native, pointer = library(), c_void_p()
        owner.invoke(getattr(native, function), owner.pointer, *inputs(*arguments), byref(pointer))
        self._owner = owner
        self._handle = Handle(pointer, native.call_free, keep=owner)
        self.raised: Optional[Exception] = None
        """What a callback raised, which the call tells of only in its result."""
        self.client = 0
        """Of payments: whose request it is, by the place among the clients."""

    def step(self) -> tuple[int, int]:
        """What to do next, and how many milliseconds to wait for it."""
        action, wait_ms = c_int32(), c_uint64()
        raised = self._owner.invoke(library().call_step, self._handle.pointer, byref(action), byref(wait_ms))
        self.raised = raised or self.raised
        return action.value, wait_ms.value

    def request(self) -> HttpRequest:
        """The request to send."""
        head, body = Buffer(), Buffer()
        self._owner.invoke(library().call_request, self._handle.pointer, byref(head))
        self._owner.invoke(library().call_body, self._handle.pointer, byref(body))
        values = from_json(head)
        self.client = values.get("client", 0)
        return HttpRequest(
            method=values["method"],
            url=values["url"],
            headers=tuple((name, value) for name, value in values["headers"]),
            body=copy(body),
            timeout_ms=values["timeout_ms"],
            max_response_bytes=values["max_response_bytes"],
        )

    def respond(self, response: HttpResponse) -> None:
        """Hand over what came back."""
        arguments = inputs(lines(response.headers), response.body)
        self._owner.invoke(library().call_respond, self._handle.pointer, index(response.status), *arguments)

    def fail(self, failure: Failure, reason: str) -> None:
        """Say that no complete answer came."""
        self._owner.invoke(library().call_fail, self._handle.pointer, failure, *inputs(reason))

    def result(self, cause: Optional[BaseException]) -> tuple[Buffer, Buffer]:
        """The two outputs, or the error; ``cause`` is what the transport raised last, unless a callback did."""
        first, second = Buffer(), Buffer()
        cause = self.raised or cause
        self._owner.invoke(library().call_result, self._handle.pointer, byref(first), byref(second), cause=cause)
        return first, second


def drive(call: Call, transport: Transport, cancellation: Optional[Cancellation]) -> tuple[Buffer, Buffer]:
    """Run a call to its end over a transport, on this thread."""
    cause: Optional[BaseException] = None
    if cancellation is not None and cancellation.triggered:
        call.fail(Failure.CANCELLED, "cancelled")
    while True:
        action, wait_ms = call.step()
        if action == DONE:
            return call.result(cause)
        if action == SEND:
            cause = _send(call, transport)
        elif cancellation is None:
            time.sleep(wait_ms / 1000)
        elif cancellation.wait(wait_ms / 1000):
            call.fail(Failure.CANCELLED, "cancelled")


def _send(call: Call, transport: Transport) -> Optional[Exception]:
    request = call.request()
    try:
        response = transport(request)
        if not isinstance(response, HttpResponse):
            raise TypeError("only a file may be streamed")
        call.respond(response)
        return None
    except TransportFailure as failure:
        call.fail(failure.failure, failure.reason)
        return failure
    except Exception as exception:
        call.fail(Failure.SENT, type(exception).__name__)
        return exception
    except BaseException:
        abandon(call)
        raise


async def drive_async(call: Call, transport: AsyncTransport, run: Runs) -> tuple[Buffer, Buffer]:
    """The same for asyncio: the network is waited for on the event loop; ``run`` has threads for what computes or waits for a database."""
    cause: Optional[BaseException] = None
    while True:
        action, wait_ms = await run(call.step)
        if action == DONE:
            return call.result(cause)
        if action == SEND:
            cause = await _send_async(call, transport, run)
        else:
            await _sleep_async(call, wait_ms / 1000, run)


async def _send_async(call: Call, transport: AsyncTransport, run: Runs) -> Optional[Exception]:
    request = call.request()
    try:
        response = await within(request.timeout_ms / 1000, transport(request))
        if not isinstance(response, HttpResponse):
            raise TypeError("only a file may be streamed")
        call.respond(response)
        return None
    except TransportFailure as failure:
        call.fail(failure.failure, failure.reason)
        return failure
    except asyncio.TimeoutError as timeout:
        call.fail(Failure.TIMEOUT, "timeout")
        return timeout
    except Exception as exception:
        call.fail(Failure.SENT, type(exception).__name__)
        return exception
    except asyncio.CancelledError:
        await _abandon_async(call, run)
        raise
    except BaseException:
        abandon(call)
        raise


async def _sleep_async(call: Call, seconds: float, run: Runs) -> None:
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        await _abandon_async(call, run)
        raise
    except BaseException:
        abandon(call)
        raise


async def _abandon_async(call: Call, run: Runs) -> None:
    call.fail(Failure.CANCELLED, "cancelled")
    with suppress(Exception):  # closed meanwhile
        await asyncio.shield(run(call.step))


def abandon(call: Call) -> None:
    """Let the library count and log an exchange that its host gave up."""
    call.fail(Failure.CANCELLED, "cancelled")
    call.step()
