"""The client for :mod:`asyncio`."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from functools import partial
from typing import Any, Callable, Optional, TypeVar, Union

from payseal import _client
from payseal._call import Call, drive_async
from payseal._callbacks import Cache, Clock, RandomSource, Signer
from payseal._library import Buffer
from payseal._native import lines, to_json
from payseal._threads import Threads
from payseal.cancellation import Cancellation
from payseal.client import Client, PathValue
from payseal.configuration import Configuration, ConfigurationAlipay, ConfigurationV2
from payseal.downloads import AsyncDownload, DownloadOptions, FileAddress, request
from payseal.errors import Code
from payseal.notification import Headers, Notification, NotificationOptions, Reply, Returned
from payseal.result import FlowOptions, Options, Result
from payseal.transport import AsyncTransport

_T = TypeVar("_T")


class AsyncClient:
    """A :class:`~payseal.Client` whose blocking calls are coroutines.

    ::

        async with payseal.AsyncClient(config) as client:
            order = (await client.execute("POST /v3/pay/transactions/native", body={...})).json()

    Calls run on a bounded pool of threads that belongs to this client; what finds no thread free waits its turn, and
    ``timeout_ms`` begins when it gets one. With a ``transport`` the network is waited for on the event loop, and the pool only signs and
    verifies.

    Cancelling the task (also by ``asyncio.wait_for`` or ``asyncio.timeout``) cancels the call. A cancelled task learns no outcome:
    query before you retry.
    """

    def __init__(
        self,
        config: Union[Configuration, ConfigurationV2, ConfigurationAlipay, Mapping[str, object], str, bytes],
        *,
        logger: Optional[logging.Logger] = None,
        now_ms: Optional[Clock] = None,
        random_bytes: Optional[RandomSource] = None,
        signer: Optional[Signer] = None,
        cache: Optional[Cache] = None,
        transport: Optional[AsyncTransport] = None,
        max_workers: Optional[int] = None,
    ) -> None:
        """Check the configuration and make the client. Nothing is sent, and no event loop is needed yet.

        Args:
            config: As for :class:`~payseal.Client`, like the four callables that follow. They are called on the threads of the pool.
            logger: Receives the library's log records.
            now_ms: The clock: Unix time in milliseconds.
            random_bytes: The random source.
            signer: Keeps the private key elsewhere; it may block.
            cache: Keeps tokens; it may block.
            transport: Sends the requests instead of the built-in HTTP client.
            max_workers: How many threads at most. Left out: :class:`~concurrent.futures.ThreadPoolExecutor`'s own number.

        Raises:
            ConfigurationError: A key is unknown, missing or wrong; ``details["field"]`` names it.
        """
        self._client = Client(config, logger=logger, now_ms=now_ms, random_bytes=random_bytes, signer=signer, cache=cache)
        self._transport = transport
        self._threads = Threads(max_workers)

    @property
    def client(self) -> Client:
        """The same client for threads. It is closed together with this one."""
        return self._client

    async def execute(
        self,
        operation: str,
        *,
        path: Optional[Mapping[str, PathValue]] = None,
        query: Optional[Mapping[str, object]] = None,
        body: Optional[Mapping[str, object]] = None,
        payload: Optional[bytes] = None,
        options: Optional[Options] = None,
    ) -> Result:
        """Ask the provider for something, as :meth:`payseal.Client.execute` does: the same arguments, the same errors."""
        if self._transport is not None:
            text = _client.params(path, query, body, options)
            return _client.result(*await self._exchange("call_new", operation, text, payload))
        cancellation = Cancellation()
        execute = partial(
            self._client.execute,
            operation,
            path=path,
            query=query,
            body=body,
            payload=payload,
            options=options,
            cancellation=cancellation,
        )
        try:
            return await self._run(execute)
        except asyncio.CancelledError:
            cancellation.trigger()
            raise

    async def run(
        self,
        flow: str,
        *,
        path: Optional[Mapping[str, PathValue]] = None,
        query: Optional[Mapping[str, object]] = None,
        body: Optional[Mapping[str, object]] = None,
        options: Optional[FlowOptions] = None,
    ) -> Result:
        """Ask again until a state is final, as :meth:`payseal.Client.run` does: the same arguments, the same errors."""
        if self._transport is not None:
            text = _client.params(path, query, body, options)
            return _client.result(*await self._exchange("call_new_flow", flow, text))
        cancellation = Cancellation()
        run = partial(self._client.run, flow, path=path, query=query, body=body, options=options, cancellation=cancellation)
        try:
            return await self._run(run)
        except asyncio.CancelledError:
            cancellation.trigger()
            raise

    async def open_notification(self, headers: Headers, body: bytes, *, options: Optional[NotificationOptions] = None) -> Notification:
        """Verify and decrypt, as :meth:`payseal.Client.open_notification` does: the same arguments, the same errors."""
        if self._transport is not None:
            text = None if options is None else to_json(options)
            return _client.notification(*await self._exchange("call_new_notification", lines(headers), body, text))
        return await self._run(partial(self._client.open_notification, headers, body, options=options))

    async def upload(
        self,
        operation: str,
        file: Union[str, os.PathLike[str], bytes],
        *,
        filename: Optional[str] = None,
        options: Optional[Options] = None,
    ) -> Result:
        """Send a file, as :meth:`payseal.Client.upload` does: the same arguments, the same errors."""
        content, given = await self._run(partial(_client.upload, file, filename, options))
        return await self.execute(operation, payload=content, options=given)

    def download(
        self,
        operation: Optional[str] = None,
        *,
        path: Optional[Mapping[str, PathValue]] = None,
        query: Optional[Mapping[str, object]] = None,
        body: Optional[Mapping[str, object]] = None,
        file: Optional[FileAddress] = None,
        options: Optional[DownloadOptions] = None,
    ) -> AsyncDownload:
        """Begin a download, as :meth:`payseal.Client.download` does: the same arguments, the same errors. Nothing is sent yet.

        ::

            async with client.download(**files.trade_bill("2026-01-02")) as bill:
                await bill.save("bill.csv")
        """
        text = request(operation=operation, path=path, query=query, body=body, file=file, options=options)
        return AsyncDownload(self._client._handle(), text, self._transport, self._run)

    def notification_reply(self, code: int = Code.OK) -> Reply:
        """The answer to write for a notification; see :meth:`payseal.Client.notification_reply`. Does not block."""
        return self._client.notification_reply(code)

    def open_return(self, query: Union[str, bytes]) -> Returned:
        """What the payer's browser brought back; see :meth:`payseal.Client.open_return`. Does not block."""
        return self._client.open_return(query)

    async def invoke(self, kind: str, params: Mapping[str, object]) -> dict[str, Any]:
        """What the buyer's side needs to call up the cashier; see :meth:`payseal.Client.invoke`."""
        return await self._run(partial(self._client.invoke, kind, params))

    def metrics(self) -> str:
        """Counters and histograms in the Prometheus text format 0.0.4. Does not block."""
        return self._client.metrics()

    async def aclose(self) -> None:
        """End the client and wait for its threads: for calls under way. May be repeated."""
        self._client.close()
        await self._threads.end()

    @property
    def closed(self) -> bool:
        """Whether :meth:`aclose` was called."""
        return self._client.closed

    async def __aenter__(self) -> AsyncClient:
        """The client itself; leaving the block closes it."""
        self._client.__enter__()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Close the client."""
        await self.aclose()

    async def _exchange(self, function: str, *arguments: object) -> tuple[Buffer, Buffer]:
        assert self._transport is not None
        call = await self._run(partial(Call, self._client._handle(), function, *arguments))
        return await drive_async(call, self._transport, self._run)

    async def _run(self, function: Callable[[], _T]) -> _T:
        self._client._handle()
        return await self._threads.run(function)
