"""The library's counters in prometheus_client."""

from __future__ import annotations

from typing import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import payseal
from payseal.contrib.prometheus import ClientCollector
from provider import NATIVE, ORDER, QUERY, TRANSACTION, Provider


@pytest.fixture
def used(make_client: Callable[..., payseal.Client], provider: Provider) -> payseal.Client:
    client = make_client(transport=lambda _request: provider.answer({"code_url": "weixin://"}))
    client.execute(NATIVE, body=ORDER)
    client.execute("GET /v3/not/in/the/catalogue")
    client.open_notification(*provider.notification(TRANSACTION))
    with pytest.raises(payseal.TrustError):
        client.open_notification([], b"")
    with pytest.raises(payseal.TrustError):
        client.execute(QUERY, path={"out_trade_no": "20231115061320A"}, options={"expect": {"out_trade_no": "x"}})
    return client


def test_metrics_count_calls_by_operation_and_outcome(used: payseal.Client) -> None:
    families = {family.name: family for family in text_string_to_metric_families(used.metrics())}
    requests = {tuple(sorted(sample.labels.items())): sample.value for sample in families["payseal_requests"].samples}
    assert requests[(("operation", NATIVE), ("outcome", "ok"), ("provider", "wechat"))] == 1
    assert requests[(("operation", "other"), ("outcome", "ok"), ("provider", "wechat"))] == 1
    assert families["payseal_request_duration_seconds"].type == "histogram"


def test_no_order_number_is_a_label(used: payseal.Client) -> None:
    assert str(ORDER["out_trade_no"]) not in used.metrics()


def test_clients_are_told_apart_by_their_labels(
    used: payseal.Client, make_client: Callable[..., payseal.Client], provider: Provider
) -> None:
    registry, collector = CollectorRegistry(), ClientCollector()
    registry.register(collector)
    collector.add(used, merchant="1")
    other = make_client()
    collector.add(other, merchant="2")
    other.open_notification(*provider.notification(TRANSACTION))
    text = generate_latest(registry).decode()
    assert text.count("# TYPE payseal_notifications_total counter") == 1
    assert f'payseal_requests_total{{merchant="1",operation="{NATIVE}",outcome="ok",provider="wechat"}} 1.0' in text
    value = registry.get_sample_value("payseal_notifications_total", {"merchant": "2", "provider": "wechat", "outcome": "ok"})
    assert value == 1


def test_a_closed_client_is_collected_no_more(used: payseal.Client) -> None:
    registry, collector = CollectorRegistry(), ClientCollector()
    registry.register(collector)
    collector.add(used)
    assert b"payseal_requests_total{" in generate_latest(registry)
    used.close()
    assert b"payseal" not in generate_latest(registry)
