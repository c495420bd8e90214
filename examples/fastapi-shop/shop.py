"""The shop's routes, and what it does when money has come."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any, Literal, Optional
from urllib.parse import urlencode

import payseal
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from payseal.contrib.starlette import accept_endpoint
from payseal.payments import AsyncPayments, AsyncRunner, ClientKind, Event, EventKind, Payer, Payment, PayRequest
from pydantic import BaseModel

from back_office import back_office
from tracing import TraceMiddleware, trace_id

PRODUCT_NAME = "山间清茶"
PRODUCT_DESCRIPTION = "一杯手作的高山绿茶"
PRICE_FEN = 1

# Whom the methods pay.
ACCOUNTS = {"native": "wechat", "jsapi": "wechat", "precreate": "alipay", "page": "alipay"}

# A mini-program learns its buyer's openid when the buyer logs in; this shop has one buyer.
DEMO_OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"

logger = logging.getLogger("shop")


class NewOrder(BaseModel):
    """What the page posts."""

    method: Literal["native", "jsapi", "precreate", "page"]


async def handle(event: Event) -> None:
    """Gets an event until it returns; then the event takes effect. A real shop ships here."""
    if event.exception is not None:
        logger.warning("a person has to look at order %s: %s", event.order_no, event.exception)
    elif event.kind == EventKind.PAYMENT_PAID:
        logger.info("order %s is paid, by %s", event.order_no, event.source)


def create_app(wechat_config: bytes, alipay_config: bytes, *, database: str, public_url: str, page: Path, address: str) -> FastAPI:
    """The shop as an application.

    Args:
        wechat_config: The payseal configuration of WeChat Pay, JSON.
        alipay_config: That of Alipay.
        database: The URL of the database, a secret.
        public_url: The base URL under which the providers and the buyer's browser reach this shop.
        page: The folder of the shop's pages.
        address: Where the shop listens; printed when it is ready.
    """
    log = logging.getLogger("payseal")
    clients = {"wechat": payseal.AsyncClient(wechat_config, logger=log), "alipay": payseal.AsyncClient(alipay_config, logger=log)}
    notify_urls = {account: f"{public_url}/notify/{account}" for account in clients}
    payments = AsyncPayments({"store": database, "notify_urls": notify_urls}, clients, logger=log)
    sandbox = next(iter(json.loads(wechat_config).get("hosts", [])), None)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # The runner does the work that no request does: it takes up what the providers have told, asks about what they have not, and closes what
        # nobody pays.
        async with clients["wechat"], clients["alipay"], payments, AsyncRunner(payments, handle=handle):
            print(f"shop: {address}", flush=True)
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.add_middleware(TraceMiddleware)

    @app.exception_handler(RequestValidationError)
    async def bad_request(_request: Request, error: RequestValidationError) -> Response:
        wrong = error.errors()[0]
        return failure(400, f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}")

    @app.exception_handler(payseal.PaysealError)
    async def refused(_request: Request, error: payseal.PaysealError) -> Response:
        return refusal(error)

    @app.get("/api/product")
    async def product() -> dict[str, Any]:
        return {"name": PRODUCT_NAME, "description": PRODUCT_DESCRIPTION, "price_fen": PRICE_FEN, "sandbox": sandbox}

    @app.post("/api/orders")
    async def create_order(asked: NewOrder) -> Response:
        request = PayRequest(
            account=ACCOUNTS[asked.method],
            order_no=f"{date.today():%y%m%d}{secrets.token_hex(13)}",  # of the 32 characters that out_trade_no allows
            method=asked.method,
            amount=PRICE_FEN,
            subject=PRODUCT_NAME,
            payer=Payer(id=DEMO_OPENID) if asked.method == "jsapi" else None,
            return_url=f"{public_url}/return/alipay" if asked.method == "page" else None,
        )
        try:
            created = await payments.create(request, options={"trace_id": trace_id.get()})
        except payseal.PaysealError as error:
            return refusal(error, "the provider did not take the order, please try again")
        return JSONResponse(created.to_json(), 201)

    @app.get("/api/orders/{number}")
    async def show_order(number: str) -> Response:
        found = await payments.order(number)
        return JSONResponse(Payment(found.order, found.client).to_json())

    @app.get("/api/orders/{number}/qr")
    async def show_qr(number: str) -> Response:
        client = (await payments.order(number)).client
        if client is None or client.kind != ClientKind.QR:
            return failure(404, "the order has no QR code")
        return Response(payseal.qr.svg(client.code_url or ""), media_type="image/svg+xml")

    @app.get("/return/alipay")
    async def returned(request: Request) -> Response:
        """Where Alipay's page sends the buyer's browser. That he comes proves nothing about the money, so Alipay is asked; should it not answer, the
        notification will tell, or the runner asks again."""
        try:
            number = clients["alipay"].open_return(request.scope["query_string"]).fields["out_trade_no"]
        except payseal.PaysealError as error:
            logger.warning("trace_id=%s %s", trace_id.get(), error)
            return failure(400, "Alipay has not signed this return")
        try:
            await payments.query(number, options={"trace_id": trace_id.get()})
        except payseal.PaysealError as error:
            logger.warning("trace_id=%s %s", trace_id.get(), error)
        return RedirectResponse(f"/?{urlencode({'order': number})}", 303)

    for account in clients:
        app.add_route(f"/notify/{account}", accept_endpoint(payments, account), methods=["POST"])

    @app.get("/metrics/{provider}")
    async def metrics(provider: str) -> Response:
        if provider not in clients:
            return failure(404, "there is no such provider")
        return PlainTextResponse(clients[provider].metrics(), media_type="text/plain; version=0.0.4")

    app.include_router(back_office(payments), prefix="/api/operator")
    app.mount("/", StaticFiles(directory=page, html=True))
    return app


STATUS = {
    payseal.Code.ORDER_UNKNOWN: 404,
    payseal.Code.ORDER_STATE: 409,
    payseal.Code.ORDER_CONFLICT: 409,
    payseal.Code.PARAMS_INVALID: 400,
}


def refusal(error: payseal.PaysealError, said: Optional[str] = None) -> Response:
    """Says what went wrong and whether money may have moved: to people what is ``said``, else the library's own message."""
    logger.warning("trace_id=%s %s", trace_id.get(), error)
    status = STATUS.get(error.code, 503 if isinstance(error, payseal.StoreError) else 502)
    return failure(status, said or error.message, outcome=error.outcome.name)


def failure(status: int, error: str, **more: str) -> Response:
    return JSONResponse({"error": error, **more}, status)
