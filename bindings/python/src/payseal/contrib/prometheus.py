"""The library's metrics in a registry of ``prometheus_client``.

::

    collector = ClientCollector()
    collector.add(client, merchant="1900000001")
    prometheus_client.REGISTRY.register(collector)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from payseal.aio import AsyncClient
from payseal.client import Client
from payseal.errors import ClosedError


class ClientCollector(Collector):
    """Collects from any number of clients. Each keeps its own counters; the labels given here tell them apart."""

    def __init__(self) -> None:
        """Without a client yet."""
        self._clients: list[tuple[Union[Client, AsyncClient], dict[str, str]]] = []

    def add(self, client: Union[Client, AsyncClient], **labels: str) -> None:
        """Collect from this client too, until it is closed.

        Args:
            client: The client.
            labels: Added to each of its samples; several clients need different ones.
        """
        self._clients.append((client, labels))

    def describe(self) -> list[Metric]:
        """Nothing ahead of time: a client may be added later."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families of all clients, merged by name. Called by the registry, from any thread."""
        families: dict[str, Metric] = {}
        for client, labels in tuple(self._clients):
            try:
                text = client.metrics()
            except ClosedError:
                continue
            for family in text_string_to_metric_families(text):
                merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    merged.add_sample(sample.name, {**sample.labels, **labels}, sample.value)
        yield from families.values()
