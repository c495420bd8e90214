"""Take money through WeChat Pay, Alipay and others: signing, verification, decryption and HTTP happen in a native library.

:class:`Client` is one merchant at one provider, :class:`AsyncClient` the same for :mod:`asyncio`. Every failure is a
:class:`PaysealError` that says whether money may have moved. :mod:`payseal.wechat` has typed operations, :mod:`payseal.contrib` the
handlers for web frameworks, :mod:`payseal.crypto` the bare algorithms.
"""

from payseal import crypto, doctor, payments, qr, weixin
from payseal._library import ABI_VERSION, load, version
from payseal.aio import AsyncClient
from payseal.cancellation import Cancellation
from payseal.client import Client, operations
from payseal.configuration import Configuration, ConfigurationAlipay, ConfigurationV2
from payseal.downloads import AsyncDownload, Download, DownloadInfo, DownloadOptions, FileAddress
from payseal.errors import (
    ArgumentError,
    ClosedError,
    Code,
    ConfigurationError,
    InternalError,
    OrderError,
    Outcome,
    PaysealError,
    ProviderError,
    StoreError,
    TransportError,
    TrustError,
)
from payseal.notification import Event, Explanation, Headers, Notification, NotificationOptions, Reply, Returned
from payseal.result import FlowOptions, Info, Options, Result
from payseal.routing import AsyncNotificationRouter, NotificationRouter
from payseal.transport import (
    AsyncStreamedResponse,
    AsyncTransport,
    Failure,
    HttpRequest,
    HttpResponse,
    StreamedResponse,
    Transport,
    TransportFailure,
)

__all__ = [
    "ABI_VERSION",
    "ArgumentError",
    "AsyncClient",
    "AsyncDownload",
    "AsyncNotificationRouter",
    "AsyncStreamedResponse",
    "AsyncTransport",
    "Cancellation",
    "Client",
    "ClosedError",
    "Code",
    "Configuration",
    "ConfigurationAlipay",
    "ConfigurationError",
    "ConfigurationV2",
    "Download",
    "DownloadInfo",
    "DownloadOptions",
    "Event",
    "Explanation",
    "Failure",
    "FileAddress",
    "FlowOptions",
    "Headers",
    "HttpRequest",
    "HttpResponse",
    "Info",
    "InternalError",
    "Notification",
    "NotificationOptions",
    "NotificationRouter",
    "Options",
    "OrderError",
    "Outcome",
    "PaysealError",
    "ProviderError",
    "Reply",
    "Result",
    "Returned",
    "StoreError",
    "StreamedResponse",
    "Transport",
    "TransportError",
    "TransportFailure",
    "TrustError",
    "crypto",
    "doctor",
    "load",
    "operations",
    "payments",
    "qr",
    "version",
    "weixin",
]
