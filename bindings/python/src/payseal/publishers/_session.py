"""Publishing over a connection that is given up as soon as it is in doubt."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Optional, TypeVar

from payseal.payments.work import Message
from payseal.publishers._outcome import CLOSED, NotConfirmed, Outcomes, not_confirmed

_S = TypeVar("_S", bound="SessionPublisher")


class Session(ABC):
    """A connection."""

    @abstractmethod
    def is_lost(self) -> bool:
        """Whether it has ended by itself."""

    @abstractmethod
    async def send(self, message: Message) -> None:
        """Return when the broker has confirmed the message; raise NotConfirmed if it has refused it, anything else if nobody knows."""

    @abstractmethod
    async def close(self) -> None:
        """End it, whatever state it is in."""


class SessionPublisher(ABC):
    """An AsyncPublisher."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._session: Optional[Session] = None
        self._closed = False
        self._turn: Optional[asyncio.Lock] = None

    @abstractmethod
    async def _connect(self) -> Session: ...

    async def publish(self, messages: Sequence[Message], /) -> Outcomes:
        """Return for each message None, or why it was not confirmed.

        Raises:
            NotConfirmed: It holds for all of them.
        """
        async with self._in_turn():
            if self._closed:
                raise NotConfirmed(CLOSED)
            if not messages:
                return []
            deadline = asyncio.get_running_loop().time() + self._timeout_s
            try:
                session = await self._connected()
                answers = await self._answers(session, messages, deadline)
            except BaseException:
                await self._disconnect()
                raise
            if not all(answer is None or isinstance(answer, NotConfirmed) for answer in answers):
                await self._disconnect()
            return [_outcome(answer) for answer in answers]

    async def close(self) -> None:
        """Disconnect, once what is being published is. What is published later is not confirmed."""
        async with self._in_turn():
            self._closed = True
            await self._disconnect()

    async def __aenter__(self: _S) -> _S:
        """Itself."""
        return self

    async def __aexit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        """Close."""
        await self.close()

    def _in_turn(self) -> asyncio.Lock:
        if self._turn is None:  # made here, since before Python 3.10 it belongs to the loop that runs
            self._turn = asyncio.Lock()
        return self._turn

    async def _connected(self) -> Session:
        if self._session is not None and self._session.is_lost():
            await self._disconnect()
        if self._session is None:
            try:
                self._session = await asyncio.wait_for(self._connect(), self._timeout_s)
            except asyncio.TimeoutError as error:
                raise NotConfirmed(f"cannot connect within {self._timeout_s} s") from error
            except Exception as error:
                raise NotConfirmed(f"cannot connect: {error or type(error).__name__}") from error
        return self._session

    async def _answers(self, session: Session, messages: Sequence[Message], deadline: float) -> Sequence[Optional[BaseException]]:
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(session.send(message)) for message in messages]  # they start in this order
        try:
            await asyncio.wait(tasks, timeout=max(0, deadline - loop.time()))
        finally:
            for task in tasks:
                task.cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
        return answers

    async def _disconnect(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _outcome(answer: Optional[BaseException]) -> Optional[BaseException]:
    if answer is None or isinstance(answer, NotConfirmed):
        return answer
    if isinstance(answer, asyncio.CancelledError):
        return NotConfirmed("not confirmed in time")
    return not_confirmed(f"not confirmed: {answer or type(answer).__name__}", answer)
