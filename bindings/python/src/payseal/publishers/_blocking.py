"""A publisher for threads, of one for asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Optional, Protocol, TypeVar

from payseal.payments.work import Message
from payseal.publishers._outcome import CLOSED, NotConfirmed, Outcomes

_T = TypeVar("_T")
_S = TypeVar("_S", bound="Blocking")


class Closeable(Protocol):
    """What is made blocking."""

    async def publish(self, messages: Sequence[Message], /) -> Outcomes: ...

    async def close(self) -> None: ...


class Blocking:
    """Runs the other one's event loop on a thread of its own, which also answers the broker between two calls, until it is closed."""

    def __init__(self, publisher: Closeable) -> None:
        self._publisher = publisher
        self._turn = threading.Lock()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._thread: Optional[threading.Thread] = None
        self._closed = False

    def publish(self, messages: Sequence[Message], /) -> Outcomes:
        """Return for each message None, or why it was not confirmed.

        Raises:
            NotConfirmed: It holds for all of them.
        """
        with self._turn:
            if self._closed:
                raise NotConfirmed(CLOSED)
            return self._run(self._publisher.publish(messages))

    def close(self) -> None:
        """Disconnect, once what is being published is. What is published later is not confirmed."""
        with self._turn:
            self._closed = True
            if self._loop is None or self._thread is None:
                return
            self._run(self._publisher.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None

    def __enter__(self: _S) -> _S:
        """Itself."""
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        """Close."""
        self.close()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="payseal-publisher", daemon=True)
            self._thread.start()
        under_way = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return under_way.result()
        except BaseException:
            under_way.cancel()  # Ctrl-C, for one
            raise
