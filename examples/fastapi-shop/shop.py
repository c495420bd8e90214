"""The shop's routes."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import payseal
import segno
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from payseal.contrib.starlette import notification_endpoint
from pydantic import BaseModel

from alipay import Alipay
from orders import PRICE_FEN, PRODUCT_DESCRIPTION, PRODUCT_NAME, Orders
from tracing import TraceMiddleware, trace_id
from wechat import WeChatPay

logger = logging.getLogger("shop")


class NewOrder(BaseModel):
    """What the page posts."""

    method: Literal["native", "jsapi", "precreate", "page"]


def create_app(wechat_config: bytes, alipay_config: bytes, *, public_url: str, page: Path, address: str) -> FastAPI:
    """The shop as an application.

    Args:
        wechat_config: The payseal configuration of WeChat Pay, JSON.
        alipay_config: That of Alipay.
        public_url: The base URL under which the providers and the buyer's browser reach this shop.
        page: The folder of the shop's page.
        address: Where the shop listens; printed when it is ready.
    """
    log = logging.getLogger("payseal")
    clients = {"wechat": payseal.AsyncClient(wechat_config, logger=log), "alipay": payseal.AsyncClient(alipay_config, logger=log)}
    orders = Orders()
    wechat = WeChatPay(clients["wechat"], orders, f"{public_url}/notify/wechat")
    alipay = Alipay(clients["alipay"], orders, f"{public_url}/notify/alipay", f"{public_url}/return/alipay")
    sandbox = next(iter(json.loads(wechat_config).get("hosts", [])), None)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with clients["wechat"], clients["alipay"]:
            print(f"shop: {address}", flush=True)
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.add_middleware(TraceMiddleware)

    @app.exception_handler(RequestValidationError)
    async def bad_request(_request: Request, _error: Exception) -> Response:
        return failure(400, 'method must be "native", "jsapi", "precreate" or "page"')

    @app.exception_handler(payseal.PaysealError)
    async def refused(_request: Request, error: payseal.PaysealError) -> Response:
        """Here an unknown outcome does no harm: without a QR code nobody pays."""
        logger.warning("trace_id=%s %s", trace_id.get(), error)
        return failure(502, "the provider did not take the order, please try again", outcome=error.outcome.name)

    @app.get("/api/product")
    async def product() -> dict[str, Any]:
        return {"name": PRODUCT_NAME, "description": PRODUCT_DESCRIPTION, "price_fen": PRICE_FEN, "sandbox": sandbox}

    @app.post("/api/orders", status_code=201)
    async def create_order(asked: NewOrder) -> dict[str, Any]:
        order = orders.create(asked.method, PRICE_FEN)
        code_url = invoke = pay_url = None
        if asked.method == "native":
            code_url = await wechat.native(order)
        elif asked.method == "jsapi":
            invoke = await wechat.jsapi(order)
        elif asked.method == "precreate":
            code_url = await alipay.precreate(order)
        else:
            pay_url = await alipay.page_pay(order)
        if code_url:
            orders.set_code_url(order.id, code_url)
        return {
            "id": order.id,
            "state": order.state,
            "amount_fen": order.amount_fen,
            "method": order.method,
            "code_url": code_url,
            "invoke": invoke,
            "pay_url": pay_url,
        }

    @app.get("/api/orders/{id}")
    async def show_order(id: str) -> Response:
        order = orders.get(id)
        if order is None:
            return failure(404, "there is no such order")
        fields = ("id", "state", "amount_fen", "method", "transaction_id", "paid_at")
        return JSONResponse({field: getattr(order, field) for field in fields})

    @app.get("/api/orders/{id}/qr")
    async def show_qr(id: str) -> Response:
        order = orders.get(id)
        if order is None or order.code_url is None:
            return failure(404, "there is no such order, or it has no QR code")
        image = io.BytesIO()
        segno.make(order.code_url, error="m", micro=False).save(image, kind="svg", scale=8, light="white")
        return Response(image.getvalue(), media_type="image/svg+xml")

    @app.get("/return/alipay")
    async def returned(request: Request) -> Response:
        """Where Alipay's page sends the buyer's browser. Should Alipay not answer the shop's question, the notification will tell."""
        try:
            number = alipay.returned(request.scope["query_string"])
        except payseal.PaysealError as error:
            logger.warning("trace_id=%s %s", trace_id.get(), error)
            return failure(400, "Alipay has not signed this return")
        try:
            await alipay.query(number)
        except (payseal.PaysealError, ValueError) as error:
            logger.warning("trace_id=%s %s", trace_id.get(), error)
        return RedirectResponse(f"/?{urlencode({'order': number})}", 303)

    app.add_route("/notify/wechat", notification_endpoint(clients["wechat"], wechat.notified), methods=["POST"])
    app.add_route("/notify/alipay", notification_endpoint(clients["alipay"], alipay.notified), methods=["POST"])

    @app.get("/metrics/{provider}")
    async def metrics(provider: str) -> Response:
        if provider not in clients:
            return failure(404, "there is no such provider")
        return PlainTextResponse(clients[provider].metrics(), media_type="text/plain; version=0.0.4")

    app.mount("/", StaticFiles(directory=page, html=True))
    return app


def failure(status: int, error: str, **more: str) -> Response:
    return JSONResponse({"error": error, **more}, status)
