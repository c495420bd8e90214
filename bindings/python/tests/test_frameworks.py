"""The handlers for Starlette and FastAPI, Flask and Django: raw body in, exact reply out, and nothing unverified in between."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any, Callable

import django
import django.http
import django.test
import django.urls
import flask
import httpx
import pytest
import starlette.applications
import starlette.requests
import starlette.routing
from django.conf import settings
from fastapi import FastAPI

import payseal
from payseal import payments
from payseal.contrib import django as payseal_django
from payseal.contrib import flask as payseal_flask
from payseal.contrib import starlette as payseal_starlette
from provider import NOW, TRANSACTION, Provider, now_ms

settings.configure(
    SECRET_KEY="test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    LOGGING_CONFIG=None,
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
)
django.setup()
urlpatterns: list[Any] = []

Post = Callable[[Any, bytes], "tuple[int, bytes, str]"]


class Handler:
    """The user's function: keeps what it is given, and fails on demand."""

    def __init__(self) -> None:
        self.seen: list[payseal.Notification] = []
        self.failure: Any = None

    def __call__(self, notification: payseal.Notification) -> None:
        self.seen.append(notification)
        if self.failure is not None:
            raise self.failure

    async def awaited(self, notification: payseal.Notification) -> None:
        await asyncio.sleep(0)
        self(notification)


@pytest.fixture
def handler() -> Handler:
    return Handler()


def asgi_post(app: Any) -> Post:
    def post(headers: Any, body: bytes) -> tuple[int, bytes, str]:
        async def run() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
                return await client.post("/notify", content=body, headers=headers)

        answer = asyncio.run(run())
        return answer.status_code, answer.content, answer.headers["Content-Type"]

    return post


def starlette_post(config: Any, handler: Handler) -> Post:
    client = payseal.AsyncClient(config, now_ms=now_ms)
    endpoint = payseal_starlette.notification_endpoint(client, handler.awaited)
    return asgi_post(starlette.applications.Starlette(routes=[starlette.routing.Route("/notify", endpoint, methods=["POST"])]))


def fastapi_post(config: Any, handler: Handler) -> Post:
    app = FastAPI()
    client = payseal.AsyncClient(config, now_ms=now_ms)
    app.add_api_route("/notify", payseal_starlette.notification_endpoint(client, handler.awaited), methods=["POST"])
    return asgi_post(app)


def flask_post(config: Any, handler: Handler) -> Post:
    app = flask.Flask("shop")
    view = payseal_flask.notification_view(payseal.Client(config, now_ms=now_ms), handler)
    app.add_url_rule("/notify", view_func=view, methods=["POST"])
    return flask_test_post(app)


def flask_test_post(app: flask.Flask) -> Post:
    def post(headers: Any, body: bytes) -> tuple[int, bytes, str]:
        answer = app.test_client().post("/notify", data=body, headers=headers)
        return answer.status_code, answer.data, answer.headers["Content-Type"]

    return post


def django_post(config: Any, handler: Handler) -> Post:
    urlpatterns[:] = [django.urls.path("notify", payseal_django.notification_view(payseal.Client(config, now_ms=now_ms), handler))]
    django.urls.clear_url_caches()

    return django_test_post


def django_test_post(headers: Any, body: bytes) -> tuple[int, bytes, str]:
    test_client = django.test.Client(enforce_csrf_checks=True)
    answer = test_client.post("/notify", body, content_type="application/json", headers=dict(headers))
    return answer.status_code, answer.content, answer.headers["Content-Type"]


def async_django_post(config: Any, handler: Handler) -> Post:
    client = payseal.AsyncClient(config, now_ms=now_ms)
    view: Any = payseal_django.async_notification_view(client, handler.awaited)
    urlpatterns[:] = [django.urls.path("notify", view)]
    django.urls.clear_url_caches()

    return async_django_test_post


def async_django_test_post(headers: Any, body: bytes) -> tuple[int, bytes, str]:
    async def run() -> Any:
        test_client = django.test.AsyncClient(enforce_csrf_checks=True)
        return await test_client.post("/notify", body, content_type="application/json", headers=dict(headers))

    answer = asyncio.run(run())
    return answer.status_code, answer.content, answer.headers["Content-Type"]


@pytest.fixture(params=[starlette_post, fastapi_post, flask_post, django_post, async_django_post], ids=lambda made: made.__name__)
def post(request: pytest.FixtureRequest, provider: Provider, handler: Handler) -> Any:
    return request.param(provider.config(), handler)


def test_a_notification_reaches_the_handler_and_is_acknowledged(post: Post, provider: Provider, handler: Handler) -> None:
    headers, body = provider.notification(TRANSACTION)
    status, answer, content_type = post(headers, body)
    assert (status, json.loads(answer)["code"], content_type) == (200, "SUCCESS", "application/json")
    (notification,) = handler.seen
    assert notification.json() == TRANSACTION
    assert notification.event.timestamp == NOW


def test_a_forged_notification_reaches_nobody(post: Post, provider: Provider, handler: Handler) -> None:
    headers, body = provider.notification(TRANSACTION)
    for forged_headers, forged_body in (
        (headers, body.replace(b"TRANSACTION.SUCCESS", b"TRANSACTION.SUCCESs")),
        (Provider().notification(TRANSACTION)[0], body),
        ([], body),
        (provider.notification(TRANSACTION, signature="WECHATPAY/SIGNTEST/eHh4")[0], body),
    ):
        status, answer, _ = post(forged_headers, forged_body)
        assert 400 <= status < 500
        assert json.loads(answer)["code"] == "FAIL"
    assert handler.seen == []


