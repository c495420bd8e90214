"""The shop: its routes, and what it asks of WeChat Pay."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import payseal
import segno
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from payseal.contrib.starlette import notification_endpoint
from pydantic import BaseModel

from orders import Order, Orders
from tracing import TraceMiddleware, trace_id

PRODUCT_NAME = "山间清茶"
PRODUCT_DESCRIPTION = "一杯手作的高山绿茶"
PRICE_FEN = 1
# A mini-program learns its buyer's openid when the buyer logs in; this shop has one buyer.
DEMO_OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"

logger = logging.getLogger("shop")


class NewOrder(BaseModel):
    """What the page posts."""

    method: Literal["native", "jsapi"]


def create_app(config: bytes, *, notify_base: str, page: Path, address: str) -> FastAPI:
    """The shop as an application.

    Args:
        config: The payseal configuration, JSON.
        notify_base: The base URL under which the provider reaches this shop.
        page: The folder of the shop's page.
        address: Where the shop listens; printed when it is ready.
    """
    client = payseal.AsyncClient(config, logger=logging.getLogger("payseal"))
    cashier = Cashier(client, notify_url=f"{notify_base}/notify/wechat")
    orders = Orders()
    sandbox = next(iter(json.loads(config).get("hosts", [])), None)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with client:
            print(f"shop: {address}", flush=True)
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.add_middleware(TraceMiddleware)

    @app.exception_handler(RequestValidationError)
    async def bad_request(_request: Request, _error: Exception) -> Response:
        return failure(400, 'method must be "native" or "jsapi"')

    @app.exception_handler(payseal.PaysealError)
    async def refused(_request: Request, error: payseal.PaysealError) -> Response:
        """Here an unknown outcome does no harm: without a QR code nobody pays."""
        logger.warning("trace_id=%s %s", trace_id.get(), error)
        return failure(502, "WeChat Pay did not take the order, please try again", outcome=error.outcome.name)

    @app.get("/api/product")
    async def product() -> dict[str, Any]:
        return {"name": PRODUCT_NAME, "description": PRODUCT_DESCRIPTION, "price_fen": PRICE_FEN, "sandbox": sandbox}

    @app.post("/api/orders", status_code=201)
    async def create_order(asked: NewOrder) -> dict[str, Any]:
        order = orders.create(asked.method, PRICE_FEN)
        code_url = invoke = None
        if asked.method == "native":
            code_url = await cashier.native(order)
            orders.set_code_url(order.id, code_url)
        else:
            invoke = await cashier.jsapi(order)
        return {
            "id": order.id,
            "state": order.state,
            "amount_fen": order.amount_fen,
            "method": order.method,
            "code_url": code_url,
            "invoke": invoke,
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

    async def notified(notification: payseal.Notification) -> None:
        """Called with verified events only. The provider repeats an event until this returns, so it must be idempotent."""
        if notification.event.event_type != "TRANSACTION.SUCCESS":
            return  # a refund, say: acknowledged, this shop has no use for it
        transaction = notification.json()
        number = transaction["out_trade_no"]
        if transaction["trade_state"] != "SUCCESS":
            raise ValueError(f"order {number} is {transaction['trade_state']} in an event of success")
        paid = transaction["transaction_id"], transaction["success_time"], transaction["amount"]["total"]
        if orders.mark_paid(number, *paid):
            logger.info("trace_id=%s order %s is paid", trace_id.get(), number)

    app.add_route("/notify/wechat", notification_endpoint(client, notified), methods=["POST"])

    @app.get("/metrics")
    async def metrics() -> Response:
        return PlainTextResponse(client.metrics(), media_type="text/plain; version=0.0.4")

    app.mount("/", StaticFiles(directory=page, html=True))
    return app


class Cashier:
    """Asks WeChat Pay to collect an order. mchid and appid come from the client's configuration."""

    def __init__(self, client: payseal.AsyncClient, notify_url: str) -> None:
        self._client = client
        self._notify_url = notify_url

    async def native(self, order: Order) -> str:
        """What the order's QR code says."""
        answer = await self._order("POST /v3/pay/transactions/native", order)
        code_url: str = (await self._client.invoke("native", answer))["code_url"]
        return code_url

    async def jsapi(self, order: Order) -> dict[str, Any]:
        """What wx.requestPayment needs."""
        answer = await self._order("POST /v3/pay/transactions/jsapi", order, payer={"openid": DEMO_OPENID})
        return await self._client.invoke("jsapi", answer)

    async def _order(self, operation: str, order: Order, **more: object) -> dict[str, Any]:
        body = {
            "description": PRODUCT_NAME,
            "out_trade_no": order.id,
            "notify_url": self._notify_url,
            "amount": {"total": order.amount_fen, "currency": "CNY"},
            **more,
        }
        result = await self._client.execute(operation, body=body, options={"trace_id": trace_id.get()})
        answer: dict[str, Any] = result.json()
        return answer


def failure(status: int, error: str, **more: str) -> Response:
    return JSONResponse({"error": error, **more}, status)
