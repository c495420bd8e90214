"""The threads on which blocking calls run for :mod:`asyncio`."""

from __future__ import annotations

import asyncio
import contextvars
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Callable, Optional, TypeVar

_T = TypeVar("_T")


class Threads:
    """A bounded pool. A forked child has none of its parent's threads, hence a pool of its own."""

    def __init__(self, max_workers: Optional[int]) -> None:
        """Threads are started with the first call."""
        self._max_workers = max_workers
        self._start()

    async def run(self, function: Callable[[], _T]) -> _T:
        """On a thread of the pool, in the context of this task, so that log records find its context variables."""
        if self._pid != os.getpid():
            self._start()
        in_context: Callable[[], _T] = partial(contextvars.copy_context().run, function)
        return await asyncio.get_running_loop().run_in_executor(self._pool, in_context)

    async def end(self) -> None:
        """Wait for what is under way. May be repeated."""
        await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)

    def _start(self) -> None:
        self._pool = ThreadPoolExecutor(self._max_workers, thread_name_prefix="payseal")
        self._pid = os.getpid()