def test_a_handler_that_fails_makes_the_provider_repeat(
    post: Post, provider: Provider, handler: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    handler.failure = RuntimeError("the database is down")
    message = provider.notification(TRANSACTION)
    with caplog.at_level(logging.ERROR, "payseal.contrib"):
        status, answer, _ = post(*message)
    assert (status, json.loads(answer)["code"]) == (500, "FAIL")
    assert b"database" not in answer
    (record,) = [record for record in caplog.records if record.name == "payseal.contrib"]
    assert record.exc_info is not None
    assert record.exc_info[1] is handler.failure
    handler.failure = None
    assert post(*message)[0] == 200


def test_an_error_of_payseal_in_the_handler_is_the_handlers(post: Post, provider: Provider, handler: Handler) -> None:
    """A query that fails inside the handler must not look like a forged notification."""
    handler.failure = payseal.TrustError(payseal.Code.SIGNATURE_INVALID, payseal.Outcome.UNKNOWN, "of another call", {})
    assert post(*provider.notification(TRANSACTION))[0] == 500


def test_a_body_is_read_as_it_came(post: Post, provider: Provider, handler: Handler) -> None:
    """Spaces, order of members and line ends are signed; a body that is parsed and written anew would not verify."""
    envelope = json.loads(provider.notification(TRANSACTION)[1])
    body = b"\r\n" + json.dumps(dict(reversed(envelope.items())), indent=7).encode() + b"\r\n\t "
    assert post(provider.signed_headers(body), body)[0] == 200
    assert len(handler.seen) == 1


def test_a_body_beyond_the_limit_is_refused(post: Post, provider: Provider, handler: Handler) -> None:
    body = provider.notification({**TRANSACTION, "attach": "x" * (1 << 20)})[1]
    assert 400 <= post(provider.signed_headers(body), body)[0] < 500
    assert handler.seen == []


def test_the_endpoint_stops_reading_what_is_too_long(provider: Provider, handler: Handler) -> None:
    endpoint = payseal_starlette.notification_endpoint(payseal.AsyncClient(provider.config()), handler.awaited)
    received = 0

    async def receive() -> dict[str, Any]:
        nonlocal received
        received += 1
        assert received <= 20, "it reads for ever"
        return {"type": "http.request", "body": bytes(1 << 16), "more_body": True}

    async def run() -> Any:
        scope = {"type": "http", "method": "POST", "path": "/notify", "headers": []}
        return await endpoint(starlette.requests.Request(scope, receive))

    assert asyncio.run(run()).status_code in (400, 401, 413)
    assert received == 17


def test_flask_does_not_read_what_is_too_long(provider: Provider, handler: Handler) -> None:
    status, _, _ = flask_post(provider.config(), handler)([], bytes((1 << 20) + 1))
    assert status == 413


def test_django_takes_post_only(provider: Provider, handler: Handler) -> None:
    view = payseal_django.notification_view(payseal.Client(provider.config()), handler)
    assert view(django.test.RequestFactory().get("/notify")).status_code == 405


def accepting(kind: str, provider: Provider, store: str) -> tuple[Post, payments.Payments]:
    """A framework whose view takes notifications into payments."""
    config: Any = {"store": store}
    if kind in ("fastapi", "async_django"):
        client = payseal.AsyncClient(provider.config(), now_ms=now_ms)
        twin = payments.AsyncPayments(config, {"wechat": client}, now_ms=now_ms)
        shop = twin.payments
    else:
        shop = payments.Payments(config, {"wechat": payseal.Client(provider.config(), now_ms=now_ms)}, now_ms=now_ms)
    if kind == "flask":
        flask_app = flask.Flask("shop")
        flask_app.add_url_rule("/notify", view_func=payseal_flask.accept_view(shop), methods=["POST"])
        return flask_test_post(flask_app), shop
    if kind == "fastapi":
        app = FastAPI()
        app.add_api_route("/notify", payseal_starlette.accept_endpoint(twin, "wechat"), methods=["POST"])
        return asgi_post(app), shop
    view: Any = payseal_django.accept_view(shop) if kind == "django" else payseal_django.async_accept_view(twin, "wechat")
    urlpatterns[:] = [django.urls.path("notify", view)]
    django.urls.clear_url_caches()
    return (django_test_post if kind == "django" else async_django_test_post), shop


@pytest.mark.parametrize("kind", ["fastapi", "flask", "django", "async_django"])
def test_a_notification_is_stored_before_it_is_answered_with_success(kind: str, provider: Provider, tmp_path: Path) -> None:
    post, shop = accepting(kind, provider, f"sqlite:{tmp_path / 'pay.db'}")
    headers, body = provider.notification(TRANSACTION)
    for _ in range(2):
        assert post(headers, body)[0] == 200
    (event,) = shop.claim_events(10)
    assert json.loads(event.plaintext) == TRANSACTION
    assert post(headers, body.replace(b"TRANSACTION", b"transaction"))[0] == 401
    assert 400 <= post(headers, bytes((1 << 20) + 1))[0] < 500
    shop.close()
    assert shop.closed
