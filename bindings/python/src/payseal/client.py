"""The client: one merchant at one provider."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from ctypes import byref, c_void_p
from typing import Any, Optional, Union

from payseal import _client
from payseal._call import Call, drive
from payseal._callbacks import Cache, CallbackTable, Clock, RandomSource, Signer
from payseal._client import ClientHandle
from payseal._library import Buffer, library
from payseal._native import check, closed, copy, from_json, inputs, lines, to_json
from payseal.cancellation import Cancellation
from payseal.configuration import Configuration, ConfigurationAlipay, ConfigurationV2
from payseal.downloads import Download, DownloadOptions, FileAddress, request
from payseal.errors import Code
from payseal.notification import Explanation, Headers, Notification, NotificationOptions, Reply, Returned
from payseal.result import FlowOptions, Options, Result, known
from payseal.transport import Transport

PathValue = Union[str, int]


class Client:
    """One merchant at one provider; immutable, for any number of threads at once.

    Make one per merchant when the service starts, and keep it. A client made before a fork works in the children.

    ::

        with payseal.Client(pathlib.Path("config.json").read_bytes()) as client:
            order = client.execute("POST /v3/pay/transactions/native", body={...}).json()

    A call releases the interpreter lock while it waits. Python's own signal handlers run when it has returned.
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
        transport: Optional[Transport] = None,
    ) -> None:
        """Check the configuration and make the client. Nothing is sent.

        The callables may be called from every thread that uses the client, several at once. What one raises fails
        the call it belongs to and becomes the ``__cause__`` of its error; a failing log handler fails nothing.

        Args:
            config: The configuration as a mapping, or its JSON text or bytes, which are handed over as they are.
            logger: Receives the library's log records; each carries its fields as the attribute ``payseal``.
            now_ms: The clock: Unix time in milliseconds. Left out: the system's.
            random_bytes: The random source, for example ``os.urandom``. Left out: the system's.
            signer: Keeps the private key elsewhere (HSM, KMS): RSASSA-PKCS1-v1_5 with SHA-256 over the given bytes by the key of
                the configured serial; with the scheme of SM2, SM2 with SM3 in DER.
            cache: Keeps tokens for all processes of a service; only the provider ``weixin`` has any.
            transport: Sends the requests instead of the built-in HTTP client.

        Raises:
            ConfigurationError: A key is unknown, missing or wrong; ``details["field"]`` names it.
        """
        self._transport = transport
        callbacks = CallbackTable(logger, now_ms, random_bytes, signer, cache)
        self._open: Optional[ClientHandle] = _client.new_client(config, callbacks)

    def execute(
        self,
        operation: str,
        *,
        path: Optional[Mapping[str, PathValue]] = None,
        query: Optional[Mapping[str, object]] = None,
        body: Optional[Mapping[str, object]] = None,
        payload: Optional[bytes] = None,
        options: Optional[Options] = None,
        cancellation: Optional[Cancellation] = None,
    ) -> Result:
        """Ask the provider for something, and wait for its verified answer.

        Args:
            operation: The provider's name for it, for example ``"GET /v3/pay/transactions/id/{transaction_id}"``.
            path: Values for the placeholders in the path.
            query: The query parameters.
            body: The JSON of the body. Amounts are integers in fen.
            payload: Raw bytes instead of ``body``, or the file of an upload.
            options: Options of this call: ``timeout_ms``, ``trace_id``, ``expect`` …
            cancellation: Triggered from another thread, ends the call early.

        Returns:
            The verified answer.

        Raises:
            ArgumentError: A parameter is wrong. Nothing was sent.
            TrustError: An answer came that must not be believed.
            TransportError: No answer came; the outcome says whether the request may have been processed.
            ProviderError: The provider answered no.
            ClosedError: The client is closed.
        """
        client, native = self._handle(), library()
        text = _client.params(path, query, body, options)
        if self._transport is not None:
            call = Call(client, "call_new", operation, text, payload)
            return _client.result(*drive(call, self._transport, cancellation))
        answer, info = Buffer(), Buffer()
        cancel = cancellation._handle.pointer if cancellation is not None else None
        arguments = (*inputs(operation, text, payload), cancel, byref(answer), byref(info))
        client.invoke(native.client_execute, client.pointer, *arguments)
        return _client.result(answer, info)

    def upload(
        self,
        operation: str,
        file: Union[str, os.PathLike[str], bytes],
        *,
        filename: Optional[str] = None,
        options: Optional[Options] = None,
        cancellation: Optional[Cancellation] = None,
    ) -> Result:
        """Send a file by an operation that takes one. The part ``meta``, which is signed, is made of its name and SHA-256.

        Args:
            operation: For example ``"POST /v3/merchant/media/upload"``; :mod:`payseal.wechat.files` has the usual ones.
            file: The path of the file, or its bytes; at most 64 MiB, which are in memory.
            filename: Its name, without a folder; left out where ``file`` is a path.
            options: Options of this call.
            cancellation: Triggered from another thread, ends the call early.

        Returns:
            The verified answer, which has what the provider calls the file from now on.

        Raises:
            OSError: The file cannot be read.
            PaysealError: As for :meth:`execute`.
        """
        content, given = _client.upload(file, filename, options)
        return self.execute(operation, payload=content, options=given, cancellation=cancellation)

    def download(
        self,
        operation: Optional[str] = None,
        *,
        path: Optional[Mapping[str, PathValue]] = None,
        query: Optional[Mapping[str, object]] = None,
        body: Optional[Mapping[str, object]] = None,
        file: Optional[FileAddress] = None,
        options: Optional[DownloadOptions] = None,
        cancellation: Optional[Cancellation] = None,
    ) -> Download:
        """Begin a download: of a bill, a receipt or another file, which may be larger than memory. Nothing is sent yet.

        ::

            with client.download(**files.trade_bill("2026-01-02")) as bill:
                bill.save("bill.csv")

        Args:
            operation: What names the file, for example ``"GET /v3/bill/tradebill"``; :mod:`payseal.wechat.files` has ready ones.
            path: Values for the placeholders in its path.
            query: Its query parameters.
            body: Its body, for the few that have one.
            file: In place of the operation, what the provider said when it was asked before.
            options: Options of the download.
            cancellation: Triggered from another thread, ends it early.

        Returns:
            A binary stream, which is at its end only when every check has passed.

        Raises:
            ArgumentError: A parameter is wrong. Nothing was sent.
            TrustError: The file would lie somewhere else than at the provider.
            ClosedError: The client is closed.
        """
        text = request(operation=operation, path=path, query=query, body=body, file=file, options=options)
        return Download(self._handle(), text, self._transport, cancellation)

    def run(
        self,
        flow: str,
        *,
        path: Optional[Mapping[str, PathValue]] = None,
        query: Optional[Mapping[str, object]] = None,
        body: Optional[Mapping[str, object]] = None,
        options: Optional[FlowOptions] = None,
        cancellation: Optional[Cancellation] = None,
    ) -> Result:
        """Ask, wait at the provider's pace and ask again until a state is final or the deadline has passed.

        Every answer is verified, and nothing is ordered twice. ``result.info.final`` is false where the deadline passed first: then the
        result is the last verified state, which may change.

        Args:
            flow: For example ``"await_payment"``, ``"codepay"``, ``"refund"`` or ``"await_transfer"``; see ``docs/abi.md``.
            path: Values for the placeholders of the question, for example ``{"out_trade_no": …}``.
            query: The query parameters of the question.
            body: The body with which the flow begins.
            options: ``deadline_ms``, ``schedule_ms``, ``timeout_ms``, ``trace_id``, ``expect`` …
            cancellation: Triggered from another thread, ends the flow early.

        Returns:
            The last verified answer.

        Raises:
            ArgumentError: A parameter is wrong. Nothing was sent.
            ProviderError: The provider said a definite no.
            TransportError: There was no verified answer at all.
            ClosedError: The client is closed.
        """
        client, native = self._handle(), library()
        text = _client.params(path, query, body, options)
        if self._transport is not None:
            call = Call(client, "call_new_flow", flow, text)
            return _client.result(*drive(call, self._transport, cancellation))
        answer, info = Buffer(), Buffer()
        cancel = cancellation._handle.pointer if cancellation is not None else None
        client.invoke(native.client_run, client.pointer, *inputs(flow, text), cancel, byref(answer), byref(info))
        return _client.result(answer, info)

    def open_notification(self, headers: Headers, body: bytes, *, options: Optional[NotificationOptions] = None) -> Notification:
        """Verify, check for freshness, and decrypt a message that the provider sent to ``notify_url``.

        It may have to fetch the provider's newest certificates first, which ``options["timeout_ms"]`` bounds.

        Args:
            headers: The headers as received, best as pairs.
            body: The raw body as received. Never a body that was parsed and encoded again.
            options: ``timeout_ms``, ``trace_id``, ``expect``, ``accept_unauthenticated``.

        Returns:
            The verified event and its plaintext.

        Raises:
            TrustError: The message is not the provider's, too old, or cannot be read.
            ArgumentError: An argument is wrong.
            ClosedError: The client is closed.
        """
        client, native = self._handle(), library()
        message = (lines(headers), body, None if options is None else to_json(options))
        if self._transport is not None:
            call = Call(client, "call_new_notification", *message)
            return _client.notification(*drive(call, self._transport, None))
        plaintext, event = Buffer(), Buffer()
        client.invoke(native.notification_open, client.pointer, *inputs(*message), byref(plaintext), byref(event))
        return _client.notification(plaintext, event)

    def explain_notification(self, headers: Headers, body: bytes) -> Explanation:
        """Why a notification, saved as it came, is refused.

        Tries what services and proxies do to bodies and headers by mistake and names what would make the signature fit. For people who
        look for a mistake: it costs more than refusing does, fetches no certificates, and lets nothing pass.

        Raises:
            TrustError: The headers cannot be read.
            ClosedError: The client is closed.
        """
        client, output = self._handle(), Buffer()
        client.invoke(library().notification_explain, client.pointer, *inputs(lines(headers), body), byref(output))
        explanation: Explanation = known(Explanation, from_json(output))
        return explanation

    def notification_reply(self, code: int = Code.OK) -> Reply:
        """The answer to write for a notification.

        Args:
            code: ``Code.OK`` when it was opened and taken care of; the code of the error that opening raised; ``Code.INTERNAL``
                when your own handling failed.

        Raises:
            ClosedError: The client is closed.
        """
        return _client.reply(self._handle(), code)

    def invoke(self, kind: str, params: Mapping[str, object]) -> dict[str, Any]:
        """What the buyer's side needs to call up the cashier.

        Args:
            kind: ``"jsapi"`` (also mini-programs), ``"app"``, ``"h5"`` or ``"native"``.
            params: What the order gave: ``prepay_id``, ``h5_url`` or ``code_url``.

        Returns:
            The parameters to hand to the buyer's side as they are.

        Raises:
            ArgumentError: A parameter is wrong.
            ClosedError: The client is closed.
        """
        client, output = self._handle(), Buffer()
        client.invoke(library().client_invoke, client.pointer, *inputs(kind, to_json(params)), byref(output))
        values: dict[str, Any] = from_json(output)
        return values

    def open_return(self, query: Union[str, bytes]) -> Returned:
        """Verify the query with which the payer's browser came back to the ``return_url``.

        It passed through the payer's hands: it tells which order the payer comes from, and never that the order is paid.

        Args:
            query: The query string as it was received, without the question mark.

        Returns:
            What the provider had signed.

        Raises:
            TrustError: It is not the provider's, or it is a notification.
            ArgumentError: The provider signs no returns.
            ClosedError: The client is closed.
        """
        client, output = self._handle(), Buffer()
        client.invoke(library().return_open, client.pointer, *inputs(query), byref(output))
        values: dict[str, Any] = from_json(output)
        return Returned(**values)

    def metrics(self) -> str:
        """Counters and histograms in the Prometheus text format 0.0.4.

        Raises:
            ClosedError: The client is closed.
        """
        client, text = self._handle(), Buffer()
        client.invoke(library().client_metrics, client.pointer, byref(text))
        return copy(text).decode()

    def close(self) -> None:
        """End the client. Calls that run on other threads finish; new ones raise :class:`ClosedError`. May be repeated."""
        self._open = None

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._open is None

    def __enter__(self) -> Client:
        """The client itself; leaving the block closes it."""
        self._handle()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Close the client."""
        self.close()

    def _handle(self) -> ClientHandle:
        handle = self._open
        if handle is None:
            raise closed("client")
        return handle


def operations(provider: str = "wechat") -> Any:
    """What the library's catalogue knows of a provider: a list of operations. Others can be called by their name as well.

    Raises:
        ArgumentError: The provider is not known.
    """
    output, error = Buffer(), c_void_p()
    check(library().operations(*inputs(provider), byref(output), byref(error)), error)
    return from_json(output)
