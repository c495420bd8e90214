"""Every known event of every family, told by the sandbox and opened into its model."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator

import pytest

from sandbox import Sandbox
from test_deliveries import Service
from test_models import CATALOGUE, NOTIFICATIONS, overlays, sample

# The notifications of each family: those of the overlay, and those of the families that are described by hand.
TOLD = [(told["family"], told["notifications"]) for overlay in overlays() for told in overlay.get("notifications", ())] + [
    (family["name"], family.get("notifications", ())) for family in json.loads((CATALOGUE / "wechat-v3.json").read_text())["families"]
]
EVENTS = [
    (family, event, notification["plaintext"])
    for family, notifications in TOLD
    for notification in notifications
    for event in notification["events"]
]


@pytest.fixture(scope="module")
def service(sandbox_process: Sandbox) -> Iterator[Service]:
    service = Service(sandbox_process.config())
    yield service
    service.close()


@pytest.mark.parametrize(("family", "event", "plaintext"), EVENTS)
def test_an_event_is_opened_into_the_model_of_its_family(
    service: Service, sandbox: Sandbox, family: str, event: str, plaintext: str
) -> None:
    kind = getattr(importlib.import_module(f"payseal.wechat.{family}"), plaintext)
    whole = sample(kind)
    service.heard.clear()
    telling = {"event_type": event, "original_type": "test", "notify_url": service.notify_url, "resource": whole.to_json()}
    told = sandbox.control("POST", "/sandbox/notifications", telling)
    sandbox.control("POST", f"/sandbox/notifications/{told['id']}/resend")  # returns when it has been delivered
    notification = service.heard[-1]
    assert notification.event.event_type == event
    assert kind.from_json(notification.json()) == whole


def test_there_are_events_of_all_families_that_tell_any() -> None:
    assert len(EVENTS) >= 55
    assert {family for family, _, _ in EVENTS} > {family for family, _ in NOTIFICATIONS}
