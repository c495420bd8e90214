"""A trace id for every request: the caller's where it sent one. payseal's log records of the request carry the same id."""

from __future__ import annotations

import logging
import re
import secrets
import time
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Trace-Id"
ACCEPTABLE = re.compile(r"[!-~]{1,64}")

trace_id: ContextVar[str] = ContextVar("trace_id")
logger = logging.getLogger("shop.request")


class TraceMiddleware:
    """Sets :data:`trace_id`, answers it in a header and logs each request with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = Headers(scope=scope).get(HEADER, "")
        own = given if ACCEPTABLE.fullmatch(given) else secrets.token_hex(16)
        token = trace_id.set(own)
        started, status = time.monotonic(), 0

        async def traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = own
            await send(message)

        try:
            await self._app(scope, receive, traced)
        finally:
            took_ms = (time.monotonic() - started) * 1000
            logger.info("trace_id=%s method=%s path=%s status=%d duration_ms=%.0f", own, scope["method"], scope["path"], status, took_ms)
            trace_id.reset(token)
