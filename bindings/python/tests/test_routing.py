"""Many merchants behind one address, and why a notification is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import payseal
from payseal import Code
from payseal.contrib._answer import answer, answer_async
from provider import MCHID, TRANSACTION, Provider, now_ms

OTHER_KEY = "Another3KeyOf32BytesAltogether00"


@pytest.fixture
def clients(provider: Provider) -> Iterator[list[payseal.Client]]:
    """Another merchant, whose APIv3 key opens nothing of the first's, and the first."""
    with (
        payseal.Client(provider.config(apiv3_key=OTHER_KEY), now_ms=now_ms) as other,
        payseal.Client(provider.config(), now_ms=now_ms) as first,
    ):
        yield [other, first]


def test_a_notification_is_opened_by_the_merchant_whose_it_is(clients: list[payseal.Client], provider: Provider) -> None:
    router = payseal.NotificationRouter(clients)
    headers, body = provider.notification(TRANSACTION)
    assert router.route(headers, body) is clients[1]
    assert router.open_notification(iter(headers), body).event.merchant == MCHID


def test_a_router_answers_in_a_clients_place(clients: list[payseal.Client], provider: Provider) -> None:
    router = payseal.NotificationRouter(clients)
    headers, body = provider.notification(TRANSACTION)
    opened: list[payseal.Notification] = []
    assert answer(router, headers, body, opened.append).status == 200
    assert answer(router, headers, body + b" ", opened.append).status == 401
    assert [notification.json() for notification in opened] == [TRANSACTION]


def test_the_same_with_coroutines(provider: Provider) -> None:
    async def run() -> None:
        async with (
            payseal.AsyncClient(provider.config(apiv3_key=OTHER_KEY), now_ms=now_ms) as other,
            payseal.AsyncClient(provider.config(), now_ms=now_ms) as first,
        ):
            router = payseal.AsyncNotificationRouter([other, first])
            headers, body = provider.notification(TRANSACTION)
            assert router.route(headers, body) is first
            opened: list[payseal.Notification] = []

            async def keep(notification: payseal.Notification) -> None:
                opened.append(notification)

            assert (await answer_async(router, headers, body, keep)).status == 200
            assert [notification.json() for notification in opened] == [TRANSACTION]

    asyncio.run(run())


def test_what_is_nobodys_is_refused(clients: list[payseal.Client], provider: Provider) -> None:
    headers, body = provider.notification(TRANSACTION)
    with pytest.raises(payseal.TrustError) as refused:
        payseal.NotificationRouter(clients[:1]).open_notification(headers, body)
    assert refused.value.code is Code.DECRYPTION_FAILED
    with pytest.raises(ValueError, match="needs a client"):
        payseal.NotificationRouter([])
    clients[0].close()
    with pytest.raises(payseal.ClosedError):
        payseal.NotificationRouter(clients).route(headers, body)


def test_a_refused_notification_is_explained(clients: list[payseal.Client], provider: Provider) -> None:
    headers, body = provider.notification(TRANSACTION)
    assert clients[1].explain_notification(headers, body) == payseal.Explanation(accepted=True)
    explanation = clients[1].explain_notification(headers, body + b"\n")
    assert (explanation.code, explanation.cause) == (Code.SIGNATURE_INVALID, "body_reencoded")
    assert clients[0].explain_notification(headers, body).cause == "apiv3_key"


def test_the_doctor_tells_every_mistake(provider: Provider) -> None:
    report = payseal.doctor.examine(provider.config(apiv3_key="short", merchant_serial="PUB_KEY_ID_0"))
    assert not report.healthy
    assert {"apiv3_key", "merchant_serial"} <= {finding.check for finding in report.findings if finding.status == "problem"}
    assert payseal.doctor.examine(provider.config()).healthy
    with pytest.raises(payseal.ArgumentError):
        payseal.doctor.examine({}, timeout_ms=0)
